package org.objmapper.server.store.check;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.objmapper.nativeio.Errno;
import org.objmapper.nativeio.NativeIo;
import org.objmapper.server.store.device.Device;
import org.objmapper.server.store.device.DeviceException;
import org.objmapper.server.store.device.FileName;
import org.objmapper.server.store.device.FileWindow;
import org.objmapper.server.store.index.Index;
import org.objmapper.server.store.index.IndexCheck;
import org.objmapper.server.store.index.IndexCheck.FileUse;
import org.objmapper.server.store.index.IndexCheck.Row;
import org.objmapper.server.store.index.IndexException;
import org.objmapper.server.store.index.IndexRecord;
import org.objmapper.server.store.index.Totals;

/**
 * Checks a store that no server uses: its index against its files and its files against the index, the index's tables against each
 * other, and bodies against their checksums. Mends what it finds if it is told to; else changes nothing.
 */
public final class Fsck {
    /** Address space that the index may take; as a server's. */
    private static final long INDEX_MAP_BYTES = 1L << 40;

    private static final int DEVICE = 0;

    private final Device device;
    private final IndexCheck index;
    private final Quarantine quarantine;
    private final Options options;
    private final FsckReport report;

    private long damagedRecords;
    private long newestGeneration;

    /**
     * What to check.
     *
     * @param directory of the store
     * @param repairs whether to mend
     * @param readsBodies whether to compare the bodies in files with their checksums, which reads them all
     */
    public record Options(Path directory, boolean repairs, boolean readsBodies) {}

    private Fsck(Options options, Device device, IndexCheck index, FsckReport report) {
        this.options = options;
        this.device = device;
        this.index = index;
        this.report = report;
        quarantine = new Quarantine(device);
    }

    /**
     * Checks a store, and tells what it finds line by line.
     *
     * @throws IOException if it can't be checked, for instance because a server uses it
     */
    public static FsckReport run(Options options, Consumer<String> lines) throws IOException {
        FsckReport report = new FsckReport(options.repairs, lines);
        try (Device device = Device.openAsItIs(options.directory);
                IndexCheck index = IndexCheck.open(
                        device.index(),
                        INDEX_MAP_BYTES,
                        new Index.Ids(device.indexId(), device.id()),
                        options.repairs)) {
            if (index.devices().size() > 1) {
                throw new IOException("the store in " + options.directory + " has several devices, and only a store on"
                        + " one can be checked");
            }
            new Fsck(options, device, index, report).check();
        } catch (IndexException e) {
            throw new IOException("the store in " + options.directory + " can't be checked: " + e.getMessage(), e);
        }
        return report;
    }

    private void check() throws IOException {
        checkFiles();
        checkWays();
        index.visit(new Objects());
        checkTotals();
        checkGenerations();
        index.flush();
        long kept = quarantine.count();
        if (kept > 0) {
            report.remark(quarantine.directory() + ": files=" + kept
                    + " are no object's any more; look at them, then remove them");
        }
        Totals whole = index.whole();
        report.end(options.directory + ": objects=" + whole.objects() + " bytes=" + whole.bytes());
    }

    // ---- files without an object

    private void checkFiles() throws IOException {
        Path objects = device.objects();
        Files.walkFileTree(objects, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                checkFile(objects.relativize(file).toString());
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path file, IOException e) {
                report.left("the file " + file + " can't be read: " + e.getMessage(), "look at the file system");
                return FileVisitResult.CONTINUE;
            }
        });
    }

    private void checkFile(String name) throws IOException {
        FileName parsed = FileName.of(name);
        if (parsed == null) {
            report.repairable(
                    "the file objects/" + name + " is none of objmapper's",
                    "moves it to quarantine",
                    "it is moved to quarantine");
            quarantine(name, "none of objmapper's");
            return;
        }
        FileUse use = index.use(DEVICE, parsed.digest(), parsed.generation());
        if (use == FileUse.OF_DAMAGED) {
            quarantine(name, "the record of its object in the index is damaged");
        } else if (use == FileUse.NOBODYS && parsed.generation() >= index.generationBound()) {
            report.repairable(
                    "the file objects/" + name + " is newer than all that the index knows",
                    "moves it to quarantine",
                    "it is moved to quarantine");
            quarantine(name, "newer than all that the index knew: is the index an old copy?");
        } else if (use == FileUse.NOBODYS) {
            report.repairable("the file objects/" + name + " is no object's", "removes it", "it is removed");
            if (options.repairs) {
                device.unlink(parsed.digest(), parsed.generation());
            }
        }
    }

    private void quarantine(String name, String why) throws IOException {
        if (options.repairs) {
            quarantine.take(name, why);
        }
    }

    // ---- the index

    private void checkWays() {
        long strays = index.strayWays(options.repairs);
        if (strays > 0) {
            report.repairable(
                    "the index has rows=" + strays + " that lead to no object", "removes them", "they are removed");
        }
    }

    private final class Objects implements IndexCheck.Visitor {
        @Override
        public void sound(Row row, IndexRecord record) {
            newestGeneration = Math.max(newestGeneration, record.generation());
            String wrong = record.hasFile() ? checkBody(row, record) : checkInline(record);
            index.count(record, wrong == null);
            if (wrong != null) {
                loseObject(row, record, wrong);
                return;
            }
            int missing = index.missingWays(row, record, options.repairs);
            if (missing > 0) {
                report.repairable(
                        "the object " + row.key() + " lacks rows=" + missing
                                + " of the index, by prefix, tag, expiry or file",
                        "adds them",
                        "they are added");
            }
        }

        @Override
        public void damaged(Row row, String why) {
            damagedRecords++;
            report.lost("the object " + row.key() + " is lost: " + why, "takes it out", "it is taken out");
            takeOut(row, null);
        }
    }

    private void takeOut(Row row, @Nullable IndexRecord record) {
        if (options.repairs) {
            index.takeOut(row, record);
        }
    }

    private void loseObject(Row row, IndexRecord record, String wrong) {
        report.lost("the object " + row.key() + " is lost: " + wrong, "takes it out", "it is taken out");
        takeOut(row, record);
    }

    private static @Nullable String checkInline(IndexRecord record) {
        return record.inlineBody() == null ? "its body in the index is gone or another" : null;
    }

    /** What is wrong with the body of an object in a file; null for nothing, and for what is left as it is. */
    private @Nullable String checkBody(Row row, IndexRecord record) {
        String name = Device.name(row.digest(), record.bodyGeneration());
        int descriptor = device.open(row.digest(), record.bodyGeneration());
        if (descriptor == -Errno.ENOENT) {
            return "its file objects/" + name + " is gone";
        }
        if (descriptor < 0) {
            leaveUnreadable(row, name, Errno.nameOf(-descriptor));
            return null;
        }
        try {
            String wrong = compare(descriptor, record);
            if (wrong == null) {
                return null;
            }
            quarantine(name, "the object " + row.key() + ": " + wrong);
            return wrong + ", in objects/" + name;
        } catch (IOException e) {
            leaveUnreadable(row, name, e.getMessage());
            return null;
        } finally {
            NativeIo.close(descriptor);
        }
    }

    private void leaveUnreadable(Row row, String name, @Nullable String why) {
        report.left(
                "the object " + row.key() + " can't be read: objects/" + name + ": " + why,
                "it is left as it is: look at the disk");
    }

    /** What is wrong with the bytes of a file; null for nothing. */
    private @Nullable String compare(int descriptor, IndexRecord record) throws DeviceException {
        long[] facts = new long[3];
        NativeIo.describe(descriptor, facts);
        if (facts[1] != record.length()) {
            return "its file has bytes=" + facts[1] + " instead of " + record.length();
        }
        if (!options.readsBodies) {
            return null;
        }
        long found = FileWindow.xxh3(descriptor, record.length());
        return found == record.xxh3()
                ? null
                : "its body has the XXH3 " + Long.toHexString(found) + " instead of " + Long.toHexString(record.xxh3());
    }

    // ---- what the index says of all

    private void checkTotals() {
        boolean unknown = damagedRecords > 0; // their lengths are
        if (!unknown && index.hasWrongTotals()) {
            report.repairable(
                    "the index says another number of objects or of their bytes than it has",
                    "corrects it",
                    "it is corrected");
        }
        if (options.repairs) {
            index.mendTotals();
        }
    }

    private void checkGenerations() {
        if (newestGeneration >= index.generationBound()) {
            report.repairable(
                    "the index has an object of generation " + newestGeneration + ", and would give that out again",
                    "corrects it",
                    "it is corrected");
            if (options.repairs) {
                index.mendGenerationBound(newestGeneration + 1);
            }
        }
    }
}
