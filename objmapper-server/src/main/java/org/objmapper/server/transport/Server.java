package org.objmapper.server.transport;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.objmapper.nativeio.NativeIo;

/** The loops and what they listen at. Owns the loops and the listeners, not what is behind the exchanges. */
public final class Server implements AutoCloseable {
    private static final long LOOK_AGAIN_MILLIS = 10;
    /** So many sessions can leave their descriptors unread before others feel it. */
    private static final int SESSIONS_THAT_MAY_BE_DEAF = 16;

    private final List<Loop> loops = new ArrayList<>();
    private final List<Service> services;
    private final SessionCount sessions;
    private final SessionsAtWork atWork;
    private final ServerLimits limits;
    private final CountDownLatch noMoreTime = new CountDownLatch(1);

    /** A server that takes no sessions yet. It owns the services' listeners from here on. */
    public Server(ServerLimits limits, List<Service> services, LoopOptions options) throws IOException {
        this.limits = limits;
        this.services = List.copyOf(services);
        this.sessions = new SessionCount(limits.maxSessions(), options.count());
        this.atWork = new SessionsAtWork(options.count());
        int share = descriptorShare();
        long inputShare = limits.maxHeldInput() / options.count();
        Engines engines = new Engines(options.engine(), limits.maxSessions());
        try {
            for (int i = 0; i < options.count(); i++) {
                Loop loop = new Loop(
                        i, loops, engines.open(), limits, sessions, atWork, share, inputShare, options.spinNanos());
                loops.add(loop);
                this.services.forEach(loop::add);
            }
        } catch (IOException e) {
            loops.forEach(Loop::close);
            throw e;
        }
    }

    /**
     * How many descriptors a session may have sent without their being read: the kernel counts those in flight for the whole user,
     * and allows as many as a process may have open.
     */
    private static int descriptorShare() {
        return (int)
                Math.max(1, Math.min(NativeIo.raiseDescriptorLimit() / SESSIONS_THAT_MAY_BE_DEAF, Integer.MAX_VALUE));
    }

    /** Serves from here on. */
    public void start() {
        loops.forEach(Loop::start);
    }

    /**
     * What a drain could not wait for.
     *
     * @param sessions that were closed before they were done
     * @param requests of theirs that got no answer, PUTs among them whose bodies had not come whole
     */
    public record GivenUp(int sessions, int requests) {}

    /** Lets every session finish what it has begun, for the drain timeout at most, and ends what is left. */
    public GivenUp drain() throws InterruptedException {
        loops.forEach(Loop::drain);
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(limits.drainTimeoutMillis());
        while (sessions.count() > 0 && System.nanoTime() < end) {
            if (noMoreTime.await(LOOK_AGAIN_MILLIS, TimeUnit.MILLISECONDS)) {
                break;
            }
        }
        int left = sessions.count();
        return new GivenUp(left, loops.stream().mapToInt(Loop::stop).sum());
    }

    /** Lets a drain, under way or to come, wait no longer. Any thread. */
    public void cutDrainShort() {
        noMoreTime.countDown();
    }

    /** How many sessions there are. */
    public int sessions() {
        return sessions.count();
    }

    /** How many sessions keep each loop at work. Any thread. */
    SessionsAtWork atWork() {
        return atWork;
    }

    /** How many times a session has gone on at another loop. */
    public long moves() {
        return loops.stream().mapToLong(Loop::handedOver).sum();
    }

    /** How many bytes of memory hold input that can't be used yet. */
    public long heldInputBytes() {
        return loops.stream().mapToLong(loop -> loop.inputMemory().held()).sum();
    }

    @Override
    public void close() {
        loops.forEach(Loop::stop); // all of them first: one may hand a session to another
        loops.forEach(Loop::close);
        services.forEach(service -> service.listeners().forEach(Listener::close));
    }
}
