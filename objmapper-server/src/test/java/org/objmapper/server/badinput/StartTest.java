package org.objmapper.server.badinput;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;
import org.objmapper.server.transport.RawClient;

/** A process of objmapperd that can't start says in a line what happened, to what, why and what to do, and leaves nothing behind. */
class StartTest {
    private static final int USAGE = 2;
    private static final int IO = 5;
    /** Root, but bound by the permissions of files. */
    private static final List<String> WITHOUT_PRIVILEGE =
            List.of("setpriv", "--bounding-set=-dac_override,-dac_read_search");

    private static final byte[] BODY = {1, 2, 3};
    private static final int PAGE_BYTES = 4_096;
    private static final int FIRST_PAGE_OF_TABLES = 2;

    @TempDir
    Path directory;

    private Path data() throws IOException {
        return Files.createDirectories(directory.resolve("data"));
    }

    // ---- the socket

    @Test
    void aSocketPathOf107BytesIsTakenAndOneOf108IsTooLong() throws Exception {
        String most = directory + "/" + "s".repeat(107 - directory.toString().length() - 1);
        assertThat(refusal(IO, List.of(), "serve", "--socket", most + "s", "--data", data().toString()))
                .contains(most + "s has 108 bytes", "the kernel takes 107", "choose a shorter one");
        try (ServerProcess server = start(most)) {
            server.terminate();
            assertThat(server.awaitExit()).as(server::log).isZero();
        }
        assertThat(Path.of(most)).doesNotExist();
    }

    private ServerProcess start(String socket) throws IOException {
        ServerProcess server = ServerProcess.run(
                directory.resolve("log"), List.of(), "serve", "--socket", socket, "--data", data().toString());
        server.awaitReady(socket);
        return server;
    }

    @Test
    void aSocketThatALiveServerHasStaysItsOwn() throws Exception {
        try (ServerProcess live = ServerProcess.serve(directory, List.of())) {
            put("key");
            Path other = Files.createDirectory(directory.resolve("other"));
            assertThat(refusal(IO, List.of(), "serve", "--socket", socket(), "--data", other.toString()))
                    .contains("a live server listens at " + socket(), "stop it or choose another --socket");
            assertHas("key");
        }
    }

    @Test
    void aSocketAndADirectoryThatAKilledServerLeftAreTakenOver() throws Exception {
        try (ServerProcess killed = ServerProcess.serve(directory, List.of())) {
            put("key");
            killed.kill();
        }
        assertThat(Path.of(socket())).exists();
        try (ServerProcess successor = ServerProcess.serve(directory, List.of())) {
            assertHas("key");
            successor.terminate();
            assertThat(successor.awaitExit()).as(successor::log).isZero();
        }
        assertThat(Path.of(socket())).doesNotExist();
    }

    @Test
    void aSocketThatNobodyListensAtIsTakenOver() throws Exception {
        ServerSocketChannel.open(StandardProtocolFamily.UNIX)
                .bind(UnixDomainSocketAddress.of(socket()))
                .close();
        assertThat(Path.of(socket())).exists();
        try (ServerProcess server = ServerProcess.serve(directory, List.of())) {
            put("key");
        }
    }

    @Test
    void whatIsNoSocketIsNotReplaced() throws Exception {
        Path letter = Files.writeString(directory.resolve("letter"), "dear");
        assertThat(refusal(IO, List.of(), "serve", "--socket", letter.toString(), "--data", data().toString()))
                .contains(letter + " exists and is no socket", "remove it or choose another --socket");
        assertThat(letter).hasContent("dear");
        assertThat(refusal(IO, List.of(), "serve", "--socket", directory.toString(), "--data", data().toString()))
                .contains(directory + " exists and is no socket");
    }

    @Test
    void aDirectoryForTheSocketIsNamedThatIsMissingOrNotWritable() throws Exception {
        assertThat(refusal(IO, List.of(), "serve", "--socket", directory + "/none/s", "--data", data().toString()))
                .contains("cannot listen at " + directory + "/none/s", "create the directory " + directory + "/none");
        Path closed = Files.createDirectory(directory.resolve("closed"));
        closed(closed);
        assertThat(refusal(IO, WITHOUT_PRIVILEGE, "serve", "--socket", closed + "/s", "--data", data().toString()))
                .contains("cannot listen at " + closed + "/s", "the directory must be writable by this user");
    }

    private static void closed(Path path) throws IOException {
        Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("r-xr-xr-x"));
    }

    // ---- the backing directory

    @Test
    void aBackingDirectoryIsNamedThatIsMissingOrIsNone() throws Exception {
        assertThat(serve(directory.resolve("none")))
                .contains(directory + "/none does not exist", "create it, owned by the server's user");
        assertThat(serve(Files.createFile(directory.resolve("file")))).contains(directory + "/file is no directory");
    }

    @Test
    void aDirectoryWithOtherFilesIsLeftAlone() throws Exception {
        Files.writeString(data().resolve("letter"), "dear");
        assertThat(serve(data())).contains(data() + " holds other files (letter)", "give an empty directory");
        assertThat(data().resolve("letter")).hasContent("dear");
        assertThat(data().toFile().list()).containsExactly("letter");
    }

    @Test
    void aBackingDirectoryIsNamedThatIsNotWritable() throws Exception {
        closed(data());
        assertThat(refusal(IO, WITHOUT_PRIVILEGE, "serve", "--socket", socket(), "--data", data().toString()))
                .contains(data() + " can't be used: ", "must be owned by the server's user");
        assertThat(data()).isEmptyDirectory();
    }

    @Test
    void aBackingDirectoryIsNamedThatIsMountedReadOnly() throws Exception {
        try (SmallFileSystem disk = new SmallFileSystem(data(), "4m")) {
            disk.remountReadOnly();
            assertThat(serve(disk.root)).contains(disk.root + " can't be used: ", "Read-only", "mounted for writing");
        }
    }

    @Test
    void aBackingDirectoryIsNamedThatIsFull() throws Exception {
        try (SmallFileSystem disk = new SmallFileSystem(data(), "64k")) {
            disk.fill("lost+found");
            assertThat(serve(disk.root)).contains(disk.root.toString(), "No space left", "has room");
            Files.delete(disk.root.resolve("lost+found"));
        }
    }

    @Test
    void aServerOnAFullFileSystemServesWhatIsThereAndTakesChangesOnceThereIsRoom() throws Exception {
        try (SmallFileSystem disk = new SmallFileSystem(data(), "8m")) {
            try (ServerProcess server = ServerProcess.serve(directory, List.of())) {
                put("key");
            }
            disk.fill("full");
            try (ServerProcess server = ServerProcess.serve(directory, List.of());
                    RawClient client = RawClient.greeted(Path.of(socket()))) {
                assertHas("key");
                client.send(RawClient.frame(w -> w.begin(Operation.LIST, 0, 1, Status.OK, 0)));
                assertThat(client.receive().u64(MetadataType.COUNT)).isOne();
                client.send(RawClient.putDurably(2, "other", BODY));
                RawClient.Answer refused = client.receive();
                assertThat(refused.status()).isEqualTo(Status.NO_SPACE);
                assertThat(refused.message()).contains("No space left", "takes no changes until");
                client.send(delete(3, "key"));
                assertThat(client.receive().status()).isEqualTo(Status.NO_SPACE);
                assertHas("key");
                assertThat(server.log()).contains("takes no changes until there is room");
                Files.delete(disk.root.resolve("full"));
                await().until(() -> {
                    client.send(RawClient.putDurably(4, "other", BODY));
                    return client.receive().status() == Status.OK;
                });
                client.send(delete(5, "key"));
                assertThat(client.receive().status()).isEqualTo(Status.OK);
            }
            try (ServerProcess server = ServerProcess.serve(directory, List.of())) {
                assertHas("other");
            }
        }
    }

    @Test
    void aServerOnAFullFileSystemStops() throws Exception {
        try (SmallFileSystem disk = new SmallFileSystem(data(), "8m")) {
            try (ServerProcess server = ServerProcess.serve(directory, List.of())) {
                put("key");
            }
            disk.fill("full");
            try (ServerProcess server = ServerProcess.serve(directory, List.of())) {
                server.terminate();
                assertThat(server.awaitExit()).as(server::log).isZero();
            }
        }
    }

    private static ByteBuffer delete(int id, String key) {
        return RawClient.frame(
                w -> w.begin(Operation.DELETE, 0, id, Status.OK, 0).text(MetadataType.KEY, key));
    }

    @Test
    void aFileSystemThatFillsUpRefusesPutsAndServesTheRest() throws Exception {
        try (SmallFileSystem disk = new SmallFileSystem(data(), "8m");
                ServerProcess server = ServerProcess.serve(directory, List.of());
                RawClient client = RawClient.greeted(Path.of(socket()))) {
            put("key");
            disk.fill("full");
            client.send(RawClient.putDurably(1, "key", new byte[500_000]));
            RawClient.Answer refused = client.receive();
            assertThat(refused.status()).isEqualTo(Status.NO_SPACE);
            assertThat(refused.message()).contains("No space left");
            assertThat(server.log()).contains("A body could not be written", "No space left");
            assertHas("key");
            Files.delete(disk.root.resolve("full"));
            client.send(RawClient.putDurably(2, "large", new byte[500_000]));
            assertThat(client.receive().status()).isEqualTo(Status.OK);
            assertHas("key");
        }
    }

    @ParameterizedTest
    @CsvSource({
        "create, EIO, Input/output error",
        "create, ENOSPC, No space left",
        "write, EIO, Input/output error",
        "write, ENOSPC, No space left",
        "fsync, EIO, Input/output error",
        "mkdir, EDQUOT, quota",
        "rename, EIO, Input/output error",
        "readdir, EIO, Input/output error"
    })
    void aBackingDirectoryIsNamedWhoseDiskFails(String operation, String error, String reason) throws Exception {
        Path source = Files.createDirectory(directory.resolve("source"));
        try (FaultyFileSystem disk = new FaultyFileSystem(source, data())) {
            disk.fail(operation, error);
            assertThat(serve(data())).contains(data().toString(), reason);
            disk.clear(operation);
        }
    }

    @Test
    void aDirectoryThatALiveServerHasStaysItsOwn() throws Exception {
        try (ServerProcess live = ServerProcess.serve(directory, List.of())) {
            put("key");
            assertThat(refusal(IO, List.of(), "serve", "--socket", directory + "/other", "--data", data().toString()))
                    .contains("another server uses the store's directory " + data(), "stop it, or give this one");
            assertThat(directory.resolve("other")).doesNotExist();
            assertHas("key");
        }
    }

    @Test
    void anIndexWithPagesOfOtherBytesIsNotServed() throws Exception {
        try (ServerProcess server = ServerProcess.serve(directory, List.of())) {
            put("key");
            server.terminate();
            assertThat(server.awaitExit()).as(server::log).isZero();
        }
        Path index = data().resolve("index/data.mdb");
        byte[] damaged = Files.readAllBytes(index);
        byte[] other = new byte[PAGE_BYTES];
        new Random(7).nextBytes(other);
        for (int page = FIRST_PAGE_OF_TABLES; page < damaged.length / PAGE_BYTES; page++) {
            System.arraycopy(other, 0, damaged, page * PAGE_BYTES, PAGE_BYTES);
        }
        Files.write(index, damaged);

        assertThat(serve(data()))
                .contains(index + " is damaged: its page ", "put the index back from a backup, or start with an empty");
        assertThat(index).hasBinaryContent(damaged);
    }

    // ---- configuration and usage

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "[store]\\ncapacity = \"1 GiB\"\\ndirectory = 7 | file.toml:3 | store.directory | an absolute path",
                "[store]\\ncapacity = \"1 GiB\"\\n[limits]\\nmax_sesions = 7 | file.toml:4 | max_sesions | max_sessions",
                "[store]\\ncapacity = \"1 GiB\"\\n[limits]\\nmax_sessions = 0 | file.toml:4 | max_sessions | from 1 to 1000000",
                "[store]\\ncapacity = \"1 GiB\"\\n[timeouts]\\nhello = \"5 parsecs\" | file.toml:4 | timeouts.hello | 500 ms",
                "[nothing]\\n[store]\\ncapacity = \"1 GiB\" | file.toml:1 | nothing | store",
                "[store] | file.toml:1 | store.capacity is missing | 10 GiB",
                "[store | file.toml:1 | expected ] | ]",
            })
    void aConfigurationFileThatCannotBeUsedIsNamedWithLineAndKey(String text, String place, String key, String accepted)
            throws Exception {
        Path file = Files.writeString(directory.resolve("file.toml"), text.replace("\\n", "\n"));
        assertThat(refusal(USAGE, List.of(), "serve", "-c", file.toString())).contains(place, key, accepted);
        assertThat(refusal(USAGE, List.of(), "check", file.toString())).contains(place, key, accepted);
    }

    @Test
    void aConfigurationFileIsNamedThatCannotBeRead() throws Exception {
        assertThat(refusal(USAGE, List.of(), "serve", "-c", directory + "/none.toml"))
                .contains(directory + "/none.toml", "there is no such file");
        assertThat(refusal(USAGE, List.of(), "serve", "-c", directory.toString()))
                .contains(directory.toString());
        Path binary = Files.write(directory.resolve("binary"), new byte[] {(byte) 0xff, 0, 1});
        assertThat(refusal(USAGE, List.of(), "serve", "-c", binary.toString())).contains(binary.toString(), "UTF-8");
    }

    @Test
    void aCacheOnTheFileSystemOfADeviceIsNamedWithItsLine() throws Exception {
        Path cache = Files.createDirectory(directory.resolve("cache"));
        Path file = Files.writeString(directory.resolve("file.toml"), """
                [[listener]]
                path = "%s"
                [store]
                directory = "%s"
                capacity = "1 GiB"
                [cache]
                directory = "%s"
                capacity = "1 GiB"
                """.formatted(socket(), data(), cache));
        try (ServerProcess server =
                ServerProcess.run(directory.resolve("log"), List.of(), "serve", "-c", file.toString())) {
            server.awaitReady(socket());
            await().until(() -> server.log()
                    .contains(file + ":7: cache.directory: " + cache + " is on the file system of the device in "
                            + data() + ", line 4"));
        }
    }

    @Test
    void anOwnerOrGroupOfTheSocketIsNamedThatDoesNotExist() throws Exception {
        for (String key : List.of("owner", "group")) {
            Path file = Files.writeString(directory.resolve("file.toml"), """
                    [[listener]]
                    path = "%s"
                    %s = "nobody-is-called-so"
                    [store]
                    directory = "%s"
                    capacity = "1 GiB"
                    """.formatted(socket(), key, data()));
            for (List<String> words :
                    List.of(List.of("serve", "-c", file.toString()), List.of("check", file.toString()))) {
                assertThat(refusal(USAGE, List.of(), words.toArray(new String[0])))
                        .contains(file + ":3: listener." + key + " = \"nobody-is-called-so\": there is no such");
            }
            assertThat(Path.of(socket())).doesNotExist();
        }
    }

    @Test
    void wrongUsageIsSaidWithWhatWouldBeRight() throws Exception {
        try (ServerProcess server = ServerProcess.run(directory.resolve("log"), List.of(), "serve", "--sokcet", "x")) {
            assertThat(server.awaitExit()).isEqualTo(USAGE);
            assertThat(server.log()).contains("--sokcet", "--socket");
        }
    }

    // ----

    private String socket() {
        return directory.resolve("s").toString();
    }

    private String serve(Path data) throws Exception {
        return refusal(IO, List.of(), "serve", "--socket", socket(), "--data", data.toString());
    }

    /** What a server says that ends at once; it says it in one line, and nothing else. */
    private String refusal(int exitCode, List<String> by, String... arguments) throws Exception {
        try (ServerProcess server = ServerProcess.run(directory.resolve("refusal"), by, arguments)) {
            assertThat(server.output()).isEmpty();
            assertThat(server.awaitExit()).as(server::log).isEqualTo(exitCode);
            assertThat(server.log().strip().lines()).as("one line").hasSize(1);
            return server.log();
        }
    }

    private void put(String key) throws Exception {
        try (RawClient client = RawClient.greeted(Path.of(socket()))) {
            client.send(RawClient.putDurably(1, key, BODY));
            assertThat(client.receive().status()).isEqualTo(Status.OK);
        }
    }

    private void assertHas(String key) throws Exception {
        try (RawClient client = RawClient.greeted(Path.of(socket()))) {
            client.send(RawClient.get(1, key));
            assertThat(client.receive().body()).isEqualTo(BODY);
        }
    }
}
