package org.objmapper.server.store.check;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.objmapper.server.store.check.Quarantine.Contents;
import org.objmapper.server.store.device.Device;

class QuarantineTest {
    private static final int BYTES = 1_000;

    @TempDir
    Path directory;

    private Device device;

    @BeforeEach
    void open() throws Exception {
        device = Device.open(directory);
    }

    @AfterEach
    void close() {
        device.close();
    }

    /** Takes a file in that counts as come at this minute. */
    private Path take(Quarantine quarantine, String name, int minute) throws Exception {
        Files.write(device.objects().resolve(name), new byte[BYTES]);
        quarantine.take(name, "why");
        Path note = quarantine.directory().resolve(name + ".txt");
        if (Files.exists(note)) {
            Files.setLastModifiedTime(note, FileTime.fromMillis(minute * 60_000L));
        }
        return quarantine.directory().resolve(name);
    }

    @Test
    void aFileIsTakenInWithWhatIsWrongWithIt() throws Exception {
        Quarantine quarantine = new Quarantine(device, BYTES);
        assertThat(quarantine.contents()).isEqualTo(new Contents(0, 0));

        assertThat(take(quarantine, "a", 1)).hasSize(BYTES);
        assertThat(directory.resolve("quarantine/a.txt")).hasContent("why");
        assertThat(device.objects().resolve("a")).doesNotExist();
        assertThat(quarantine.contents()).isEqualTo(new Contents(1, BYTES));
    }

    /** The tests run as root, as whoever repairs a store does. */
    @Test
    void whoHasTheDirectoryHasWhatRootPutsIntoQuarantineToo() throws Exception {
        Files.setAttribute(directory, "unix:uid", 12_345);
        Files.setAttribute(directory, "unix:gid", 23_456);
        take(new Quarantine(device, BYTES), "a", 1);

        for (String made : List.of("quarantine", "quarantine/a.txt")) {
            assertThat(Files.getAttribute(directory.resolve(made), "unix:uid"))
                    .as(made)
                    .isEqualTo(12_345);
            assertThat(Files.getAttribute(directory.resolve(made), "unix:gid"))
                    .as(made)
                    .isEqualTo(23_456);
        }
    }

    @Test
    void whatCameFirstGoesWhenThereIsMoreThanThereMayBe() throws Exception {
        Quarantine quarantine = new Quarantine(device, 2L * BYTES);
        Path second = take(quarantine, "b", 2);
        Path first = take(quarantine, "c", 1);
        assertThat(quarantine.contents()).as("as much as there may be").isEqualTo(new Contents(2, 2L * BYTES));

        Path third = take(quarantine, "a", 3);
        assertThat(first).doesNotExist();
        assertThat(directory.resolve("quarantine/c.txt")).doesNotExist();
        assertThat(second).exists();
        assertThat(third).exists();
        assertThat(quarantine.contents()).isEqualTo(new Contents(2, 2L * BYTES));
    }

    @Test
    void aFileOfMoreBytesThanThereMayBeIsRemovedWithItsText() throws Exception {
        Quarantine quarantine = new Quarantine(device, BYTES - 1);
        take(quarantine, "a", 1);

        assertThat(quarantine.directory()).isEmptyDirectory();
    }

    @Test
    void aFileThatIsNotThereLeavesNothingBehind() throws Exception {
        Quarantine quarantine = new Quarantine(device, BYTES);

        assertThatThrownBy(() -> quarantine.take("a", "why")).isInstanceOf(NoSuchFileException.class);
        assertThat(quarantine.directory()).isEmptyDirectory();
    }

    @Test
    void aTextWithoutItsFileIsFound() throws Exception {
        Quarantine quarantine = new Quarantine(device, BYTES);
        assertThat(quarantine.strayNotes()).isEmpty();
        Files.delete(take(quarantine, "a", 1));

        assertThat(quarantine.strayNotes()).containsExactly(directory.resolve("quarantine/a.txt"));
    }
}
