package org.objmapper.server.store;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/** SHA-256, and how it is written. */
final class Digests {
    static final int SHA256_BYTES = 32;
    private static final char[] DIGITS = "0123456789abcdef".toCharArray();

    private Digests() {}

    static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every JDK has SHA-256", e);
        }
    }

    static String hex(byte[] bytes, int from, int to) {
        StringBuilder text = new StringBuilder(2 * (to - from));
        for (int i = from; i < to; i++) {
            text.append(DIGITS[bytes[i] >> 4 & 15]).append(DIGITS[bytes[i] & 15]);
        }
        return text.toString();
    }
}
