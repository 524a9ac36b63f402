package org.objmapper.server.transport;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.objmapper.nativeio.Errno;
import org.objmapper.nativeio.NativeIo;
import org.objmapper.server.exchange.Exchanges;
import org.objmapper.server.thread.Uninterruptibly;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An event loop: one thread, one engine, its own sessions. Each turn is one native call that waits and receives for every ready session,
 * Java that answers all of them, and one native call that sends for all of them. Nothing else on it waits.
 */
final class Loop implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Loop.class);

    private static final int ARENA = 4 * 1024 * 1024;
    /** Bytes that a session may receive at once. */
    static final int SLICE = 64 * 1024;

    private static final int EVENTS = 512;
    private static final int AGAIN = 256;

    private static final int PROCESSORS = Runtime.getRuntime().availableProcessors();
    private static final int TICK_MILLIS = 100;
    private static final long TICK_NANOS = TimeUnit.MILLISECONDS.toNanos(TICK_MILLIS);
    /** For as many replies with a descriptor as one message takes, with metadata of usual length. */
    private static final int OUTPUT_BUFFER = 48 * 1024;

    private static final int OUTPUT_BUFFERS_KEPT = 256;

    private final int index;
    private final List<Loop> all;
    private final ServerLimits limits;
    private final int descriptorShare;
    private final SessionCount sessionCount;
    private final Sender sender;
    private final long engine;
    private final int wakeup;
    private final Thread thread;
    private final ConcurrentLinkedQueue<Task> tasks = new ConcurrentLinkedQueue<>();
    /** The loop looks for tasks before it sleeps again. */
    private final AtomicBoolean awake = new AtomicBoolean();

    private final ByteBuffer arena = BufferPool.direct(ARENA);
    private final ByteBuffer events = BufferPool.direct(EVENTS * NativeIo.EVENT_SIZE);
    private final ByteBuffer again = BufferPool.direct(AGAIN * Long.BYTES);
    private final ByteBuffer drains = BufferPool.direct(EVENTS * NativeIo.DRAIN_SIZE);
    private final ByteBuffer modes;
    private final long arenaAddress = NativeIo.address(arena);
    private final long eventsAddress = NativeIo.address(events);
    private final long againAddress = NativeIo.address(again);
    private final long drainsAddress = NativeIo.address(drains);
    private final long modesAddress;
    private final BufferPool outputBuffers = new BufferPool(OUTPUT_BUFFER, OUTPUT_BUFFERS_KEPT);
    private final InputMemory inputMemory;
    private final Spin spin;
    private final Alone alone = new Alone(PROCESSORS);
    private final Moves moves;
    private final NextLooks nextLooks;

    private final @Nullable Session[] sessions;
    private final ArrayList<Entrance> entrances = new ArrayList<>();
    private final ArrayList<Exchanges> services = new ArrayList<>();
    private final ArrayList<Integer> freeSlots = new ArrayList<>();
    private final ArrayList<Session> readAgain = new ArrayList<>();
    /** Sessions whose input of this turn still waits in their sockets. */
    private final ArrayList<Session> peeked = new ArrayList<>();
    /** Sessions whose slots are not free yet: events of this turn may still name them. */
    private final ArrayList<Session> closedInTurn = new ArrayList<>();

    private int usedSlots;
    /** On which the loop runs, by its number; below 0 until it does. */
    private volatile int processor = -1;
    /** Sessions that have gone on at other loops. */
    private volatile long handedOver;

    private long nowMillis = millis();
    private long nextTick;
    private volatile boolean stopping;
    private boolean draining;
    private int requestsLeft;
    private boolean isClosed;

    /** What the loop was told to do, for a session or for the whole loop. */
    private record Task(@Nullable Session session, Runnable what) {}

    /** Where sessions come in, and what answers them. */
    private record Entrance(Listener listener, Exchanges exchanges) {}

    /**
     * A loop that takes no sessions yet. It owns the engine, whose address that is, from here on.
     *
     * @param all the server's loops, each at its index, once they start
     */
    Loop(
            int index,
            List<Loop> all,
            long engine,
            ServerLimits limits,
            SessionCount sessionCount,
            SessionsAtWork atWork,
            int descriptorShare,
            long inputShare,
            long spinNanos) {
        this.index = index;
        this.all = all;
        this.limits = limits;
        this.descriptorShare = descriptorShare;
        this.inputMemory = new InputMemory(inputShare);
        this.spin = new Spin(spinNanos, PROCESSORS);
        this.moves = new Moves(this, all, atWork, PROCESSORS);
        this.nextLooks = new NextLooks(limits.maxSessions());
        this.sessionCount = sessionCount;
        this.sessions = new Session[limits.maxSessions()];
        this.modes = BufferPool.direct(limits.maxSessions());
        this.modesAddress = NativeIo.address(modes);
        this.sender = new Sender(this, descriptorShare);
        this.engine = engine;
        this.wakeup = opened(NativeIo.eventfd(), "eventfd");
        opened(NativeIo.engineAdd(engine, NativeIo.token(NativeIo.KIND_WAKEUP, 0, wakeup)), "epoll_ctl");
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

    /** Sessions that a listener of the service accepts here are this loop's. Before the start. */
    void add(Service service) {
        Exchanges exchanges = service.exchanges().get();
        services.add(exchanges);
        for (Listener listener : service.listeners()) {
            long token = NativeIo.token(NativeIo.KIND_LISTENER, entrances.size(), listener.socket());
            entrances.add(new Entrance(listener, exchanges));
            opened(NativeIo.engineAdd(engine, token), "epoll_ctl");
        }
    }

    /** Runs a task on the loop; a defect that it meets ends the session. Any thread. */
    void execute(Session session, Runnable task) {
        executeOnceAwake(session, task);
        wake();
    }

    /** As {@link #execute}, but the loop is not woken for it: {@link #wake} is to follow. Any thread. */
    void executeOnceAwake(Session session, Runnable task) {
        tasks.add(new Task(session, task));
    }

    /** Wakes the loop if it sleeps. Any thread. */
    void wake() {
        if (!awake.get() && awake.compareAndSet(false, true)) {
            NativeIo.wake(wakeup);
        }
    }

    private void add(Task task) {
        tasks.add(task);
        wake();
    }

    private void loop() {
        processor = NativeIo.pin(index);
        opened(NativeIo.engineStart(engine), "io_uring_register");
        while (!stopping) {
            try {
                turn();
            } catch (RuntimeException | OutOfMemoryError e) { // direct memory can run out, and may come back
                LOG.error("a defect on loop={}; what it had begun may be stuck", index, e);
            }
        }
        sayGoodbye();
        closeSessions("the server stops");
    }

    /** A drain that has no time may have been ordered since the last turn: each session is told, where its socket takes that. */
    private void sayGoodbye() {
        try {
            runTasks();
            sender.send();
        } catch (RuntimeException | OutOfMemoryError e) {
            LOG.error("a defect on loop={} at its end", index, e);
        }
    }

    /** One turn, in a method of its own: a body that loops for ever compiles badly. */
    private void turn() {
        int left = fillAgain();
        boolean maySleep = left == 0 && sender.isIdle() && hasNoTask();
        int count = maySleep ? awaitInput() : receive(left, 0, 0);
        nowMillis = millis();
        for (int i = 0; i < count; i++) {
            handleOrClose(i * NativeIo.EVENT_SIZE);
        }
        runTasks();
        sender.send();
        tick();
        moves.make();
        freeSlots();
        if (count < 0) {
            LockSupport.parkNanos(TICK_NANOS); // what is no better then is not tried in vain at full speed
            throw new IllegalStateException("the engine's wait: " + Errno.nameOf(-count));
        }
    }

    /** Whether it was told nothing that is to be done; if so, {@link #wake} wakes it from here on. */
    private boolean hasNoTask() {
        awake.set(false);
        boolean none = tasks.isEmpty();
        if (!none) {
            awake.set(true);
        }
        return none;
    }

    private int awaitInput() {
        long spinNanos = spin.nanos();
        long began = System.nanoTime();
        int count = receive(0, TICK_MILLIS, spinNanos);
        awake.setRelease(true);
        long now = System.nanoTime();
        alone.waited(now - began);
        if (spinNanos == 0) {
            spin.slept(now - began, count > 0, now);
        } else {
            int first = count > 0 ? events.getInt(NativeIo.EVENT_FLAGS) : 0;
            spin.spun((first & NativeIo.FLAG_FOUND_AWAKE) != 0, now - began, now);
        }
        return count;
    }

    private int receive(int left, int timeoutMillis, long spinNanos) {
        return NativeIo.receive(
                engine,
                arenaAddress,
                ARENA,
                SLICE,
                eventsAddress,
                EVENTS,
                againAddress,
                left,
                drainsAddress,
                fillDrains(),
                modesAddress,
                timeoutMillis,
                spinNanos);
    }

    /** What was peeked in the last turn is answered now, or kept. */
    private int fillDrains() {
        int count = 0;
        for (int i = 0; i < peeked.size(); i++) {
            Session session = peeked.get(i);
            if (!session.isClosed()) {
                drains.putLong(count * NativeIo.DRAIN_SIZE, token(session));
                drains.putLong(count * NativeIo.DRAIN_SIZE + Long.BYTES, session.peeked);
                session.peeked = 0;
                count++;
            }
        }
        peeked.clear();
        return count;
    }

    private static long token(Session session) {
        return NativeIo.token(NativeIo.KIND_SESSION, session.slot, session.socket);
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
            again.putLong(count++ * Long.BYTES, token(session));
        }
        while (list.size() > kept) {
            list.remove(list.size() - 1);
        }
        return count;
    }

    /** A defect that an event meets ends its session; what the others of this turn brought is read already, and goes on. */
    private void handleOrClose(int at) {
        try {
            handle(at);
        } catch (RuntimeException | OutOfMemoryError e) { // direct memory can run out, and may come back
            long token = events.getLong(at + NativeIo.EVENT_TOKEN);
            boolean ofSession = NativeIo.tokenKind(token) == NativeIo.KIND_SESSION;
            defect(ofSession ? sessions[NativeIo.tokenSlot(token)] : null, e);
        }
    }

    /** Ends the session that met a defect, and no other. */
    void defect(@Nullable Session session, Throwable cause) {
        LOG.error("a defect on loop={}; the session that met it ends", index, cause);
        if (session != null) {
            closeAnyway(session, "a defect");
        }
    }

    private void closeAnyway(Session session, String why) {
        try {
            close(session, why);
        } catch (RuntimeException | OutOfMemoryError e) {
            LOG.error("a defect at the end of a session on loop={}", index, e);
        }
    }

    private void handle(int at) {
        long token = events.getLong(at + NativeIo.EVENT_TOKEN);
        int kind = NativeIo.tokenKind(token);
        if (kind == NativeIo.KIND_WAKEUP) {
            return;
        }
        if (kind == NativeIo.KIND_LISTENER) {
            accept(NativeIo.tokenSlot(token), at);
            return;
        }
        Session session = sessions[NativeIo.tokenSlot(token)];
        heard(NativeIo.tokenSlot(token));
        if (session == null) {
            throw new IllegalStateException("an event of a session that is gone");
        }
        if (session.isClosed()) { // earlier in this turn
            session.discardDescriptors(events, at);
            return;
        }
        int flags = events.getInt(at + NativeIo.EVENT_FLAGS);
        if ((flags & NativeIo.FLAG_WRITABLE) != 0 && session.blocked) {
            session.blocked = false;
            hasOutput(session);
        }
        if ((flags & NativeIo.FLAG_PEEKED) != 0) {
            session.peeked = events.getInt(at + NativeIo.EVENT_RESULT);
            peeked.add(session);
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
        noteInputMode(session);
    }

    /** The socket may have more: it is read in the next turn in which the session is not paused. */
    void readAgain(Session session) {
        if (!session.unread && !session.isClosed()) {
            session.unread = true;
            readAgain.add(session);
        }
    }

    void noteInputMode(Session session) {
        if (sessions[session.slot] == session) {
            byte mode = session.inputMode();
            boolean mayWake = mode == NativeIo.MODE_PEEK && !session.watched && spin.nanos() == 0; // who spins is awake
            boolean isAlone = mayWake && alone.is(session.slot);
            modes.put(session.slot, isAlone ? NativeIo.MODE_ALONE : mode);
        }
    }

    private void heard(int slot) {
        nextLooks.atOnce(slot);
        spin.heard(slot);
        int before = alone.heard(slot);
        Session session = before >= 0 && modes.get(before) == NativeIo.MODE_ALONE ? sessions[before] : null;
        if (session != null) {
            noteInputMode(session);
        }
    }

    private void accept(int door, int at) {
        Listener listener = entrances.get(door).listener();
        int socket = events.getInt(at + NativeIo.EVENT_RESULT);
        boolean outOfDescriptors = socket == -Errno.EMFILE || socket == -Errno.ENFILE;
        boolean room = outOfDescriptors ? shedDescriptors() : makeRoomFor(socket);
        if (!room) {
            listener.refuse(socket);
            return;
        }
        if (socket < 0) {
            if (!outOfDescriptors) { // or it is accepted in the next turn: there is room now
                listener.acceptFailed(-socket);
            }
            return;
        }
        if (draining) {
            listener.turnAwayForTheStop(socket);
            return;
        }
        int chosen = sessionCount.tryAdd(index);
        if (chosen < 0) {
            listener.turnAway(socket, limits.maxSessions());
            return;
        }
        int uid = events.getInt(at + NativeIo.EVENT_DESCRIPTORS);
        int pid = events.getInt(at + NativeIo.EVENT_DESCRIPTORS + 2 * Integer.BYTES);
        if (chosen == index) {
            enter(door, socket, uid, pid);
        } else {
            Loop other = all.get(chosen);
            other.add(new Task(null, () -> other.enter(door, socket, uid, pid)));
        }
    }

    /** A session that is counted as this loop's begins, or is turned away. */
    private void enter(int door, int socket, int uid, int pid) {
        if (draining || stopping) {
            sessionCount.remove(index);
            entrances.get(door).listener().turnAwayForTheStop(socket);
            return;
        }
        Session session;
        try {
            session = newSession(door, socket, uid, pid);
        } catch (RuntimeException | OutOfMemoryError e) {
            sessionCount.remove(index);
            NativeIo.close(socket);
            throw e;
        }
        listenTo(session);
    }

    private Session newSession(int door, int socket, int uid, int pid) {
        Entrance entrance = entrances.get(door);
        Session session = new Session(
                this, door, entrance.listener().rules(), entrance.exchanges(), socket, freeSlot(), uid, pid);
        LOG.debug("session opened uid={} pid={}", uid, pid);
        return session;
    }

    /** There is always one: the sessions of all loops together are no more than the slots of each. */
    private int freeSlot() {
        return freeSlots.isEmpty() ? usedSlots : freeSlots.get(freeSlots.size() - 1);
    }

    private void listenTo(Session session) {
        if (session.slot == usedSlots) {
            usedSlots++;
        } else {
            freeSlots.remove(freeSlots.size() - 1);
        }
        sessions[session.slot] = session;
        modes.put(session.slot, NativeIo.MODE_PEEK);
        nextLooks.atOnce(session.slot);
        int added = NativeIo.engineAdd(engine, token(session));
        if (added < 0) {
            close(session, "epoll_ctl: " + Errno.nameOf(-added));
        }
    }

    /** Whether it may get another's session for no need of its own: it has not many more than others. Any thread. */
    boolean mayGetMore() {
        return sessionCount.mayGetMore(index);
    }

    /** A session that is at rest goes on at another loop. No event of this turn may still name it. */
    void handOver(Session session, Loop other) {
        Task goOn = new Task(null, () -> other.takeOver(session));
        int removed = NativeIo.engineRemove(engine, token(session), session.peeked);
        if (removed < 0) { // what is answered would be answered once more there
            close(session, "recv: " + Errno.nameOf(-removed));
            return;
        }
        sessionCount.move(index, other.index);
        session.hasLeft();
        free(session.slot);
        handedOver++;
        other.add(goOn);
    }

    private void takeOver(Session before) {
        Session session;
        try {
            session = new Session(before, this, entrances.get(before.door).exchanges(), freeSlot());
        } catch (RuntimeException | OutOfMemoryError e) {
            sessionCount.remove(index);
            before.letGoOfStore();
            NativeIo.close(before.socket);
            throw e;
        }
        listenTo(session);
        moves.note(session);
        if (draining) {
            drain(session);
        }
        LOG.debug("session goes on at loop={} uid={}", index, session.uid());
    }

    private void runTasks() {
        for (Task task = tasks.poll(); task != null; task = tasks.poll()) {
            try {
                task.what().run();
            } catch (RuntimeException | OutOfMemoryError e) {
                defect(task.session(), e);
            }
        }
    }

    /** The session's socket takes nothing more for now: an event will say when it does. */
    void awaitWritable(Session session) {
        session.blocked = true;
        if (!session.watched) {
            session.watched = true;
            opened(NativeIo.engineAwaitWritable(engine, token(session)), "epoll_ctl");
        }
    }

    /** The session has something to send in this turn. */
    void hasOutput(Session session) {
        sender.hasOutput(session);
    }

    /** The session has something to do. */
    void note(Session session) {
        moves.note(session);
    }

    /** Memory for input of a session; others may have to end for it, or the session itself: null then. */
    @Nullable
    ByteBuffer takeInputMemory(Session taker, int bytes) {
        ByteBuffer memory = inputMemory.take(bytes);
        while (memory == null) {
            if (endGreediest(taker) == taker) {
                return null;
            }
            memory = inputMemory.take(bytes);
        }
        return memory;
    }

    /** Counts bytes that a request of a session keeps; others may have to end for it, or the session itself: false then. */
    boolean countInput(Session taker, int bytes) {
        while (!inputMemory.count(bytes)) {
            if (endGreediest(taker) == taker) {
                return false;
            }
        }
        return true;
    }

    private Session endGreediest(Session taker) {
        Session greediest = taker;
        for (int slot = 0; slot < usedSlots; slot++) {
            Session session = sessions[slot];
            if (session != null && session.heldInput() > 0 && session.endsBefore(greediest)) {
                greediest = session;
            }
        }
        greediest.giveUpInput();
        return greediest;
    }

    // ---- the end

    /** Closes a session's socket and lets go of all that it holds. */
    void close(Session session, String why) {
        if (session.isClosed()) {
            return;
        }
        try {
            session.release();
        } finally {
            NativeIo.engineRemove(engine, token(session), session.peeked);
            NativeIo.close(session.socket);
            closedInTurn.add(session);
        }
        LOG.debug("session closed uid={} because={}", session.uid(), why);
    }

    private void freeSlots() {
        for (int i = 0; i < closedInTurn.size(); i++) {
            free(closedInTurn.get(i).slot);
            sessionCount.remove(index);
        }
        closedInTurn.clear();
    }

    private void free(int slot) {
        sessions[slot] = null;
        freeSlots.add(slot);
    }

    private boolean makeRoomFor(int descriptor) {
        for (Exchanges exchanges : services) {
            if (exchanges.makeRoomFor(descriptor)) {
                return true;
            }
        }
        return false;
    }

    /** Descriptors are short: closes some of those that are only kept at hand. False where there are none. */
    boolean shedDescriptors() {
        boolean any = false;
        for (Exchanges exchanges : services) {
            any |= exchanges.shedDescriptors();
        }
        return any;
    }

    private void tick() {
        if (nowMillis < nextTick) {
            return;
        }
        nextTick = nowMillis + TICK_MILLIS;
        sender.tick();
        moves.look();
        if (spin.isTrusted() || alone.isLikely() || moves.areWanted()) {
            int runnable = NativeIo.runnableThreads();
            spin.runnableThreads(runnable);
            alone.runnableThreads(runnable);
            moves.runnableThreads(runnable);
        }
        for (int slot = 0; slot < usedSlots; slot++) {
            Session session = nextLooks.isDue(slot, nowMillis) ? sessions[slot] : null;
            if (session != null) {
                checkTimeouts(session);
            }
        }
    }

    private void checkTimeouts(Session session) {
        try {
            session.checkTimeouts();
            nextLooks.notBefore(session.slot, session.restsUntilMillis());
        } catch (RuntimeException | OutOfMemoryError e) {
            defect(session, e);
        }
    }

    /** Takes no more sessions or requests, and lets each session finish what it has begun. Any thread. */
    void drain() {
        add(new Task(null, () -> {
            draining = true;
            for (int slot = 0; slot < usedSlots; slot++) {
                Session session = sessions[slot];
                if (session != null) {
                    drain(session);
                }
            }
        }));
    }

    private void drain(Session session) {
        nextLooks.atOnce(session.slot);
        try {
            session.drain();
        } catch (RuntimeException | OutOfMemoryError e) {
            defect(session, e);
        }
    }

    private void closeSessions(String why) {
        for (int slot = 0; slot < usedSlots; slot++) {
            Session session = sessions[slot];
            if (session != null) {
                requestsLeft += session.unanswered();
                closeAnyway(session, why);
            }
        }
        freeSlots();
    }

    /** Ends the loop, and every session that is left; returns how many of their requests have no answer. */
    int stop() {
        stopping = true;
        add(new Task(null, () -> {}));
        Uninterruptibly.join(thread);
        sayGoodbye(); // to those that another loop has handed over since
        closeSessions("the server stops");
        return requestsLeft;
    }

    @Override
    public void close() {
        if (isClosed) {
            return;
        }
        isClosed = true;
        stop();
        NativeIo.close(wakeup);
        NativeIo.engineClose(engine);
    }

    ServerLimits limits() {
        return limits;
    }

    /** Which of the server's loops it is. */
    int index() {
        return index;
    }

    /** On which processor it runs, by its number; below 0 until it does. Any thread. */
    int processor() {
        return processor;
    }

    /** How many sessions have gone on at other loops. Any thread. */
    long handedOver() {
        return handedOver;
    }

    /** How many descriptors a session may have in flight. */
    int descriptorShare() {
        return descriptorShare;
    }

    BufferPool outputBuffers() {
        return outputBuffers;
    }

    InputMemory inputMemory() {
        return inputMemory;
    }

    /** The time at the beginning of this turn, monotonic. */
    long nowMillis() {
        return nowMillis;
    }

    private static long millis() {
        return System.nanoTime() / 1_000_000;
    }
}
