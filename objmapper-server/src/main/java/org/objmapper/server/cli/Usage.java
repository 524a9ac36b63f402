package org.objmapper.server.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/** The help of the tool, by picocli, from the commands' definitions; man pages and completions are made from the same model. */
final class Usage {
    private static final String EXIT_CODES_HEADING = "%nExit codes:%n";
    private static final Map<String, String> EXIT_CODES = exitCodes();

    private Usage() {}

    private static Map<String, String> exitCodes() {
        Map<String, String> codes = new LinkedHashMap<>();
        codes.put(Integer.toString(ExitCode.OK), "ok");
        codes.put(Integer.toString(ExitCode.NOT_FOUND), "there is no such object");
        codes.put(Integer.toString(ExitCode.USAGE), "wrong usage");
        codes.put(Integer.toString(ExitCode.CANNOT_CONNECT), "no connection to a server");
        codes.put(Integer.toString(ExitCode.REFUSED), "the server refused");
        codes.put(Integer.toString(ExitCode.IO), "input or output failed");
        codes.put(Integer.toString(ExitCode.NO_ANSWER), "the server did not answer in time");
        codes.put("130", "ended by Ctrl-C");
        return codes;
    }

    private static Map<String, String> exitCodes(CommandDefinition definition) {
        Map<String, String> codes = new LinkedHashMap<>(EXIT_CODES);
        if (definition.name().equals(WithCommand.NAME)) {
            codes.put(Integer.toString(WithCommand.CANNOT_BE_RUN), "COMMAND cannot be run");
            codes.put(Integer.toString(WithCommand.NO_SUCH_COMMAND), "there is no such COMMAND");
            codes.put("others", "those of COMMAND");
        }
        return codes;
    }

    /** Prints the help of a command, or that of the whole tool for null. */
    static void print(@Nullable ToolCommand command, Console console) throws IOException {
        CommandSpec spec = tool();
        CommandLine line = new CommandLine(spec);
        if (command != null) {
            line = Objects.requireNonNull(
                    line.getSubcommands().get(command.definition().name()));
        }
        console.out().write(line.getUsageMessage(CommandLine.Help.Ansi.AUTO).getBytes(StandardCharsets.UTF_8));
    }

    /** The tool with all its commands. */
    static CommandSpec tool() {
        CommandSpec spec = CommandSpec.create().name("objmapper");
        spec.usageMessage()
                .header("Store objects in an objmapper server and get them back.")
                .description("Keys and file names are UTF-8, whatever the locale is.")
                .exitCodeListHeading(EXIT_CODES_HEADING)
                .exitCodeList(EXIT_CODES);
        spec.addOption(OptionSpec.builder("-h", "--help")
                .usageHelp(true)
                .description("Show this help.")
                .build());
        spec.addOption(OptionSpec.builder("-V", "--version")
                .versionHelp(true)
                .description("Show the version.")
                .build());
        for (String name : ObjmapperCommand.NAMES) {
            ToolCommand command = ObjmapperCommand.command(name);
            if (command != null) {
                spec.addSubcommand(name, of(command.definition()));
            }
        }
        return spec;
    }

    private static CommandSpec of(CommandDefinition definition) {
        CommandSpec spec = CommandSpec.create().name(definition.name());
        spec.usageMessage()
                .header(definition.summary())
                .description(definition.description().toArray(new String[0]))
                .sortOptions(false)
                .exitCodeListHeading(EXIT_CODES_HEADING)
                .exitCodeList(exitCodes(definition));
        for (OptionDefinition option : definition.options()) {
            spec.addOption(of(option));
        }
        int index = 0;
        for (ParameterDefinition parameter : definition.parameters()) {
            spec.addPositional(of(parameter, index++));
        }
        return spec;
    }

    private static OptionSpec of(OptionDefinition option) {
        String shortName = option.shortName();
        OptionSpec.Builder builder =
                shortName == null ? OptionSpec.builder(option.name()) : OptionSpec.builder(shortName, option.name());
        builder.description(escaped(option.help()));
        if (option.equals(OptionDefinition.HELP)) {
            builder.usageHelp(true);
        }
        if (option.label() == null) {
            return builder.build();
        }
        builder.paramLabel(option.label()).arity("1");
        return option.repeats()
                ? builder.type(List.class).auxiliaryTypes(String.class).build()
                : builder.type(String.class).build();
    }

    private static PositionalParamSpec of(ParameterDefinition parameter, int index) {
        PositionalParamSpec.Builder builder =
                PositionalParamSpec.builder().paramLabel(parameter.label()).description(escaped(parameter.help()));
        if (parameter.most() > 1) {
            return builder.index(index + "..*")
                    .arity(parameter.least() + "..*")
                    .type(List.class)
                    .auxiliaryTypes(String.class)
                    .build();
        }
        return builder.index(Integer.toString(index))
                .arity(Integer.toString(parameter.least()) + (parameter.least() == 0 ? "..1" : ""))
                .type(String.class)
                .build();
    }

    private static String escaped(String text) {
        return text.replace("%", "%%");
    }
}
