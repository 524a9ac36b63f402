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

    /** Puts another value into the row at a key or the next one, or into the first row; null takes the row away. */
    static void rewrite(Path directory, String table, byte @Nullable [] from, UnaryOperator<byte @Nullable []> value) {
        try (Env<byte[]> env = Env.create(ByteArrayProxy.PROXY_BA)
                .setMapSize(MAP_BYTES)
                .setMaxDbs(16)
                .open(directory.toFile(), 0600, EnvFlags.MDB_NOTLS)) {
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
