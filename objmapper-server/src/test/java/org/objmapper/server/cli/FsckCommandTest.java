package org.objmapper.server.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.objmapper.server.JavaCommand;
import org.objmapper.server.store.Store;
import org.objmapper.server.store.StoreOptions;

/** {@code objmapperd fsck} as a program: its exit codes, and what goes where. */
class FsckCommandTest {
    @TempDir
    Path temporary;

    private Path store;

    @BeforeEach
    void makeStore() throws IOException {
        store = Files.createDirectory(temporary.resolve("store"));
        Store.open(StoreOptions.of(store)).close();
    }

    private record Ended(int exitCode, String out, String err) {}

    private Ended fsck(String... arguments) throws Exception {
        Path err = temporary.resolve("err");
        List<String> command = JavaCommand.of(ObjmapperdCommand.class, "fsck");
        command.addAll(List.of(arguments));
        Process process =
                new ProcessBuilder(command).redirectError(err.toFile()).start();
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return new Ended(process.waitFor(), out, Files.readString(err));
    }

    private void makeOrphan() throws IOException {
        Path shard = Files.createDirectories(store.resolve("objects/aa/bb"));
        Files.writeString(shard.resolve("c".repeat(60) + "-1"), "orphan");
    }

    @Test
    void aCleanStoreIsZeroAndSaysSoInALine() throws Exception {
        assertThat(fsck("--data", store.toString()))
                .isEqualTo(new Ended(0, store + ": objects=0 bytes=0: clean\n", ""));
    }

    @Test
    void whatIsLeftIsFourAndWhatIsRepairedIsOne() throws Exception {
        makeOrphan();
        Path configuration = temporary.resolve("objmapperd.toml");
        Files.writeString(configuration, "[store]\ndirectory = \"" + store + "\"\ncapacity = \"1 GiB\"\n");

        Ended left = fsck("-c", configuration.toString());
        assertThat(left.exitCode()).isEqualTo(4);
        assertThat(left.out()).contains("is no object's; --repair removes it\n");
        Ended repaired = fsck("--config", configuration.toString(), "--repair");
        assertThat(repaired.exitCode()).isEqualTo(1);
        assertThat(repaired.out()).contains("is no object's; it is removed\n");
        assertThat(fsck("--data", store.toString(), "--skip-bodies").exitCode()).isZero();
    }

    @Test
    void aStoreInUseAndADirectoryThatIsNoneAreEight() throws Exception {
        try (Store used = Store.open(StoreOptions.of(store))) {
            assertThat(used.deviceId()).isNotEmpty();
            Ended refused = fsck("--data", store.toString(), "--repair");
            assertThat(refused.exitCode()).isEqualTo(8);
            assertThat(refused.out()).isEmpty();
            assertThat(refused.err()).startsWith("objmapperd: another server uses the store's directory " + store);
        }
        Ended none = fsck("--data", temporary.toString());
        assertThat(none.exitCode()).isEqualTo(8);
        assertThat(none.err()).isEqualTo("objmapperd: " + temporary + " holds no store: name the directory of one\n");
    }

    @Test
    void eachOfSeveralStoresIsCheckedAndTheExitCodeSaysAllThatWasFound() throws Exception {
        makeOrphan();
        Path none = Files.createDirectory(temporary.resolve("none"));
        Path clean = Files.createDirectory(temporary.resolve("clean"));
        Store.open(StoreOptions.of(clean)).close();
        StringBuilder text = new StringBuilder();
        for (Path directory : List.of(none, store, clean)) {
            text.append("[[store]]\ndirectory = \"" + directory + "\"\ncapacity = \"1 GiB\"\n")
                    .append("[[store.listener]]\npath = \"" + directory + ".sock\"\n");
        }
        Path configuration = Files.writeString(temporary.resolve("objmapperd.toml"), text);

        Ended ended = fsck("-c", configuration.toString(), "--repair");

        assertThat(ended.exitCode()).isEqualTo(8 | 1);
        assertThat(ended.err()).isEqualTo("objmapperd: " + none + " holds no store: name the directory of one\n");
        assertThat(ended.out())
                .contains("is no object's; it is removed\n")
                .contains(store + ": objects=0 bytes=0: repaired=1")
                .endsWith(clean + ": objects=0 bytes=0: clean\n");
    }

    @Test
    void wrongUsageAndAWrongConfigurationAreSixteen() throws Exception {
        assertThat(fsck("--repare").exitCode()).isEqualTo(16);
        Path configuration = temporary.resolve("objmapperd.toml");
        Files.writeString(configuration, "[stoer]\n");
        assertThat(fsck("-c", configuration.toString()).exitCode()).isEqualTo(16);
        assertThat(fsck("-c", temporary.resolve("none.toml").toString()).exitCode())
                .isEqualTo(16);
    }
}
