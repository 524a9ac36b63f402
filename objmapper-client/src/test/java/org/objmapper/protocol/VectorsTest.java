package org.objmapper.protocol;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The vectors, the specification and the code say the same. */
class VectorsTest {
    private static final Path ROOT = Path.of(System.getProperty("objmapper.root", "../"));

    /** A record of a vector file: its lines in order. */
    record Vector(String file, List<String> lines) {
        String get(String name) {
            return lines.stream()
                    .filter(line -> line.startsWith(name + ": "))
                    .findFirst()
                    .map(line -> line.substring(name.length() + 2))
                    .orElseThrow(() -> new AssertionError(this + " has no " + name));
        }

        byte[] frame() {
            return bytes(get("hex"));
        }

        /** Whether a frame stands there that can be decoded, even where a server refuses it. */
        boolean isSound() {
            return !get("verdict").equals("malformed");
        }

        boolean has(String name) {
            return lines.stream().anyMatch(line -> line.startsWith(name + ": "));
        }

        @Override
        public String toString() {
            return file + " " + lines.get(0);
        }
    }

    static List<Vector> vectors() throws IOException {
        List<Vector> vectors = new ArrayList<>();
        try (Stream<Path> files = Files.list(ROOT.resolve("tests/vectors"))) {
            for (Path file : files.filter(path -> path.toString().endsWith(".txt"))
                    .sorted()
                    .toList()) {
                for (String block : Files.readString(file).split("\n\n")) {
                    vectors.add(new Vector(
                            file.getFileName().toString(), block.lines().toList()));
                }
            }
        }
        return vectors;
    }

    static List<Vector> sound() throws IOException {
        return vectors().stream().filter(Vector::isSound).toList();
    }

    static List<Vector> malformed() throws IOException {
        return vectors().stream().filter(vector -> !vector.isSound()).toList();
    }

    private static byte[] bytes(String text) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (String run : text.equals("-") ? new String[0] : text.split(" ")) {
            int star = run.indexOf('*');
            byte[] once = HexFormat.of().parseHex(star < 0 ? run : run.substring(0, star));
            for (int i = star < 0 ? 1 : Integer.parseInt(run.substring(star + 1)); i > 0; i--) {
                bytes.writeBytes(once);
            }
        }
        return bytes.toByteArray();
    }

    private static ByteBuffer buffer(byte[] bytes) {
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static MetadataReader decode(ByteBuffer buffer, Frame frame) throws MalformedFrame {
        frame.wrap(buffer, 0).validate(Limits.MAX_FRAME_DEFAULT);
        return new MetadataReader().wrap(buffer, frame.metadataOffset(), frame.metadataLength());
    }

    @ParameterizedTest
    @MethodSource("sound")
    void aSoundFrameMeansWhatItsDescriptionSays(Vector vector) throws Exception {
        ByteBuffer buffer = buffer(vector.frame());
        Frame frame = new Frame();
        MetadataReader metadata = decode(buffer, frame);
        List<String> entries = new ArrayList<>();
        while (metadata.next()) {
            entries.add(metadata.type() + " " + HexFormat.of().formatHex(metadata.bytes()));
        }
        assertThat(frame.operation()).isEqualTo(Integer.parseInt(vector.get("operation")));
        assertThat(frame.flags()).isEqualTo(Integer.parseInt(vector.get("flags")));
        assertThat(Integer.toUnsignedString(frame.requestId())).isEqualTo(vector.get("id"));
        assertThat(frame.status()).isEqualTo(Integer.parseInt(vector.get("status")));
        assertThat(frame.descriptors()).isEqualTo(Integer.parseInt(vector.get("descriptors")));
        assertThat(Long.toUnsignedString(frame.objectLength())).isEqualTo(vector.get("object-length"));
        assertThat(entries).isEqualTo(describedEntries(vector));
        byte[] body = new byte[frame.bodyLength()];
        buffer.get(frame.bodyOffset(), body);
        assertThat(body).isEqualTo(bytes(vector.get("body")));
    }

    private static List<String> describedEntries(Vector vector) {
        return vector.lines().stream()
                .filter(line -> line.startsWith("entry: "))
                .map(line -> line.substring(7).split(" ", 2))
                .map(parts -> parts[0] + " " + HexFormat.of().formatHex(bytes(parts[1])))
                .toList();
    }

    @ParameterizedTest
    @MethodSource("sound")
    void aSoundFrameIsEncodedAgainToTheSameBytesInCanonicalOrder(Vector vector) throws Exception {
        byte[] original = vector.frame();
        ByteBuffer buffer = buffer(original);
        Frame frame = new Frame();
        MetadataReader metadata = decode(buffer, frame);
        ByteBuffer again = ByteBuffer.allocate(original.length).order(ByteOrder.LITTLE_ENDIAN);
        FrameWriter writer = new FrameWriter().wrap(again);
        boolean isRequest = !frame.isReply() && frame.operation() != Operation.END;
        Status status = isRequest ? Status.OK : Status.of(frame.status());
        writer.begin(frame.operation(), frame.flags(), frame.requestId(), status, frame.objectLength());
        if (isRequest) {
            writer.processor(frame.processor());
        }
        writer.descriptors(frame.descriptors());
        for (Entry entry : inCanonicalOrder(metadata)) {
            writer.bytes(entry.type(), entry.value(), 0, entry.value().length);
        }
        writer.body().put(original, frame.bodyOffset(), frame.bodyLength());
        assertThat(writer.end()).isEqualTo(original.length);
        assertThat(again.array()).isEqualTo(vector.has("canonical") ? bytes(vector.get("canonical")) : original);
    }

    private record Entry(int type, byte[] value) {}

    /** By type, each type's in the order in which they came, and unknown object metadata last (3.10). */
    private static List<Entry> inCanonicalOrder(MetadataReader metadata) {
        List<Entry> entries = new ArrayList<>();
        while (metadata.next()) {
            entries.add(new Entry(metadata.type(), metadata.bytes()));
        }
        entries.sort(Comparator.comparingInt(
                entry -> entry.type() > 269 && entry.type() < 16_384 ? Integer.MAX_VALUE : entry.type()));
        return entries;
    }

    @ParameterizedTest
    @MethodSource("malformed")
    void aMalformedFrameIsRefusedForTheClauseThatItBreaks(Vector vector) {
        assertThatThrownBy(() -> decode(buffer(vector.frame()), new Frame()))
                .isInstanceOfSatisfying(
                        MalformedFrame.class, e -> assertThat(e.clause()).isEqualTo(vector.get("clause")));
    }

    @Test
    void everyVectorNamesAClauseThatExists() throws Exception {
        String spec = Files.readString(ROOT.resolve("protocol-spec.md"));
        for (Vector vector : vectors()) {
            String clause = Pattern.quote(vector.get("clause"));
            assertThat(Pattern.compile("^(#+ )?" + clause + "\\. ", Pattern.MULTILINE)
                            .matcher(spec)
                            .find())
                    .as("%s names clause %s", vector, vector.get("clause"))
                    .isTrue();
        }
    }

    @Test
    void everyOperationStatusAndTypeHasAVector() throws Exception {
        Set<Integer> operations = new TreeSet<>();
        Set<Integer> statuses = new TreeSet<>();
        Set<Integer> types = new TreeSet<>();
        for (Vector vector : sound()) {
            operations.add(Integer.parseInt(vector.get("operation")));
            statuses.add(Integer.parseInt(vector.get("status")));
            describedEntries(vector).forEach(entry -> types.add(Integer.parseInt(entry.split(" ", 2)[0])));
        }
        for (int operation = 0; operation < 192; operation++) {
            if (!Operation.nameOf(operation).equals(Integer.toString(operation))) {
                assertThat(operations).as(Operation.nameOf(operation)).contains(operation);
            }
        }
        for (Status status : Status.values()) {
            assertThat(statuses).as(status.name()).contains(status.code());
        }
        for (MetadataType type : MetadataType.values()) {
            assertThat(types).as(type.name()).contains(type.code());
        }
    }

    @Test
    void theExamplesOfTheSpecificationAreVectors() throws Exception {
        Map<String, String> hexOf = new HashMap<>();
        for (Vector vector : vectors()) {
            hexOf.put(vector.get("name"), vector.get("hex"));
        }
        Matcher examples = Pattern.compile("\n13\\.\\d+\\. `([a-z-]+)`[^\n]*\n\n```\n([^`]*)```")
                .matcher(Specification.text());
        int compared = 0;
        for (; examples.find(); compared++) {
            String hex = examples.group(2)
                    .lines()
                    .map(line -> line.substring(0, 48).replace(" ", ""))
                    .collect(Collectors.joining());
            assertThat(hex).as(examples.group(1)).isEqualTo(hexOf.get(examples.group(1)));
        }
        assertThat(compared).isEqualTo(3);
    }

    @Test
    void noTwoVectorsHaveTheSameName() throws Exception {
        assertThat(vectors().stream().map(vector -> vector.get("name"))).doesNotHaveDuplicates();
    }

    @Test
    void everyOperationHasAVectorInBothDirections() throws Exception {
        Set<String> shown = new TreeSet<>();
        for (Vector vector : sound()) {
            boolean isReply = (Integer.parseInt(vector.get("flags")) & Frame.REPLY) != 0;
            shown.add(Operation.nameOf(Integer.parseInt(vector.get("operation"))) + (isReply ? " reply" : " request"));
        }
        for (int operation = Operation.HELLO; operation <= Operation.ERROR; operation++) {
            String name = Operation.nameOf(operation);
            if (!name.equals(Integer.toString(operation))) {
                assertThat(shown).contains(name + " request", name + " reply");
            }
        }
    }

    @Test
    void everyTypeHasVectorsAtBothItsLengthsAndItsRepetitionsAndBeyondEach() throws Exception {
        Set<String> allowed = new TreeSet<>();
        Set<String> refused = new TreeSet<>();
        for (Vector vector : vectors()) {
            if (vector.isSound() || vector.get("clause").equals("3.2")) {
                (vector.isSound() ? allowed : refused).addAll(lengthsAndRepetitions(buffer(vector.frame())));
            }
        }
        for (MetadataType type : MetadataType.values()) {
            assertThat(allowed)
                    .contains(
                            type.code() + " of " + type.shortest(),
                            type.code() + " of " + type.longest(),
                            type.code() + " times " + type.repeats());
            assertThat(refused)
                    .contains(
                            type.code() + " of " + (type.longest() + 1),
                            type.code() + " times " + (type.repeats() + 1));
            if (type.shortest() > 0) {
                assertThat(refused).contains(type.code() + " of " + (type.shortest() - 1));
            }
        }
    }

    /** "TYPE of LENGTH" and "TYPE times COUNT" for every entry that a frame has, as far as they can be told apart. */
    private static Set<String> lengthsAndRepetitions(ByteBuffer frame) {
        Set<String> found = new TreeSet<>();
        Map<Integer, Integer> counts = new HashMap<>();
        int at = Limits.HEADER;
        long end = Math.min(frame.limit(), Limits.HEADER + Integer.toUnsignedLong(frame.getInt(16)));
        while (at + 8 <= end) {
            int type = frame.getShort(at) & 0xffff;
            int length = frame.getInt(at + 4);
            if (length < 0 || length > end) {
                break;
            }
            found.add(type + " of " + length);
            found.add(type + " times " + counts.merge(type, 1, Integer::sum));
            at += MetadataReader.sizeOf(length);
        }
        return found;
    }

    @Test
    void everyRangeOfAHelloHasVectorsAtItsEndsAndBeyondThem() throws Exception {
        Set<String> verdicts = new TreeSet<>();
        for (Vector vector : sound()) {
            if (vector.has("first-frame")) {
                describedEntries(vector).forEach(entry -> verdicts.add(entry + " " + vector.get("verdict")));
            }
        }
        int compared = 0;
        for (List<String> row : Specification.rows("## 8. ")) {
            for (MetadataType type : MetadataType.values()) {
                if (type.name().equals(row.get(0)) && type.longest() == 4) {
                    String[] range = row.get(2).split(" to ");
                    long lowest = Specification.number(range[0]);
                    long highest = Specification.number(range[1]);
                    assertThat(verdicts)
                            .contains(
                                    u32(type, lowest) + " ok",
                                    u32(type, highest) + " ok",
                                    u32(type, highest + 1) + " refused MALFORMED 8.1");
                    if (lowest > 0) {
                        assertThat(verdicts).contains(u32(type, lowest - 1) + " refused MALFORMED 8.1");
                    }
                    compared++;
                }
            }
        }
        assertThat(compared).isEqualTo(5);
    }

    private static String u32(MetadataType type, long value) {
        return type.code() + " " + HexFormat.of().toHexDigits(Integer.reverseBytes((int) value));
    }

    /** Limits of all sessions together: a frame shows what is beyond them, but none is at them. */
    private static final Set<String> OF_THE_WHOLE_SERVER = Set.of("MAX_SESSIONS", "MAX_HELD_INPUT", "MAX_LISTINGS");

    @Test
    void everyLimitHasAVectorAtItAndOneBeyondIt() throws Exception {
        Set<String> shown = new TreeSet<>();
        for (Vector vector : vectors()) {
            if (vector.has("limit")) {
                shown.add(vector.get("limit"));
            }
        }
        Set<String> limits = new TreeSet<>();
        for (List<String> row : Specification.rows("## 8. ")) {
            String name = row.get(0);
            limits.add(name);
            if (row.get(3).equals("the page ends")) {
                continue; // a page may end for other reasons, and none is longer
            }
            if (!row.get(3).contains("without a frame")) {
                assertThat(shown).contains(name + " beyond");
            }
            if (!row.get(3).contains("TIMEOUT") && !name.endsWith("_TIMEOUT") && !OF_THE_WHOLE_SERVER.contains(name)) {
                assertThat(shown).contains(name + " at");
            }
        }
        assertThat(limits)
                .hasSizeGreaterThan(20)
                .containsAll(shown.stream().map(limit -> limit.split(" ")[0]).toList());
    }

    @Test
    void damagedFramesAreRefusedOrReadButDoNothingElse() throws Exception {
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        List<Vector> vectors = sound();
        for (int round = 0; round < 20_000; round++) {
            Vector vector = vectors.get(random.nextInt(vectors.size()));
            byte[] bytes = vector.frame();
            if (bytes.length > 10_000) {
                continue;
            }
            for (int i = random.nextInt(4); i >= 0; i--) {
                bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
            }
            try {
                readAll(buffer(bytes), bytes.length);
            } catch (MalformedFrame e) {
                assertThat(e.clause()).isNotEmpty();
            } catch (RuntimeException e) {
                throw new AssertionError("seed " + seed + ", " + vector, e);
            }
        }
    }

    private static void readAll(ByteBuffer buffer, int available) throws MalformedFrame {
        Frame frame = new Frame().wrap(buffer, 0);
        frame.validate(Limits.MAX_FRAME_DEFAULT);
        if (frame.length() > available) {
            return; // a receiver waits for the rest
        }
        MetadataReader metadata = decode(buffer, frame);
        while (metadata.next()) {
            metadata.bytes();
        }
    }
}
