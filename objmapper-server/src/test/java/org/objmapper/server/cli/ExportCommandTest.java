package org.objmapper.server.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ExportCommandTest {
    private static final Path DIRECTORY = Path.of("/export");

    @Test
    void aKeyBecomesAPathBelowTheDirectory() {
        assertThat(file("a", 0)).isEqualTo(Path.of("/export/a"));
        assertThat(file("docs/a/b.txt", 5)).isEqualTo(Path.of("/export/a/b.txt"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"/etc/passwd", "..", "../a", "a/../../b", "a//b", "a/", ".", "a/./b", "nul\0"})
    void aKeyThatIsNoPathBelowTheDirectoryIsNone(String key) {
        assertThat(file(key, 0)).isNull();
    }

    @Test
    void aKeyThatIsThePrefixItselfIsNone() {
        assertThat(file("docs", 4)).isNull();
    }

    @Test
    void aKeyThatIsNoUtf8IsNone() {
        assertThat(ExportCommand.file(DIRECTORY, new byte[] {'a', (byte) 0xff}, 0))
                .isNull();
        assertThat(file("\uFFFD", 0)).isEqualTo(DIRECTORY.resolve("\uFFFD"));
    }

    private static Path file(String key, int prefixLength) {
        return ExportCommand.file(DIRECTORY, key.getBytes(StandardCharsets.UTF_8), prefixLength);
    }
}
