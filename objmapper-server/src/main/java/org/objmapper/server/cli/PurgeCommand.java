package org.objmapper.server.cli;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.objmapper.protocol.FrameWriter;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Operation;

/** Removes or expires all objects that something has in common. */
final class PurgeCommand implements ToolCommand {
    private static final OptionDefinition TAG = OptionDefinition.value("--tag", "TAG", "Objects with this tag.");
    private static final OptionDefinition PREFIX =
            OptionDefinition.value("--prefix", "PREFIX", "Objects whose keys begin so; '' is all of them.");
    private static final OptionDefinition KEY = OptionDefinition.value("--key", "KEY", "The object under this key.");
    private static final OptionDefinition BAN = OptionDefinition.value(
            "--ban", "EXPRESSION", "Objects that a ban expression matches, such as 'req.url ~ ^/news/'.");
    private static final OptionDefinition SOFT = OptionDefinition.flag(
            "--soft", "Expire the objects, so that their grace begins, instead of removing them.");

    @Override
    public CommandDefinition definition() {
        return CommandDefinition.of(
                "purge",
                "Remove or expire all objects with a tag, a prefix or a key, or that a ban matches.",
                List.of(
                        "Exactly one of --tag, --prefix, --key and --ban says which. Prints how many there were, of a ban those"
                                + " found so far; none is no error. On disk before the command ends."),
                List.of(),
                TAG,
                PREFIX,
                KEY,
                BAN,
                SOFT,
                OptionDefinition.JSON);
    }

    @Override
    public int run(Arguments arguments, Console console) throws IOException, ToolFailure {
        List<OptionDefinition> chosen =
                List.of(TAG, PREFIX, KEY, BAN).stream().filter(arguments::has).toList();
        if (chosen.size() != 1) {
            throw arguments.usage("exactly one of --tag, --prefix, --key and --ban says what to purge");
        }
        OptionDefinition by = chosen.get(0);
        String text = arguments.texts(by).get(0);
        MetadataType type = by == TAG
                ? MetadataType.PURGE_TAG
                : by == PREFIX ? MetadataType.PREFIX : by == KEY ? MetadataType.KEY : MetadataType.BAN;
        arguments.checkLength(by, type);
        try (ToolSession session = ToolSession.connect(arguments, console)) {
            FrameWriter writer = session.request(Operation.PURGE).text(type, text);
            if (arguments.has(SOFT)) {
                writer.empty(MetadataType.SOFT);
            }
            session.call(by.name() + " " + Shown.name(text));
            long count = session.metadata().find(MetadataType.COUNT)
                    ? session.metadata().u64()
                    : 0;
            console.line(arguments.has(OptionDefinition.JSON) ? Json.of(Map.of("count", count)) : Long.toString(count));
            return ExitCode.OK;
        }
    }
}
