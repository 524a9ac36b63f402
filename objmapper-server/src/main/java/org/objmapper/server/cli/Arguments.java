package org.objmapper.server.cli;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.objmapper.protocol.MetadataType;
import org.objmapper.server.config.Units;

/**
 * The arguments of one call of a command. Parsed by hand because it takes a fraction of a millisecond where building picocli's
 * model takes half of the whole start; picocli shows the help, from the same definition.
 */
final class Arguments {
    /** A hundred years: what goes on for longer is meant to go on for ever. */
    private static final long LONGEST_MILLIS = 36_500L * 86_400_000;

    private static final long LONGEST_TIMEOUT_MILLIS = 86_400_000;

    private final CommandDefinition command;
    private final Map<String, List<String>> options = new HashMap<>();
    private final List<String> values = new ArrayList<>();

    private Arguments(CommandDefinition command) {
        this.command = command;
    }

    /** Parses what follows the command's name. */
    static Arguments parse(CommandDefinition command, List<String> words) throws ToolFailure {
        Arguments arguments = new Arguments(command);
        arguments.read(words);
        if (!arguments.has(OptionDefinition.HELP)) {
            arguments.checkNotEmpty(OptionDefinition.SOCKET);
            arguments.timeoutMillis(0); // wrong usage is said before anything else happens
            arguments.checkParameters();
        }
        return arguments;
    }

    private void read(List<String> words) throws ToolFailure {
        for (int i = 0; i < words.size(); i++) {
            String word = words.get(i);
            if (word.equals("--")) {
                values.addAll(words.subList(i + 1, words.size()));
                return;
            }
            if (!word.startsWith("-") || word.equals("-")) {
                values.add(word);
                if (isProgram(values.size() - 1)) {
                    values.addAll(words.subList(i + 1, words.size())); // its options are none of ours
                    return;
                }
                continue;
            }
            int equals = word.startsWith("--") ? word.indexOf('=') : -1;
            OptionDefinition option = find(equals < 0 ? word : word.substring(0, equals));
            if (option.label() == null) {
                if (equals >= 0) {
                    throw usage(option.name() + " takes no value");
                }
                note(option, "");
            } else if (equals >= 0) {
                note(option, word.substring(equals + 1));
            } else if (i + 1 < words.size()) {
                note(option, words.get(++i));
            } else {
                throw usage(option.name() + " needs a value: " + option.label());
            }
        }
    }

    private boolean isProgram(int index) {
        return index < command.parameters().size()
                && command.parameters().get(index).isProgram();
    }

    private OptionDefinition find(String word) throws ToolFailure {
        for (OptionDefinition option : command.options()) {
            if (option.answersTo(word)) {
                return option;
            }
        }
        throw usage("unknown option " + Shown.name(word) + "; it takes " + optionNames());
    }

    private String optionNames() {
        return command.options().stream().map(OptionDefinition::name).collect(Collectors.joining(", "));
    }

    private void note(OptionDefinition option, String value) throws ToolFailure {
        List<String> given = options.computeIfAbsent(option.name(), name -> new ArrayList<>());
        if (!given.isEmpty() && !option.repeats()) {
            throw usage(option.name() + " stands twice");
        }
        given.add(value);
    }

    private void checkParameters() throws ToolFailure {
        long least = 0;
        long most = 0;
        for (ParameterDefinition parameter : command.parameters()) {
            least += parameter.least();
            most += parameter.most();
            if (values.size() < least) {
                throw usage(parameter.label() + " is missing");
            }
        }
        if (values.size() > most) {
            throw usage("too much: " + Shown.name(values.get((int) most)) + "; the options are " + optionNames());
        }
    }

    boolean has(OptionDefinition option) {
        return options.containsKey(option.name());
    }

    @Nullable
    String text(OptionDefinition option) {
        List<String> given = options.get(option.name());
        return given == null ? null : given.get(0);
    }

    /** All values of an option that repeats, in their order. */
    List<String> texts(OptionDefinition option) {
        return options.getOrDefault(option.name(), List.of());
    }

    /** A time in milliseconds; -1 for never, {@code absent} when the option is not there. */
    long millis(OptionDefinition option, long absent) throws ToolFailure {
        String text = text(option);
        if (text == null) {
            return absent;
        }
        if (text.equals("never")) {
            return -1;
        }
        try {
            long millis = Units.parseMillis(text);
            if (millis > LONGEST_MILLIS) {
                throw usage(option.name() + " " + text + " is too long; it takes up to 36500d");
            }
            return millis;
        } catch (IllegalArgumentException e) {
            throw usage(
                    option.name() + " " + text + " is no time; write for instance 500ms, 30s, 10min, 24h, 7d or never");
        }
    }

    /** How long to wait for the server; 0 for ever, {@code absent} when nothing is said. */
    int timeoutMillis(int absent) throws ToolFailure {
        long millis = millis(OptionDefinition.TIMEOUT, absent);
        if (has(OptionDefinition.TIMEOUT) && (millis == 0 || millis > LONGEST_TIMEOUT_MILLIS)) {
            throw usage(OptionDefinition.TIMEOUT.name() + " " + text(OptionDefinition.TIMEOUT)
                    + " is not possible; it takes 1ms to 24h, or never");
        }
        return (int) Math.max(0, millis);
    }

    /** A number within a range, or {@code absent} when the option is not there. */
    long number(OptionDefinition option, long absent, long lowest, long highest) throws ToolFailure {
        String text = text(option);
        if (text == null) {
            return absent;
        }
        try {
            long number = Long.parseLong(text);
            if (number >= lowest && number <= highest) {
                return number;
            }
        } catch (NumberFormatException e) {
            // said below, as for a number out of range
        }
        throw usage(option.name() + " " + text + " is not possible; it takes " + lowest + " to " + highest);
    }

    /** Which of some words an option has as its value, or {@code absent}. */
    String choice(OptionDefinition option, String absent, List<String> choices) throws ToolFailure {
        String text = text(option);
        if (text == null) {
            return absent;
        }
        if (!choices.contains(text)) {
            throw usage(option.name() + " " + text + " is not possible; it takes " + String.join(", ", choices));
        }
        return text;
    }

    /** Checks that the value of an option, where it is there, is as long as what it becomes may be. */
    void checkLength(OptionDefinition option, MetadataType type) throws ToolFailure {
        for (String text : texts(option)) {
            int length = text.getBytes(StandardCharsets.UTF_8).length;
            if (length < type.shortest() || length > type.longest()) {
                throw usage(option.name() + " takes " + type.shortest() + " to " + type.longest() + " bytes; this has "
                        + length);
            }
        }
    }

    /** Checks that an option that names a file names one. */
    void checkNotEmpty(OptionDefinition option) throws ToolFailure {
        if (texts(option).contains("")) {
            throw usage(option.name() + " needs a value: " + option.label());
        }
    }

    /** The positional values. */
    List<String> values() {
        return values;
    }

    String value(int index) {
        return values.get(index);
    }

    /** A mistake in how the command was called. */
    ToolFailure usage(String message) {
        return new ToolFailure(
                ExitCode.USAGE, message + "\nobjmapper " + command.name() + " --help says how it is called");
    }
}
