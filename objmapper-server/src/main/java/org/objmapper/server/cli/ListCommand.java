package org.objmapper.server.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.objmapper.protocol.ListEntry;

/** Lists keys. */
final class ListCommand implements ToolCommand {
    private static final OptionDefinition LONG =
            new OptionDefinition("--long", "-l", null, false, "Show length, generation, creation and expiry too.");
    private static final OptionDefinition NUL =
            new OptionDefinition("--null", "-0", null, false, "End each line with a NUL instead of a newline.");
    private static final OptionDefinition LIMIT = OptionDefinition.value("--limit", "N", "Show at most N.");

    @Override
    public CommandDefinition definition() {
        return CommandDefinition.of(
                "ls",
                "List the keys of the objects there are.",
                List.of(
                        "A key each line, in their order. With --json, an object each line; that of a key that is not UTF-8"
                                + " has the key's bytes in hex as key_hex. On a terminal the control"
                                + " characters of keys are escaped; elsewhere they are as they are, and -0 keeps keys apart that"
                                + " hold newlines."),
                List.of(ParameterDefinition.optional("PREFIX", "What the keys begin with.")),
                LONG,
                NUL,
                LIMIT,
                OptionDefinition.JSON);
    }

    @Override
    public int run(Arguments arguments, Console console) throws IOException, ToolFailure {
        String prefix = arguments.values().isEmpty() ? "" : arguments.value(0);
        if (arguments.has(NUL) && arguments.has(OptionDefinition.JSON)) {
            throw arguments.usage("--null and --json exclude each other");
        }
        boolean escape = console.outIsTerminal() && !arguments.has(NUL);
        long left = arguments.number(LIMIT, Long.MAX_VALUE, 1, Long.MAX_VALUE);
        try (ToolSession session = ToolSession.connect(arguments, console)) {
            Listing listing = new Listing(session, prefix.getBytes(StandardCharsets.UTF_8), left);
            for (List<ListEntry> page = listing.next(); !page.isEmpty(); page = listing.next()) {
                for (ListEntry entry : page) {
                    print(arguments, console, entry, escape);
                }
            }
            return ExitCode.OK;
        }
    }

    /** A key as JSON says it: a text, and where it is none, its bytes too. */
    static Map<String, String> keyFacts(byte[] key) {
        String text = new String(key, StandardCharsets.UTF_8);
        return Arrays.equals(text.getBytes(StandardCharsets.UTF_8), key)
                ? Map.of("key", text)
                : new TreeMap<>(Map.of("key", text, "key_hex", HexFormat.of().formatHex(key)));
    }

    private static void print(Arguments arguments, Console console, ListEntry entry, boolean escape)
            throws IOException {
        if (arguments.has(OptionDefinition.JSON)) {
            Map<String, Object> facts = new LinkedHashMap<>();
            facts.putAll(keyFacts(entry.key()));
            facts.put("length", entry.length());
            facts.put("generation", MetadataText.unsigned(entry.generation()));
            facts.put("created", MetadataText.instant(entry.createdMillis()));
            facts.put("expiry", MetadataText.expiry(entry.expiryMillis()));
            console.line(Json.of(facts));
            return;
        }
        if (arguments.has(LONG)) {
            String columns = "%12d %10d %-24s %-24s "
                    .formatted(
                            entry.length(),
                            MetadataText.unsigned(entry.generation()),
                            MetadataText.instant(entry.createdMillis()),
                            MetadataText.expiry(entry.expiryMillis()));
            console.out().write(columns.getBytes(StandardCharsets.UTF_8));
        }
        console.out()
                .write(
                        escape
                                ? Shown.escaped(new String(entry.key(), StandardCharsets.UTF_8))
                                        .getBytes(StandardCharsets.UTF_8)
                                : entry.key());
        console.out().write(arguments.has(NUL) ? 0 : '\n');
    }
}
