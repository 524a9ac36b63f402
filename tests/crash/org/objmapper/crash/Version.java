package org.objmapper.crash;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Random;

/**
 * What a PUT sent or a TOUCH made of it. The object carries the number, so that whoever gets it can tell which one it is.
 *
 * @param number of the PUT or TOUCH; every one has its own
 * @param body the number of the PUT that sent the body, which is made from it
 * @param length of the body
 * @param tag the only tag
 */
record Version(long number, long body, int length, String tag) {
    /** There is no object. */
    static final Version NOTHING = new Version(0, 0, 0, "");

    /** Whether it was sent as evictable: seven of eight are. The others are kept. */
    boolean isEvictable() {
        return number % 8 != 0;
    }

    byte[] bytes() {
        byte[] bytes = new byte[length];
        new Random(body).nextBytes(bytes);
        return bytes;
    }

    byte[] sha256() {
        return sha256(bytes());
    }

    static byte[] sha256(byte[] bytes) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(bytes);
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }

    /** The same body under another number and tag. */
    Version touched(long by, String newTag) {
        return new Version(by, body, length, newTag);
    }
}
