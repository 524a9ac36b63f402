package org.objmapper.server.thread;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class PatienceTest {
    private final List<Long> waited = new ArrayList<>();

    /** Ends at once, and notes how long it might have waited. */
    private boolean end(long millis) throws InterruptedException {
        waited.add(millis);
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
        return true;
    }

    @Test
    void whoIsNotInterruptedWaitsLong() {
        assertThat(Patience.awaitEnd(this::end)).isTrue();
        assertThat(waited).containsExactly(Patience.MILLIS);
    }

    @Test
    void whoIsInterruptedWaitsOnceMoreAndShortlyAndStaysInterrupted() {
        Thread.currentThread().interrupt();

        boolean ended = Patience.awaitEnd(this::end);

        assertThat(Thread.interrupted()).isTrue();
        assertThat(ended).isTrue();
        assertThat(waited).containsExactly(Patience.MILLIS, Patience.HURRIED_MILLIS);
    }

    @Test
    void whatHangsIsGivenUp() {
        assertThat(Patience.awaitEnd(millis -> false)).isFalse();
    }
}
