package org.objmapper.server.exchange;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.objmapper.protocol.Limits;
import org.objmapper.protocol.MetadataReader;
import org.objmapper.protocol.MetadataType;
import org.objmapper.server.store.RequestHeaders;
import org.objmapper.server.store.StoredObject;

/** What a GET or a HEAD asks for: a key, which of the object's bytes, and on which conditions (protocol-spec.md 5.2). */
final class GetRequest {
    private ByteBuffer keyBuffer = ByteBuffer.allocate(0);
    private int keyOffset;
    private int keyLength;
    private final RequestHeaders headers = new RequestHeaders();
    private boolean hasRange;
    private long rangeOffset;
    private long rangeLength;
    private boolean hasGenerationNot;
    private long generationNot;
    private byte @Nullable [] etagNot;
    private long graceAccepted;

    private long position;
    private long end;

    /** Forgets the request before this one. */
    void begin() {
        keyLength = 0;
        headers.begin();
        hasRange = false;
        hasGenerationNot = false;
        etagNot = null;
        graceAccepted = 0;
    }

    /** Takes the current entry; the key and the headers stay in the frame. */
    void take(MetadataType type, MetadataReader metadata) {
        switch (type) {
            case KEY -> {
                keyBuffer = metadata.buffer();
                keyOffset = metadata.offset();
                keyLength = metadata.length();
            }
            case REQUEST_HEADER -> headers.add(metadata.buffer(), metadata.offset(), metadata.length());
            case RANGE -> {
                hasRange = true;
                rangeOffset = metadata.u64();
                rangeLength = metadata.secondU64();
            }
            case IF_GENERATION_NOT -> {
                hasGenerationNot = true;
                generationNot = metadata.u64();
            }
            case IF_ETAG_NOT -> etagNot = metadata.bytes();
            case GRACE_ACCEPTED -> graceAccepted = metadata.u64();
            default -> {
                // of no use here
            }
        }
    }

    // ---- the key

    boolean hasKey() {
        return keyLength > 0;
    }

    /** Copies the key and the headers out of the frame. */
    void keep() {
        headers.keep();
        keyBuffer = ByteBuffer.wrap(key()).order(ByteOrder.LITTLE_ENDIAN);
        keyOffset = 0;
    }

    byte[] key() {
        byte[] key = new byte[keyLength];
        keyBuffer.get(keyOffset, key);
        return key;
    }

    /** Where the key stands, from {@link #keyOffset} on. */
    ByteBuffer keyBuffer() {
        return keyBuffer;
    }

    int keyOffset() {
        return keyOffset;
    }

    int keyLength() {
        return keyLength;
    }

    /** What chooses among the objects under the key. */
    RequestHeaders headers() {
        return headers;
    }

    // ---- the conditions

    /** Whether an object that {@linkplain StoredObject#mayExpire may expire} is past its expiry at a moment, and past the grace that object and client allow. */
    boolean findsExpired(StoredObject found, long nowMillis) {
        long past = nowMillis - found.expiryMillis();
        return past >= 0
                && (past > found.graceMillis() || Long.compareUnsigned(past, graceAccepted) > 0 || graceAccepted == 0);
    }

    /** Whether the client has this very object already. */
    boolean isAnsweredBy(StoredObject found) {
        return (hasGenerationNot && generationNot == found.generation()) || hasEtag(found);
    }

    private boolean hasEtag(StoredObject found) {
        byte[] wanted = etagNot;
        if (wanted == null) {
            return false;
        }
        MetadataReader stored =
                new MetadataReader().trust(found.metadata(), 0, found.metadata().limit());
        return stored.find(MetadataType.ETAG) && Arrays.equals(stored.bytes(), wanted);
    }

    // ---- the bytes

    boolean hasRange() {
        return hasRange;
    }

    /** Finds {@link #position} and {@link #end} in a body of some length; false where the range has nothing of it. */
    boolean cutRange(long length) {
        position = 0;
        end = length;
        return !hasRange || cut(length);
    }

    private boolean cut(long length) {
        if (rangeLength == 0) {
            return false;
        }
        if (rangeOffset == Limits.UNKNOWN) { // the last bytes
            position = Long.compareUnsigned(rangeLength, length) >= 0 ? 0 : length - rangeLength;
            return length > 0;
        }
        if (Long.compareUnsigned(rangeOffset, length) >= 0) {
            return false;
        }
        position = rangeOffset;
        end = Long.compareUnsigned(rangeLength, length - position) >= 0 ? length : position + rangeLength;
        return true;
    }

    /** Where the bytes begin that are asked for. */
    long position() {
        return position;
    }

    /** Where they end. */
    long end() {
        return end;
    }

    /** The range that the client asked for, in words. */
    String range() {
        String bytes = Long.toUnsignedString(rangeLength) + " bytes";
        if (rangeOffset == Limits.UNKNOWN) {
            return "the last " + (rangeLength == Limits.UNKNOWN ? "bytes" : bytes);
        }
        String from = " from " + Long.toUnsignedString(rangeOffset);
        return rangeLength == Limits.UNKNOWN ? "all" + from + " to the end" : bytes + from;
    }
}
