package org.objmapper.server.store;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import org.jspecify.annotations.Nullable;
import org.objmapper.protocol.Status;
import org.objmapper.server.store.device.BodyFile;
import org.objmapper.server.store.device.Device;

/**
 * Takes a body in pieces, as they come, and makes an object of it. The caller's methods, {@link #write}, {@link #finish} and
 * {@link #discard}, never block; the device's threads do the writing. A caller that ends with neither finish nor discard leaks.
 */
public final class BodyWriter {
    /** Buffers that one body may have filled ahead of the device. */
    private static final int MAX_AHEAD = 2;

    private final Store store;
    private final Device device;
    private final ChunkPool chunks;
    private final UploadShare share;
    private final long declared;
    private final Runnable progress;
    private final UnfinishedBody unfinished;

    // Guarded by this.
    private final Deque<ByteBuffer> full = new ArrayDeque<>();
    private byte @Nullable [] few;
    private int fewLength;
    private @Nullable ByteBuffer filling;
    private long received;
    private boolean running;
    private boolean starved;
    private boolean discarded;
    private @Nullable StoreException failure;
    private @Nullable Put put;
    private Result.@Nullable Outcome outcome;
    /** Belongs to the drain while that runs; then to whoever takes it from here. */
    private @Nullable SummedFile file;

    /** What is too long for the index, as far as it is written. */
    private record SummedFile(BodySums sums, BodyFile file) {
        static SummedFile begin(Device device) throws IOException {
            return new SummedFile(new BodySums(), new BodyFile(device));
        }
    }

    BodyWriter(Store store, Device device, UploadShare share, long declared, Runnable progress) {
        this.store = store;
        this.device = device;
        this.chunks = store.chunks(device);
        this.share = share;
        this.declared = declared;
        this.progress = progress;
        this.unfinished = store.unfinishedBody();
        this.few = new byte[(int) Math.min(Store.INLINE_BODY_BYTES, declared < 0 ? Store.INLINE_BODY_BYTES : declared)];
        if (declared >= 0) {
            checkAgainstStore(declared);
        }
    }

    /** Takes bytes; returns how many. Fewer than offered: {@code progress} runs, on some thread, when there is room. */
    public int write(ByteBuffer from, int offset, int length) {
        int taken;
        boolean over;
        synchronized (this) {
            taken = take(from, offset, length);
            over = failure != null && !running;
        }
        if (over) {
            release(); // the caller may not discard it before its turn comes
        }
        return taken;
    }

    private int take(ByteBuffer from, int offset, int length) {
        if (failure == null) {
            checkLength(received + length);
        }
        int taken = 0;
        while (taken < length && failure == null) {
            int count = takeSome(from, offset + taken, length - taken);
            if (count == 0 && failure == null) {
                return taken;
            }
            taken += count;
            received += count;
        }
        return length; // what comes after a failure is dropped
    }

    private void checkLength(long length) {
        if (declared >= 0 && length > declared) {
            failure = new StoreException(
                    Status.LENGTH_MISMATCH, "the body is longer than the " + declared + " bytes that were said");
        } else {
            checkAgainstStore(length);
        }
    }

    private void checkAgainstStore(long length) {
        try {
            store.checkLength(length);
        } catch (StoreException e) {
            failure = e;
        }
    }

    private int takeSome(ByteBuffer from, int offset, int length) {
        byte[] small = few;
        if (small != null && fewLength + length <= small.length) {
            from.get(offset, small, fewLength, length);
            fewLength += length;
            return length;
        }
        ByteBuffer into = filling == null ? takeChunk() : filling;
        if (into == null) {
            return 0;
        }
        if (small != null) {
            into.put(small, 0, fewLength);
            few = null;
        }
        int count = Math.min(length, into.remaining());
        into.put(into.position(), from, offset, count).position(into.position() + count);
        if (!into.hasRemaining()) {
            passOn(into);
            start();
        }
        return count;
    }

    private @Nullable ByteBuffer takeChunk() {
        boolean onItsWay = running || !full.isEmpty();
        if (full.size() >= MAX_AHEAD || onItsWay && chunks.isShort(share)) {
            starved = true;
            return null;
        }
        switch (chunks.take(this)) {
            case WAITS_FOR_WRITING_OUT -> {
                if (!device.queue().submit(chunks::writeOut)) {
                    chunks.notWrittenOut();
                    failure = new StoreException(Status.BUSY, "the device's queue is full");
                }
            }
            case BUSY ->
                failure = new StoreException(
                        Status.BUSY, "the server's memory for bodies is full, and too many wait for it");
            default -> {
                // it is there, or comes
            }
        }
        return filling;
    }

    /** Whose chunks it fills. */
    UploadShare share() {
        return share;
    }

    /** The pool gives a chunk to fill; the caller of {@link #write} holds the lock. */
    synchronized void fill(ByteBuffer chunk) {
        filling = chunk;
    }

    /** A chunk may be free. */
    void roomAgain() {
        progress.run();
    }

    /** The device gets what there is. */
    private void passOn(ByteBuffer last) {
        full.add(last.flip());
        filling = null;
        chunks.filled(this);
    }

    /** Others want the chunk that is filled in part: writes it to the file. On a thread of the device. */
    void writeOut() {
        boolean here;
        synchronized (this) {
            ByteBuffer last = filling;
            if (last == null || discarded || failure != null) {
                return;
            }
            passOn(last);
            here = !running && !submit();
            running = true;
        }
        if (here) {
            drain();
        }
    }

    /** Why the body can't be taken, if so; the caller answers and discards. */
    public synchronized @Nullable StoreException failure() {
        return failure;
    }

    /** The body has come to its end: makes the object, and tells how that went. */
    public void finish(Put put, Result.Outcome outcome) {
        Result refused = null;
        synchronized (this) {
            this.put = put;
            this.outcome = outcome;
            ByteBuffer last = filling;
            if (last != null) {
                passOn(last);
            }
            if (failure == null && declared >= 0 && received != declared) {
                failure = new StoreException(
                        Status.LENGTH_MISMATCH,
                        "the body has " + received + " bytes, not the " + declared + " that were said");
            }
            if (!running) {
                start();
            }
            if (!running && failure != null) {
                refused = Result.failed(failure);
            }
        }
        if (refused != null) {
            release();
            outcome.done(refused);
        }
    }

    /** Nothing comes of it. */
    public void discard() {
        boolean idle;
        synchronized (this) {
            discarded = true;
            idle = !running;
        }
        if (idle) {
            release();
        }
    }

    private void start() {
        if (!running && failure == null) {
            running = submit();
            if (!running) {
                failure = new StoreException(Status.BUSY, "the device's queue is full");
            }
        }
    }

    /** What is small enough for the index needs no device. */
    private boolean submit() {
        return few == null ? device.queue().submit(this::drain) : store.submit(this::drain);
    }

    /** On a thread of the device: writes what there is. */
    private void drain() {
        while (true) {
            ByteBuffer next;
            boolean wake;
            boolean idle;
            synchronized (this) {
                next = discarded || failure != null ? null : full.poll();
                wake = starved;
                starved = false;
                idle = next == null && put == null && !discarded && failure == null;
                running = !idle;
            }
            if (wake) {
                progress.run();
            }
            if (idle) {
                return;
            }
            if (next == null) {
                end();
                return;
            }
            append(next);
            if (device.queue().othersWait() && device.queue().submit(this::drain)) {
                return; // it is their turn
            }
        }
    }

    private void append(ByteBuffer bytes) {
        try {
            unfinished.grow(bytes.limit());
            SummedFile into = fileToAppendTo();
            into.file().append(bytes, this::makeRoom);
            into.sums().update(bytes);
        } catch (IOException | RuntimeException | Error e) { // memory can run out, and may come back
            store.bodyFailed(e);
            synchronized (this) {
                failure = StoreException.of(e);
            }
        } finally {
            chunks.giveBack(bytes, share);
        }
    }

    private void makeRoom() {
        device.queue().aside(() -> store.makeRoom(device, declared));
    }

    private SummedFile fileToAppendTo() throws IOException {
        synchronized (this) {
            if (file != null) {
                return file;
            }
        }
        SummedFile made = SummedFile.begin(device); // may block
        synchronized (this) {
            file = made;
        }
        return made;
    }

    private synchronized @Nullable SummedFile takeFile() {
        SummedFile taken = file;
        file = null;
        return taken;
    }

    /** All is written, or nothing will come of it. */
    private void end() {
        Put wanted;
        Result.Outcome told;
        StoreException wrong;
        synchronized (this) {
            running = false;
            wanted = discarded ? null : put;
            told = outcome;
            wrong = failure;
        }
        if (wanted == null || told == null) {
            release();
            progress.run();
        } else if (wrong != null) {
            release();
            told.done(Result.failed(wrong));
        } else {
            complete(wanted, told);
        }
    }

    private void complete(Put wanted, Result.Outcome told) {
        Body body;
        try {
            SummedFile written = takeFile();
            body = written == null
                    ? Body.ofBytes(smallBytes(), wanted)
                    : Body.ofFile(written.file(), written.sums(), wanted);
        } catch (IOException | RuntimeException | Error e) {
            release();
            told.done(Result.failed(StoreException.of(e)));
            return;
        }
        unfinished.letGo();
        device.queue().aside(() -> store.answered(() -> store.put(wanted, body, told), told));
    }

    private synchronized byte[] smallBytes() {
        byte[] small = few;
        if (small == null) {
            return new byte[0];
        }
        return fewLength == small.length ? small : Arrays.copyOf(small, fewLength);
    }

    /** Lets go of all that is left. On any thread, even on two at once: each thing is taken once. */
    private void release() {
        Deque<ByteBuffer> left;
        synchronized (this) {
            left = new ArrayDeque<>(full);
            full.clear();
            ByteBuffer last = filling;
            if (last != null) {
                left.add(last);
                filling = null;
            }
        }
        chunks.forget(this);
        left.forEach(chunk -> chunks.giveBack(chunk, share));
        SummedFile unused = takeFile();
        if (unused != null) {
            unused.file().close(device.closer());
        }
        unfinished.letGo();
    }
}
