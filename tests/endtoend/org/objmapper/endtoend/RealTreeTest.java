package org.objmapper.endtoend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.objmapper.client.Key;
import org.objmapper.client.ObjmapperClient;
import org.objmapper.client.StoredObject;
import org.objmapper.protocol.Mode;

/**
 * A real tree of this machine goes in and comes back, through the tool, the C client and the Java client, in each mode, whole and by
 * ranges; also after a tenth of it was overwritten and another deleted, and after the server was killed.
 */
@Tag("one-java") // takes minutes, and shorter tests ask the same of each Java
class RealTreeTest {
    private static final List<Mode> MODES = List.of(Mode.FDPASS, Mode.COPY, Mode.SPLICE, Mode.AUTO);
    private static final int FEWEST_FILES = 2_000;
    private static final long LARGE_BYTES = 100_000_000;
    private static final int IN_FLIGHT = 32;
    private static final Duration LONG = Duration.ofMinutes(2);

    /** What an object must be: the file that it came from. */
    private record Expected(Path file, long length) {}

    private record Slice(Path file, Piece piece) {}

    @TempDir
    private Path directory;

    private final Map<String, Expected> expected = new TreeMap<>();
    private final Map<Slice, String> sums = new HashMap<>();
    private Path socket;

    @Test
    void aRealTreeComesBackTheSameThroughEverythingThatHappensToIt() throws Exception {
        socket = directory.resolve("objmapper.sock");
        long idle;
        try (RunningServer server = RunningServer.in(directory);
                ObjmapperClient holding = client(Mode.FDPASS)) {
            idle = server.descriptorCount();
            importTrees();
            compare(MODES);
            List<Holder> holders = holdSome();
            Map<StoredObject, String> held = holdMany(holding);
            overwriteATenth();
            deleteATenth();
            compare(List.of(Mode.FDPASS));
            killInTheMiddleOfAnImport(server);
            for (Holder holder : holders) {
                holder.expectWhatItHeld();
            }
            expectWhatIsHeld(held);
        }
        try (RunningServer server = RunningServer.in(directory)) {
            forgetTheInterruptedImport();
            compare(MODES);
            tool("purge", "--prefix", "");
            await().atMost(LONG)
                    .untilAsserted(() -> assertThat(server.descriptorCount()).isEqualTo(idle));
            assertThat(server.stop()).isZero();
        }
    }

    private void importTrees() throws Exception {
        Path odd = Files.createDirectory(directory.resolve("odd"));
        Files.createFile(odd.resolve("empty"));
        Files.writeString(odd.resolve("a name with spaces and a % sign"), "odd");
        for (int length : new int[] {1, 4_095, 4_096, 4_097, 65_535, 65_536, 65_537, 1_048_575, 1_048_576, 1_048_577}) {
            Files.write(odd.resolve("of" + length), new byte[length]);
        }
        importTree(odd, "odd/");
        importTree(Path.of("/usr/share/doc"), "doc/");
        importTree(Path.of(System.getProperty("java.home")), "java/");
        Path repository = Path.of(System.getProperty("user.home"), ".m2/repository/org/apache");
        if (Files.isDirectory(repository)) {
            importTree(repository, "maven/");
        }
        assertThat(expected).hasSizeGreaterThan(FEWEST_FILES);
        assertThat(expected.values())
                .extracting(Expected::length)
                .contains(0L)
                .anyMatch(length -> length > LARGE_BYTES);
    }

    private void importTree(Path tree, String prefix) throws Exception {
        tool("import", tree.toString(), "--prefix", prefix, "--durability", "durable");
        try (Stream<Path> files = Files.walk(tree)) {
            for (Path file : (Iterable<Path>) files.filter(RealTreeTest::isPlainFile)::iterator) {
                expected.put(prefix + tree.relativize(file), new Expected(file, Files.size(file)));
            }
        }
    }

    private static boolean isPlainFile(Path file) {
        return Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS);
    }

    private void compare(List<Mode> modes) throws Exception {
        assertThat(tool("ls").lines()).containsExactlyInAnyOrderElementsOf(expected.keySet());
        for (Mode mode : modes) {
            compareExport(mode);
            compareSingleGets(mode);
            compareCClient(mode);
            compareJavaClient(mode);
        }
    }

    private String sum(Expected source, Piece piece) throws IOException {
        Slice slice = new Slice(source.file(), piece);
        String known = sums.get(slice);
        if (known == null) {
            known = piece.sha256(source.file());
            sums.put(slice, known);
        }
        return known;
    }

    /** The tool writes every object as a file. */
    private void compareExport(Mode mode) throws Exception {
        Path target = directory.resolve("export-" + mode);
        tool("export", target.toString(), "--mode", word(mode));
        for (Map.Entry<String, Expected> entry : expected.entrySet()) {
            Expected source = entry.getValue();
            assertThat(Sha256.of(target.resolve(entry.getKey())))
                    .as("%s by %s", entry.getKey(), mode)
                    .isEqualTo(sum(source, Piece.of(source.length()).get(0)));
        }
        deleteTree(target);
    }

    /** The tool gets some objects one by one, whole and by ranges: others in each mode, since each piece takes a process. */
    private void compareSingleGets(Mode mode) throws Exception {
        Path output = directory.resolve("single");
        int step = expected.size() / 5;
        int i = mode.code();
        for (Map.Entry<String, Expected> entry : expected.entrySet()) {
            if (i++ % step != 0) {
                continue;
            }
            Expected source = entry.getValue();
            for (Piece piece : Piece.of(source.length())) {
                List<String> words = new ArrayList<>(List.of("get", "--mode", word(mode), "-o", output.toString()));
                words.addAll(piece.toolOptions());
                words.addAll(List.of("--", entry.getKey()));
                tool(words.toArray(new String[0]));
                assertThat(Sha256.of(output))
                        .as("%s by the tool in %s, %s", entry.getKey(), mode, piece.name())
                        .isEqualTo(sum(source, piece));
            }
        }
    }

    private static String word(Mode mode) {
        return mode.name().toLowerCase(Locale.ROOT);
    }

    /** The C client fetches every object, whole and by ranges. */
    private void compareCClient(Mode mode) throws Exception {
        Path errors = directory.resolve("fetch_all.err");
        Process client = new ProcessBuilder(
                        System.getProperty("objmapper.root") + "/native/target/cmake/"
                                + System.getProperty("objmapper.preset", "dev") + "/endtoend/fetch_all",
                        socket.toString(),
                        Integer.toString(mode.code()))
                .redirectError(errors.toFile())
                .start();
        CompletableFuture<Void> asking = CompletableFuture.runAsync(() -> ask(client.getOutputStream()));
        try (DataInputStream answers = new DataInputStream(new BufferedInputStream(client.getInputStream()))) {
            for (Map.Entry<String, Expected> entry : expected.entrySet()) {
                Expected source = entry.getValue();
                for (Piece piece : Piece.of(source.length())) {
                    String what = entry.getKey() + " by the C client in " + mode + ", " + piece.name();
                    assertThat(Integer.reverseBytes(answers.readInt())).as(what).isZero();
                    assertThat(Long.reverseBytes(answers.readLong())).as(what).isEqualTo(piece.count());
                    assertThat(Sha256.of(answers, piece.count())).as(what).isEqualTo(sum(source, piece));
                }
            }
            asking.join();
            assertThat(client.waitFor()).as(Files.readString(errors)).isZero();
        } finally {
            client.destroy();
        }
    }

    private void ask(OutputStream to) {
        try (PrintStream out = new PrintStream(new BufferedOutputStream(to), false, StandardCharsets.UTF_8)) {
            for (Map.Entry<String, Expected> entry : expected.entrySet()) {
                for (Piece piece : Piece.of(entry.getValue().length())) {
                    out.print(entry.getKey()
                            + '\0'
                            + number(piece, piece.askedOffset())
                            + '\0'
                            + number(piece, piece.askedLength())
                            + '\0');
                }
            }
        }
    }

    private static String number(Piece piece, long number) {
        return piece.ranged() ? Long.toUnsignedString(number) : "";
    }

    private ObjmapperClient client(Mode mode) {
        return ObjmapperClient.builder(socket).mode(mode).build();
    }

    /** One answer of the Java client that is waited for. */
    private record Awaited(
            String what, Expected source, Piece piece, CompletableFuture<Optional<StoredObject>> answer) {}

    /** The Java client fetches every object, whole and by ranges, many at a time. */
    private void compareJavaClient(Mode mode) throws Exception {
        Queue<Awaited> awaited = new ArrayDeque<>();
        try (ObjmapperClient client = client(mode)) {
            for (Map.Entry<String, Expected> entry : expected.entrySet()) {
                Expected source = entry.getValue();
                for (Piece piece : Piece.of(source.length())) {
                    if (awaited.size() == IN_FLIGHT) {
                        expectWhole(awaited.remove());
                    }
                    awaited.add(new Awaited(
                            entry.getKey() + " by the Java client in " + mode + ", " + piece.name(),
                            source,
                            piece,
                            client.getAsync(Key.of(entry.getKey()), piece.options())));
                }
            }
            while (!awaited.isEmpty()) {
                expectWhole(awaited.remove());
            }
        }
    }

    private void expectWhole(Awaited awaited) throws Exception {
        Piece piece = awaited.piece();
        try (StoredObject object = awaited.answer().get().orElseThrow();
                InputStream body = object.stream()) {
            assertThat(object.metadata().length())
                    .as(awaited.what())
                    .isEqualTo(awaited.source().length());
            assertThat(object.rangeOffset()).as(awaited.what()).isEqualTo(piece.from());
            assertThat(object.length()).as(awaited.what()).isEqualTo(piece.count());
            assertThat(Sha256.of(body, piece.count())).as(awaited.what()).isEqualTo(sum(awaited.source(), piece));
            assertThat(body.read()).as(awaited.what()).isEqualTo(-1);
        }
    }

    /** Objects that the Java client holds while they are overwritten and deleted and their server dies; with what they must be. */
    private Map<StoredObject, String> holdMany(ObjmapperClient client) throws Exception {
        Map<StoredObject, String> held = new LinkedHashMap<>();
        int i = 0;
        for (Map.Entry<String, Expected> entry : expected.entrySet()) {
            if (i++ % 10 < 2 && held.size() < 200) {
                Expected source = entry.getValue();
                held.put(
                        client.get(Key.of(entry.getKey())).orElseThrow(),
                        sum(source, Piece.of(source.length()).get(0)));
            }
        }
        return held;
    }

    private static void expectWhatIsHeld(Map<StoredObject, String> held) throws IOException {
        for (Map.Entry<StoredObject, String> entry : held.entrySet()) {
            try (StoredObject object = entry.getKey();
                    InputStream body = object.stream()) {
                assertThat(Sha256.of(body, object.length()))
                        .as("%s, held", object.key())
                        .isEqualTo(entry.getValue());
            }
        }
    }

    /** A process that has an object's descriptor as its standard input and reads it when it is told to. */
    private final class Holder {
        private final String sha256;
        private final Path fifo;
        private final Process process;

        Holder(int number, Map.Entry<String, Expected> object) throws Exception {
            sha256 = Sha256.of(object.getValue().file());
            fifo = directory.resolve("fifo" + number);
            assertThat(new ProcessBuilder("mkfifo", fifo.toString()).start().waitFor())
                    .isZero();
            process = new ProcessBuilder(
                            Distribution.program("objmapper"),
                            "with",
                            "--socket",
                            socket.toString(),
                            object.getKey(),
                            "--",
                            "sh",
                            "-c",
                            "echo held; cat \"$0\"; exec sha256sum",
                            fifo.toString())
                    .start();
            assertThat(process.inputReader().readLine()).isEqualTo("held");
        }

        void expectWhatItHeld() throws Exception {
            Files.writeString(fifo, "");
            assertThat(process.inputReader().readLine()).startsWith(sha256);
            assertThat(process.waitFor()).isZero();
        }
    }

    /** Holders of objects that are about to be overwritten, and of some that are about to be deleted. */
    private List<Holder> holdSome() throws Exception {
        List<Holder> holders = new ArrayList<>();
        int i = 0;
        for (Map.Entry<String, Expected> entry : expected.entrySet()) {
            if (i % 10 < 2 && entry.getValue().length() > 0 && holders.size() < 6) {
                holders.add(new Holder(holders.size(), entry));
            }
            i++;
        }
        return holders;
    }

    /** Every tenth object gets one more byte, in front of those that it has. */
    private void overwriteATenth() throws Exception {
        Path changed = Files.createDirectory(directory.resolve("changed"));
        int i = 0;
        for (Map.Entry<String, Expected> entry : expected.entrySet()) {
            if (i++ % 10 != 0) {
                continue;
            }
            Path file = changed.resolve(entry.getKey());
            Files.createDirectories(file.getParent());
            try (OutputStream out = Files.newOutputStream(file)) {
                out.write('!');
                Files.copy(entry.getValue().file(), out);
            }
            entry.setValue(new Expected(file, entry.getValue().length() + 1));
        }
        tool("import", changed.toString(), "--durability", "durable");
    }

    private void deleteATenth() throws Exception {
        List<String> keys = new ArrayList<>();
        int i = 0;
        for (String key : expected.keySet()) {
            if (i++ % 10 == 1) {
                keys.add(key);
            }
        }
        expected.keySet().removeAll(keys);
        List<String> words = new ArrayList<>(List.of("rm", "--durability", "durable", "--"));
        words.addAll(keys);
        tool(words.toArray(new String[0]));
    }

    private void killInTheMiddleOfAnImport(RunningServer server) throws Exception {
        Process running = new ProcessBuilder(
                        Distribution.program("objmapper"),
                        "import",
                        "--socket",
                        socket.toString(),
                        "/usr/share/doc",
                        "--prefix",
                        "interrupted/")
                .redirectOutput(directory.resolve("interrupted.out").toFile())
                .redirectError(directory.resolve("interrupted.err").toFile())
                .start();
        await().atMost(LONG)
                .until(() -> !tool("ls", "interrupted/", "--limit", "1").isEmpty());
        server.kill();
        running.waitFor();
    }

    /** What came through of the interrupted import must be whole; then it goes, so that the rest can be compared. */
    private void forgetTheInterruptedImport() throws Exception {
        Path target = directory.resolve("export-interrupted");
        tool("export", target.toString(), "--prefix", "interrupted/");
        if (Files.exists(target)) {
            try (Stream<Path> files = Files.walk(target)) {
                for (Path file : (Iterable<Path>) files.filter(RealTreeTest::isPlainFile)::iterator) {
                    Path source = Path.of("/usr/share/doc").resolve(target.relativize(file));
                    assertThat(Sha256.of(file)).isEqualTo(Sha256.of(source));
                }
            }
            deleteTree(target);
        }
        tool("purge", "--prefix", "interrupted/");
    }

    /** Runs the tool; it must succeed. */
    private String tool(String... words) throws Exception {
        List<String> command = new ArrayList<>(List.of(Distribution.program("objmapper")));
        command.addAll(List.of(words));
        Outcome outcome = Outcome.of(
                directory,
                Map.of("OBJMAPPER_SOCKET", socket.toString(), "LC_ALL", "C.UTF-8"),
                command.toArray(new String[0]));
        assertThat(outcome.exitCode()).as("%s: %s", words[0], outcome.err()).isZero();
        return outcome.out();
    }

    private static void deleteTree(Path tree) throws IOException {
        try (Stream<Path> files = Files.walk(tree)) {
            for (Path file : (Iterable<Path>) files.sorted(Comparator.reverseOrder())::iterator) {
                Files.delete(file);
            }
        }
    }
}
