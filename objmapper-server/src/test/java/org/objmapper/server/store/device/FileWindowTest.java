package org.objmapper.server.store.device;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.util.Random;
import net.openhft.hashing.LongHashFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.objmapper.nativeio.NativeIo;

class FileWindowTest {
    private static final long SEED = 20_261_121;

    private static long directBytes() {
        return ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
                .filter(pool -> pool.getName().equals("direct"))
                .mapToLong(BufferPoolMXBean::getTotalCapacity)
                .sum();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 5_000, FileWindow.SIZE, FileWindow.SIZE + 1, 3 * FileWindow.SIZE + 17})
    void aFileHashesToWhatItsBytesHashTo(int length) throws Exception {
        byte[] bytes = new byte[length];
        new Random(SEED).nextBytes(bytes);
        ByteBuffer body = ByteBuffer.allocateDirect(length).put(bytes);
        int descriptor = NativeIo.sealedMemory(NativeIo.address(body), length);
        try {
            for (int i = 0; i < 2; i++) { // the second in the window of the first
                assertThat(FileWindow.xxh3(descriptor, length))
                        .isEqualTo(LongHashFunction.xx3().hashBytes(bytes));
            }
        } finally {
            NativeIo.close(descriptor);
        }
    }

    @Test
    void manyFilesTakeTheMemoryOfOneWindow() throws Exception {
        ByteBuffer body = ByteBuffer.allocateDirect(5_000);
        int descriptor = NativeIo.sealedMemory(NativeIo.address(body), body.capacity());
        try {
            long before = directBytes();
            for (int i = 0; i < 50; i++) {
                FileWindow.xxh3(descriptor, body.capacity());
            }
            assertThat(directBytes() - before).isLessThanOrEqualTo(FileWindow.SIZE);
        } finally {
            NativeIo.close(descriptor);
        }
    }
}
