package org.objmapper.server.config;

import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.objmapper.server.config.Configuration.CacheSettings;
import org.objmapper.server.config.Configuration.CapacitySettings;
import org.objmapper.server.config.Configuration.CheckSettings;

/**
 * A {@code [store]} table, or one of several headed {@code [[store]]}, and the tables that belong to it. What begins with {@code device}
 * holds for its own directory, and for others that say nothing else.
 *
 * @param listeners at least one
 * @param memory the {@code memory} table, null where there is none
 * @param cache the {@code cache} table, null where there is none
 * @param offlineObjects one of {@link #OFFLINE_OBJECTS}
 */
public record StoreSettings(
        List<ListenerSettings> listeners,
        Path directory,
        CapacitySettings capacity,
        @Nullable CapacitySettings memory,
        @Nullable CacheSettings cache,
        int deviceThreads,
        int deviceQueueLength,
        int deviceWeight,
        List<DeviceSettings> moreDevices,
        int passedQueueLength,
        int passedQueueLengthPerUser,
        long objectMemoryBytes,
        long uploadMemoryPerSessionBytes,
        long heldBytesPerSession,
        CheckSettings checks,
        long drainBytesPerSecond,
        String offlineObjects) {
    static final String ERROR = "error";
    private static final String MISS = "miss";

    /** How a GET of an object is answered whose device is offline. */
    public static final List<String> OFFLINE_OBJECTS = List.of(ERROR, MISS);

    /** Whether it is not found, as if it had never been there. */
    public boolean offlineMisses() {
        return offlineObjects.equals(MISS);
    }

    private StoreSettings with(
            List<ListenerSettings> others,
            Path place,
            List<DeviceSettings> morePlaces,
            @Nullable CacheSettings copies,
            CapacitySettings room) {
        return new StoreSettings(
                others,
                place,
                room,
                memory,
                copies,
                deviceThreads,
                deviceQueueLength,
                deviceWeight,
                morePlaces,
                passedQueueLength,
                passedQueueLengthPerUser,
                objectMemoryBytes,
                uploadMemoryPerSessionBytes,
                heldBytesPerSession,
                checks,
                drainBytesPerSecond,
                offlineObjects);
    }

    /** The same with one listener. */
    StoreSettings withListener(ListenerSettings only) {
        return with(List.of(only), directory, moreDevices, cache, capacity);
    }

    /** The same in another directory, and in no others, nor with a cache. */
    StoreSettings withDirectory(Path only) {
        return with(listeners, only, List.of(), null, capacity);
    }

    /** The same with room for so many bytes of bodies. */
    StoreSettings withCapacity(long bytes) {
        return with(
                listeners,
                directory,
                moreDevices,
                cache,
                new CapacitySettings(
                        bytes,
                        capacity.objects(),
                        capacity.highWatermark(),
                        capacity.lowWatermark(),
                        capacity.eviction()));
    }
}
