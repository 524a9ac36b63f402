package org.objmapper.server.store.index;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.lmdbjava.Cursor;
import org.lmdbjava.Dbi;
import org.lmdbjava.Env;
import org.lmdbjava.EnvFlags;
import org.lmdbjava.GetOp;
import org.lmdbjava.LmdbException;
import org.lmdbjava.Txn;

/**
 * An index that no server uses, row by row: what each object's row says, whether the other tables fit it, and mending. It is looked at as
 * it was when it was opened; what is mended is written in between, and is on disk after {@link #flush}. For one thread.
 */
public final class IndexCheck implements AutoCloseable {
    private static final int MENDED_AT_ONCE = 1_000;
    private static final int MOST_NAMED = 1_000;

    private final Path directory;
    private final Env<byte[]> env;
    private final Dbi<byte[]> objects;
    private final Dbi<byte[]> bodies;
    private final Dbi<byte[]> prefixes;
    private final Dbi<byte[]> tags;
    private final Dbi<byte[]> expiries;
    private final Dbi<byte[]> onDevice;
    private final Dbi<byte[]> devices;
    private final Dbi<byte[]> orders;
    private final Dbi<byte[]> purges;
    private final Dbi<byte[]> state;
    private final Txn<byte[]> txn;
    private final Accounts recorded = new Accounts();
    private final Accounts whole = new Accounts();
    private final List<Consumer<Txn<byte[]>>> mending = new ArrayList<>();
    /** What the prefixes still know of the keys of damaged records. */
    private final Map<ByteBuffer, String> keysOfDamaged = new HashMap<>();

    /** Takes what stands in the rows of objects. */
    public interface Visitor {
        /** A sound record, with its inline body if that is there and whole. */
        void sound(Row row, IndexRecord record);

        /** A row that says nothing of its object any more, for a reason. */
        void damaged(Row row, String why);
    }

    /** The place of a record; {@code key} is what is known of its object's key, for messages. */
    public record Row(byte[] place, String key) {
        /** SHA-256 of the key. */
        public byte[] digest() {
            return Arrays.copyOf(place, Digests.SHA256_BYTES);
        }
    }

    /** Whose a file is. */
    public enum FileUse {
        AN_OBJECTS,
        /** Perhaps of an object whose record is damaged. */
        OF_DAMAGED,
        NOBODYS
    }

    /** Opens the index of a directory; to be mended or to be looked at alone. */
    public static IndexCheck open(Path directory, long mapBytes, Index.Ids ids, boolean mends) {
        IndexFile.checkData(directory, false);
        IndexFile.checkPages(directory);
        try {
            EnvFlags[] flags = mends
                    ? new EnvFlags[] {EnvFlags.MDB_NOTLS}
                    : new EnvFlags[] {EnvFlags.MDB_NOTLS, EnvFlags.MDB_RDONLY_ENV};
            Env<byte[]> env = Env.create(ReusedMemory.PROXY)
                    .setMapSize(mapBytes)
                    .setMaxDbs(Index.MAX_TABLES)
                    .open(directory.toFile(), 0600, flags);
            try {
                IndexFile.check(env, directory, ids);
                return new IndexCheck(directory, env);
            } catch (LmdbException | IndexException e) {
                env.close();
                throw e;
            }
        } catch (LmdbException e) {
            throw IndexException.of(e);
        }
    }

    private IndexCheck(Path directory, Env<byte[]> env) {
        this.directory = directory;
        this.env = env;
        objects = table("objects");
        bodies = table("bodies");
        prefixes = table("prefixes");
        tags = table("tags");
        expiries = table("expiries");
        onDevice = table("ondevice");
        devices = table("devices");
        orders = table("orders");
        purges = table("purges");
        state = table("state");
        txn = env.txnRead();
    }

    private Dbi<byte[]> table(String name) {
        return IndexFile.openExisting(env, directory, RowKeys.ascii(name));
    }

    // ---- objects

    /** Shows each row of objects. */
    public void visit(Visitor visitor) {
        forEach(objects, (place, stored) -> {
            IndexRecord record = place.length == RowKeys.ROW_BYTES ? IndexRecord.decode(stored) : null;
            Row row = new Row(place, record == null ? damagedKey(place) : LoggedKeys.text(record.key()));
            if (record == null) {
                visitor.damaged(row, "its record in the index is damaged");
            } else if (!Arrays.equals(record.objectKey().row(), place)) {
                visitor.damaged(row, "its record stands in another object's place");
            } else {
                visitor.sound(row, record.hasFile() ? record : record.withInlineBody(inlineBody(record)));
            }
        });
    }

    private String damagedKey(byte[] place) {
        String known = keysOfDamaged.get(ByteBuffer.wrap(place));
        return known == null ? "whose key's SHA-256 begins with " + Digests.shown(place) : known;
    }

    private byte @Nullable [] inlineBody(IndexRecord record) {
        byte[] body = bodies.get(txn, RowKeys.number(record.bodyGeneration()));
        return record.isBody(body) ? body : null;
    }

    /** Whose a device's file is, by the rows of objects. */
    public FileUse use(int device, byte[] digest, long bodyGeneration) {
        FileUse use = FileUse.NOBODYS;
        try (Cursor<byte[]> cursor = objects.openCursor(txn)) {
            boolean there = cursor.get(digest, GetOp.MDB_SET_RANGE);
            while (there && PrefixKey.startsWith(cursor.key(), digest)) {
                IndexRecord record = IndexRecord.decode(cursor.val());
                if (record == null) {
                    use = FileUse.OF_DAMAGED;
                } else if (record.hasFile() && record.device() == device && record.bodyGeneration() == bodyGeneration) {
                    return FileUse.AN_OBJECTS;
                }
                there = cursor.next();
            }
        } catch (LmdbException e) {
            throw IndexException.of(e);
        }
        return use;
    }

    /** Takes an object out, with all that leads to it; of a damaged record only the row. */
    public void takeOut(Row row, @Nullable IndexRecord record) {
        mend(write -> {
            objects.delete(write, row.place());
            if (record == null) {
                return;
            }
            forEachWay(record, row.place(), (table, key) -> {
                if (table != prefixes || !hasOthers(write, record)) {
                    table.delete(write, key);
                }
            });
            if (record.hasFile()) {
                onDevice.delete(write, RowKeys.fileKey(record.device(), record.bodyGeneration()));
            } else {
                bodies.delete(write, RowKeys.number(record.bodyGeneration()));
            }
        });
    }

    /** Whether there are objects under a key. */
    private boolean hasOthers(Txn<byte[]> write, IndexRecord record) {
        byte[] digest = new ObjectKey(record.key()).digest();
        try (Cursor<byte[]> cursor = objects.openCursor(write)) {
            return cursor.get(digest, GetOp.MDB_SET_RANGE) && PrefixKey.startsWith(cursor.key(), digest);
        }
    }

    // ---- the ways to objects

    private interface Way {
        void row(Dbi<byte[]> table, byte[] key);
    }

    /** The rows by which an object is found, besides its own; but for the one that its device's file is found by. */
    private void forEachWay(IndexRecord record, byte[] place, Way way) {
        way.row(prefixes, PrefixKey.of(new ObjectKey(record.key())));
        for (byte[] tag : record.tags()) {
            way.row(tags, RowKeys.join(RowKeys.tagStart(tag), place));
        }
        if (record.removalMillis() != IndexRecord.NEVER) {
            way.row(expiries, RowKeys.join(RowKeys.number(record.removalMillis()), place));
        }
    }

    /** How many rows are missing by which a sound record should be found; adds them where it is to be mended. */
    public int missingWays(Row row, IndexRecord record, boolean mends) {
        List<Consumer<Txn<byte[]>>> missing = new ArrayList<>();
        forEachWay(record, row.place(), (table, key) -> {
            if (table.get(txn, key) == null) {
                missing.add(write -> table.put(write, key, RowKeys.NOTHING));
            }
        });
        byte[] file = RowKeys.fileKey(record.device(), record.bodyGeneration());
        if (record.hasFile() && !Arrays.equals(onDevice.get(txn, file), row.place())) {
            missing.add(write -> onDevice.put(write, file, row.place()));
        }
        if (mends) {
            missing.forEach(this::mend);
        }
        return missing.size();
    }

    /** How many rows lead to an object that is not there, or not so; takes them out where it is to be mended. */
    public long strayWays(boolean mends) {
        return strays(prefixes, this::ofPrefix, mends)
                + strays(tags, this::ofTag, mends)
                + strays(expiries, this::ofExpiry, mends)
                + strays(onDevice, this::ofFile, mends)
                + strayBodies(mends);
    }

    /** Where a row leads to. */
    private enum Lead {
        TO_AN_OBJECT,
        /** Which is a damage already, and takes this row along. */
        TO_A_DAMAGED_RECORD,
        NOWHERE
    }

    private interface Leads {
        Lead where(byte[] key, byte[] value);
    }

    private long strays(Dbi<byte[]> table, Leads leads, boolean mends) {
        long[] count = {0};
        forEach(table, (key, value) -> {
            Lead lead = leads.where(key, value);
            count[0] += lead == Lead.NOWHERE ? 1 : 0;
            if (mends && lead != Lead.TO_AN_OBJECT) {
                mend(write -> table.delete(write, key));
            }
        });
        return count[0];
    }

    private Lead ofPrefix(byte[] code, byte[] nothing) {
        if (code.length < Digests.SHA256_BYTES) {
            return Lead.NOWHERE;
        }
        Lead lead = Lead.NOWHERE;
        byte[] digest = PrefixKey.digest(code);
        try (Cursor<byte[]> cursor = objects.openCursor(txn)) {
            boolean there = cursor.get(digest, GetOp.MDB_SET_RANGE);
            while (there && PrefixKey.startsWith(cursor.key(), digest)) {
                IndexRecord record = IndexRecord.decode(cursor.val());
                if (record == null) {
                    nameDamaged(cursor.key(), code);
                    lead = Lead.TO_A_DAMAGED_RECORD;
                } else if (Arrays.equals(PrefixKey.of(new ObjectKey(record.key())), code)) {
                    return Lead.TO_AN_OBJECT;
                }
                there = cursor.next();
            }
        }
        return lead;
    }

    private void nameDamaged(byte[] place, byte[] code) {
        byte[] start = PrefixKey.decode(code);
        if (keysOfDamaged.size() < MOST_NAMED && start.length > 0) {
            String shown = LoggedKeys.of(new ObjectKey(start));
            keysOfDamaged.put(ByteBuffer.wrap(place), start.length < PrefixKey.INDEXED ? shown : shown + "...");
        }
    }

    private Lead ofTag(byte[] code, byte[] nothing) {
        int length = code.length == 0 ? 0 : code[0] & 0xff;
        if (code.length != 1 + length + RowKeys.ROW_BYTES) {
            return Lead.NOWHERE;
        }
        byte[] tag = Arrays.copyOfRange(code, 1, 1 + length);
        return lead(
                RowKeys.rowAtEnd(code), record -> record.tags().stream().anyMatch(other -> Arrays.equals(other, tag)));
    }

    private Lead ofExpiry(byte[] code, byte[] nothing) {
        return code.length != Long.BYTES + RowKeys.ROW_BYTES
                ? Lead.NOWHERE
                : lead(
                        RowKeys.rowAtEnd(code),
                        record ->
                                record.removalMillis() == ByteBuffer.wrap(code).getLong());
    }

    private Lead ofFile(byte[] file, byte[] place) {
        return lead(
                place,
                record -> record.hasFile()
                        && Arrays.equals(RowKeys.fileKey(record.device(), record.bodyGeneration()), file));
    }

    private Lead lead(byte[] place, Predicate<IndexRecord> fits) {
        byte[] stored = place.length == RowKeys.ROW_BYTES ? objects.get(txn, place) : null;
        if (stored == null) {
            return Lead.NOWHERE;
        }
        IndexRecord record = IndexRecord.decode(stored);
        if (record == null) {
            return Lead.TO_A_DAMAGED_RECORD;
        }
        return fits.test(record) ? Lead.TO_AN_OBJECT : Lead.NOWHERE;
    }

    /** Inline bodies don't say whose they are: those that no object has are looked for if there are more than objects have. */
    private long strayBodies(boolean mends) {
        long[] used = {0};
        forEachInline(record -> used[0] += bodies.get(txn, RowKeys.number(record.bodyGeneration())) == null ? 0 : 1);
        if (used[0] == bodies.stat(txn).entries) {
            return 0;
        }
        long[] generations = new long[(int) used[0]];
        int[] count = {0};
        forEachInline(record -> {
            if (bodies.get(txn, RowKeys.number(record.bodyGeneration())) != null) {
                generations[count[0]++] = record.bodyGeneration();
            }
        });
        Arrays.sort(generations);
        return strays(
                bodies,
                (key, body) -> key.length == Long.BYTES
                                && Arrays.binarySearch(
                                                generations,
                                                ByteBuffer.wrap(key).getLong())
                                        >= 0
                        ? Lead.TO_AN_OBJECT
                        : Lead.NOWHERE,
                mends);
    }

    private void forEachInline(Consumer<IndexRecord> visitor) {
        forEach(objects, (place, stored) -> {
            IndexRecord record = IndexRecord.decode(stored);
            if (record != null && !record.hasFile()) {
                visitor.accept(record);
            }
        });
    }

    // ---- orders and purges

    /** How many rows of the orders of eviction say nothing; takes them out where it is to be mended. A snapshot that was cut off is none. */
    public long damagedOrders(boolean mends) {
        long[] count = {0};
        forEach(orders, (key, value) -> {
            if (!SavedOrder.isChunk(key, value)) {
                count[0]++;
                if (mends) {
                    mend(write -> orders.delete(write, key));
                }
            }
        });
        return count[0];
    }

    /** The purges that are not done yet. */
    public List<IndexRow> purges() {
        List<IndexRow> found = new ArrayList<>();
        forEach(purges, (key, value) -> found.add(new IndexRow(IndexRow.Table.PURGES, key, value)));
        return found;
    }

    /** Takes the record of a purge out. */
    public void takeOutPurge(IndexRow purge) {
        mend(write -> purges.delete(write, purge.key()));
    }

    // ---- state

    /** The devices that it knows of, by their numbers. */
    public List<IndexedDevice> devices() {
        List<IndexedDevice> found = new ArrayList<>();
        forEach(devices, (key, value) -> found.add(IndexedDevice.of(key, value)));
        return found;
    }

    /** Whether it has any object, sound or not. */
    public boolean hasObjects() {
        return objects.stat(txn).entries > 0;
    }

    /** Adds an object to the sums that {@link #hasWrongTotals} compares with; {@code isWhole}: it stays when all is mended. */
    public void count(IndexRecord record, boolean isWhole) {
        recorded.plus(record);
        if (isWhole) {
            whole.plus(record);
        }
    }

    /** The objects that stay. */
    public Totals whole() {
        return whole.all();
    }

    /** Whether the totals that the index says are not those of the objects that were counted. */
    public boolean hasWrongTotals() {
        return !recorded.changesFrom(saidAccounts()).isEmpty();
    }

    /** Makes the index say the totals of the objects that stay. */
    public void mendTotals() {
        for (IndexRow row : whole.changesFrom(saidAccounts())) {
            byte[] value = row.value();
            if (value != null) {
                mend(write -> state.put(write, row.key(), value));
            }
        }
    }

    private Accounts saidAccounts() {
        Accounts said = new Accounts();
        forEach(state, (name, value) -> {
            if (PrefixKey.startsWith(name, Accounts.NAMES)) {
                said.load(name, value);
            }
        });
        return said;
    }

    /** The bound below which all generations may have been used. */
    public long generationBound() {
        byte[] stored = state.get(txn, Index.GENERATIONS);
        return stored == null ? Index.FIRST_GENERATION : RowKeys.value(stored).getLong();
    }

    public void mendGenerationBound(long bound) {
        mend(write -> state.put(
                write,
                Index.GENERATIONS,
                RowKeys.value(Long.BYTES).putLong(bound).array()));
    }

    // ---- reading and writing

    private interface Rows {
        void row(byte[] key, byte[] value);
    }

    private void forEach(Dbi<byte[]> table, Rows rows) {
        try (Cursor<byte[]> cursor = table.openCursor(txn)) {
            for (boolean there = cursor.first(); there; there = cursor.next()) {
                rows.row(cursor.key(), cursor.val());
            }
        } catch (LmdbException e) {
            throw IndexException.of(e);
        }
    }

    private void mend(Consumer<Txn<byte[]>> change) {
        mending.add(change);
        if (mending.size() >= MENDED_AT_ONCE) {
            flush();
        }
    }

    /** Brings what is mended to disk. */
    public void flush() {
        if (mending.isEmpty()) {
            return;
        }
        try (Txn<byte[]> write = env.txnWrite()) {
            mending.forEach(change -> change.accept(write));
            write.commit();
        } catch (LmdbException e) {
            throw IndexException.of(e);
        }
        mending.clear();
    }

    /** Closes the index; what was not flushed is not mended. */
    @Override
    public void close() {
        txn.close();
        env.close();
    }
}
