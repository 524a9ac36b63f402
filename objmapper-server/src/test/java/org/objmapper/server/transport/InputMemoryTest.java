package org.objmapper.server.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;
import org.objmapper.protocol.Limits;

/** The memory for input that can't be used yet. */
class InputMemoryTest {
    private static final int SMALLEST = 16 * 1024;

    @Test
    void itLendsUpToItsLimitAndNoByteMore() {
        InputMemory memory = new InputMemory(2 * SMALLEST);

        ByteBuffer first = memory.take(1);
        assertThat(first).isNotNull();
        assertThat(memory.take(SMALLEST)).isNotNull();
        assertThat(memory.held()).isEqualTo(2 * SMALLEST);
        assertThat(memory.take(1)).isNull();

        memory.giveBack(first);
        assertThat(memory.held()).isEqualTo(SMALLEST);
        assertThat(memory.take(SMALLEST + 1)).isNull();
        assertThat(memory.take(1)).isNotNull();
    }

    @Test
    void oneByteLessThanABufferLendsNone() {
        assertThat(new InputMemory(SMALLEST - 1).take(1)).isNull();
        assertThat(new InputMemory(SMALLEST).take(1)).isNotNull();
    }

    @Test
    void aFrameWithTheMostMetadataAndWhatComesWithItHaveRoomInOneBuffer() {
        InputMemory memory = new InputMemory(1 << 20);
        int most = Limits.HEADER + Limits.MAX_METADATA + Limits.MAX_PING + 2 * Loop.SLICE;

        assertThat(memory.take(most).remaining()).isEqualTo(most);
        assertThat(catchThrowable(() -> memory.take(most + 1))).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void aBufferThatCameBackIsLentAgainEmpty() {
        InputMemory memory = new InputMemory(1 << 20);
        ByteBuffer buffer = memory.take(100).putLong(1);

        memory.giveBack(buffer);

        assertThat(memory.take(100)).isSameAs(buffer);
        assertThat(buffer.position()).isZero();
    }
}
