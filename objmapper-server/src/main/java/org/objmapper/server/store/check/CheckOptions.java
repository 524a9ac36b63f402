package org.objmapper.server.store.check;

/**
 * How much of the devices' time checks may take.
 *
 * @param recoveredPerSecond files and objects that recovery looks at on each device
 * @param scrubBytesPerSecond how fast bodies are read to compare them with their checksums; 0 for never
 */
public record CheckOptions(long recoveredPerSecond, long scrubBytesPerSecond) {
    private static final long USUAL_RECOVERED_PER_SECOND = 20_000;

    /** The usual recovery, and no scrub. */
    public static CheckOptions usual() {
        return new CheckOptions(USUAL_RECOVERED_PER_SECOND, 0);
    }

    public CheckOptions withRecovery(long perSecond) {
        return new CheckOptions(perSecond, scrubBytesPerSecond);
    }

    public CheckOptions withScrub(long bytesPerSecond) {
        return new CheckOptions(recoveredPerSecond, bytesPerSecond);
    }
}
