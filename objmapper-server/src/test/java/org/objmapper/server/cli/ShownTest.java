package org.objmapper.server.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ShownTest {
    @Test
    void controlCharactersAreWrittenAsLsDoes() {
        assertThat(Shown.escaped("a\u001b[31mb\nc\td\re\u007ff\u009bg"))
                .isEqualTo("a\\033[31mb\\nc\\td\\re\\177f\\233g");
        assertThat(Shown.escaped("schlüssel/☃ \\n")).isEqualTo("schlüssel/☃ \\n");
    }

    @Test
    void aMessageKeepsItsLines() {
        assertThat(Shown.message("one\ntwo\u0007")).isEqualTo("one\ntwo\\007");
    }

    @Test
    void aNameIsShortenedBeyondItsLimitAndNotAtIt() {
        assertThat(Shown.name("k".repeat(200))).isEqualTo("k".repeat(200));
        assertThat(Shown.name("k".repeat(201))).isEqualTo("k".repeat(150) + "[...]" + "k".repeat(50));
    }
}
