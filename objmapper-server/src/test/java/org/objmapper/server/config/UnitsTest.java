package org.objmapper.server.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class UnitsTest {
    @ParameterizedTest
    @CsvSource({"0, 0", "4096, 4096", "64 KiB, 65536", "1MiB, 1048576", "2 gib, 2147483648", "5 B, 5"})
    void aSizeIsBytes(String text, long bytes) {
        assertThat(Units.parseBytes(text)).isEqualTo(bytes);
    }

    @ParameterizedTest
    @CsvSource({"0, 0", "500 ms, 500", "5s, 5000", "10 min, 600000", "24 h, 86400000", "7 d, 604800000"})
    void aTimeIsMilliseconds(String text, long millis) {
        assertThat(Units.parseMillis(text)).isEqualTo(millis);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "KiB", "-1", "5 kb", "1.5 MiB", "9223372036854775808", "9000000 PiB"})
    void whatIsNoSizeIsRefused(String text) {
        assertThatIllegalArgumentException().isThrownBy(() -> Units.parseBytes(text));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "s", "5", "-1 s", "5 weeks", "9223372036854775807 d"})
    void whatIsNoTimeIsRefused(String text) {
        assertThatIllegalArgumentException().isThrownBy(() -> Units.parseMillis(text));
    }

    @Test
    void quantitiesAreWrittenInTheLargestExactUnit() {
        assertThat(Units.bytes(65_536)).isEqualTo("64 KiB");
        assertThat(Units.bytes(65_537)).isEqualTo("65537 B");
        assertThat(Units.bytes(1L << 62)).isEqualTo("4096 PiB");
        assertThat(Units.millis(0)).isEqualTo("0 s");
        assertThat(Units.millis(100)).isEqualTo("100 ms");
        assertThat(Units.millis(60_000)).isEqualTo("1 min");
        assertThat(Units.millis(86_400_000)).isEqualTo("24 h");
    }
}
