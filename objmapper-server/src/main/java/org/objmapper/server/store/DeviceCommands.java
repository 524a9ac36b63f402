package org.objmapper.server.store;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.objmapper.protocol.Status;
import org.objmapper.server.metrics.Metrics;
import org.objmapper.server.store.device.Device;
import org.objmapper.server.store.device.DeviceHealth;
import org.objmapper.server.store.device.DeviceOpening;
import org.objmapper.server.store.device.DeviceOptions;
import org.objmapper.server.store.device.DeviceQueue;
import org.objmapper.server.store.device.Devices;
import org.objmapper.server.store.index.Index;
import org.objmapper.server.store.index.IndexRecord;
import org.objmapper.server.store.index.IndexedDevice;
import org.objmapper.server.store.index.Totals;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What operators do with the devices of a store that serves. One command after the other, on a thread of its own. */
final class DeviceCommands implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(DeviceCommands.class);
    private static final int QUEUE_LENGTH = 16;
    private static final String SEPARATOR = "\t";

    private final StoreOptions options;
    private final Devices devices;
    private final Index index;
    private final Committer committer;
    private final Changes changes;
    private final Metrics metrics;
    private final User user;
    private final DeviceQueue queue = new DeviceQueue("store-admin", 1, QUEUE_LENGTH);
    private final Map<Device, Drain> drains = new ConcurrentHashMap<>();

    /** Who uses the devices. */
    interface User {
        /** A device is added, and is about to take bodies. */
        void willUse(Device device);

        /** A device is removed: nothing is on it, nor comes there any more. */
        void usesNoMore(Device device);
    }

    /** Commands for the devices of a store. */
    DeviceCommands(
            StoreOptions options,
            Devices devices,
            Index index,
            Committer committer,
            Changes changes,
            Metrics metrics,
            User user) {
        this.options = options;
        this.devices = devices;
        this.index = index;
        this.committer = committer;
        this.changes = changes;
        this.metrics = metrics;
        this.user = user;
    }

    /** Goes on with the drains that the last stop of the server cut off. */
    void resume() {
        devices.all().stream().filter(Device::isDraining).forEach(this::beginDrain);
    }

    private void beginDrain(Device device) {
        drains.put(device, new Drain(device, devices, index, changes, options.drainBytesPerSecond(), metrics));
    }

    /** Runs a command: its name, then its arguments. False when too many wait already. */
    boolean run(List<String> words, Store.Answer answer) {
        return queue.submit(() -> {
            try {
                answer.told(Status.OK, run(words));
            } catch (IOException e) {
                StoreException known = StoreException.of(e);
                answer.told(known.status(), String.valueOf(known.getMessage()));
            } catch (RuntimeException | Error e) {
                LOG.error("a defect in the command {}", words, e);
                answer.told(Status.INTERNAL, "the command ended in a defect: " + e);
            }
        });
    }

    private String run(List<String> words) throws IOException {
        String name = words.get(0);
        return switch (name) {
            case "device list" -> {
                expectArguments(words, 0);
                yield list();
            }
            case "device drain" -> drain(named(words));
            case "device undrain" -> undrain(named(words));
            case "device remove" -> remove(named(words));
            case "device add" -> {
                expectArguments(words, 2);
                yield add(words.get(1), words.get(2));
            }
            default -> throw refused("no such command: " + name);
        };
    }

    private static void expectArguments(List<String> words, int count) throws StoreException {
        if (words.size() != 1 + count) {
            throw refused(words.get(0) + " with " + (words.size() - 1) + " arguments; it takes " + count);
        }
    }

    private static StoreException refused(String message) {
        return new StoreException(Status.BAD_REQUEST, message);
    }

    /** The device that the only argument names, by its id or its directory. */
    private Device named(List<String> words) throws StoreException {
        expectArguments(words, 1);
        String name = words.get(1);
        for (Device device : devices.all()) {
            if (device.id().equals(name) || device.root().toString().equals(name)) {
                return device;
            }
        }
        throw new StoreException(
                Status.NOT_FOUND, "no device has the id or the directory " + name + "; device list shows them");
    }

    // ---- list

    /** A device a line. */
    String list() {
        StringBuilder lines = new StringBuilder();
        devices.all().forEach(device -> lines.append(line(device)).append('\n'));
        return lines.toString();
    }

    private String line(Device device) {
        Totals totals = totals(device);
        DeviceHealth health = device.health();
        return String.join(
                SEPARATOR,
                "id=" + device.id(),
                "number=" + device.number(),
                "state=" + health.state().name().toLowerCase(Locale.ROOT),
                "drain=" + drainState(device),
                "weight=" + device.options().weight(),
                "objects=" + totals.objects(),
                "bytes=" + totals.bytes(),
                "free_bytes=" + device.freeBytes(),
                "queue=" + device.queueLength(),
                "errors=" + health.errors(),
                "latency_micros=" + TimeUnit.NANOSECONDS.toMicros(health.latencyNanos()),
                "directory=" + printable(device.root().toString()),
                "note=" + printable(note(device)));
    }

    private Totals totals(Device device) {
        return index.totals(IndexRecord.BACKING, device.number());
    }

    private static String printable(String text) {
        return text.replaceAll("\\p{Cntrl}", "?");
    }

    private String drainState(Device device) {
        Drain drain = drains.get(device);
        if (drain == null) {
            return "no";
        }
        if (drain.left() == 0) {
            return "done";
        }
        return drain.trouble() == null ? "moving" : "stalled";
    }

    private String note(Device device) {
        Drain drain = drains.get(device);
        if (drain == null) {
            return "";
        }
        if (drain.left() == 0) {
            return device == devices.first()
                    ? "no body is left on it; it has the index, and can't be removed"
                    : "no body is left on it: it may be removed";
        }
        String trouble = drain.trouble();
        return trouble == null ? "" : trouble;
    }

    // ---- drain

    private String drain(Device device) throws IOException {
        if (drains.containsKey(device)) {
            return "it is drained already\n";
        }
        if (devices.all().stream().allMatch(other -> other == device || other.isDraining())) {
            throw refused("no other device takes bodies: add one first");
        }
        write(device, IndexedDevice.State.DRAINING);
        device.setDraining(true);
        devices.placeAnew();
        beginDrain(device);
        LOG.info("device={} is drained; objects={}", device.id(), totals(device).objects());
        return "objects=" + totals(device).objects() + " are moved to the other devices\n";
    }

    private String undrain(Device device) throws IOException {
        Drain drain = drains.get(device);
        if (drain == null) {
            return "it is not drained\n";
        }
        write(device, isConfigured(device) ? IndexedDevice.State.SERVING : IndexedDevice.State.ADDED);
        drain.close();
        drains.remove(device);
        device.setDraining(false);
        devices.placeAnew();
        LOG.info("device={} is not drained any more", device.id());
        return "it takes bodies again\n";
    }

    private boolean isConfigured(Device device) {
        return device == devices.first()
                || options.moreDevices().stream()
                        .anyMatch(configured -> configured.directory().equals(device.root()));
    }

    private void write(Device device, IndexedDevice.State state) throws IOException {
        IndexedDevice row = new IndexedDevice(
                device.number(),
                device.id(),
                state,
                device.options().weight(),
                device.root().toString());
        committer.write(List.of(row.row()));
    }

    // ---- remove

    private String remove(Device device) throws IOException {
        if (device == devices.first()) {
            throw refused("the device " + device.id() + " has the index, and can't be removed");
        }
        Drain drain = drains.get(device);
        if (drain == null) {
            throw refused("the device " + device.id() + " is not drained: drain it first");
        }
        if (!isEmptyForEver(device)) {
            throw new StoreException(
                    Status.BUSY, "objects=" + drain.left() + " are still on the device " + device.id() + ": wait");
        }
        try {
            write(device, IndexedDevice.State.REMOVED);
        } catch (IOException e) {
            changes.open(device);
            throw e;
        }
        drain.close();
        drains.remove(device);
        devices.remove(device);
        user.usesNoMore(device);
        LOG.info("device={} in {} is removed", device.id(), device.root());
        return "it is not used any more: take it out of the configuration\n";
    }

    /** Whether nothing is on it; then nothing comes there any more. */
    private boolean isEmptyForEver(Device device) throws IOException {
        if (!changes.closeIfEmpty(device)) {
            return false;
        }
        try {
            committer.flush(); // what is under way may still bring back what it replaces
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        boolean isEmpty = totals(device).objects() == 0;
        if (!isEmpty) {
            changes.open(device);
        }
        return isEmpty;
    }

    // ---- add

    private String add(String directory, String weight) throws IOException {
        DeviceOptions wanted = DeviceOptions.of(directory(directory), weight(weight));
        Device device = DeviceOpening.begin(wanted.directory(), () -> open(wanted))
                .await(); // it may hang, and other commands wait for this one
        try {
            device.setNumber(
                    device.isNew() ? DeviceRegister.nextNumber(index.devices()) : numberOfRemoved(device, directory));
            write(device, IndexedDevice.State.ADDED);
            device.settle();
        } catch (IOException | RuntimeException e) {
            device.closeRefused();
            throw e;
        }
        user.willUse(device);
        devices.add(device);
        LOG.info("device={} in {} is added", device.id(), device.root());
        return "it is device " + device.id() + ": name it in the configuration too\n";
    }

    /** A device that was removed had nothing on it any more, and may come back as what it was. */
    private int numberOfRemoved(Device device, String directory) throws StoreException {
        for (IndexedDevice known : index.devices()) {
            if (known.id().equals(device.id()) && known.state() == IndexedDevice.State.REMOVED) {
                return known.number();
            }
            if (known.id().equals(device.id())) {
                throw refused("the directory " + directory + " is the device " + device.id()
                        + ", which the store has already: give an empty directory, or name this one in the"
                        + " configuration and restart");
            }
        }
        throw refused("the directory " + directory + " is the device " + device.id()
                + ", which the index does not know: it was copied; give an empty directory");
    }

    private static Path directory(String directory) throws StoreException {
        Path path = Path.of(directory);
        if (!path.isAbsolute()) {
            throw refused("the directory " + directory + " is not absolute");
        }
        return path;
    }

    private static int weight(String weight) throws StoreException {
        if (!weight.matches("[0-9]{1,5}")
                || Integer.parseInt(weight) < 1
                || Integer.parseInt(weight) > DeviceOptions.MAX_WEIGHT) {
            throw refused("a weight of " + weight + "; it may be 1 to " + DeviceOptions.MAX_WEIGHT);
        }
        return Integer.parseInt(weight);
    }

    private Device open(DeviceOptions wanted) throws IOException {
        for (Device device : devices.all()) {
            refuseNested(wanted.directory(), device.root(), "of the device " + device.id());
        }
        TierOptions.CacheOptions cache = options.tiers().cache();
        if (cache != null) {
            refuseNested(wanted.directory(), cache.directory(), "of the cache");
        }
        return Device.open(wanted, devices.first().indexId());
    }

    private static void refuseNested(Path directory, Path other, String whose) throws StoreException {
        Path wanted = directory.normalize();
        Path there = other.toAbsolutePath().normalize();
        if (wanted.startsWith(there) || there.startsWith(wanted)) {
            throw refused("the directory " + directory + " is that " + whose + ", or one of them is within the other");
        }
    }

    @Override
    public void close() {
        queue.close();
        drains.values().forEach(Drain::stop);
        drains.values().forEach(Drain::close);
    }
}
