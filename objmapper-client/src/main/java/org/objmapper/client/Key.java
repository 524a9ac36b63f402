package org.objmapper.client;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.objmapper.protocol.Limits;

/** The name of an object: 1 to 4,096 bytes of any value, usually a URI. Immutable. */
public final class Key implements Comparable<Key> {
    final byte[] bytes;

    private Key(byte[] bytes) {
        if (bytes.length < Limits.MIN_KEY || bytes.length > Limits.MAX_KEY) {
            throw new IllegalArgumentException(
                    "a key has " + Limits.MIN_KEY + " to " + Limits.MAX_KEY + " bytes, this one has " + bytes.length);
        }
        this.bytes = bytes;
    }

    /** The key of a text's UTF-8 bytes; IllegalArgumentException when they are none or more than 4,096. */
    public static Key of(String text) {
        return new Key(text.getBytes(StandardCharsets.UTF_8));
    }

    /** The key of these bytes, which are copied; IllegalArgumentException when they are none or more than 4,096. */
    public static Key of(byte[] bytes) {
        return new Key(bytes.clone());
    }

    /** A copy of the key's bytes. */
    public byte[] toBytes() {
        return bytes.clone();
    }

    /** By unsigned bytes, as the server lists them. */
    @Override
    public int compareTo(Key other) {
        return Arrays.compareUnsigned(bytes, other.bytes);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Key key && Arrays.equals(bytes, key.bytes);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(bytes);
    }

    /** The key as text; in hexadecimal behind {@code 0x} where it is not UTF-8. */
    @Override
    public String toString() {
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
        } catch (CharacterCodingException e) {
            StringBuilder text = new StringBuilder("0x");
            for (byte b : bytes) {
                text.append(Character.forDigit((b >> 4) & 15, 16)).append(Character.forDigit(b & 15, 16));
            }
            return text.toString();
        }
    }
}
