package org.objmapper.server.store.index;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.BitSet;
import org.jspecify.annotations.Nullable;

/**
 * LMDB's file, looked at before LMDB maps it: reading a page of the map that the file doesn't have would end the process. The file may
 * be shorter than its last page number says, but all pages that it lacks must then be free.
 */
final class DataFile {
    private static final int MAGIC = 0xBEEFC0DE;
    private static final int META_BYTES = 152;
    private static final int MAGIC_AT = 16;
    static final int PAGE_BYTES_AT = 40;
    static final int FREE_ROOT_AT = 80;
    static final int LAST_PAGE_AT = 136;
    private static final int TRANSACTION_AT = 144;

    static final int HEADER = 16;
    static final int FLAGS_AT = 10;
    static final int LOWER_AT = 12;
    static final int BRANCH = 1;
    static final int NODE_HEADER = 8;
    static final int IN_OVERFLOW = 1;
    static final int MOST_DEPTH = 32;

    private final FileChannel file;
    private final int pageBytes;
    private final long pages;
    private final BitSet lacking = new BitSet();

    private DataFile(FileChannel file, int pageBytes, long pages) {
        this.file = file;
        this.pageBytes = pageBytes;
        this.pages = pages;
    }

    /** Whether pages are gone from the end of the file that are in use. What is no such file at all is for LMDB to refuse. */
    static boolean isCutOff(Path path) throws IOException {
        try (FileChannel file = FileChannel.open(path)) {
            ByteBuffer meta = newestMeta(file);
            if (meta == null) {
                return false;
            }
            int pageBytes = meta.getInt(PAGE_BYTES_AT);
            return new DataFile(file, pageBytes, file.size() / pageBytes).lacksUsedPages(meta);
        }
    }

    /** The newer one of the pages that everything begins at; null where the file is none of LMDB's. */
    static @Nullable ByteBuffer newestMeta(FileChannel file) throws IOException {
        ByteBuffer first = read(file, 0, META_BYTES);
        int pageBytes = first.getInt(PAGE_BYTES_AT);
        if (first.getInt(MAGIC_AT) != MAGIC || pageBytes < META_BYTES || pageBytes > 1 << 16) {
            return null;
        }
        ByteBuffer second = read(file, pageBytes, META_BYTES);
        return second.getLong(TRANSACTION_AT) > first.getLong(TRANSACTION_AT) ? second : first;
    }

    private boolean lacksUsedPages(ByteBuffer meta) throws IOException {
        long lacked = meta.getLong(LAST_PAGE_AT) + 1 - pages;
        if (lacked <= 0) {
            return false;
        }
        if (lacked > Integer.MAX_VALUE) {
            return true;
        }
        lacking.set(0, (int) lacked);
        long root = meta.getLong(FREE_ROOT_AT);
        return (root != -1 && !strikeFree(root, 0)) || !lacking.isEmpty();
    }

    /** Strikes the free pages that a page of the table of free pages leads to; false where the table itself is not whole. */
    private boolean strikeFree(long number, int depth) throws IOException {
        if (number < 0 || number >= pages || depth > MOST_DEPTH) {
            return false;
        }
        ByteBuffer page = read(file, number * pageBytes, pageBytes);
        boolean branch = (page.getShort(FLAGS_AT) & BRANCH) != 0;
        int nodes = ((page.getShort(LOWER_AT) & 0xffff) - HEADER) / 2;
        for (int i = 0; i < nodes; i++) {
            int node = page.getShort(HEADER + 2 * i) & 0xffff;
            long low = page.getInt(node) & 0xffffffffL;
            int flags = page.getShort(node + 4) & 0xffff;
            boolean whole = branch
                    ? strikeFree(low | (long) flags << 32, depth + 1)
                    : strikeListed(page, node + NODE_HEADER + page.getShort(node + 6), (int) low, flags);
            if (!whole) {
                return false;
            }
        }
        return true;
    }

    /** A list of free pages is its length and so many numbers. */
    private boolean strikeListed(ByteBuffer page, int at, int length, int flags) throws IOException {
        ByteBuffer list = page;
        int from = at;
        if ((flags & IN_OVERFLOW) != 0) {
            long overflow = page.getLong(at);
            if (overflow < 0 || overflow * pageBytes + HEADER + length > file.size()) {
                return false;
            }
            list = read(file, overflow * pageBytes + HEADER, length);
            from = 0;
        }
        long count = list.getLong(from);
        for (int i = 1; i <= count && i < length / Long.BYTES; i++) {
            long free = list.getLong(from + i * Long.BYTES) - pages;
            if (free >= 0 && free <= Integer.MAX_VALUE) {
                lacking.clear((int) free);
            }
        }
        return true;
    }

    /** Some bytes, with zeros for what is behind the end. */
    static ByteBuffer read(FileChannel file, long at, int length) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(length).order(ByteOrder.nativeOrder());
        int count = 0;
        while (buffer.hasRemaining() && count >= 0) {
            count = file.read(buffer, at + buffer.position());
        }
        return buffer;
    }
}
