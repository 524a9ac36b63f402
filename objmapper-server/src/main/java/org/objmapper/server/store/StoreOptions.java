package org.objmapper.server.store;

import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.objmapper.protocol.Limits;
import org.objmapper.server.store.check.CheckOptions;
import org.objmapper.server.store.device.DeviceOptions;
import org.objmapper.server.store.tier.Capacity;

/** How a store is set up. Never changes once it is given out: each {@code with} gives another. */
public final class StoreOptions {
    /** The usual {@code objectBytes} and {@code uploadBytesPerSession}. */
    static final long USUAL_OBJECT_BYTES = 64L << 20;

    static final long USUAL_UPLOAD_BYTES_PER_SESSION = 16L << 20;

    private static final long USUAL_DRAIN_BYTES_PER_SECOND = 64L << 20;

    /** The usual {@code hotBytes}, and the part of Java's memory that they are where that is small. */
    static final long MAX_USUAL_HOT_BYTES = 64L << 20;

    static final int PART_OF_MEMORY = 8;

    private final Path directory;
    private int deviceThreads = 4;
    private int deviceQueueLength = 1_024;
    private int hotObjects = 16_384;
    private long hotBytes = Math.min(MAX_USUAL_HOT_BYTES, Runtime.getRuntime().maxMemory() / PART_OF_MEMORY);
    private long maxObjectBytes = Limits.MAX_OBJECT_DEFAULT;
    private int passedQueueLength = 256;
    private int passedQueueLengthPerUser = 64;
    private Set<Integer> passedDescriptorUids = Set.of();
    private long objectBytes = USUAL_OBJECT_BYTES;
    private long uploadBytesPerSession = USUAL_UPLOAD_BYTES_PER_SESSION;
    private Capacity capacity = Capacity.of(Long.MAX_VALUE);
    private CheckOptions checks = CheckOptions.usual();
    private long heldBytesPerSession = Long.MAX_VALUE;
    private long heldGraceMillis;
    private long drainBytesPerSecond = USUAL_DRAIN_BYTES_PER_SECOND;
    private int deviceWeight = DeviceOptions.USUAL_WEIGHT;
    private List<DeviceOptions> moreDevices = List.of();
    private int partOfProcess = 1;
    private TierOptions tiers = TierOptions.NONE;
    private @Nullable Path validityTable;
    private boolean offlineMisses;

    private StoreOptions(Path directory) {
        this.directory = directory;
    }

    /** What holds where nothing else is said; no capacity bounds it, and no scrub reads it. The directory must exist. */
    public static StoreOptions of(Path directory) {
        return new StoreOptions(directory);
    }

    private StoreOptions with(Consumer<StoreOptions> change) {
        StoreOptions other = new StoreOptions(directory);
        other.deviceThreads = deviceThreads;
        other.deviceQueueLength = deviceQueueLength;
        other.hotObjects = hotObjects;
        other.hotBytes = hotBytes;
        other.maxObjectBytes = maxObjectBytes;
        other.passedQueueLength = passedQueueLength;
        other.passedQueueLengthPerUser = passedQueueLengthPerUser;
        other.passedDescriptorUids = passedDescriptorUids;
        other.objectBytes = objectBytes;
        other.uploadBytesPerSession = uploadBytesPerSession;
        other.capacity = capacity;
        other.checks = checks;
        other.heldBytesPerSession = heldBytesPerSession;
        other.heldGraceMillis = heldGraceMillis;
        other.drainBytesPerSecond = drainBytesPerSecond;
        other.deviceWeight = deviceWeight;
        other.moreDevices = moreDevices;
        other.partOfProcess = partOfProcess;
        other.tiers = tiers;
        other.validityTable = validityTable;
        other.offlineMisses = offlineMisses;
        change.accept(other);
        return other;
    }

    /** The same with other threads and another length of the queue for the device. */
    public StoreOptions withDevice(int threads, int queueLength) {
        return with(other -> {
            other.deviceThreads = threads;
            other.deviceQueueLength = queueLength;
        });
    }

    /** The same with other bounds of what is kept at hand. */
    StoreOptions withHot(int objects, long bytes) {
        return with(other -> {
            other.hotObjects = objects;
            other.hotBytes = bytes;
        });
    }

    /** The same with another longest body. */
    public StoreOptions withMaxObjectBytes(long bytes) {
        return with(other -> other.maxObjectBytes = bytes);
    }

    /** The same with other bounds of what waits to be copied: for all users together, and for each. */
    public StoreOptions withPassedQueue(int length, int lengthPerUser) {
        return with(other -> {
            other.passedQueueLength = length;
            other.passedQueueLengthPerUser = lengthPerUser;
        });
    }

    /** The same with users whose files are taken. */
    public StoreOptions withPassedDescriptorUids(Set<Integer> uids) {
        return with(other -> other.passedDescriptorUids = Set.copyOf(uids));
    }

    /** The same with other bounds of memory: of objects that are looked at, and of what came of a session's bodies. */
    public StoreOptions withMemory(long bytesOfObjects, long bytesOfUploadsPerSession) {
        return with(other -> {
            other.objectBytes = bytesOfObjects;
            other.uploadBytesPerSession = bytesOfUploadsPerSession;
        });
    }

    /** The same with another capacity. */
    public StoreOptions withCapacity(Capacity newCapacity) {
        return with(other -> other.capacity = newCapacity);
    }

    /** The same with other checks. */
    public StoreOptions withChecks(CheckOptions newChecks) {
        return with(other -> other.checks = newChecks);
    }

    /** The same with another rate of draining, 1 or more. */
    public StoreOptions withDrain(long bytesPerSecond) {
        return with(other -> other.drainBytesPerSecond = bytesPerSecond);
    }

    /** The same with a bound for what removed objects occupy because a session holds them, and a time after which it ends, 0 for never. */
    public StoreOptions withHeld(long bytesPerSession, long graceMillis) {
        return with(other -> {
            other.heldBytesPerSession = bytesPerSession;
            other.heldGraceMillis = graceMillis;
        });
    }

    /** The same with more devices besides the directory, which has this weight among them. */
    public StoreOptions withDevices(int weight, List<DeviceOptions> more) {
        return with(other -> {
            other.deviceWeight = weight;
            other.moreDevices = List.copyOf(more);
        });
    }

    /** The same with other tiers above the devices. */
    public StoreOptions withTiers(TierOptions newTiers) {
        return with(other -> other.tiers = newTiers);
    }

    /** The same with a validity table for clients, in a file at a path. */
    public StoreOptions withValidityTable(Path file) {
        return with(other -> other.validityTable = file);
    }

    /** The same, where a GET of what is on a device that is offline does not find it, or fails. */
    public StoreOptions withOfflineMisses(boolean misses) {
        return with(other -> other.offlineMisses = misses);
    }

    /** The same as one of so many stores in the process, which have its memory and its descriptors together. */
    public StoreOptions withPartOfProcess(int stores) {
        return with(other -> {
            other.partOfProcess = stores;
            other.hotBytes = hotBytes / stores;
        });
    }

    /** Where objects and index are, the first device. */
    public Path directory() {
        return directory;
    }

    /** What is above the devices. */
    TierOptions tiers() {
        return tiers;
    }

    /** Where the validity table is; null where clients get none. */
    @Nullable
    Path validityTable() {
        return validityTable;
    }

    /** Whether what is on a device that is offline is not found, instead of a failure. */
    boolean offlineMisses() {
        return offlineMisses;
    }

    /** The directory, as one of the devices. */
    DeviceOptions firstDevice() {
        return new DeviceOptions(directory, deviceWeight, deviceThreads, deviceQueueLength);
    }

    /** How fast the bodies of a device that is drained are moved to others. */
    long drainBytesPerSecond() {
        return drainBytesPerSecond;
    }

    /** Threads for bodies and changes. */
    public int deviceThreads() {
        return deviceThreads;
    }

    /** Pieces of such work that may wait; beyond it clients are told BUSY. */
    public int deviceQueueLength() {
        return deviceQueueLength;
    }

    /** Objects that are kept at hand, each with an open descriptor at most. */
    public int hotObjects() {
        return hotObjects;
    }

    /** The memory that these take, beside their files; one that takes more than a 64th of it is not kept. */
    public long hotBytes() {
        return hotBytes;
    }

    /** The longest body that is taken. */
    public long maxObjectBytes() {
        return maxObjectBytes;
    }

    /** Bodies in descriptors that clients passed that may wait to be copied; beyond it clients are told BUSY. */
    public int passedQueueLength() {
        return passedQueueLength;
    }

    /** How many of them may be one user's. */
    public int passedQueueLengthPerUser() {
        return passedQueueLengthPerUser;
    }

    /** Users whose regular files are taken as descriptors. */
    public Set<Integer> passedDescriptorUids() {
        return passedDescriptorUids;
    }

    /** The memory that objects take which are looked at and not kept at hand, beside their files; beyond it clients are told BUSY. */
    public long objectBytes() {
        return objectBytes;
    }

    /** The memory for what came of one session's bodies and is not written yet; beyond it the session is not read. */
    public long uploadBytesPerSession() {
        return uploadBytesPerSession;
    }

    /** What it may hold, and who leaves when it is full. */
    public Capacity capacity() {
        return capacity;
    }

    /** How much of the devices' time checks may take. */
    public CheckOptions checks() {
        return checks;
    }

    /** What removed objects may occupy because a session holds them; one that has more gets copies in place of descriptors. */
    public long heldBytesPerSession() {
        return heldBytesPerSession;
    }

    /** How long a session may have more; 0 for as long as it likes. */
    public long heldGraceMillis() {
        return heldGraceMillis;
    }

    /** How much of the new bodies the directory gets, compared with the other devices. */
    public int deviceWeight() {
        return deviceWeight;
    }

    /** Directories for bodies besides it. */
    public List<DeviceOptions> moreDevices() {
        return moreDevices;
    }

    /** How many stores have the process's memory and descriptors together. */
    int partOfProcess() {
        return partOfProcess;
    }
}
