package org.objmapper.server.store.check;

/**
 * How much of the devices checks may take.
 *
 * @param recoveredPerSecond files and objects that recovery looks at on each device
 * @param scrubBytesPerSecond how fast bodies are read to compare them with their checksums; 0 for never
 * @param quarantineBytes what may be in quarantine on each device; what came first is removed beyond it
 * @param pauseMillis between two passes of a check that goes on for ever
 */
public record CheckOptions(long recoveredPerSecond, long scrubBytesPerSecond, long quarantineBytes, long pauseMillis) {
    private static final long USUAL_RECOVERED_PER_SECOND = 20_000;
    private static final long USUAL_QUARANTINE_BYTES = 1L << 30;
    private static final long USUAL_PAUSE_MILLIS = 60_000;

    /** The usual recovery, quarantine and pause, and no scrub. */
    public static CheckOptions usual() {
        return new CheckOptions(USUAL_RECOVERED_PER_SECOND, 0, USUAL_QUARANTINE_BYTES, USUAL_PAUSE_MILLIS);
    }

    public CheckOptions withRecovery(long perSecond) {
        return new CheckOptions(perSecond, scrubBytesPerSecond, quarantineBytes, pauseMillis);
    }

    public CheckOptions withScrub(long bytesPerSecond) {
        return new CheckOptions(recoveredPerSecond, bytesPerSecond, quarantineBytes, pauseMillis);
    }

    public CheckOptions withQuarantine(long bytes) {
        return new CheckOptions(recoveredPerSecond, scrubBytesPerSecond, bytes, pauseMillis);
    }

    public CheckOptions withPause(long millis) {
        return new CheckOptions(recoveredPerSecond, scrubBytesPerSecond, quarantineBytes, millis);
    }
}
