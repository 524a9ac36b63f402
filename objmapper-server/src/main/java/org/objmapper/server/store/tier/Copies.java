package org.objmapper.server.store.tier;

import java.io.IOException;
import org.objmapper.server.store.device.FileName;
import org.objmapper.server.store.index.IndexRecord;

/** Where the copies of an upper tier are, each known by the generation of its body. Safe on any thread. */
public interface Copies extends AutoCloseable {
    /** What a copy of a body of so many bytes takes there. */
    long occupied(long length);

    /** Takes the copies that are there already. */
    interface Found {
        /** A copy that came at some time, milliseconds since 1970; false for one that no object has, which is then removed. */
        boolean isCopy(FileName name, long length, long cameMillis);
    }

    /** Goes through the copies that have outlived the server. May block for long; throws where it could not come to the end. */
    void find(Found found) throws IOException;

    /**
     * Copies a body in, from an open descriptor of its file. May block. Nothing is left of a copy that fails, or that is not what the index
     * says.
     */
    void add(IndexRecord record, int file) throws IOException;

    /** Whether a body has a copy here. */
    boolean has(long bodyGeneration);

    /**
     * Lets go of a copy, if there is one; whoever has it open keeps it. Returns at once; whether one was known.
     *
     * @param digest SHA-256 of the key
     */
    boolean remove(long bodyGeneration, byte[] digest);

    /** Lets go of all that does not outlive the server. */
    @Override
    void close();

    /** Refuses what was copied of a body where it is not what was stored. */
    static void compare(IndexRecord record, long xxh3) throws IOException {
        if (xxh3 != record.xxh3()) {
            throw new IOException("the body of generation " + record.bodyGeneration()
                    + " is not what was stored: its checksum is another");
        }
    }
}
