package org.objmapper.server.store.index;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** SHA-256. */
public final class Digests {
    public static final int SHA256_BYTES = 32;

    private static final int SHOWN_BYTES = 8;

    private Digests() {}

    /** The beginning of a digest, for messages. */
    static String shown(byte[] digest) {
        return HexFormat.of().formatHex(digest, 0, Math.min(digest.length, SHOWN_BYTES));
    }

    public static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every JDK has SHA-256", e);
        }
    }
}
