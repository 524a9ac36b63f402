package org.objmapper.client;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.objmapper.protocol.MetadataType;

/**
 * What a PUT or TOUCH may carry besides key and body. A number that can't be is refused at once, a value that is too long or too short by
 * the call, with IllegalArgumentException. Not thread-safe; may be used for many calls.
 */
public final class PutOptions extends ChangeOptions<PutOptions> {
    /** A time to live that never ends. */
    public static final long NEVER = -1L;

    private byte @Nullable [] fillToken;
    private boolean absent;
    private byte @Nullable [] sha256;
    private @Nullable Long ttlMillis;
    private @Nullable Long lastModifiedMillis;
    private @Nullable Long graceMillis;
    private byte @Nullable [] etag;
    private @Nullable String contentType;
    private @Nullable String contentEncoding;
    private final List<String> tags = new ArrayList<>();
    private final List<String[]> variants = new ArrayList<>();
    private byte @Nullable [] opaque;
    private @Nullable Boolean evictable;

    /** How long the object lives, from now on: 0 ms and up. {@link #NEVER} is the default of a PUT; a TOUCH leaves it as it was. */
    public PutOptions ttlMillis(long millis) {
        ttlMillis = millis == NEVER ? NEVER : duration(millis);
        return this;
    }

    /** How long past its expiry the object may still be served to those who {@link GetOptions#graceAcceptedMillis accept} it: 0 ms and up. */
    public PutOptions graceMillis(long millis) {
        graceMillis = duration(millis);
        return this;
    }

    /** Adds a tag of 1 to 255 bytes, by which objects are purged together; up to 64. */
    public PutOptions tag(String tag) {
        tags.add(tag);
        return this;
    }

    /** The object's entity tag, 1 to 256 bytes. */
    public PutOptions etag(byte[] value) {
        etag = value.clone();
        return this;
    }

    /** The body's media type, 1 to 256 bytes. */
    public PutOptions contentType(String value) {
        contentType = value;
        return this;
    }

    /** The body's content encoding, 1 to 64 bytes. */
    public PutOptions contentEncoding(String value) {
        contentEncoding = value;
        return this;
    }

    /** When the body last changed where it comes from, in milliseconds since 1970. */
    public PutOptions lastModifiedMillis(long millis) {
        lastModifiedMillis = millis;
        return this;
    }

    /** Up to 65,536 bytes that belong to the caller; none, in a TOUCH, removes them. */
    public PutOptions opaque(byte[] value) {
        opaque = value.clone();
        return this;
    }

    /**
     * A request header, and its value, by which this body is told from others under the key; one of up to 16, and no two with one name. The
     * name is in lower case, of 1 to 256 bytes, the value of up to 1,024. Under a key stand up to 64 such bodies, told apart by up to 16
     * headers together: beyond it is BAD_REQUEST. Conditions are about the body with the same headers alone. In a TOUCH: which one is meant.
     */
    public PutOptions variant(String name, String value) {
        variants.add(new String[] {name, value});
        return this;
    }

    /** Whether the store may drop the object when it needs room; it is kept by default. */
    public PutOptions evictable(boolean value) {
        evictable = value;
        return this;
    }

    /** Stores only where no unexpired object stands; PRECONDITION_FAILED otherwise. A TOUCH ignores it. */
    public PutOptions ifAbsent() {
        absent = true;
        return this;
    }

    /** The body's SHA-256, 32 bytes, which the server checks: CHECKSUM_MISMATCH otherwise. A TOUCH ignores it. */
    public PutOptions expectedSha256(byte[] value) {
        sha256 = value.clone();
        return this;
    }

    /**
     * The token of 1 to 64 bytes that a miss came with ({@link Lookup#fillToken}); STALE_FILL when the key was changed since, or it or one of the
     * tags was purged, so that what was fetched meanwhile may be old. A TOUCH ignores it.
     */
    public PutOptions fillToken(byte[] value) {
        fillToken = value.clone();
        return this;
    }

    @Override
    PutOptions self() {
        return this;
    }

    Entries encode(Key key, boolean withBody) {
        Entries entries = new Entries().bytes(MetadataType.KEY, key.bytes);
        if (withBody) {
            entries.bytes(MetadataType.FILL_TOKEN, fillToken).flag(MetadataType.IF_ABSENT, absent);
        }
        addGeneration(entries);
        if (withBody) {
            entries.bytes(MetadataType.EXPECTED_SHA256, sha256);
        }
        addDurability(entries);
        entries.u64(MetadataType.TTL, ttlMillis)
                .u64(MetadataType.LAST_MODIFIED, lastModifiedMillis)
                .u64(MetadataType.GRACE, graceMillis)
                .bytes(MetadataType.ETAG, etag)
                .text(MetadataType.CONTENT_TYPE, contentType)
                .text(MetadataType.CONTENT_ENCODING, contentEncoding);
        for (String tag : tags) {
            entries.text(MetadataType.TAG, tag);
        }
        for (String[] variant : variants) {
            entries.header(MetadataType.VARIANT, variant[0], variant[1]);
        }
        return entries.bytes(MetadataType.OPAQUE, opaque)
                .u32(MetadataType.EVICTABLE, evictable == null ? null : evictable ? 1 : 0);
    }

    static long duration(long millis) {
        if (millis < 0) {
            throw new IllegalArgumentException("a duration can't be " + millis + " ms");
        }
        return millis;
    }
}
