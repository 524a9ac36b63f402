package org.objmapper.server.exchange;

/** The other end of a session, as the exchanges know it: what is not said to be for any thread is for the session's loop only. */
public interface Peer {
    /** The user that connected; 65534 is nobody. */
    int uid();

    /** What the session was granted. */
    Terms terms();

    /** Whether its listener allows an operation. */
    boolean allows(int operation);

    /** What its bodies take of the store's memory. */
    Uploads uploads();

    /** What it was handed as descriptors. */
    Held held();

    /** Cancels a request in flight; false if there is none, or if it is too far on. */
    boolean cancel(int requestId);

    /** Runs the exchange again, on the session's loop; nothing happens if the session is gone by then. Any thread. */
    void resume(Exchange exchange);

    /** As {@link #resume}, but the loop is not woken for it: {@link #wake} is to follow soon. Any thread. */
    void resumeOnceAwake(Exchange exchange);

    /** Wakes the session's loop if it sleeps. Any thread. */
    void wake();

    /** Takes up reading where {@link Exchange#body} said that it had no room. */
    void roomForBody();

    /** Closes a descriptor that came from the client, where that may block nobody. */
    void discard(int descriptor);

    /** Nothing more is read, and the session closes once all is answered. Returns how many PUTs lose the rest of their bodies so, and get no answer. */
    int finishAndClose();
}
