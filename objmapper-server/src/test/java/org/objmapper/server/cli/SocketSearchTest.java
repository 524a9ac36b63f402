package org.objmapper.server.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SocketSearchTest {
    @Test
    void theNamedSocketComesFirstThenTheVariableThenTheRuntimeDirectory(@TempDir Path runtime)
            throws IOException, ToolFailure {
        Path socket = Files.createFile(
                Files.createDirectory(runtime.resolve("objmapper")).resolve("objmapper.sock"));
        Map<String, String> both = Map.of("OBJMAPPER_SOCKET", "/variable", "XDG_RUNTIME_DIR", runtime.toString());

        assertThat(SocketSearch.find("/named", both)).isEqualTo(Path.of("/named"));
        assertThat(SocketSearch.find(null, both)).isEqualTo(Path.of("/variable"));
        assertThat(SocketSearch.find(null, Map.of("XDG_RUNTIME_DIR", runtime.toString())))
                .isEqualTo(socket);
    }

    @Test
    void theSystemsSocketComesLast(@TempDir Path runtime) {
        assertThat(SocketSearch.candidates(Map.of("XDG_RUNTIME_DIR", runtime.toString())))
                .containsExactly(runtime.resolve("objmapper/objmapper.sock"), Path.of("/run/objmapper/objmapper.sock"));
        assertThat(SocketSearch.candidates(Map.of())).containsExactly(Path.of("/run/objmapper/objmapper.sock"));
    }
}
