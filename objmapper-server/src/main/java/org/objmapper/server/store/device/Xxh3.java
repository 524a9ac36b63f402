package org.objmapper.server.store.device;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;

/**
 * XXH3 (64 bits, without a seed) of bytes that come piece by piece, at least {@link #FEWEST_BYTES} in all: of fewer it is computed in
 * another way. For one thread.
 */
public final class Xxh3 {
    public static final int FEWEST_BYTES = 241;

    private static final int STRIPE_BYTES = 64;
    private static final int LANES = STRIPE_BYTES / Long.BYTES;
    /** The one that the algorithm has where nobody gives another. */
    private static final ByteBuffer SECRET = ByteBuffer.wrap(HexFormat.of()
                    .parseHex("b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671f"
                            + "cb79e64eccc0e578825ad07dccff7221b8084674f743248ee03590e6813a264c"
                            + "3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8"
                            + "a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364"
                            + "eac5ac8334d3ebc3c581a0fffa1363eb170ddd51b7f0da49d316552629d4689e"
                            + "2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e"))
            .order(ByteOrder.LITTLE_ENDIAN);
    /** Each stripe of a block has its key a long further on in the secret; the end of that is for what follows a block. */
    private static final long[] KEYS = new long[SECRET.capacity() / Long.BYTES];

    private static final int STRIPES_OF_A_BLOCK = KEYS.length - LANES;
    private static final int LAST_STRIPES_KEY = SECRET.capacity() - STRIPE_BYTES - 7;
    private static final int MERGING_KEY = 11;

    private static final long PRIME32_1 = 0x9E3779B1L;
    private static final long PRIME32_2 = 0x85EBCA77L;
    private static final long PRIME32_3 = 0xC2B2AE3DL;
    private static final long PRIME64_1 = 0x9E3779B185EBCA87L;
    private static final long PRIME64_2 = 0xC2B2AE3D27D4EB4FL;
    private static final long PRIME64_3 = 0x165667B19E3779F9L;
    private static final long PRIME64_4 = 0x85EBCA77C2B2AE63L;
    private static final long PRIME64_5 = 0x27D4EB2F165667C5L;
    private static final long AVALANCHE = 0x165667919E3779F9L;
    private static final long LOW_HALF = 0xFFFFFFFFL;

    static {
        for (int i = 0; i < KEYS.length; i++) {
            KEYS[i] = SECRET.getLong(i * Long.BYTES);
        }
    }

    private final long[] lanes = {PRIME32_3, PRIME64_1, PRIME64_2, PRIME64_3, PRIME64_4, PRIME32_2, PRIME64_5, PRIME32_1
    };
    /** The last whole stripe that was mixed in, and what came behind it: 1 to 64 bytes, as more must follow a stripe before it is mixed in. */
    private final ByteBuffer tail = ByteBuffer.allocate(2 * STRIPE_BYTES).order(ByteOrder.LITTLE_ENDIAN);

    private int waiting;
    private int stripesOfBlock;
    private long length;

    /** Adds what is between 0 and the limit of a buffer. */
    public void update(ByteBuffer bytes) {
        ByteBuffer from = bytes.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        int end = from.limit();
        length += end;
        int at = 0;
        while (at < end) {
            if (waiting == STRIPE_BYTES) {
                mix(tail, STRIPE_BYTES);
                tail.put(0, tail, STRIPE_BYTES, STRIPE_BYTES);
                waiting = 0;
            }
            if (waiting == 0 && end - at > STRIPE_BYTES) {
                at = mixStripes(from, at, end);
            }
            int count = Math.min(STRIPE_BYTES - waiting, end - at);
            tail.put(STRIPE_BYTES + waiting, from, at, count);
            waiting += count;
            at += count;
        }
    }

    /** All whole stripes behind which there is something; returns where that begins. */
    private int mixStripes(ByteBuffer from, int begin, int end) {
        int at = begin;
        while (end - at > STRIPE_BYTES) {
            mix(from, at);
            at += STRIPE_BYTES;
        }
        tail.put(0, from, at - STRIPE_BYTES, STRIPE_BYTES);
        return at;
    }

    private void mix(ByteBuffer from, int at) {
        for (int i = 0; i < LANES; i++) {
            mix(i, from.getLong(at + i * Long.BYTES), KEYS[stripesOfBlock + i]);
        }
        if (++stripesOfBlock == STRIPES_OF_A_BLOCK) {
            stripesOfBlock = 0;
            for (int i = 0; i < LANES; i++) {
                long lane = lanes[i];
                lanes[i] = (lane ^ lane >>> 47 ^ KEYS[STRIPES_OF_A_BLOCK + i]) * PRIME32_1;
            }
        }
    }

    private void mix(int lane, long data, long key) {
        long keyed = data ^ key;
        lanes[lane ^ 1] += data;
        lanes[lane] += (keyed & LOW_HALF) * (keyed >>> 32);
    }

    /** The hash of all; nothing can be added then. */
    public long value() {
        for (int i = 0; i < LANES; i++) {
            mix(i, tail.getLong(waiting + i * Long.BYTES), SECRET.getLong(LAST_STRIPES_KEY + i * Long.BYTES));
        }
        long merged = length * PRIME64_1;
        for (int i = 0; i < LANES; i += 2) {
            long one = lanes[i] ^ SECRET.getLong(MERGING_KEY + i * Long.BYTES);
            long other = lanes[i + 1] ^ SECRET.getLong(MERGING_KEY + (i + 1) * Long.BYTES);
            merged += one * other ^ highOfProduct(one, other);
        }
        merged = (merged ^ merged >>> 37) * AVALANCHE;
        return merged ^ merged >>> 32;
    }

    /** The upper half of the product of two unsigned numbers. */
    private static long highOfProduct(long one, long other) {
        return Math.multiplyHigh(one, other) + (one >> 63 & other) + (other >> 63 & one);
    }
}
