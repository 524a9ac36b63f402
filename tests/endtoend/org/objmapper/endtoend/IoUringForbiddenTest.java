package org.objmapper.endtoend;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A server under a filter of system calls that forbids io_uring, as many containers have. */
class IoUringForbiddenTest {
    private static final String WITHOUT_IO_URING = System.getProperty("objmapper.root") + "/native/target/cmake/"
            + System.getProperty("objmapper.preset", "dev") + "/endtoend/without_io_uring";

    @TempDir
    private Path directory;

    @Test
    void servesByEpoll() throws Exception {
        List<String> program = List.of(WITHOUT_IO_URING, Distribution.program("objmapperd"));
        try (RunningServer server = RunningServer.in(directory, program)) {
            Outcome ping = Outcome.of(
                    directory,
                    Map.of(),
                    Distribution.program("objmapper"),
                    "--socket",
                    server.socket.toString(),
                    "ping");
            assertThat(ping.exitCode()).as(ping.err()).isZero();
        }
    }

    @Test
    void doesNotStartWhereTheConfigurationAsksForIoUring() throws Exception {
        Path configuration = Files.writeString(
                directory.resolve("objmapperd.toml"),
                "[store]\ncapacity = \"1 GiB\"\n[server]\nengine = \"io_uring\"\n");
        Outcome start = Outcome.of(
                directory,
                Map.of(),
                WITHOUT_IO_URING,
                Distribution.program("objmapperd"),
                "serve",
                "--config=" + configuration,
                "--socket=" + directory.resolve("s"),
                "--data=" + Files.createDirectories(directory.resolve("data")));
        assertThat(start.exitCode()).isNotZero();
        assertThat(start.err())
                .contains("server.engine = \"io_uring\"", "Operation not permitted", "\"auto\" uses epoll then");
    }
}
