package org.objmapper.crash;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Random;
import org.objmapper.client.PutOptions;

/**
 * What a PUT sent or a TOUCH made of it. The object carries the number, so that whoever gets it can tell which one it is.
 *
 * @param number of the PUT or TOUCH; every one has its own
 * @param body the number of the PUT that sent the body, which is made from it
 * @param length of the body
 * @param tag the only tag, and the media type
 * @param ttlMillis how long it lives, from when it was stored; {@link PutOptions#NEVER} if it doesn't end
 */
record Version(long number, long body, int length, String tag, long ttlMillis) {
    /** There is no object. */
    static final Version NOTHING = new Version(0, 0, 0, "", PutOptions.NEVER);

    /** Whether it was sent as evictable: seven of eight are. The others are kept. */
    boolean isEvictable() {
        return number % 8 != 0;
    }

    /** Whether it may be gone some day without anybody's doing. */
    boolean mayGo() {
        return isEvictable() || isMortal();
    }

    boolean isMortal() {
        return ttlMillis != PutOptions.NEVER;
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

    /** The same body under another number and tag, for another time. */
    Version touched(long by, String newTag, long newTtlMillis) {
        return new Version(by, body, length, newTag, newTtlMillis);
    }
}
