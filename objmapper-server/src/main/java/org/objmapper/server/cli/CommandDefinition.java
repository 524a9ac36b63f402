package org.objmapper.server.cli;

import java.util.ArrayList;
import java.util.List;

/**
 * What a command of the tool is called, does and takes: the one source of its parsing, help, man page and completion.
 *
 * @param name its name, such as {@code get}
 * @param summary one line on what it does
 * @param description more lines on it
 */
record CommandDefinition(
        String name,
        String summary,
        List<String> description,
        List<ParameterDefinition> parameters,
        List<OptionDefinition> options) {
    /** A definition with the options that every command has added. */
    static CommandDefinition of(
            String name,
            String summary,
            List<String> description,
            List<ParameterDefinition> parameters,
            OptionDefinition... options) {
        List<OptionDefinition> all = new ArrayList<>(List.of(options));
        all.add(OptionDefinition.SOCKET);
        if (all.stream().noneMatch(option -> option.answersTo(OptionDefinition.TIMEOUT.name()))) {
            all.add(OptionDefinition.TIMEOUT);
        }
        all.add(OptionDefinition.DEBUG);
        all.add(OptionDefinition.HELP);
        return new CommandDefinition(name, summary, description, parameters, List.copyOf(all));
    }
}
