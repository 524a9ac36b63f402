package org.objmapper.server.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.FileInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.newsclub.net.unix.FileDescriptorCast;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;
import org.objmapper.server.badinput.DirectoryOnDisk;

/** Each loop is kept on a processor, and a thread is where the one is kept that starts it: the loops start some that read and write. */
class PinnedThreadsTest {
    private static final byte[] BODY = new byte[300_000];

    @TempDir(factory = DirectoryOnDisk.class)
    Path directory;

    @Test
    void whatReadsAndWritesForTheLoopsMayDoSoOnAnyProcessor() throws Exception {
        try (ServerUnderTest server = new ServerUnderTest(directory, ServerUnderTest.LIMITS, 2);
                RawClient client = RawClient.passing(server.socket, 16);
                RawClient other = RawClient.passing(server.socket, 16)) {
            for (RawClient each : List.of(client, other)) {
                putInChunksAndByDescriptor(each);
            }

            String anywhere = processors(Path.of("/proc/self"));
            await().untilAsserted(() -> assertThat(threadsOfTheStore())
                    .containsKeys("store-device", "store-passed")
                    .allSatisfy((name, processors) -> assertThat(processors).containsExactly(anywhere)));
        }
    }

    private void putInChunksAndByDescriptor(RawClient client) throws IOException {
        client.send(RawClient.putDurably(1, "in chunks", BODY));
        assertThat(client.receive().status()).isEqualTo(Status.OK);
        Path body = Files.write(directory.resolve("body"), BODY);
        try (FileInputStream in = new FileInputStream(body.toFile())) {
            client.sendWith(
                    RawClient.putDescriptor(2, "by descriptor", BODY.length),
                    FileDescriptorCast.using(in.getFD()).as(Integer.class));
        }
        assertThat(client.receive().operation()).isEqualTo(Operation.PUT);
    }

    /** The processors that threads of each name may use, as the kernel writes them. */
    private static Map<String, Set<String>> threadsOfTheStore() throws IOException {
        Map<String, Set<String>> found = new TreeMap<>();
        try (Stream<Path> threads = Files.list(Path.of("/proc/self/task"))) {
            for (Path thread : threads.toList()) {
                String name = Files.readString(thread.resolve("comm")).strip();
                if (name.startsWith("store-")) {
                    found.computeIfAbsent(name, n -> new TreeSet<>()).add(processors(thread));
                }
            }
        } catch (NoSuchFileException e) {
            return Map.of(); // one has ended meanwhile
        }
        return found;
    }

    private static String processors(Path thread) throws IOException {
        try (Stream<String> lines = Files.lines(thread.resolve("status"))) {
            return lines.filter(line -> line.startsWith("Cpus_allowed_list:"))
                    .findAny()
                    .orElseThrow();
        }
    }
}
