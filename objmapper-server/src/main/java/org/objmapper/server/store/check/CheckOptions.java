package org.objmapper.server.store.check;

/**
 * How much of the devices checks may take.
 *
 * @param recoveredPerSecond files and objects that recovery looks at on each device
 * @param scrubBytesPerSecond how fast bodies are read to compare them with their checksums; 0 for never
 * @param quarantineBytes what may be in quarantine on each device; what came first is removed beyond it
 */
public record CheckOptions(long recoveredPerSecond, long scrubBytesPerSecond, long quarantineBytes) {
    private static final long USUAL_RECOVERED_PER_SECOND = 20_000;
    private static final long USUAL_QUARANTINE_BYTES = 1L << 30;

    /** The usual recovery and quarantine, and no scrub. */
    public static CheckOptions usual() {
        return new CheckOptions(USUAL_RECOVERED_PER_SECOND, 0, USUAL_QUARANTINE_BYTES);
    }

    public CheckOptions withRecovery(long perSecond) {
        return new CheckOptions(perSecond, scrubBytesPerSecond, quarantineBytes);
    }

    public CheckOptions withScrub(long bytesPerSecond) {
        return new CheckOptions(recoveredPerSecond, bytesPerSecond, quarantineBytes);
    }

    public CheckOptions withQuarantine(long bytes) {
        return new CheckOptions(recoveredPerSecond, scrubBytesPerSecond, bytes);
    }
}
