package org.objmapper.server.store.index;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.lmdbjava.Cursor;
import org.lmdbjava.Dbi;
import org.lmdbjava.GetOp;
import org.lmdbjava.Txn;

/**
 * What a look at the rows of some objects found while the index is in use.
 *
 * @param objects that were looked at
 * @param wrong what is not as it should be with them
 * @param last the row of the last one; null where there are no more behind them
 */
public record RowsLook(int objects, List<Wrong> wrong, byte @Nullable [] last) {
    /** What can be wrong with an object. */
    public enum Damage {
        /** It is found no more. */
        RECORD,
        /** The body that stands in the index is gone or another; it is found no more. */
        BODY,
        /** It is found by its key, and not by all else that it should be found by. */
        WAYS
    }

    /** Something that is wrong with an object, of which so much is known. */
    public record Wrong(Damage damage, String object) {}

    static RowsLook at(Tables tables, Txn<byte[]> txn, byte @Nullable [] after, int limit) {
        List<Wrong> wrong = new ArrayList<>();
        int count = 0;
        byte[] last = after;
        try (Cursor<byte[]> cursor = tables.objects().openCursor(txn)) {
            boolean there = after == null ? cursor.first() : cursor.get(after, GetOp.MDB_SET_RANGE);
            if (there && Arrays.equals(cursor.key(), after)) {
                there = cursor.next();
            }
            while (there && count < limit) {
                last = cursor.key();
                count++;
                look(tables, txn, last, cursor.val(), wrong);
                there = cursor.next();
            }
            return new RowsLook(count, wrong, there ? last : null);
        }
    }

    private static void look(Tables tables, Txn<byte[]> txn, byte[] row, byte[] stored, List<Wrong> wrong) {
        IndexRecord record = row.length == RowKeys.ROW_BYTES ? IndexRecord.decode(stored) : null;
        if (record == null || !Arrays.equals(record.objectKey().row(), row)) {
            wrong.add(new Wrong(Damage.RECORD, "whose key's SHA-256 begins with " + Digests.shown(row)));
            return;
        }
        String object = LoggedKeys.text(record.key());
        if (!record.hasFile() && !record.isBody(tables.bodies().get(txn, RowKeys.number(record.bodyGeneration())))) {
            wrong.add(new Wrong(Damage.BODY, object));
        }
        if (!hasAllWays(tables, txn, record, row)) {
            wrong.add(new Wrong(Damage.WAYS, object));
        }
    }

    private static boolean hasAllWays(Tables tables, Txn<byte[]> txn, IndexRecord record, byte[] row) {
        boolean all = isThere(tables.prefixes(), txn, PrefixKey.of(record.objectKey()));
        for (byte[] tag : record.tags()) {
            all &= isThere(tables.tags(), txn, RowKeys.join(RowKeys.tagStart(tag), row));
        }
        if (record.removalMillis() != IndexRecord.NEVER) {
            all &= isThere(tables.expiries(), txn, RowKeys.join(RowKeys.number(record.removalMillis()), row));
        }
        byte[] file = RowKeys.fileKey(record.device(), record.bodyGeneration());
        return all && (!record.hasFile() || Arrays.equals(tables.onDevice().get(txn, file), row));
    }

    private static boolean isThere(Dbi<byte[]> table, Txn<byte[]> txn, byte[] key) {
        return table.get(txn, key) != null;
    }
}
