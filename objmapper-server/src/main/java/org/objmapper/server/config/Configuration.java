package org.objmapper.server.config;

import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * All that can be configured, checked.
 *
 * @param listeners at least one
 * @param loops event loops
 * @param passedDescriptorUids users whose regular files PUT takes as descriptors
 */
public record Configuration(
        List<ListenerSettings> listeners,
        StoreSettings store,
        int loops,
        Set<Integer> passedDescriptorUids,
        LimitSettings limits,
        TimeoutSettings timeouts) {
    /** The {@code [store]} table: what begins with {@code device} holds for its own directory, and for others that say nothing else; {@code memory} is the {@code [memory]} table, null where there is none. */
    public record StoreSettings(
            Path directory,
            CapacitySettings capacity,
            @Nullable CapacitySettings memory,
            int deviceThreads,
            int deviceQueueLength,
            int deviceWeight,
            List<DeviceSettings> moreDevices,
            int passedQueueLength,
            int passedQueueLengthPerUser,
            long objectMemoryBytes,
            long uploadMemoryPerSessionBytes,
            CheckSettings checks) {}

    /** How many files and objects recovery looks at a second, and how many bytes the scrub reads, 0 for none. */
    public record CheckSettings(int recoveredPerSecond, long scrubBytesPerSecond) {}

    /** How much the store, or a tier of it, may hold: bytes of bodies, and objects; the watermarks are percent of both. */
    public record CapacitySettings(long bytes, long objects, int highWatermark, int lowWatermark, String eviction) {
        /** Which object leaves first. */
        public static final List<String> POLICIES = List.of("lru", "lfu", "fifo", "sieve", "tinylfu");
    }

    /** The {@code [limits]} table (protocol-spec.md 8). */
    public record LimitSettings(
            int maxSessions,
            int maxRequests,
            int maxFrameBytes,
            int inlineLimitBytes,
            int maxMessageDescriptors,
            int maxQueuedDescriptors,
            long maxHeldInputBytes,
            long maxObjectBytes) {}

    /** The {@code [timeouts]} table (protocol-spec.md 8); an {@code idleMillis} of 0 is never. */
    public record TimeoutSettings(
            long helloMillis, long idleMillis, long frameMillis, long replyMillis, long drainMillis) {}

    /** What holds without a file. */
    public static Configuration standard() {
        try {
            return ConfigurationFile.parse("(defaults)", "");
        } catch (ConfigurationException e) {
            throw new AssertionError(e);
        }
    }

    /** The same with one listener, at another path. */
    public Configuration withSocket(Path socket) {
        ListenerSettings first = listeners.get(0);
        ListenerSettings moved =
                new ListenerSettings(socket, first.owner(), first.group(), first.mode(), first.operations());
        return new Configuration(List.of(moved), store, loops, passedDescriptorUids, limits, timeouts);
    }

    /** The same with the store in another directory, and in no others. */
    public Configuration withData(Path directory) {
        StoreSettings moved = new StoreSettings(
                directory,
                store.capacity(),
                store.memory(),
                store.deviceThreads(),
                store.deviceQueueLength(),
                store.deviceWeight(),
                List.of(),
                store.passedQueueLength(),
                store.passedQueueLengthPerUser(),
                store.objectMemoryBytes(),
                store.uploadMemoryPerSessionBytes(),
                store.checks());
        return new Configuration(listeners, moved, loops, passedDescriptorUids, limits, timeouts);
    }

    /** The same with room for so many bytes of bodies. */
    public Configuration withCapacity(long bytes) {
        CapacitySettings same = store.capacity();
        CapacitySettings capacity =
                new CapacitySettings(bytes, same.objects(), same.highWatermark(), same.lowWatermark(), same.eviction());
        StoreSettings changed = new StoreSettings(
                store.directory(),
                capacity,
                store.memory(),
                store.deviceThreads(),
                store.deviceQueueLength(),
                store.deviceWeight(),
                store.moreDevices(),
                store.passedQueueLength(),
                store.passedQueueLengthPerUser(),
                store.objectMemoryBytes(),
                store.uploadMemoryPerSessionBytes(),
                store.checks());
        return new Configuration(listeners, changed, loops, passedDescriptorUids, limits, timeouts);
    }

    /** The same with the first listener's socket open to its own user alone. */
    public Configuration withPrivateSocket() {
        ListenerSettings first = listeners.get(0);
        ListenerSettings own =
                new ListenerSettings(first.path(), first.owner(), first.group(), 0600, first.operations());
        return new Configuration(List.of(own), store, loops, passedDescriptorUids, limits, timeouts);
    }

    /** The same with more users whose regular files PUT takes. */
    public Configuration withPassedDescriptorUids(Set<Integer> uids) {
        return new Configuration(listeners, store, loops, uids, limits, timeouts);
    }
}
