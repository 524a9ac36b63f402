package org.objmapper.server.transport;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.objmapper.nativeio.Errno;
import org.objmapper.nativeio.NativeIo;
import org.objmapper.protocol.Frame;
import org.objmapper.protocol.Limits;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Mode;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;
import org.objmapper.server.exchange.Exchanges;
import org.objmapper.server.exchange.SentFile;
import org.objmapper.server.store.Store;
import org.objmapper.server.store.StoreOptions;
import org.slf4j.LoggerFactory;

/** A defect that one session meets, or memory that runs out for it, ends that session and no other, and nothing of it is left. */
@Timeout(60)
class DefectTest {
    private static final int CURRENT_DIRECTORY = -100;
    private static final int SLICE = 64 * 1024;

    @TempDir
    Path directory;

    private final Semaphore held = new Semaphore(0);
    private final Semaphore goOn = new Semaphore(0);
    private final Logger log = (Logger) LoggerFactory.getLogger(Loop.class);
    private final Level level = log.getLevel();
    private final FaultyLog faultyLog = new FaultyLog();
    private Path socket;
    private Store store;
    private @Nullable Server server;

    /** Rules that hold the loop up at a LIST, and fail at a STAT. */
    private final class FaultyOperations extends BitSet {
        private static final long serialVersionUID = 1;
        private final transient Supplier<Throwable> defect;
        private final transient int soundStats;
        private transient int stats;

        /** Fails at the STAT after so many. */
        private FaultyOperations(int soundStats, Supplier<Throwable> defect) {
            this.soundStats = soundStats;
            this.defect = defect;
            set(0, 256);
        }

        @Override
        public boolean get(int operation) {
            if (operation == Operation.LIST) {
                held.release();
                goOn.acquireUninterruptibly();
            }
            if (operation == Operation.STAT && stats++ == soundStats) {
                throwUnchecked(defect.get());
            }
            return true;
        }
    }

    private static void throwUnchecked(Throwable defect) {
        if (defect instanceof Error error) {
            throw error;
        }
        throw (RuntimeException) defect;
    }

    /** Memory runs out at each message that begins so. */
    private static final class FaultyLog extends AppenderBase<ILoggingEvent> {
        private volatile String at = "none";

        @Override
        protected void append(ILoggingEvent event) {
            if (event.getMessage().startsWith(at)) {
                throw new OutOfMemoryError("made up");
            }
        }
    }

    /** A file that fails once: when its descriptor is asked for, or when its pin is given back. */
    private static final class FaultyFile implements SentFile {
        private final int descriptor;
        private boolean faultyUnpin;

        private FaultyFile(int descriptor) {
            this.descriptor = descriptor;
            this.faultyUnpin = descriptor >= 0;
        }

        @Override
        public boolean submit(Function<Bytes, Runnable> work, Runnable inItsPlace) {
            throw new AssertionError("nothing of it is read apart");
        }

        @Override
        public int descriptor() {
            if (descriptor < 0) {
                throw new IllegalStateException("made up");
            }
            return descriptor;
        }

        @Override
        public int directory() {
            return CURRENT_DIRECTORY;
        }

        @Override
        public long pathAddress() {
            return 0;
        }

        @Override
        public boolean share(int uid) {
            return false;
        }

        @Override
        public int passedDescriptor() {
            return -1;
        }

        @Override
        public boolean isMemory() {
            return false;
        }

        @Override
        public boolean isKnownResident() {
            return false;
        }

        @Override
        public void foundCold() {}

        @Override
        public void unreadable() {}

        @Override
        public void pin() {}

        @Override
        public void unpin() {
            if (faultyUnpin) {
                faultyUnpin = false;
                throw new IllegalStateException("made up");
            }
        }
    }

    @BeforeEach
    void open() throws IOException {
        socket = directory.resolve("s");
        store = Store.open(StoreOptions.of(Files.createDirectory(directory.resolve("data"))));
        faultyLog.start();
        log.setLevel(Level.DEBUG);
        log.addAppender(faultyLog);
    }

    private Server serve(ServerLimits limits, BitSet operations) throws IOException {
        ListenerRules rules = new ListenerRules(socket.toString(), operations);
        Server started = new Server(
                limits,
                List.of(new Service(List.of(Listener.open(rules, null, null, 0600)), () -> new Exchanges(store))),
                ServerUnderTest.loops(1));
        server = started;
        started.start();
        return started;
    }

    private Server serve(ServerLimits limits) throws IOException {
        return serve(limits, new FaultyOperations(0, () -> new IllegalStateException("made up")));
    }

    @AfterEach
    void stop() {
        log.detachAppender(faultyLog);
        log.setLevel(level);
        goOn.release(10);
        if (server != null) {
            server.close();
        }
        store.close();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whatTheOthersSentInTheSameTurnIsAnswered(boolean outOfMemory) throws Exception {
        Server running = serve(
                ServerLimits.DEFAULTS,
                new FaultyOperations(
                        0, () -> outOfMemory ? new OutOfMemoryError("made up") : new IllegalStateException("made up")));
        try (RawClient holder = RawClient.greeted(socket);
                RawClient before = RawClient.greeted(socket);
                RawClient faulty = RawClient.greeted(socket);
                RawClient after = RawClient.greeted(socket)) {
            send(holder, Operation.LIST);
            held.acquire();
            send(before, Operation.PING);
            send(faulty, Operation.STAT);
            send(after, Operation.PING);
            try (RawClient fresh = new RawClient(socket)) {
                fresh.send(RawClient.hello());
                goOn.release();

                assertThat(before.receive().status()).isEqualTo(Status.OK);
                assertThat(after.receive().status()).isEqualTo(Status.OK);
                assertThat(fresh.receive().status()).isEqualTo(Status.OK);
                assertThat(faulty.isClosedByServer()).isTrue();
            }
        }
        await().until(() -> running.sessions() == 0);
    }

    /** The STAT waits for the PUT before it, and is taken up when the store has answered that. */
    @Test
    void aSessionThatMeetsItWhenTheStoreHasAnsweredEnds() throws Exception {
        serve(ServerLimits.DEFAULTS, new FaultyOperations(1, () -> new IllegalStateException("made up")));
        try (RawClient faulty = new RawClient(socket);
                RawClient sound = RawClient.greeted(socket)) {
            faulty.send(RawClient.frame(w -> w.begin(Operation.HELLO, 0, 0, Status.OK, Limits.MAGIC)
                    .versions(1, 1)
                    .u32(MetadataType.MAX_REQUESTS, 1)
                    .u32(MetadataType.ORDERED, 1)));
            faulty.receive();
            ByteBuffer put = RawClient.put(1, "key", new byte[1]);
            ByteBuffer stat = frame(Operation.STAT, 2);
            faulty.send(ByteBuffer.allocate(put.remaining() + stat.remaining())
                    .put(put)
                    .put(stat)
                    .flip());

            assertThat(faulty.isClosedByServer()).isTrue();
            send(sound, Operation.PING);
            assertThat(sound.receive().status()).isEqualTo(Status.OK);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aSessionThatMeetsItWhileAllAreSentToEnds(boolean afterwards) throws Exception {
        Path file = Files.createFile(directory.resolve("file"));
        int descriptor = NativeIo.openAt(CURRENT_DIRECTORY, (file + "\0").getBytes(UTF_8), 0, 0);
        int listener = NativeIo.listen(socket.toString().getBytes(UTF_8), 2);
        SessionCount count = new SessionCount(2, 1);
        long epoll = NativeIo.engineOpen(NativeIo.ENGINE_EPOLL, 2); // the sessions are strangers to it
        try (Loop loop = new Loop(
                        0, List.of(), epoll, ServerLimits.DEFAULTS, count, new SessionsAtWork(1), 10, 1 << 20, 0);
                RawClient faulty = new RawClient(socket);
                RawClient sound = new RawClient(socket)) {
            Session first = session(loop, listener, 0, count);
            Session second = session(loop, listener, 1, count);
            answerPing(first, new FaultyFile(afterwards ? descriptor : -1));
            answerPing(second, null);
            loop.start();

            assertThat(sound.receive().status()).isEqualTo(Status.OK);
            if (afterwards) {
                assertThat(faulty.receive().status()).isEqualTo(Status.OK);
            }
            assertThat(faulty.isClosedByServer()).isTrue();
            await().until(() -> count.count() == 1);
            NativeIo.close(second.socket);
        } finally {
            NativeIo.close(listener);
            NativeIo.close(descriptor);
        }
    }

    private Session session(Loop loop, int listener, int slot, SessionCount count) {
        assertThat(count.tryAdd(0)).isZero();
        return new Session(
                loop, 0, ListenerRules.everything("s"), new Exchanges(store), NativeIo.accept(listener), slot, 0, 0);
    }

    private static void answerPing(Session session, @Nullable SentFile file) {
        session.frame(Limits.HEADER).begin(Operation.PING, Frame.REPLY, 1, Status.OK, 0);
        session.end(file);
    }

    @Test
    void sessionsThatMeetItWhenTheirTimeIsUpEndAll() throws Exception {
        Server running = serve(new ServerLimits(
                10, 64, Limits.MAX_FRAME_DEFAULT, 4_096, 16, 16, 1 << 26, 5_000, 60_000, 30_000, 100, 0));
        try (RawClient one = RawClient.greeted(socket);
                RawClient other = RawClient.greeted(socket);
                RawClient sound = RawClient.greeted(socket)) {
            sound.send(RawClient.put(1, "large", new byte[900_000]));
            assertThat(sound.receive().status()).isEqualTo(Status.OK);
            faultyLog.at = "session closed";
            one.send(RawClient.get(1, "large", Mode.COPY)); // and does not read
            other.send(RawClient.get(1, "large", Mode.COPY));

            await().until(() -> running.sessions() == 1);
            send(sound, Operation.PING);
            assertThat(sound.receive().status()).isEqualTo(Status.OK);
        }
    }

    @Test
    void aConnectionThatNoSessionCanBeMadeForIsClosedAndNotCounted() throws Exception {
        Server running = serve(new ServerLimits(
                1, 64, Limits.MAX_FRAME_DEFAULT, 4_096, 16, 16, 1 << 26, 5_000, 60_000, 30_000, 100, 0));
        faultyLog.at = "session opened";
        try (RawClient faulty = new RawClient(socket)) {
            assertThat(faulty.isClosedByServer()).isTrue();
        }
        assertThat(running.sessions()).isZero();
        faultyLog.at = "none";
        try (RawClient sound = RawClient.greeted(socket)) {
            send(sound, Operation.PING);
            assertThat(sound.receive().status()).isEqualTo(Status.OK);
        }
    }

    /** One turn brings two events of the session: what is left of the last turn, at whose beginning it ends, and what came since. */
    @Test
    void descriptorsThatComeInTheTurnInWhichTheirSessionEndsAreClosed() throws Exception {
        serve(ServerLimits.DEFAULTS);
        byte[] path = directory.resolve("other").toString().getBytes(UTF_8);
        int listener = NativeIo.listen(path, 1);
        int kept = NativeIo.connect(path, 0);
        int passed = NativeIo.accept(listener);
        NativeIo.close(listener);
        try (RawClient holder = RawClient.greeted(socket);
                RawClient faulty = RawClient.passing(socket, 1)) {
            send(holder, Operation.LIST);
            held.acquire();
            faulty.send(oneSliceThenAStatAndAnotherSlice());
            holder.send(frame(Operation.LIST, 2));
            goOn.release();
            held.acquire(); // the first slice is received
            faulty.sendWith(frame(Operation.PING, 3), passed);
            goOn.release();

            assertThat(faulty.isClosedByServer()).isTrue();
        } finally {
            NativeIo.close(passed);
        }
        await().until(() -> hasEnded(kept));
        NativeIo.close(kept);
    }

    private static ByteBuffer oneSliceThenAStatAndAnotherSlice() {
        ByteBuffer put = RawClient.frame(w ->
                w.begin(Operation.PUT, Frame.MORE, 1, Status.OK, Limits.UNKNOWN).text(MetadataType.KEY, "key"));
        byte[] body = new byte[SLICE - put.remaining() - Limits.HEADER];
        ByteBuffer data = RawClient.frame(
                w -> w.begin(Operation.DATA, 0, 1, Status.OK, 0).body().put(body));
        return ByteBuffer.allocate(2 * SLICE)
                .put(put)
                .put(data)
                .put(frame(Operation.STAT, 2))
                .rewind();
    }

    /** Whether all descriptors of the other end are closed. */
    private static boolean hasEnded(int connected) {
        ByteBuffer byteOfIt = ByteBuffer.allocateDirect(1);
        long received = NativeIo.receiveOne(connected, NativeIo.address(byteOfIt), 1, new int[1], false);
        assertThat(received).isIn(0L, (long) -Errno.EAGAIN);
        return received == 0;
    }

    private static ByteBuffer frame(int operation, int id) {
        return RawClient.frame(w -> w.begin(operation, 0, id, Status.OK, 0));
    }

    private static void send(RawClient client, int operation) throws IOException {
        client.send(frame(operation, 1));
    }
}
