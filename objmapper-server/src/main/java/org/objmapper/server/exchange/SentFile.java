package org.objmapper.server.exchange;

import java.util.function.Function;

/** A file that is being sent: open while somebody has it pinned. Only on the loop that its pins were taken on. */
public interface SentFile {
    /** An open descriptor of it, borrowed while pinned. Any thread. */
    int descriptor();

    /** The descriptor of the directory that {@link #pathAddress} is relative to. */
    int directory();

    /** The address of its name, which ends with a NUL; 0 where there is none. The name may be gone already: the descriptor is not. */
    long pathAddress();

    /**
     * Has its readers share one descriptor with the other sessions of their user; false where they can't. To be called before it is
     * handed to the output.
     */
    boolean share(int uid);

    /** The descriptor that is passed itself, shared or opened for this reader; -1 where one is opened as it is sent. */
    int passedDescriptor();

    /** Whether its bytes are in memory for all that is known: then nobody looks before they are sent. */
    boolean isKnownResident();

    /** Whether it is a piece of memory, and no file of a disk. */
    boolean isMemory();

    /** Some of its bytes were not in memory. */
    void foundCold();

    /** Its bytes, on a thread that may block. */
    interface Bytes {
        /** Reads some to an address; below 0 is -errno. */
        long read(long address, int length, long offset);
    }

    /**
     * Queues work that may block on it, and then runs what that returns; in its place, once, what is given for it, where the device is
     * found to hang, or the work throws. False at once where too much waits already.
     */
    boolean submit(Function<Bytes, Runnable> work, Runnable inItsPlace);

    /** Reports that it could not be read up to where it should end. */
    void unreadable();

    /** Pins it once more; the caller knows of a pin. */
    void pin();

    /** Gives one pin back. */
    void unpin();
}
