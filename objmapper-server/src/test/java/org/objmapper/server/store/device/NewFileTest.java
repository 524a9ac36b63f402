package org.objmapper.server.store.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

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

    @Test
    void aBodyGetsItsNameOnceItIsOnDisk() throws Exception {
        NewFile file = new NewFile(device, device.createTemporary(), false, DIGEST, GENERATION);
        assertThat(file.isSynced()).isFalse();
        assertThatThrownBy(file::publish).isInstanceOf(DeviceException.class);

        file.sync();
        file.publish();

        assertThat(file.isSynced()).isTrue();
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

        assertThat(file.isSynced()).isFalse();
        assertThatThrownBy(file::publish).hasMessageContaining("bring a body to disk");
        assertThat(named()).doesNotExist();
        file.leave();
    }
}
