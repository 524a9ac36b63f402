package org.objmapper.server.transport;

/** By which of the kernel's ways the loops wait for their sessions. */
public enum EngineKind {
    /** The one that measures better (docs/performance.md): epoll, which is there on every kernel. */
    AUTO,
    EPOLL,
    IO_URING
}
