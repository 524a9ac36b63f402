package org.objmapper.server.transport;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.objmapper.protocol.Limits;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;

/** What a client may send of tests/vectors, sent to an empty server with the limits of the specification: it answers as they say. */
class VectorsAgainstServerTest {
    private static final Path VECTORS = Path.of(System.getProperty("objmapper.root", "../"), "tests/vectors");

    @TempDir
    static Path directory;

    private static ServerUnderTest server;

    /** A record of a vector file; its entries are left out. */
    record Vector(Map<String, String> lines) {
        static Vector of(String block) {
            Map<String, String> lines = new TreeMap<>();
            block.lines().forEach(line -> lines.put(line.split(": ", 2)[0], line.split(": ", 2)[1]));
            return new Vector(lines);
        }

        String get(String name) {
            return lines.getOrDefault(name, "");
        }

        ByteBuffer frame() {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            for (String run : get("hex").split(" ")) {
                String[] parts = run.split("\\*");
                for (int i = parts.length < 2 ? 1 : Integer.parseInt(parts[1]); i > 0; i--) {
                    bytes.writeBytes(HexFormat.of().parseHex(parts[0]));
                }
            }
            return ByteBuffer.wrap(bytes.toByteArray());
        }

        /** Whether a client sends such a frame by itself, and gets an answer to it. */
        boolean isWholeRequest() {
            if (!get("verdict").equals("ok")) {
                return false;
            }
            int operation = Integer.parseInt(get("operation"));
            return get("flags").equals("0")
                    && get("descriptors").equals("0")
                    && operation != Operation.DATA
                    && operation != Operation.END;
        }

        /** A HELLO that is refused begins no session. */
        boolean isHello() {
            return get("operation").equals(Integer.toString(Operation.HELLO));
        }

        @Override
        public String toString() {
            return get("name");
        }
    }

    static List<Vector> vectors() throws IOException {
        List<Vector> vectors = new ArrayList<>();
        try (Stream<Path> files = Files.list(VECTORS)) {
            for (Path file : files.filter(path -> path.toString().endsWith(".txt"))
                    .sorted()
                    .toList()) {
                Stream.of(Files.readString(file).split("\n\n")).map(Vector::of).forEach(vectors::add);
            }
        }
        return vectors;
    }

    static List<Vector> malformed() throws IOException {
        return vectors().stream()
                .filter(vector -> vector.get("verdict").equals("malformed"))
                .toList();
    }

    static List<Vector> refused() throws IOException {
        return vectors().stream()
                .filter(vector -> vector.get("verdict").startsWith("refused "))
                .toList();
    }

    static List<Vector> wholeRequests() throws IOException {
        return vectors().stream().filter(Vector::isWholeRequest).toList();
    }

    @BeforeAll
    static void start() throws IOException {
        server = new ServerUnderTest(directory, ServerLimits.DEFAULTS, 1);
    }

    @AfterAll
    static void stop() throws Exception {
        server.close();
    }

    @ParameterizedTest
    @MethodSource("malformed")
    void aMalformedFrameEndsTheSessionWithItsClause(Vector vector) throws Exception {
        try (RawClient client = RawClient.greeted(server.socket)) {
            sendAsFarAsItGoes(client, vector.frame());
            assertFatal(client, Status.MALFORMED, vector.get("clause"));
        }
    }

    @ParameterizedTest
    @MethodSource("refused")
    void aFrameThatAServerRefusesIsAnsweredWithItsStatus(Vector vector) throws Exception {
        String[] verdict = vector.get("verdict").split(" ");
        Status status = Status.valueOf(verdict[1]);
        try (RawClient client = sessionFor(vector)) {
            sendAsFarAsItGoes(client, vector.frame());
            if (status.fatal() || vector.isHello()) {
                assertFatal(client, status, status == Status.MALFORMED ? verdict[2] : "");
            } else {
                RawClient.Answer answer = client.receive();
                assertThat(answer.status()).isEqualTo(status);
                assertAnswers(answer, vector);
                assertThat(answer.message()).isNotEmpty();
                assertThat(answer.body()).isEmpty();
            }
        }
    }

    @ParameterizedTest
    @MethodSource("wholeRequests")
    void aSoundRequestIsAnsweredAndTheSessionGoesOn(Vector vector) throws Exception {
        try (RawClient client = sessionFor(vector)) {
            client.send(vector.frame());
            RawClient.Answer answer = client.receive();
            assertAnswers(answer, vector);
            assertThat(answer.status()).isNotIn(Status.BAD_REQUEST, Status.INTERNAL);
            while (answer.more() || answer.operation() == Operation.DATA) {
                answer = client.receive();
            }
            if (answer.operation() == Operation.HELLO) {
                assertThat(answer.objectLength()).isEqualTo(Limits.MAGIC);
            }
            if (answer.operation() != Operation.GOODBYE) {
                client.send(RawClient.ping(1_000_000));
                assertThat(client.receive().id()).isEqualTo(1_000_000);
            }
        }
    }

    private static RawClient sessionFor(Vector vector) throws IOException {
        return vector.get("first-frame").equals("yes")
                ? new RawClient(server.socket)
                : RawClient.greeted(server.socket);
    }

    /** A server closes without reading the rest of what is malformed; its answer can be read all the same. */
    private static void sendAsFarAsItGoes(RawClient client, ByteBuffer frame) {
        try {
            client.send(frame);
        } catch (IOException e) {
            assertThat(e).hasMessageContaining("Broken pipe");
        }
    }

    private static boolean isClosed(RawClient client) {
        try {
            return client.isClosedByServer();
        } catch (IOException e) {
            return "Connection reset".equals(e.getMessage());
        }
    }

    private static void assertAnswers(RawClient.Answer answer, Vector vector) {
        assertThat(answer.operation()).isEqualTo(Integer.parseInt(vector.get("operation")));
        assertThat(Integer.toUnsignedString(answer.id())).isEqualTo(vector.get("id"));
    }

    private static void assertFatal(RawClient client, Status status, String clause) throws Exception {
        RawClient.Answer answer = client.receive();
        assertThat(answer.operation()).isEqualTo(Operation.ERROR);
        assertThat(answer.status()).isEqualTo(status);
        assertThat(answer.clause()).as(answer.message()).isEqualTo(clause);
        assertThat(answer.message()).isNotEmpty();
        assertThat(isClosed(client)).isTrue();
    }
}
