package org.objmapper.server.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.objmapper.nativeio.NativeIo;

/** The tool and a server that is stopped: its socket is there, and nobody reads it. */
class UnansweredTest {
    private static final int BACKLOG = 0; // one connection fits, the next one waits

    @TempDir
    private Path directory;

    private Path socket;
    private int listener;

    @BeforeEach
    void listen() {
        socket = directory.resolve("objmapper.sock");
        listener = NativeIo.listen(socket.toString().getBytes(StandardCharsets.UTF_8), BACKLOG);
        assertThat(listener).isPositive();
    }

    @AfterEach
    void close() {
        NativeIo.close(listener);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "ping",
                "stat",
                "get key",
                "head key",
                "ls",
                "rm key",
                "purge --key key",
                "touch key --ttl 1h",
                "put key -",
                "with key"
            })
    void aCommandGivesUpWhenNobodyAnswers(String words) {
        ToolCall call = tool(words + " --timeout 20ms" + (words.startsWith("with") ? " -- true" : ""), 10);

        assertThat(call.exitCode()).isEqualTo(ExitCode.NO_ANSWER);
        assertThat(call.talk())
                .isEqualTo("objmapper " + words.split(" ")[0] + ": the server at " + socket
                        + " has not answered for 20 ms: it is stopped, or overloaded; it may still do what it was asked"
                        + "\n--timeout TIME gives it longer\n");
        assertThat(call.data()).isEmpty();
    }

    @Test
    void aCommandGivesUpWhenNobodyTakesItsConnection() {
        int first = NativeIo.connect(socket.toString().getBytes(StandardCharsets.UTF_8), 0);
        try {
            ToolCall call = tool("ping --timeout 20ms", 0);

            assertThat(call.exitCode()).isEqualTo(ExitCode.NO_ANSWER);
            assertThat(call.talk()).contains("has not answered for 20 ms");
        } finally {
            NativeIo.close(first);
        }
    }

    @Test
    void aCommandGivesUpWhenNobodyTakesItsBody() {
        ToolCall call = tool("put key - --timeout 20ms", 10_000_000);

        assertThat(call.exitCode()).isEqualTo(ExitCode.NO_ANSWER);
        assertThat(call.talk()).contains("has not answered for 20 ms");
    }

    private ToolCall tool(String words, int inputBytes) {
        String[] split = words.replaceFirst("(.*?) (.*)", "$1 --socket " + socket + " $2")
                .split(" ");
        return ToolCall.with(new byte[inputBytes], Map.of("OBJMAPPER_SOCKET", socket.toString()), split);
    }
}
