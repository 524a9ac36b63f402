package org.objmapper.server.transport;

/**
 * Finds the session that alone keeps a loop at work, while processors have nothing to do. A request of it costs little else than waking
 * the loop and waking the client, and both begin early where the session's input is taken as {@code NativeIo.MODE_ALONE} says. Where
 * others wait for a processor, or the client takes its time, that would only take processor time. On the loop's thread alone.
 */
final class Alone {
    /** It takes so many events of one session, and no other's between them, or none that came late. */
    static final int SURE = 32;

    static final int MOST_TRUST = 64;

    /** What an event that came late takes away. */
    static final int LATE = 8;

    /** A processor that has slept for so long wakes up slowly, however early it is woken. */
    static final long LONGEST_WAIT_NANOS = 500_000;

    private final int processors;
    private int slot = -1;
    private int trust;
    private boolean processorsAreFree;

    /** One that counts on no idle processor while more than so many threads want to run. */
    Alone(int processors) {
        this.processors = processors;
    }

    /** Input came from the session of a slot. Returns the slot that is alone no longer, -1 where that does not change. */
    int heard(int heardSlot) {
        if (heardSlot == slot) {
            trust = Math.min(MOST_TRUST, trust + 1);
            return -1;
        }
        int before = slot;
        slot = heardSlot;
        trust = 0;
        processorsAreFree = false; // until the next look at them
        return before;
    }

    /** The loop has waited for so long. */
    void waited(long nanos) {
        if (nanos > LONGEST_WAIT_NANOS) {
            trust = Math.max(0, trust - LATE);
        }
    }

    /** Whether it matters how many threads want to run. */
    boolean isLikely() {
        return trust >= SURE;
    }

    /** So many threads run or want to, the loop's among them; below 0 where that is not known, and nobody counts as alone. */
    void runnableThreads(int count) {
        processorsAreFree = count >= 0 && count <= processors;
    }

    /** Whether the session of a slot is alone. */
    boolean is(int askedSlot) {
        return askedSlot == slot && isLikely() && processorsAreFree;
    }
}
