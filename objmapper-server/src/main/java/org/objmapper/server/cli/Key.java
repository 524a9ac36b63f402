package org.objmapper.server.cli;

import java.nio.charset.StandardCharsets;
import org.objmapper.protocol.Limits;

/** A key as it stands on the command line. */
record Key(String text, byte[] bytes) {
    static Key of(Arguments arguments, String text) throws ToolFailure {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        if (bytes.length < Limits.MIN_KEY || bytes.length > Limits.MAX_KEY) {
            throw arguments.usage(
                    "a key has " + Limits.MIN_KEY + " to " + Limits.MAX_KEY + " bytes; this one has " + bytes.length);
        }
        return new Key(text, bytes);
    }

    /** As it stands in messages. */
    String shown() {
        return Shown.name(text);
    }
}
