package org.objmapper.crash;

import java.util.Map;

/** What a server is to be at when it is killed, told by the figures of its STAT. */
enum Phase {
    /** Somewhere on the way to its first answer. */
    STARTING,
    /** It answers, and looks through its files. */
    RECOVERING,
    /** Anything. */
    WORKING,
    PURGING_PREFIXES,
    PURGING_TAGS,
    BANNING,
    EVICTING,
    SCRUBBING;

    static final String EVICTIONS = "objmapper_store_evictions_capacity_total";
    private static final String RECOVERING_DEVICES = "objmapper_store_recovering_devices";
    private static final String PURGES = "objmapper_store_purges";
    private static final String BANS = "objmapper_store_bans";
    private static final String SCRUBBED = "objmapper_store_scrubbed_bytes_total";

    /** Whether a server that works is at it, by its figures a moment ago and now. */
    boolean isUnderWay(Map<String, Long> before, Map<String, Long> now) {
        return switch (this) {
            case PURGING_PREFIXES, PURGING_TAGS -> now.get(PURGES) > 0;
            case BANNING -> now.get(BANS) > 0;
            case EVICTING -> now.get(EVICTIONS) > before.get(EVICTIONS);
            case SCRUBBING -> now.get(SCRUBBED) > before.get(SCRUBBED);
            case RECOVERING -> now.get(RECOVERING_DEVICES) > 0;
            case STARTING, WORKING -> true;
        };
    }
}
