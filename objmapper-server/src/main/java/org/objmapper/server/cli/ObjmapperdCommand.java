package org.objmapper.server.cli;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.objmapper.server.config.Configuration;
import org.objmapper.server.config.ConfigurationException;
import org.objmapper.server.config.ConfigurationFile;
import org.objmapper.server.config.DeviceSettings;
import org.objmapper.server.config.ListenerSettings;
import org.objmapper.server.config.StoreSettings;
import org.objmapper.server.store.Store;
import org.objmapper.server.store.check.Fsck;
import org.objmapper.server.store.check.FsckReport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.UsageMessageSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.UnmatchedArgumentException;

/** The program {@code objmapperd}. */
@Command(
        name = "objmapperd",
        header = "The objmapper server.",
        description = {
            "Stores objects in a directory and hands them out through a Unix socket. When it is ready it prints one line on the"
                    + " standard output: objmapperd ready on PATH, with a comma and a space between several. SIGTERM,"
                    + " SIGINT and SIGHUP let it finish what it has begun, bodies that are still coming in too, for the drain"
                    + " timeout at most, and end it; a second one ends it at once. The configuration is read at the start alone.",
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:ok, ended by SIGTERM, SIGINT or SIGHUP too",
            "2:wrong usage or configuration",
            "4:refused",
            "5:input or output failed"
        },
        sortOptions = false,
        versionProvider = ObjmapperdCommand.Versions.class)
public final class ObjmapperdCommand implements Callable<Integer> {
    private static final String CHECK = "check";
    private static final String FSCK = "fsck";
    /** The words of a command line by which stores are opened. */
    private static final Set<String> OPEN_STORES = Set.of("--dev", "serve", FSCK);

    private static final Logger LOG = LoggerFactory.getLogger(ObjmapperdCommand.class);
    private static final Path STANDARD_FILE = Path.of("/etc/objmapper/objmapperd.toml");

    @Option(
            names = "--dev",
            description =
                    "Start a server to try things with: no configuration file, a socket for this user alone, data that"
                            + " goes when it ends unless --data keeps it.")
    private boolean dev;

    @Option(
            names = "--socket",
            paramLabel = "PATH",
            scope = ScopeType.INHERIT,
            description = "Listen here, whatever the configuration says.")
    private @Nullable Path socket;

    @Option(
            names = "--data",
            paramLabel = "DIR",
            scope = ScopeType.INHERIT,
            description = "Keep the objects here, whatever the configuration says.")
    private @Nullable Path data;

    @Option(
            names = "--debug",
            scope = ScopeType.INHERIT,
            description = "Log more, and show the stack trace of an error.")
    private boolean debug;

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            scope = ScopeType.INHERIT,
            description = "Show this help.")
    private boolean help;

    @Option(
            names = {"-V", "--version"},
            versionHelp = true,
            description = "Show the version.")
    private boolean version;

    public static void main(String[] arguments) {
        if (!Collections.disjoint(OPEN_STORES, Arrays.asList(arguments))) {
            Store.loadAhead();
        }
        System.exit(commandLine().execute(arguments));
    }

    /** The command line's model, from which its help and manual come too. */
    static CommandLine commandLine() {
        CommandLine line = new CommandLine(new ObjmapperdCommand());
        line.setExecutionExceptionHandler(ObjmapperdCommand::explain);
        line.setParameterExceptionHandler((e, arguments) -> wrongUsage(e));
        UsageMessageSpec own = line.getCommandSpec().usageMessage();
        for (CommandLine command : line.getSubcommands().values()) {
            UsageMessageSpec usage = command.getCommandSpec().usageMessage();
            if (usage.exitCodeList().isEmpty()) {
                usage.exitCodeListHeading(own.exitCodeListHeading()).exitCodeList(own.exitCodeList());
            }
        }
        withhold(line, FSCK, "--socket");
        withhold(line, CHECK, "--socket");
        withhold(line, CHECK, "--data");
        return line;
    }

    /** Takes an option that all commands have from one that it means nothing to. */
    private static void withhold(CommandLine line, String command, String option) {
        CommandSpec spec =
                Objects.requireNonNull(line.getSubcommands().get(command)).getCommandSpec();
        spec.remove(spec.findOption(option));
    }

    /** Without a command: {@code --dev}, or the help. */
    @Override
    public Integer call() throws IOException, ConfigurationException, InterruptedException {
        if (!dev) {
            throw new ParameterException(
                    commandLine(),
                    "nothing to do: objmapperd serve runs a server, objmapperd --dev one to try things with");
        }
        Logging.begin(debug);
        StopSignal signal = StopSignal.register();
        try (DevelopmentServer server = DevelopmentServer.prepare(socket, data)) {
            serve(server.configuration(), signal, server::welcome);
        }
        return ExitCode.OK;
    }

    @Command(
            header = "Run the server.",
            description = "Runs until SIGTERM, SIGINT or SIGHUP. A change of the configuration needs a new start.",
            sortOptions = false)
    int serve(
            @Option(
                            names = {"-c", "--config"},
                            paramLabel = "FILE",
                            description = "The configuration file. Otherwise /etc/objmapper/objmapperd.toml where it is"
                                    + " there, or the defaults.")
                    @Nullable
                    Path file)
            throws IOException, ConfigurationException, InterruptedException {
        refuseDev();
        Logging.begin(debug);
        ConfigurationFile opened = open(file);
        Configuration configuration = configurationOf(opened);
        if ((socket != null || data != null) && configuration.stores().size() > 1) {
            throw new ParameterException(
                    commandLine(),
                    "--socket and --data are for a configuration with one store; this one has "
                            + configuration.stores().size() + ": change the file");
        }
        if (socket != null) {
            configuration = configuration.withSocket(socket);
        }
        if (data == null) {
            warnOfLater(opened);
        } else {
            configuration = configuration.withData(data);
        }
        serve(configuration, StopSignal.register(), () -> {});
        return ExitCode.OK;
    }

    private static void serve(Configuration configuration, StopSignal signal, Runnable welcome)
            throws IOException, InterruptedException {
        try (ServerRun run = ServerRun.start(configuration)) {
            welcome.run();
            System.out.println(readyLine(configuration.listeners()));
            System.out.flush();
            signal.await();
            signal.atNext(run::hurry);
            run.drain();
        }
    }

    /** One line, however many sockets there are, so that who waits for it need not count. */
    static String readyLine(List<ListenerSettings> listeners) {
        return "objmapperd ready on "
                + listeners.stream().map(listener -> listener.path().toString()).collect(Collectors.joining(", "));
    }

    /** Logs what can be used and is hardly meant; on a thread of its own, for it looks at directories, which may hang. */
    private static void warnOfLater(@Nullable ConfigurationFile file) {
        if (file == null) {
            return;
        }
        Thread thread = new Thread(
                () -> {
                    try {
                        file.warnings().forEach(warning -> LOG.warn("{}", warning));
                    } catch (ConfigurationException e) {
                        // Two of the directories are one, which only a look at them shows.
                        e.problems().forEach(problem -> LOG.warn("{}", problem));
                    }
                },
                "configuration-warnings");
        thread.setDaemon(true);
        thread.start();
    }

    /** The file that was given, or the standard one; null where that is not there. */
    private static @Nullable ConfigurationFile open(@Nullable Path given) throws IOException, ConfigurationException {
        if (given != null) {
            return opened(given);
        }
        return Files.exists(STANDARD_FILE) ? opened(STANDARD_FILE) : null;
    }

    private static ConfigurationFile opened(Path file) throws IOException, ConfigurationException {
        try {
            return ConfigurationFile.open(file);
        } catch (FileSystemException e) {
            throw new ConfigurationException(
                    List.of("objmapperd: the configuration cannot be read: " + IoMessage.of(e)));
        }
    }

    private static Configuration configurationOf(@Nullable ConfigurationFile file) {
        return file == null ? Configuration.standard() : file.configuration();
    }

    private void refuseDev() {
        if (dev) {
            throw new ParameterException(commandLine(), "--dev stands alone: it needs no command and no configuration");
        }
    }

    @Command(
            name = CHECK,
            header = "Say whether a configuration file can be used.",
            description =
                    "Prints every problem with its line; the exit code is 2 when there is one. With warnings alone the file can be"
                            + " used.")
    int check(@Parameters(paramLabel = "FILE", description = "The configuration file.") Path file)
            throws IOException, ConfigurationException {
        refuseDev();
        opened(file).warnings().forEach(warning -> System.err.println("warning: " + warning));
        System.out.println(file + " can be used");
        return ExitCode.OK;
    }

    @Command(
            name = FSCK,
            header = "Check a store that no server uses, and repair it.",
            description = {
                "Compares the index with the files and the files with the index, the tables of the index with each other, and"
                        + " bodies with their checksums. Prints a line for each thing that is wrong: to what, and what becomes"
                        + " of it. Changes nothing without --repair. A file that a crash left, and that a server removes after its"
                        + " start, is told and no damage.",
                "A body that is not what was sent is moved to quarantine, a directory beside the objects, with a text that"
                        + " says why; its object is gone.",
                "All stores of the configuration are checked, one after the other, and all devices of each: a device is found by its id, in the directories of the configuration and in"
                        + " the one that it was in last. Where one is absent, does not answer for fifteen seconds when it is opened, or leaves"
                        + " a call unanswered for ten later, its objects that are not checked are counted and left as they are, with"
                        + " --repair too, and the exit code is 4. Without the device that has the index no check can go on: where that"
                        + " stops answering, what was found until then is told, and the exit code is 8."
            },
            exitCodeListHeading = "%nExit codes:%n",
            exitCodeList = {
                "0:clean",
                "1:repaired",
                "4:something is left as it was, lost, or on a device that is not there",
                "8:could not run to its end, such as where a server uses the store",
                "16:wrong usage or configuration",
                "130:ended by Ctrl-C"
            },
            sortOptions = false)
    int fsck(
            @Option(
                            names = {"-c", "--config"},
                            paramLabel = "FILE",
                            description =
                                    "The configuration file that names the stores, where --data doesn't: all of them"
                                            + " are checked, one after the other, and the exit code is the sum of theirs, each"
                                            + " number once.")
                    @Nullable
                    Path file,
            @Option(names = "--repair", description = "Repair what is wrong.") boolean repair,
            @Option(names = "--skip-bodies", description = "Compare only the lengths of files, and don't read them.")
                    boolean skipBodies)
            throws IOException, ConfigurationException {
        refuseDev();
        Logging.begin(debug);
        int exitCode = FsckReport.CLEAN;
        for (Fsck.Options options : checks(file, repair, !skipBodies)) {
            exitCode |= check(options);
        }
        return exitCode;
    }

    /** The store of --data, or all of the configuration. */
    private List<Fsck.Options> checks(@Nullable Path file, boolean repairs, boolean readsBodies)
            throws IOException, ConfigurationException {
        if (data != null) {
            return List.of(new Fsck.Options(data, List.of(), repairs, readsBodies));
        }
        List<Fsck.Options> all = new ArrayList<>();
        for (StoreSettings store : configurationOf(open(file)).stores()) {
            List<Path> devices =
                    store.moreDevices().stream().map(DeviceSettings::directory).toList();
            all.add(new Fsck.Options(store.directory(), devices, repairs, readsBodies));
        }
        return all;
    }

    private int check(Fsck.Options options) {
        try {
            return Fsck.run(options, line -> System.out.println(Shown.escaped(line)))
                    .exitCode();
        } catch (IOException e) {
            if (debug) {
                e.printStackTrace();
            }
            System.err.println("objmapperd: " + IoMessage.of(e));
            return ExitCode.FSCK_COULD_NOT_RUN;
        }
    }

    private static int explain(Exception e, CommandLine line, CommandLine.ParseResult arguments) {
        boolean debug = arguments.expandedArgs().contains("--debug");
        if (e instanceof ParameterException usage) {
            return wrongUsage(usage);
        }
        boolean checks = line.getCommandName().equals(FSCK);
        if (debug) {
            e.printStackTrace(System.err);
        }
        if (e instanceof ConfigurationException configuration) {
            configuration.problems().forEach(System.err::println);
            return checks ? ExitCode.FSCK_USAGE : ExitCode.USAGE;
        }
        if (e instanceof IOException failure) {
            System.err.println("objmapperd: " + IoMessage.of(failure));
            return checks ? ExitCode.FSCK_COULD_NOT_RUN : ExitCode.IO;
        }
        System.err.println("objmapperd: a defect: " + e + (debug ? "" : "; --debug shows where"));
        return checks ? ExitCode.FSCK_COULD_NOT_RUN : ExitCode.REFUSED;
    }

    private static int wrongUsage(ParameterException e) {
        String program = e.getCommandLine().getCommandSpec().qualifiedName();
        List<String> near = e instanceof UnmatchedArgumentException unmatched ? unmatched.getSuggestions() : List.of();
        String hint = near.isEmpty() ? "" : "; did you mean " + String.join(" or ", near) + "?";
        System.err.println("objmapperd: " + Shown.message(e.getMessage() + hint));
        System.err.println(program + " --help says how it is called");
        return e.getCommandLine().getCommandName().equals(FSCK) ? ExitCode.FSCK_USAGE : ExitCode.USAGE;
    }

    /** The version for {@code --version}. */
    static final class Versions implements CommandLine.IVersionProvider {
        @Override
        public String[] getVersion() {
            return new String[] {"objmapperd " + Version.text()};
        }
    }
}
