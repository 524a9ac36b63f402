package org.objmapper.server.store.index;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.BitSet;

/**
 * All pages of LMDB's file that its tables lead to, looked at before LMDB follows them: it takes each for what it should be, and where one
 * is something else the process ends. This takes as long as reading the file does. For one thread.
 */
final class DataPages {
    private static final long NONE = -1;
    private static final int MAIN_ROOT_AT = 128;
    private static final int UPPER_AT = 14;
    private static final int OVERFLOW_PAGES_AT = 12;
    private static final int KIND = 0xf;
    private static final int LEAF = 2;
    private static final int OVERFLOW = 4;
    private static final int IS_TABLE = 2;
    private static final int TABLE_BYTES = 48;
    private static final int ROOT_IN_TABLE = 40;

    private final FileChannel file;
    private final int pageBytes;
    private final long pages;
    private final BitSet seen = new BitSet();

    private DataPages(FileChannel file, int pageBytes) throws IOException {
        this.file = file;
        this.pageBytes = pageBytes;
        this.pages = file.size() / pageBytes;
    }

    /** The number of a page that can't be what the file takes it for; negative where there is none, or where this is no such file. */
    static long firstBroken(Path path) throws IOException {
        try (FileChannel file = FileChannel.open(path)) {
            ByteBuffer meta = DataFile.newestMeta(file);
            if (meta == null) {
                return NONE;
            }
            DataPages pages = new DataPages(file, meta.getInt(DataFile.PAGE_BYTES_AT));
            long broken = pages.below(meta.getLong(DataFile.FREE_ROOT_AT), 0);
            return broken == NONE ? pages.below(meta.getLong(MAIN_ROOT_AT), 0) : broken;
        }
    }

    /** The first broken page from a page on downwards; the number of a page without a table is {@link #NONE}. */
    private long below(long number, int depth) throws IOException {
        if (number == NONE) {
            return NONE;
        }
        if (depth > DataFile.MOST_DEPTH || !isNew(number, 1)) {
            return number;
        }
        ByteBuffer page = DataFile.read(file, number * pageBytes, pageBytes);
        int kind = page.getShort(DataFile.FLAGS_AT) & KIND;
        int lower = page.getShort(DataFile.LOWER_AT) & 0xffff;
        int upper = page.getShort(UPPER_AT) & 0xffff;
        boolean isSound = page.getLong(0) == number
                && (kind == DataFile.BRANCH || kind == LEAF)
                && lower >= DataFile.HEADER
                && lower % 2 == 0
                && lower <= upper
                && upper <= pageBytes;
        if (!isSound) {
            return number;
        }
        for (int at = DataFile.HEADER; at < lower; at += 2) {
            long broken = ofNode(page, number, kind == DataFile.BRANCH, page.getShort(at) & 0xffff, upper, depth);
            if (broken != NONE) {
                return broken;
            }
        }
        return NONE;
    }

    /** What a node in a page leads to; the page itself where the node is not within it. */
    private long ofNode(ByteBuffer page, long number, boolean isBranch, int node, int upper, int depth)
            throws IOException {
        if (node < upper || node + DataFile.NODE_HEADER > pageBytes) {
            return number;
        }
        long low = page.getInt(node) & 0xffffffffL;
        int flags = page.getShort(node + 4) & 0xffff;
        int value = node + DataFile.NODE_HEADER + (page.getShort(node + 6) & 0xffff);
        if (value > pageBytes) {
            return number;
        }
        if (isBranch) {
            return below(low | (long) flags << 32, depth + 1);
        }
        boolean isElsewhere = flags == DataFile.IN_OVERFLOW;
        boolean isTable = flags == IS_TABLE && low == TABLE_BYTES;
        boolean isWithin = value + (isElsewhere ? Long.BYTES : low) <= pageBytes;
        if (!isWithin || !(isElsewhere || isTable || flags == 0)) {
            return number;
        }
        if (isElsewhere) {
            return ofValue(page.getLong(value), low);
        }
        return isTable ? below(page.getLong(value + ROOT_IN_TABLE), depth + 1) : NONE;
    }

    /** A long value in pages of its own. */
    private long ofValue(long number, long length) throws IOException {
        if (number < 0 || number >= pages) {
            return number & Long.MAX_VALUE;
        }
        ByteBuffer head = DataFile.read(file, number * pageBytes, DataFile.HEADER);
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
