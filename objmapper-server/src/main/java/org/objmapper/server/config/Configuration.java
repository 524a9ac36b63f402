package org.objmapper.server.config;

import java.nio.file.Path;
import java.util.List;
import java.util.Set;

/**
 * All that can be configured, checked.
 *
 * @param stores at least one
 * @param loops event loops
 * @param engine one of {@link #ENGINES}
 * @param spinMicros for how long a loop looks for input at most before it sleeps, while that pays; 0 is never
 * @param passedDescriptorUids users whose regular files PUT takes as descriptors
 */
public record Configuration(
        List<StoreSettings> stores,
        int loops,
        String engine,
        int spinMicros,
        Set<Integer> passedDescriptorUids,
        LimitSettings limits,
        TimeoutSettings timeouts) {
    /** How many files and objects recovery looks at a second, how many bytes the scrub reads, 0 for none, and what a quarantine may take. */
    public record CheckSettings(int recoveredPerSecond, long scrubBytesPerSecond, long quarantineBytes) {}

    /** By which of the kernel's ways loops wait; the first leaves it open. */
    public static final List<String> ENGINES = List.of("auto", "epoll", "io_uring");

    /** How much the store, or a tier of it, may hold: bytes of bodies, and objects; the watermarks are percent of both. */
    public record CapacitySettings(long bytes, long objects, int highWatermark, int lowWatermark, String eviction) {
        /** Which object leaves first. */
        public static final List<String> POLICIES = List.of("lru", "lfu", "fifo", "sieve", "tinylfu");
    }

    /** A {@code cache} table: a directory for copies. */
    public record CacheSettings(Path directory, CapacitySettings capacity) {}

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

    /** The {@code [timeouts]} table (protocol-spec.md 8); an {@code idleMillis} or {@code heldMillis} of 0 is never. */
    public record TimeoutSettings(
            long helloMillis, long idleMillis, long frameMillis, long replyMillis, long heldMillis, long drainMillis) {}

    /** What holds without a file. */
    public static Configuration standard() {
        try {
            return ConfigurationFile.parse("(defaults)", "");
        } catch (ConfigurationException e) {
            throw new AssertionError(e);
        }
    }

    /** The only store. IllegalStateException where there are several. */
    public StoreSettings store() {
        if (stores.size() != 1) {
            throw new IllegalStateException("the configuration has " + stores.size() + " stores");
        }
        return stores.get(0);
    }

    /** The listeners of all stores. */
    public List<ListenerSettings> listeners() {
        return stores.stream().flatMap(store -> store.listeners().stream()).toList();
    }

    private Configuration with(StoreSettings store) {
        return new Configuration(List.of(store), loops, engine, spinMicros, passedDescriptorUids, limits, timeouts);
    }

    /** The same with one listener of the only store, at another path. */
    public Configuration withSocket(Path socket) {
        ListenerSettings first = store().listeners().get(0);
        return with(store().withListener(
                        new ListenerSettings(socket, first.owner(), first.group(), first.mode(), first.operations())));
    }

    /** The same with the first listener's socket open to its own user alone. */
    public Configuration withPrivateSocket() {
        ListenerSettings first = store().listeners().get(0);
        return with(store().withListener(
                        new ListenerSettings(first.path(), first.owner(), first.group(), 0600, first.operations())));
    }

    /** The same with the only store in another directory, and in no others. */
    public Configuration withData(Path directory) {
        return with(store().withDirectory(directory));
    }

    /** The same with room for so many bytes of bodies in the only store. */
    public Configuration withCapacity(long bytes) {
        return with(store().withCapacity(bytes));
    }

    /** The same with more users whose regular files PUT takes. */
    public Configuration withPassedDescriptorUids(Set<Integer> uids) {
        return new Configuration(stores, loops, engine, spinMicros, uids, limits, timeouts);
    }
}
