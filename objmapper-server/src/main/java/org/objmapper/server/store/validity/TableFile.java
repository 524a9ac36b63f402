package org.objmapper.server.store.validity;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.objmapper.nativeio.Errno;
import org.objmapper.nativeio.NativeIo;

/**
 * The file of a table, which clients map. It never becomes shorter or longer: that would end them with SIGBUS. It outlives a server that is killed, so
 * that the next one takes it up. Owns the descriptor that clients are handed.
 */
final class TableFile implements AutoCloseable {
    /** 2 MiB of them: with a thousand changes a second, what is kept for a second is asked for in vain once in 260 times. */
    private static final int WORDS = 1 << 18;

    private static final int BYTES = ValidityTable.HEADER_BYTES + WORDS * Long.BYTES;
    private static final int NO_DIRECTORY = -1; // the path begins at the root
    private static final int O_RDONLY = 0;
    private static final String UNWRITABLE = "r--r--r--";
    private static final String WRITABLE = "rw-r--r--";

    private final Path path;
    private final ValidityTable table;
    private final Identity identity;
    private final int descriptor;

    private TableFile(Path path, ValidityTable table, Identity identity, int descriptor) {
        this.path = path;
        this.table = table;
        this.identity = identity;
        this.descriptor = descriptor;
    }

    /** Takes up the file at a path if it is exactly the one that is known; null where it is not. */
    static @Nullable TableFile takeUp(Path path, @Nullable Identity known) throws IOException {
        if (known == null || !Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS)) {
            return null;
        }
        int descriptor = open(path);
        try {
            if (Files.size(ofDescriptor(descriptor)) != BYTES
                    || !identity(descriptor).equals(known)) {
                NativeIo.close(descriptor);
                return null;
            }
            ByteBuffer memory = map(path);
            ValidityTable table = new ValidityTable(memory, WORDS);
            table.takeUp();
            return new TableFile(path, table, known, descriptor);
        } catch (IOException | RuntimeException e) {
            NativeIo.close(descriptor);
            throw e;
        }
    }

    /** Makes a new file; one that is at the path stays as it is for those who have it. */
    static TableFile create(Path path) throws IOException {
        Path unnamed = path.resolveSibling(path.getFileName() + ".new");
        Files.deleteIfExists(unnamed);
        byte[] id = new byte[ValidityTable.ID_BYTES];
        new SecureRandom().nextBytes(id);
        try (FileChannel file = FileChannel.open(unnamed, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            ByteBuffer all = ByteBuffer.allocate(BYTES)
                    .order(ByteOrder.LITTLE_ENDIAN); // all of it: a hole may find no room later
            all.putLong(ValidityTable.MAGIC_AT, ValidityTable.MAGIC)
                    .putLong(ValidityTable.WORDS_AT, WORDS)
                    .putLong(ValidityTable.FIRST_WORD_AT, ValidityTable.HEADER_BYTES)
                    .put(ValidityTable.ID_AT, id);
            while (all.hasRemaining()) {
                file.write(all);
            }
        }
        ValidityTable table = new ValidityTable(map(unnamed), WORDS);
        Files.move(unnamed, path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        int descriptor = open(path);
        try {
            return new TableFile(path, table, identity(descriptor), descriptor);
        } catch (IOException | RuntimeException e) {
            NativeIo.close(descriptor);
            throw e;
        }
    }

    private static ByteBuffer map(Path path) throws IOException {
        Files.setPosixFilePermissions(path, PosixFilePermissions.fromString(WRITABLE));
        try (FileChannel file = FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            return file.map(FileChannel.MapMode.READ_WRITE, 0, BYTES);
        } finally {
            Files.setPosixFilePermissions(path, PosixFilePermissions.fromString(UNWRITABLE));
        }
    }

    private static int open(Path path) throws IOException {
        byte[] name = (path.toAbsolutePath() + "\0").getBytes(StandardCharsets.UTF_8);
        int descriptor = NativeIo.openAt(NO_DIRECTORY, name, O_RDONLY, 0);
        if (descriptor < 0) {
            throw new IOException(path + " can't be opened: " + Errno.nameOf(-descriptor));
        }
        return descriptor;
    }

    private static Path ofDescriptor(int descriptor) {
        return Path.of("/proc/self/fd/" + descriptor);
    }

    private static Identity identity(int descriptor) throws IOException {
        Map<String, Object> facts = Files.readAttributes(ofDescriptor(descriptor), "unix:dev,ino");
        ByteBuffer header = ByteBuffer.allocate(ValidityTable.ID_AT + ValidityTable.ID_BYTES);
        try (FileChannel file = FileChannel.open(ofDescriptor(descriptor))) {
            while (header.hasRemaining() && file.read(header, header.position()) > 0) {}
        }
        byte[] id = new byte[ValidityTable.ID_BYTES];
        header.get(ValidityTable.ID_AT, id);
        if (facts.get("dev") instanceof Long device && facts.get("ino") instanceof Long inode) {
            return new Identity(device, inode, id);
        }
        throw new IOException("which file the validity table is can't be found out");
    }

    ValidityTable table() {
        return table;
    }

    Identity identity() {
        return identity;
    }

    /** Open for reading only; it stays this file's. */
    int descriptor() {
        return descriptor;
    }

    /** Takes its name away; who has it keeps it. */
    void delete() throws IOException {
        Files.deleteIfExists(path);
    }

    @Override
    public void close() {
        NativeIo.close(descriptor);
    }
}
