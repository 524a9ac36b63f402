package org.objmapper.server.store.device;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.Random;
import net.openhft.hashing.LongHashFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Bytes that come piece by piece have the hash that they have as a whole. */
class Xxh3Test {
    private static final int MOST_PIECES = 5_000;

    private final long seed = Long.getLong("objmapper.seed", System.nanoTime());
    private final Random random = new Random(seed);

    private byte[] bytes(int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }

    /** Cut anywhere, into pieces of up to so many bytes, which may have none. */
    private long inPieces(byte[] bytes, int longest) {
        Xxh3 hash = new Xxh3();
        int at = 0;
        while (at < bytes.length) {
            int count = Math.min(random.nextInt(longest + 1), bytes.length - at);
            hash.update(ByteBuffer.allocate(count).put(0, bytes, at, count));
            at += count;
        }
        return hash.value();
    }

    private void expectSame(byte[] bytes, int longest) {
        assertThat(inPieces(bytes, longest))
                .as("bytes=" + bytes.length + " pieces of up to " + longest + " -Dobjmapper.seed=" + seed)
                .isEqualTo(LongHashFunction.xx3().hashBytes(bytes));
    }

    @ParameterizedTest
    @ValueSource(
            ints = {Xxh3.FEWEST_BYTES, 255, 256, 257, 1_023, 1_024, 1_025, 1_088, 2_047, 2_048, 2_049, 4_097, 262_144})
    void aLengthAtAnEdgeIsHashedRight(int length) {
        byte[] bytes = bytes(length);
        for (int longest : new int[] {1, 63, 64, 65, 1_024, length}) {
            if (length / longest <= MOST_PIECES) {
                expectSame(bytes, longest);
            }
        }
    }

    @Test
    void anyLengthInAnyPiecesIsHashedRight() {
        for (int i = 0; i < 2_000; i++) {
            expectSame(bytes(Xxh3.FEWEST_BYTES + random.nextInt(5_000)), 1 + random.nextInt(3_000));
        }
    }
}
