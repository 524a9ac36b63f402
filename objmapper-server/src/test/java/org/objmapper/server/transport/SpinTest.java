package org.objmapper.server.transport;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class SpinTest {
    private static final long SPIN = 20_000;
    private static final long SOON = 10_000;
    private static final long LATE = 10_000_000;
    private static final int PROCESSORS = 4;

    private final Spin spin = new Spin(SPIN, PROCESSORS);
    private long now;

    /** Waits as the loop does, on a machine with processors to spare; input comes after so long. Returns for how long it spun. */
    private long input(long nanos) {
        return input(spin, nanos);
    }

    private long input(Spin spin, long nanos) {
        long spun = spin.nanos();
        now += nanos;
        if (spun > 0) {
            spin.spun(nanos <= spun, nanos, now);
        } else {
            spin.slept(nanos, true, now);
        }
        if (spin.isTrusted()) {
            spin.runnableThreads(PROCESSORS);
        }
        return spun;
    }

    private void becomeTrusted() {
        input(SOON);
        for (int i = 0; i < Spin.MOST_TRUST; i++) {
            assertThat(input(SOON)).isEqualTo(SPIN);
        }
    }

    @Test
    void itBeginsAfterAShortSleepAndGoesOnWhileInputComesSoon() {
        assertThat(input(Spin.SHORT_SLEEP_NANOS + 1)).isZero();
        assertThat(input(Spin.SHORT_SLEEP_NANOS)).isZero();
        assertThat(input(SPIN)).isEqualTo(SPIN);
        assertThat(input(SPIN)).isEqualTo(SPIN);
    }

    @Test
    void aSleepThatNoInputEndedTeachesNothing() {
        spin.slept(SOON, false, now);
        assertThat(spin.isTrusted()).isFalse();
    }

    @Test
    void whenNothingMoreComesItEndsAfterAFewWaits() {
        becomeTrusted();
        for (int i = 0; i < Spin.MOST_TRUST / Spin.VAIN; i++) {
            assertThat(spin.nanos()).isEqualTo(SPIN);
            spin.spun(false, SPIN, now);
        }
        assertThat(spin.nanos()).isZero();
    }

    @Test
    void aFewSpinsInVainAreForgivenAndManyEndIt() {
        becomeTrusted();
        for (int i = 0; i < Spin.MOST_TRUST / Spin.VAIN - 1; i++) {
            assertThat(input(LATE)).isEqualTo(SPIN);
        }
        assertThat(input(SOON)).isEqualTo(SPIN);
        input(LATE);
        input(LATE);
        assertThat(input(SOON)).isZero();
    }

    @Test
    void itTriesAgainAfterAPauseThatGrowsEachTimeItDoesNotPay() {
        long pause = Spin.FIRST_PAUSE_NANOS;
        input(SOON);
        for (int i = 0; i < 20; i++) {
            assertThat(input(LATE)).isEqualTo(SPIN);
            assertThat(input(LATE)).isEqualTo(SPIN);
            long inVain = now;
            assertThat(input(SOON)).isZero();
            assertThat(spin.nanos()).as("before the pause is over").isZero();
            now = inVain + pause;
            input(0);
            assertThat(spin.nanos()).as("after a pause of %d ns", pause).isEqualTo(SPIN);
            pause = Math.min(Spin.LONGEST_PAUSE_NANOS, 2 * pause);
        }
        assertThat(pause).isEqualTo(Spin.LONGEST_PAUSE_NANOS);
    }

    @Test
    void aTimeInWhichItPaysMakesThePauseShortAgain() {
        input(SOON);
        for (int i = 0; i < 10; i++) {
            input(LATE);
            input(LATE);
            now += Spin.LONGEST_PAUSE_NANOS;
            input(SOON);
        }
        for (int i = 0; i < Spin.MOST_TRUST; i++) {
            input(SOON);
        }
        while (spin.nanos() > 0) {
            input(LATE);
        }
        now += Spin.FIRST_PAUSE_NANOS;
        input(SOON);
        assertThat(spin.nanos()).isEqualTo(SPIN);
    }

    @Test
    void twoSessionsMayTakeTurnsAndAThirdEndsIt() {
        becomeTrusted();
        for (int i = 0; i < 100; i++) {
            spin.heard(i % 2);
        }
        assertThat(spin.nanos()).isEqualTo(SPIN);
        for (int i = 0; i < Spin.CROWD; i++) {
            spin.heard(i % 3);
        }
        assertThat(spin.nanos()).isZero();
        for (int i = 0; i < 100; i++) {
            spin.heard(i % 2);
        }
        assertThat(spin.nanos()).isEqualTo(SPIN);
    }

    @Test
    void itRestsWhileMoreThreadsWantToRunThanThereAreProcessorsOrNobodyKnows() {
        becomeTrusted();
        spin.runnableThreads(PROCESSORS + 1);
        assertThat(spin.nanos()).isZero();
        spin.runnableThreads(PROCESSORS);
        assertThat(spin.nanos()).isEqualTo(SPIN);
        spin.runnableThreads(-2);
        assertThat(spin.nanos()).isZero();
    }

    @Test
    void itDoesNotBeginBeforeItKnowsThatThereAreProcessorsToSpare() {
        spin.runnableThreads(PROCESSORS);
        spin.slept(SOON, true, now);
        assertThat(spin.isTrusted()).isTrue();
        assertThat(spin.nanos()).isZero();
        spin.runnableThreads(PROCESSORS);
        assertThat(spin.nanos()).isEqualTo(SPIN);
    }

    @Test
    void itLooksForTwiceAsLongAsInputLatelyTookAndNoLongerThanItMay() {
        long longest = 50 * SPIN;
        Spin patient = new Spin(longest, PROCESSORS);
        input(patient, SOON);
        assertThat(input(patient, 2 * SPIN)).isEqualTo(longest);
        for (int i = 0; i < 100; i++) {
            input(patient, 2 * SPIN);
        }
        assertThat(patient.nanos()).isBetween(4 * SPIN, 5 * SPIN);
        for (int i = 0; i < 100; i++) {
            input(patient, 0);
        }
        assertThat(patient.nanos()).isEqualTo(Spin.LEAST_NANOS);
    }

    @Test
    void itLooksForTwiceAsLongAfterEachTimeInVain() {
        long longest = 50 * SPIN;
        Spin patient = new Spin(longest, PROCESSORS);
        input(patient, SOON);
        for (int i = 0; i < 100; i++) {
            input(patient, 2 * SPIN);
        }
        long before = patient.nanos();
        input(patient, LATE);
        assertThat(patient.nanos()).isEqualTo(2 * before);
        for (int i = 0; i < Spin.MOST_TRUST / Spin.VAIN - 2; i++) {
            input(patient, LATE);
        }
        assertThat(patient.nanos()).isEqualTo(longest);
    }

    @Test
    void withoutTimeToSpinItNeverDoes() {
        Spin never = new Spin(0, PROCESSORS);
        for (int i = 0; i < 100; i++) {
            never.slept(SOON, true, i);
            assertThat(never.isTrusted()).isFalse();
            assertThat(never.nanos()).isZero();
        }
    }
}
