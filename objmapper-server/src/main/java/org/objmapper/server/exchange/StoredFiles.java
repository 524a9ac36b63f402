package org.objmapper.server.exchange;

import java.util.ArrayDeque;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.objmapper.server.store.Store;
import org.objmapper.server.store.StoredObject;

/** The files of the store's objects, for the output of one loop. Those whose last pin is gone are used again. Only on the loop. */
final class StoredFiles {
    private static final int KEPT = 1_024;

    private final ArrayDeque<StoredFile> spare = new ArrayDeque<>();
    private final Store store;

    StoredFiles(Store store) {
        this.store = store;
    }

    /** The file of an object that the caller has pinned, whose pin it takes over; with one pin, the caller's. */
    StoredFile of(StoredObject object) {
        StoredFile file = spare.isEmpty() ? new StoredFile() : spare.removeLast();
        file.object = object;
        file.pins = 1;
        file.shared = -1;
        file.opened = -1;
        file.knownResident = false;
        file.foundCold = false;
        return file;
    }

    /** The file of an object; see {@link #of}. */
    final class StoredFile implements SentFile {
        private @Nullable StoredObject object;
        private int pins;
        private int shared;
        private int opened;
        private boolean knownResident;
        private boolean foundCold;

        /** Takes over a descriptor that was opened for its reader. */
        void opened(int descriptor) {
            opened = descriptor;
        }

        /** The whole body is to be sent: nobody looks whether it is in memory where it was a moment ago. */
        void beginWholeBody() {
            knownResident = object().isKnownResident();
        }

        /** The whole body is sent. */
        void endWholeBody() {
            if (!knownResident && !foundCold) {
                object().foundResident();
            }
        }

        @Override
        public int descriptor() {
            return object().descriptor();
        }

        @Override
        public int directory() {
            return object().directory();
        }

        @Override
        public long pathAddress() {
            return object().pathAddress();
        }

        @Override
        public boolean share(int uid) {
            shared = object().sharedDescriptor(uid);
            return shared >= 0;
        }

        @Override
        public int passedDescriptor() {
            return shared >= 0 ? shared : opened;
        }

        @Override
        public boolean isKnownResident() {
            return knownResident;
        }

        @Override
        public boolean isMemory() {
            return object().isInMemory();
        }

        @Override
        public void foundCold() {
            foundCold = true;
        }

        @Override
        public boolean submit(Function<Bytes, Runnable> work, Runnable inItsPlace) {
            StoredObject there = object();
            return store.submit(there, () -> work.apply(there::read), inItsPlace);
        }

        @Override
        public void unreadable() {
            object().reportUnreadable();
        }

        @Override
        public void pin() {
            pins++;
        }

        @Override
        public void unpin() {
            if (--pins > 0) {
                return;
            }
            if (opened >= 0) {
                object().close(opened);
                opened = -1;
            }
            object().unpin();
            object = null;
            if (spare.size() < KEPT) {
                spare.addLast(this);
            }
        }

        private StoredObject object() {
            StoredObject there = object;
            if (there == null) {
                throw new IllegalStateException("a file that nobody has pinned");
            }
            return there;
        }
    }
}
