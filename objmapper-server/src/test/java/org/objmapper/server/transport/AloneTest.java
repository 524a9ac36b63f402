package org.objmapper.server.transport;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class AloneTest {
    private static final int PROCESSORS = 4;
    private static final int SLOT = 7;
    private static final int OTHER_SLOT = 3;

    private final Alone alone = new Alone(PROCESSORS);

    private void hear(int slot, int times) {
        for (int i = 0; i < times; i++) {
            alone.heard(slot);
        }
    }

    @BeforeEach
    void aSessionIsAlone() {
        hear(SLOT, 1 + Alone.MOST_TRUST);
        alone.runnableThreads(PROCESSORS);
        assertThat(alone.is(SLOT)).isTrue();
    }

    @Test
    void itTakesManyEventsOfOneSession() {
        hear(OTHER_SLOT, Alone.SURE);
        alone.runnableThreads(PROCESSORS);
        assertThat(alone.is(OTHER_SLOT)).isFalse();
        hear(OTHER_SLOT, 1);
        assertThat(alone.is(OTHER_SLOT)).isTrue();
        assertThat(alone.is(SLOT)).isFalse();
    }

    @Test
    void whoWasAloneIsNamedWhenAnotherComes() {
        assertThat(alone.heard(SLOT)).isEqualTo(-1);
        assertThat(alone.heard(OTHER_SLOT)).isEqualTo(SLOT);
        assertThat(alone.is(SLOT)).isFalse();
    }

    @Test
    void theFirstSessionOfAllComesAfterNoOther() {
        assertThat(new Alone(PROCESSORS).heard(SLOT)).isEqualTo(-1);
    }

    @Test
    void nobodyIsWhileMoreThreadsWantToRunThanThereAreProcessors() {
        alone.runnableThreads(PROCESSORS + 1);
        assertThat(alone.is(SLOT)).isFalse();
        alone.runnableThreads(PROCESSORS);
        assertThat(alone.is(SLOT)).isTrue();
    }

    @Test
    void nobodyIsWhereItIsNotKnownHowManyWantToRun() {
        alone.runnableThreads(-1);
        assertThat(alone.is(SLOT)).isFalse();
    }

    @Test
    void theNextOneIsNotBeforeTheProcessorsWereLookedAt() {
        hear(OTHER_SLOT, 1 + Alone.SURE);
        assertThat(alone.is(OTHER_SLOT)).isFalse();
    }

    @Test
    void whoMostlyComesLateIsNot() {
        for (int i = 0; i < Alone.MOST_TRUST; i++) {
            alone.waited(Alone.LONGEST_WAIT_NANOS + 1);
            hear(SLOT, 1);
        }
        assertThat(alone.isLikely()).isFalse();
        assertThat(alone.is(SLOT)).isFalse();
    }

    @Test
    void whoComesLateNowAndThenIs() {
        for (int i = 0; i < Alone.MOST_TRUST; i++) {
            alone.waited(Alone.LONGEST_WAIT_NANOS + 1);
            hear(SLOT, Alone.LATE);
            alone.waited(Alone.LONGEST_WAIT_NANOS);
            assertThat(alone.is(SLOT)).isTrue();
        }
    }
}
