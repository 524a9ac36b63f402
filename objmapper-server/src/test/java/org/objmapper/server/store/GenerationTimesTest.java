package org.objmapper.server.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class GenerationTimesTest {
    private static final long SECOND = 1_000;

    private final GenerationTimes times = GenerationTimes.of(null);

    @Test
    void aGenerationIsAsOldAsTheFirstMarkBehindIt() {
        assertThat(times.mark(10, 1 * SECOND)).isTrue();
        assertThat(times.mark(20, 2 * SECOND)).isTrue();
        assertThat(times.millisAfter(9)).isEqualTo(1 * SECOND);
        assertThat(times.millisAfter(10)).as("it was the next one then").isEqualTo(2 * SECOND);
        assertThat(times.millisAfter(19)).isEqualTo(2 * SECOND);
        assertThat(times.millisAfter(20)).isNull();
    }

    @Test
    void whereNoneWasGivenOutThereIsNothingToMark() {
        times.mark(10, 1 * SECOND);
        assertThat(times.mark(10, 9 * SECOND)).isFalse();
        assertThat(times.millisAfter(9)).isEqualTo(1 * SECOND);
    }

    @Test
    void ofManyYearsFewMarksAreKeptAndNoneIsAnEighthOff() {
        long now = 0;
        long next = 0;
        long end = TimeUnit.DAYS.toMillis(20 * 365);
        while (now < end) {
            now += Math.max(SECOND, now / 5_000);
            times.mark(++next, now);
        }
        assertThat(times.marks()).isLessThan(1_000);
        long givenAt = 0;
        for (long generation = 0; generation < next; generation++) {
            givenAt += Math.max(SECOND, givenAt / 5_000); // as above
            Long found = times.millisAfter(generation);
            assertThat(found).isNotNull().isGreaterThanOrEqualTo(givenAt);
            assertThat(found - givenAt).isLessThanOrEqualTo((now - givenAt) / 8);
        }
    }

    @Test
    void theyOutliveTheServer() {
        times.mark(10, 1 * SECOND);
        times.mark(20, 2 * SECOND);
        GenerationTimes after = GenerationTimes.of(times.value());
        assertThat(after.millisAfter(9)).isEqualTo(1 * SECOND);
        assertThat(after.millisAfter(19)).isEqualTo(2 * SECOND);
        assertThat(GenerationTimes.of(new byte[3]).marks()).isZero();
    }
}
