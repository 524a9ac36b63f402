package org.objmapper.server.config;

import java.util.List;

/** Every key of the configuration file: where it stands and what it takes. */
public enum ConfigurationKey {
    LISTENER_PATH("listener", "path", Kind.PATH, 1, 107),
    LISTENER_OWNER("listener", "owner", Kind.NAME, 1, 255),
    LISTENER_GROUP("listener", "group", Kind.NAME, 1, 255),
    LISTENER_MODE("listener", "mode", Kind.FILE_MODE, 0, 0777),
    LISTENER_OPERATIONS("listener", "operations", Kind.OPERATIONS, 1, 64),

    STORE_DIRECTORY("store", "directory", Kind.PATH, 1, 4_095),
    STORE_CAPACITY("store", "capacity", Kind.SIZE, 1 << 20, 1L << 62),
    STORE_CAPACITY_OBJECTS("store", "capacity_objects", Kind.COUNT, 1, 1_000_000_000),
    STORE_HIGH_WATERMARK("store", "high_watermark", Kind.COUNT, 1, 100),
    STORE_LOW_WATERMARK("store", "low_watermark", Kind.COUNT, 1, 100),
    STORE_EVICTION("store", "eviction", Configuration.CapacitySettings.POLICIES),
    STORE_DEVICE_THREADS("store", "device_threads", Kind.COUNT, 1, 64),
    STORE_DEVICE_QUEUE_LENGTH("store", "device_queue_length", Kind.COUNT, 1, 1_000_000),
    STORE_DEVICE_WEIGHT("store", "device_weight", Kind.COUNT, 1, 10_000),
    STORE_PASSED_QUEUE_LENGTH("store", "passed_queue_length", Kind.COUNT, 1, 1_000_000),
    STORE_PASSED_QUEUE_LENGTH_PER_USER("store", "passed_queue_length_per_user", Kind.COUNT, 1, 1_000_000),
    STORE_OBJECT_MEMORY("store", "object_memory", Kind.SIZE, 1_048_576, 1L << 40),
    STORE_UPLOAD_MEMORY_PER_SESSION("store", "upload_memory_per_session", Kind.SIZE, 262_144, 67_108_864),
    STORE_HELD_BYTES_PER_SESSION("store", "held_bytes_per_session", Kind.SIZE, 1_048_576, 1L << 62),
    STORE_RECOVERY_RATE("store", "recovery_rate", Kind.COUNT, 1, 1_000_000_000),
    STORE_SCRUB_RATE("store", "scrub_rate", Kind.SIZE, 0, 1L << 34),
    STORE_QUARANTINE("store", "quarantine", Kind.SIZE, 0, 1L << 62),
    STORE_DRAIN_RATE("store", "drain_rate", Kind.SIZE, 65_536, 1L << 34),
    STORE_OFFLINE_OBJECTS("store", "offline_objects", StoreSettings.OFFLINE_OBJECTS),

    DEVICE_DIRECTORY("device", "directory", Kind.PATH, 1, 4_095),
    DEVICE_WEIGHT("device", "weight", Kind.COUNT, 1, 10_000),
    DEVICE_THREADS("device", "threads", Kind.COUNT, 1, 64),
    DEVICE_QUEUE_LENGTH("device", "queue_length", Kind.COUNT, 1, 1_000_000),

    MEMORY_CAPACITY("memory", "capacity", Kind.SIZE, 1 << 20, 1L << 40),
    MEMORY_CAPACITY_OBJECTS("memory", "capacity_objects", Kind.COUNT, 100, 1_000_000),
    MEMORY_HIGH_WATERMARK("memory", "high_watermark", Kind.COUNT, 1, 100),
    MEMORY_LOW_WATERMARK("memory", "low_watermark", Kind.COUNT, 1, 100),
    MEMORY_EVICTION("memory", "eviction", Configuration.CapacitySettings.POLICIES),

    CACHE_DIRECTORY("cache", "directory", Kind.PATH, 1, 4_095),
    CACHE_CAPACITY("cache", "capacity", Kind.SIZE, 1 << 20, 1L << 62),
    CACHE_CAPACITY_OBJECTS("cache", "capacity_objects", Kind.COUNT, 100, 100_000_000),
    CACHE_HIGH_WATERMARK("cache", "high_watermark", Kind.COUNT, 1, 100),
    CACHE_LOW_WATERMARK("cache", "low_watermark", Kind.COUNT, 1, 100),
    CACHE_EVICTION("cache", "eviction", Configuration.CapacitySettings.POLICIES),

    SERVER_LOOPS("server", "loops", Kind.COUNT, 1, 256),
    SERVER_ENGINE("server", "engine", Configuration.ENGINES),
    SERVER_SPIN_MICROS("server", "spin_micros", Kind.COUNT, 0, 1_000),
    SERVER_PASSED_DESCRIPTOR_UIDS("server", "passed_descriptor_uids", Kind.UIDS, 0, 4_294_967_294L),

    LIMITS_MAX_SESSIONS("limits", "max_sessions", Kind.COUNT, 1, 1_000_000),
    LIMITS_MAX_REQUESTS("limits", "max_requests", Kind.COUNT, 1, 4_096),
    LIMITS_MAX_FRAME("limits", "max_frame", Kind.SIZE, 262_144, 16_777_216),
    LIMITS_INLINE_LIMIT("limits", "inline_limit", Kind.SIZE, 0, 65_536),
    LIMITS_MAX_MESSAGE_DESCRIPTORS("limits", "max_message_descriptors", Kind.COUNT, 0, 253),
    LIMITS_MAX_QUEUED_DESCRIPTORS("limits", "max_queued_descriptors", Kind.COUNT, 0, 65_536),
    LIMITS_MAX_HELD_INPUT("limits", "max_held_input", Kind.SIZE, 67_108_864, 1L << 40),
    LIMITS_MAX_OBJECT("limits", "max_object", Kind.SIZE, 1, 1L << 62),

    TIMEOUTS_HELLO("timeouts", "hello", Kind.DURATION, 100, 600_000),
    TIMEOUTS_IDLE("timeouts", "idle", Kind.DURATION_OR_NEVER, 100, 86_400_000),
    TIMEOUTS_FRAME("timeouts", "frame", Kind.DURATION, 100, 600_000),
    TIMEOUTS_REPLY("timeouts", "reply", Kind.DURATION, 100, 600_000),
    TIMEOUTS_HELD("timeouts", "held", Kind.DURATION_OR_NEVER, 100, 86_400_000),
    TIMEOUTS_DRAIN("timeouts", "drain", Kind.DURATION, 0, 600_000);

    /** What a value must look like. */
    enum Kind {
        PATH,
        NAME,
        FILE_MODE,
        OPERATIONS,
        WORD,
        COUNT,
        SIZE,
        DURATION,
        DURATION_OR_NEVER,
        UIDS
    }

    /** The user id of those who have none here (protocol-spec.md 6.1). */
    private static final int NOBODY = 65_534;

    private final String table;
    private final String key;
    private final Kind kind;
    private final long lowest;
    private final long highest;
    private final List<String> words;

    /** One that takes any of these words. */
    ConfigurationKey(String table, String key, List<String> words) {
        this(table, key, Kind.WORD, 1, words.size(), words);
    }

    ConfigurationKey(String table, String key, Kind kind, long lowest, long highest) {
        this(table, key, kind, lowest, highest, List.of());
    }

    ConfigurationKey(String table, String key, Kind kind, long lowest, long highest, List<String> words) {
        this.table = table;
        this.key = key;
        this.kind = kind;
        this.lowest = lowest;
        this.highest = highest;
        this.words = words;
    }

    /** The table that the key stands in, such as {@code store}. */
    public String table() {
        return table;
    }

    /** The key's name inside its table. */
    public String key() {
        return key;
    }

    /** The name in messages: {@code store.directory}. */
    public String qualifiedName() {
        return table + "." + key;
    }

    /** The least value: milliseconds, bytes or pieces. */
    public long lowest() {
        return lowest;
    }

    /** The greatest value: milliseconds, bytes or pieces. */
    public long highest() {
        return highest;
    }

    /** The words that it takes; empty where it takes something else. */
    List<String> words() {
        return words;
    }

    /** What the key takes, in words. */
    public String accepted() {
        return switch (kind) {
            case PATH -> "an absolute path of at most " + highest + " bytes";
            case NAME -> "a name";
            case FILE_MODE -> "an octal file mode in quotes, such as \"0660\"";
            case OPERATIONS -> "an array of " + String.join(", ", ListenerSettings.OPERATIONS);
            case WORD -> "one of " + String.join(", ", words);
            case COUNT -> "a whole number from " + lowest + " to " + highest;
            case SIZE ->
                "bytes as a number or such as \"64 KiB\", from " + Units.bytes(lowest) + " to " + Units.bytes(highest);
            case DURATION ->
                "a time such as \"500 ms\", \"5 s\" or \"1 min\", from " + Units.millis(lowest) + " to "
                        + Units.millis(highest);
            case DURATION_OR_NEVER ->
                "\"never\", or a time such as \"500 ms\", \"5 s\" or \"1 min\", from " + Units.millis(lowest) + " to "
                        + Units.millis(highest);
            case UIDS ->
                "an array of user ids from " + lowest + " to " + highest + ", but " + NOBODY + ", which is nobody";
        };
    }

    Kind kind() {
        return kind;
    }

    boolean takes(long value) {
        return value >= lowest && value <= highest && !(kind == Kind.UIDS && value == NOBODY);
    }
}
