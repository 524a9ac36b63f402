package org.objmapper.server.store;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import org.objmapper.server.store.device.Xxh3;
import org.objmapper.server.store.index.Digests;

/** The checksums of a body that comes piece by piece, and is too long for the index. For one thread at a time. */
final class BodySums {
    private final MessageDigest sha256 = Digests.sha256();
    private final Xxh3 xxh3 = new Xxh3();

    /** Adds what is between 0 and the limit of a buffer. */
    void update(ByteBuffer bytes) {
        sha256.update(bytes.duplicate().position(0));
        xxh3.update(bytes);
    }

    /** Of all bytes; nothing can be added then. */
    byte[] sha256() {
        return sha256.digest();
    }

    /** Of all bytes; nothing can be added then. */
    long xxh3() {
        return xxh3.value();
    }
}
