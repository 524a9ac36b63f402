package org.objmapper.server.store.index;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.lmdbjava.Cursor;
import org.lmdbjava.GetOp;
import org.lmdbjava.PutFlags;
import org.lmdbjava.Txn;

/** Brings the changes of one commit into the tables: the objects, the ways to them, and their inline bodies. For one thread. */
final class ChangeRows {
    private final Tables tables;
    private final Txn<byte[]> txn;
    private final Function<byte @Nullable [], @Nullable IndexRecord> decode;
    private final Accounts sum;
    private final List<Index.Replaced> replaced;
    private final NavigableMap<Long, byte[]> bodies = new TreeMap<>();

    /**
     * For one write transaction.
     *
     * @param decode says what a stored row is
     * @param sum follows the changes
     * @param replaced gets the files that nothing leads to any more
     */
    ChangeRows(
            Tables tables,
            Txn<byte[]> txn,
            Function<byte @Nullable [], @Nullable IndexRecord> decode,
            Accounts sum,
            List<Index.Replaced> replaced) {
        this.tables = tables;
        this.txn = txn;
        this.decode = decode;
        this.sum = sum;
        this.replaced = replaced;
    }

    /** Brings one in; inline bodies come with {@link #appendBodies}. */
    void apply(IndexChange change) {
        ObjectKey key = change.key();
        byte[] row = key.row();
        IndexRecord now = change.record();
        byte[] stored = tables.objects().get(txn, row);
        IndexRecord old = decode.apply(stored);
        if (stored != null) {
            tables.objects().delete(txn, row);
            if (now == null && !hasAny(key.digest())) {
                tables.prefixes().delete(txn, PrefixKey.of(key));
            }
            if (old == null) {
                sum.minusDamaged(stored);
            } else {
                sum.minus(old);
            }
        }
        if (old != null) {
            forget(row, old);
        }
        if (old != null && (now == null || now.bodyGeneration() != old.bodyGeneration())) {
            letGoOfBody(key, old);
        }
        if (now != null) {
            remember(key, row, now);
            sum.plus(now);
            byte[] inline = now.inlineBody();
            if (!now.hasFile() && inline != null && (old == null || now.bodyGeneration() != old.bodyGeneration())) {
                bodies.put(now.bodyGeneration(), inline);
            }
        }
    }

    /** Whether there is an object under a key, even a damaged one. */
    private boolean hasAny(byte[] digest) {
        try (Cursor<byte[]> cursor = tables.objects().openCursor(txn)) {
            return cursor.get(digest, GetOp.MDB_SET_RANGE) && PrefixKey.startsWith(cursor.key(), digest);
        }
    }

    private void letGoOfBody(ObjectKey key, IndexRecord old) {
        if (old.hasFile()) {
            tables.onDevice().delete(txn, RowKeys.fileKey(old.device(), old.bodyGeneration()));
            replaced.add(new Index.Replaced(old.device(), key.digest(), old.bodyGeneration()));
        } else {
            tables.bodies().delete(txn, RowKeys.number(old.bodyGeneration()));
        }
    }

    /** Writes bodies behind those that are there, which leaves no gaps in the pages. */
    void appendBodies() {
        if (bodies.isEmpty()) {
            return;
        }
        long last;
        try (Cursor<byte[]> cursor = tables.bodies().openCursor(txn)) {
            last = cursor.last() ? ByteBuffer.wrap(cursor.key()).getLong() : -1;
        }
        PutFlags[] behind = {PutFlags.MDB_APPEND};
        PutFlags[] anywhere = {};
        bodies.forEach((generation, body) ->
                tables.bodies().put(txn, RowKeys.number(generation), body, generation > last ? behind : anywhere));
    }

    private void remember(ObjectKey key, byte[] row, IndexRecord record) {
        tables.objects().put(txn, row, record.encode());
        tables.prefixes().put(txn, PrefixKey.of(key), RowKeys.NOTHING);
        if (record.hasFile()) {
            tables.onDevice().put(txn, RowKeys.fileKey(record.device(), record.bodyGeneration()), row);
        }
        for (byte[] tag : record.tags()) {
            tables.tags().put(txn, RowKeys.join(RowKeys.tagStart(tag), row), RowKeys.NOTHING);
        }
        if (record.removalMillis() != IndexRecord.NEVER) {
            tables.expiries().put(txn, RowKeys.join(RowKeys.number(record.removalMillis()), row), RowKeys.NOTHING);
        }
    }

    private void forget(byte[] row, IndexRecord record) {
        for (byte[] tag : record.tags()) {
            tables.tags().delete(txn, RowKeys.join(RowKeys.tagStart(tag), row));
        }
        if (record.removalMillis() != IndexRecord.NEVER) {
            tables.expiries().delete(txn, RowKeys.join(RowKeys.number(record.removalMillis()), row));
        }
    }
}
