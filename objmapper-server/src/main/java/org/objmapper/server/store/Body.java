package org.objmapper.server.store;

import java.io.IOException;
import java.security.MessageDigest;
import java.util.HexFormat;
import net.openhft.hashing.LongHashFunction;
import org.jspecify.annotations.Nullable;
import org.objmapper.protocol.Status;
import org.objmapper.server.store.device.BodyFile;
import org.objmapper.server.store.device.Device;
import org.objmapper.server.store.index.Digests;

/**
 * A body that came whole and right, and is no object's yet.
 *
 * @param inline its bytes where they are few, else null
 * @param device that has its file; null for an inline body
 * @param descriptor of its file, open for reading, owned by whoever has the body; -1 without one
 * @param synced whether the file's bytes are on disk
 */
record Body(
        byte @Nullable [] inline,
        @Nullable Device device,
        int descriptor,
        boolean synced,
        long length,
        byte[] sha256,
        long xxh3) {
    static Body ofBytes(byte[] bytes, Put put) throws StoreException {
        byte[] sha256 = Digests.sha256().digest(bytes);
        long xxh3 = LongHashFunction.xx3().hashBytes(bytes);
        checkSums(put, sha256, xxh3);
        return new Body(bytes, null, -1, true, bytes.length, sha256, xxh3);
    }

    /** Takes the file over, even where it throws. */
    static Body ofFile(BodyFile file, BodySums sums, Put put) throws IOException {
        long length = file.length();
        byte[] sha256 = sums.sha256();
        long xxh3 = sums.xxh3();
        int reading;
        try {
            checkSums(put, sha256, xxh3);
            reading = file.finish(put.durable());
        } catch (IOException e) {
            file.close();
            throw e;
        }
        return new Body(null, file.device(), reading, put.durable(), length, sha256, xxh3);
    }

    private static void checkSums(Put put, byte[] sha256, long xxh3) throws StoreException {
        byte[] expected = put.expectedSha256();
        if (expected != null && !MessageDigest.isEqual(expected, sha256)) {
            throw new StoreException(
                    Status.CHECKSUM_MISMATCH,
                    "the body's SHA-256 is " + HexFormat.of().formatHex(sha256) + ", not "
                            + HexFormat.of().formatHex(expected));
        }
        Long expectedXxh3 = put.expectedXxh3();
        if (expectedXxh3 != null && expectedXxh3 != xxh3) {
            throw new StoreException(
                    Status.CHECKSUM_MISMATCH,
                    "the body's XXH3 is not " + Long.toHexString(expectedXxh3) + ", which was said");
        }
    }

    /** Lets go of it. */
    void discard() {
        if (device != null) {
            device.closer().close(descriptor);
        }
    }
}
