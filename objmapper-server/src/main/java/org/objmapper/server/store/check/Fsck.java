package org.objmapper.server.store.check;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.objmapper.nativeio.Errno;
import org.objmapper.nativeio.NativeIo;
import org.objmapper.server.store.ban.RecordedPurge;
import org.objmapper.server.store.check.DeviceCalls.SilenceException;
import org.objmapper.server.store.device.Device;
import org.objmapper.server.store.device.DeviceException;
import org.objmapper.server.store.device.DeviceOpening;
import org.objmapper.server.store.device.FileName;
import org.objmapper.server.store.device.FileWindow;
import org.objmapper.server.store.device.Ownership;
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
        Device.load(); // what that takes is not the disk's doing
        Device first = DeviceOpening.begin(
                        options.directory, CheckedDevices.OPENING_MILLIS, () -> Device.openAsItIs(options.directory))
                .await();
        try {
            return IndexWatch.run(first, () -> check(options, first, report));
        } catch (SilenceException e) {
            report.stop();
            throw new IOException(
                    e.getMessage()
                            + ", and has the index: what is told above was found until then; see to its disk, and check"
                            + " again",
                    e);
        }
    }

    private static FsckReport check(Options options, Device first, FsckReport report) throws IOException {
        try (first;
                IndexCheck index = IndexCheck.open(
                        first.index(), INDEX_MAP_BYTES, new Index.Ids(first.indexId(), first.id()), options.repairs);
                CheckedDevices devices = CheckedDevices.open(first, options.moreDevices, index)) {
            Ownership.handOver(first.index().resolve("lock.mdb"));
            new Fsck(options, first, devices, index, report).check();
        } catch (IndexException e) {
            throw new IOException("the store in " + options.directory + " can't be checked: " + e.getMessage(), e);
        }
        return report;
    }

    private void check() throws IOException {
        onEach(device -> checkFiles(device, ""));
        checkWays();
        try {
            index.visit(new Objects());
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
        checkTotals();
        checkPurgesAndOrders();
        checkGenerations();
        index.flush();
        onEach(this::checkQuarantine);
        reportUnseen();
        Totals whole = index.whole();
        report.end(options.directory + ": objects=" + whole.objects() + " bytes=" + whole.bytes());
    }

    /** What is done with one device. */
    private interface OnDevice {
        void check(Device device) throws IOException;
    }

    private void onEach(OnDevice check) throws IOException {
        for (Device device : List.copyOf(devices.there())) {
            try {
                check.check(device);
            } catch (SilenceException e) {
                devices.giveUp(device, e);
            }
        }
    }

    /** Asks a device. */
    private <T> T ask(Device device, DeviceCalls.Calls<T> calls) throws IOException {
        return devices.calls(device).ask(calls);
    }

    /** Whoever repairs looks at what came there: nothing is removed for want of room. */
    private static Quarantine quarantine(Device device) {
        return new Quarantine(device, Long.MAX_VALUE);
    }

    private void checkQuarantine(Device device) throws IOException {
        Quarantine quarantine = quarantine(device);
        for (Path note : ask(device, alive -> quarantine.strayNotes())) {
            report.repairable("the note " + note + " is about no file", "removes it", "it is removed");
            if (options.repairs) {
                ask(device, alive -> Files.deleteIfExists(note));
            }
        }
        Quarantine.Contents kept = ask(device, alive -> quarantine.contents());
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
        devices.givenUp().forEach((number, device) -> {
            Long objects = unseen.remove(number);
            report.left(
                    "the device " + device.id() + " in " + device.root()
                            + " stopped answering in the midst of the check: objects=" + (objects == null ? 0 : objects)
                            + " of it are not checked",
                    "they are left as they are: see to its disk, and check again");
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

    /** What stands in a directory. */
    private record Listed(String name, boolean isDirectory) {}

    /** Looks at all that is below a directory of {@code objects}, which is "" for that itself, and else ends with a slash. */
    private void checkFiles(Device device, String directory) throws IOException {
        for (Listed entry : listed(device, directory)) {
            if (entry.isDirectory) {
                checkFiles(device, entry.name + "/");
            } else {
                checkFile(device, entry.name);
            }
        }
    }

    private List<Listed> listed(Device device, String directory) throws IOException {
        Path path = device.objects().resolve(directory);
        try {
            return ask(device, alive -> list(path, directory, alive));
        } catch (SilenceException e) {
            throw e;
        } catch (IOException e) {
            report.left("the directory " + path + " can't be read: " + e.getMessage(), "look at the file system");
            return List.of();
        }
    }

    private static List<Listed> list(Path path, String directory, Runnable alive) throws IOException {
        List<Listed> all = new ArrayList<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(path)) {
            for (Path entry : entries) {
                alive.run();
                all.add(new Listed(
                        directory + entry.getFileName(), Files.isDirectory(entry, LinkOption.NOFOLLOW_LINKS)));
            }
        } catch (DirectoryIteratorException e) {
            throw e.getCause();
        }
        return all;
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
                ask(device, alive -> device.unlink(parsed.digest(), parsed.generation()));
            }
        }
    }

    private void quarantine(Device device, String name, String why) throws IOException {
        if (options.repairs) {
            ask(device, alive -> {
                quarantine(device).take(name, why);
                return true;
            });
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
        try {
            return checkBody(row, record, device);
        } catch (SilenceException e) {
            try {
                devices.giveUp(device, e);
            } catch (SilenceException ofFirst) {
                throw new UncheckedIOException(ofFirst);
            }
            unseen.merge(record.device(), 1L, Long::sum);
            return null;
        }
    }

    private @Nullable String checkBody(Row row, IndexRecord record, Device device) throws SilenceException {
        String name = Device.name(row.digest(), record.bodyGeneration());
        String shown = shown(device, name);
        try {
            String wrong = ask(device, alive -> Optional.ofNullable(compare(device, row, record, alive)))
                    .orElse(null);
            if (wrong == null) {
                return null;
            }
            quarantine(device, name, "the object " + row.key() + ": " + wrong);
            return wrong + ", in " + shown;
        } catch (NoSuchFileException e) {
            return "its file " + shown + " is gone";
        } catch (SilenceException e) {
            throw e;
        } catch (IOException e) {
            leaveUnreadable(row, shown, e.getMessage());
            return null;
        }
    }

    private void leaveUnreadable(Row row, String file, @Nullable String why) {
        report.left(
                "the object " + row.key() + " can't be read: " + file + ": " + why,
                "it is left as it is: look at the disk");
    }

    /** What is wrong with the bytes of an object's file; null for nothing. */
    private @Nullable String compare(Device device, Row row, IndexRecord record, Runnable alive) throws IOException {
        int descriptor = device.open(row.digest(), record.bodyGeneration());
        if (descriptor == -Errno.ENOENT) {
            throw new NoSuchFileException(Device.name(row.digest(), record.bodyGeneration()));
        }
        if (descriptor < 0) {
            throw new IOException(Errno.nameOf(-descriptor));
        }
        try {
            return compare(descriptor, record, alive);
        } finally {
            NativeIo.close(descriptor);
        }
    }

    private @Nullable String compare(int descriptor, IndexRecord record, Runnable alive) throws DeviceException {
        long[] facts = new long[3];
        NativeIo.describe(descriptor, facts);
        if (facts[1] != record.length()) {
            return "its file has bytes=" + facts[1] + " instead of " + record.length();
        }
        if (!options.readsBodies) {
            return null;
        }
        long found = FileWindow.xxh3(descriptor, record.length(), bytes -> alive.run());
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
