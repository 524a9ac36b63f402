package org.objmapper.server.store.index;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * A device as the index knows it. It stands there under its number (u16, big-endian) as its id (36 ASCII), and, but for the first one, its
 * state (u8), its weight (u32, little-endian) and the directory that it was seen in last (UTF-8).
 *
 * @param number is never another device's
 */
public record IndexedDevice(int number, String id, State state, int weight, String directory) {
    private static final int ID_BYTES = 36;

    /** What is to become of a device; the order is that of the numbers in the index. */
    public enum State {
        SERVING,
        /** Its objects are moved to others. */
        DRAINING,
        /** It has none any more, and is no longer used. */
        REMOVED,
        /** As {@link #SERVING}, by an operator's word: the configuration need not name it. */
        ADDED
    }

    static IndexedDevice of(byte[] key, byte[] value) {
        int number = ByteBuffer.wrap(key).getShort() & 0xFFFF;
        String id = idOf(value);
        if (value.length == ID_BYTES) {
            return new IndexedDevice(number, id, State.SERVING, 0, "");
        }
        ByteBuffer rest =
                ByteBuffer.wrap(value, ID_BYTES, value.length - ID_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        State state = State.values()[rest.get()];
        int weight = rest.getInt();
        return new IndexedDevice(
                number,
                id,
                state,
                weight,
                new String(value, rest.position(), rest.remaining(), StandardCharsets.UTF_8));
    }

    static String idOf(byte[] value) {
        return new String(value, 0, Math.min(value.length, ID_BYTES), StandardCharsets.US_ASCII);
    }

    /** The row that says so. */
    public IndexRow row() {
        byte[] path = directory.getBytes(StandardCharsets.UTF_8);
        byte[] key = ByteBuffer.allocate(Short.BYTES).putShort((short) number).array();
        byte[] value = ByteBuffer.allocate(ID_BYTES + 1 + Integer.BYTES + path.length)
                .order(ByteOrder.LITTLE_ENDIAN)
                .put(id.getBytes(StandardCharsets.US_ASCII))
                .put((byte) state.ordinal())
                .putInt(weight)
                .put(path)
                .array();
        return new IndexRow(IndexRow.Table.DEVICES, key, value);
    }

    public IndexedDevice with(State newState) {
        return new IndexedDevice(number, id, newState, weight, directory);
    }

    public IndexedDevice at(String newDirectory, int newWeight) {
        return new IndexedDevice(number, id, state, newWeight, newDirectory);
    }
}
