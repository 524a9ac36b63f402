package org.objmapper.server.store.ban;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.objmapper.protocol.MetadataReader;
import org.objmapper.protocol.MetadataType;
import org.objmapper.server.store.index.PrefixKey;

/** Which objects a purge of more than one key covers. Immutable. */
public final class Extent {
    private final byte @Nullable [] prefix;
    private final byte @Nullable [] tag;

    private Extent(byte @Nullable [] prefix, byte @Nullable [] tag) {
        this.prefix = prefix;
        this.tag = tag;
    }

    /** All objects whose keys start so. */
    public static Extent ofPrefix(byte[] prefix) {
        return new Extent(prefix, null);
    }

    /** All objects with a tag. */
    public static Extent ofTag(byte[] tag) {
        return new Extent(null, tag);
    }

    /** The tag that it is about, if so. */
    public byte @Nullable [] tag() {
        return tag;
    }

    /** The prefix that it is about, if so. */
    public byte @Nullable [] prefix() {
        return prefix;
    }

    /** Whether every object there may be is covered. */
    boolean coversAll() {
        return prefix != null && prefix.length == 0;
    }

    /** Whether an object is covered that has a key and metadata as on the wire, from 0 to the limit. */
    public boolean covers(byte[] key, ByteBuffer metadata) {
        return prefix != null && PrefixKey.startsWith(key, prefix) || tag != null && hasTag(metadata, tag);
    }

    /** As {@link #covers(byte[], ByteBuffer)}. */
    public boolean covers(byte[] key, byte[] metadata) {
        return covers(key, ByteBuffer.wrap(metadata).order(ByteOrder.LITTLE_ENDIAN));
    }

    private static boolean hasTag(ByteBuffer metadata, byte[] tag) {
        MetadataReader reader = new MetadataReader().trust(metadata, 0, metadata.limit());
        while (reader.next()) {
            if (reader.type() == MetadataType.TAG.code() && Arrays.equals(reader.bytes(), tag)) {
                return true;
            }
        }
        return false;
    }
}
