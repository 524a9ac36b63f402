package org.objmapper.protocol;

import org.jspecify.annotations.Nullable;

/** The types of metadata entries (protocol-spec.md 3.6 and 3.7), and what their values must look like. */
public enum MetadataType {
    KEY(1, 1, 4_096, 1),
    RANGE(2, 16, 16, 1),
    IF_GENERATION_NOT(3, 8, 8, 1),
    IF_ETAG_NOT(4, 1, 256, 1),
    MODE(5, 4, 4, 1),
    FILL_TOKEN(6, 1, 64, 1),
    REQUEST_HEADER(7, 2, 2_050, 64),
    VARIANT_HEADER(8, 1, 256, 16),
    GRACE_ACCEPTED(9, 8, 8, 1),
    IF_ABSENT(10, 0, 0, 1),
    IF_GENERATION(11, 8, 8, 1),
    EXPECTED_SHA256(12, 32, 32, 1),
    EXPECTED_XXH3(13, 8, 8, 1),
    DURABILITY(14, 4, 4, 1),
    PREFIX(15, 0, 4_096, 1),
    CURSOR(16, 1, 4_096, 1),
    LIMIT(17, 4, 4, 1),
    PURGE_TAG(18, 1, 255, 1),
    BAN(19, 1, 4_096, 1),
    COUNT(20, 8, 8, 1),
    TARGET(21, 4, 4, 1),
    MESSAGE(22, 1, 1_024, 1),
    CLAUSE(23, 1, 16, 1),
    DEVICE(24, 1, 256, 1),
    DESCRIPTOR_RANGE(25, 16, 16, 1),
    SHARED(26, 4, 4, 1),
    SOFT(27, 0, 0, 1),
    TTL(28, 8, 8, 1),
    COMMAND(29, 1, 4_096, 1),
    VERSIONS(32, 8, 8, 1),
    FEATURES(33, 8, 8, 1),
    MAX_REQUESTS(34, 4, 4, 1),
    MAX_MESSAGE_DESCRIPTORS(35, 4, 4, 1),
    MAX_QUEUED_DESCRIPTORS(36, 4, 4, 1),
    MAX_FRAME(37, 4, 4, 1),
    INLINE_LIMIT(38, 4, 4, 1),
    SHARED_ACCEPTED(39, 4, 4, 1),
    ORDERED(40, 4, 4, 1),
    PEER_NAME(41, 1, 64, 1),
    VALIDITY(42, 32, 32, 1),
    GENERATION(256, 8, 8, 1),
    SHA256(257, 32, 32, 1),
    XXH3(258, 8, 8, 1),
    CREATED(259, 8, 8, 1),
    EXPIRY(260, 8, 8, 1),
    LAST_MODIFIED(261, 8, 8, 1),
    GRACE(262, 8, 8, 1),
    ETAG(263, 1, 256, 1),
    CONTENT_TYPE(264, 1, 256, 1),
    CONTENT_ENCODING(265, 1, 64, 1),
    TAG(266, 1, 255, 64),
    VARIANT(267, 2, 2_050, 16),
    OPAQUE(268, 0, 65_536, 1),
    EVICTABLE(269, 4, 4, 1);

    /** The first and last type that belong to an object; lower ones belong to a frame. */
    public static final int FIRST_OBJECT_TYPE = 256;

    public static final int LAST_OBJECT_TYPE = 16_383;
    private static final int MUST_UNDERSTAND = 16_384;
    private static final int FIRST_EXPERIMENT = 49_152;

    private static final MetadataType[] BY_CODE = new MetadataType[270];

    static {
        for (MetadataType type : values()) {
            BY_CODE[type.code] = type;
        }
    }

    private final int code;
    private final int shortest;
    private final int longest;
    private final int repeats;

    MetadataType(int code, int shortest, int longest, int repeats) {
        this.code = code;
        this.shortest = shortest;
        this.longest = longest;
        this.repeats = repeats;
    }

    /** The type of a code, null where this version knows none. */
    public static @Nullable MetadataType of(int code) {
        return code >= 0 && code < BY_CODE.length ? BY_CODE[code] : null;
    }

    public static boolean isObjectMetadata(int code) {
        return code >= FIRST_OBJECT_TYPE && code <= LAST_OBJECT_TYPE;
    }

    /** Whether it is unknown here, and its sender asks for a refusal rather than to be skipped (3.4). */
    public static boolean mustBeUnderstood(int code) {
        return of(code) == null && code < FIRST_EXPERIMENT && (code & MUST_UNDERSTAND) != 0;
    }

    /** Where entries of a code stand among the others: by their number, but unknown object metadata last (3.10). */
    static int rank(int code) {
        return isObjectMetadata(code) && of(code) == null ? Integer.MAX_VALUE : code;
    }

    /** Whether only the server may set it (3.8). */
    public boolean setByServer() {
        return code >= GENERATION.code && code <= EXPIRY.code;
    }

    public int code() {
        return code;
    }

    /** The fewest bytes of its value. */
    public int shortest() {
        return shortest;
    }

    /** The most bytes of its value. */
    public int longest() {
        return longest;
    }

    /** How often it may stand in one frame. */
    public int repeats() {
        return repeats;
    }

    /** Whether its value must be UTF-8 without NUL (3.5). */
    public boolean isText() {
        return this == BAN
                || this == MESSAGE
                || this == CLAUSE
                || this == DEVICE
                || this == COMMAND
                || this == PEER_NAME;
    }

    /** Whether its value is a header's name and value behind a u16 length of the name. */
    public boolean isPair() {
        return this == REQUEST_HEADER || this == VARIANT;
    }
}
