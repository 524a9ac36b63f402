package org.objmapper.server.store.index;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
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
import org.lmdbjava.Cursor;
import org.lmdbjava.Dbi;
import org.lmdbjava.Env;
import org.lmdbjava.EnvFlags;
import org.lmdbjava.GetOp;
import org.lmdbjava.LmdbException;
import org.lmdbjava.LmdbNativeException.PanicException;
import org.lmdbjava.Meta;
import org.lmdbjava.PutFlags;
import org.lmdbjava.Stat;
import org.lmdbjava.Txn;
import org.objmapper.server.metrics.Metric;
import org.objmapper.server.metrics.Metrics;

/**
 * The index in LMDB: objects by the SHA-256 of their key, and the ways to them by prefix, by tag and by expiry. Reads are safe on any
 * thread and wait for nobody but {@link #reopen}; {@link #commit} and reopen belong to one thread. No read transaction lives longer than
 * the call that needs it.
 */
public final class Index implements AutoCloseable {
    private static final int MAX_READERS = 126;
    static final int MAX_TABLES = 16;
    /** Pieces of about half a page need no free pages in a row. */
    private static final int PIECE_BYTES = 1_900;

    /** More than a commit of many changes takes. */
    private static final long MAX_RESERVE_BYTES = 16L << 20;

    private static final long MIN_RESERVE_BYTES = 512L << 10;

    private static final long REOPENING_NANOS = TimeUnit.SECONDS.toNanos(10);
    /** So many are looked at before the index is opened, a tenth of a second's work; the others after that. */
    private static final long PAGES_BEFORE = 16_384;

    static final long FIRST_GENERATION = 1;
    static final byte[] GENERATIONS = RowKeys.ascii("generations");

    private final Path directory;
    private final long mapBytes;
    private final Ids ids;
    private final Metrics metrics;
    /** Readers share it; whoever opens or closes the environment has it alone. */
    private final ReadWriteLock use = new ReentrantReadWriteLock();

    private final Condition reopened = use.writeLock().newCondition();
    private final ConcurrentLinkedDeque<Txn<byte[]>> idleReads = new ConcurrentLinkedDeque<>();
    private final DataPages pages;
    private @Nullable Tables opened;
    /** Why nothing may be asked of LMDB any more. */
    private volatile @Nullable String damage;

    private int reopenings;
    private volatile Accounts accounts;
    private volatile Totals totals;
    private long committedBound;

    /**
     * Who belongs together.
     *
     * @param index of the index
     * @param device of the device that it knows of
     */
    public record Ids(String index, String device) {}

    /** A file that an index commit let go of. */
    public record Replaced(int device, byte[] digest, long generation) {}

    /**
     * Opens the index of a directory.
     *
     * @param isNew whether it may be made; where it is there already, it must have the ids all the same
     * @param startsEmpty whether no body was ever stored: else one that knows of nothing is refused
     */
    public Index(Path directory, long mapBytes, Ids ids, boolean isNew, boolean startsEmpty, Metrics metrics) {
        this(directory, mapBytes, ids, isNew, startsEmpty, metrics, PAGES_BEFORE);
    }

    /** As the other one, with so many pages looked at before it is opened. */
    Index(
            Path directory,
            long mapBytes,
            Ids ids,
            boolean isNew,
            boolean startsEmpty,
            Metrics metrics,
            long pagesBefore) {
        this.directory = directory;
        this.mapBytes = mapBytes;
        this.ids = ids;
        this.metrics = metrics;
        IndexFile.checkData(directory, isNew);
        pages = new DataPages(directory.resolve(IndexFile.DATA));
        if (!Files.exists(directory.resolve(IndexFile.DATA))) {
            pages.skip();
        } else {
            IndexFile.lookOn(directory, pages, pagesBefore);
        }
        try {
            opened = open(isNew);
        } catch (LmdbException e) {
            throw IndexException.of(e);
        }
        try {
            accounts = readAccounts();
            totals = accounts.all();
            committedBound = generationBound();
            if (!startsEmpty && committedBound == FIRST_GENERATION) {
                throw IndexFile.lost(directory, " knows of nothing that was ever stored");
            }
        } catch (IndexException e) {
            closeTables();
            throw e;
        }
    }

    /**
     * Looks at so many more of the pages that a large index has, as {@link IndexFile#checkPages} does before one is opened; false when all were
     * looked at. Throws where one is broken: from then on nothing is read or changed, and all that is asked gets the same answer. For one
     * thread.
     */
    public boolean checkMorePages(long most) {
        try {
            return !pages.isDone() && checkSome(most);
        } catch (IndexException e) {
            damage = e.getMessage();
            throw e;
        }
    }

    /** Whether all pages were looked at, so that whoever goes through the whole index may. Throws where one is broken. Any thread. */
    public boolean isChecked() {
        refuseDamaged();
        return pages.isDone();
    }

    private boolean checkSome(long most) {
        try {
            return looked(most);
        } catch (IndexException e) {
            return looked(most); // perhaps a commit was writing just then where everything begins
        }
    }

    private boolean looked(long most) {
        return read((tables, txn) -> {
            IndexFile.lookOn(directory, pages, most);
            return true;
        });
    }

    private Tables open(boolean isNew) {
        Env<byte[]> env = Env.create(ReusedMemory.PROXY)
                .setMapSize(mapBytes)
                .setMaxDbs(MAX_TABLES)
                .setMaxReaders(MAX_READERS)
                .open(directory.toFile(), 0600, EnvFlags.MDB_NOTLS);
        try {
            env.readerCheck();
            boolean isThere = !isNew || !env.getDbiNames().isEmpty();
            if (isThere) {
                IndexFile.check(env, directory, ids);
            }
            try (Txn<byte[]> txn = env.txnWrite()) {
                Tables tables = Tables.of(env, txn);
                if (!isThere) {
                    tables.state()
                            .put(
                                    txn,
                                    IndexFile.FORMAT_NAME,
                                    RowKeys.value(2)
                                            .putShort((short) IndexFile.FORMAT)
                                            .array());
                    tables.state().put(txn, IndexFile.ID_NAME, RowKeys.ascii(ids.index));
                    tables.devices().put(txn, IndexFile.FIRST_DEVICE, RowKeys.ascii(ids.device));
                }
                txn.commit();
                return tables;
            }
        } catch (LmdbException | IndexException e) {
            env.close();
            throw e;
        }
    }

    /** Loads LMDB: most of what the first one to open an index waits for. */
    public static void load() {
        Meta.version();
    }

    /** What all tiers and devices hold together. */
    public Totals totals() {
        return totals;
    }

    /**
     * What a tier holds on one device, as of the last commit.
     *
     * @param tier {@link IndexRecord#BACKING}
     * @param device its number, or {@link IndexRecord#NO_DEVICE} for the bodies in the index
     */
    public Totals totals(int tier, int device) {
        return accounts.of(tier, device);
    }

    /** The devices that it knows of, by their numbers. */
    public List<IndexedDevice> devices() {
        return read((tables, txn) -> {
            List<IndexedDevice> found = new ArrayList<>();
            try (Cursor<byte[]> cursor = tables.devices().openCursor(txn)) {
                for (boolean there = cursor.first(); there; there = cursor.next()) {
                    found.add(IndexedDevice.of(cursor.key(), cursor.val()));
                }
            }
            return found;
        });
    }

    /** Up to {@code limit} objects with a body on a device, in the order of the bodies' generations, from {@code first} on. */
    public List<IndexRecord> onDevice(int device, long first, int limit) {
        return read((tables, txn) -> {
            List<IndexRecord> found = new ArrayList<>();
            try (Cursor<byte[]> cursor = tables.onDevice().openCursor(txn)) {
                boolean there = seek(cursor, RowKeys.fileKey(device, first));
                while (there && found.size() < limit && isOf(device, cursor.key())) {
                    IndexRecord record = decode(tables.objects().get(txn, cursor.val()));
                    if (record != null) {
                        found.add(record);
                    }
                    there = cursor.next();
                }
            }
            return found;
        });
    }

    /** The generation of the body that stands here for the longest; below 0 where none does. */
    public long oldestInline() {
        return read((tables, txn) -> {
            try (Cursor<byte[]> cursor = tables.bodies().openCursor(txn)) {
                return cursor.first() ? ByteBuffer.wrap(cursor.key()).getLong() : -1;
            }
        });
    }

    private static boolean isOf(int device, byte[] fileKey) {
        return (ByteBuffer.wrap(fileKey).getShort() & 0xFFFF) == device;
    }

    private Accounts readAccounts() {
        Accounts found = new Accounts();
        return read((tables, txn) -> {
            try (Cursor<byte[]> cursor = tables.state().openCursor(txn)) {
                boolean there = seek(cursor, Accounts.NAMES);
                while (there && PrefixKey.startsWith(cursor.key(), Accounts.NAMES)) {
                    found.load(cursor.key(), cursor.val());
                    there = cursor.next();
                }
                return found;
            }
        });
    }

    /** The bound below which all generations may have been used. */
    public long generationBound() {
        return read((tables, txn) -> {
            byte[] stored = tables.state().get(txn, GENERATIONS);
            return stored == null ? FIRST_GENERATION : RowKeys.value(stored).getLong();
        });
    }

    /** What is in use of the file, free pages within it too; 0 while the index is closed. */
    public long fileBytes() {
        use.readLock().lock();
        try {
            Tables there = opened;
            return there == null
                    ? 0
                    : (there.env().info().lastPageNumber + 1) * there.env().stat().pageSize;
        } finally {
            use.readLock().unlock();
        }
    }

    /** The most that the file may grow to. */
    public long maxFileBytes() {
        return mapBytes;
    }

    /** What is left free within the file by what was removed. */
    private long freePageBytes() {
        return read((tables, txn) -> {
            long pages = tables.env().info().lastPageNumber + 1;
            for (Dbi<byte[]> table : tables.all()) {
                Stat stat = table.stat(txn);
                pages -= stat.branchPages + stat.leafPages + stat.overflowPages;
            }
            return pages * tables.env().stat().pageSize;
        });
    }

    /** How much of a file system is to be left to removals, which need some before they free more. */
    public long reservedBytes() {
        return Math.max(MIN_RESERVE_BYTES, Math.min(MAX_RESERVE_BYTES, fileBytes() / 4));
    }

    /**
     * Whether objects can be added, so that those that are there can still be removed on a file system with so many free bytes; for the
     * committing thread.
     */
    public boolean canGrow(long freeBytes) {
        long reserve = reservedBytes();
        return freeBytes >= reserve || freeBytes + freePageBytes() >= reserve;
    }

    /** Whether objects can be added, and some more after that, with so many free bytes on the file system; for the committing thread. */
    public boolean hasRoom(long freeBytes) {
        try {
            return canGrow(freeBytes / 2) && (isFarFromFull() || findsPages(2 * reserveBytes()));
        } catch (LmdbException e) {
            throw IndexException.of(e);
        }
    }

    /** Even a removal needs free pages before it frees others: so many are left to it. */
    private long reserveBytes() {
        return Math.min(MAX_RESERVE_BYTES, mapBytes / 4);
    }

    private boolean isFarFromFull() {
        return fileBytes() < mapBytes - 2 * reserveBytes();
    }

    /** Whether a commit of so many bytes would find free pages. Writes nothing. */
    private boolean findsPages(long bytes) {
        Tables tables = tables();
        try (Txn<byte[]> txn = tables.env().txnWrite()) {
            byte[] piece = new byte[PIECE_BYTES];
            for (long left = bytes; left > 0; left -= PIECE_BYTES) {
                tables.bodies().put(txn, RowKeys.number(-left), piece, PutFlags.MDB_APPEND);
            }
            return true;
        } catch (Env.MapFullException e) {
            return false;
        }
    }

    /** Clears the slots of readers that died. */
    public void checkReaders() {
        use.readLock().lock();
        try {
            tables().env().readerCheck();
        } catch (LmdbException e) {
            throw IndexException.of(e);
        } finally {
            use.readLock().unlock();
        }
    }

    /** An object, expired or not, with its inline body. */
    public @Nullable IndexRecord get(ObjectKey key) {
        return readOrNull((tables, txn) -> {
            IndexRecord found = decode(tables.objects().get(txn, key.row()));
            if (found == null || !Arrays.equals(found.key(), key.bytes())) {
                return null;
            }
            return found.hasFile() ? found : withBody(tables, txn, found);
        });
    }

    /** Chooses one of the objects under a key; it may be another than they are. */
    public interface Choice {
        @Nullable
        IndexRecord of(List<IndexRecord> there);
    }

    /** What is chosen of all objects under a key, expired or not; with its inline body, which those to choose from are without. */
    public @Nullable IndexRecord choose(ObjectKey key, Choice choice) {
        return readOrNull((tables, txn) -> {
            IndexRecord chosen = choice.of(under(tables, txn, key.digest()));
            return chosen == null || chosen.hasFile() || chosen.inlineBody() != null
                    ? chosen
                    : withBody(tables, txn, chosen);
        });
    }

    /** All objects under a key, expired or not. */
    public List<ObjectKey> keysUnder(ObjectKey key) {
        byte[] digest = key.digest();
        List<ObjectKey> found = new ArrayList<>(1);
        return read((tables, txn) -> {
            try (Cursor<byte[]> cursor = tables.objects().openCursor(txn)) {
                boolean there = cursor.get(digest, GetOp.MDB_SET_RANGE);
                while (there && PrefixKey.startsWith(cursor.key(), digest)) {
                    found.add(key.variant(ByteBuffer.wrap(cursor.key()).getLong(Digests.SHA256_BYTES)));
                    there = cursor.next();
                }
                return found;
            }
        });
    }

    private List<IndexRecord> under(Tables tables, Txn<byte[]> txn, byte[] digest) {
        List<IndexRecord> found = new ArrayList<>(1);
        try (Cursor<byte[]> cursor = tables.objects().openCursor(txn)) {
            boolean there = cursor.get(digest, GetOp.MDB_SET_RANGE);
            while (there && PrefixKey.startsWith(cursor.key(), digest)) {
                IndexRecord record = decode(cursor.val());
                if (record != null) {
                    found.add(record);
                }
                there = cursor.next();
            }
        }
        return found;
    }

    private @Nullable IndexRecord withBody(Tables tables, Txn<byte[]> txn, IndexRecord record) {
        byte[] body = tables.bodies().get(txn, RowKeys.number(record.bodyGeneration()));
        if (!record.isBody(body)) {
            metrics.count(Metric.STORE_RECORDS_DAMAGED);
            return null;
        }
        return record.withInlineBody(body);
    }

    /** What stands in a row of objects; null for nothing, and for what is damaged, which is counted. */
    private @Nullable IndexRecord decode(byte @Nullable [] stored) {
        IndexRecord record = stored == null ? null : IndexRecord.decode(stored);
        if (stored != null && record == null) {
            metrics.count(Metric.STORE_RECORDS_DAMAGED);
        }
        return record;
    }

    /**
     * All objects under each key, in the order of the keys' first 400 bytes, from behind {@code after} on, as long as {@code more} takes them.
     * Returns the code of the last key looked at if so many objects were as the {@code budget} is, or {@code more} said no, and null at the
     * end of the prefix.
     */
    public byte @Nullable [] scan(
            byte[] prefix, byte @Nullable [] after, int budget, Predicate<List<IndexRecord>> more) {
        return walk(
                Tables::prefixes,
                PrefixKey.start(prefix),
                (tables, txn, code) -> under(tables, txn, PrefixKey.digest(code)),
                after,
                budget,
                records -> !PrefixKey.startsWith(records.get(0).key(), prefix) || more.test(records));
    }

    /** As {@link #scan}, with single objects that have a tag, in the order of their digests. */
    public byte @Nullable [] tagged(
            byte[] tag, byte @Nullable [] after, int budget, Predicate<List<IndexRecord>> more) {
        return walk(Tables::tags, RowKeys.tagStart(tag), this::objectAtEnd, after, budget, more);
    }

    private List<IndexRecord> objectAtEnd(Tables tables, Txn<byte[]> txn, byte[] code) {
        IndexRecord record = decode(tables.objects().get(txn, RowKeys.rowAtEnd(code)));
        return record == null ? List.of() : List.of(record);
    }

    /** What a code leads to. */
    private interface Ends {
        List<IndexRecord> of(Tables tables, Txn<byte[]> txn, byte[] code);
    }

    /** Walks over codes that start so and lead to objects; passes over what is damaged. */
    private byte @Nullable [] walk(
            Function<Tables, Dbi<byte[]>> table,
            byte[] start,
            Ends ends,
            byte @Nullable [] after,
            int budget,
            Predicate<List<IndexRecord>> more) {
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
                    List<IndexRecord> found = ends.of(tables, txn, code);
                    left -= Math.max(1, found.size());
                    if ((!found.isEmpty() && !more.test(found)) || left <= 0) {
                        return code;
                    }
                    there = cursor.next();
                }
                return null;
            }
        });
    }

    /** The evictable object with a {@link ObjectKey#stableHash}; null where there is none. */
    public @Nullable IndexRecord findEvictable(long stableHash) {
        byte[] start = Arrays.copyOf(RowKeys.number(stableHash), Integer.BYTES);
        return readOrNull((tables, txn) -> {
            try (Cursor<byte[]> cursor = tables.objects().openCursor(txn)) {
                boolean there = seek(cursor, start);
                while (there && PrefixKey.startsWith(cursor.key(), start)) {
                    IndexRecord record = stableHash(cursor.key()) == stableHash ? decode(cursor.val()) : null;
                    if (record != null && record.isEvictable()) {
                        return record;
                    }
                    there = cursor.next();
                }
                return null;
            }
        });
    }

    private static long stableHash(byte[] row) {
        ByteBuffer buffer = ByteBuffer.wrap(row);
        return ObjectKey.stableHash(buffer.getLong(), buffer.getLong(Digests.SHA256_BYTES));
    }

    /** Up to {@code limit} objects whose expiry and grace are over, the earliest first. */
    public List<IndexRecord> due(long nowMillis, int limit) {
        List<IndexRecord> found = new ArrayList<>();
        return read((tables, txn) -> {
            try (Cursor<byte[]> cursor = tables.expiries().openCursor(txn)) {
                boolean there = cursor.first();
                while (there && found.size() < limit) {
                    long removalMillis = ByteBuffer.wrap(cursor.key()).getLong();
                    if (removalMillis > nowMillis) {
                        break;
                    }
                    IndexRecord record = decode(tables.objects().get(txn, RowKeys.rowAtEnd(cursor.key())));
                    // A time that a damaged record left behind is none of the object's that came after it.
                    if (record != null && record.removalMillis() == removalMillis) {
                        found.add(record);
                    }
                    there = cursor.next();
                }
                return found;
            }
        });
    }

    /**
     * Objects in the order of their rows, from behind one on: {@code limit} of them, and the others under the last one's key; fewer at the
     * end. Passes over what is damaged.
     */
    public List<IndexRecord> after(byte @Nullable [] row, int limit) {
        List<IndexRecord> found = new ArrayList<>();
        byte[] from = row == null ? null : Arrays.copyOf(row, RowKeys.ROW_BYTES);
        return read((tables, txn) -> {
            try (Cursor<byte[]> cursor = tables.objects().openCursor(txn)) {
                boolean there = from == null ? cursor.first() : seek(cursor, from);
                if (there && Arrays.equals(cursor.key(), from)) {
                    there = cursor.next();
                }
                byte[] last = RowKeys.NOTHING;
                while (there && (found.size() < limit || isSameKey(cursor.key(), last))) {
                    IndexRecord record = decode(cursor.val());
                    if (record != null) {
                        found.add(record);
                    }
                    last = cursor.key();
                    there = cursor.next();
                }
                return found;
            }
        });
    }

    /** Looks at up to {@code limit} objects in the order of their rows, from behind one on: at them, and at what should lead to them. */
    public RowsLook lookAtRows(byte @Nullable [] after, int limit) {
        return read((tables, txn) -> RowsLook.at(tables, txn, after, limit));
    }

    private static boolean isSameKey(byte[] row, byte[] other) {
        int digest = Digests.SHA256_BYTES;
        return other.length >= digest && Arrays.equals(row, 0, digest, other, 0, digest);
    }

    /** The value of a row besides the objects; null where there is none. */
    public byte @Nullable [] row(IndexRow.Table table, byte[] key) {
        return readOrNull((tables, txn) -> tables.of(table).get(txn, key));
    }

    /** All such rows, in the order of their keys; for a table that has few. */
    public List<IndexRow> rows(IndexRow.Table table) {
        List<IndexRow> found = new ArrayList<>();
        return read((tables, txn) -> {
            try (Cursor<byte[]> cursor = tables.of(table).openCursor(txn)) {
                for (boolean there = cursor.first(); there; there = cursor.next()) {
                    found.add(new IndexRow(table, cursor.key(), cursor.val()));
                }
                return found;
            }
        });
    }

    /** Up to {@code limit} keys of such rows, from one on and before another. */
    List<byte[]> keys(IndexRow.Table table, byte[] from, byte[] before, int limit) {
        List<byte[]> found = new ArrayList<>();
        return read((tables, txn) -> {
            try (Cursor<byte[]> cursor = tables.of(table).openCursor(txn)) {
                boolean there = seek(cursor, from);
                while (there && found.size() < limit && Arrays.compareUnsigned(cursor.key(), before) < 0) {
                    found.add(cursor.key());
                    there = cursor.next();
                }
                return found;
            }
        });
    }

    private static boolean seek(Cursor<byte[]> cursor, byte[] from) {
        return from.length == 0 ? cursor.first() : cursor.get(from, GetOp.MDB_SET_RANGE);
    }

    /**
     * Writes changes, one for each key at most, then other rows, and the bound of generations; adds to {@code replaced} the files that nothing leads to
     * any more. When it fails otherwise than for want of room, the index holds all of the changes or none of them, and which of the two
     * can be said after {@link #reopen}.
     */
    public void commit(
            Iterable<IndexChange> changes, Iterable<IndexRow> rows, long generationBound, List<Replaced> replaced) {
        try {
            if (adds(changes, rows) && !isFarFromFull() && !findsPages(reserveBytes())) {
                throw full();
            }
            write(changes, rows, generationBound, replaced);
        } catch (Env.MapFullException e) {
            throw full();
        } catch (LmdbException e) {
            throw IndexException.of(e);
        } catch (BufferUnderflowException | IllegalArgumentException | IllegalStateException e) {
            throw damaged(e);
        }
    }

    private static boolean adds(Iterable<IndexChange> changes, Iterable<IndexRow> rows) {
        for (IndexChange change : changes) {
            if (change.record() != null) {
                return true;
            }
        }
        for (IndexRow row : rows) {
            if (row.table() == IndexRow.Table.ORDERS && row.value() != null) {
                return true;
            }
        }
        return false;
    }

    private IndexException full() {
        return IndexException.full("the index " + directory.resolve(IndexFile.DATA) + " is full: it may grow to bytes="
                + mapBytes + ", so remove objects or let them expire");
    }

    private IndexException damaged(RuntimeException e) {
        String reason = e.getMessage();
        return IndexException.wrong("the index " + directory.resolve(IndexFile.DATA) + " is damaged"
                + (reason == null ? "" : " (" + reason + ")") + ": put it back from a backup");
    }

    private void write(
            Iterable<IndexChange> changes, Iterable<IndexRow> rows, long generationBound, List<Replaced> replaced) {
        Tables tables = tables();
        Accounts sum = new Accounts(accounts);
        try (Txn<byte[]> txn = tables.env().txnWrite()) {
            ChangeRows written = new ChangeRows(tables, txn, this::decode, sum, replaced);
            changes.forEach(written::apply);
            written.appendBodies();
            rows.forEach(row -> write(tables.of(row.table()), txn, row));
            sum.changes().forEach(row -> write(tables.state(), txn, row));
            tables.state()
                    .put(
                            txn,
                            GENERATIONS,
                            RowKeys.value(8).putLong(generationBound).array());
            txn.commit();
        }
        accounts = sum;
        totals = sum.all();
        committedBound = generationBound;
    }

    private static void write(Dbi<byte[]> table, Txn<byte[]> txn, IndexRow row) {
        byte[] value = row.value();
        if (value == null) {
            table.delete(txn, row.key());
        } else {
            table.put(txn, row.key(), value);
        }
    }

    /** Whether the environment still takes transactions: it takes none when a commit failed half-way. */
    public boolean isUsable() {
        try (Txn<byte[]> txn = tables().env().txnRead()) {
            return txn.isReadOnly();
        } catch (LmdbException | IndexException e) {
            return false;
        }
    }

    /** Whether a file of a device is an object's, even if the object's record is damaged. */
    public boolean leadsTo(int device, byte[] digest, long bodyGeneration) {
        byte[] found = readOrNull((tables, txn) -> tables.onDevice().get(txn, RowKeys.fileKey(device, bodyGeneration)));
        return found != null && PrefixKey.startsWith(found, digest);
    }

    /** The object whose body has a file of that name on a device, without what a damaged record says. */
    public @Nullable IndexRecord ofFile(int device, long bodyGeneration) {
        return readOrNull((tables, txn) -> {
            byte[] row = tables.onDevice().get(txn, RowKeys.fileKey(device, bodyGeneration));
            IndexRecord record = row == null ? null : decode(tables.objects().get(txn, row));
            return record != null && record.bodyGeneration() == bodyGeneration ? record : null;
        });
    }

    /**
     * Closes the environment and opens it again: LMDB takes no transactions after a commit that failed half-way. Waits for those who
     * read. Then proves with a commit that it takes changes, which also settles what the failed commit left. Where that fails, readers
     * have the index as far as it can be opened; call it again later.
     */
    public void reopen(long generationBound) {
        openAnew();
        try {
            commit(List.of(), List.of(), generationBound, new ArrayList<>());
        } catch (IndexException e) {
            openAnew();
            throw e;
        }
    }

    private void openAnew() {
        use.writeLock().lock();
        try {
            closeTables();
            refuseDamaged();
            IndexFile.checkData(directory, false);
            opened = open(false);
            if (generationBound() < committedBound) {
                closeTables();
                throw IndexException.wrong(directory + " holds another index than before");
            }
            accounts = readAccounts();
            totals = accounts.all();
        } catch (LmdbException e) {
            throw IndexException.of(e);
        } finally {
            reopenings++;
            reopened.signalAll();
            use.writeLock().unlock();
        }
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
            return tables.env().txnRead();
        }
        try {
            idle.renew();
            return idle;
        } catch (LmdbException e) {
            idle.close();
            throw e;
        }
    }

    private void refuseDamaged() {
        String why = damage;
        if (why != null) {
            throw IndexException.wrong(why);
        }
    }

    private Tables tables() {
        refuseDamaged();
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
            there.env().close();
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
