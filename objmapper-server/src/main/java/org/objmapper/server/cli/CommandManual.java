package org.objmapper.server.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.codegen.docgen.manpage.ManPageGenerator;

/**
 * Writes the manual's sources and bash's completions from the commands' definitions, so that neither can say anything else
 * than the programs do. Only the build runs it; picocli's generator is not part of the distribution.
 */
final class CommandManual {
    private CommandManual() {}

    /** Takes the directory for the manual's sources and the one for the completions. */
    public static void main(String[] arguments) throws IOException {
        Path manual = Path.of(arguments[0]);
        Path completions = Path.of(arguments[1]);
        describe(Usage.tool(), manual.resolve("man1"), completions);
        describe(ObjmapperdCommand.commandLine().getCommandSpec(), manual.resolve("man8"), completions);
    }

    private static void describe(CommandSpec program, Path manual, Path completions) throws IOException {
        CommandLine line = new CommandLine(program); // the generator needs one to be there
        Files.createDirectories(manual);
        int exitCode = ManPageGenerator.generateManPage(manual.toFile(), null, new boolean[0], false, program);
        if (exitCode != CommandLine.ExitCode.OK) {
            throw new IOException("no manual of " + program.name() + " in " + manual + ": exit code " + exitCode);
        }
        Files.writeString(completions.resolve(program.name()), AutoComplete.bash(program.name(), line));
    }
}
