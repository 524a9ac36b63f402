package org.objmapper.server.transport;

/** When a loop looks next whether one of its sessions takes too long, for each by its slot: thousands that are at rest cost next to nothing. */
final class NextLooks {
    private static final long AT_ONCE = Long.MIN_VALUE;

    private final long[] millis;

    /** For so many slots, each of which is looked at as soon as it can be. */
    NextLooks(int slots) {
        millis = new long[slots];
        for (int slot = 0; slot < slots; slot++) {
            atOnce(slot);
        }
    }

    /** Something happens with the session: it is looked at as soon as it can be. */
    void atOnce(int slot) {
        millis[slot] = AT_ONCE;
    }

    /** Until then nothing of the session is looked at, if nothing happens with it. */
    void notBefore(int slot, long whenMillis) {
        millis[slot] = whenMillis;
    }

    boolean isDue(int slot, long nowMillis) {
        return millis[slot] <= nowMillis;
    }
}
