package org.objmapper.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Every row of the specification's tables is what the code says, and nothing is in the code alone. */
class SpecificationTest {
    @Test
    void everyStatusIsTheOneOfTheTable() throws Exception {
        List<String> specified = new ArrayList<>();
        for (List<String> row : Specification.rows("## 9. ")) {
            String group = row.get(2);
            specified.add(String.join(
                    " | ",
                    row.get(0),
                    row.get(1),
                    group.replace(", fatal", ""),
                    group.endsWith(", fatal") ? "fatal" : "",
                    row.get(3).equals("yes") ? "retry" : "",
                    row.get(4).equals("0") ? "" : row.get(4),
                    row.get(5)));
        }
        assertThat(Stream.of(Status.values())
                        .map(status -> String.join(
                                " | ",
                                Integer.toString(status.code()),
                                status.name(),
                                groupOf(status),
                                status.fatal() ? "fatal" : "",
                                status.retryable() ? "retry" : "",
                                status.errno(),
                                status.sentence())))
                .isEqualTo(specified);
    }

    private static String groupOf(Status status) {
        return status == Status.OK
                ? ""
                : status.group().name().toLowerCase(Locale.ROOT).replace('_', ' ');
    }

    @Test
    void anUnknownStatusIsTakenAsInternal() {
        assertThat(List.of(Status.of(2), Status.of(79), Status.of(65_535), Status.of(-1)))
                .containsOnly(Status.INTERNAL);
    }

    @Test
    void everyTypeOfMetadataIsTheOneOfTheTables() throws Exception {
        List<String> specified = new ArrayList<>();
        for (List<String> row : Specification.rows("### 3.6. ")) {
            specified.add(described(row) + " parameter");
        }
        for (List<String> row : Specification.rows("### 3.7. ")) {
            specified.add(described(row) + " set by " + row.get(4));
        }
        assertThat(Stream.of(MetadataType.values())
                        .map(type -> type.code() + " " + type + " of " + type.shortest() + " to " + type.longest()
                                + ", "
                                + type.repeats() + (type.isText() ? " text" : "") + (type.isPair() ? " pair" : "")
                                + (!MetadataType.isObjectMetadata(type.code())
                                        ? " parameter"
                                        : type.setByServer() ? " set by server" : " set by client")))
                .isEqualTo(specified);
    }

    private static String described(List<String> row) {
        String value = row.get(2);
        boolean text = value.startsWith("text, ");
        boolean pair = value.startsWith("u16 name length, name, value;");
        return row.get(0) + " " + row.get(1) + " of " + (pair ? "2 to 2050" : lengths(value)) + ", "
                + (row.get(3).isEmpty() ? "1" : row.get(3)) + (text ? " text" : "") + (pair ? " pair" : "");
    }

    /** What a value column says of its length. */
    private static String lengths(String value) {
        Matcher range = Pattern.compile("([\\d,]+) to ([\\d,]+) bytes").matcher(value);
        Matcher fixed = Pattern.compile("^(\\d+) bytes").matcher(value);
        if (range.find()) {
            return Specification.number(range.group(1)) + " to " + Specification.number(range.group(2));
        }
        if (value.startsWith("empty")) {
            return "0 to 0";
        }
        if (fixed.find()) {
            return fixed.group(1) + " to " + fixed.group(1);
        }
        int length = Pattern.compile("\\bu(16|32|64)\\b|, (4) bytes")
                .matcher(value)
                .results()
                .mapToInt(field -> field.group(1) == null ? 4 : Integer.parseInt(field.group(1)) / 8)
                .sum();
        return length + " to " + length;
    }

    @Test
    void everyOperationIsTheOneOfTheTable() throws Exception {
        Map<String, Integer> specified = new LinkedHashMap<>();
        for (List<String> row : Specification.rows("## 5. ")) {
            for (int cell = 0; cell + 1 < row.size(); cell += 3) {
                if (row.get(cell).matches("\\d+")) {
                    specified.put(row.get(cell + 1).split("[ ,]")[0], Integer.parseInt(row.get(cell)));
                }
            }
        }
        Map<String, Integer> coded = new LinkedHashMap<>();
        for (Field field : Operation.class.getFields()) {
            coded.put(field.getName(), field.getInt(null));
            assertThat(Operation.nameOf(field.getInt(null))).isEqualTo(field.getName());
        }
        assertThat(coded).containsExactlyInAnyOrderEntriesOf(specified);
        assertThat(Operation.nameOf(200)).isEqualTo("200");
    }

    @Test
    void everyModeIsTheOneOfTheTable() throws Exception {
        List<String> row = Specification.rows("### 3.6. ").stream()
                .filter(cells -> cells.get(1).equals("MODE"))
                .findFirst()
                .orElseThrow();
        List<String> specified = Pattern.compile("(\\d) (\\w+)")
                .matcher(row.get(2).substring("u32: ".length()))
                .results()
                .map(mode -> mode.group(1) + " " + mode.group(2))
                .toList();
        assertThat(Arrays.stream(Mode.values())
                        .map(mode -> mode.code() + " " + mode.name().toLowerCase(Locale.ROOT)))
                .isEqualTo(specified);
        assertThat(Mode.of(5)).isNull();
    }

    @Test
    void everyLimitOfTheTableThatTheCodeKnowsHasItsNumbers() throws Exception {
        Map<String, Long> constants = new LinkedHashMap<>();
        for (Field field : Limits.class.getFields()) {
            constants.put(field.getName(), ((Number) field.get(null)).longValue());
        }
        int compared = 0;
        for (List<String> row : Specification.rows("## 8. ")) {
            String name = row.get(0);
            String limit = row.get(1).replace("server: ", "");
            compared += compare(constants, row.get(2).equals("fixed") ? name : name + "_DEFAULT", limit);
            Matcher range = Pattern.compile("(.+) to (.+)").matcher(row.get(2));
            if (range.matches()) {
                compared += compare(constants, name + "_LOWEST", range.group(1));
                compared += compare(constants, name + "_HIGHEST", range.group(2));
            }
        }
        assertThat(compared).isGreaterThanOrEqualTo(18);
        assertThat(constants).containsEntry("HEADER", 32L);
        assertThat(Specification.text())
                .contains("LIMIT (default " + String.format(Locale.ROOT, "%,d", Limits.DEFAULT_LIST) + ")");
    }

    private static int compare(Map<String, Long> constants, String name, String written) {
        Long constant = constants.get(name);
        if (constant == null) {
            return 0;
        }
        assertThat(constant).as(name).isEqualTo(Specification.number(written));
        return 1;
    }

    @Test
    void theMetadataThatMayBeLongestHasItsLimit() {
        assertThat(MetadataType.KEY.shortest()).isEqualTo(Limits.MIN_KEY);
        assertThat(MetadataType.KEY.longest()).isEqualTo(Limits.MAX_KEY);
        assertThat(MetadataType.OPAQUE.longest()).isEqualTo(Limits.MAX_OPAQUE);
        assertThat(MetadataType.TAG.longest()).isEqualTo(Limits.MAX_TAG);
        assertThat(MetadataType.TAG.repeats()).isEqualTo(Limits.MAX_TAGS);
    }

    @Test
    void theClausesAreNumberedWithoutGapsAndThoseReferredToExist() throws Exception {
        String text = Specification.text();
        List<String> clauses = Pattern.compile("^(?:#+ )?(\\d+(?:\\.\\d+)*)\\. ", Pattern.MULTILINE)
                .matcher(text)
                .results()
                .map(clause -> clause.group(1))
                .toList();
        assertThat(clauses).hasSizeGreaterThan(100);
        for (int i = 1; i < clauses.size(); i++) {
            assertThat(successors(clauses.get(i - 1))).contains(clauses.get(i));
        }
        assertThat(Pattern.compile("\\((\\d+(?:\\.\\d+)+)[),]")
                        .matcher(text)
                        .results()
                        .map(at -> at.group(1)))
                .hasSizeGreaterThan(10)
                .isSubsetOf(clauses);
    }

    /** What may stand behind 5.2.3: 5.2.3.1, 5.2.4, 5.3 and 6. */
    private static List<String> successors(String clause) {
        List<String> successors = new ArrayList<>(List.of(clause + ".1"));
        String[] numbers = clause.split("\\.");
        for (int depth = 1; depth <= numbers.length; depth++) {
            String[] next = Arrays.copyOf(numbers, depth);
            next[depth - 1] = Integer.toString(Integer.parseInt(next[depth - 1]) + 1);
            successors.add(String.join(".", next));
        }
        return successors;
    }

    @Test
    void everyRowOfATableHasAsManyCellsAsItsHeadAndNoLineOfProseIsLongerThan120() throws Exception {
        long cellsOfHead = 0;
        for (String line : Specification.text().lines().toList()) {
            if (!line.startsWith("|")) {
                cellsOfHead = 0;
                assertThat(line).hasSizeLessThanOrEqualTo(120);
                continue;
            }
            long cells = line.chars().filter(character -> character == '|').count();
            cellsOfHead = cellsOfHead == 0 ? cells : cellsOfHead;
            assertThat(cells).as(line).isEqualTo(cellsOfHead);
        }
    }
}
