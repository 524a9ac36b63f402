package org.objmapper.server.store;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedDeque;
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
import org.lmdbjava.Txn;

/**
 * The index in LMDB: objects by the SHA-256 of their key, and the ways to them by prefix, by tag and by expiry. Reads are safe on any
 * thread and wait for nobody; {@link #commit} belongs to one thread. No read transaction lives longer than the call that needs it.
 */
final class Index implements AutoCloseable {
    private static final int MAX_READERS = 126;
    private static final byte[] NOTHING = new byte[0];
    private static final byte[] TOTALS = "totals".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] GENERATIONS = "generations".getBytes(StandardCharsets.US_ASCII);

    private final Env<byte[]> env;
    private final Dbi<byte[]> objects;
    private final Dbi<byte[]> prefixes;
    private final Dbi<byte[]> tags;
    private final Dbi<byte[]> expiries;
    private final Dbi<byte[]> state;
    private final ConcurrentLinkedDeque<Txn<byte[]>> idleReads = new ConcurrentLinkedDeque<>();
    private volatile Totals totals;

    /** A file that an index commit let go of. */
    record Replaced(byte[] digest, long generation) {}

    Index(Path directory, long mapBytes) {
        env = Env.create(ByteArrayProxy.PROXY_BA)
                .setMapSize(mapBytes)
                .setMaxDbs(5)
                .setMaxReaders(MAX_READERS)
                .open(directory.toFile(), 0600, EnvFlags.MDB_NOTLS);
        env.readerCheck();
        objects = env.openDbi("objects", DbiFlags.MDB_CREATE);
        prefixes = env.openDbi("prefixes", DbiFlags.MDB_CREATE);
        tags = env.openDbi("tags", DbiFlags.MDB_CREATE);
        expiries = env.openDbi("expiries", DbiFlags.MDB_CREATE);
        state = env.openDbi("state", DbiFlags.MDB_CREATE);
        totals = read(txn -> {
            byte[] stored = state.get(txn, TOTALS);
            ByteBuffer buffer = ByteBuffer.wrap(stored == null ? new byte[16] : stored);
            return new Totals(buffer.getLong(), buffer.getLong());
        });
    }

    Totals totals() {
        return totals;
    }

    /** The bound below which all generations may have been used. */
    long generationBound() {
        return read(txn -> {
            byte[] stored = state.get(txn, GENERATIONS);
            return stored == null ? 1L : ByteBuffer.wrap(stored).getLong();
        });
    }

    /** Clears the slots of readers that died. */
    void checkReaders() {
        env.readerCheck();
    }

    /** What stands under a key, expired or not. */
    @Nullable
    IndexRecord get(ObjectKey key) {
        IndexRecord found = getByDigest(key.digest());
        return found != null && Arrays.equals(found.key(), key.bytes()) ? found : null;
    }

    @Nullable
    IndexRecord getByDigest(byte[] digest) {
        byte[] stored = readOrNull(txn -> objects.get(txn, digest));
        return stored == null ? null : IndexRecord.decode(stored);
    }

    /**
     * Objects in the order of their keys' first 400 bytes, from behind {@code after} on, as long as {@code more} takes them. Returns the
     * code of the last one looked at if {@code budget} ran out or {@code more} said no, and null at the end of the prefix.
     */
    byte @Nullable [] scan(byte[] prefix, byte @Nullable [] after, int budget, Predicate<IndexRecord> more) {
        byte[] start = PrefixKey.start(prefix);
        byte[] from = after == null || Arrays.compareUnsigned(after, start) < 0 ? start : after;
        return readOrNull(txn -> {
            try (Cursor<byte[]> cursor = prefixes.openCursor(txn)) {
                boolean there = seek(cursor, from);
                if (there && Arrays.equals(cursor.key(), after)) {
                    there = cursor.next();
                }
                int left = budget;
                while (there && PrefixKey.startsWith(cursor.key(), start)) {
                    byte[] code = cursor.key();
                    IndexRecord record = required(txn, PrefixKey.digest(code));
                    boolean wanted = PrefixKey.startsWith(record.key(), prefix);
                    if ((wanted && !more.test(record)) || --left == 0) {
                        return code;
                    }
                    there = cursor.next();
                }
                return null;
            }
        });
    }

    /** All objects with a tag. */
    List<IndexRecord> tagged(byte[] tag) {
        byte[] start = tagStart(tag);
        List<IndexRecord> found = new ArrayList<>();
        return read(txn -> {
            try (Cursor<byte[]> cursor = tags.openCursor(txn)) {
                boolean there = seek(cursor, start);
                while (there && PrefixKey.startsWith(cursor.key(), start)) {
                    found.add(required(txn, Arrays.copyOfRange(cursor.key(), start.length, cursor.key().length)));
                    there = cursor.next();
                }
                return found;
            }
        });
    }

    /** Up to {@code limit} objects whose expiry and grace are over, the earliest first. */
    List<IndexRecord> due(long nowMillis, int limit) {
        List<IndexRecord> found = new ArrayList<>();
        return read(txn -> {
            try (Cursor<byte[]> cursor = expiries.openCursor(txn)) {
                boolean there = cursor.first();
                while (there
                        && found.size() < limit
                        && ByteBuffer.wrap(cursor.key()).getLong() <= nowMillis) {
                    found.add(required(txn, Arrays.copyOfRange(cursor.key(), Long.BYTES, cursor.key().length)));
                    there = cursor.next();
                }
                return found;
            }
        });
    }

    /** Up to {@code limit} objects in the order of their digests, from behind one on; fewer at the end. */
    List<IndexRecord> after(byte @Nullable [] digest, int limit) {
        List<IndexRecord> found = new ArrayList<>();
        return read(txn -> {
            try (Cursor<byte[]> cursor = objects.openCursor(txn)) {
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

    private IndexRecord required(Txn<byte[]> txn, byte[] digest) {
        byte[] stored = objects.get(txn, digest);
        if (stored == null) {
            throw new IllegalStateException("the index leads to an object that it doesn't have");
        }
        return IndexRecord.decode(stored);
    }

    /** Writes changes, one for each key at most, and the bound of generations; returns the files that nothing leads to any more. */
    List<Replaced> commit(Iterable<Change> changes, long generationBound) {
        List<Replaced> replaced = new ArrayList<>();
        Totals sum = totals;
        try (Txn<byte[]> txn = env.txnWrite()) {
            for (Change change : changes) {
                sum = apply(txn, change, sum, replaced);
            }
            ByteBuffer encoded = ByteBuffer.allocate(16).putLong(sum.objects()).putLong(sum.bytes());
            state.put(txn, TOTALS, encoded.array());
            state.put(
                    txn,
                    GENERATIONS,
                    ByteBuffer.allocate(8).putLong(generationBound).array());
            txn.commit();
        }
        totals = sum;
        return replaced;
    }

    private Totals apply(Txn<byte[]> txn, Change change, Totals before, List<Replaced> replaced) {
        ObjectKey key = change.key();
        if (key == null) {
            return before;
        }
        Totals sum = before;
        IndexRecord now = change.record();
        byte[] stored = objects.get(txn, key.digest());
        if (stored != null) {
            IndexRecord old = IndexRecord.decode(stored);
            forget(txn, key, old);
            sum = sum.minus(old);
            if (old.hasFile() && (now == null || now.bodyGeneration() != old.bodyGeneration())) {
                replaced.add(new Replaced(key.digest(), old.bodyGeneration()));
            }
            if (now == null) {
                objects.delete(txn, key.digest());
            }
        }
        if (now != null) {
            objects.put(txn, key.digest(), now.encode());
            remember(txn, key, now);
            sum = sum.plus(now);
        }
        return sum;
    }

    private void remember(Txn<byte[]> txn, ObjectKey key, IndexRecord record) {
        prefixes.put(txn, PrefixKey.of(key), NOTHING);
        for (byte[] tag : ObjectMetadata.decode(record.metadata()).tags()) {
            tags.put(txn, join(tagStart(tag), key.digest()), NOTHING);
        }
        if (record.removalMillis() != IndexRecord.NEVER) {
            expiries.put(txn, expiryKey(key, record), NOTHING);
        }
    }

    private void forget(Txn<byte[]> txn, ObjectKey key, IndexRecord record) {
        prefixes.delete(txn, PrefixKey.of(key));
        for (byte[] tag : ObjectMetadata.decode(record.metadata()).tags()) {
            tags.delete(txn, join(tagStart(tag), key.digest()));
        }
        if (record.removalMillis() != IndexRecord.NEVER) {
            expiries.delete(txn, expiryKey(key, record));
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

    private <T> T read(Function<Txn<byte[]>, T> look) {
        T found = readOrNull(look::apply);
        if (found == null) {
            throw new IllegalStateException("the index answered nothing");
        }
        return found;
    }

    /** Looks at the index as it is now. */
    private <T> @Nullable T readOrNull(Function<Txn<byte[]>, @Nullable T> look) {
        Txn<byte[]> txn = idleReads.poll();
        if (txn == null) {
            txn = env.txnRead();
        } else {
            txn.renew();
        }
        try {
            return look.apply(txn);
        } finally {
            txn.reset();
            idleReads.push(txn);
        }
    }

    @Override
    public void close() {
        for (Txn<byte[]> txn = idleReads.poll(); txn != null; txn = idleReads.poll()) {
            txn.close();
        }
        env.close();
    }
}
