package org.objmapper.protocol;

/** The limits of the protocol (protocol-spec.md 8), in bytes or pieces. */
public final class Limits {
    public static final int HEADER = 32;
    public static final int MIN_KEY = 1;
    public static final int MAX_KEY = 4_096;
    public static final int MAX_METADATA = 131_072;
    /** What a reply adds to an object's metadata finds room beside it. */
    public static final int MAX_OBJECT_METADATA = 130_816;

    public static final int MAX_OPAQUE = 65_536;
    public static final int MAX_TAGS = 64;
    public static final int MAX_TAG = 255;
    public static final int MAX_VARIANTS = 64;
    public static final int MAX_LIST = 10_000;
    public static final int DEFAULT_LIST = 1_000;
    public static final int MAX_PING = 64;

    public static final int MAX_FRAME_DEFAULT = 1_048_576;
    public static final int MAX_FRAME_LOWEST = 262_144;
    public static final int MAX_FRAME_HIGHEST = 16_777_216;
    public static final int MAX_REQUESTS_DEFAULT = 64;
    public static final int MAX_REQUESTS_HIGHEST = 4_096;
    public static final int INLINE_LIMIT_DEFAULT = 4_096;
    public static final int INLINE_LIMIT_HIGHEST = 65_536;
    public static final int MAX_MESSAGE_DESCRIPTORS_HIGHEST = 253;
    public static final int MAX_QUEUED_DESCRIPTORS_HIGHEST = 65_536;
    public static final long MAX_OBJECT_DEFAULT = 1L << 40;
    public static final long MAX_OBJECT_HIGHEST = 1L << 62;

    /** The object length of a body whose length is not known, the expiry of what never expires, a range up to the end. */
    public static final long UNKNOWN = -1L;

    /** "JMAPOBJ1" in the object length field of HELLO (7.1). */
    public static final long MAGIC = 0x314A424F_50414D4AL;

    public static final int VERSION = 1;

    private Limits() {}
}
