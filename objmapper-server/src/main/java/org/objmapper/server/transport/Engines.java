package org.objmapper.server.transport;

import java.io.IOException;
import java.util.function.IntToLongFunction;
import org.objmapper.nativeio.Errno;
import org.objmapper.nativeio.NativeIo;

/** Opens an engine for each loop. */
final class Engines {
    private final IntToLongFunction opening;
    private final boolean isRing;

    /** Engines for loops of so many sessions each, at most. */
    Engines(EngineKind kind, int slots) {
        this(kind, engine -> NativeIo.engineOpen(engine, slots));
    }

    /** Engines that a function of {@link NativeIo}'s numbers opens: an address, or a negative errno. */
    Engines(EngineKind kind, IntToLongFunction opening) {
        this.isRing = kind == EngineKind.IO_URING;
        this.opening = opening;
    }

    /** The address of a new engine, for the caller to close. */
    long open() throws IOException {
        long engine = opening.applyAsLong(isRing ? NativeIo.ENGINE_IO_URING : NativeIo.ENGINE_EPOLL);
        if (engine < 0) {
            throw new IOException(
                    isRing
                            ? "server.engine = \"io_uring\": the kernel does not let io_uring be used ("
                                    + Errno.nameOf((int) -engine)
                                    + "); it takes Linux 6.1, kernel.io_uring_disabled = 0 and no filter of system calls"
                                    + " against it; \"auto\" uses epoll then"
                            : "no epoll can be opened: " + Errno.nameOf((int) -engine));
        }
        return engine;
    }
}
