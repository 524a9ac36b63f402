package org.objmapper.server.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every limit of protocol-spec.md, section 8, that isn't fixed is a key of the configuration, with the default and the range of that page. */
class SpecifiedLimitsTest {
    private static final Path SPECIFICATION = Path.of(System.getProperty("objmapper.root", ".."), "protocol-spec.md");

    /** A row of the table: a name, its default and its range as they are written there. */
    record Row(String name, String standard, String range) {
        ConfigurationKey key() {
            String table = name.endsWith("_TIMEOUT") ? "timeouts" : "limits";
            String key = name.replace("_TIMEOUT", "").toLowerCase(Locale.ROOT);
            return Stream.of(ConfigurationKey.values())
                    .filter(candidate ->
                            candidate.table().equals(table) && candidate.key().equals(key))
                    .findFirst()
                    .orElseThrow(() -> new AssertionError("no key " + table + "." + key));
        }
    }

    static List<Row> rows() throws IOException {
        String text = Files.readString(SPECIFICATION);
        List<Row> rows = text.substring(text.indexOf("\n## 8. "), text.indexOf("\n8.1. "))
                .lines()
                .filter(line -> line.startsWith("| "))
                .map(line -> line.substring(2).split(" \\| "))
                .filter(cells -> cells[0].equals(cells[0].toUpperCase(Locale.ROOT)) && !cells[0].startsWith("-"))
                .filter(cells -> !cells[2].equals("fixed"))
                .map(cells -> new Row(cells[0], cells[1].replace("server: ", ""), cells[2].replace("0 (never), ", "")))
                .toList();
        assertThat(rows).hasSizeGreaterThan(10);
        return rows;
    }

    @ParameterizedTest
    @MethodSource("rows")
    void theKeyHasTheRangeOfTheSpecification(Row row) {
        String[] ends = row.range().split(" to ");

        assertThat(row.key().lowest()).isEqualTo(number(ends[0]));
        assertThat(row.key().highest()).isEqualTo(number(ends[1]));
    }

    @ParameterizedTest
    @MethodSource("rows")
    void theKeyHasTheDefaultOfTheSpecification(Row row) throws ConfigurationException {
        String value = row.key().table().equals("timeouts")
                ? "\"" + row.standard() + "\""
                : Long.toString(number(row.standard()));

        assertThat(ConfigurationFile.parse(
                        "test.toml", "[" + row.key().table() + "]\n" + row.key().key() + " = " + value))
                .isEqualTo(Configuration.standard());
    }

    /** A number as the page writes it: 4,096 or 2^40, or a time, in milliseconds. */
    private static long number(String written) {
        String plain = written.replace(",", "");
        if (plain.startsWith("2^")) {
            return 1L << Integer.parseInt(plain.substring(2));
        }
        return plain.contains(" ") ? Units.parseMillis(plain) : Long.parseLong(plain);
    }
}
