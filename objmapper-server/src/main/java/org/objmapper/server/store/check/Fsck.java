package org.objmapper.server.store.check;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.HexFormat;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.objmapper.nativeio.Errno;
import org.objmapper.nativeio.NativeIo;
import org.objmapper.server.store.ban.RecordedPurge;
import org.objmapper.server.store.device.Device;
import org.objmapper.server.store.device.DeviceException;
import org.objmapper.server.store.device.DeviceOpening;
import org.objmapper.server.store.device.FileName;
import org.objmapper.server.store.device.FileWindow;
import org.objmapper.server.store.index.Index;
import org.objmapper.server.store.index.IndexCheck;
import org.objmapper.server.store.index.IndexCheck.FileUse;
import org.objmapper.server.store.index.IndexCheck.Row;
import org.objmapper.server.store.index.IndexException;
import org.objmapper.server.store.index.IndexRecord;
import org.objmapper.server.store.index.IndexRow;
import org.objmapper.server.store.index.Totals;

/**
 * Checks a store that no server uses: its index against its files and its files against the index, the index's tables against each
 * other, and bodies against their checksums. Mends what it finds if it is told to; else changes nothing.
 */
public final class Fsck {
    /** Address space that the index may take; as a server's. */
    private static final long INDEX_MAP_BYTES = 1L << 40;

    private final Device first;
    private final CheckedDevices devices;
    private final IndexCheck index;
    private final Options options;
    private final FsckReport report;

    /** Objects on devices that are not there, or that the index doesn't know, by number. */
    private final Map<Integer, Long> unseen = new TreeMap<>();

    private long damagedRecords;
    private long newestGeneration;

    /**
     * What to check.
     *
     * @param directory of the store, with its index
     * @param moreDevices directories in which other devices of it may be, besides those that they were in last
     * @param repairs whether to mend
     * @param readsBodies whether to compare the bodies in files with their checksums, which reads them all
     */
    public record Options(Path directory, List<Path> moreDevices, boolean repairs, boolean readsBodies) {}

    private Fsck(Options options, Device first, CheckedDevices devices, IndexCheck index, FsckReport report) {
        this.options = options;
        this.first = first;
        this.devices = devices;
        this.index = index;
        this.report = report;
    }

    /**
     * Checks a store, and tells what it finds line by line.
     *
     * @throws IOException if it can't be checked, for instance because a server uses it
     */
    public static FsckReport run(Options options, Consumer<String> lines) throws IOException {
        FsckReport report = new FsckReport(options.repairs, lines);
        try (Device first = DeviceOpening.begin(options.directory, () -> Device.openAsItIs(options.directory))
                        .await();
                IndexCheck index = IndexCheck.open(
                        first.index(), INDEX_MAP_BYTES, new Index.Ids(first.indexId(), first.id()), options.repairs);
                CheckedDevices devices = CheckedDevices.open(first, options.moreDevices, index)) {
            new Fsck(options, first, devices, index, report).check();
        } catch (IndexException e) {
            throw new IOException("the store in " + options.directory + " can't be checked: " + e.getMessage(), e);
        }
        return report;
    }

    private void check() throws IOException {
        for (Device device : devices.there()) {
            checkFiles(device);
        }
        checkWays();
        index.visit(new Objects());
        checkTotals();
        checkPurgesAndOrders();
        checkGenerations();
        index.flush();
        reportUnseen();
        for (Device device : devices.there()) {
            checkQuarantine(quarantine(device));
        }
        Totals whole = index.whole();
        report.end(options.directory + ": objects=" + whole.objects() + " bytes=" + whole.bytes());
    }

    /** Whoever repairs looks at what came there: nothing is removed for want of room. */
    private static Quarantine quarantine(Device device) {
        return new Quarantine(device, Long.MAX_VALUE);
    }

    private void checkQuarantine(Quarantine quarantine) throws IOException {
        for (Path note : quarantine.strayNotes()) {
            report.repairable("the note " + note + " is about no file", "removes it", "it is removed");
            if (options.repairs) {
                Files.delete(note);
            }
        }
        Quarantine.Contents kept = quarantine.contents();
        if (kept.files() > 0) {
            report.remark(quarantine.directory() + ": files=" + kept.files() + " bytes=" + kept.bytes()
                    + " are no object's any more; look at them, then remove them");
        }
    }

    // ---- devices that are not there

    private void reportUnseen() {
        Set<Path> silent = new LinkedHashSet<>(devices.silent());
        devices.absent().forEach((number, device) -> {
            boolean isSilent = silent.remove(Path.of(device.directory()));
            Long objects = unseen.remove(number);
            report.left(
                    "the device " + device.id()
                            + (isSilent
                                    ? " in " + device.directory() + " does not answer"
                                    : " is absent, and was last in " + device.directory())
                            + ": objects=" + (objects == null ? 0 : objects) + " of it are not checked",
                    "they are left as they are: " + (isSilent ? "see to its disk" : "bring it back")
                            + ", and check again");
        });
        silent.forEach(directory -> report.left(
                "the directory " + directory + " does not answer",
                "what is in it is not checked: see to its disk, and check again"));
        unseen.forEach((number, objects) -> report.left(
                "the index knows no device of number " + number + ": objects=" + objects + " of it are not checked",
                "they are left as they are: put the index back from a backup, or delete them"));
        for (Device device : devices.unknown()) {
            report.left(
                    "the directory " + device.root() + " is device " + device.id() + ", which the index does not know",
                    "it is left as it is: it was copied, or the index is an old copy");
        }
    }

    // ---- files without an object

    private void checkFiles(Device device) throws IOException {
        Path objects = device.objects();
        Files.walkFileTree(objects, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                checkFile(device, objects.relativize(file).toString());
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path file, IOException e) {
                report.left("the file " + file + " can't be read: " + e.getMessage(), "look at the file system");
                return FileVisitResult.CONTINUE;
            }
        });
    }

    /** What a file of a device is called in the report: on the one that has the index, below its directory. */
    private String shown(Device device, String name) {
        return device == first
                ? "objects/" + name
                : device.objects().resolve(name).toString();
    }

    private void checkFile(Device device, String name) throws IOException {
        FileName parsed = FileName.of(name);
        if (parsed == null) {
            report.repairable(
                    "the file " + shown(device, name) + " is none of objmapper's",
                    "moves it to quarantine",
                    "it is moved to quarantine");
            quarantine(device, name, "none of objmapper's");
            return;
        }
        FileUse use = index.use(device.number(), parsed.digest(), parsed.generation());
        if (use == FileUse.OF_DAMAGED) {
            quarantine(device, name, "the record of its object in the index is damaged");
        } else if (use == FileUse.NOBODYS && parsed.generation() >= index.generationBound()) {
            report.repairable(
                    "the file " + shown(device, name) + " is newer than all that the index knows",
                    "moves it to quarantine",
                    "it is moved to quarantine");
            quarantine(device, name, "newer than all that the index knew: is the index an old copy?");
        } else if (use == FileUse.NOBODYS && !options.repairs && index.hasObjects()) {
            report.remark("the file " + shown(device, name) + " is no object's; a server removes it after its start");
        } else if (use == FileUse.NOBODYS) {
            report.repairable("the file " + shown(device, name) + " is no object's", "removes it", "it is removed");
            if (options.repairs) {
                device.unlink(parsed.digest(), parsed.generation());
            }
        }
    }

    private void quarantine(Device device, String name, String why) throws IOException {
        if (options.repairs) {
            quarantine(device).take(name, why);
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
            newestGeneration = Math.max(newestGeneration, Math.max(record.generation(), record.bodyGeneration()));
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
        Device device = devices.byNumber(record.device());
        if (device == null) {
            unseen.merge(record.device(), 1L, Long::sum);
            return null;
        }
        String name = Device.name(row.digest(), record.bodyGeneration());
        String shown = shown(device, name);
        int descriptor = device.open(row.digest(), record.bodyGeneration());
        if (descriptor == -Errno.ENOENT) {
            return "its file " + shown + " is gone";
        }
        if (descriptor < 0) {
            leaveUnreadable(row, shown, Errno.nameOf(-descriptor));
            return null;
        }
        try {
            String wrong = compare(descriptor, record);
            if (wrong == null) {
                return null;
            }
            quarantine(device, name, "the object " + row.key() + ": " + wrong);
            return wrong + ", in " + shown;
        } catch (IOException e) {
            leaveUnreadable(row, shown, e.getMessage());
            return null;
        } finally {
            NativeIo.close(descriptor);
        }
    }

    private void leaveUnreadable(Row row, String file, @Nullable String why) {
        report.left(
                "the object " + row.key() + " can't be read: " + file + ": " + why,
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

    private void checkPurgesAndOrders() {
        for (IndexRow purge : index.purges()) {
            if (RecordedPurge.of(purge) == null) {
                report.lost(
                        "the purge of generation " + HexFormat.of().formatHex(purge.key())
                                + " is lost, and what it had not taken stays: its record in the index is damaged",
                        "takes it out",
                        "it is taken out");
                if (options.repairs) {
                    index.takeOutPurge(purge);
                }
            }
        }
        long damaged = index.damagedOrders(options.repairs);
        if (damaged > 0) {
            report.repairable(
                    "the index has rows=" + damaged + " of an order of eviction that say nothing",
                    "removes them",
                    "they are removed");
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
