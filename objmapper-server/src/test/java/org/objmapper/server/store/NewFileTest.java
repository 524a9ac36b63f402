package org.objmapper.server.store;

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
    private static final byte[] DIGEST = new byte[Digests.SHA256_BYTES];
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

    @Test
    void aBodyGetsItsNameOnceItIsOnDisk() throws Exception {
        NewFile file = new NewFile(device, device.createTemporary(), false, DIGEST, GENERATION);
        assertThat(file.isSynced()).isFalse();
        assertThatThrownBy(file::publish).isInstanceOf(StoreException.class);

        file.sync();
        file.publish();

        assertThat(file.isSynced()).isTrue();
        assertThat(StoreUnderTest.objectFiles(directory)).hasSize(1);
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
        assertThat(StoreUnderTest.objectFiles(directory)).isEmpty();
        file.leave();
    }
}
