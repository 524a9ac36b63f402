package org.objmapper.server.cli;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.function.UnaryOperator;
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
        describe(new CommandLine(Usage.tool()), manual.resolve("man1"), completions);
        Path man8 = manual.resolve("man8");
        describe(ObjmapperdCommand.commandLine(), man8, completions);
        rewrite(
                man8,
                page -> page.replaceAll("(objmapperd[a-z-]*)\\(1\\)", "$1(8)")); // the generator knows only section 1
    }

    private static void describe(CommandLine line, Path manual, Path completions) throws IOException {
        CommandSpec program = line.getCommandSpec();
        Files.createDirectories(manual);
        int exitCode = ManPageGenerator.generateManPage(manual.toFile(), null, new boolean[0], false, program);
        if (exitCode != CommandLine.ExitCode.OK) {
            throw new IOException("no manual of " + program.name() + " in " + manual + ": exit code " + exitCode);
        }
        rewrite(manual, page -> page.replaceAll("(?m)^== +(.*):$", "== $1") // a heading of the help ends with a colon
                .replace(" -- ", " \\-- ")); // two hyphens, not a dash
        append(manual);
        Files.writeString(completions.resolve(program.name()), AutoComplete.bash(program.name(), line));
    }

    private static void append(Path manual) throws IOException {
        try (DirectoryStream<Path> pages = Files.newDirectoryStream(manual, "*.adoc")) {
            for (Path page : pages) {
                String name = page.getFileName().toString().replace(".adoc", "");
                Files.writeString(page, "\n" + ManualSections.of(name), StandardOpenOption.APPEND);
            }
        }
    }

    private static void rewrite(Path manual, UnaryOperator<String> change) throws IOException {
        try (DirectoryStream<Path> pages = Files.newDirectoryStream(manual, "*.adoc")) {
            for (Path page : pages) {
                Files.writeString(page, change.apply(Files.readString(page)));
            }
        }
    }
}
