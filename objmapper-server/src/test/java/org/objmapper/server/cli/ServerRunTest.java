package org.objmapper.server.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.objmapper.server.config.Configuration;
import org.objmapper.server.config.ConfigurationException;
import org.objmapper.server.config.ConfigurationFile;
import org.objmapper.server.config.ListenerSettings;

/** A server starts where it can, and says clearly why where it can't. */
class ServerRunTest {
    @TempDir
    private Path directory;

    @Test
    void aServerAnswersAndLeavesNoSocketBehind() throws IOException, InterruptedException {
        Configuration configuration = configuration("a.sock", "data");
        try (ServerRun run = ServerRun.start(configuration)) {
            assertThat(ping("a.sock").exitCode()).isEqualTo(ExitCode.OK);
            run.drain();
        }
        assertThat(directory.resolve("a.sock")).doesNotExist();
        assertThat(ping("a.sock").exitCode()).isEqualTo(ExitCode.CANNOT_CONNECT);
    }

    @Test
    void theDevelopmentSocketIsForItsUserAlone() throws IOException {
        try (ServerRun run = ServerRun.start(configuration("a.sock", "data"))) {
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(directory.resolve("a.sock"))))
                    .isEqualTo("rw-------");
        }
    }

    @Test
    void aListenerServesOnlyTheOperationsItIsConfiguredFor() throws IOException, ConfigurationException {
        Files.createDirectory(directory.resolve("data"));
        Configuration configuration = ConfigurationFile.parse("test.toml", """
                [[listener]]
                path = "%1$s/all.sock"
                [[listener]]
                path = "%1$s/read.sock"
                operations = ["get", "head"]
                [store]
                directory = "%1$s/data"
                """.formatted(directory));
        try (ServerRun run = ServerRun.start(configuration)) {
            assertThat(tool("all.sock", "stat").exitCode()).isEqualTo(ExitCode.OK);
            assertThat(tool("read.sock", "stat").exitCode()).isEqualTo(ExitCode.REFUSED);
            assertThat(tool("read.sock", "get", "none").exitCode()).isEqualTo(ExitCode.NOT_FOUND);
            assertThat(ping("read.sock").exitCode()).isEqualTo(ExitCode.OK);
        }
    }

    @Test
    void severalStoresOfOneServerKnowNothingOfEachOther() throws IOException, ConfigurationException {
        Configuration configuration = twoStores();
        try (ServerRun run = ServerRun.start(configuration)) {
            assertThat(tool("a.sock", "put", "key", "-", "--tag", "tag").exitCode())
                    .isEqualTo(ExitCode.OK);
            assertThat(tool("b.sock", "get", "key").exitCode()).isEqualTo(ExitCode.NOT_FOUND);
            assertThat(tool("b.sock", "put", "key", "-", "--tag", "tag").exitCode())
                    .isEqualTo(ExitCode.OK);
            assertThat(tool("b.sock", "purge", "--tag", "tag").exitCode()).isEqualTo(ExitCode.OK);
            assertThat(tool("b.sock", "get", "key").exitCode()).isEqualTo(ExitCode.NOT_FOUND);
        }
        try (ServerRun run = ServerRun.start(configuration)) {
            assertThat(tool("a.sock", "get", "key").exitCode()).isEqualTo(ExitCode.OK);
            assertThat(tool("b.sock", "get", "key").exitCode()).isEqualTo(ExitCode.NOT_FOUND);
        }
    }

    @Test
    void whereOneOfSeveralStoresCantBeOpenedNoneIs() throws IOException, ConfigurationException {
        Configuration configuration = twoStores();
        Files.delete(directory.resolve("b"));

        assertThatIOException()
                .isThrownBy(() -> ServerRun.start(configuration))
                .withMessageContaining(directory + "/b does not exist");
        Files.createDirectory(directory.resolve("b"));
        try (ServerRun run = ServerRun.start(configuration)) {
            assertThat(ping("a.sock").exitCode()).isEqualTo(ExitCode.OK);
        }
    }

    @Test
    void oneLineNamesEverySocket() {
        List<ListenerSettings> listeners =
                List.of(ListenerSettings.at(Path.of("/run/a.sock")), ListenerSettings.at(Path.of("/run/b.sock")));

        assertThat(ObjmapperdCommand.readyLine(listeners)).isEqualTo("objmapperd ready on /run/a.sock, /run/b.sock");
        assertThat(ObjmapperdCommand.readyLine(listeners.subList(0, 1))).isEqualTo("objmapperd ready on /run/a.sock");
    }

    private Configuration twoStores() throws IOException, ConfigurationException {
        Files.createDirectory(directory.resolve("a"));
        Files.createDirectory(directory.resolve("b"));
        return ConfigurationFile.parse("two.toml", """
                [[store]]
                directory = "%1$s/a"
                [[store.listener]]
                path = "%1$s/a.sock"
                [[store]]
                directory = "%1$s/b"
                [[store.listener]]
                path = "%1$s/b.sock"
                """.formatted(directory));
    }

    @Test
    void aSocketThatALiveServerHasIsNotTaken() throws IOException {
        try (ServerRun run = ServerRun.start(configuration("a.sock", "data"))) {
            assertThatIOException()
                    .isThrownBy(() -> ServerRun.start(configuration("a.sock", "other")))
                    .withMessageContaining("a live server listens at " + directory + "/a.sock");
            assertThat(ping("a.sock").exitCode()).isEqualTo(ExitCode.OK);
        }
    }

    @Test
    void aDirectoryThatAnotherServerHasIsNotTaken() throws IOException {
        try (ServerRun run = ServerRun.start(configuration("a.sock", "data"))) {
            assertThatIOException()
                    .isThrownBy(() -> ServerRun.start(configuration("b.sock", "data")))
                    .withMessageContaining("another server uses the store's directory " + directory + "/data");
            assertThat(directory.resolve("b.sock")).doesNotExist();
        }
    }

    @Test
    void aDirectoryThatIsMissingIsSaidToBe() throws IOException {
        Configuration configuration = configuration("a.sock", "data").withData(directory.resolve("none"));

        assertThatIOException()
                .isThrownBy(() -> ServerRun.start(configuration))
                .withMessageContaining(directory + "/none does not exist");
    }

    @Test
    void aSocketsDirectoryThatIsMissingIsSaidToBe() throws IOException {
        assertThatIOException()
                .isThrownBy(() -> ServerRun.start(configuration("none/a.sock", "data")))
                .withMessageContaining("create the directory " + directory + "/none");
        try (ServerRun run = ServerRun.start(configuration("a.sock", "data"))) {
            assertThat(ping("a.sock").exitCode()).isEqualTo(ExitCode.OK);
        }
    }

    @Test
    void aSocketPathThatIsTooLongIsSaidToBe() {
        assertThatIOException()
                .isThrownBy(() -> ServerRun.start(configuration("s".repeat(108), "data")))
                .withMessageContaining("choose a shorter one");
    }

    @Test
    void theDevelopmentSocketStandsInTheRuntimeDirectory() throws IOException {
        assertThat(DevelopmentServer.chooseSocket(Map.of("XDG_RUNTIME_DIR", directory.toString())))
                .isEqualTo(directory.resolve("objmapper/objmapper.sock"));
        assertThat(directory.resolve("objmapper")).isDirectory();
    }

    @Test
    void whereNoDevelopmentSocketCanStandItSaysWhatToDo() throws IOException {
        Path file = Files.createFile(directory.resolve("file"));

        assertThatIOException()
                .isThrownBy(
                        () -> DevelopmentServer.firstPossible(List.of(file.resolve("a.sock"), file.resolve("b.sock"))))
                .withMessage(
                        "no place for a socket: this user cannot make " + file + "/a.sock or " + file
                                + "/b.sock; name another one with --socket PATH, or a directory of this user's in XDG_RUNTIME_DIR");
    }

    @Test
    void temporaryDataGoesAndGivenDataStays() throws IOException {
        Path temporary;
        try (DevelopmentServer server = DevelopmentServer.prepare(directory.resolve("a.sock"), null)) {
            temporary = server.configuration().store().directory();
            Files.createDirectories(temporary.resolve("a/b"));
        }
        assertThat(temporary).doesNotExist();
        Path given = directory.resolve("given");
        try (DevelopmentServer server = DevelopmentServer.prepare(directory.resolve("a.sock"), given)) {
            assertThat(server.configuration().store().directory()).isEqualTo(given);
        }
        assertThat(given).isDirectory();
    }

    private Configuration configuration(String socket, String data) throws IOException {
        return Configuration.standard()
                .withSocket(directory.resolve(socket))
                .withData(Files.createDirectories(directory.resolve(data)))
                .withPrivateSocket();
    }

    private ToolCall ping(String socket) {
        return tool(socket, "ping");
    }

    private ToolCall tool(String socket, String... words) {
        return ToolCall.with(
                new byte[0],
                Map.of("OBJMAPPER_SOCKET", directory.resolve(socket).toString()),
                words);
    }
}
