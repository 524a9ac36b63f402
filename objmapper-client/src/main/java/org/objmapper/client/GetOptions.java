package org.objmapper.client;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.objmapper.protocol.Limits;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Mode;

/**
 * What a GET or HEAD may ask for besides the key. A number that can't be is refused at once, a value that is too long or too short by the
 * call, with IllegalArgumentException. Not thread-safe; may be used for many calls.
 */
public final class GetOptions {
    private boolean ranged;
    private long rangeOffset;
    private long rangeLength;
    private @Nullable Mode mode;
    private @Nullable Long generationNot;
    private byte @Nullable [] etagNot;
    private @Nullable Long graceMillis;
    private final List<String[]> requestHeaders = new ArrayList<>();

    /**
     * Asks for {@code length} bytes from {@code offset} on; the server cuts the range at the object's end. One that is empty or begins at the end
     * or beyond is RANGE_NOT_SATISFIABLE. The last range that is set counts; HEAD ignores it.
     */
    public GetOptions range(long offset, long length) {
        if (offset < 0 || length < 0) {
            throw new IllegalArgumentException("no range of " + length + " bytes from " + offset);
        }
        return setRange(offset, length);
    }

    /** Asks for all bytes from {@code offset} on; see {@link #range}. */
    public GetOptions rangeFrom(long offset) {
        if (offset < 0) {
            throw new IllegalArgumentException("no range from " + offset);
        }
        return setRange(offset, Limits.UNKNOWN);
    }

    /** Asks for the last {@code length} bytes, or all that there are; see {@link #range}. */
    public GetOptions lastBytes(long length) {
        if (length < 0) {
            throw new IllegalArgumentException("no last " + length + " bytes");
        }
        return setRange(Limits.UNKNOWN, length);
    }

    private GetOptions setRange(long offset, long length) {
        ranged = true;
        rangeOffset = offset;
        rangeLength = length;
        return this;
    }

    /** How the body shall travel, instead of {@link ObjmapperClient.Builder#mode the client's own mode}. HEAD ignores it. */
    public GetOptions mode(Mode wanted) {
        ObjmapperClient.checkMode(wanted);
        mode = wanted;
        return this;
    }

    /** Asks for metadata alone when the object's generation is still this one: {@link StoredObject#notModified}. Either condition suffices. */
    public GetOptions ifGenerationNot(long generation) {
        generationNot = generation;
        return this;
    }

    /** Asks for metadata alone when the object's etag, 1 to 256 bytes, is still this one: {@link StoredObject#notModified}. */
    public GetOptions ifEtagNot(byte[] etag) {
        etagNot = etag.clone();
        return this;
    }

    /** Takes an object that expired up to so many milliseconds ago, as far as the object's own grace allows. */
    public GetOptions graceAcceptedMillis(long millis) {
        graceMillis = PutOptions.duration(millis);
        return this;
    }

    /**
     * A request header that the variants under a key may be told apart by; name and value up to 1,024 bytes each, up to 64 of them. The newest
     * body is found of which all headers have the values that are given here; one that is not given is empty.
     */
    public GetOptions requestHeader(String name, String value) {
        requestHeaders.add(new String[] {name, value});
        return this;
    }

    /** Whether it asks for what any other GET of the key would bring, as long as that has not expired. */
    boolean isPlain() {
        return !ranged && mode == null && generationNot == null && etagNot == null && requestHeaders.isEmpty();
    }

    Entries encode(Key key, boolean withBody) {
        Entries entries = new Entries().bytes(MetadataType.KEY, key.bytes);
        if (withBody && ranged) {
            entries.pair(MetadataType.RANGE, rangeOffset, rangeLength);
        }
        entries.u64(MetadataType.IF_GENERATION_NOT, generationNot).bytes(MetadataType.IF_ETAG_NOT, etagNot);
        if (withBody && mode != null) {
            entries.u32(MetadataType.MODE, mode.code());
        }
        for (String[] header : requestHeaders) {
            entries.header(MetadataType.REQUEST_HEADER, header[0], header[1]);
        }
        return entries.u64(MetadataType.GRACE_ACCEPTED, graceMillis);
    }
}
