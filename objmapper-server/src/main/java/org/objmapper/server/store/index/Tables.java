package org.objmapper.server.store.index;

import java.util.List;
import org.lmdbjava.Dbi;
import org.lmdbjava.DbiFlags;
import org.lmdbjava.Env;
import org.lmdbjava.Txn;

/** An LMDB environment and the tables in it. */
record Tables(
        Env<byte[]> env,
        Dbi<byte[]> objects,
        Dbi<byte[]> bodies,
        Dbi<byte[]> prefixes,
        Dbi<byte[]> tags,
        Dbi<byte[]> expiries,
        Dbi<byte[]> onDevice,
        Dbi<byte[]> devices,
        Dbi<byte[]> orders,
        Dbi<byte[]> purges,
        Dbi<byte[]> state) {
    /** Opens them all, and makes those that are not there, with the transaction. */
    static Tables of(Env<byte[]> env, Txn<byte[]> txn) {
        return new Tables(
                env,
                table(env, txn, "objects"),
                table(env, txn, "bodies"),
                table(env, txn, "prefixes"),
                table(env, txn, "tags"),
                table(env, txn, "expiries"),
                table(env, txn, "ondevice"),
                table(env, txn, "devices"),
                table(env, txn, "orders"),
                table(env, txn, "purges"),
                table(env, txn, "state"));
    }

    private static Dbi<byte[]> table(Env<byte[]> env, Txn<byte[]> txn, String name) {
        return env.openDbi(txn, RowKeys.ascii(name), null, false, DbiFlags.MDB_CREATE);
    }

    List<Dbi<byte[]>> all() {
        return List.of(objects, bodies, prefixes, tags, expiries, onDevice, devices, orders, purges, state);
    }

    Dbi<byte[]> of(IndexRow.Table table) {
        return switch (table) {
            case ORDERS -> orders;
            case PURGES -> purges;
            case DEVICES -> devices;
            case STATE -> state;
        };
    }
}
