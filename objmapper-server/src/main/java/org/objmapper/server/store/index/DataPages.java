package org.objmapper.server.store.index;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.BitSet;
import org.jspecify.annotations.Nullable;

/**
 * All pages of LMDB's file that its tables lead to, looked at before LMDB follows them: it takes each for what it should be, and where one
 * is something else the process ends. Looks at some after others, in the order of the tables and of the keys in them, so that between
 * two looks the file may be changed by LMDB, whose own pages need no look. For one thread.
 */
final class DataPages {
    /** No page; and where a table has no root. */
    static final long NONE = -1;

    private static final int MAIN_ROOT_AT = 128;
    private static final int UPPER_AT = 14;
    private static final int OVERFLOW_PAGES_AT = 12;
    private static final int KIND = 0xf;
    private static final int LEAF = 2;
    private static final int OVERFLOW = 4;
    /** Pages and parts of pages that only tables of duplicate keys have. */
    private static final int OF_DUPLICATES = 0x60;

    private static final int IS_TABLE = 2;
    private static final int TABLE_BYTES = 48;
    private static final int FLAGS_IN_TABLE = 4;
    private static final int ROOT_IN_TABLE = 40;

    private final Path path;
    /** The table that was looked at last; null before the first look. */
    private byte @Nullable [] table;
    /** The key in it that is next; null where the table is done. */
    private byte @Nullable [] next;

    private volatile boolean done;

    DataPages(Path path) {
        this.path = path;
    }

    /** There is no file yet: LMDB makes it, and what it writes needs no look. */
    void skip() {
        done = true;
    }

    /** Whether all pages were looked at, and none was broken. Any thread. */
    boolean isDone() {
        return done;
    }

    /**
     * Looks at so many pages of tables more, or a few more than that; the first time at those too that list free pages. While LMDB has
     * the file open, a read transaction keeps it from using pages again meanwhile.
     *
     * @return the number of a page that can't be what the file takes it for, so that the next look begins where this one did; or {@link #NONE}
     */
    long lookOn(long most) throws IOException {
        try (FileChannel file = FileChannel.open(path)) {
            ByteBuffer meta = DataFile.newestMeta(file);
            if (meta == null) {
                done = true; // is no such file: for LMDB to refuse
                return NONE;
            }
            Look look = new Look(file, meta, most);
            long broken = look.all(meta);
            if (broken == NONE) {
                table = look.table;
                next = look.stoppedAt;
                done = !look.isOver();
            }
            return broken;
        }
    }

    /** A key where it stands. */
    private record Key(byte[] page, int from, int to) {
        static Key in(ByteBuffer page, int node) {
            int from = node + DataFile.NODE_HEADER;
            return new Key(page.array(), from, from + (page.getShort(node + 6) & 0xffff));
        }

        static Key of(byte[] bytes) {
            return new Key(bytes, 0, bytes.length);
        }

        boolean isBehind(Key other) {
            return Arrays.compareUnsigned(page, from, to, other.page, other.from, other.to) > 0;
        }

        byte[] bytes() {
            return Arrays.copyOfRange(page, from, to);
        }
    }

    /** What the keys below a page are: not before {@code low}, and before {@code high}. Lists of free pages have keys in an order of their own. */
    private record Range(
            boolean isOrdered, @Nullable Key low, @Nullable Key high) {
        static final Range OF_FREE = new Range(false, null, null);
        static final Range ALL = new Range(true, null, null);

        boolean has(Key key) {
            return !isOrdered || ((low == null || !low.isBehind(key)) && (high == null || high.isBehind(key)));
        }

        boolean areInOrder(@Nullable Key first, Key second) {
            return !isOrdered || first == null || second.isBehind(first);
        }
    }

    /** One look, at the file as it is now. */
    private final class Look {
        private final FileChannel file;
        private final int pageBytes;
        private final long pages;
        private final BitSet seen = new BitSet();
        private long left;
        private boolean isInTable;
        private @Nullable Key from;
        private byte @Nullable [] table = DataPages.this.table;
        private byte @Nullable [] stoppedAt;

        Look(FileChannel file, ByteBuffer meta, long most) throws IOException {
            this.file = file;
            pageBytes = meta.getInt(DataFile.PAGE_BYTES_AT);
            pages = Math.min(file.size() / pageBytes, meta.getLong(DataFile.LAST_PAGE_AT) + 1);
            left = most;
        }

        boolean isOver() {
            return left <= 0;
        }

        long all(ByteBuffer meta) throws IOException {
            long broken = table == null ? below(meta.getLong(DataFile.FREE_ROOT_AT), Range.OF_FREE, 0) : NONE;
            return broken == NONE ? below(meta.getLong(MAIN_ROOT_AT), Range.ALL, 0) : broken;
        }

        /** The first broken page from a page on downwards. */
        private long below(long number, Range range, int depth) throws IOException {
            if (number == NONE) {
                return NONE;
            }
            if (depth > DataFile.MOST_DEPTH || !isNew(number, 1)) {
                return number;
            }
            ByteBuffer page = DataFile.read(file, number * pageBytes, pageBytes);
            left -= isInTable ? 1 : 0;
            int flags = page.getShort(DataFile.FLAGS_AT);
            int kind = flags & KIND;
            int lower = page.getShort(DataFile.LOWER_AT) & 0xffff;
            int upper = page.getShort(UPPER_AT) & 0xffff;
            int nodes = (lower - DataFile.HEADER) / 2;
            boolean isSound = page.getLong(0) == number
                    && (kind == LEAF || kind == DataFile.BRANCH)
                    && (flags & OF_DUPLICATES) == 0
                    && lower % 2 == 0
                    && nodes >= (kind == DataFile.BRANCH && range.isOrdered() ? 2 : 1)
                    && lower <= upper
                    && upper <= pageBytes
                    && areNodesSound(page, nodes, upper, kind == DataFile.BRANCH, range);
            if (!isSound) {
                return number;
            }
            return kind == DataFile.BRANCH
                    ? belowBranch(page, nodes, range, depth)
                    : belowLeaf(page, number, nodes, range, depth);
        }

        /** Whether the nodes are within the page, and their keys are in order and in the range. The first of a branch has none. */
        private boolean areNodesSound(ByteBuffer page, int nodes, int upper, boolean isBranch, Range range) {
            Key before = null;
            for (int i = 0; i < nodes; i++) {
                int node = node(page, i);
                if (node < upper || node + DataFile.NODE_HEADER > pageBytes) {
                    return false;
                }
                Key key = Key.in(page, node);
                if (key.to > pageBytes) {
                    return false;
                }
                if (isBranch && i == 0) {
                    continue;
                }
                if (!range.areInOrder(before, key) || !range.has(key)) {
                    return false;
                }
                before = key;
            }
            return true;
        }

        private static int node(ByteBuffer page, int i) {
            return page.getShort(DataFile.HEADER + 2 * i) & 0xffff;
        }

        private long belowBranch(ByteBuffer page, int nodes, Range range, int depth) throws IOException {
            for (int i = 0; i < nodes; i++) {
                int node = node(page, i);
                Key low = i == 0 ? range.low : Key.in(page, node);
                Key high = i + 1 < nodes ? Key.in(page, node(page, i + 1)) : range.high;
                if (isPassed(high)) {
                    continue;
                }
                long child = (page.getInt(node) & 0xffffffffL) | (page.getShort(node + 4) & 0xffffL) << 32;
                long broken = below(child, new Range(range.isOrdered, low, high), depth + 1);
                if (broken != NONE || stoppedAt != null) {
                    return broken;
                }
                if (isInTable && isOver() && i + 1 < nodes && high != null) {
                    stoppedAt = high.bytes();
                    return NONE;
                }
            }
            return NONE;
        }

        /** Whether an earlier look was at all that stands before a key. */
        private boolean isPassed(@Nullable Key high) {
            return isInTable && from != null && high != null && !high.isBehind(from);
        }

        private long belowLeaf(ByteBuffer page, long number, int nodes, Range range, int depth) throws IOException {
            for (int i = 0; i < nodes; i++) {
                int node = node(page, i);
                Key key = Key.in(page, node);
                long length = page.getInt(node) & 0xffffffffL;
                int flags = page.getShort(node + 4) & 0xffff;
                boolean isElsewhere = flags == DataFile.IN_OVERFLOW;
                boolean isTable = flags == IS_TABLE && length == TABLE_BYTES && !isInTable && range.isOrdered;
                boolean isWithin = key.to + (isElsewhere ? Long.BYTES : length) <= pageBytes;
                if (!isWithin || !(isElsewhere || isTable || flags == 0)) {
                    return number;
                }
                long broken = NONE;
                if (isElsewhere) {
                    broken = ofValue(page.getLong(key.to), length);
                } else if (isTable) {
                    boolean isSound = page.getShort(key.to + FLAGS_IN_TABLE) == 0;
                    broken = isSound ? inTable(key, page.getLong(key.to + ROOT_IN_TABLE), depth) : number;
                }
                if (broken != NONE || stoppedAt != null) {
                    return broken;
                }
            }
            return NONE;
        }

        /** Looks at a table, from where the look before came to; not where that was behind it, or this one is over. */
        private long inTable(Key name, long root, int depth) throws IOException {
            byte[] reached = DataPages.this.table;
            boolean isReached = reached != null && Arrays.equals(name.bytes(), reached);
            boolean isPassed = reached != null
                    && (isReached ? next == null : Key.of(reached).isBehind(name));
            if (isPassed || isOver()) {
                return NONE;
            }
            from = isReached && next != null ? Key.of(next) : null;
            isInTable = true;
            long broken = below(root, Range.ALL, depth + 1);
            isInTable = false;
            table = name.bytes();
            return broken;
        }

        /** A long value in pages of its own. */
        private long ofValue(long number, long length) throws IOException {
            if (number < 0 || number >= pages) {
                return number & Long.MAX_VALUE;
            }
            ByteBuffer head = DataFile.read(file, number * pageBytes, DataFile.HEADER);
            left -= isInTable ? 1 : 0;
            long count = head.getInt(OVERFLOW_PAGES_AT) & 0xffffffffL;
            boolean isSound = head.getLong(0) == number
                    && (head.getShort(DataFile.FLAGS_AT) & KIND) == OVERFLOW
                    && DataFile.HEADER + length <= count * pageBytes
                    && isNew(number, count);
            return isSound ? NONE : number;
        }

        /** Whether some pages are within the file, and nothing led to them before. */
        private boolean isNew(long number, long count) {
            if (number < 2 || count < 1 || number + count > Math.min(pages, Integer.MAX_VALUE)) {
                return false;
            }
            int from = (int) number;
            int used = seen.nextSetBit(from);
            seen.set(from, from + (int) count);
            return used < 0 || used >= from + count;
        }
    }
}
