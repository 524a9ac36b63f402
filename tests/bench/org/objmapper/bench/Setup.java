package org.objmapper.bench;

/** How an objmapperd is configured. */
enum Setup {
    /** As it is without a configuration, but for room for idle sessions. */
    DEFAULT("", ""),
    /** No loop looks for input before it sleeps. */
    NO_SPIN("[server]\nspin_micros = 0\n", ""),
    /** The loops receive and send by io_uring. */
    IO_URING("[server]\nengine = \"io_uring\"\n", ""),
    /** As {@link #IO_URING}, without looking for input before sleeping. */
    IO_URING_NO_SPIN("[server]\nengine = \"io_uring\"\nspin_micros = 0\n", ""),
    /** Hardly a heap, and memory outside it by itself. */
    SMALL_HEAP("", "-Xmx64m -XX:MaxDirectMemorySize=512m");

    final String toml;

    /** For the JVM that runs it. */
    final String javaOptions;

    Setup(String more, String javaOptions) {
        this.toml = more
                + "[store]\ncapacity = \"100 GiB\"\n[limits]\nmax_sessions = 20000\n[timeouts]\nidle = \"never\"\n";
        this.javaOptions = javaOptions;
    }
}
