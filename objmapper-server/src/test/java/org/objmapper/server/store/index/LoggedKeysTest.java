package org.objmapper.server.store.index;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.Collections;
import org.junit.jupiter.api.Test;

class LoggedKeysTest {
    private static ObjectKey key(String text) {
        return new ObjectKey(text.getBytes(StandardCharsets.ISO_8859_1));
    }

    @Test
    void aKeyCanNeitherEndItsLineNorItsQuotes() {
        assertThat(LoggedKeys.of(key("a\n\"b\\\u00ff"))).isEqualTo("\"a\\x0a\\x22b\\x5c\\xff\"");
    }

    @Test
    void aLongKeyIsCut() {
        String most = "k".repeat(LoggedKeys.SHOWN_BYTES);
        assertThat(LoggedKeys.of(key(most))).isEqualTo('"' + most + '"');
        assertThat(LoggedKeys.of(key(most + "k"))).isEqualTo('"' + most + "\"...");
    }

    @Test
    void someKeysAreShownAndTheOthersCounted() {
        assertThat(LoggedKeys.of(Collections.nCopies(LoggedKeys.SHOWN, key("k"))))
                .doesNotContain("more");
        assertThat(LoggedKeys.of(Collections.nCopies(LoggedKeys.SHOWN + 2, key("k"))))
                .endsWith(" and 2 more");
    }
}
