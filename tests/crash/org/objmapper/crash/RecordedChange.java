package org.objmapper.crash;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * An entry of what recorder.c wrote.
 *
 * @param number of the entry, from 0 on
 * @param end where in the record it ends
 * @param path below the recorded directory; empty where the inode says it all, and for the directory itself
 * @param offset of a write; the new size; for a sync the first entry that it may not cover
 * @param data of a write; the second path
 */
record RecordedChange(int number, long end, Kind kind, String path, long inode, long offset, byte[] data) {
    enum Kind {
        CREATE,
        WRITE,
        TRUNCATE,
        SYNC,
        SYNC_WRITE,
        LINK,
        UNLINK,
        MKDIR,
        RENAME
    }

    /** All entries; one that the server's death cut off is left out. */
    static List<RecordedChange> read(Path record) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(record)).order(ByteOrder.LITTLE_ENDIAN);
        List<RecordedChange> changes = new ArrayList<>();
        while (bytes.remaining() >= 2 * Integer.BYTES + 3 * Long.BYTES) {
            Kind kind = Kind.values()[bytes.getInt() - 1];
            byte[] path = new byte[bytes.getInt()];
            long inode = bytes.getLong();
            long offset = bytes.getLong();
            byte[] data = new byte[(int) bytes.getLong()];
            if (bytes.remaining() < path.length + data.length) {
                break;
            }
            bytes.get(path).get(data);
            String name = new String(path, StandardCharsets.UTF_8);
            changes.add(new RecordedChange(changes.size(), bytes.position(), kind, name, inode, offset, data));
        }
        return changes;
    }

    String secondPath() {
        return new String(data, StandardCharsets.UTF_8);
    }

    static String parent(String path) {
        return path.substring(0, Math.max(0, path.lastIndexOf('/')));
    }
}
