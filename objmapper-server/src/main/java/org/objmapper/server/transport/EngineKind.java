package org.objmapper.server.transport;

/** By which of the kernel's ways the loops wait for their sessions. */
public enum EngineKind {
    /** io_uring where the kernel lets it be used, else epoll. */
    AUTO,
    EPOLL,
    IO_URING
}
