package org.objmapper.server.cli;

import org.jspecify.annotations.Nullable;

/**
 * An option of a command of the tool.
 *
 * @param name its long name, such as {@code --ttl}
 * @param shortName its short name, such as {@code -o}, null for none
 * @param label what stands for its value in the help, null when it takes none
 * @param repeats whether it may stand more than once
 * @param help a sentence or two
 */
record OptionDefinition(
        String name, @Nullable String shortName, @Nullable String label, boolean repeats, String help) {
    static final OptionDefinition SOCKET = value(
            "--socket",
            "PATH",
            "The server's socket. Otherwise $OBJMAPPER_SOCKET, $XDG_RUNTIME_DIR/objmapper/objmapper.sock or"
                    + " /run/objmapper/objmapper.sock, the first that is there.");
    static final OptionDefinition TIMEOUT = timeout("30s");
    static final OptionDefinition DEBUG = flag("--debug", "Show the stack trace of an error.");
    static final OptionDefinition HELP = new OptionDefinition("--help", "-h", null, false, "Show this help.");
    static final OptionDefinition JSON = flag("--json", "Print JSON.");

    static final OptionDefinition DURABILITY = value(
            "--durability",
            "relaxed|durable",
            "relaxed (the default): visible at once, on disk soon. durable: on disk before the command ends.");
    static final OptionDefinition EVICTABLE = flag("--evictable", "The server may drop the object when it needs room.");
    static final OptionDefinition TTL =
            value("--ttl", "TIME", "Expire after a time such as 500ms, 30s, 10min, 24h or 7d; or never (the default).");
    static final OptionDefinition GRACE =
            value("--grace", "TIME", "How long after its expiry the object may still be asked for.");
    static final OptionDefinition TAG = new OptionDefinition(
            "--tag", null, "TAG", true, "A tag that the object can be purged by. May stand up to 64 times.");
    static final OptionDefinition CONTENT_TYPE = value("--content-type", "TYPE", "The object's media type.");
    static final OptionDefinition CONTENT_ENCODING = value("--content-encoding", "CODING", "How the body is encoded.");
    static final OptionDefinition VARIANT = new OptionDefinition(
            "--variant",
            null,
            "NAME:VALUE",
            true,
            "A request header that tells this body from others under the key. May stand up to 16 times.");
    static final OptionDefinition HEADER = new OptionDefinition(
            "--header",
            null,
            "NAME:VALUE",
            true,
            "A request header, for keys with variants: the newest body whose headers match is taken. May stand up to 64"
                    + " times.");
    static final OptionDefinition ETAG = value("--etag", "ETAG", "The object's entity tag.");

    static OptionDefinition flag(String name, String help) {
        return new OptionDefinition(name, null, null, false, help);
    }

    static OptionDefinition value(String name, String label, String help) {
        return new OptionDefinition(name, null, label, false, help);
    }

    /** The option that all commands have, with a command's own default in its help. */
    static OptionDefinition timeout(String standard) {
        return value(
                "--timeout",
                "TIME",
                "How long to wait while the server neither sends nor takes anything: 1ms to 24h, or never. Otherwise "
                        + standard + ".");
    }

    boolean answersTo(String text) {
        return text.equals(name) || text.equals(shortName);
    }
}
