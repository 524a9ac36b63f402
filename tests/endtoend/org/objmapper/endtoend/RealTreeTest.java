package org.objmapper.endtoend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A real tree of this machine goes in and comes back, through the tool and the C client, in each mode, whole and by ranges; also after
 * a tenth of it was overwritten and another deleted, and after the server was killed.
 */
class RealTreeTest {
    private static final List<String> MODES = List.of("fdpass", "copy", "splice", "auto");
    private static final int MODE_CODE_OF_FIRST = 1;
    private static final int FEWEST_FILES = 500;
    private static final Duration LONG = Duration.ofMinutes(2);

    /** Offset and length, as a ranged GET takes them. */
    private static final long[][] RANGES = {{1, 4_095}, {5_000, 2_000_000}};

    /** What an object must be: the file that it came from. */
    private record Expected(Path file, long length) {}

    @TempDir
    private Path directory;

    private final Map<String, Expected> expected = new TreeMap<>();
    private Path socket;
    private Path data;

    @Test
    void aRealTreeComesBackTheSameThroughEverythingThatHappensToIt() throws Exception {
        socket = directory.resolve("objmapper.sock");
        data = Files.createDirectory(directory.resolve("data"));
        try (RunningServer server = start()) {
            importTrees();
            compare(MODES);
            List<Holder> holders = holdSome();
            overwriteATenth();
            deleteATenth();
            compare(List.of("fdpass"));
            killInTheMiddleOfAnImport(server);
            for (Holder holder : holders) {
                holder.expectWhatItHeld();
            }
        }
        try (RunningServer server = start()) {
            forgetTheInterruptedImport();
            long before = server.descriptorCount();
            compare(MODES);
            tool("purge", "--prefix", "");
            await().atMost(LONG)
                    .untilAsserted(() -> assertThat(server.descriptorCount()).isEqualTo(before));
            assertThat(server.stop()).isZero();
        }
    }

    private RunningServer start() throws IOException {
        return RunningServer.start(socket, data, directory.resolve("server.log"));
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
        importTree(Path.of(System.getProperty("java.home"), "lib/server"), "java/");
        Path repository = Path.of(System.getProperty("user.home"), ".m2/repository/org/apache/maven");
        if (Files.isDirectory(repository)) {
            importTree(repository, "maven/");
        }
        assertThat(expected).hasSizeGreaterThan(FEWEST_FILES);
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
        return Files.isRegularFile(file, java.nio.file.LinkOption.NOFOLLOW_LINKS);
    }

    private void compare(List<String> modes) throws Exception {
        assertThat(tool("ls").lines()).containsExactlyInAnyOrderElementsOf(expected.keySet());
        for (String mode : modes) {
            compareExport(mode);
            compareCClient(mode, null);
            for (long[] range : RANGES) {
                compareCClient(mode, range);
            }
            compareSingleGets(mode);
        }
    }

    /** The tool writes every object as a file. */
    private void compareExport(String mode) throws Exception {
        Path target = directory.resolve("export-" + mode);
        tool("export", target.toString(), "--mode", mode);
        for (Map.Entry<String, Expected> entry : expected.entrySet()) {
            Path file = target.resolve(entry.getKey());
            assertThat(sha256(file, 0, Long.MAX_VALUE))
                    .as("%s by %s", entry.getKey(), mode)
                    .isEqualTo(sha256(entry.getValue().file(), 0, Long.MAX_VALUE));
        }
        deleteTree(target);
    }

    /** The tool gets some objects one by one, whole and by a range. */
    private void compareSingleGets(String mode) throws Exception {
        Path output = directory.resolve("single");
        int step = expected.size() / 5;
        int i = 0;
        for (Map.Entry<String, Expected> entry : expected.entrySet()) {
            if (i++ % step != 0) {
                continue;
            }
            Expected source = entry.getValue();
            tool("get", entry.getKey(), "--mode", mode, "-o", output.toString());
            assertThat(sha256(output, 0, Long.MAX_VALUE)).isEqualTo(sha256(source.file(), 0, Long.MAX_VALUE));
            if (source.length() > 10) {
                tool("get", entry.getKey(), "--mode", mode, "--range", "5-", "-o", output.toString());
                assertThat(sha256(output, 0, Long.MAX_VALUE)).isEqualTo(sha256(source.file(), 5, Long.MAX_VALUE));
            }
        }
    }

    /** The C client fetches every object, or a range of each that reaches so far. */
    private void compareCClient(String mode, long[] range) throws Exception {
        List<String> command = new ArrayList<>(List.of(
                System.getProperty("objmapper.root") + "/native/target/cmake/"
                        + System.getProperty("objmapper.preset", "dev") + "/endtoend/fetch_all",
                socket.toString(),
                Integer.toString(MODE_CODE_OF_FIRST + MODES.indexOf(mode))));
        List<String> keys = new ArrayList<>(expected.keySet());
        if (range != null) {
            command.addAll(List.of(Long.toString(range[0]), Long.toString(range[1])));
            keys.removeIf(key -> expected.get(key).length() <= range[0]);
        }
        Process client = new ProcessBuilder(command)
                .redirectError(directory.resolve("fetch_all.err").toFile())
                .start();
        CompletableFuture<Void> writing = CompletableFuture.runAsync(() -> writeKeys(client.getOutputStream(), keys));
        try (DataInputStream answers = new DataInputStream(new java.io.BufferedInputStream(client.getInputStream()))) {
            for (String key : keys) {
                assertThat(Integer.reverseBytes(answers.readInt()))
                        .as("status of %s by %s", key, mode)
                        .isZero();
                long length = Long.reverseBytes(answers.readLong());
                Expected source = expected.get(key);
                long from = range == null ? 0 : range[0];
                long most = range == null ? Long.MAX_VALUE : range[1];
                assertThat(length).as(key).isEqualTo(Math.min(most, source.length() - from));
                assertThat(sha256(answers, length))
                        .as("%s by %s from %d", key, mode, from)
                        .isEqualTo(sha256(source.file(), from, most));
            }
            writing.join();
            assertThat(client.waitFor())
                    .as(Files.readString(directory.resolve("fetch_all.err")))
                    .isZero();
        } finally {
            client.destroy();
        }
    }

    private static void writeKeys(OutputStream to, List<String> keys) {
        try (OutputStream out = new BufferedOutputStream(to)) {
            for (String key : keys) {
                out.write(key.getBytes(StandardCharsets.UTF_8));
                out.write(0);
            }
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    /** A process that has an object's descriptor as its standard input and reads it when it is told to. */
    private final class Holder {
        private final String sha256;
        private final Path fifo;
        private final Process process;

        Holder(int number, Map.Entry<String, Expected> object) throws Exception {
            sha256 = sha256(object.getValue().file(), 0, Long.MAX_VALUE);
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

    /** Every tenth object gets its bytes in reverse and one more. */
    private void overwriteATenth() throws Exception {
        Path changed = Files.createDirectory(directory.resolve("changed"));
        int i = 0;
        for (Map.Entry<String, Expected> entry : expected.entrySet()) {
            if (i++ % 10 != 0) {
                continue;
            }
            Path file = changed.resolve(entry.getKey());
            Files.createDirectories(file.getParent());
            byte[] body = Files.readAllBytes(entry.getValue().file());
            byte[] reversed = new byte[body.length + 1];
            for (int b = 0; b < body.length; b++) {
                reversed[b] = body[body.length - 1 - b];
            }
            Files.write(file, reversed);
            entry.setValue(new Expected(file, reversed.length));
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
        tool("export", target.toString(), "interrupted/");
        if (Files.exists(target)) {
            try (Stream<Path> files = Files.walk(target)) {
                for (Path file : (Iterable<Path>) files.filter(RealTreeTest::isPlainFile)::iterator) {
                    Path source = Path.of("/usr/share/doc").resolve(target.relativize(file));
                    assertThat(sha256(file, 0, Long.MAX_VALUE)).isEqualTo(sha256(source, 0, Long.MAX_VALUE));
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

    private static String sha256(Path file, long from, long most) throws IOException {
        try (RandomAccessFile in = new RandomAccessFile(file.toFile(), "r")) {
            in.seek(from);
            InputStream stream = java.nio.channels.Channels.newInputStream(in.getChannel());
            return sha256(stream, Math.min(most, Math.max(0, in.length() - from)));
        }
    }

    private static String sha256(InputStream in, long length) throws IOException {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            byte[] buffer = new byte[65_536];
            long left = length;
            while (left > 0) {
                int count = in.read(buffer, 0, (int) Math.min(left, buffer.length));
                if (count < 0) {
                    throw new IOException(left + " bytes are missing");
                }
                digest.update(buffer, 0, count);
                left -= count;
            }
            return HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }
}
