package org.objmapper.server.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.objmapper.server.badinput.SmallFileSystem;
import org.objmapper.server.config.Configuration;
import org.objmapper.server.metrics.Metric;

/** The tool's commands and a real server. */
class ToolAgainstServerTest {
    private static final long SEED = 20_261_121;

    @TempDir
    private Path directory;

    private Path socket;
    private ServerRun server;

    @BeforeEach
    void startServer() throws IOException {
        socket = directory.resolve("objmapper.sock");
        server = ServerRun.start(Configuration.standard()
                .withSocket(socket)
                .withData(Files.createDirectory(directory.resolve("data")))
                .withPrivateSocket());
    }

    @AfterEach
    void stopServer() throws InterruptedException {
        server.drain();
        server.close();
        assertThat(socket).doesNotExist();
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 4_096, 4_097, 65_536, 65_537, 3_000_000})
    void aFileComesBackAsItWas(int length) throws IOException {
        byte[] body = bytes(length);
        Path file = Files.write(directory.resolve("body"), body);

        assertThat(tool("put", "key", file.toString())).isEqualTo(new Outcome(ExitCode.OK, "", ""));
        for (String mode : List.of("copy", "splice", "fdpass", "auto")) {
            ToolCall get = call("get", "key", "--mode", mode);
            assertThat(get.exitCode()).as(get.talk()).isEqualTo(ExitCode.OK);
            assertThat(get.data()).as(mode).isEqualTo(body);
        }
        assertThat(call("get", "key").data()).isEqualTo(body);
    }

    @ParameterizedTest
    @ValueSource(strings = {"../../etc/passwd", "/", "..", "a/../b", "a\nb", "\u00fc"})
    void aKeyThatLooksLikeAPathIsJustAKey(String key) {
        ToolCall.with(bytes(10), environment(), "put", key, "-");

        assertThat(call("get", key).data()).isEqualTo(bytes(10));
        assertThat(call("head", "etc/passwd").exitCode()).isEqualTo(ExitCode.NOT_FOUND);
        assertThat(call("head", "b").exitCode()).isEqualTo(ExitCode.NOT_FOUND);
    }

    @ParameterizedTest
    @CsvSource({"0-99, 0, 100", "100-, 100, 300000", "-50, 299950, 300000", "299999-400000, 299999, 300000"})
    void aRangeComesBack(String range, int from, int to) {
        byte[] body = bytes(300_000);
        ToolCall.with(body, environment(), "put", "key", "-");

        for (String mode : List.of("copy", "splice", "fdpass")) {
            assertThat(call("get", "key", "--range", range, "--mode", mode).data())
                    .as(mode)
                    .isEqualTo(Arrays.copyOfRange(body, from, to));
        }
    }

    @Test
    void aRangePastTheEndIsRefused() {
        ToolCall.with(bytes(10), environment(), "put", "key", "-");

        assertThat(tool("get", "key", "--range", "10-"))
                .isEqualTo(new Outcome(
                        ExitCode.REFUSED, "", "objmapper get: key: the range 10- lies outside the object\n"));
    }

    @Test
    void theStandardInputIsStoredWhateverItsLength() {
        for (int length : new int[] {0, 10, 262_144, 1_000_000}) {
            byte[] body = bytes(length);

            assertThat(ToolCall.with(body, environment(), "put", "key", "-").exitCode())
                    .isEqualTo(ExitCode.OK);
            assertThat(call("get", "key").data()).isEqualTo(body);
        }
    }

    @Test
    void aFileThatClaimsToBeEmptyIsReadToItsEnd() throws IOException {
        Path file = Path.of("/proc/self/limits");

        assertThat(tool("put", "key", file.toString()).exitCode()).isEqualTo(ExitCode.OK);
        assertThat(call("get", "key").data()).isEqualTo(Files.readAllBytes(file));
    }

    @Test
    void aFileThatIsMissingOrADirectoryIsAnInputError() {
        assertThat(tool("put", "key", directory + "/none").exitCode()).isEqualTo(ExitCode.IO);
        assertThat(tool("put", "key", directory.toString()).exitCode()).isEqualTo(ExitCode.IO);
        assertThat(tool("get", "key").exitCode()).isEqualTo(ExitCode.NOT_FOUND);
    }

    @Test
    void whatIsNotThereIsNotFound() {
        for (String command : List.of("get", "head", "rm", "touch")) {
            Outcome outcome = command.equals("touch") ? tool("touch", "none", "--ttl", "1h") : tool(command, "none");
            assertThat(outcome.exitCode()).as(command).isEqualTo(ExitCode.NOT_FOUND);
            assertThat(outcome.talk()).as(command).startsWith("objmapper " + command + ": none: ");
            assertThat(outcome.text()).as(command).isEmpty();
        }
    }

    @Test
    void anOutputFileAppearsOnlyWhole() throws IOException {
        ToolCall.with(bytes(100_000), environment(), "put", "key", "-");
        Path output = directory.resolve("output");

        assertThat(tool("get", "none", "-o", output.toString()).exitCode()).isEqualTo(ExitCode.NOT_FOUND);
        assertThat(output).doesNotExist();
        assertThat(tool("get", "key", "-o", output.toString())).isEqualTo(new Outcome(ExitCode.OK, "", ""));
        assertThat(output).hasBinaryContent(bytes(100_000));
        try (var files = Files.list(directory)) {
            assertThat(files.map(Path::getFileName).map(Path::toString)).noneMatch(name -> name.endsWith(".part"));
        }
    }

    @Test
    void anOutputFileInADirectoryThatIsNotThereIsNamedInTheError() {
        ToolCall.with(bytes(10), environment(), "put", "key", "-");

        Outcome outcome = tool("get", "key", "-o", directory + "/none/output");
        assertThat(outcome.exitCode()).isEqualTo(ExitCode.IO);
        assertThat(outcome.talk())
                .isEqualTo("objmapper get: " + directory + "/none/output: it cannot be made in " + directory
                        + "/none: there is no such file or directory\n");
    }

    @Test
    void anOutputThatCannotTakeTheBodyIsNamedInTheError() {
        ToolCall.with(bytes(10), environment(), "put", "key", "-");

        assertThat(tool("get", "key", "-o", "/dev/full"))
                .isEqualTo(new Outcome(ExitCode.IO, "", "objmapper get: /dev/full: No space left on device\n"));
    }

    @Test
    void whatPutIsToldComesBackFromHead() {
        ToolCall.with(
                bytes(5),
                environment(),
                "put",
                "key",
                "-",
                "--durability",
                "durable",
                "--evictable",
                "--ttl",
                "1h",
                "--grace",
                "5s",
                "--tag",
                "red",
                "--tag",
                "blue",
                "--content-type",
                "text/plain",
                "--etag",
                "\"e\"");

        String head = tool("head", "key").text();
        assertThat(head)
                .contains("key: key\n", "length: 5\n", "tag: red\n", "tag: blue\n", "content_type: text/plain\n")
                .contains("etag: \"e\"\n", "evictable: true\n", "grace_millis: 5000\n", "generation: ", "expiry: ");
        assertThat(tool("head", "key", "--json").text())
                .startsWith("{\"key\":\"key\",\"length\":5,")
                .contains("\"tag\":[\"red\",\"blue\"]");
    }

    @Test
    void putTellsTheGenerationAsJson() {
        assertThat(ToolCall.with(bytes(5), environment(), "put", "key", "-", "--json")
                        .text())
                .startsWith("{\"key\":\"key\",\"length\":5,\"generation\":");
    }

    @Test
    void putIfAbsentIsRefusedWhenItIsThere() {
        assertThat(ToolCall.with(bytes(1), environment(), "put", "key", "-", "--if-absent")
                        .exitCode())
                .isEqualTo(ExitCode.OK);
        assertThat(ToolCall.with(bytes(2), environment(), "put", "key", "-", "--if-absent")
                        .exitCode())
                .isEqualTo(ExitCode.REFUSED);
        assertThat(call("get", "key").data()).isEqualTo(bytes(1));
    }

    @Test
    void touchChangesMetadataAndKeepsTheBody() {
        ToolCall.with(bytes(5), environment(), "put", "key", "-", "--tag", "old");

        assertThat(tool("touch", "key", "--tag", "new", "--ttl", "1h").exitCode())
                .isEqualTo(ExitCode.OK);
        assertThat(tool("head", "key").text())
                .contains("tag: new\n", "expiry: ")
                .doesNotContain("tag: old");
        assertThat(call("get", "key").data()).isEqualTo(bytes(5));
    }

    @Test
    void lsListsKeysInTheirOrder() {
        for (String key : List.of("b/2", "a", "b/1")) {
            ToolCall.with(bytes(3), environment(), "put", key, "-");
        }

        assertThat(tool("ls").text()).isEqualTo("a\nb/1\nb/2\n");
        assertThat(tool("ls", "b/").text()).isEqualTo("b/1\nb/2\n");
        assertThat(tool("ls", "--limit", "2").text()).isEqualTo("a\nb/1\n");
        assertThat(tool("ls", "none").text()).isEmpty();
        assertThat(tool("ls", "a", "--json").text()).startsWith("{\"key\":\"a\",\"length\":3,");
        assertThat(tool("ls", "a", "--long").text()).endsWith(" a\n").contains(" 3 ");
    }

    @Test
    void lsKeepsKeysWithNewlinesApartWithNul() {
        for (String key : List.of("a\nb", "c\u001b[31m")) {
            ToolCall.with(bytes(3), environment(), "put", key, "-");
        }

        assertThat(tool("ls", "-0").text()).isEqualTo("a\nb\0c\u001b[31m\0");
        assertThat(tool("ls").text()).isEqualTo("a\nb\nc\u001b[31m\n");
    }

    @Test
    void aMessageEscapesTheControlCharactersOfAKey() {
        assertThat(tool("get", "no\nne\u001b[31m").talk()).startsWith("objmapper get: no\\nne\\033[31m: ");
    }

    @Test
    void importTellsWhatItSkippedAndWhatFailed() throws IOException {
        Path source = Files.createDirectory(directory.resolve("source"));
        Files.write(source.resolve("file"), bytes(10));
        Files.createSymbolicLink(source.resolve("link"), source.resolve("file"));
        Files.write(source.resolve("n".repeat(250)), bytes(10));

        Outcome imported = tool("import", source.toString(), "--json", "--prefix", "p".repeat(4_000));
        assertThat(imported.exitCode()).isEqualTo(ExitCode.IO);
        assertThat(imported.talk()).contains("; 1 failed; 1 skipped, no regular files\n");
        assertThat(imported.text()).contains("\"failed\":1,\"skipped\":1");
    }

    @Test
    void rmDeletesAllItIsGivenAndTellsWhatWasNotThere() {
        ToolCall.with(bytes(3), environment(), "put", "a", "-");
        ToolCall.with(bytes(3), environment(), "put", "b", "-");

        Outcome outcome = tool("rm", "a", "none", "b");
        assertThat(outcome.exitCode()).isEqualTo(ExitCode.NOT_FOUND);
        assertThat(outcome.talk()).startsWith("objmapper rm: none: ");
        assertThat(tool("ls").text()).isEmpty();
    }

    @Test
    void purgeTakesByTagPrefixAndKeyAndPrintsHowMany() {
        for (String key : List.of("a/1", "a/2", "b/1", "b/2", "c")) {
            ToolCall.with(bytes(3), environment(), "put", key, "-", "--tag", "of-" + key.charAt(0));
        }

        assertThat(tool("purge", "--tag", "of-a")).isEqualTo(new Outcome(ExitCode.OK, "2\n", ""));
        assertThat(tool("purge", "--prefix", "b/", "--json"))
                .isEqualTo(new Outcome(ExitCode.OK, "{\"count\":2}\n", ""));
        assertThat(tool("purge", "--key", "c")).isEqualTo(new Outcome(ExitCode.OK, "1\n", ""));
        assertThat(tool("purge", "--key", "c")).isEqualTo(new Outcome(ExitCode.OK, "0\n", ""));
        assertThat(tool("ls").text()).isEmpty();
    }

    @Test
    void purgeTakesByBanAndRefusesWhatIsNone() {
        for (String key : List.of("/news/1", "/news/2", "/sport/1")) {
            ToolCall.with(bytes(3), environment(), "put", key, "-");
        }

        assertThat(tool("purge", "--ban", "req.url ~ ^/news/").exitCode()).isEqualTo(ExitCode.OK);
        assertThat(call("get", "/news/1").exitCode()).isEqualTo(ExitCode.NOT_FOUND);
        assertThat(call("get", "/news/2").exitCode()).isEqualTo(ExitCode.NOT_FOUND);
        assertThat(call("get", "/sport/1").data()).isEqualTo(bytes(3));
        Outcome refused = tool("purge", "--ban", "req.url is /news/");
        assertThat(refused.exitCode()).isEqualTo(ExitCode.REFUSED);
        assertThat(refused.talk()).startsWith("objmapper purge: --ban req.url is /news/: ");
    }

    @Test
    void aTreeIsImportedAndExportedAsItWas() throws IOException {
        Path source = Files.createDirectories(directory.resolve("source/deep/er"))
                .getParent()
                .getParent();
        List<Path> files = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            Path file = source.resolve(i % 2 == 0 ? "file" + i : "deep/er/file" + i);
            files.add(Files.write(file, bytes(i * i * 20)));
        }
        Files.write(source.resolve("large"), bytes(2_000_000));
        Files.createSymbolicLink(source.resolve("link"), source.resolve("large"));

        Outcome imported = tool("import", source.toString(), "--prefix", "tree/", "--json");
        assertThat(imported.exitCode()).as(imported.talk()).isEqualTo(ExitCode.OK);
        assertThat(imported.text()).startsWith("{\"objects\":101,").contains("\"failed\":0");

        Path target = directory.resolve("target");
        Outcome exported = tool("export", target.toString(), "--prefix", "tree/", "--json");
        assertThat(exported.exitCode()).as(exported.talk()).isEqualTo(ExitCode.OK);
        assertThat(exported.text()).contains("\"objects\":101");
        for (Path file : files) {
            assertThat(target.resolve(source.relativize(file))).hasSameBinaryContentAs(file);
        }
        assertThat(target.resolve("large")).hasBinaryContent(bytes(2_000_000));
        assertThat(target.resolve("link")).doesNotExist();
    }

    @Test
    void whatImportSaysItHasStoredIsOnDisk() throws IOException {
        Path source = Files.createDirectory(directory.resolve("source"));
        for (int i = 0; i < 200; i++) {
            Files.write(source.resolve("file" + i), bytes(i));
        }
        Files.write(source.resolve("large"), bytes(2_000_000));

        Outcome imported = tool("import", source.toString());
        assertThat(imported.talk()).startsWith("import: 201 objects").endsWith(" s, on disk\n");
        assertThat(tool("stat").text())
                .contains("objmapper_store_pending_changes 0\n", "objmapper_store_objects 201\n");
    }

    @Test
    void aRelaxedImportDoesNotSayThatItIsOnDisk() throws IOException {
        Path source = Files.createDirectory(directory.resolve("source"));
        Files.write(source.resolve("file"), bytes(1));

        assertThat(tool("import", source.toString(), "--json").text()).contains("\"durable\":true");
        Outcome relaxed = tool("import", source.toString(), "--durability", "relaxed", "--json");
        assertThat(relaxed.text()).contains("\"durable\":false");
        assertThat(relaxed.talk()).contains("lost if the server is killed").doesNotContain("s, on disk");
    }

    @ParameterizedTest
    @ValueSource(strings = {"auto", "copy"})
    void anExportThatFillsTheDiskLeavesNoPartOfAFileAndWhatWasThere(String mode) throws Exception {
        ToolCall.with(bytes(3_000_000), environment(), "put", "large", "-");
        try (SmallFileSystem small = new SmallFileSystem(directory.resolve("small"), "1m")) {
            Files.write(small.root.resolve("large"), bytes(10));

            Outcome outcome = tool("export", small.root.toString(), "--mode", mode);
            assertThat(outcome.exitCode()).isEqualTo(ExitCode.IO);
            assertThat(outcome.talk()).contains("/small/large: No space left on device");
            assertThat(small.root).isDirectoryContaining(file -> file.endsWith("large"));
            assertThat(small.root).isDirectoryNotContaining(file -> !file.endsWith("large"));
            assertThat(small.root.resolve("large")).hasBinaryContent(bytes(10));
        }
    }

    @Test
    void exportLeavesOutAKeyThatLeadsOutOfTheDirectory() {
        ToolCall.with(bytes(3), environment(), "put", "../escaped", "-");
        ToolCall.with(bytes(3), environment(), "put", "inside", "-");

        Outcome outcome = tool("export", directory.resolve("target").toString());
        assertThat(outcome.exitCode()).isEqualTo(ExitCode.IO);
        assertThat(outcome.talk()).contains("../escaped: cannot be a file below");
        assertThat(directory.resolve("target/inside")).exists();
        assertThat(directory.resolve("escaped")).doesNotExist();
    }

    @Test
    void pingSaysWhoAnswersWhere() {
        assertThat(tool("ping").text()).matches("\\S+ answers on " + socket + " in \\d+ µs\n");
        assertThat(tool("ping", "--json").text()).startsWith("{\"socket\":\"" + socket + "\",");
    }

    @Test
    void statShowsEveryMetric() {
        Set<Metric> ofWhatIsNotHere = EnumSet.of(
                Metric.STORE_HELD_USER_BYTES,
                Metric.STORE_HELD_PROCESS_BYTES,
                Metric.STORE_HELD_OBJECT_BYTES); // and no upper tiers
        assertThat(tool("stat").text().lines())
                .allMatch(line -> line.matches("[a-z_]+([{]device=\"[0-9a-f-]{36}\"[}])? \\d+"))
                .map(line -> line.split("[ {]")[0])
                .containsExactlyInAnyOrderElementsOf(Arrays.stream(Metric.values())
                        .filter(metric -> !ofWhatIsNotHere.contains(metric))
                        .filter(metric -> metric.type() == Metric.Type.COUNTER
                                || !metric.text().matches("objmapper_(memory|cache)_.*"))
                        .map(Metric::text)
                        .collect(Collectors.toList()));
        assertThat(tool("stat", "--json").text())
                .startsWith("{\"")
                .contains("\"objmapper_requests_get_total\":0")
                .containsPattern("\"objmapper_device_state[{]device=.{40}[}]\":0");
    }

    @Test
    void devicesAreListedAddedDrainedAndRemoved() throws IOException {
        Path added = Files.createDirectory(directory.resolve("added"));
        assertThat(tool("device", "list").text())
                .contains("number=0  state=serving  drain=no")
                .hasLineCount(1);
        Outcome told = tool("device", "add", added.toString(), "--weight", "7");
        assertThat(told.exitCode()).as(told.talk()).isEqualTo(ExitCode.OK);
        assertThat(told.text()).startsWith("it is device ").endsWith(": name it in the configuration too\n");
        assertThat(tool("device", "list", "--json").text())
                .startsWith("[{\"id\":\"")
                .contains("\"number\":1,\"state\":\"serving\",\"drain\":\"no\",\"weight\":7,\"objects\":0,");

        assertThat(tool("device", "remove", added.toString()).talk()).contains("is not drained: drain it first");
        assertThat(tool("device", "drain", added.toString()).text()).startsWith("objects=0 are moved");
        assertThat(tool("device", "undrain", added.toString()).text()).isEqualTo("it takes bodies again\n");
        tool("device", "drain", added.toString());
        assertThat(tool("device", "remove", added.toString(), "--json").text())
                .isEqualTo("{\"message\":\"it is not used any more: take it out of the configuration\"}\n");
        assertThat(tool("device", "list").text()).hasLineCount(1);
        assertThat(tool("device", "drain", "nothing").exitCode()).isEqualTo(ExitCode.NOT_FOUND);
    }

    @Test
    void aKeyBeyondAsciiIsKept() {
        ToolCall.with(bytes(3), environment(), "put", "schlüssel/☃", "-");

        assertThat(tool("ls").text()).isEqualTo("schlüssel/☃\n");
        assertThat(call("get", "schlüssel/☃").data()).isEqualTo(bytes(3));
    }

    private record Outcome(int exitCode, String text, String talk) {}

    private Outcome tool(String... words) {
        ToolCall call = call(words);
        return new Outcome(call.exitCode(), new String(call.data(), StandardCharsets.UTF_8), call.talk());
    }

    private ToolCall call(String... words) {
        return ToolCall.with(new byte[0], environment(), words);
    }

    private Map<String, String> environment() {
        return Map.of("OBJMAPPER_SOCKET", socket.toString());
    }

    private static byte[] bytes(int length) {
        byte[] bytes = new byte[length];
        new Random(SEED + length).nextBytes(bytes);
        return bytes;
    }

    // ---- variants

    private void putLanguage(String language) {
        assertThat(ToolCall.with(
                                bytes(language.length()),
                                environment(),
                                "put",
                                "page",
                                "-",
                                "--variant",
                                "Accept-Language: " + language)
                        .exitCode())
                .isEqualTo(ExitCode.OK);
    }

    @Test
    void eachVariantIsFetchedByItsHeader() {
        putLanguage("en");
        putLanguage("english");
        assertThat(call("get", "page", "--header", "accept-language:en").data()).hasSize(2);
        assertThat(call("get", "page", "--header", "Accept-Language: english").data())
                .hasSize(7);
        assertThat(tool("head", "page", "--header", "accept-language: en").text())
                .contains("variant: accept-language: en\n");
        assertThat(tool("ls").text()).isEqualTo("page\n");
        assertThat(tool("touch", "page", "--variant", "accept-language: en", "--tag", "t")
                        .exitCode())
                .isEqualTo(ExitCode.OK);
        assertThat(tool("purge", "--tag", "t").exitCode()).isEqualTo(ExitCode.OK);
        assertThat(tool("head", "page", "--header", "accept-language: en").exitCode())
                .isEqualTo(ExitCode.NOT_FOUND);
        assertThat(tool("rm", "page").exitCode()).isEqualTo(ExitCode.OK);
    }

    @Test
    void aMissSaysWhichHeaderIsWanting() {
        putLanguage("en");
        Outcome miss = tool("get", "page");
        assertThat(miss.exitCode()).isEqualTo(ExitCode.NOT_FOUND);
        assertThat(miss.talk()).contains("those that are there differ by accept-language, so give --header");
    }

    @Test
    void anExportTellsOfKeysThatARequestWithoutHeadersDoesNotGet() {
        putLanguage("en");
        Outcome outcome = tool("export", directory.resolve("exported").toString());
        assertThat(outcome.exitCode()).isEqualTo(ExitCode.IO);
        assertThat(outcome.talk()).contains("page: has no body for a request without headers; left out");
    }

    @Test
    void aHeaderThatIsNoneIsAMistakeOfTheCall() {
        assertThat(tool("get", "page", "--header", "accept-language"))
                .matches(outcome -> outcome.exitCode() == ExitCode.USAGE)
                .matches(outcome -> outcome.talk().contains("is no header; write for instance accept-language: en"));
        assertThat(tool("put", "page", "-", "--variant", ": en").talk())
                .contains("takes a name of 1 to 256 bytes and a value of up to 1024; this has 0 and 2");
        assertThat(tool("put", "page", "-", "--variant", "n".repeat(257) + ":").exitCode())
                .isEqualTo(ExitCode.USAGE);
        assertThat(tool("get", "page", "--header", "n:" + "v".repeat(1_025)).exitCode())
                .isEqualTo(ExitCode.USAGE);
    }
}
