package org.objmapper.server.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Operation;

/** Shows the devices of the store, drains, adds and removes them. */
final class DeviceCommand implements ToolCommand {
    private static final ParameterDefinition ACTION =
            ParameterDefinition.one("list|drain|undrain|add|remove", "What to do.");
    private static final ParameterDefinition DEVICE = ParameterDefinition.optional(
            "DEVICE", "The device, by its directory or its id; for add an empty directory. Not for list.");
    private static final OptionDefinition WEIGHT = OptionDefinition.value(
            "--weight",
            "NUMBER",
            "How much of the new bodies a device that is added gets, compared with the others: 1 to 10000, 100 otherwise.");
    private static final List<String> ACTIONS = List.of("list", "drain", "undrain", "add", "remove");
    private static final String USUAL_WEIGHT = "100";

    @Override
    public CommandDefinition definition() {
        return CommandDefinition.of(
                "device",
                "Show, drain, add and remove the directories that the server keeps bodies in.",
                List.of(
                        "list shows each device with its state and figures, and how far its drain is: no, moving, stalled or done.",
                        "drain moves the objects of a device to the others in the background, while all are served; it goes"
                                + " on after a restart. undrain ends that. remove lets go of a device whose drain is done: its disk"
                                + " may be taken out then. add takes an empty directory into use, without a restart; the configuration"
                                + " should name it too.",
                        "Only root and the server's own user may do this."),
                List.of(ACTION, DEVICE),
                WEIGHT,
                OptionDefinition.JSON);
    }

    @Override
    public int run(Arguments arguments, Console console) throws IOException, ToolFailure {
        List<String> words = arguments.values();
        String action = words.get(0);
        boolean isList = action.equals("list");
        if (!ACTIONS.contains(action)) {
            throw arguments.usage("there is no " + Shown.name(action) + "; there are " + String.join(", ", ACTIONS));
        }
        if ((words.size() == 1) != isList) {
            throw arguments.usage(isList ? "list takes no device" : action + " wants a device");
        }
        if (arguments.has(WEIGHT) && !action.equals("add")) {
            throw arguments.usage("--weight goes with add");
        }
        String text = ask(command(arguments, action), arguments, console);
        if (!arguments.has(OptionDefinition.JSON)) {
            for (String line : text.lines().toList()) {
                console.line(Shown.escaped(line.replace("\t", "  ")));
            }
        } else if (isList) {
            console.line(Json.of(text.lines().map(DeviceCommand::fields).toList()));
        } else {
            console.line(Json.of(Map.of("message", text.strip())));
        }
        return ExitCode.OK;
    }

    private static String command(Arguments arguments, String action) throws ToolFailure {
        List<String> lines = new ArrayList<>(List.of("device " + action));
        if (arguments.values().size() > 1) {
            String device = arguments.values().get(1);
            lines.add(
                    device.contains("/") || action.equals("add")
                            ? Path.of(device).toAbsolutePath().normalize().toString()
                            : device);
        }
        if (action.equals("add")) {
            lines.add(arguments.has(WEIGHT) ? arguments.texts(WEIGHT).get(0) : USUAL_WEIGHT);
        }
        for (String line : lines) {
            if (line.contains("\n")) {
                throw arguments.usage("a device with a line feed in its name can't be named");
            }
        }
        return String.join("\n", lines);
    }

    private static String ask(String command, Arguments arguments, Console console) throws IOException, ToolFailure {
        try (ToolSession session = ToolSession.connect(arguments, console)) {
            session.request(Operation.ADMIN).text(MetadataType.COMMAND, command);
            session.call(Shown.escaped(command.replace('\n', ' ')));
            return StandardCharsets.UTF_8.decode(session.body()).toString();
        }
    }

    /** The fields of a device, as the server sends them (protocol-spec.md 5.13.3); numbers as numbers. */
    private static Map<String, Object> fields(String line) {
        Map<String, Object> fields = new LinkedHashMap<>();
        for (String field : line.split("\t", -1)) {
            int equals = field.indexOf('=');
            String value = field.substring(equals + 1);
            fields.put(
                    field.substring(0, Math.max(equals, 0)),
                    value.matches("-?[0-9]{1,18}") ? (Object) Long.parseLong(value) : value);
        }
        return fields;
    }
}
