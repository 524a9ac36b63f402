package org.objmapper.server.store.device;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.objmapper.nativeio.NativeIo;

class BodyFileTest {
    @TempDir
    Path directory;

    @Test
    void aFileThatIsClosedTwiceClosesNobodyElsesDescriptor() throws Exception {
        try (Device device = Device.open(directory)) {
            BodyFile file = new BodyFile(device);
            int descriptor = file.descriptor();
            file.close();
            int next = NativeIo.openAt(Device.AT_FDCWD, Device.path("/dev/null"), Device.O_RDONLY, 0);
            assertThat(next).as("has the number that is free now").isEqualTo(descriptor);
            file.close();

            assertThat(NativeIo.statusFlags(next)).isNotNegative();
            NativeIo.close(next);
        }
    }
}
