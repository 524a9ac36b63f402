package org.objmapper.server.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.objmapper.server.config.Configuration;
import org.objmapper.server.config.Configuration.CapacitySettings;
import org.objmapper.server.store.eviction.PolicyName;
import org.objmapper.server.store.tier.Capacity;

class CapacitySettingsTest {
    @Test
    void theConfigurationNamesThePoliciesThatThereAre() {
        assertThat(CapacitySettings.POLICIES)
                .isEqualTo(Arrays.stream(PolicyName.values())
                        .map(policy -> policy.name().toLowerCase(Locale.ROOT))
                        .toList());
    }

    @Test
    void theDefaultsOfTheConfigurationAreThoseOfTheStore() {
        CapacitySettings settings = Configuration.standard().store().capacity();
        Capacity usual = Capacity.of(settings.bytes());

        assertThat(settings.objects()).isEqualTo(usual.objects());
        assertThat(settings.highWatermark()).isEqualTo(usual.highPercent());
        assertThat(settings.lowWatermark()).isEqualTo(usual.lowPercent());
        assertThat(settings.eviction()).isEqualTo(usual.policy().name().toLowerCase(Locale.ROOT));
    }

    @Test
    void aDevelopmentServerTakesATenthOfTheFreeSpaceOrTenGibibytes() {
        assertThat(DevelopmentServer.capacity(50L << 30)).isEqualTo(5L << 30);
        assertThat(DevelopmentServer.capacity(100L << 30)).isEqualTo(10L << 30);
        assertThat(DevelopmentServer.capacity(1L << 50)).isEqualTo(10L << 30);
    }
}
