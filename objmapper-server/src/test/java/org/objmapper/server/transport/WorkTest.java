package org.objmapper.server.transport;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class WorkTest {
    private final Work work = new Work();

    @Test
    void itTakesSoManyRequestsBetweenTwoLooksToBeAtWork() {
        asked(Work.ENOUGH - 1);
        assertThat(work.look()).isEqualTo(Work.ENOUGH - 1);
        assertThat(work.isAtWork()).isFalse();
        asked(Work.ENOUGH);
        assertThat(work.look()).isZero();
        assertThat(work.isAtWork()).isTrue();
        assertThat(work.isLarge()).isFalse();
    }

    @Test
    void itTakesSoManyTurnsWithLargeBodiesToBeOneThatSendsThem() {
        hadLargeBody(Work.ENOUGH - 1);
        asked(Work.ENOUGH);
        work.look();
        assertThat(work.isLarge()).isFalse();
        hadLargeBody(Work.ENOUGH);
        work.look();
        assertThat(work.isLarge()).isTrue();
        assertThat(work.isAtWork()).isTrue();
    }

    @Test
    void whoPausesCountsForSomeLooksMore() {
        asked(Work.ENOUGH);
        hadLargeBody(Work.ENOUGH);
        for (int i = 0; i < Work.LASTING; i++) {
            work.look();
            assertThat(work.isLarge()).isTrue();
            assertThat(work.isAtWork()).isTrue();
        }
        work.look();
        assertThat(work.isLarge()).isFalse();
        assertThat(work.isAtWork()).isFalse();
    }

    @Test
    void whoGoesOnElsewhereCountsThereAtOnce() {
        hadLargeBody(Work.ENOUGH);
        work.look();
        Work there = new Work();
        there.goesOn(work);
        assertThat(there.isLarge()).isTrue();
        assertThat(there.isAtWork()).isTrue();
    }

    @Test
    void itIsNotedOnceAndAgainWhenItIsAtWorkNoLonger() {
        assertThat(work.note()).isTrue();
        assertThat(work.note()).isFalse();
        asked(Work.ENOUGH);
        work.look();
        assertThat(work.note()).as("it is looked at all the same").isFalse();
        for (int i = 0; i < Work.LASTING; i++) {
            work.look();
        }
        assertThat(work.note()).isTrue();
    }

    private void asked(int times) {
        for (int i = 0; i < times; i++) {
            work.asked();
        }
    }

    private void hadLargeBody(int times) {
        for (int i = 0; i < times; i++) {
            work.hadLargeBody();
        }
    }
}
