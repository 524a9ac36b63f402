package org.objmapper.server.store.ban;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.objmapper.protocol.MetadataReader;
import org.objmapper.protocol.MetadataType;
import org.objmapper.server.store.index.PrefixKey;

/** Which objects a purge of more than one key covers. Immutable. */
public final class Extent {
    /** By what it is told whether an object is covered. */
    public enum Kind {
        PREFIX,
        TAG,
        BAN
    }

    private final Kind kind;
    private final byte[] pattern;
    private final @Nullable BanExpression expression;

    private Extent(Kind kind, byte[] pattern, @Nullable BanExpression expression) {
        this.kind = kind;
        this.pattern = pattern;
        this.expression = expression;
    }

    /** All objects whose keys start so. */
    public static Extent ofPrefix(byte[] prefix) {
        return new Extent(Kind.PREFIX, prefix, null);
    }

    /** All objects with a tag. */
    public static Extent ofTag(byte[] tag) {
        return new Extent(Kind.TAG, tag, null);
    }

    /** All objects that a ban hits, whose expression is in UTF-8. */
    public static Extent ofBan(byte[] expression) throws BanSyntaxException {
        return new Extent(Kind.BAN, expression, BanExpression.parse(new String(expression, StandardCharsets.UTF_8)));
    }

    static Extent of(Kind kind, byte[] pattern) throws BanSyntaxException {
        return kind == Kind.BAN ? ofBan(pattern) : new Extent(kind, pattern, null);
    }

    public Kind kind() {
        return kind;
    }

    /** The prefix, the tag, or the expression of the ban in UTF-8. */
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
            case BAN -> expression != null && expression.hits(new ObjectFields(key, metadata));
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
