package org.objmapper.server.store.device;

import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import org.objmapper.nativeio.Errno;

/**
 * How well a device does, by how its calls end and how long they take. Every call to its file system is announced by {@link #begin} and
 * reported by {@link #end}; {@link #check} is called at least once a second. Safe on any thread; times are of one monotonic clock.
 */
public final class DeviceHealth {
    /** One call that takes longer makes a device suspect, whether it has come back or not: 2 s. */
    public static final long SLOW_NANOS = TimeUnit.SECONDS.toNanos(2);
    /** With a call that has not come back for so long a device is offline: 10 s. */
    public static final long HUNG_NANOS = TimeUnit.SECONDS.toNanos(10);
    /** Errors count together when they come within so long: 60 s. */
    public static final long WINDOW_NANOS = TimeUnit.SECONDS.toNanos(60);
    /** So many errors within the window put a device offline, if no fewer calls failed than went well. */
    public static final int OFFLINE_ERRORS = 10;
    /** A device serves again when all went well for so long: 15 s. */
    public static final long RECOVERY_NANOS = TimeUnit.SECONDS.toNanos(15);

    /** Calls that can be under way at once; those beyond it are not watched for hanging. */
    static final int MAX_CALLS = 128;

    private static final long IDLE = Long.MIN_VALUE;

    /** What may be asked of a device. */
    public enum State {
        /** Everything. */
        SERVING,
        /** It gets no new bodies; the others are read. */
        SUSPECT,
        /** Nothing: all that is asked of it fails at once. */
        OFFLINE
    }

    private final long[] started = new long[MAX_CALLS];
    /** Changed under the lock; read by loops without. */
    private volatile State state = State.SERVING;

    private long windowStart;
    private int windowErrors;
    private int windowSuccesses;
    private long totalErrors;
    private long lastTroubleNanos;
    private long averageNanos;
    private boolean isLost;

    public DeviceHealth(long nowNanos) {
        windowStart = nowNanos;
        Arrays.fill(started, IDLE);
    }

    /** A call begins; returns what {@link #end} wants. */
    public synchronized int begin(long nowNanos) {
        for (int call = 0; call < started.length; call++) {
            if (started[call] == IDLE) {
                started[call] = nowNanos == IDLE ? IDLE + 1 : nowNanos;
                return call;
            }
        }
        return -1;
    }

    /** A call has ended, with a result that is -errno below 0. */
    public synchronized void end(int call, long nowNanos, long result) {
        long took = took(call, nowNanos);
        beginWindow(nowNanos);
        if (isFault(result)) {
            windowErrors += result == -Errno.EIO ? 1 : 0; // what is read-only can be read
            totalErrors++;
            trouble(nowNanos, isOffline() || tooManyErrors() ? State.OFFLINE : State.SUSPECT);
        } else {
            windowSuccesses++;
            judge(took, nowNanos);
        }
    }

    /** A call has ended that may fail for its file's sake: only how long it took counts. */
    public synchronized void end(int call, long nowNanos) {
        judge(took(call, nowNanos), nowNanos);
    }

    private long took(int call, long nowNanos) {
        if (call < 0) {
            return 0;
        }
        long took = nowNanos - started[call];
        started[call] = IDLE;
        averageNanos += (took - averageNanos) / 8;
        return took;
    }

    private void judge(long took, long nowNanos) {
        if (took > SLOW_NANOS) {
            trouble(nowNanos, isOffline() ? State.OFFLINE : State.SUSPECT);
        }
    }

    /** The device is at fault, and not what was asked of it. */
    private static boolean isFault(long result) {
        return result == -Errno.EIO || result == -Errno.EROFS;
    }

    private boolean tooManyErrors() {
        return windowErrors >= OFFLINE_ERRORS && windowErrors >= windowSuccesses;
    }

    private void beginWindow(long nowNanos) {
        if (nowNanos - windowStart > WINDOW_NANOS) {
            windowStart = nowNanos;
            windowErrors = 0;
            windowSuccesses = 0;
        }
    }

    private void trouble(long nowNanos, State now) {
        state = now;
        lastTroubleNanos = nowNanos;
    }

    /** Looks at what is under way and at how long all went well; returns the state that follows. */
    public synchronized State check(long nowNanos) {
        long longest = longestCall(nowNanos);
        if (longest >= HUNG_NANOS) {
            trouble(nowNanos, State.OFFLINE);
        } else if (longest >= SLOW_NANOS) {
            trouble(nowNanos, isOffline() ? State.OFFLINE : State.SUSPECT);
        } else if (state != State.SERVING && !isLost && nowNanos - lastTroubleNanos >= RECOVERY_NANOS) {
            state = State.SERVING;
            windowErrors = 0;
            windowSuccesses = 0;
        }
        return state;
    }

    private long longestCall(long nowNanos) {
        long longest = 0;
        for (long start : started) {
            if (start != IDLE) {
                longest = Math.max(longest, nowNanos - start);
            }
        }
        return longest;
    }

    /** The device could not be opened, or is gone: it is offline until it is {@link #found}. */
    public synchronized void lost(long nowNanos) {
        isLost = true;
        trouble(nowNanos, State.OFFLINE);
    }

    /** The device is there again, and was tried. */
    public synchronized void found() {
        isLost = false;
        state = State.SERVING;
        windowErrors = 0;
        windowSuccesses = 0;
    }

    public State state() {
        return state;
    }

    private boolean isOffline() {
        return state == State.OFFLINE;
    }

    /** Errors since the start. */
    public synchronized long errors() {
        return totalErrors;
    }

    /** How long a call takes, the latest ones counting most. */
    public synchronized long latencyNanos() {
        return averageNanos;
    }
}
