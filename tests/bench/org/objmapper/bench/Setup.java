package org.objmapper.bench;

/** How an objmapperd is configured. */
enum Setup {
    /** As it is without a configuration, but for room for idle sessions. */
    DEFAULT(""),
    /** No loop looks for input before it sleeps. */
    NO_SPIN("[server]\nspin_micros = 0\n");

    final String toml;

    Setup(String more) {
        this.toml = more
                + "[store]\ncapacity = \"100 GiB\"\n[limits]\nmax_sessions = 20000\n[timeouts]\nidle = \"never\"\n";
    }
}
