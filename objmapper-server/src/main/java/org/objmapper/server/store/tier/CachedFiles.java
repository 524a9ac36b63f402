package org.objmapper.server.store.tier;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import org.objmapper.nativeio.Errno;
import org.objmapper.nativeio.NativeIo;
import org.objmapper.protocol.Status;
import org.objmapper.server.store.device.BodyFile;
import org.objmapper.server.store.device.Device;
import org.objmapper.server.store.device.DeviceException;
import org.objmapper.server.store.device.FileName;
import org.objmapper.server.store.device.FileWindow;
import org.objmapper.server.store.hold.Ledger;
import org.objmapper.server.store.index.IndexRecord;
import org.objmapper.server.store.index.ObjectKey;

/**
 * Copies of bodies in files of a faster directory, named as on the devices. A name says which body a file has, and no body ever gets the
 * name of another; so what is there is right, whatever happened to the server, and what is not there is on its device. Safe on any thread.
 */
public final class CachedFiles implements Copies {
    private static final long BLOCK_BYTES = 4_096;

    private final Device directory;
    private final Ledger ledger;
    private final GenerationSet bodies = new GenerationSet();
    /** Whether all files are known that are there; before, any may be. */
    private volatile boolean known;

    /**
     * The copies that are in a directory, which is closed with them; {@link #find} says which.
     *
     * @param ledger watches what clients hold of copies that left
     */
    public CachedFiles(Device directory, Ledger ledger) {
        this.directory = directory;
        this.ledger = ledger;
    }

    /** Files come in blocks. */
    @Override
    public long occupied(long length) {
        return (length + BLOCK_BYTES - 1) / BLOCK_BYTES * BLOCK_BYTES;
    }

    @Override
    public void find(Found found) throws IOException {
        Path root = directory.objects();
        if (directory.isOffline()) {
            throw new IOException("the directory " + directory.root() + " is not there");
        }
        Files.walkFileTree(root, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                FileName name = FileName.of(root.relativize(file).toString());
                if (name != null) {
                    bodies.add(name.generation()); // first: whoever removes its object from here on finds it
                    if (!found.isCopy(
                            name,
                            attributes.size(),
                            attributes.lastModifiedTime().toMillis())) {
                        removeNow(name);
                    }
                }
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path file, IOException e) {
                return FileVisitResult.CONTINUE; // removed meanwhile
            }
        });
        known = true;
    }

    private void removeNow(FileName name) {
        bodies.remove(name.generation());
        directory.unlink(name.digest(), name.generation());
    }

    @Override
    public void add(IndexRecord record, int file) throws IOException {
        if (file < 0) {
            throw DeviceException.ofErrno(file, "open a body to copy it");
        }
        try {
            int copy = copy(record, file);
            try {
                link(record, copy);
            } finally {
                NativeIo.close(copy);
            }
        } catch (DeviceException e) {
            throw e.status() == Status.NO_SPACE ? new ShortageException(false, String.valueOf(e.getMessage())) : e;
        }
        bodies.add(record.bodyGeneration());
    }

    /** A file without a name that is on disk, open for reading. */
    private int copy(IndexRecord record, int file) throws IOException {
        BodyFile copy = new BodyFile(directory);
        try {
            Copies.compare(record, FileWindow.copy(file, record.length(), copy.descriptor()));
            return copy.finish(true);
        } finally {
            copy.close();
        }
    }

    /** The name need not be on disk: where it is lost, so is the copy, and nothing else. */
    private synchronized void link(IndexRecord record, int copy) throws DeviceException {
        try {
            directory.link(copy, digest(record), record.bodyGeneration());
        } finally {
            directory.forgetDirectories();
        }
    }

    private static byte[] digest(IndexRecord record) {
        return new ObjectKey(record.key()).digest();
    }

    @Override
    public boolean has(long bodyGeneration) {
        return bodies.contains(bodyGeneration);
    }

    /** Whether a body may have a copy here that can be asked for. */
    public boolean mayHave(long bodyGeneration) {
        return (!known || has(bodyGeneration)) && !directory.isOffline();
    }

    /** A descriptor of a body's copy, the caller's; below 0 where there is none that is whole. May block. */
    public int open(IndexRecord record) {
        byte[] digest = digest(record);
        int copy = directory.open(digest, record.bodyGeneration());
        long[] facts = new long[3];
        boolean isWhole = copy >= 0 && NativeIo.describe(copy, facts) == 0 && facts[1] == record.length();
        if (copy >= 0 && !isWhole) {
            NativeIo.close(copy);
            return -Errno.EIO;
        }
        return copy;
    }

    /** Where the copies are. */
    public Device directory() {
        return directory;
    }

    @Override
    public boolean remove(long bodyGeneration, byte[] digest) {
        boolean was = bodies.remove(bodyGeneration);
        if (was || !known) {
            directory.closer().unlink(() -> ledger.unlink(directory, digest, bodyGeneration));
        }
        return was;
    }

    /** Leaves the files where they are. */
    @Override
    public void close() {
        directory.close();
    }
}
