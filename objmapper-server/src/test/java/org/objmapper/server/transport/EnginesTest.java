package org.objmapper.server.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.objmapper.nativeio.Errno;
import org.objmapper.nativeio.NativeIo;
import org.slf4j.LoggerFactory;

class EnginesTest {
    private static final long RING = 64;
    private static final long EPOLL = 128;

    private final Logger log = (Logger) LoggerFactory.getLogger(Engines.class);
    private final ListAppender<ILoggingEvent> lines = new ListAppender<>();
    private final List<Integer> tried = new ArrayList<>();

    @BeforeEach
    void listen() {
        lines.start();
        log.addAppender(lines);
    }

    @AfterEach
    void listenNoMore() {
        log.detachAppender(lines);
    }

    private Engines engines(EngineKind kind, long ring, long epoll) {
        return new Engines(kind, engine -> {
            tried.add(engine);
            return engine == NativeIo.ENGINE_IO_URING ? ring : epoll;
        });
    }

    @Test
    void autoTakesIoUringWhereItCanBeUsed() throws Exception {
        assertThat(engines(EngineKind.AUTO, RING, EPOLL).open()).isEqualTo(RING);
        assertThat(lines.list).isEmpty();
    }

    @Test
    void autoTakesEpollWhereIoUringIsForbiddenAndSaysSoOnceForAllLoops() throws Exception {
        Engines engines = engines(EngineKind.AUTO, -Errno.EPERM, EPOLL);
        assertThat(engines.open()).isEqualTo(EPOLL);
        assertThat(engines.open()).isEqualTo(EPOLL);

        assertThat(tried).containsExactly(NativeIo.ENGINE_IO_URING, NativeIo.ENGINE_EPOLL, NativeIo.ENGINE_EPOLL);
        assertThat(lines.list).singleElement().satisfies(line -> {
            assertThat(line.getLevel()).isEqualTo(Level.INFO);
            assertThat(line.getFormattedMessage())
                    .isEqualTo("io_uring can't be used (Operation not permitted); the loops use epoll");
        });
    }

    @Test
    void epollIsTakenWithoutALookAtTheOther() throws Exception {
        assertThat(engines(EngineKind.EPOLL, RING, EPOLL).open()).isEqualTo(EPOLL);
        assertThat(tried).containsExactly(NativeIo.ENGINE_EPOLL);
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
