package org.objmapper.server.store.table;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/**
 * The memory of one table, outside the heap and bounded. It belongs to the collector, as all direct buffers: a reader may still look at
 * what the table has replaced. Taken by one thread at a time; {@link #bytes} is safe on any.
 */
final class TableMemory {
    private final long limitBytes;
    private volatile long bytes;

    TableMemory(long limitBytes) {
        this.limitBytes = limitBytes;
    }

    /** So many bytes of zeros; null where the bound, or the process, has no room for them. */
    @Nullable
    ByteBuffer take(int count) {
        if (count > limitBytes - bytes) {
            return null;
        }
        ByteBuffer taken;
        try {
            taken = ByteBuffer.allocateDirect(count).order(ByteOrder.nativeOrder());
        } catch (OutOfMemoryError e) {
            return null;
        }
        setBytes(bytes + count);
        return taken;
    }

    /** The table needs so many bytes no more. */
    void gaveUp(int count) {
        setBytes(bytes - count);
    }

    private void setBytes(long now) {
        bytes = now;
    }

    long bytes() {
        return bytes;
    }
}
