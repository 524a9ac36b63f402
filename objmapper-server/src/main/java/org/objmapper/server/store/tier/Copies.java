package org.objmapper.server.store.tier;

import java.io.IOException;
import org.objmapper.server.store.index.IndexRecord;

/** Where the copies of an upper tier are, each known by the generation of its body. Safe on any thread. */
public interface Copies extends AutoCloseable {
    /** What a copy of a body of so many bytes takes there. */
    long occupied(long length);

    /**
     * Copies a body in, from an open descriptor of its file. May block. Nothing is left of a copy that fails, or that is not what the index
     * says.
     */
    void add(IndexRecord record, int file) throws IOException;

    /** Whether a body has a copy here. */
    boolean has(long bodyGeneration);

    /** Lets go of a copy, if there is one; whoever has it open keeps it. Returns at once; whether there was one. */
    boolean remove(long bodyGeneration);

    /** Lets go of all that does not outlive the server. */
    @Override
    void close();
}
