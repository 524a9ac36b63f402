package org.objmapper.server.store.hold;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.File;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.objmapper.nativeio.NativeIo;
import org.objmapper.server.badinput.DirectoryOnDisk;
import org.objmapper.server.store.device.BodyFile;
import org.objmapper.server.store.device.Closer;
import org.objmapper.server.store.device.Device;
import org.objmapper.server.store.index.Digests;

class LedgerTest {
    private static final byte[] DIGEST = new byte[Digests.SHA256_BYTES];
    private static final int BYTES = 5_000;
    private static final int MOST = 3;

    @TempDir(factory = DirectoryOnDisk.class)
    Path directory;

    private final List<Integer> held = new ArrayList<>();
    private Device device;
    private Closer closer;
    private LeaseProbe probe;
    private Ledger ledger;

    @BeforeEach
    void open() throws Exception {
        device = Device.open(directory);
        closer = new Closer();
        probe = LeaseProbe.of(device);
        ledger = new Ledger(List.of(device), MOST);
    }

    @AfterEach
    void close() {
        held.forEach(NativeIo::close);
        ledger.close();
        closer.close();
        device.close();
    }

    private Path file(long generation) throws Exception {
        BodyFile body = new BodyFile(device);
        body.append(ByteBuffer.allocateDirect(BYTES));
        int descriptor = body.finish(true);
        device.link(descriptor, DIGEST, generation);
        NativeIo.close(descriptor);
        return device.objects().resolve(Device.name(DIGEST, generation));
    }

    private void hold(long generation) {
        held.add(device.open(DIGEST, generation));
    }

    private void letGo() {
        NativeIo.close(held.remove(held.size() - 1));
    }

    private void expectHeld(int files) {
        assertThat(ledger.heldFiles()).isEqualTo(files);
        assertThat(ledger.heldBytes()).isEqualTo((long) files * BYTES);
    }

    private void awaitHeld(int files) {
        await().untilAsserted(() -> expectHeld(files));
    }

    @Test
    void thisFileSystemTellsWhetherAFileIsHeld() {
        assertThat(probe.isProved()).isTrue();
        assertThat(ledger.isKnown()).isTrue();
    }

    @Test
    void aRemovedFileThatNobodyHoldsIsGoneAtOnce() throws Exception {
        Path file = file(1);
        ledger.unlink(device, DIGEST, 1);

        assertThat(file).doesNotExist();
        expectHeld(0);
    }

    @Test
    void aRemovedFileCountsForAsLongAsItIsHeld() throws Exception {
        Path file = file(1);
        hold(1);
        hold(1);
        ledger.unlink(device, DIGEST, 1);

        assertThat(file).doesNotExist();
        expectHeld(1);
        letGo();
        expectHeld(1);
        letGo();
        awaitHeld(0);
    }

    @Test
    void aMappingHoldsAFileThoughItsDescriptorIsClosed() throws Exception {
        Path file = file(1);
        try (FileChannel channel = FileChannel.open(file)) {
            // Lives until it is collected, which nothing here waits for.
            channel.map(FileChannel.MapMode.READ_ONLY, 0, BYTES).load();
        }
        ledger.unlink(device, DIGEST, 1);

        expectHeld(1);
    }

    @Test
    void whatAProcessHoldsIsFreeWhenItIsKilled() throws Exception {
        Path file = file(1);
        Process reader = new ProcessBuilder("sleep", "infinity")
                .redirectInput(new File(file.toString()))
                .start();
        try {
            ledger.unlink(device, DIGEST, 1);
            expectHeld(1);
        } finally {
            reader.destroyForcibly().waitFor();
        }
        awaitHeld(0);
    }

    @Test
    void asManyFilesAreWatchedAsMayBeAndOneMoreIsOnlyCounted() throws Exception {
        for (int generation = 1; generation <= MOST + 1; generation++) {
            file(generation);
            hold(generation);
        }
        for (int generation = 1; generation <= MOST; generation++) {
            ledger.unlink(device, DIGEST, generation);
        }
        expectHeld(MOST);
        assertThat(ledger.unwatched()).isZero();

        Path last = device.objects().resolve(Device.name(DIGEST, MOST + 1));
        assertThat(last).exists();
        ledger.unlink(device, DIGEST, MOST + 1);
        expectHeld(MOST);
        assertThat(ledger.unwatched()).isOne();
        assertThat(last).doesNotExist();
        letGo();
        letGo();
        awaitHeld(MOST - 1);
    }

    @Test
    void aLedgerThatIsClosedKeepsNoDescriptor() throws Exception {
        file(1);
        hold(1);
        ledger.unlink(device, DIGEST, 1);
        expectHeld(1);
        ledger.close();

        expectHeld(0);
        letGo();
        try (var open = Files.list(Path.of("/proc/self/fd"))) {
            assertThat(open.filter(link -> leadsToRemoved(link))).isEmpty();
        }
    }

    private boolean leadsToRemoved(Path link) {
        try {
            String file = Files.readSymbolicLink(link).toString();
            return file.startsWith(directory.toString()) && file.endsWith(" (deleted)");
        } catch (java.io.IOException e) {
            return false; // closed since
        }
    }
}
