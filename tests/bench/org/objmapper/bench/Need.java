package org.objmapper.bench;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.objmapper.nativeio.NativeIo;

/**
 * What a row takes that not every machine has.
 *
 * @param otherwise what is said where it is not there
 */
record Need(BooleanSupplier isThere, String otherwise) {
    static final Need NOTHING = new Need(() -> true, "");
    static final Need IO_URING = new Need(Need::allowsIoUring, "the kernel does not let io_uring be used");

    static Need program(String name) {
        return new Need(
                () -> isInstalled(name),
                name + " is not installed; packaging/install-build-dependencies --benchmark does that");
    }

    private static boolean isInstalled(String program) {
        return Stream.of((System.getenv("PATH") + ":/usr/sbin").split(":"))
                .anyMatch(directory -> Files.isExecutable(Path.of(directory, program)));
    }

    private static boolean allowsIoUring() {
        long engine = NativeIo.engineOpen(NativeIo.ENGINE_IO_URING, 1);
        if (engine < 0) {
            return false;
        }
        NativeIo.engineClose(engine);
        return true;
    }
}
