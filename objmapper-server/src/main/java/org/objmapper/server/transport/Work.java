package org.objmapper.server.transport;

/** What a session has to do, as it shows between two looks at it. Only on the loop. */
final class Work {
    /** So many requests or pieces of bodies that came, or turns with a large body to send, between two looks count as work. */
    static final int ENOUGH = 10;
    /** For so many looks it counts, so that who pauses does not go back and forth. */
    static final int LASTING = 5;

    /** Whether something was counted since the last look. */
    private boolean noted;

    private int requests;
    private int largeTurns;
    private int looksAtWork;
    private int looksLarge;

    /** It is that of a session that goes on at another loop. */
    void goesOn(Work before) {
        looksAtWork = before.looksAtWork;
        looksLarge = before.looksLarge;
    }

    /** A request has come, or a piece of a body. */
    void asked() {
        requests++;
    }

    /** It had a large body to send in this turn. */
    void hadLargeBody() {
        largeTurns++;
    }

    /** To be looked at next time; false where it was to be already. */
    boolean note() {
        boolean first = !noted;
        noted = true;
        return first;
    }

    /** Counting begins anew. Returns how many requests there were that do not make it count as at work. */
    int look() {
        looksLarge = largeTurns >= ENOUGH ? LASTING : Math.max(0, looksLarge - 1);
        looksAtWork = requests >= ENOUGH ? LASTING : Math.max(0, looksAtWork - 1);
        int few = isAtWork() ? 0 : requests;
        requests = 0;
        largeTurns = 0;
        noted = isAtWork();
        return few;
    }

    /** It is looked at next time too as long as this is so. */
    boolean isAtWork() {
        return looksAtWork > 0 || looksLarge > 0;
    }

    /** Whether it is at work and sends large bodies. */
    boolean isLarge() {
        return looksLarge > 0;
    }
}
