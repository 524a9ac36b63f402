package org.objmapper.protocol;

import java.nio.ByteBuffer;

/** What the protocol calls text: UTF-8 without NUL (protocol-spec.md 3.5). */
final class Text {
    private Text() {}

    /** Whether the bytes are text; looks at each once, and allocates nothing. */
    static boolean isSound(ByteBuffer buffer, int offset, int length) {
        int end = offset + length;
        int at = offset;
        while (at < end) {
            int size = sizeOfCharacter(buffer, at, end);
            if (size == 0) {
                return false;
            }
            at += size;
        }
        return true;
    }

    /** The bytes of the character that begins there; 0 where none does. */
    private static int sizeOfCharacter(ByteBuffer buffer, int at, int end) {
        int first = buffer.get(at) & 0xff;
        if (first < 0x80) {
            return first == 0 ? 0 : 1;
        }
        int size = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
        if (size == 0 || size > end - at || !mayFollow(first, buffer.get(at + 1) & 0xff)) {
            return 0;
        }
        for (int i = 2; i < size; i++) {
            if ((buffer.get(at + i) & 0xc0) != 0x80) {
                return 0;
            }
        }
        return size;
    }

    /** The second byte tells overlong forms, surrogates, and what lies past the last character. */
    private static boolean mayFollow(int first, int second) {
        int lowest = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
        int highest = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
        return second >= lowest && second <= highest;
    }
}
