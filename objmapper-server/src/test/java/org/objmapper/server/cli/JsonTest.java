package org.objmapper.server.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class JsonTest {
    @Test
    void valuesAreWrittenByTheirKind() {
        Map<String, Object> facts = new LinkedHashMap<>();
        facts.put("number", 5L);
        facts.put("flag", true);
        facts.put("list", List.of("a", "b"));
        facts.put("none", List.of());
        facts.put("text", "a \"quoted\" \\ line\nend");

        assertThat(Json.of(facts))
                .isEqualTo("{\"number\":5,\"flag\":true,\"list\":[\"a\",\"b\"],\"none\":[],"
                        + "\"text\":\"a \\\"quoted\\\" \\\\ line\\u000aend\"}");
        assertThat(Json.of(Map.of())).isEqualTo("{}");
    }
}
