package org.objmapper.client;

import java.nio.charset.StandardCharsets;
import org.objmapper.protocol.MetadataType;

/** Which objects a PURGE takes. Immutable. */
public final class Purge {
    private final MetadataType type;
    private final byte[] value;
    private final boolean soft;

    private Purge(MetadataType type, byte[] value, boolean soft) {
        this.type = type;
        this.value = value;
        this.soft = soft;
    }

    /** The object under a key, with all its variants. */
    public static Purge key(Key key) {
        return new Purge(MetadataType.KEY, key.bytes, false);
    }

    /** Every object whose key begins with these UTF-8 bytes, 0 to 4,096; all objects for an empty one. */
    public static Purge prefix(String prefix) {
        return new Purge(MetadataType.PREFIX, prefix.getBytes(StandardCharsets.UTF_8), false);
    }

    /** Every object that has a tag of 1 to 255 bytes. */
    public static Purge tag(String tag) {
        return new Purge(MetadataType.PURGE_TAG, tag.getBytes(StandardCharsets.UTF_8), false);
    }

    /** Every object that a ban expression of 1 to 4,096 bytes meets (protocol-spec.md 5.7). A server without bans answers UNSUPPORTED. */
    public static Purge ban(String expression) {
        return new Purge(MetadataType.BAN, expression.getBytes(StandardCharsets.UTF_8), false);
    }

    /** The same objects, but they expire now, and their grace begins, instead of being removed. */
    public Purge soft() {
        return new Purge(type, value, true);
    }

    Entries encode() {
        return new Entries().bytes(type, value).flag(MetadataType.SOFT, soft);
    }
}
