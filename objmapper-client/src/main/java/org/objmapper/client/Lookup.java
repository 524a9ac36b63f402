package org.objmapper.client;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.objmapper.protocol.MetadataReader;
import org.objmapper.protocol.MetadataType;

/** What a look-up found: an object, or a miss with what it takes to fill it. Closed by the caller, and the object with it. */
public final class Lookup implements AutoCloseable {
    private final @Nullable StoredObject object;
    private final byte @Nullable [] fillToken;
    private final List<String> variantHeaders;

    private Lookup(@Nullable StoredObject object, byte @Nullable [] fillToken, List<String> variantHeaders) {
        this.object = object;
        this.fillToken = fillToken;
        this.variantHeaders = variantHeaders;
    }

    static Lookup hit(StoredObject object) {
        return new Lookup(object, null, List.of());
    }

    static Lookup miss(Reply reply) {
        MetadataReader entries = reply.reader();
        byte[] token = null;
        List<String> headers = new ArrayList<>();
        while (entries.next()) {
            if (entries.type() == MetadataType.FILL_TOKEN.code()) {
                token = entries.bytes();
            } else if (entries.type() == MetadataType.VARIANT_HEADER.code()) {
                headers.add(entries.text());
            }
        }
        return new Lookup(null, token, List.copyOf(headers));
    }

    /** The object; empty where there is none. */
    public Optional<StoredObject> object() {
        return Optional.ofNullable(object);
    }

    /**
     * What {@link PutOptions#fillToken} takes when this miss is filled: with it, what was fetched before a purge is not stored after it. Good for
     * an hour at most, and as long as the server runs. Empty with an object, and where the server gives none.
     */
    public Optional<byte[]> fillToken() {
        return Optional.ofNullable(fillToken).map(byte[]::clone);
    }

    /**
     * The names of the request headers by which the variants under the key are told apart. After a miss a caller that has such headers,
     * and didn't {@link GetOptions#requestHeader give} them, asks again with them. Empty with an object, and where there are no variants.
     */
    public List<String> variantHeaders() {
        return variantHeaders;
    }

    /** Closes the object, if there is one. */
    @Override
    public void close() throws IOException {
        if (object != null) {
            object.close();
        }
    }
}
