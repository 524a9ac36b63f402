package org.objmapper.protocol;

/** The feature bits of HELLO (protocol-spec.md 7.5) that somebody has. */
public final class Features {
    public static final long FILL_TOKENS = 1;
    public static final long VARIANTS = 1 << 1;
    public static final long BANS = 1 << 2;

    /** The validity table: a descriptor with the server's HELLO, and VALIDITY in replies (protocol-spec.md 11). */
    public static final long VALIDITY = 1 << 3;

    /** HITS: a client says what it gave of its own (protocol-spec.md 5.14). */
    public static final long HITS = 1 << 4;

    /** What a client asks for that has a use for whatever there is. */
    public static final long ALL = FILL_TOKENS | VARIANTS | BANS;

    private Features() {}
}
