package org.objmapper.server.store;

import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.objmapper.protocol.Limits;
import org.objmapper.server.store.device.DeviceOptions;
import org.objmapper.server.store.tier.Capacity;

/**
 * How a store is set up.
 *
 * @param directory where objects and index are, the first device; must exist
 * @param deviceThreads threads for bodies and changes
 * @param deviceQueueLength pieces of such work that may wait; beyond it clients are told BUSY
 * @param hotObjects objects that are kept at hand, each with an open descriptor at most
 * @param hotBytes the memory that these take, beside their files; one that takes more than a 64th of it is not kept
 * @param maxObjectBytes the longest body that is taken
 * @param passedQueueLength bodies in descriptors that clients passed that may wait to be copied; beyond it clients are told BUSY
 * @param passedQueueLengthPerUser how many of them may be one user's
 * @param passedDescriptorUids users whose regular files are taken as descriptors
 * @param objectBytes the memory that objects take which are looked at and not kept at hand, beside their files; beyond it clients are told BUSY
 * @param uploadBytesPerSession the memory for what came of one session's bodies and is not written yet; beyond it the session is not read
 * @param capacity what it may hold, and who leaves when it is full
 * @param scrubBytesPerSecond how fast bodies are read to compare them with their checksums; 0 for never
 * @param deviceWeight how much of the new bodies the directory gets, compared with the other devices
 * @param moreDevices directories for bodies besides it
 */
public record StoreOptions(
        Path directory,
        int deviceThreads,
        int deviceQueueLength,
        int hotObjects,
        long hotBytes,
        long maxObjectBytes,
        int passedQueueLength,
        int passedQueueLengthPerUser,
        Set<Integer> passedDescriptorUids,
        long objectBytes,
        long uploadBytesPerSession,
        Capacity capacity,
        long scrubBytesPerSecond,
        int deviceWeight,
        List<DeviceOptions> moreDevices) {
    /** The usual {@code objectBytes} and {@code uploadBytesPerSession}. */
    static final long USUAL_OBJECT_BYTES = 64L << 20;

    static final long USUAL_UPLOAD_BYTES_PER_SESSION = 16L << 20;

    /** The usual {@code hotBytes}, and the part of Java's memory that they are where that is small. */
    static final long MAX_USUAL_HOT_BYTES = 64L << 20;

    static final int PART_OF_MEMORY = 8;

    private static long usualHotBytes() {
        return Math.min(MAX_USUAL_HOT_BYTES, Runtime.getRuntime().maxMemory() / PART_OF_MEMORY);
    }

    /** What holds where nothing else is said; no capacity bounds it, and no scrub reads it. */
    public static StoreOptions of(Path directory) {
        return new StoreOptions(
                directory,
                4,
                1_024,
                16_384,
                usualHotBytes(),
                Limits.MAX_OBJECT_DEFAULT,
                256,
                64,
                Set.of(),
                USUAL_OBJECT_BYTES,
                USUAL_UPLOAD_BYTES_PER_SESSION,
                Capacity.of(Long.MAX_VALUE),
                0,
                DeviceOptions.USUAL_WEIGHT,
                List.of());
    }

    /** The same with other threads and another length of the queue for the device. */
    public StoreOptions withDevice(int threads, int queueLength) {
        return new StoreOptions(
                directory,
                threads,
                queueLength,
                hotObjects,
                hotBytes,
                maxObjectBytes,
                passedQueueLength,
                passedQueueLengthPerUser,
                passedDescriptorUids,
                objectBytes,
                uploadBytesPerSession,
                capacity,
                scrubBytesPerSecond,
                deviceWeight,
                moreDevices);
    }

    /** The same with another longest body. */
    public StoreOptions withMaxObjectBytes(long bytes) {
        return new StoreOptions(
                directory,
                deviceThreads,
                deviceQueueLength,
                hotObjects,
                hotBytes,
                bytes,
                passedQueueLength,
                passedQueueLengthPerUser,
                passedDescriptorUids,
                objectBytes,
                uploadBytesPerSession,
                capacity,
                scrubBytesPerSecond,
                deviceWeight,
                moreDevices);
    }

    /** The same with other bounds of what waits to be copied: for all users together, and for each. */
    public StoreOptions withPassedQueue(int length, int lengthPerUser) {
        return new StoreOptions(
                directory,
                deviceThreads,
                deviceQueueLength,
                hotObjects,
                hotBytes,
                maxObjectBytes,
                length,
                lengthPerUser,
                passedDescriptorUids,
                objectBytes,
                uploadBytesPerSession,
                capacity,
                scrubBytesPerSecond,
                deviceWeight,
                moreDevices);
    }

    /** The same with users whose files are taken. */
    public StoreOptions withPassedDescriptorUids(Set<Integer> uids) {
        return new StoreOptions(
                directory,
                deviceThreads,
                deviceQueueLength,
                hotObjects,
                hotBytes,
                maxObjectBytes,
                passedQueueLength,
                passedQueueLengthPerUser,
                uids,
                objectBytes,
                uploadBytesPerSession,
                capacity,
                scrubBytesPerSecond,
                deviceWeight,
                moreDevices);
    }

    /** The same with other bounds of memory: of objects that are looked at, and of what came of a session's bodies. */
    public StoreOptions withMemory(long bytesOfObjects, long bytesOfUploadsPerSession) {
        return new StoreOptions(
                directory,
                deviceThreads,
                deviceQueueLength,
                hotObjects,
                hotBytes,
                maxObjectBytes,
                passedQueueLength,
                passedQueueLengthPerUser,
                passedDescriptorUids,
                bytesOfObjects,
                bytesOfUploadsPerSession,
                capacity,
                scrubBytesPerSecond,
                deviceWeight,
                moreDevices);
    }

    /** The same with another capacity. */
    public StoreOptions withCapacity(Capacity other) {
        return new StoreOptions(
                directory,
                deviceThreads,
                deviceQueueLength,
                hotObjects,
                hotBytes,
                maxObjectBytes,
                passedQueueLength,
                passedQueueLengthPerUser,
                passedDescriptorUids,
                objectBytes,
                uploadBytesPerSession,
                other,
                scrubBytesPerSecond,
                deviceWeight,
                moreDevices);
    }

    /** The same with another rate of scrubbing. */
    public StoreOptions withScrub(long bytesPerSecond) {
        return new StoreOptions(
                directory,
                deviceThreads,
                deviceQueueLength,
                hotObjects,
                hotBytes,
                maxObjectBytes,
                passedQueueLength,
                passedQueueLengthPerUser,
                passedDescriptorUids,
                objectBytes,
                uploadBytesPerSession,
                capacity,
                bytesPerSecond,
                deviceWeight,
                moreDevices);
    }

    /** The same with more devices besides the directory, which has this weight among them. */
    public StoreOptions withDevices(int weight, List<DeviceOptions> more) {
        return new StoreOptions(
                directory,
                deviceThreads,
                deviceQueueLength,
                hotObjects,
                hotBytes,
                maxObjectBytes,
                passedQueueLength,
                passedQueueLengthPerUser,
                passedDescriptorUids,
                objectBytes,
                uploadBytesPerSession,
                capacity,
                scrubBytesPerSecond,
                weight,
                List.copyOf(more));
    }

    /** The directory, as one of the devices. */
    DeviceOptions firstDevice() {
        return new DeviceOptions(directory, deviceWeight, deviceThreads, deviceQueueLength);
    }
}
