package org.objmapper.server.store.index;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lmdbjava.Cursor;
import org.lmdbjava.Dbi;
import org.lmdbjava.DbiFlags;
import org.lmdbjava.Env;
import org.lmdbjava.EnvFlags;
import org.lmdbjava.GetOp;
import org.lmdbjava.Txn;

class ReusedMemoryTest {
    private static final int MAP_BYTES = 64 * 1024 * 1024;
    private static final int LONGEST_KEY = 511;
    private static final int LONGEST_VALUE = 100_000;
    private static final int ROWS = 200;
    private static final int THREADS = 4;

    @TempDir
    Path directory;

    private Env<byte[]> env;
    private Dbi<byte[]> rows;

    @BeforeEach
    void open() {
        env = Env.create(ReusedMemory.PROXY)
                .setMapSize(MAP_BYTES)
                .setMaxDbs(1)
                .open(directory.toFile(), EnvFlags.MDB_NOTLS);
        rows = env.openDbi("rows", DbiFlags.MDB_CREATE);
    }

    @AfterEach
    void close() {
        env.close();
    }

    @Test
    void rowsOfAllLengthsAreWhatWasPut() {
        Random random = new Random(ROWS);
        List<byte[]> values = new ArrayList<>();
        for (int i = 0; i < ROWS; i++) {
            values.add(bytes(random, i % 2 == 0 ? i : random.nextInt(LONGEST_VALUE)));
        }
        try (Txn<byte[]> txn = env.txnWrite()) {
            for (int i = 0; i < ROWS; i++) {
                rows.put(txn, key(i), values.get(i));
                assertThat(rows.get(txn, key(i / 2))).isEqualTo(values.get(i / 2));
            }
            txn.commit();
        }
        try (Txn<byte[]> txn = env.txnRead();
                Cursor<byte[]> cursor = rows.openCursor(txn)) {
            for (int i = 0; i < ROWS; i++) {
                assertThat(cursor.get(key(i), GetOp.MDB_SET_RANGE)).isTrue();
                assertThat(cursor.key()).isEqualTo(key(i));
                assertThat(cursor.val()).isEqualTo(values.get(i));
            }
        }
    }

    @Test
    void threadsThatReadAtOnceHaveEachItsOwn() throws Exception {
        try (Txn<byte[]> txn = env.txnWrite()) {
            for (int i = 0; i < ROWS; i++) {
                rows.put(txn, key(i), bytes(new Random(i), i));
            }
            txn.commit();
        }
        CompletableFuture<?>[] readers = new CompletableFuture<?>[THREADS];
        for (int t = 0; t < THREADS; t++) {
            readers[t] = CompletableFuture.runAsync(this::readAll, reader -> new Thread(reader).start());
        }
        CompletableFuture.allOf(readers).get(60, TimeUnit.SECONDS);
    }

    private void readAll() {
        for (int i = 0; i < 20 * ROWS; i++) {
            try (Txn<byte[]> txn = env.txnRead()) {
                assertThat(rows.get(txn, key(i % ROWS))).isEqualTo(bytes(new Random(i % ROWS), i % ROWS));
            }
        }
    }

    /** In the order of the numbers, and of all lengths. */
    private static byte[] key(int number) {
        byte[] key = new byte[2 + number * (LONGEST_KEY - 2) / ROWS];
        key[0] = (byte) (number >> 8);
        key[1] = (byte) number;
        return key;
    }

    private static byte[] bytes(Random random, int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }
}
