package org.objmapper.server.transport;

/** On which processor a session's client runs, as its requests say (protocol-spec.md 2.6). Only on the loop. */
final class ClientProcessor {
    /** It takes so many that name the same one, and no other between them. */
    static final int SURE = 8;

    private int named;
    private int inARow;

    /** A request has come that names a processor, by its number plus 1, or with 0 none. */
    void heard(int numberPlusOne) {
        if (numberPlusOne == 0) {
            return;
        }
        inARow = numberPlusOne == named ? Math.min(SURE, inARow + 1) : 1;
        named = numberPlusOne;
    }

    /** The number of the processor that it runs on; -1 where that is not sure, or nothing was heard since it was asked before. */
    int look() {
        if (inARow < SURE) {
            return -1;
        }
        inARow--;
        return named - 1;
    }
}
