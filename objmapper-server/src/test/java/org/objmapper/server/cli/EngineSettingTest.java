package org.objmapper.server.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.objmapper.server.config.Configuration;
import org.objmapper.server.transport.EngineKind;

class EngineSettingTest {
    @Test
    void theConfigurationHasANameForEachEngine() {
        assertThat(Configuration.ENGINES)
                .isEqualTo(Arrays.stream(EngineKind.values())
                        .map(kind -> kind.name().toLowerCase(Locale.ROOT))
                        .toList());
    }
}
