package org.objmapper.server.transport;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class NextLooksTest {
    private final NextLooks looks = new NextLooks(2);

    @Test
    void aSessionIsLookedAtAtOnceUntilItRests() {
        assertThat(looks.isDue(0, Long.MIN_VALUE)).isTrue();
        assertThat(looks.isDue(0, 5_000)).isTrue();
    }

    @Test
    void oneThatRestsIsLookedAtWhenItsTimeHasCome() {
        looks.notBefore(0, 5_000);

        assertThat(looks.isDue(0, 4_999)).isFalse();
        assertThat(looks.isDue(0, 5_000)).isTrue();
        assertThat(looks.isDue(1, 4_999)).as("another").isTrue();
    }

    @Test
    void oneThatRestsNoLongerIsLookedAtAtOnce() {
        looks.notBefore(0, 5_000);
        looks.atOnce(0);

        assertThat(looks.isDue(0, 0)).isTrue();
    }
}
