package org.objmapper.server.store.device;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import jnr.posix.POSIXFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.objmapper.nativeio.NativeIo;

class NewFileTest {
    private static final byte[] DIGEST = new byte[32];
    private static final long GENERATION = 7;

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

    private Path named() {
        return device.objects().resolve(Device.name(DIGEST, GENERATION));
    }

    private NewFile unsynced() {
        return new NewFile(device, device.createTemporary(), false, DIGEST, GENERATION);
    }

    @Test
    void aBodyGetsItsNameOnceItIsOnDisk() throws Exception {
        NewFile early = unsynced();
        early.link();
        assertThat(early.loss()).hasMessageContaining("is not on disk");
        assertThat(named()).doesNotExist();
        early.discard();

        NewFile file = unsynced();
        file.sync();
        file.link();

        assertThat(file.isSynced()).isTrue();
        assertThat(file.loss()).isNull();
        assertThat(named()).exists();
        file.leave();
    }

    @Test
    void aBodyThatFailedToReachTheDiskStaysLostThoughAnotherSyncWouldSucceed() throws Exception {
        int broken = NativeIo.openAt(Device.AT_FDCWD, Device.path("/dev/null"), Device.O_RDONLY, 0);
        NewFile file = new NewFile(device, broken, false, DIGEST, GENERATION);
        file.sync();
        int healthy = device.createTemporary();
        POSIXFactory.getNativePOSIX().dup2(healthy, broken);
        NativeIo.close(healthy);

        file.sync();
        file.link();

        assertThat(file.isSynced()).isFalse();
        assertThat(file.loss()).hasMessageContaining("bring a body to disk");
        assertThat(named()).doesNotExist();
        file.discard();
    }

    @Test
    void aBodyThatIsDiscardedLosesTheNameThatItHasAndGetsNoneLater() {
        NewFile file = unsynced();
        file.sync();
        file.link();
        NewFile unnamed = new NewFile(device, device.createTemporary(), false, DIGEST, GENERATION + 1);
        unnamed.sync();

        file.discard();
        unnamed.discard();
        unnamed.link();
        device.closer().close();

        assertThat(named()).doesNotExist();
        assertThat(device.open(DIGEST, GENERATION + 1)).isNegative();
    }

    @Test
    void aBodyThatTheIndexTookOverIsNotDiscardedAnyMore() {
        NewFile file = unsynced();
        file.sync();
        file.link();
        file.leave();
        file.discard();
        device.closer().close();
        assertThat(named()).exists();
        int again = file.open();
        assertThat(again).isNotNegative();
        NativeIo.close(again);
    }
}
