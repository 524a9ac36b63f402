package org.objmapper.server.cli;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.objmapper.protocol.FrameWriter;
import org.objmapper.protocol.MetadataType;

/** Request headers from the command line, {@code NAME: VALUE}: those of a request, or those that a body is told by. */
final class HeaderPairs {
    private static final int LONGEST = 1_024;
    /** The longest name that a miss can tell. */
    private static final int LONGEST_NAME = MetadataType.VARIANT_HEADER.longest();

    private final MetadataType type;
    private final List<byte[]> pairs = new ArrayList<>();

    /** Checks what an option says, before anything is sent. */
    HeaderPairs(Arguments arguments, OptionDefinition option, MetadataType type) throws ToolFailure {
        this.type = type;
        List<String> texts = arguments.texts(option);
        if (texts.size() > type.repeats()) {
            throw arguments.usage(
                    option.name() + " may stand up to " + type.repeats() + " times; it does " + texts.size());
        }
        for (String text : texts) {
            pairs.add(pair(arguments, option, text));
        }
    }

    private static byte[] pair(Arguments arguments, OptionDefinition option, String text) throws ToolFailure {
        int colon = text.indexOf(':');
        if (colon < 0) {
            throw arguments.usage(
                    option.name() + " " + Shown.name(text) + " is no header; write for instance accept-language: en");
        }
        byte[] name = bytes(text.substring(0, colon).strip().toLowerCase(Locale.ROOT));
        byte[] value = bytes(text.substring(colon + 1).strip());
        if (name.length == 0 || name.length > LONGEST_NAME || value.length > LONGEST) {
            throw arguments.usage(option.name() + " takes a name of 1 to " + LONGEST_NAME
                    + " bytes and a value of up to " + LONGEST + "; this has " + name.length + " and " + value.length);
        }
        return ByteBuffer.allocate(Short.BYTES + name.length + value.length)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putShort((short) name.length)
                .put(name)
                .put(value)
                .array();
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    void write(FrameWriter writer) {
        for (byte[] pair : pairs) {
            writer.bytes(type, pair);
        }
    }
}
