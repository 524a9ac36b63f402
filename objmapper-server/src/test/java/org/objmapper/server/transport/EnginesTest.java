package org.objmapper.server.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.objmapper.nativeio.Errno;
import org.objmapper.nativeio.NativeIo;

class EnginesTest {
    private static final long RING = 64;
    private static final long EPOLL = 128;

    private final List<Integer> tried = new ArrayList<>();

    private Engines engines(EngineKind kind, long ring, long epoll) {
        return new Engines(kind, engine -> {
            tried.add(engine);
            return engine == NativeIo.ENGINE_IO_URING ? ring : epoll;
        });
    }

    @ParameterizedTest
    @EnumSource(names = {"AUTO", "EPOLL"})
    void epollIsTakenWithoutALookAtTheOther(EngineKind kind) throws Exception {
        assertThat(engines(kind, RING, EPOLL).open()).isEqualTo(EPOLL);
        assertThat(tried).containsExactly(NativeIo.ENGINE_EPOLL);
    }

    @Test
    void ioUringIsTakenByWhoAsksForIt() throws Exception {
        assertThat(engines(EngineKind.IO_URING, RING, EPOLL).open()).isEqualTo(RING);
        assertThat(tried).containsExactly(NativeIo.ENGINE_IO_URING);
    }

    @Test
    void whoAsksForIoUringWhereItIsForbiddenIsToldWhatItTakes() {
        assertThatThrownBy(
                        () -> engines(EngineKind.IO_URING, -Errno.EPERM, EPOLL).open())
                .isInstanceOf(IOException.class)
                .hasMessageContainingAll(
                        "server.engine = \"io_uring\"", "Operation not permitted", "kernel.io_uring_disabled", "auto");
    }
}
