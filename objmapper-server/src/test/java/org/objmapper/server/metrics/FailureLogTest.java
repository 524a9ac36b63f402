package org.objmapper.server.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class FailureLogTest {
    private final LoggerContext context = new LoggerContext();
    private final ListAppender<ILoggingEvent> lines = new ListAppender<>();
    private final AtomicLong nanos = new AtomicLong(-5);
    private FailureLog failures;

    @BeforeEach
    void listen() {
        Logger logger = context.getLogger("test");
        lines.start();
        logger.addAppender(lines);
        failures = new FailureLog(logger, nanos::get);
    }

    @AfterEach
    void stop() {
        context.stop();
    }

    private List<String> logged() {
        return lines.list.stream().map(ILoggingEvent::getFormattedMessage).collect(Collectors.toList());
    }

    @Test
    void theFirstOfEachKindIsLoggedAtOnceAndThoseThatFollowAreCounted() {
        for (int i = 0; i < 1_000; i++) {
            failures.error("commit={} failed: {}", i, "why");
            failures.warn("file={} is left", i);
        }
        assertThat(logged()).containsExactly("commit=0 failed: why", "file=0 is left");

        nanos.addAndGet(FailureLog.PAUSE_NANOS - 1);
        failures.error("commit={} failed: {}", 1_000, "why");
        assertThat(logged()).hasSize(2);
        nanos.addAndGet(1);
        failures.error("commit={} failed: {}", 1_001, "why");
        assertThat(logged())
                .hasSize(3)
                .last()
                .isEqualTo("commit=1001 failed: why (left out since the last such line=1000)");
    }

    @Test
    void aFailureAfterAPauseIsLoggedAsIfItWereTheFirst() {
        failures.error("commit={} failed", 1);
        nanos.addAndGet(FailureLog.PAUSE_NANOS);
        failures.error("commit={} failed", 2);

        assertThat(logged()).containsExactly("commit=1 failed", "commit=2 failed");
    }
}
