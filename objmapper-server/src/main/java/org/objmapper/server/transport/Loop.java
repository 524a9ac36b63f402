package org.objmapper.server.transport;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.objmapper.nativeio.Errno;
import org.objmapper.nativeio.NativeIo;
import org.objmapper.server.exchange.Exchange;
import org.objmapper.server.store.DeviceQueue;
import org.objmapper.server.store.Store;
import org.objmapper.server.store.StoredObject;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An event loop: one thread, one epoll, its own sessions. Each turn is one native call that waits and receives for every ready session,
 * Java that answers all of them, and one native call that sends for all of them. Nothing on it blocks.
 */
final class Loop implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Loop.class);

    private static final int ARENA = 4 * 1024 * 1024;
    private static final int SLICE = 64 * 1024;
    private static final int EVENTS = 512;
    private static final int AGAIN = 256;
    private static final int COMMANDS = 512;
    private static final int DESCRIPTORS = 8 * 1024;
    private static final int DESCRIPTOR_SIZE = 16;
    private static final int SCRATCH = 256 * 1024;
    /** Bytes of files that one session may send in a turn. */
    private static final int FILE_SHARE = 512 * 1024;

    private static final int TICK_MILLIS = 100;
    private static final int OUTPUT_BUFFER = 32 * 1024;
    private static final int INPUT_BUFFER = 16 * 1024;

    private final int index;
    private final ServerLimits limits;
    private final Exchanges exchanges;
    private final DeviceQueue device;
    private final SessionCount sessionCount;
    private final int epoll;
    private final int wakeup;
    private final Thread thread;
    private final ConcurrentLinkedQueue<Runnable> tasks = new ConcurrentLinkedQueue<>();
    private final AtomicBoolean awake = new AtomicBoolean();

    private final ByteBuffer arena = BufferPool.direct(ARENA);
    private final ByteBuffer events = BufferPool.direct(EVENTS * NativeIo.EVENT_SIZE);
    private final ByteBuffer again = BufferPool.direct(AGAIN * Long.BYTES);
    private final ByteBuffer commands = BufferPool.direct(COMMANDS * NativeIo.COMMAND_SIZE);
    private final ByteBuffer descriptors = BufferPool.direct(DESCRIPTORS * DESCRIPTOR_SIZE);
    private final ByteBuffer scratch = BufferPool.direct(SCRATCH);
    private final ByteBuffer pausedSlots;
    private final long descriptorsAddress = NativeIo.address(descriptors);
    private final BufferPool outputBuffers = new BufferPool(OUTPUT_BUFFER);
    private final BufferPool inputBuffers = new BufferPool(INPUT_BUFFER);

    private final @Nullable Session[] sessions;
    private final ArrayList<Listener> listeners = new ArrayList<>();
    private final ArrayList<Integer> freeSlots = new ArrayList<>();
    private ArrayList<Session> readAgain = new ArrayList<>();
    private ArrayList<Session> withOutput = new ArrayList<>();
    private ArrayList<Session> sending = new ArrayList<>();
    private final OutputQueue.Segment[] offered = new OutputQueue.Segment[COMMANDS];
    private final Session[] offeredBy = new Session[COMMANDS];
    private int usedSlots;
    private int descriptorsUsed;
    private long nowMillis = millis();
    private long nextTick;
    private volatile boolean stopping;
    private boolean draining;

    Loop(int index, ServerLimits limits, Store store, SessionCount sessionCount) {
        this.index = index;
        this.limits = limits;
        this.exchanges = new Exchanges(store);
        this.device = store.device();
        this.sessionCount = sessionCount;
        this.sessions = new Session[limits.maxSessions()];
        this.pausedSlots = BufferPool.direct(limits.maxSessions());
        this.epoll = opened(NativeIo.epollCreate(), "epoll_create1");
        this.wakeup = opened(NativeIo.eventfd(), "eventfd");
        opened(NativeIo.epollAdd(epoll, wakeup, NativeIo.token(NativeIo.KIND_WAKEUP, 0, wakeup)), "epoll_ctl");
        this.thread = new Thread(this::loop, "loop-" + index);
    }

    private static int opened(int result, String what) {
        if (result < 0) {
            throw new IllegalStateException(what + ": " + Errno.nameOf(-result));
        }
        return result;
    }

    void start() {
        thread.start();
    }

    /** Sessions that a listener accepts here are this loop's. Before the start. */
    void add(Listener listener) {
        listeners.add(listener);
        int slot = listeners.size() - 1;
        opened(
                NativeIo.epollAdd(
                        epoll, listener.socket(), NativeIo.token(NativeIo.KIND_LISTENER, slot, listener.socket())),
                "epoll_ctl");
    }

    /** Runs a task on the loop. Any thread. */
    void execute(Runnable task) {
        tasks.add(task);
        if (awake.compareAndSet(false, true)) {
            NativeIo.wake(wakeup);
        }
    }

    private void loop() {
        NativeIo.pin(index);
        while (!stopping) {
            try {
                turn();
            } catch (RuntimeException | OutOfMemoryError e) { // direct memory can run out, and may come back
                LOG.error("a defect on loop={}; the session that met it may be stuck", index, e);
            }
        }
        closeSessions("the server stops");
    }

    /** One turn, in a method of its own: a body that loops for ever compiles badly. */
    private void turn() {
        int left = fillAgain();
        int timeout = left > 0 || !withOutput.isEmpty() ? 0 : TICK_MILLIS;
        int count = NativeIo.receive(
                epoll,
                NativeIo.address(arena),
                ARENA,
                SLICE,
                NativeIo.address(events),
                EVENTS,
                NativeIo.address(again),
                left,
                NativeIo.address(pausedSlots),
                timeout);
        nowMillis = millis();
        for (int i = 0; i < count; i++) {
            handle(i * NativeIo.EVENT_SIZE);
        }
        runTasks();
        send();
        tick();
    }

    private int fillAgain() {
        ArrayList<Session> list = readAgain;
        int count = 0;
        int kept = 0;
        for (int i = 0; i < list.size(); i++) {
            Session session = list.get(i);
            if (session.isClosed() || !session.unread) {
                continue;
            }
            if (session.paused() || count == AGAIN) {
                list.set(kept++, session);
                continue;
            }
            session.unread = false;
            again.putLong(count++ * Long.BYTES, NativeIo.token(NativeIo.KIND_SESSION, session.slot, session.socket));
        }
        while (list.size() > kept) {
            list.remove(list.size() - 1);
        }
        return count;
    }

    private void handle(int at) {
        long token = events.getLong(at + NativeIo.EVENT_TOKEN);
        int kind = NativeIo.tokenKind(token);
        if (kind == NativeIo.KIND_WAKEUP) {
            return;
        }
        if (kind == NativeIo.KIND_LISTENER) {
            accept(listeners.get(NativeIo.tokenSlot(token)), at);
            return;
        }
        Session session = sessions[NativeIo.tokenSlot(token)];
        if (session == null || session.socket != (int) token) {
            return; // it was closed earlier in this turn
        }
        int flags = events.getInt(at + NativeIo.EVENT_FLAGS);
        if ((flags & NativeIo.FLAG_WRITABLE) != 0 && session.blocked) {
            session.blocked = false;
            hasOutput(session);
        }
        if ((flags & NativeIo.FLAG_UNREAD) == 0) {
            session.received(
                    arena,
                    events.getInt(at + NativeIo.EVENT_OFFSET),
                    events.getInt(at + NativeIo.EVENT_RESULT),
                    events,
                    at,
                    flags);
        }
        if ((flags & (NativeIo.FLAG_UNREAD | NativeIo.FLAG_MORE)) != 0) {
            readAgain(session);
        }
        session.finishIfDone();
        notePaused(session);
    }

    /** The socket may have more: it is read in the next turn in which the session is not paused. */
    void readAgain(Session session) {
        if (!session.unread && !session.isClosed()) {
            session.unread = true;
            readAgain.add(session);
        }
    }

    private void notePaused(Session session) {
        if (sessions[session.slot] == session) {
            pausedSlots.put(session.slot, session.paused() ? (byte) 1 : 0);
        }
    }

    private void accept(Listener listener, int at) {
        int socket = events.getInt(at + NativeIo.EVENT_RESULT);
        if (socket < 0) {
            listener.acceptFailed(-socket);
            return;
        }
        if (draining || !sessionCount.tryAdd() || (freeSlots.isEmpty() && usedSlots == sessions.length)) {
            listener.turnAway(socket, limits.maxSessions());
            return;
        }
        int slot = freeSlots.isEmpty() ? usedSlots++ : freeSlots.remove(freeSlots.size() - 1);
        Session session =
                new Session(this, listener.rules(), socket, slot, events.getInt(at + NativeIo.EVENT_DESCRIPTORS));
        sessions[slot] = session;
        pausedSlots.put(slot, (byte) 0);
        int added = NativeIo.epollAdd(epoll, socket, NativeIo.token(NativeIo.KIND_SESSION, slot, socket));
        if (added < 0) {
            close(session, "epoll_ctl: " + Errno.nameOf(-added));
        }
    }

    private void runTasks() {
        awake.set(false);
        for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
            task.run();
        }
    }

    // ---- sending

    /** The session has something to send in this turn. */
    void hasOutput(Session session) {
        if (!session.dirty && !session.blocked) {
            session.dirty = true;
            withOutput.add(session);
        }
    }

    private void send() {
        if (withOutput.isEmpty()) {
            return;
        }
        ArrayList<Session> list = withOutput;
        withOutput = sending;
        sending = list;
        int from = 0;
        while (from < list.size()) {
            from = sendFrom(list, from);
        }
        list.clear();
    }

    /** Offers what fits into one batch to the kernel, and returns the first session that did not fit. */
    private int sendFrom(ArrayList<Session> list, int from) {
        int count = 0;
        descriptorsUsed = 0;
        int at = from;
        while (at < list.size()) {
            Session session = list.get(at);
            int more = session.isClosed() ? 0 : offer(session, count);
            if (more < 0) {
                break;
            }
            count += more;
            session.dirty = false;
            at++;
        }
        if (count > 0) {
            NativeIo.send(NativeIo.address(commands), count, NativeIo.address(scratch), SCRATCH);
            takeResults(count);
        }
        return at;
    }

    /** Writes the commands of one session; -1 where the batch has no room for them. */
    private int offer(Session session, int first) {
        int count = 0;
        int fileBytes = 0;
        for (OutputQueue.Segment segment : session.output.segments()) {
            if (segment.warming || fileBytes >= FILE_SHARE) {
                break;
            }
            if (first + count == COMMANDS || descriptorsUsed + segment.descriptorCount > DESCRIPTORS) {
                return first == 0 ? count : -1;
            }
            offered[first + count] = segment;
            offeredBy[first + count] = session;
            writeCommand((first + count) * NativeIo.COMMAND_SIZE, session, segment);
            fileBytes += segment.file == null ? 0 : segment.length;
            count++;
        }
        return count;
    }

    private void writeCommand(int at, Session session, OutputQueue.Segment segment) {
        StoredObject file = segment.file;
        commands.putInt(at + NativeIo.COMMAND_SOCKET, session.socket);
        commands.putLong(at + NativeIo.COMMAND_LENGTH, segment.length);
        commands.putInt(at + NativeIo.COMMAND_DESCRIPTOR_COUNT, segment.descriptorCount);
        if (file == null) {
            commands.putInt(at + NativeIo.COMMAND_KIND, NativeIo.SEND_BYTES);
            commands.putLong(at + NativeIo.COMMAND_ADDRESS, segment.address + segment.start);
            commands.putLong(
                    at + NativeIo.COMMAND_DESCRIPTORS, descriptorsAddress + (long) descriptorsUsed * DESCRIPTOR_SIZE);
            for (int i = 0; i < segment.descriptorCount; i++) {
                writeDescriptor(segment.descriptors[i]);
            }
        } else {
            int kind = !segment.inKernel
                    ? NativeIo.SEND_FILE_BY_COPY
                    : segment.warm ? NativeIo.SEND_FILE_IN_KERNEL_UNCHECKED : NativeIo.SEND_FILE_IN_KERNEL;
            commands.putInt(at + NativeIo.COMMAND_KIND, kind);
            commands.putLong(at + NativeIo.COMMAND_ADDRESS, segment.fileOffset);
            commands.putInt(at + NativeIo.COMMAND_FILE, file.descriptor());
        }
    }

    private void writeDescriptor(StoredObject object) {
        int at = descriptorsUsed++ * DESCRIPTOR_SIZE;
        descriptors.putInt(at, object.descriptor());
        descriptors.putInt(at + 4, object.directory());
        descriptors.putLong(at + 8, object.pathAddress());
    }

    private void takeResults(int count) {
        Session stopped = null;
        for (int i = 0; i < count; i++) {
            Session session = offeredBy[i];
            OutputQueue.Segment segment = offered[i];
            boolean last = i + 1 == count || offeredBy[i + 1] != session;
            if (session != stopped && !session.isClosed()) {
                long result = commands.getLong(i * NativeIo.COMMAND_SIZE + NativeIo.COMMAND_RESULT);
                if (!takeResult(session, segment, result)) {
                    stopped = session;
                }
            }
            if (last && !session.isClosed()) {
                session.sentSome();
                if (!session.output.isEmpty() && !isWarming(session)) {
                    hasOutput(session);
                }
                notePaused(session);
            }
        }
    }

    private static boolean isWarming(Session session) {
        OutputQueue.Segment head = session.output.head();
        return head != null && head.warming;
    }

    /** What became of one command; false when what follows on this session was not tried. */
    private boolean takeResult(Session session, OutputQueue.Segment segment, long result) {
        int offeredLength = segment.length;
        if (result >= 0) {
            session.output.sent(segment, result);
            return result == offeredLength;
        }
        int errno = (int) -result;
        if (errno == Errno.EAGAIN) {
            session.blocked = true;
        } else if (errno == Errno.ENODATA) {
            warm(session, segment);
        } else if (errno == Errno.EMFILE || errno == Errno.ENFILE) {
            exchanges.store().shedDescriptors();
        } else if (errno == Errno.ETOOMANYREFS) {
            session.sendFailed(errno);
        } else if (segment.file != null && errno != Errno.EPIPE && errno != Errno.ECONNRESET) {
            fileFailed(session, segment);
        } else {
            session.sendFailed(errno);
        }
        return false;
    }

    /** The bytes are not in memory: a thread of the device reads them. */
    private void warm(Session session, OutputQueue.Segment segment) {
        StoredObject file = segment.file;
        if (file == null) {
            return;
        }
        int length = Math.min(segment.length, SCRATCH);
        long offset = segment.fileOffset;
        segment.warming = true;
        file.pin();
        boolean queued = device.submit(() -> {
            ByteBuffer bytes = BufferPool.direct(length);
            long read = NativeIo.read(file.descriptor(), NativeIo.address(bytes), length, offset);
            file.unpin();
            execute(() -> warmed(session, segment, bytes, read));
        });
        if (!queued) {
            file.unpin();
            segment.warming = false; // the queue is full: asked again in the next turn
        }
    }

    private void warmed(Session session, OutputQueue.Segment segment, ByteBuffer bytes, long read) {
        segment.warming = false;
        if (session.isClosed()) {
            return;
        }
        if (read <= 0) {
            fileFailed(session, segment);
        } else if (segment.inKernel) {
            segment.warm = true;
        } else {
            session.output.replace(segment, bytes, (int) read);
        }
        hasOutput(session);
    }

    /** What was promised can't be read: zeros fill the frame, and its exchange says so at the end. */
    private void fileFailed(Session session, OutputQueue.Segment segment) {
        Exchange exchange = segment.exchange;
        if (exchange != null) {
            exchange.bodyFailed();
        }
        session.output.replace(segment, BufferPool.direct(segment.length), segment.length);
    }

    // ---- the end

    /** Closes a session's socket and lets go of all that it holds. */
    void close(Session session, String why) {
        if (session.isClosed()) {
            return;
        }
        LOG.debug("session closed uid={} because={}", session.uid(), why);
        session.release();
        NativeIo.close(session.socket);
        sessions[session.slot] = null;
        freeSlots.add(session.slot);
        sessionCount.remove();
    }

    /** Closes a descriptor that a client passed: even that may block, so another thread does it. */
    void discard(int descriptor) {
        exchanges.store().discard(descriptor);
    }

    private void tick() {
        if (nowMillis < nextTick) {
            return;
        }
        nextTick = nowMillis + TICK_MILLIS;
        for (int slot = 0; slot < usedSlots; slot++) {
            Session session = sessions[slot];
            if (session != null) {
                session.checkTimeouts();
            }
        }
    }

    /** Takes no more sessions or requests, and lets each session finish. Any thread. */
    void drain() {
        execute(() -> {
            draining = true;
            for (Listener listener : listeners) {
                NativeIo.epollRemove(epoll, listener.socket());
            }
            for (int slot = 0; slot < usedSlots; slot++) {
                Session session = sessions[slot];
                if (session != null) {
                    session.shutDown();
                }
            }
        });
    }

    private void closeSessions(String why) {
        for (int slot = 0; slot < usedSlots; slot++) {
            Session session = sessions[slot];
            if (session != null) {
                close(session, why);
            }
        }
    }

    @Override
    public void close() {
        stopping = true;
        execute(() -> {});
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        runTasks();
        NativeIo.close(wakeup);
        NativeIo.close(epoll);
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    Exchanges exchanges() {
        return exchanges;
    }

    ServerLimits limits() {
        return limits;
    }

    BufferPool outputBuffers() {
        return outputBuffers;
    }

    BufferPool inputBuffers() {
        return inputBuffers;
    }

    /** The time at the beginning of this turn, monotonic. */
    long nowMillis() {
        return nowMillis;
    }

    private static long millis() {
        return System.nanoTime() / 1_000_000;
    }
}
