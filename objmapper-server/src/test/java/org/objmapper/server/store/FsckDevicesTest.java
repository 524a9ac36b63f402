package org.objmapper.server.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.objmapper.server.badinput.FaultyFileSystem;
import org.objmapper.server.store.check.Fsck;
import org.objmapper.server.store.check.FsckReport;
import org.objmapper.server.store.device.DeviceOptions;

/** All devices of a store are checked, and those that are not there are left alone. */
class FsckDevicesTest {
    private static final int OBJECTS = 40;
    private static final int BYTES = 5_000;

    @TempDir
    Path directory;

    private final List<String> lines = new ArrayList<>();
    private Path first;
    private Path second;
    private Path third;

    @BeforeEach
    void fill() throws Exception {
        first = Files.createDirectory(directory.resolve("first"));
        second = Files.createDirectory(directory.resolve("second"));
        third = Files.createDirectory(directory.resolve("third"));
        try (StoreUnderTest store = open()) {
            for (int i = 0; i < OBJECTS; i++) {
                store.put(StoreUnderTest.durable("key" + i), new byte[BYTES]);
            }
        }
        assertThat(StoreUnderTest.objectFiles(second)).isNotEmpty();
        assertThat(StoreUnderTest.objectFiles(third)).isNotEmpty();
    }

    private StoreUnderTest open() throws IOException {
        return new StoreUnderTest(StoreOptions.of(first)
                .withDevices(DeviceOptions.USUAL_WEIGHT, List.of(DeviceOptions.of(second), DeviceOptions.of(third))));
    }

    private int check(boolean repairs, Path... configured) throws IOException {
        lines.clear();
        return Fsck.run(new Fsck.Options(first, List.of(configured), repairs, true), lines::add)
                .exitCode();
    }

    private static String id(Path device) throws IOException {
        return Files.readAllLines(device.resolve("id")).stream()
                .filter(line -> line.startsWith("id="))
                .findAny()
                .orElseThrow()
                .substring("id=".length());
    }

    private int readable() throws Exception {
        int found = 0;
        try (StoreUnderTest store = open()) {
            for (int i = 0; i < OBJECTS; i++) {
                found += store.get("key" + i) == null ? 0 : 1;
            }
        }
        return found;
    }

    @Test
    void devicesAreFoundWhereTheyWereLastOrWhereTheConfigurationSays() throws Exception {
        assertThat(check(false)).as(String.join("\n", lines)).isEqualTo(FsckReport.CLEAN);
        assertThat(check(false, second, third)).isEqualTo(FsckReport.CLEAN);
        Path moved = directory.resolve("moved");
        Files.move(second, moved);
        assertThat(check(true, moved)).as(String.join("\n", lines)).isEqualTo(FsckReport.CLEAN);
        assertThat(lines).containsExactly(first + ": objects=" + OBJECTS + " bytes=" + OBJECTS * BYTES + ": clean");
    }

    @Test
    void whatIsWrongOnAnotherDeviceIsSeenAndRepaired() throws Exception {
        Path gone = StoreUnderTest.objectFiles(second).get(0);
        Files.delete(gone);
        Path changed = StoreUnderTest.objectFiles(third).get(0);
        Files.setPosixFilePermissions(changed, PosixFilePermissions.fromString("rw-------"));
        Files.write(changed, new byte[] {1});
        Path shard = Files.createDirectories(third.resolve("objects/aa/bb"));
        Path orphan = Files.writeString(shard.resolve("c".repeat(60) + "-1"), "orphan");

        assertThat(check(false)).isEqualTo(FsckReport.LEFT_OR_LOST);
        assertThat(lines)
                .anyMatch(line -> line.contains("its file " + gone + " is gone; --repair takes it out"))
                .anyMatch(line -> line.contains("its file has bytes=1 instead of 5000, in " + changed))
                .anyMatch(line ->
                        line.equals("the file " + orphan + " is no object's; a server removes it after its start"));
        assertThat(changed).exists();
        assertThat(orphan).exists();

        assertThat(check(true)).isEqualTo(FsckReport.LEFT_OR_LOST);
        assertThat(third.resolve("quarantine"))
                .isDirectoryContaining(file -> !file.toString().endsWith(".txt"));
        assertThat(orphan).doesNotExist();
        assertThat(check(true)).as(String.join("\n", lines)).isEqualTo(FsckReport.CLEAN);
        assertThat(readable()).isEqualTo(OBJECTS - 2);
    }

    @Test
    void nothingOfAnAbsentDeviceIsRepairedOrRemoved() throws Exception {
        int absent = StoreUnderTest.objectFiles(second).size();
        Path away = directory.resolve("away");
        Files.move(second, away);
        Files.createDirectory(second);

        for (boolean repairs : new boolean[] {false, true}) {
            assertThat(check(repairs)).isEqualTo(FsckReport.LEFT_OR_LOST);
            assertThat(lines.get(0))
                    .isEqualTo("the device " + id(away) + " is absent, and was last in " + second + ": objects="
                            + absent + " of it are not checked; they are left as they are: bring it back, and check"
                            + " again");
            assertThat(lines).hasSize(2);
        }
        Files.delete(second);
        Files.move(away, second);
        assertThat(check(true)).as(String.join("\n", lines)).isEqualTo(FsckReport.CLEAN);
        assertThat(readable()).isEqualTo(OBJECTS);
    }

    @Test
    @Timeout(120) // a check that waits for it would have the test wait for ever
    void aDeviceThatDoesNotAnswerIsLeftAsItIsAndTheOthersAreChecked() throws Exception {
        int hanging = StoreUnderTest.objectFiles(second).size();
        Path source = Files.createDirectory(directory.resolve("source"));
        Path mounted = Files.createDirectory(directory.resolve("mounted"));
        Files.move(second, source.resolve("second"));
        try (FaultyFileSystem disk = new FaultyFileSystem(source, mounted)) {
            second = mounted.resolve("second");
            assertThat(readable()).isEqualTo(OBJECTS); // and the index knows where it is
            String id = id(second);
            Path gone = StoreUnderTest.objectFiles(third).get(0);
            Files.delete(gone);
            disk.hang("lookup");

            assertThat(check(true, second, third)).isEqualTo(FsckReport.LEFT_OR_LOST);
            assertThat(lines)
                    .anyMatch(line -> line.contains("its file " + gone + " is gone"))
                    .contains("the device " + id + " in " + second + " does not answer: objects=" + hanging
                            + " of it are not checked; they are left as they are: see to its disk, and check again");

            disk.clear("lookup");
            await().ignoreExceptions() // the check before opens it yet, and closes it again
                    .until(() -> check(true, second, third) == FsckReport.CLEAN);
            assertThat(readable()).isEqualTo(OBJECTS - 1);
        }
    }

    /** Has the second device on a file system that can fail, and the check of the third find something. */
    private Path moveSecondTo(Path mounted) throws Exception {
        second = mounted.resolve("second");
        assertThat(readable()).isEqualTo(OBJECTS); // and the index knows where it is
        Path gone = StoreUnderTest.objectFiles(third).get(0);
        Files.delete(gone);
        return gone;
    }

    @ParameterizedTest
    @ValueSource(strings = {"open", "read", "readdir"})
    @Timeout(180) // a check that waits for it would have the test wait for ever
    void aDeviceThatHangsInTheMidstOfTheCheckIsGivenUpAndWhatWasCheckedIsTold(String call) throws Exception {
        int onSecond = StoreUnderTest.objectFiles(second).size();
        Path source = Files.createDirectory(directory.resolve("source"));
        Path mounted = Files.createDirectory(directory.resolve("mounted"));
        Files.move(second, source.resolve("second"));
        try (FaultyFileSystem disk = new FaultyFileSystem(source, mounted)) {
            Path gone = moveSecondTo(mounted);
            String id = id(second);
            Path hanging = StoreUnderTest.objectFiles(second).get(onSecond - 1);
            disk.only(
                    call.equals("readdir")
                            ? hanging.getParent().getFileName().toString()
                            : hanging.getFileName().toString());
            disk.hang(call);

            assertThat(check(true, second, third)).isEqualTo(FsckReport.LEFT_OR_LOST);
            assertThat(lines)
                    .as(String.join("\n", lines))
                    .anyMatch(line -> line.contains("its file " + gone + " is gone"))
                    .anyMatch(line -> line.matches("\\Qthe device " + id + " in " + second
                            + " stopped answering in the midst of the check: objects=\\E[1-9][0-9]*\\Q of it are not checked;"
                            + " they are left as they are: see to its disk, and check again\\E"));

            disk.clear(call);
            await().ignoreExceptions() // the check before lets go of it only now
                    .until(() -> check(true, second, third) == FsckReport.CLEAN);
            assertThat(readable()).isEqualTo(OBJECTS - 1);
        }
    }

    /** Moves the device of the index to a file system that may hang. */
    private FaultyFileSystem mountFirst() throws IOException {
        Path source = Files.createDirectory(directory.resolve("source"));
        Path mounted = Files.createDirectory(directory.resolve("mounted"));
        Files.move(first, source.resolve("first"));
        first = mounted.resolve("first");
        return new FaultyFileSystem(source, mounted);
    }

    @Test
    @Timeout(180)
    void whereTheDiskOfTheIndexHangsTheCheckEndsAndWhatItFoundIsTold() throws Exception {
        try (FaultyFileSystem disk = mountFirst()) {
            Path stray = Files.writeString(first.resolve("objects/stray"), "none of objmapper's");
            String hanging = StoreUnderTest.objectFiles(first).stream()
                    .map(file -> file.getFileName().toString())
                    .filter(name -> !name.equals("stray"))
                    .findFirst()
                    .orElseThrow();
            disk.only(hanging);
            disk.hang("open");

            assertThatThrownBy(() -> check(false))
                    .hasMessage("the directory " + first
                            + " stopped answering in the midst of the check, and has the index:"
                            + " what is told above was found until then; see to its disk, and check again");
            assertThat(lines).anyMatch(line -> line.contains("the file objects/stray is none of objmapper's"));

            disk.clear("open");
            await().ignoreExceptions() // the check before lets go of it only now
                    .until(() -> check(true) == FsckReport.REPAIRED);
            assertThat(stray).doesNotExist();
        }
    }

    @Test
    @Timeout(180)
    void anIndexThatCanNotBeReadEndsTheCheckToo() throws Exception {
        try (FaultyFileSystem disk = mountFirst()) {
            disk.only("data.mdb");
            disk.hang("open");

            assertThatThrownBy(() -> check(false)).hasMessageContaining("stopped answering in the midst of the check");

            disk.clear("open");
            await().ignoreExceptions() // the check before lets go of it only now
                    .until(() -> check(true) == FsckReport.CLEAN);
        }
    }

    @Test
    @Timeout(120)
    void aDirectoryThatDoesNotAnswerIsNamedWhereNobodyKnowsWhatIsInIt() throws Exception {
        Path source = Files.createDirectory(directory.resolve("source"));
        Path mounted = Files.createDirectory(directory.resolve("mounted"));
        try (FaultyFileSystem disk = new FaultyFileSystem(source, mounted)) {
            disk.hang("lookup");

            assertThat(check(false, mounted.resolve("other"))).isEqualTo(FsckReport.LEFT_OR_LOST);
            assertThat(lines)
                    .contains("the directory " + mounted.resolve("other")
                            + " does not answer; what is in it is not checked: see to its disk, and check again");

            assertThatThrownBy(() ->
                            Fsck.run(new Fsck.Options(mounted.resolve("other"), List.of(), false, true), lines::add))
                    .hasMessage(
                            "the store's directory " + mounted.resolve("other") + " does not answer: see to its disk");
            disk.clear("lookup");
        }
    }

    @Test
    void aDeviceOfAnotherStoreAndACopiedOneCanNotBeChecked() throws Exception {
        Path other = Files.createDirectory(directory.resolve("other"));
        new StoreUnderTest(other).close();
        assertThatThrownBy(() -> check(true, other))
                .hasMessageStartingWith("the directory " + other + " belongs to another store");
        Path copy = Files.createDirectories(directory.resolve("copy/objects")).getParent();
        Files.copy(second.resolve("id"), copy.resolve("id"));
        assertThatThrownBy(() -> check(true, second, copy))
                .hasMessage("the directories " + second + " and " + copy + " have the same id " + id(second)
                        + ": one is a copy of the other, so take it out");
    }

    @Test
    void aDeviceThatTheIndexDoesNotKnowIsLeftAlone() throws Exception {
        Files.writeString(
                second.resolve("id"),
                Files.readString(second.resolve("id")).replace(id(second), "00000000-0000-0000-0000-000000000000"));
        Files.delete(second.resolve("lock")); // which would tell
        int before = StoreUnderTest.objectFiles(second).size();

        assertThat(check(true, second, third)).isEqualTo(FsckReport.LEFT_OR_LOST);
        assertThat(lines)
                .anyMatch(line -> line.startsWith("the directory " + second
                        + " is device 00000000-0000-0000-0000-000000000000, which the index does not know; "));
        assertThat(StoreUnderTest.objectFiles(second)).hasSize(before);
    }
}
