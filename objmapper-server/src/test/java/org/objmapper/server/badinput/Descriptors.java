package org.objmapper.server.badinput;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.objmapper.nativeio.NativeIo;

/** Descriptors for a client to pass, closed together. */
final class Descriptors implements AutoCloseable {
    static final int READ_ONLY = 0;
    static final int WRITE_ONLY = 1;
    static final int READ_WRITE = 2;
    static final int NON_BLOCKING = 04000;
    static final int PATH_ONLY = 010000000;
    static final int DIRECT = "aarch64".equals(System.getProperty("os.arch")) ? 0200000 : 040000;

    private static final int AT_FDCWD = -100;

    private final List<Integer> open = new ArrayList<>();

    int open(Path path, int flags) {
        byte[] name = (path + "\0").getBytes(StandardCharsets.UTF_8);
        return keep(NativeIo.openAt(AT_FDCWD, name, flags, 0));
    }

    /** A memfd that nobody can change. */
    int sealed(byte[] body) {
        ByteBuffer bytes = ByteBuffer.allocateDirect(body.length + 1).put(body);
        return keep(NativeIo.sealedMemory(NativeIo.address(bytes), body.length));
    }

    int keep(int descriptor) {
        assertThat(descriptor).isNotNegative();
        open.add(descriptor);
        return descriptor;
    }

    @Override
    public void close() {
        open.forEach(NativeIo::close);
        open.clear();
    }

    /** How many this process has open. */
    static long count() throws IOException {
        try (Stream<Path> all = Files.list(Path.of("/proc/self/fd"))) {
            return all.count();
        }
    }
}
