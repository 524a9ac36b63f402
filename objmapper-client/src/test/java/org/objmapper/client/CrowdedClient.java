package org.objmapper.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.FileInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.stream.Stream;
import org.objmapper.protocol.Status;

/** The program of {@link DescriptorLimitTest}: a client in a process that uses up its own descriptors. */
final class CrowdedClient {
    private static final Key KEY = Key.of("key");
    private static final Path OWN_DESCRIPTORS = Path.of("/proc/self/fd");

    /** What takes the descriptors that are left. */
    private static final Deque<FileInputStream> CROWD = new ArrayDeque<>();

    private CrowdedClient() {}

    public static void main(String[] arguments) throws Exception {
        loadEverything();
        Path socket = Path.of(arguments[0]);
        Path directory = socket.getParent();
        try (ObjmapperClient client =
                ObjmapperClient.builder(socket).poolSize(1).build()) {
            expectBody(client);
            long sockets = open("socket:");
            boolean lost = arguments[1].equals("lost");
            if (lost) {
                fiveAreLost(client);
            } else {
                theLastIsEnough(client);
            }
            disperse();
            expectBody(client);
            // Of a message that fits in part, that part leaks; the JVM may have closed a file of its own just then.
            assertThat(open(directory + "/body")).isLessThanOrEqualTo(lost ? 4 : 0);
            assertThat(open("socket:")).isLessThanOrEqualTo(sockets); // junixsocket leaves one to the collector
        }
    }

    private static void fiveAreLost(ObjmapperClient client) throws Exception {
        crowd(0);
        List<CompletableFuture<Optional<StoredObject>>> answers = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            answers.add(client.getAsync(KEY, new GetOptions()));
        }
        for (CompletableFuture<Optional<StoredObject>> answer : answers) {
            expectLost(failureOf(answer));
        }
    }

    private static void theLastIsEnough(ObjmapperClient client) throws Exception {
        crowd(1);
        expectBody(client);
        client.ping();
    }

    private static Throwable failureOf(CompletableFuture<?> answer) throws InterruptedException {
        try {
            return new AssertionError("an answer: " + answer.get());
        } catch (ExecutionException e) {
            return e.getCause();
        }
    }

    private static void expectLost(Throwable failure) throws IOException {
        disperseOne(); // the assertion's own classes come from files
        assertThat(failure)
                .isInstanceOf(ObjmapperException.class)
                .hasMessageContaining("GET key")
                .hasMessageContaining("ulimit -n");
        assertThat(((ObjmapperException) failure).status()).contains(Status.DESCRIPTORS_LOST);
    }

    private static void expectBody(ObjmapperClient client) throws IOException {
        try (StoredObject object = client.get(KEY).orElseThrow()) {
            assertThat(object.bytes()).hasSize("the body".length());
        }
    }

    /** Leaves so many descriptors free. */
    private static void crowd(int free) throws IOException {
        try {
            while (true) {
                CROWD.add(new FileInputStream("/dev/null"));
            }
        } catch (IOException e) {
            for (int i = 0; i < free; i++) {
                disperseOne();
            }
        }
    }

    private static void disperseOne() throws IOException {
        CROWD.remove().close();
    }

    private static void disperse() throws IOException {
        while (!CROWD.isEmpty()) {
            disperseOne();
        }
    }

    private static long open(String prefix) throws IOException {
        try (Stream<Path> descriptors = Files.list(OWN_DESCRIPTORS)) {
            return descriptors
                    .filter(descriptor -> targetOf(descriptor).startsWith(prefix))
                    .count();
        }
    }

    private static String targetOf(Path descriptor) {
        try {
            return Files.readSymbolicLink(descriptor).toString();
        } catch (IOException e) {
            return ""; // the one that listed them
        }
    }

    /** A class that is first used when there is no descriptor left can't be read from its file. */
    private static void loadEverything() throws Exception {
        Path classes = Path.of(ObjmapperClient.class
                .getProtectionDomain()
                .getCodeSource()
                .getLocation()
                .toURI());
        if (!Files.isDirectory(classes)) {
            return; // a jar stays open
        }
        try (Stream<Path> files = Files.walk(classes)) {
            for (Path file :
                    (Iterable<Path>) files.filter(path -> path.toString().endsWith(".class"))::iterator) {
                String name = classes.relativize(file).toString().replace('/', '.');
                if (!name.endsWith("-info.class")) {
                    Class.forName(name.substring(0, name.length() - ".class".length()));
                }
            }
        }
    }
}
