package org.objmapper.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What is made of what load programs print. */
class SampleTest {
    @Test
    void figuresAndTimesAreReadFromWhatALoadProgramPrints() {
        Sample sample = Sample.parse("""
                fd connections=16 depth=1 ops/s=29393.50 p50=166.91us p99=8781.82us p999=91750.40us cpu=6.106us switches=1.140
                times 1000:3 2000000:1
                delivered=fd
                """);

        assertThat(sample.figures())
                .isEqualTo(Map.of(
                        Figure.REQUESTS, 29393.5,
                        Figure.P50, 166.91,
                        Figure.P99, 8781.82,
                        Figure.P999, 91750.4,
                        Figure.CPU, 6.106,
                        Figure.SWITCHES, 1.14));
        assertThat(sample.nanos().getTotalCount()).isEqualTo(4);
        assertThat((double) sample.nanos().getMaxValue()).isCloseTo(2e6, within(2e3));
    }

    @Test
    void aResultHasTheMedianOfThePairsRatiosAndNotTheRatioOfTheMedians() {
        Row row = new Row("name", "what it is", null, "the other", null, List.of(), Need.NOTHING);

        Result result = Result.of(row, requests(1, 20, 6), requests(2, 10, 4));

        assertThat(result.figures())
                .isEqualTo(Map.of(
                        Figure.REQUESTS,
                        new Result.Compared(new Spread(6, 1, 20), new Spread(4, 2, 10), new Spread(1.5, 0.5, 2))));
    }

    @Test
    void theMedianOfAnEvenNumberIsBetweenTheTwoInTheMiddle() {
        assertThat(Spread.of(List.of(4.0, 1.0, 2.0, 3.0))).isEqualTo(new Spread(2.5, 1, 4));
    }

    @Test
    void aCurveEndsWhereAPercentileWouldBeToldByLessThanARound() {
        Sample sample = Sample.parse("times 1000:999 9000:1\n");

        assertThat(Curve.of(List.of(sample)).points())
                .extracting(Curve.Point::percentile)
                .endsWith(99.5, 99.9);
    }

    private static List<Sample> requests(double... values) {
        return Arrays.stream(values)
                .mapToObj(value -> Sample.of(Figure.REQUESTS, value))
                .toList();
    }
}
