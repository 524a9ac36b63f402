package org.objmapper.server.store.device;

import java.nio.file.Path;

/**
 * How a device is set up.
 *
 * @param directory where its files are; must exist
 * @param weight how much of the new bodies it gets, compared with the others, 1 to {@link #MAX_WEIGHT}
 * @param threads how many pieces of work on its bodies are done at once; all devices on its file system share that many threads, or as many
 *     as another of them wants
 * @param queueLength pieces of such work that may wait; beyond it clients are told BUSY
 */
public record DeviceOptions(Path directory, int weight, int threads, int queueLength) {
    public static final int MAX_WEIGHT = 10_000;
    public static final int USUAL_WEIGHT = 100;

    /** What holds where nothing else is said. */
    public static DeviceOptions of(Path directory) {
        return of(directory, USUAL_WEIGHT);
    }

    /** As {@link #of(Path)}, with a weight. */
    public static DeviceOptions of(Path directory, int weight) {
        return new DeviceOptions(directory, weight, 4, 1_024);
    }
}
