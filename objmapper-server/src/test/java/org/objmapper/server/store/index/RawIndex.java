package org.objmapper.server.store.index;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.lmdbjava.ByteArrayProxy;
import org.lmdbjava.Cursor;
import org.lmdbjava.Dbi;
import org.lmdbjava.Env;
import org.lmdbjava.EnvFlags;
import org.lmdbjava.GetOp;
import org.lmdbjava.Txn;

/** Changes rows of a closed index behind its back. */
public final class RawIndex {
    private static final long MAP_BYTES = 1 << 24;

    private RawIndex() {}

    /** Gives the index another format in its state; null takes the format away. */
    public static void rewriteFormat(Path directory, @Nullable Integer format) {
        byte[] value = format == null ? null : new byte[] {format.byteValue(), 0};
        rewrite(directory, "state", "format".getBytes(StandardCharsets.US_ASCII), old -> value);
    }

    /** Flips a bit in the last byte of the value of the row at a key or the next one, or of the first row. */
    public static void damage(Path directory, String table, byte @Nullable [] from) {
        rewrite(directory, table, from, value -> {
            byte[] damaged = value.clone();
            damaged[damaged.length - 1] ^= 1;
            return damaged;
        });
    }

    /** Takes the row at a key or the next one away, or the first row. */
    public static void remove(Path directory, String table, byte @Nullable [] from) {
        rewrite(directory, table, from, value -> null);
    }

    /** Gives the index another bound of generations in its state. */
    public static void rewriteGenerationBound(Path directory, long bound) {
        rewrite(directory, "state", "generations".getBytes(StandardCharsets.US_ASCII), old -> RowKeys.value(Long.BYTES)
                .putLong(bound)
                .array());
    }

    /** Adds a row that is like the first one, and leads to another object, which is not there. */
    public static void addStray(Path directory, String table) {
        try (Env<byte[]> env = open(directory)) {
            Dbi<byte[]> dbi = env.openDbi(table);
            try (Txn<byte[]> txn = env.txnWrite()) {
                byte[] key;
                byte[] value;
                try (Cursor<byte[]> cursor = dbi.openCursor(txn)) {
                    cursor.first();
                    key = cursor.key().clone();
                    value = cursor.val().clone();
                }
                // The key's end leads to the object; that of an expiry or a tag is the variant, which is none.
                key[key.length - 1] ^= 1;
                dbi.put(txn, key, value);
                txn.commit();
            }
        }
    }

    /** Adds a row. */
    public static void put(Path directory, String table, byte[] key, byte[] value) {
        try (Env<byte[]> env = open(directory)) {
            env.openDbi(table).put(key, value);
        }
    }

    private static Env<byte[]> open(Path directory) {
        return Env.create(ByteArrayProxy.PROXY_BA)
                .setMapSize(MAP_BYTES)
                .setMaxDbs(16)
                .open(directory.toFile(), 0600, EnvFlags.MDB_NOTLS);
    }

    /** Puts another value into the row at a key or the next one, or into the first row; null takes the row away. */
    static void rewrite(Path directory, String table, byte @Nullable [] from, UnaryOperator<byte @Nullable []> value) {
        try (Env<byte[]> env = open(directory)) {
            Dbi<byte[]> dbi = env.openDbi(table);
            try (Txn<byte[]> txn = env.txnWrite()) {
                try (Cursor<byte[]> cursor = dbi.openCursor(txn)) {
                    if (!(from == null ? cursor.first() : cursor.get(from, GetOp.MDB_SET_RANGE))) {
                        throw new IllegalStateException(table + " has no such row");
                    }
                    byte[] changed = value.apply(cursor.val());
                    if (changed == null) {
                        cursor.delete();
                    } else {
                        dbi.put(txn, cursor.key(), changed);
                    }
                }
                txn.commit();
            }
        }
    }
}
