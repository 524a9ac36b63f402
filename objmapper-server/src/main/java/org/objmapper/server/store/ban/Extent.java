package org.objmapper.server.store.ban;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.objmapper.protocol.MetadataReader;
import org.objmapper.protocol.MetadataType;
import org.objmapper.server.store.index.PrefixKey;

/** Which objects a purge of more than one key covers. Immutable. */
public final class Extent {
    /** By what it is told whether an object is covered. */
    public enum Kind {
        PREFIX,
        TAG
    }

    private final Kind kind;
    private final byte[] pattern;

    private Extent(Kind kind, byte[] pattern) {
        this.kind = kind;
        this.pattern = pattern;
    }

    /** All objects whose keys start so. */
    public static Extent ofPrefix(byte[] prefix) {
        return new Extent(Kind.PREFIX, prefix);
    }

    /** All objects with a tag. */
    public static Extent ofTag(byte[] tag) {
        return new Extent(Kind.TAG, tag);
    }

    static Extent of(Kind kind, byte[] pattern) {
        return new Extent(kind, pattern);
    }

    public Kind kind() {
        return kind;
    }

    /** The prefix, or the tag. */
    public byte[] pattern() {
        return pattern;
    }

    /** Whether every object there may be is covered. */
    boolean coversAll() {
        return kind == Kind.PREFIX && pattern.length == 0;
    }

    /** Whether an object is covered that has a key and metadata as on the wire, from 0 to the limit. */
    boolean covers(byte[] key, ByteBuffer metadata) {
        return switch (kind) {
            case PREFIX -> PrefixKey.startsWith(key, pattern);
            case TAG -> hasTag(metadata);
        };
    }

    /** Whether an object is covered that has a key and metadata as on the wire. */
    public boolean covers(byte[] key, byte[] metadata) {
        return covers(key, ByteBuffer.wrap(metadata).order(ByteOrder.LITTLE_ENDIAN));
    }

    private boolean hasTag(ByteBuffer metadata) {
        MetadataReader reader = new MetadataReader().trust(metadata, 0, metadata.limit());
        while (reader.next()) {
            if (reader.type() == MetadataType.TAG.code() && Arrays.equals(reader.bytes(), pattern)) {
                return true;
            }
        }
        return false;
    }
}
