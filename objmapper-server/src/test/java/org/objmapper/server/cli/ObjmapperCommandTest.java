package org.objmapper.server.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.objmapper.nativeio.Errno;
import picocli.CommandLine;

/** What the tool does before it reaches a server. */
class ObjmapperCommandTest {
    static final List<String> NAMES = ObjmapperCommand.NAMES;

    @Test
    void withoutACommandItShowsItsHelpAndFails() {
        ToolCall call = ToolCall.of();

        assertThat(call.exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(call.text()).contains(ObjmapperCommand.NAMES);
    }

    @Test
    void anUnknownCommandIsAUsageErrorThatNamesTheKnownOnes() {
        ToolCall call = ToolCall.of("fetch", "key");

        assertThat(call.exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(call.talk()).contains("there is no command fetch").contains("get");
        assertThat(call.data()).isEmpty();
    }

    @ParameterizedTest
    @FieldSource("NAMES")
    void everyCommandHasItsHelp(String name) {
        ToolCall call = ToolCall.of(name, "--help");

        assertThat(call.exitCode()).isEqualTo(ExitCode.OK);
        assertThat(call.text())
                .contains("Usage: objmapper " + name)
                .contains("--socket")
                .contains("--timeout")
                .contains("Exit codes");
        assertThat(call.talk()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "get",
                "get a b",
                "get a --bogus",
                "get a --mode pigeon",
                "get a --range 9-5",
                "get a --range x",
                "get a --range -",
                "get a --mode copy --mode copy",
                "head",
                "put a",
                "put a - --ttl soon",
                "put a - --ttl 5",
                "put a - --durability maybe",
                "put a - --grace never",
                "put a - --evictable=yes",
                "rm",
                "purge",
                "purge --tag a --key b",
                "device",
                "device burn x",
                "device list x",
                "device drain",
                "device drain x y",
                "device drain x --weight 5",
                "touch",
                "touch a",
                "touch a --durability durable",
                "put a - --ttl 36501d",
                "put a - --ttl 9223372036854775807ms",
                "ls --null --json",
                "import",
                "export",
                "export directory prefix",
                "with a",
                "stat now",
                "ping pong",
                "ping --timeout 0",
                "ping --timeout 86400001ms",
                "ls --timeout soon",
                "ls a --limit 0",
                "bench --time 9ms",
                "bench --time 61min",
                "bench --time never",
                "bench --rounds 0",
                "bench --rounds 1001",
                "bench --connections 0",
                "bench --connections 1001",
                "bench --depth 0",
                "bench --depth 65",
                "bench --size 1025MiB",
                "bench --size large"
            })
    void aWrongCallIsAUsageError(String words) {
        ToolCall call = ToolCall.of((words + " --socket /nonexistent/socket").split(" "));

        assertThat(call.exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(call.talk()).startsWith("objmapper ").contains("--help says how it is called");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "--time 10ms --rounds 1 --connections 1 --depth 1 --size 0",
                "--time 1h --rounds 1000 --connections 1000 --depth 64 --size 1GiB"
            })
    void benchTakesItsLimitsAndMissesItsProgramsOutsideADistribution(String options) {
        ToolCall call = ToolCall.of(("bench " + options).split(" "));

        assertThat(call.exitCode()).isEqualTo(ExitCode.IO);
        assertThat(call.talk()).contains("bench_client is not in");
    }

    @Test
    void anEmptyValueIsAUsageErrorWhereItNamesSomething() {
        assertThat(ToolCall.of("purge", "--tag", "").exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(ToolCall.of("ping", "--socket", "").exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(exitCode("get", "a", "-o", "")).isEqualTo(ExitCode.USAGE);
        assertThat(exitCode("purge", "--prefix", "")).isEqualTo(ExitCode.CANNOT_CONNECT);
    }

    @Test
    void theLongestTimeIsTaken() {
        assertThat(exitCode("touch", "a", "--ttl", "36500d")).isEqualTo(ExitCode.CANNOT_CONNECT);
    }

    @ParameterizedTest
    @ValueSource(strings = {"1ms", "24h", "86400000ms", "never"})
    void theLimitsOfTheTimeoutAreTaken(String timeout) {
        assertThat(exitCode("head", "a", "--timeout", timeout)).isEqualTo(ExitCode.CANNOT_CONNECT);
    }

    @Test
    void theHelpNamesEveryExitCode() {
        assertThat(ToolCall.of("get", "--help").text())
                .containsPattern("(?m)^ +6 +the server did not answer in time$")
                .containsPattern("(?m)^ +130 +ended by Ctrl-C$")
                .doesNotContain("127");
        assertThat(ToolCall.of("with", "--help").text())
                .containsPattern("(?m)^ +126 +COMMAND cannot be run$")
                .containsPattern("(?m)^ +127 +there is no such COMMAND$");
    }

    @Test
    void whoMayNotConnectIsNotToldToStartAServer() {
        assertThat(Connection.hint(Errno.EACCES))
                .startsWith("this user may not")
                .doesNotContain("--dev");
        assertThat(Connection.hint(Errno.ENOENT)).contains("--dev");
    }

    @Test
    void aWordTooMuchIsAnsweredWithTheOptionsThereAre() {
        assertThat(ToolCall.of("purge", "key").talk())
                .contains("too much: key; the options are --tag, --prefix, --key, --ban, ");
    }

    @Test
    void theServersCommandsListNoOptionThatMeansNothingToThem() {
        Map<String, CommandLine> commands = ObjmapperdCommand.commandLine().getSubcommands();

        assertThat(commands.get("serve").getUsageMessage()).contains("--socket", "--data", "--debug");
        assertThat(commands.get("fsck").getUsageMessage())
                .contains("--data", "--debug")
                .doesNotContain("--socket");
        assertThat(commands.get("check").getUsageMessage())
                .contains("--debug")
                .doesNotContain("--socket")
                .doesNotContain("--data");
    }

    @Test
    void theOptionsOfTheCommandOfWithAreItsOwn() {
        assertThat(ToolCall.of("with", "a", "--socket", "/nonexistent/socket", "cat", "-n")
                        .exitCode())
                .isEqualTo(ExitCode.CANNOT_CONNECT);
    }

    @Test
    void anOptionAtTheEndNeedsItsValue() {
        assertThat(ToolCall.of("get", "a", "--mode").talk()).contains("--mode needs a value");
    }

    @Test
    void aKeyBeyondTheLimitIsAUsageErrorAndTheLongestOneIsNot() {
        assertThat(exitCode("head", "k".repeat(4_096))).isEqualTo(ExitCode.CANNOT_CONNECT);
        assertThat(exitCode("head", "k".repeat(4_097))).isEqualTo(ExitCode.USAGE);
        assertThat(exitCode("head", "")).isEqualTo(ExitCode.USAGE);
    }

    @Test
    void aTagBeyondTheLimitIsAUsageErrorAndTheLongestOneIsNot() {
        assertThat(exitCode("touch", "k", "--tag", "t".repeat(255))).isEqualTo(ExitCode.CANNOT_CONNECT);
        assertThat(exitCode("touch", "k", "--tag", "t".repeat(256))).isEqualTo(ExitCode.USAGE);
    }

    @Test
    void withoutAServerItSaysWhereItLooked(@TempDir Path directory) {
        ToolCall call = ToolCall.with(new byte[0], Map.of("OBJMAPPER_SOCKET", directory + "/none.sock"), "ping");

        assertThat(call.exitCode()).isEqualTo(ExitCode.CANNOT_CONNECT);
        assertThat(call.talk())
                .contains("cannot connect to " + directory + "/none.sock")
                .contains("objmapperd --dev");
    }

    @Test
    void aSocketPathThatIsTooLongIsSaidToBe() {
        ToolCall call = ToolCall.of("ping", "--socket", "/" + "s".repeat(107));

        assertThat(call.exitCode()).isEqualTo(ExitCode.CANNOT_CONNECT);
        assertThat(call.talk()).contains("longer than the 107 bytes");
    }

    @Test
    void theSocketMayStandBeforeTheCommand() {
        assertThat(ToolCall.of("--socket", "/nonexistent/first", "ping").talk())
                .contains("cannot connect to /nonexistent/first");
    }

    @Test
    void aStackTraceIsShownOnlyForDebug() {
        assertThat(ToolCall.of("ping", "--socket", "/nonexistent/s").talk()).doesNotContain("\tat ");
        assertThat(ToolCall.of("ping", "--socket", "/nonexistent/s", "--debug").talk())
                .contains("\tat ");
    }

    @Test
    void theVersionIsTheOneThatWasBuilt() {
        assertThat(ToolCall.of("--version").text()).matches("objmapper \\d+\\.\\d+\\.\\d+.*\n");
    }

    private static int exitCode(String... words) {
        String[] all = new String[words.length + 2];
        System.arraycopy(words, 0, all, 0, words.length);
        all[words.length] = "--socket";
        all[words.length + 1] = "/nonexistent/socket";
        return ToolCall.of(all).exitCode();
    }
}
