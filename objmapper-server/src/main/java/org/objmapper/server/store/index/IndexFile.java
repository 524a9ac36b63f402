package org.objmapper.server.store.index;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.lmdbjava.Dbi;
import org.lmdbjava.Env;
import org.lmdbjava.Txn;

/** Whether the file of an index, and what it says of itself, is what the store needs; to be asked before it is used. */
final class IndexFile {
    static final String DATA = "data.mdb";
    /** The only format that this version writes and reads. */
    static final int FORMAT = 2;

    static final byte[] STATE = RowKeys.ascii("state");
    static final byte[] FORMAT_NAME = RowKeys.ascii("format");
    static final byte[] ID_NAME = RowKeys.ascii("id");
    static final byte[] FIRST_DEVICE = new byte[Short.BYTES];
    private static final byte[] DEVICES = RowKeys.ascii("devices");

    private IndexFile() {}

    /** Without this LMDB would make an empty index where one is lost, and all bodies would seem to be orphans. */
    static void checkData(Path directory, boolean mayBeMade) {
        Path data = directory.resolve(DATA);
        try {
            boolean there = Files.exists(data);
            if (!mayBeMade && !there) {
                throw lost(directory, " is gone");
            }
            if (!mayBeMade && Files.size(data) == 0) {
                throw lost(directory, " is empty");
            }
            if (there && DataFile.isCutOff(data)) {
                throw lost(directory, " is damaged: with " + Files.size(data) + " bytes it is shorter than it was");
            }
        } catch (IOException e) {
            throw IndexException.wrong(data + " can't be read: " + e.getMessage());
        }
    }

    /** Without this LMDB would end the process at a page that is none of its own. Reads the whole file. */
    static void checkPages(Path directory) {
        lookOn(directory, new DataPages(directory.resolve(DATA)), Long.MAX_VALUE);
    }

    static void lookOn(Path directory, DataPages pages, long most) {
        try {
            long broken = pages.lookOn(most);
            if (broken != DataPages.NONE) {
                throw lost(directory, " is damaged: its page " + broken + " is not what was written there");
            }
        } catch (IOException e) {
            throw IndexException.wrong(directory.resolve(DATA) + " can't be read: " + e.getMessage());
        }
    }

    static IndexException lost(Path directory, String how) {
        return IndexException.wrong("its index " + directory.resolve(DATA) + how
                + ", and without it the bodies of its objects can't be told apart: put the index back from a backup, or"
                + " start with an empty directory");
    }

    /** Refuses an index of another format, and one that belongs to others, before anything is changed. */
    static void check(Env<byte[]> env, Path directory, Index.Ids ids) {
        Dbi<byte[]> state = openExisting(env, directory, STATE);
        Dbi<byte[]> devices = openExisting(env, directory, DEVICES);
        try (Txn<byte[]> txn = env.txnRead()) {
            byte[] format = state.get(txn, FORMAT_NAME);
            if (format == null || RowKeys.value(format).getShort() != FORMAT) {
                throw IndexException.wrong("the index in " + directory + " has format "
                        + (format == null ? "1" : RowKeys.value(format).getShort())
                        + ", and this server knows format " + FORMAT
                        + " only: use the server that made it");
            }
            checkId(directory, state.get(txn, ID_NAME), ids.index(), "is index");
            checkId(directory, devices.get(txn, FIRST_DEVICE), ids.device(), "knows the device");
        }
    }

    static Dbi<byte[]> openExisting(Env<byte[]> env, Path directory, byte[] name) {
        try {
            return env.openDbi(name);
        } catch (Dbi.KeyNotFoundException e) {
            throw IndexException.wrong("the index in " + directory + " has no " + text(name)
                    + ", so it is none of this format or damaged: put back the one that belongs there");
        }
    }

    private static void checkId(Path directory, byte @Nullable [] found, String wanted, String what) {
        String there = found == null ? "none" : IndexedDevice.idOf(found);
        if (!there.equals(wanted)) {
            throw IndexException.wrong(
                    "the index in " + directory + " " + what + " " + there + ", and the id file names " + wanted
                            + ": one of them was copied or swapped, so put back the one that belongs there");
        }
    }

    private static String text(byte[] ascii) {
        return new String(ascii, StandardCharsets.US_ASCII);
    }
}
