package org.objmapper.server.metrics;

/** Every metric of the server. Names, types and units are a contract; docs/metrics.md is this table. */
public enum Metric {
    REQUESTS_GET("objmapper_requests_get_total", Type.COUNTER, "requests", "GET requests that were answered"),
    REQUESTS_HEAD("objmapper_requests_head_total", Type.COUNTER, "requests", "HEAD requests that were answered"),
    REQUESTS_PUT("objmapper_requests_put_total", Type.COUNTER, "requests", "PUT requests that were answered"),
    REQUESTS_DELETE("objmapper_requests_delete_total", Type.COUNTER, "requests", "DELETE requests that were answered"),
    REQUESTS_TOUCH("objmapper_requests_touch_total", Type.COUNTER, "requests", "TOUCH requests that were answered"),
    REQUESTS_LIST("objmapper_requests_list_total", Type.COUNTER, "requests", "LIST requests that were answered"),
    REQUESTS_PURGE("objmapper_requests_purge_total", Type.COUNTER, "requests", "PURGE requests that were answered"),
    SESSIONS("objmapper_sessions", Type.GAUGE, "sessions", "sessions that are open"),
    SESSION_MOVES(
            "objmapper_session_moves_total",
            Type.COUNTER,
            "sessions",
            "times that a session went on at another event loop, to be apart from large bodies or where its client runs"),
    HELD_INPUT_BYTES(
            "objmapper_held_input_bytes",
            Type.GAUGE,
            "bytes",
            "memory for requests of which a part has come so far, and for the metadata of those not answered yet"),
    STORE_OBJECTS(
            "objmapper_store_objects",
            Type.GAUGE,
            "objects",
            "objects in the index, expired ones within their grace too"),
    STORE_BYTES("objmapper_store_bytes", Type.GAUGE, "bytes", "bodies of the objects in the index, together"),
    STORE_EVICTABLE_OBJECTS(
            "objmapper_store_evictable_objects",
            Type.GAUGE,
            "objects",
            "objects in the index that may be given up when room is needed"),
    STORE_EVICTABLE_BYTES(
            "objmapper_store_evictable_bytes", Type.GAUGE, "bytes", "bodies of the evictable objects, together"),
    STORE_UNFINISHED_BYTES(
            "objmapper_store_unfinished_bytes",
            Type.GAUGE,
            "bytes",
            "bodies on disk that are still coming in and are no objects yet, together"),
    STORE_CAPACITY_BYTES(
            "objmapper_store_capacity_bytes", Type.GAUGE, "bytes", "bytes of bodies that the store may hold"),
    STORE_CAPACITY_OBJECTS(
            "objmapper_store_capacity_objects", Type.GAUGE, "objects", "objects that the store may hold"),
    STORE_HITS("objmapper_store_hits_total", Type.COUNTER, "requests", "GET and HEAD requests whose object was there"),
    CLIENT_HITS(
            "objmapper_client_hits_total",
            Type.COUNTER,
            "requests",
            "requests that clients say they have answered from what they keep"),
    STORE_MISSES(
            "objmapper_store_misses_total",
            Type.COUNTER,
            "requests",
            "GET and HEAD requests whose object was not there"),
    STORE_EVICTIONS_CAPACITY(
            "objmapper_store_evictions_capacity_total",
            Type.COUNTER,
            "objects",
            "objects that were evicted because the store held more than its high watermark, or a PUT needed room"),
    STORE_EVICTIONS_NO_SPACE(
            "objmapper_store_evictions_no_space_total",
            Type.COUNTER,
            "objects",
            "objects that were evicted because the file system was full"),
    STORE_EVICTED_BYTES(
            "objmapper_store_evicted_bytes_total", Type.COUNTER, "bytes", "bodies of the objects that were evicted"),
    STORE_FREE_BYTES(
            "objmapper_store_free_bytes",
            Type.GAUGE,
            "bytes",
            "room that the devices' file systems have left for the server's user"),
    STORE_OLDEST_SECONDS(
            "objmapper_store_oldest_seconds",
            Type.GAUGE,
            "seconds",
            "age of the object whose body has been there for the longest; of one whose body stands in the index it may be"
                    + " an eighth too low, and it counts from the first start of a server that kept such times at most"),
    STORE_INDEX_BYTES(
            "objmapper_store_index_bytes", Type.GAUGE, "bytes", "what the index takes, free pages within it too"),
    STORE_INDEX_MAX_BYTES(
            "objmapper_store_index_max_bytes",
            Type.GAUGE,
            "bytes",
            "what the index may take at most; with hardly a free page left in it the store takes no more objects"),
    STORE_INDEX_PASSES(
            "objmapper_store_index_passes_total",
            Type.COUNTER,
            "passes",
            "times that the check in the background came to the end of the index"),
    STORE_INDEX_ROWS_MISSING(
            "objmapper_store_index_rows_missing_total",
            Type.COUNTER,
            "times",
            "times that it met an object that lacks rows of the index, by prefix, tag, expiry or file"),
    STORE_HOT_OBJECTS(
            "objmapper_store_hot_objects", Type.GAUGE, "objects", "objects that are answered without asking the index"),
    STORE_PENDING_CHANGES(
            "objmapper_store_pending_changes", Type.GAUGE, "objects", "objects with a change that is not on disk yet"),
    STORE_DEVICE_QUEUE(
            "objmapper_store_device_queue",
            Type.GAUGE,
            "tasks",
            "writes and changes that wait for a thread of the device"),
    STORE_INDEX_QUEUE(
            "objmapper_store_index_queue", Type.GAUGE, "tasks", "look-ups that wait for a thread of the index"),
    STORE_OPEN_QUEUE(
            "objmapper_store_open_queue", Type.GAUGE, "tasks", "objects that wait for their file to be opened"),
    STORE_TABLE_OBJECTS(
            "objmapper_store_table_objects",
            Type.GAUGE,
            "objects",
            "objects that the table in memory knows; as many as the index has, once it is filled"),
    STORE_TABLE_BYTES(
            "objmapper_store_table_bytes", Type.GAUGE, "bytes", "memory of the table of all objects, outside the heap"),
    STORE_TABLE_WHOLE(
            "objmapper_store_table_whole",
            Type.GAUGE,
            "boolean",
            "1 when the table knows all objects, so that a miss is answered without the index; else 0"),
    STORE_TABLE_LEFT_OUT(
            "objmapper_store_table_left_out",
            Type.GAUGE,
            "objects",
            "how often an object found no room in the table, so that the index answers what the table doesn't know"),
    STORE_PURGES("objmapper_store_purges", Type.GAUGE, "purges", "purges by prefix or tag that are under way"),
    STORE_BANS("objmapper_store_bans", Type.GAUGE, "bans", "bans whose objects are not all removed yet"),
    STORE_BANNED("objmapper_store_banned_total", Type.COUNTER, "objects", "objects that bans removed"),
    STORE_PURGE_QUEUE(
            "objmapper_store_purge_queue", Type.GAUGE, "tasks", "purges by prefix or tag that wait for others to end"),
    STORE_CLOSER_QUEUE(
            "objmapper_store_closer_queue", Type.GAUGE, "files", "removed files whose blocks are not freed yet"),
    DEVICE_OBJECTS("objmapper_device_objects", Type.GAUGE, "objects", "objects with a body on the device"),
    DEVICE_BYTES("objmapper_device_bytes", Type.GAUGE, "bytes", "bodies of the objects on the device, together"),
    DEVICE_FREE_BYTES("objmapper_device_free_bytes", Type.GAUGE, "bytes", "room of the device's file system"),
    DEVICE_QUEUE("objmapper_device_queue", Type.GAUGE, "tasks", "work that waits for the device"),
    DEVICE_LATENCY(
            "objmapper_device_latency_micros",
            Type.GAUGE,
            "microseconds",
            "how long a call of the device's file system takes, the latest ones counting most"),
    DEVICE_STATE(
            "objmapper_device_state", Type.GAUGE, "state", "0 the device serves, 1 it is suspect, 2 it is offline"),
    DEVICE_DRAINING("objmapper_device_draining", Type.GAUGE, "state", "1 while the device is drained, else 0"),
    DEVICE_ERRORS(
            "objmapper_device_errors_total", Type.COUNTER, "calls", "calls of the device's file system that failed"),
    DEVICE_HITS(
            "objmapper_device_hits_total",
            Type.COUNTER,
            "requests",
            "GET and HEAD requests that were answered from the device"),
    DEVICE_MISSES(
            "objmapper_device_misses_total",
            Type.COUNTER,
            "requests",
            "GET and HEAD requests whose object is on the device and could not be had from it: it was offline, or the file"
                    + " gone or not to be opened"),
    DEVICE_EVICTIONS_CAPACITY(
            "objmapper_device_evictions_capacity_total",
            Type.COUNTER,
            "objects",
            "objects on the device that were evicted because the store held more than its high watermark, or a PUT needed"
                    + " room"),
    DEVICE_EVICTIONS_NO_SPACE(
            "objmapper_device_evictions_no_space_total",
            Type.COUNTER,
            "objects",
            "objects on the device that were evicted because a file system was full"),
    DEVICE_HELD_BYTES(
            "objmapper_device_held_bytes",
            Type.GAUGE,
            "bytes",
            "what removed objects still occupy on the device because a client holds their file"),
    DEVICE_OLDEST_SECONDS(
            "objmapper_device_oldest_seconds",
            Type.GAUGE,
            "seconds",
            "age of the object whose body has been on the device for the longest"),
    STORE_MOVED_OBJECTS(
            "objmapper_store_moved_objects_total",
            Type.COUNTER,
            "objects",
            "objects whose bodies drains moved to other devices"),
    STORE_MOVED_BYTES(
            "objmapper_store_moved_bytes_total", Type.COUNTER, "bytes", "bodies that drains moved to other devices"),
    STORE_SCRUBBED_BYTES(
            "objmapper_store_scrubbed_bytes_total",
            Type.COUNTER,
            "bytes",
            "bodies in files that were read again and compared with their checksums"),
    STORE_SCRUB_PASSES(
            "objmapper_store_scrub_passes_total",
            Type.COUNTER,
            "passes",
            "times that the scrub came to the end of a device"),
    STORE_BODIES_DAMAGED(
            "objmapper_store_bodies_damaged_total",
            Type.COUNTER,
            "objects",
            "objects that were taken out because the scrub found their body to be another than was stored"),
    STORE_QUARANTINED_FILES(
            "objmapper_store_quarantined_files",
            Type.GAUGE,
            "files",
            "files in quarantine, for an operator to look at"),
    STORE_QUARANTINED_BYTES("objmapper_store_quarantined_bytes", Type.GAUGE, "bytes", "what these have, together"),
    STORE_HELD_OBJECTS(
            "objmapper_store_held_objects",
            Type.GAUGE,
            "objects",
            "removed objects whose file a client still holds or is being sent; not shown where the file system can't tell"),
    STORE_HELD_BYTES("objmapper_store_held_bytes", Type.GAUGE, "bytes", "what these still occupy, together"),
    STORE_HELD_UNWATCHED(
            "objmapper_store_held_unwatched",
            Type.GAUGE,
            "objects",
            "removed objects since the start that were held and are not counted so: too many were watched already"),
    MEMORY_OBJECTS(
            "objmapper_memory_objects", Type.GAUGE, "objects", "objects whose bodies have a copy in the memory tier"),
    MEMORY_BYTES(
            "objmapper_memory_bytes", Type.GAUGE, "bytes", "memory that these copies take, in whole pages of 4 KiB"),
    MEMORY_CAPACITY_OBJECTS(
            "objmapper_memory_capacity_objects",
            Type.GAUGE,
            "objects",
            "copies that the memory tier may hold: no more than an eighth of the descriptors that the process may open"),
    MEMORY_CAPACITY_BYTES("objmapper_memory_capacity_bytes", Type.GAUGE, "bytes", "memory that the copies may take"),
    MEMORY_OLDEST_SECONDS(
            "objmapper_memory_oldest_seconds",
            Type.GAUGE,
            "seconds",
            "for how long that copy has been in the memory tier that is there longest"),
    MEMORY_HELD_BYTES(
            "objmapper_memory_held_bytes",
            Type.GAUGE,
            "bytes",
            "what copies that left the memory tier still occupy because a client holds them"),
    MEMORY_HITS(
            "objmapper_memory_hits_total",
            Type.COUNTER,
            "requests",
            "GET and HEAD requests whose object had a copy in the memory tier"),
    MEMORY_MISSES(
            "objmapper_memory_misses_total",
            Type.COUNTER,
            "requests",
            "GET and HEAD requests whose object was in a file and had no copy in the memory tier"),
    MEMORY_PROMOTIONS(
            "objmapper_memory_promotions_total",
            Type.COUNTER,
            "objects",
            "objects that were copied to the memory tier"),
    MEMORY_PROMOTION_FAILURES(
            "objmapper_memory_promotion_failures_total",
            Type.COUNTER,
            "objects",
            "objects that could not be copied to the memory tier"),
    MEMORY_EVICTIONS_CAPACITY(
            "objmapper_memory_evictions_capacity_total",
            Type.COUNTER,
            "objects",
            "copies that left the memory tier because it held more than its high watermark"),
    MEMORY_EVICTIONS_NO_SPACE(
            "objmapper_memory_evictions_no_space_total",
            Type.COUNTER,
            "objects",
            "copies that left the memory tier because the kernel gave no memory for another"),
    MEMORY_EVICTIONS_DESCRIPTORS(
            "objmapper_memory_evictions_descriptors_total",
            Type.COUNTER,
            "objects",
            "copies that left the memory tier because descriptors were short"),
    STORE_HELD_KNOWN(
            "objmapper_store_held_known",
            Type.GAUGE,
            "boolean",
            "1 when the file systems can tell what is held; else 0, and no other figure of what is held is shown"),
    STORE_HELD_SESSION_BYTES(
            "objmapper_store_held_session_bytes",
            Type.GAUGE,
            "bytes",
            "the most of them that one open session was handed"),
    STORE_HELD_USER_BYTES(
            "objmapper_store_held_user_bytes",
            Type.GAUGE,
            "bytes",
            "those of them that sessions of a user were handed; a line for each user, by its uid"),
    STORE_HELD_PROCESS_BYTES(
            "objmapper_store_held_process_bytes",
            Type.GAUGE,
            "bytes",
            "those of them that sessions of a process were handed; a line for each of the ten that have the most, by the"
                    + " pid that connected"),
    STORE_HELD_OBJECT_BYTES(
            "objmapper_store_held_object_bytes",
            Type.GAUGE,
            "bytes",
            "the ten largest of them; a line for each, by the generation of its body"),
    CACHE_OBJECTS(
            "objmapper_cache_objects",
            Type.GAUGE,
            "objects",
            "objects whose bodies have a copy in the cache directory"),
    CACHE_BYTES("objmapper_cache_bytes", Type.GAUGE, "bytes", "bytes that these copies take, in whole blocks of 4 KiB"),
    CACHE_CAPACITY_OBJECTS(
            "objmapper_cache_capacity_objects", Type.GAUGE, "objects", "copies that the cache directory may hold"),
    CACHE_CAPACITY_BYTES("objmapper_cache_capacity_bytes", Type.GAUGE, "bytes", "bytes that the copies may take"),
    CACHE_OLDEST_SECONDS(
            "objmapper_cache_oldest_seconds",
            Type.GAUGE,
            "seconds",
            "for how long that copy has been in the cache directory that is there longest"),
    CACHE_HELD_BYTES(
            "objmapper_cache_held_bytes",
            Type.GAUGE,
            "bytes",
            "what copies that left the cache directory still occupy there because a client holds them"),
    CACHE_HITS(
            "objmapper_cache_hits_total",
            Type.COUNTER,
            "requests",
            "GET and HEAD requests that were answered from the cache directory"),
    CACHE_MISSES(
            "objmapper_cache_misses_total",
            Type.COUNTER,
            "requests",
            "GET and HEAD requests whose object was answered from its device though there is a cache directory"),
    CACHE_PROMOTIONS(
            "objmapper_cache_promotions_total",
            Type.COUNTER,
            "objects",
            "objects that were copied to the cache directory"),
    CACHE_PROMOTION_FAILURES(
            "objmapper_cache_promotion_failures_total",
            Type.COUNTER,
            "objects",
            "objects that could not be copied to the cache directory"),
    CACHE_EVICTIONS_CAPACITY(
            "objmapper_cache_evictions_capacity_total",
            Type.COUNTER,
            "objects",
            "copies that left the cache directory because it held more than its high watermark"),
    CACHE_EVICTIONS_NO_SPACE(
            "objmapper_cache_evictions_no_space_total",
            Type.COUNTER,
            "objects",
            "copies that left the cache directory because its file system had no room for another"),
    CACHE_QUEUE("objmapper_cache_queue", Type.GAUGE, "tasks", "work that waits for the cache directory"),
    CACHE_LATENCY(
            "objmapper_cache_latency_micros",
            Type.GAUGE,
            "microseconds",
            "how long a call of the cache directory's file system takes, the latest ones counting most"),
    CACHE_STATE(
            "objmapper_cache_state",
            Type.GAUGE,
            "state",
            "0 the cache directory serves, 1 it is suspect, 2 it is offline or not there"),
    CACHE_ERRORS(
            "objmapper_cache_errors_total",
            Type.COUNTER,
            "calls",
            "calls of the cache directory's file system that failed"),
    STORE_COMMIT_FAILURES(
            "objmapper_store_commit_failures_total",
            Type.COUNTER,
            "commits",
            "index commits that failed, and were tried again"),
    STORE_CHANGES_LOST(
            "objmapper_store_changes_lost_total", Type.COUNTER, "changes", "changes that could not be brought to disk"),
    STORE_ORPHANS_REMOVED(
            "objmapper_store_orphans_removed_total",
            Type.COUNTER,
            "files",
            "files without an object that recovery removed"),
    STORE_FILES_VANISHED(
            "objmapper_store_files_vanished_total",
            Type.COUNTER,
            "objects",
            "objects that were taken out because their file was gone"),
    STORE_FILES_OF_OTHER_LENGTH(
            "objmapper_store_files_of_other_length_total",
            Type.COUNTER,
            "objects",
            "objects that were taken out because their file had another length"),
    STORE_RECOVERING_DEVICES(
            "objmapper_store_recovering_devices",
            Type.GAUGE,
            "devices",
            "devices whose files are being compared with the index, after the start or because they are there again"),
    STORE_RECOVERY_WALKED(
            "objmapper_store_recovery_walked", Type.GAUGE, "files and objects", "how many of them that has looked at"),
    STORE_RECOVERY_ENTRIES(
            "objmapper_store_recovery_entries",
            Type.GAUGE,
            "files and objects",
            "how many there are, about: each object with a file is two"),
    STORE_RECORDS_DAMAGED(
            "objmapper_store_records_damaged_total",
            Type.COUNTER,
            "times",
            "times that a damaged record or body in the index was met, and taken for no object");

    /** How a value goes. */
    public enum Type {
        /** From 0 at the start of the server, up only. */
        COUNTER,
        /** As it is when it is asked for. */
        GAUGE
    }

    private final String text;
    private final Type type;
    private final String unit;
    private final String help;

    Metric(String text, Type type, String unit, String help) {
        this.text = text;
        this.type = type;
        this.unit = unit;
        this.help = help;
    }

    /** As STAT shows it. */
    public String text() {
        return text;
    }

    public Type type() {
        return type;
    }

    /** What is counted. */
    public String unit() {
        return unit;
    }

    /** What the value says, for operators. */
    public String help() {
        return help;
    }
}
