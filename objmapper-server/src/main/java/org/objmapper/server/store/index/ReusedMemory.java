package org.objmapper.server.store.index;

import java.util.Comparator;
import jnr.ffi.Pointer;
import jnr.ffi.Runtime;
import jnr.ffi.provider.MemoryManager;
import org.lmdbjava.BufferProxy;
import org.lmdbjava.ByteArrayProxy;

/**
 * Hands keys and values to LMDB in memory that each thread uses again, since LMDB needs it no longer than until a call returns.
 * {@link ByteArrayProxy} allocates some for each, which the collector frees by way of finalizers: under PUTs its pauses are twice as long.
 */
final class ReusedMemory extends BufferProxy<byte[]> {
    static final BufferProxy<byte[]> PROXY = new ReusedMemory();

    private static final int FIRST_BYTES = 4_096;
    private static final MemoryManager MEMORY = Runtime.getSystemRuntime().getMemoryManager();
    /** All memory: addresses are offsets in it. */
    private static final Pointer ALL = MEMORY.newPointer(0);

    private final ThreadLocal<Pair> pairs = ThreadLocal.withInitial(Pair::new);

    private ReusedMemory() {}

    /** A call takes a key and a value at most. The collector frees them some time after their thread has ended. */
    private static final class Pair {
        private Pointer next = MEMORY.allocateDirect(FIRST_BYTES, false);
        private Pointer last = MEMORY.allocateDirect(FIRST_BYTES, false);

        Pointer next(int bytes) {
            Pointer taken = next.size() < bytes ? MEMORY.allocateDirect(2 * bytes, false) : next;
            next = last;
            last = taken;
            return taken;
        }
    }

    @Override
    protected Pointer in(byte[] bytes, Pointer value) {
        Pointer memory = pairs.get().next(bytes.length);
        memory.put(0, bytes, 0, bytes.length);
        value.putLong(STRUCT_FIELD_OFFSET_SIZE, bytes.length);
        value.putAddress(STRUCT_FIELD_OFFSET_DATA, memory.address());
        return memory;
    }

    @Override
    protected byte[] out(byte[] ignored, Pointer value) {
        byte[] bytes = new byte[Math.toIntExact(value.getLong(STRUCT_FIELD_OFFSET_SIZE))];
        ALL.get(value.getAddress(STRUCT_FIELD_OFFSET_DATA), bytes, 0, bytes.length);
        return bytes;
    }

    /** Of a reserved value, which an array can't be. */
    @Override
    protected Pointer in(byte[] bytes, int size, Pointer value) {
        throw new UnsupportedOperationException("a reserved value");
    }

    @Override
    protected byte[] allocate() {
        return new byte[0];
    }

    @Override
    protected void deallocate(byte[] bytes) {}

    @Override
    protected byte[] getBytes(byte[] bytes) {
        return bytes.clone();
    }

    @Override
    protected Comparator<byte[]> getUnsignedComparator() {
        return ByteArrayProxy::compareArrays;
    }

    @Override
    protected Comparator<byte[]> getSignedComparator() {
        return ByteArrayProxy::compareArraysSigned;
    }
}
