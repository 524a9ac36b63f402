package org.objmapper.server.store.validity;

import java.nio.ByteBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Which file a table is: a copy of it is another, and so is one that was made in its place.
 *
 * @param id that the file was given when it was made
 */
record Identity(long device, long inode, byte[] id) {
    private static final int BYTES = 2 * Long.BYTES + ValidityTable.ID_BYTES;

    /** What {@link #encoded} made; null where it is nothing of the kind. */
    static @Nullable Identity of(ByteBuffer encoded) {
        if (encoded.remaining() != BYTES) {
            return null;
        }
        long device = encoded.getLong();
        long inode = encoded.getLong();
        byte[] id = new byte[ValidityTable.ID_BYTES];
        encoded.get(id);
        return new Identity(device, inode, id);
    }

    byte[] encoded() {
        return ByteBuffer.allocate(BYTES).putLong(device).putLong(inode).put(id).array();
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Identity same
                && same.device == device
                && same.inode == inode
                && Arrays.equals(same.id, id);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(id);
    }
}
