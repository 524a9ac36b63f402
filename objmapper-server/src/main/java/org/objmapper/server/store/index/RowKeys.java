package org.objmapper.server.store.index;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** What the index's keys and values are made of. */
final class RowKeys {
    /** SHA-256 of an object's key, then its variant. */
    static final int ROW_BYTES = Digests.SHA256_BYTES + Long.BYTES;

    static final byte[] NOTHING = new byte[0];

    private RowKeys() {}

    static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    static byte[] rowAtEnd(byte[] code) {
        return Arrays.copyOfRange(code, code.length - ROW_BYTES, code.length);
    }

    static byte[] fileKey(int device, long bodyGeneration) {
        return ByteBuffer.allocate(Short.BYTES + Long.BYTES)
                .putShort((short) device)
                .putLong(bodyGeneration)
                .array();
    }

    /** A number as a part of a key: big-endian, so that LMDB's order is that of the numbers. */
    static byte[] number(long number) {
        return ByteBuffer.allocate(Long.BYTES).putLong(number).array();
    }

    /** Numbers in values are little-endian. */
    static ByteBuffer value(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    static ByteBuffer value(byte[] stored) {
        return ByteBuffer.wrap(stored).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** The length stands first, so that no tag is the start of another. */
    static byte[] tagStart(byte[] tag) {
        return join(new byte[] {(byte) tag.length}, tag);
    }

    static byte[] join(byte[] first, byte[] second) {
        byte[] joined = Arrays.copyOf(first, first.length + second.length);
        System.arraycopy(second, 0, joined, first.length, second.length);
        return joined;
    }
}
