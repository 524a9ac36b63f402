package org.objmapper.server.store.index;

import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.lmdbjava.ByteArrayProxy;
import org.lmdbjava.Cursor;
import org.lmdbjava.Dbi;
import org.lmdbjava.DbiFlags;
import org.lmdbjava.Env;
import org.lmdbjava.EnvFlags;
import org.lmdbjava.GetOp;
import org.lmdbjava.LmdbException;
import org.lmdbjava.LmdbNativeException.PanicException;
import org.lmdbjava.Txn;

/**
 * The index in LMDB: objects by the SHA-256 of their key, and the ways to them by prefix, by tag and by expiry. Reads are safe on any
 * thread and wait for nobody but {@link #reopen}; {@link #commit} and reopen belong to one thread. No read transaction lives longer than
 * the call that needs it.
 */
public final class Index implements AutoCloseable {
    private static final int MAX_READERS = 126;
    private static final long REOPENING_NANOS = TimeUnit.SECONDS.toNanos(10);
    private static final String DATA_FILE = "data.mdb";
    private static final long FIRST_GENERATION = 1;
    private static final byte[] NOTHING = new byte[0];
    private static final byte[] TOTALS = "totals".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] GENERATIONS = "generations".getBytes(StandardCharsets.US_ASCII);

    private final Path directory;
    private final long mapBytes;
    /** Readers share it; whoever opens or closes the environment has it alone. */
    private final ReadWriteLock use = new ReentrantReadWriteLock();

    private final Condition reopened = use.writeLock().newCondition();
    private final ConcurrentLinkedDeque<Txn<byte[]>> idleReads = new ConcurrentLinkedDeque<>();
    private @Nullable Tables opened;
    private int reopenings;
    private volatile Totals totals;
    private long committedBound;

    /** A file that an index commit let go of. */
    public record Replaced(byte[] digest, long generation) {}

    /**
     * Opens the index of a directory.
     *
     * @param isNew whether one may be made: where anything was stored, an index that is gone or empty is refused
     */
    public Index(Path directory, long mapBytes, boolean isNew) {
        this.directory = directory;
        this.mapBytes = mapBytes;
        checkData(isNew);
        try {
            opened = Tables.open(directory, mapBytes);
        } catch (LmdbException e) {
            throw IndexException.of(e);
        }
        try {
            totals = readTotals();
            committedBound = generationBound();
            if (!isNew && committedBound == FIRST_GENERATION) {
                throw lost(" knows of nothing that was ever stored");
            }
        } catch (IndexException e) {
            closeTables();
            throw e;
        }
    }

    /** Without this LMDB would make an empty index where one is lost, and all bodies would seem to be orphans. */
    private void checkData(boolean mayBeMade) {
        Path data = directory.resolve(DATA_FILE);
        try {
            boolean there = Files.exists(data);
            if (!mayBeMade && !there) {
                throw lost(" is gone");
            }
            if (!mayBeMade && Files.size(data) == 0) {
                throw lost(" is empty");
            }
            if (there && DataFile.isCutOff(data)) {
                throw lost(" is damaged: with " + Files.size(data) + " bytes it is shorter than it was");
            }
        } catch (IOException e) {
            throw IndexException.wrong(data + " can't be read: " + e.getMessage());
        }
    }

    private IndexException lost(String how) {
        return IndexException.wrong("its index " + directory.resolve(DATA_FILE) + how
                + ", and without it the bodies of its objects can't be told apart: put the index back from a backup, or"
                + " start with an empty directory");
    }

    /** An LMDB environment and the tables in it. */
    private record Tables(
            Env<byte[]> env,
            Dbi<byte[]> objects,
            Dbi<byte[]> prefixes,
            Dbi<byte[]> tags,
            Dbi<byte[]> expiries,
            Dbi<byte[]> state) {
        static Tables open(Path directory, long mapBytes) {
            Env<byte[]> env = Env.create(ByteArrayProxy.PROXY_BA)
                    .setMapSize(mapBytes)
                    .setMaxDbs(5)
                    .setMaxReaders(MAX_READERS)
                    .open(directory.toFile(), 0600, EnvFlags.MDB_NOTLS);
            try {
                env.readerCheck();
                return new Tables(
                        env,
                        env.openDbi("objects", DbiFlags.MDB_CREATE),
                        env.openDbi("prefixes", DbiFlags.MDB_CREATE),
                        env.openDbi("tags", DbiFlags.MDB_CREATE),
                        env.openDbi("expiries", DbiFlags.MDB_CREATE),
                        env.openDbi("state", DbiFlags.MDB_CREATE));
            } catch (LmdbException e) {
                env.close();
                throw e;
            }
        }
    }

    public Totals totals() {
        return totals;
    }

    private Totals readTotals() {
        return read((tables, txn) -> {
            byte[] stored = tables.state.get(txn, TOTALS);
            ByteBuffer buffer = ByteBuffer.wrap(stored == null ? new byte[16] : stored);
            return new Totals(buffer.getLong(), buffer.getLong());
        });
    }

    /** The bound below which all generations may have been used. */
    public long generationBound() {
        return read((tables, txn) -> {
            byte[] stored = tables.state.get(txn, GENERATIONS);
            return stored == null ? FIRST_GENERATION : ByteBuffer.wrap(stored).getLong();
        });
    }

    /** Clears the slots of readers that died. */
    public void checkReaders() {
        use.readLock().lock();
        try {
            tables().env.readerCheck();
        } catch (LmdbException e) {
            throw IndexException.of(e);
        } finally {
            use.readLock().unlock();
        }
    }

    /** What stands under a key, expired or not. */
    public @Nullable IndexRecord get(ObjectKey key) {
        IndexRecord found = getByDigest(key.digest());
        return found != null && Arrays.equals(found.key(), key.bytes()) ? found : null;
    }

    public @Nullable IndexRecord getByDigest(byte[] digest) {
        return readOrNull((tables, txn) -> {
            byte[] stored = tables.objects.get(txn, digest);
            return stored == null ? null : IndexRecord.decode(stored);
        });
    }

    /**
     * Objects in the order of their keys' first 400 bytes, from behind {@code after} on, as long as {@code more} takes them. Returns the
     * code of the last one looked at if {@code budget} ran out or {@code more} said no, and null at the end of the prefix.
     */
    public byte @Nullable [] scan(byte[] prefix, byte @Nullable [] after, int budget, Predicate<IndexRecord> more) {
        return walk(
                Tables::prefixes,
                PrefixKey.start(prefix),
                after,
                budget,
                record -> !PrefixKey.startsWith(record.key(), prefix) || more.test(record));
    }

    /** As {@link #scan}, with objects that have a tag, in the order of their digests. */
    public byte @Nullable [] tagged(byte[] tag, byte @Nullable [] after, int budget, Predicate<IndexRecord> more) {
        return walk(Tables::tags, tagStart(tag), after, budget, more);
    }

    /** Walks over codes that start so and end with digests. */
    private byte @Nullable [] walk(
            Function<Tables, Dbi<byte[]>> table,
            byte[] start,
            byte @Nullable [] after,
            int budget,
            Predicate<IndexRecord> more) {
        byte[] from = after == null || Arrays.compareUnsigned(after, start) < 0 ? start : after;
        return readOrNull((tables, txn) -> {
            try (Cursor<byte[]> cursor = table.apply(tables).openCursor(txn)) {
                boolean there = seek(cursor, from);
                if (there && Arrays.equals(cursor.key(), after)) {
                    there = cursor.next();
                }
                int left = budget;
                while (there && PrefixKey.startsWith(cursor.key(), start)) {
                    byte[] code = cursor.key();
                    IndexRecord record = required(tables, txn, PrefixKey.digest(code));
                    if (!more.test(record) || --left == 0) {
                        return code;
                    }
                    there = cursor.next();
                }
                return null;
            }
        });
    }

    /** Up to {@code limit} objects whose expiry and grace are over, the earliest first. */
    public List<IndexRecord> due(long nowMillis, int limit) {
        List<IndexRecord> found = new ArrayList<>();
        return read((tables, txn) -> {
            try (Cursor<byte[]> cursor = tables.expiries.openCursor(txn)) {
                boolean there = cursor.first();
                while (there
                        && found.size() < limit
                        && ByteBuffer.wrap(cursor.key()).getLong() <= nowMillis) {
                    found.add(required(tables, txn, Arrays.copyOfRange(cursor.key(), Long.BYTES, cursor.key().length)));
                    there = cursor.next();
                }
                return found;
            }
        });
    }

    /** Up to {@code limit} objects in the order of their digests, from behind one on; fewer at the end. */
    public List<IndexRecord> after(byte @Nullable [] digest, int limit) {
        List<IndexRecord> found = new ArrayList<>();
        return read((tables, txn) -> {
            try (Cursor<byte[]> cursor = tables.objects.openCursor(txn)) {
                boolean there = digest == null ? cursor.first() : seek(cursor, digest);
                if (there && Arrays.equals(cursor.key(), digest)) {
                    there = cursor.next();
                }
                while (there && found.size() < limit) {
                    found.add(IndexRecord.decode(cursor.val()));
                    there = cursor.next();
                }
                return found;
            }
        });
    }

    private static boolean seek(Cursor<byte[]> cursor, byte[] from) {
        return from.length == 0 ? cursor.first() : cursor.get(from, GetOp.MDB_SET_RANGE);
    }

    private static IndexRecord required(Tables tables, Txn<byte[]> txn, byte[] digest) {
        byte[] stored = tables.objects.get(txn, digest);
        if (stored == null) {
            throw new IllegalStateException("the index leads to an object that it doesn't have");
        }
        return IndexRecord.decode(stored);
    }

    /**
     * Writes changes, one for each key at most, and the bound of generations; adds to {@code replaced} the files that nothing leads to
     * any more. When it fails otherwise than for want of room, the index holds all of the changes or none of them, and which of the two
     * can be said after {@link #reopen}.
     */
    public void commit(Iterable<IndexChange> changes, long generationBound, List<Replaced> replaced) {
        try {
            write(changes, generationBound, replaced);
        } catch (LmdbException e) {
            throw IndexException.of(e);
        } catch (BufferUnderflowException | IllegalArgumentException | IllegalStateException e) {
            throw damaged(e);
        }
    }

    private IndexException damaged(RuntimeException e) {
        String reason = e.getMessage();
        return IndexException.wrong("the index " + directory.resolve(DATA_FILE) + " is damaged"
                + (reason == null ? "" : " (" + reason + ")") + ": put it back from a backup");
    }

    private void write(Iterable<IndexChange> changes, long generationBound, List<Replaced> replaced) {
        Tables tables = tables();
        Totals sum = totals;
        try (Txn<byte[]> txn = tables.env.txnWrite()) {
            for (IndexChange change : changes) {
                sum = apply(tables, txn, change, sum, replaced);
            }
            ByteBuffer encoded = ByteBuffer.allocate(16).putLong(sum.objects()).putLong(sum.bytes());
            tables.state.put(txn, TOTALS, encoded.array());
            tables.state.put(
                    txn,
                    GENERATIONS,
                    ByteBuffer.allocate(8).putLong(generationBound).array());
            txn.commit();
        }
        totals = sum;
        committedBound = generationBound;
    }

    private static Totals apply(
            Tables tables, Txn<byte[]> txn, IndexChange change, Totals before, List<Replaced> replaced) {
        ObjectKey key = change.key();
        Totals sum = before;
        IndexRecord now = change.record();
        byte[] stored = tables.objects.get(txn, key.digest());
        if (stored != null) {
            IndexRecord old = IndexRecord.decode(stored);
            forget(tables, txn, key, old);
            sum = sum.minus(old);
            if (old.hasFile() && (now == null || now.bodyGeneration() != old.bodyGeneration())) {
                replaced.add(new Replaced(key.digest(), old.bodyGeneration()));
            }
            if (now == null) {
                tables.objects.delete(txn, key.digest());
            }
        }
        if (now != null) {
            tables.objects.put(txn, key.digest(), now.encode());
            remember(tables, txn, key, now);
            sum = sum.plus(now);
        }
        return sum;
    }

    private static void remember(Tables tables, Txn<byte[]> txn, ObjectKey key, IndexRecord record) {
        tables.prefixes.put(txn, PrefixKey.of(key), NOTHING);
        for (byte[] tag : record.tags()) {
            tables.tags.put(txn, join(tagStart(tag), key.digest()), NOTHING);
        }
        if (record.removalMillis() != IndexRecord.NEVER) {
            tables.expiries.put(txn, expiryKey(key, record), NOTHING);
        }
    }

    private static void forget(Tables tables, Txn<byte[]> txn, ObjectKey key, IndexRecord record) {
        tables.prefixes.delete(txn, PrefixKey.of(key));
        for (byte[] tag : record.tags()) {
            tables.tags.delete(txn, join(tagStart(tag), key.digest()));
        }
        if (record.removalMillis() != IndexRecord.NEVER) {
            tables.expiries.delete(txn, expiryKey(key, record));
        }
    }

    /** Whether the environment still takes transactions: it takes none when a commit failed half-way. */
    public boolean isUsable() {
        try (Txn<byte[]> txn = tables().env.txnRead()) {
            return txn.isReadOnly();
        } catch (LmdbException e) {
            return false;
        }
    }

    /** Whether an object's file is in use. */
    public boolean leadsTo(byte[] digest, long bodyGeneration) {
        IndexRecord record = getByDigest(digest);
        return record != null && record.hasFile() && record.bodyGeneration() == bodyGeneration;
    }

    /**
     * Closes the environment and opens it again: LMDB takes no transactions after a commit that failed half-way. Waits for those who
     * read. Then proves with a commit that it takes changes, which also settles what the failed commit left. Where that fails, readers
     * have the index as far as it can be opened; call it again later.
     */
    public void reopen(long generationBound) {
        openAnew();
        try {
            commit(List.of(), generationBound, new ArrayList<>());
        } catch (IndexException e) {
            openAnew();
            throw e;
        }
    }

    private void openAnew() {
        use.writeLock().lock();
        try {
            closeTables();
            checkData(false);
            opened = Tables.open(directory, mapBytes);
            if (generationBound() < committedBound) {
                closeTables();
                throw new LmdbException(directory + " holds another index than before");
            }
            totals = readTotals();
        } catch (LmdbException e) {
            throw IndexException.of(e);
        } finally {
            reopenings++;
            reopened.signalAll();
            use.writeLock().unlock();
        }
    }

    private static byte[] expiryKey(ObjectKey key, IndexRecord record) {
        byte[] time = ByteBuffer.allocate(8).putLong(record.removalMillis()).array();
        return join(time, key.digest());
    }

    /** The length stands first, so that no tag is the start of another. */
    private static byte[] tagStart(byte[] tag) {
        return join(new byte[] {(byte) tag.length}, tag);
    }

    private static byte[] join(byte[] first, byte[] second) {
        byte[] joined = Arrays.copyOf(first, first.length + second.length);
        System.arraycopy(second, 0, joined, first.length, second.length);
        return joined;
    }

    /** A look at the index as it is now. */
    private interface Look<T> {
        @Nullable
        T at(Tables tables, Txn<byte[]> txn);
    }

    private <T> T read(Look<T> look) {
        T found = readOrNull(look);
        if (found == null) {
            throw new IllegalStateException("the index answered nothing");
        }
        return found;
    }

    private <T> @Nullable T readOrNull(Look<T> look) {
        try {
            return readNowOrReopened(look);
        } catch (LmdbException e) {
            throw IndexException.of(e);
        } catch (BufferUnderflowException | IllegalArgumentException | IllegalStateException e) {
            throw damaged(e);
        }
    }

    private <T> @Nullable T readNowOrReopened(Look<T> look) {
        int seen = -1;
        use.readLock().lock();
        try {
            seen = reopenings;
            return look(look);
        } catch (PanicException e) {
            // A commit has failed just now; the committing thread opens the index again.
        } finally {
            use.readLock().unlock();
        }
        awaitReopening(seen);
        use.readLock().lock();
        try {
            return look(look);
        } finally {
            use.readLock().unlock();
        }
    }

    private <T> @Nullable T look(Look<T> look) {
        Tables tables = tables();
        Txn<byte[]> txn = readTransaction(tables);
        try {
            return look.at(tables, txn);
        } finally {
            txn.reset();
            idleReads.push(txn);
        }
    }

    private void awaitReopening(int seen) {
        use.writeLock().lock();
        try {
            long left = REOPENING_NANOS;
            while (reopenings == seen && left > 0) {
                left = reopened.awaitNanos(left);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            use.writeLock().unlock();
        }
    }

    private Txn<byte[]> readTransaction(Tables tables) {
        Txn<byte[]> idle = idleReads.poll();
        if (idle == null) {
            return tables.env.txnRead();
        }
        try {
            idle.renew();
            return idle;
        } catch (LmdbException e) {
            idle.close();
            throw e;
        }
    }

    private Tables tables() {
        Tables there = opened;
        if (there == null) {
            throw new LmdbException("it is closed, and is opened again as soon as that is possible");
        }
        return there;
    }

    private void closeTables() {
        for (Txn<byte[]> txn = idleReads.poll(); txn != null; txn = idleReads.poll()) {
            txn.close();
        }
        Tables there = opened;
        opened = null;
        if (there != null) {
            there.env.close();
        }
    }

    @Override
    public void close() {
        use.writeLock().lock();
        try {
            closeTables();
        } finally {
            use.writeLock().unlock();
        }
    }
}
