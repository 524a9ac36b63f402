package org.objmapper.server.cli;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The program {@code objmapper}: finds the command, runs it, and turns what went wrong into a message and an exit code. */
public final class ObjmapperCommand {
    /** The commands' names, in the order of the help. */
    static final List<String> NAMES = List.of(
            "put", "get", "head", "ls", "rm", "purge", "touch", "import", "export", "with", "stat", "device", "ping",
            "bench");

    private ObjmapperCommand() {}

    public static void main(String[] words) {
        Console console = Console.ofProcess();
        int exitCode = CallerLocale.isUtf8(words) ? run(List.of(words), console) : notUtf8(console);
        console.err().flush();
        if (exitCode != ExitCode.OK) {
            System.exit(exitCode);
        }
    }

    private static int notUtf8(Console console) {
        console.complain("a word on the command line is not UTF-8, as keys and file names must be here"
                + "\ngive the file another name, or use a client library for such a key");
        return ExitCode.USAGE;
    }

    /** Runs one call of the tool; returns its exit code. */
    static int run(List<String> words, Console process) {
        List<String> rest = new ArrayList<>(words);
        if (rest.size() > 2 && rest.get(0).equals(OptionDefinition.SOCKET.name())) {
            rest.add(0, rest.remove(2)); // objmapper --socket PATH get: the same as objmapper get --socket PATH
        }
        boolean named = !rest.isEmpty() && NAMES.contains(rest.get(0));
        Console console = named ? process.ofCommand(rest.get(0)) : process;
        try {
            int exitCode = dispatch(rest, console);
            console.out().flush();
            return exitCode;
        } catch (ToolFailure e) {
            return failed(words, console, e.exitCode(), e.text(), e);
        } catch (NoAnswerException e) {
            return failed(words, console, ExitCode.NO_ANSWER, IoMessage.of(e), e);
        } catch (IOException e) {
            return failed(words, console, ExitCode.IO, IoMessage.of(e), e);
        }
    }

    private static int dispatch(List<String> rest, Console console) throws IOException, ToolFailure {
        if (rest.isEmpty()
                || rest.get(0).equals("--help")
                || rest.get(0).equals("-h")
                || rest.get(0).equals("help")) {
            Usage.print(rest.size() > 1 ? command(rest.get(1)) : null, console);
            return rest.isEmpty() ? ExitCode.USAGE : ExitCode.OK;
        }
        if (rest.get(0).equals("--version") || rest.get(0).equals("-V")) {
            console.line("objmapper " + Version.text());
            return ExitCode.OK;
        }
        ToolCommand command = command(rest.get(0));
        if (command == null) {
            throw new ToolFailure(
                    ExitCode.USAGE,
                    "there is no command " + Shown.name(rest.get(0)) + "; there are " + String.join(", ", NAMES)
                            + "\nobjmapper --help says what they do");
        }
        Arguments arguments = Arguments.parse(command.definition(), rest.subList(1, rest.size()));
        if (arguments.has(OptionDefinition.HELP)) {
            Usage.print(command, console);
            return ExitCode.OK;
        }
        return command.run(arguments, console);
    }

    /** The command of a name; only its own class is loaded. */
    static @Nullable ToolCommand command(String name) {
        return switch (name) {
            case "put" -> new PutCommand();
            case "get" -> new GetCommand();
            case "head" -> new HeadCommand();
            case "ls" -> new ListCommand();
            case "rm" -> new RemoveCommand();
            case "purge" -> new PurgeCommand();
            case "touch" -> new TouchCommand();
            case "import" -> new ImportCommand();
            case "export" -> new ExportCommand();
            case "with" -> new WithCommand();
            case "stat" -> new StatCommand();
            case "device" -> new DeviceCommand();
            case "ping" -> new PingCommand();
            case "bench" -> new BenchCommand();
            default -> null;
        };
    }

    private static int failed(List<String> words, Console console, int exitCode, String message, Exception cause) {
        if (Console.READER_IS_GONE.equals(message)) {
            return exitCode; // who read the output has had enough
        }
        console.complain(message);
        if (words.contains(OptionDefinition.DEBUG.name())) {
            cause.printStackTrace(console.err());
        }
        return exitCode;
    }
}
