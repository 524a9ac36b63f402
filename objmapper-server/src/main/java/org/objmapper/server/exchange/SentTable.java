package org.objmapper.server.exchange;

import java.util.function.Function;
import org.objmapper.server.store.Store;

/** The file of the validity table, as a session is handed it: open for as long as the store is. Only on the loop. */
public final class SentTable implements SentFile {
    private final Store store;
    private final int descriptor;

    SentTable(Store store, int descriptor) {
        this.store = store;
        this.descriptor = descriptor;
    }

    /** The session that was handed it is gone. */
    public void letGo() {
        store.letGoOfValidity();
    }

    @Override
    public int descriptor() {
        return descriptor;
    }

    @Override
    public int directory() {
        return -1;
    }

    @Override
    public long pathAddress() {
        return 0;
    }

    @Override
    public boolean share(int uid) {
        return true;
    }

    /** All map it, and its offset means nothing. */
    @Override
    public int passedDescriptor() {
        return descriptor;
    }

    @Override
    public boolean isKnownResident() {
        return true;
    }

    @Override
    public boolean isMemory() {
        return true;
    }

    @Override
    public void foundCold() {}

    @Override
    public boolean submit(Function<Bytes, Runnable> work, Runnable inItsPlace) {
        return false; // its bytes are never sent
    }

    @Override
    public void unreadable() {}

    @Override
    public void pin() {}

    @Override
    public void unpin() {}
}
