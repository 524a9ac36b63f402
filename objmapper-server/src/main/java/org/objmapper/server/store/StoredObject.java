package org.objmapper.server.store;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.objmapper.nativeio.Errno;
import org.objmapper.nativeio.NativeIo;
import org.objmapper.server.metrics.FailureLog;
import org.objmapper.server.store.device.Device;
import org.objmapper.server.store.device.DeviceHealth;
import org.objmapper.server.store.index.LoggedKeys;
import org.objmapper.server.store.index.ObjectKey;
import org.slf4j.LoggerFactory;

/**
 * An object as it stands under its key, immutable, with all that a reply needs. It is counted: whoever gets one unpins it once;
 * its descriptor is closed when the table and all readers have let go. Safe on any thread.
 */
public final class StoredObject {
    private static final FailureLog FAILURES = new FailureLog(LoggerFactory.getLogger(StoredObject.class));
    /** What the Java objects take beside the bytes in them. */
    private static final int OVERHEAD_BYTES = 512;
    /** The overflow uid (protocol-spec.md 6.1). */
    private static final int NOBODY = 65_534;

    /** For so long a body that was found in memory is taken to be there still. */
    private static final long RESIDENT_NANOS = 500_000_000;

    private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    /** What the sessions of a user share. */
    private record Shared(int uid, int descriptor) {}

    final byte[] key;
    final long keyHash;
    /** Which of the objects under the key it is. */
    final long variant;
    /** By which the eviction order knows it. */
    final long stableHash;
    /** Used lately: the clock of the hot table clears it. */
    volatile boolean used;

    /** The newest ban that is known not to hit it. */
    private volatile long passedBan;

    private final @Nullable Variants variants;
    private final long generation;
    private final long length;
    private final long expiryMillis;
    private final long graceMillis;
    private final ByteBuffer metadata;
    private final @Nullable ByteBuffer inlineBody;
    private final OpenBody body;
    private final @Nullable ByteBuffer path;
    private final long pathAddress;
    private final ObjectMemory memory;
    private volatile int descriptor;
    private volatile @Nullable Shared shared;
    /** By System.nanoTime; 0 for never. */
    private volatile long residentUntilNanos;

    private final AtomicInteger pins = new AtomicInteger(1);

    /**
     * An object with one pin, the caller's.
     *
     * @param keyHash of its key, the same for all objects under that
     * @param variants what stands under its key; null where it is the only one, and has no variant
     * @param metadata its object metadata as on the wire, direct
     * @param inlineBody its bytes, direct, or null where they are in a file
     * @param body where that was opened
     * @param path the path of {@code body}, direct
     * @param memory where its {@link #bytesOf bytes} were taken, which get them back with the last pin
     */
    StoredObject(
            byte[] key,
            long keyHash,
            long variant,
            long stableHash,
            @Nullable Variants variants,
            long generation,
            long length,
            long expiryMillis,
            long graceMillis,
            ByteBuffer metadata,
            @Nullable ByteBuffer inlineBody,
            OpenBody body,
            @Nullable ByteBuffer path,
            ObjectMemory memory) {
        this.key = key;
        this.keyHash = keyHash;
        this.variant = variant;
        this.stableHash = stableHash;
        this.variants = variants;
        this.generation = generation;
        this.length = length;
        this.expiryMillis = expiryMillis;
        this.graceMillis = graceMillis;
        this.metadata = metadata;
        this.inlineBody = inlineBody;
        this.body = body;
        this.descriptor = body.descriptor();
        this.path = path;
        this.memory = memory;
        this.pathAddress = path == null ? 0 : NativeIo.address(path);
    }

    /** No ban up to this one hits it. */
    void passed(long ban) {
        passedBan = ban;
    }

    /** Whether it is known that no ban up to one hits it. */
    boolean hasPassed(long ban) {
        return generation >= ban || passedBan >= ban;
    }

    /** What stands under its key beside it; null where nothing does, and it has no variant. */
    public @Nullable Variants variants() {
        return variants;
    }

    public long generation() {
        return generation;
    }

    /** Bytes of the body. */
    public long length() {
        return length;
    }

    /** When it expires, since 1970; Long.MAX_VALUE for never. */
    public long expiryMillis() {
        return expiryMillis;
    }

    /** Whether it expires at some time. */
    public boolean mayExpire() {
        return expiryMillis != Long.MAX_VALUE;
    }

    /** For how long after that a reader may ask for it. */
    public long graceMillis() {
        return graceMillis;
    }

    /** The memory that it takes, about. */
    int bytes() {
        return bytesOf(
                key.length,
                variants == null ? 0 : variants.bytes(),
                metadata.capacity(),
                inlineBody == null ? 0 : inlineBody.capacity(),
                path == null ? 0 : path.capacity());
    }

    static int bytesOf(int keyBytes, int variantsBytes, int metadataBytes, int inlineBodyBytes, int pathBytes) {
        return OVERHEAD_BYTES + keyBytes + variantsBytes + metadataBytes + inlineBodyBytes + pathBytes;
    }

    /** Its object metadata as on the wire, from 0 to the limit. Read it by absolute positions only: it is shared. */
    public ByteBuffer metadata() {
        return metadata;
    }

    /** Its bytes where they are not in a file; shared like {@link #metadata}. */
    public @Nullable ByteBuffer inlineBody() {
        return inlineBody;
    }

    /** An open descriptor of the file, borrowed while pinned; -1 for an inline body that has none yet. */
    public int descriptor() {
        return descriptor;
    }

    /** The descriptor of the directory that {@link #pathAddress} is relative to. */
    public int directory() {
        return body.directory();
    }

    /** The address of the file's name, 0 where there is none. The name may be gone already: the descriptor is not. */
    public long pathAddress() {
        return pathAddress;
    }

    /** Who has its body. */
    OpenBody.Tier tier() {
        return body.tier();
    }

    /** By which the tiers know its body. */
    long bodyGeneration() {
        return body.bodyGeneration();
    }

    /** Whether its file is a piece of memory. */
    public boolean isInMemory() {
        return body.tier() == OpenBody.Tier.MEMORY;
    }

    /** The device that has its file; null where none has. */
    @Nullable
    Device device() {
        return body.device();
    }

    /** Whether no event loop may open its file anew, or send it without having it read before: its file system may wait for others. */
    public boolean mayHang() {
        Device device = body.device();
        return device != null && !device.opensAtOnce();
    }

    /** Whether nothing can be asked now of the device that has its file. */
    public boolean isOffline() {
        Device device = body.device();
        return device != null && device.isOffline();
    }

    /** Reads from its file, on a thread that may block; below 0 is -errno. The object is pinned. */
    public long read(long address, int length, long offset) {
        Device device = body.device();
        return device == null
                ? NativeIo.read(descriptor, address, length, offset)
                : device.read(descriptor, address, length, offset);
    }

    /** Queues what may block on its file; false at once where too much waits already. */
    boolean submit(Runnable task) {
        return body.queue().submit(task);
    }

    /** Sees to it that there is a descriptor, for an inline body by a sealed piece of memory; below 0 is -errno. On one thread at a time. */
    public int ensureDescriptor() {
        ByteBuffer inline = inlineBody;
        if (descriptor < 0 && inline != null) {
            synchronized (this) {
                if (descriptor < 0) {
                    int made = NativeIo.sealedMemory(NativeIo.address(inline), inline.limit());
                    if (made < 0) {
                        return made;
                    }
                    descriptor = made;
                }
            }
        }
        return descriptor;
    }

    /**
     * A descriptor for the sessions of a user to share, borrowed while pinned: of an open file description that the server never reads
     * through. Below 0 where there is none: another user has it, the object {@link #mayHang}, or -errno. The object must have a {@link
     * #descriptor}.
     */
    public int sharedDescriptor(int uid) {
        if (mayHang()) {
            return -Errno.EACCES;
        }
        Shared there = shared;
        if (there == null) {
            there = uid == NOBODY ? new Shared(uid, -Errno.EACCES) : share(uid);
        }
        return there.uid == uid ? there.descriptor : -Errno.EACCES;
    }

    private synchronized Shared share(int uid) {
        Shared there = shared;
        if (there == null) {
            there = new Shared(uid, NativeIo.reopen(descriptor, body.directory(), pathAddress));
            if (there.descriptor >= 0) {
                shared = there;
            }
        }
        return there;
    }

    /** The whole body was found in memory just now. */
    public void foundResident() {
        residentUntilNanos = System.nanoTime() + RESIDENT_NANOS | 1;
    }

    /** Whether the whole body was found in memory a moment ago, so that nobody need look once more; never while its device is slow. */
    public boolean isKnownResident() {
        long until = residentUntilNanos;
        return until != 0 && System.nanoTime() - until < 0 && isAnsweredAtOnce();
    }

    private boolean isAnsweredAtOnce() {
        Device device = body.device();
        return device == null || device.health().state() == DeviceHealth.State.SERVING;
    }

    /** Pins it once more; the caller holds a pin already. */
    public void pin() {
        pins.incrementAndGet();
    }

    /** Pins it unless its last pin is gone. */
    boolean tryPin() {
        int count = pins.get();
        while (count > 0) {
            if (pins.compareAndSet(count, count + 1)) {
                return true;
            }
            count = pins.get();
        }
        return false;
    }

    /** Gives one pin back; with the last one the descriptor is closed, on another thread where that may block. */
    public void unpin() {
        if (isLast()) {
            close(descriptor);
            Shared passed = shared;
            if (passed != null) {
                close(passed.descriptor);
            }
        }
    }

    /** Closes a descriptor of its file, on another thread where that may block. */
    public void close(int open) {
        if (open >= 0 && inlineBody != null) {
            NativeIo.close(open);
        } else if (open >= 0) {
            body.closer().close(open);
        }
    }

    /** As {@link #unpin}, on a thread that may block; the descriptors are closed on return. */
    void unpinHere() {
        if (isLast()) {
            if (descriptor >= 0) {
                NativeIo.close(descriptor);
            }
            Shared passed = shared;
            if (passed != null) {
                NativeIo.close(passed.descriptor);
            }
        }
    }

    private boolean isLast() {
        int left = pins.decrementAndGet();
        assert left >= 0;
        if (left == 0) {
            memory.giveBack(bytes());
        }
        return left == 0;
    }

    /** Whether it is an object of a key with that hash. */
    boolean isOf(long hash, byte[] ofKey, long ofVariant) {
        return keyHash == hash && variant == ofVariant && Arrays.equals(key, ofKey);
    }

    /** Whether its key stands in a little-endian buffer. */
    boolean hasKey(ByteBuffer buffer, int offset, int keyLength) {
        if (keyLength != key.length) {
            return false;
        }
        int at = 0;
        for (; at <= keyLength - Long.BYTES; at += Long.BYTES) {
            if (buffer.getLong(offset + at) != (long) LONGS.get(key, at)) {
                return false;
            }
        }
        for (; at < keyLength; at++) {
            if (buffer.get(offset + at) != key[at]) {
                return false;
            }
        }
        return true;
    }

    /** Logs that the body could not be read up to where it should end. */
    public void reportUnreadable() {
        body.spoiled().run();
        FAILURES.error(
                "The body of {} can't be read to its end: {} is broken, or was cut off",
                LoggedKeys.of(new ObjectKey(key)),
                path == null ? "its copy in memory" : "the file " + pathText(path));
    }

    private static String pathText(ByteBuffer path) {
        byte[] text = new byte[path.limit() - 1];
        path.get(0, text);
        return "objects/" + new String(text, StandardCharsets.US_ASCII);
    }

    @Override
    public String toString() {
        return "generation " + generation + " of " + length + " bytes" + (path == null ? "" : " in a file");
    }
}
