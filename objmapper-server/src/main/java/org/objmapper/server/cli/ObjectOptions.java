package org.objmapper.server.cli;

import java.util.List;
import java.util.stream.Stream;
import org.objmapper.protocol.FrameWriter;
import org.objmapper.protocol.Limits;
import org.objmapper.protocol.MetadataType;

/** The options that become an object's metadata, as PUT and TOUCH take them. */
final class ObjectOptions {
    private static final int ABSENT = -2;

    private final Arguments arguments;
    private final boolean durable;
    private final boolean hasDurability;
    private final long ttlMillis;
    private final long graceMillis;
    private final HeaderPairs variant;

    private ObjectOptions(Arguments arguments, String durability) throws ToolFailure {
        this.arguments = arguments;
        durable = arguments
                .choice(OptionDefinition.DURABILITY, durability, List.of("relaxed", "durable"))
                .equals("durable");
        hasDurability = durable || arguments.has(OptionDefinition.DURABILITY);
        ttlMillis = arguments.millis(OptionDefinition.TTL, ABSENT);
        graceMillis = arguments.millis(OptionDefinition.GRACE, ABSENT);
        if (graceMillis == Limits.UNKNOWN) {
            throw arguments.usage("--grace takes a time, not never");
        }
        variant = new HeaderPairs(arguments, OptionDefinition.VARIANT, MetadataType.VARIANT);
        checkLengths();
    }

    /** Checks the options before anything is sent. */
    static ObjectOptions of(Arguments arguments) throws ToolFailure {
        return new ObjectOptions(arguments, "relaxed");
    }

    /** As {@link #of}, but durable where the options don't say. */
    static ObjectOptions durable(Arguments arguments) throws ToolFailure {
        return new ObjectOptions(arguments, "durable");
    }

    private void checkLengths() throws ToolFailure {
        List<String> tags = arguments.texts(OptionDefinition.TAG);
        if (tags.size() > Limits.MAX_TAGS) {
            throw arguments.usage("an object has up to " + Limits.MAX_TAGS + " tags; these are " + tags.size());
        }
        arguments.checkLength(OptionDefinition.TAG, MetadataType.TAG);
        arguments.checkLength(OptionDefinition.ETAG, MetadataType.ETAG);
        arguments.checkLength(OptionDefinition.CONTENT_TYPE, MetadataType.CONTENT_TYPE);
        arguments.checkLength(OptionDefinition.CONTENT_ENCODING, MetadataType.CONTENT_ENCODING);
    }

    /** Whether what is answered is to be on disk. */
    boolean isDurable() {
        return durable;
    }

    /** Whether they say nothing about an object. */
    boolean isEmpty() {
        return ttlMillis == ABSENT
                && graceMillis == ABSENT
                && !arguments.has(OptionDefinition.EVICTABLE)
                && Stream.of(
                                OptionDefinition.TAG,
                                OptionDefinition.ETAG,
                                OptionDefinition.CONTENT_TYPE,
                                OptionDefinition.CONTENT_ENCODING)
                        .noneMatch(arguments::has);
    }

    /** Writes the parameters among them. */
    void writeParameters(FrameWriter writer) {
        if (hasDurability) {
            writer.u32(MetadataType.DURABILITY, durable ? 1 : 0);
        }
        if (ttlMillis != ABSENT) {
            writer.u64(MetadataType.TTL, ttlMillis);
        }
    }

    /** Writes the object metadata among them; {@code lastModifiedMillis} of -1 writes none. */
    void writeMetadata(FrameWriter writer, long lastModifiedMillis) {
        if (lastModifiedMillis >= 0) {
            writer.u64(MetadataType.LAST_MODIFIED, lastModifiedMillis);
        }
        if (graceMillis != ABSENT) {
            writer.u64(MetadataType.GRACE, graceMillis);
        }
        text(writer, MetadataType.ETAG, OptionDefinition.ETAG);
        text(writer, MetadataType.CONTENT_TYPE, OptionDefinition.CONTENT_TYPE);
        text(writer, MetadataType.CONTENT_ENCODING, OptionDefinition.CONTENT_ENCODING);
        for (String tag : arguments.texts(OptionDefinition.TAG)) {
            writer.text(MetadataType.TAG, tag);
        }
        variant.write(writer);
        if (arguments.has(OptionDefinition.EVICTABLE)) {
            writer.u32(MetadataType.EVICTABLE, 1);
        }
    }

    private void text(FrameWriter writer, MetadataType type, OptionDefinition option) {
        String text = arguments.text(option);
        if (text != null) {
            writer.text(type, text);
        }
    }
}
