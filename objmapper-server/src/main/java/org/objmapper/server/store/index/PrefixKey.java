package org.objmapper.server.store.index;

import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * How keys stand in the prefix index: their first 400 bytes so encoded that the order of the codes is the order of the keys, then the
 * SHA-256 of the whole key. A code is groups of 8 bytes, the last one filled up with zeros, each followed by the number of bytes that
 * count in it, or by 9 when another group follows.
 */
public final class PrefixKey {
    static final int INDEXED = 400;
    /** Bytes of the longest code. */
    public static final int LONGEST = INDEXED / 8 * 9 + Digests.SHA256_BYTES;

    private static final int GROUP = 8;
    private static final byte MORE = GROUP + 1;

    private PrefixKey() {}

    static byte[] of(ObjectKey key) {
        int length = Math.min(key.bytes().length, INDEXED);
        int groups = (length + GROUP - 1) / GROUP;
        byte[] code = new byte[groups * (GROUP + 1) + Digests.SHA256_BYTES];
        for (int group = 0; group < groups; group++) {
            int count = Math.min(GROUP, length - group * GROUP);
            System.arraycopy(key.bytes(), group * GROUP, code, group * (GROUP + 1), count);
            code[group * (GROUP + 1) + GROUP] = group == groups - 1 ? (byte) count : MORE;
        }
        System.arraycopy(key.digest(), 0, code, groups * (GROUP + 1), Digests.SHA256_BYTES);
        return code;
    }

    /** What a code knows of its key: the first 400 bytes of it at most. */
    static byte[] decode(byte[] code) {
        ByteBuffer key = ByteBuffer.allocate(code.length);
        for (int at = 0; at + GROUP < code.length - Digests.SHA256_BYTES; at += GROUP + 1) {
            key.put(code, at, Math.min(code[at + GROUP] & 0xff, GROUP));
        }
        return Arrays.copyOf(key.array(), key.position());
    }

    /** What the codes of all keys with a prefix start with; codes of other keys may too. */
    static byte[] start(byte[] prefix) {
        int length = Math.min(prefix.length, INDEXED);
        int marks = length == 0 ? 0 : (length - 1) / GROUP;
        byte[] start = new byte[length + marks];
        int to = 0;
        for (int from = 0; from < length; from++) {
            if (from > 0 && from % GROUP == 0) {
                start[to++] = MORE;
            }
            start[to++] = prefix[from];
        }
        return start;
    }

    /** The SHA-256 at the end of a code. */
    static byte[] digest(byte[] code) {
        return Arrays.copyOfRange(code, code.length - Digests.SHA256_BYTES, code.length);
    }

    public static boolean startsWith(byte[] bytes, byte[] start) {
        return bytes.length >= start.length && Arrays.equals(bytes, 0, start.length, start, 0, start.length);
    }
}
