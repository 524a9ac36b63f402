package org.objmapper.crash;

/** One PUT, TOUCH or DELETE of a key, from when it was sent until it was acknowledged, by the ledger's clock. Guarded by the ledger. */
final class Change {
    static final long NEVER = Long.MAX_VALUE;

    final String key;
    final Version left;
    final boolean durable;
    final long begun;
    long ended = NEVER;

    Change(String key, Version left, boolean durable, long begun) {
        this.key = key;
        this.left = left;
        this.durable = durable;
        this.begun = begun;
    }

    @Override
    public String toString() {
        String until = ended == NEVER ? "" : " to " + ended;
        return (durable ? "durable " : "relaxed ") + left + " from " + begun + until;
    }
}
