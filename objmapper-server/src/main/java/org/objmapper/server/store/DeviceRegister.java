package org.objmapper.server.store;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.objmapper.server.store.device.Device;
import org.objmapper.server.store.device.DeviceException;
import org.objmapper.server.store.device.DeviceOpening;
import org.objmapper.server.store.device.DeviceOptions;
import org.objmapper.server.store.index.Index;
import org.objmapper.server.store.index.IndexRecord;
import org.objmapper.server.store.index.IndexRow;
import org.objmapper.server.store.index.IndexedDevice;
import org.objmapper.server.thread.Patience;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings together the directories of the configuration and the devices that the index knows. A device is known by its id, wherever its
 * directory is; its number in the index is never given to another one. One that is not there is opened without its directory.
 */
final class DeviceRegister {
    private static final Logger LOG = LoggerFactory.getLogger(DeviceRegister.class);
    private static final int MOST = IndexRecord.NO_DEVICE - 1;

    private final Index index;
    private final Device first;
    /** By number. */
    private final Map<Integer, IndexedDevice> known = new LinkedHashMap<>();

    private final List<Device> opened = new ArrayList<>();
    private final List<DeviceOpening> openings = new ArrayList<>();
    private final List<IndexRow> news = new ArrayList<>();

    private DeviceRegister(Index index, Device first) {
        this.index = index;
        this.first = first;
        index.devices().forEach(device -> known.put(device.number(), device));
    }

    /** Opens the devices besides the first one, which is open already and comes first. Closes those that it opened where it throws. */
    static List<Device> open(Device first, StoreOptions options, Index index) throws IOException {
        DeviceRegister register = new DeviceRegister(index, first);
        try {
            register.openAll(options.moreDevices());
            return register.opened;
        } catch (IOException | RuntimeException e) {
            register.openings.forEach(DeviceOpening::giveUp);
            register.opened.stream().filter(device -> device != first).forEach(Device::closeRefused);
            throw e;
        }
    }

    private void openAll(List<DeviceOptions> directories) throws IOException {
        opened.add(first);
        takeFirst();
        for (DeviceOptions directory : directories) {
            IndexedDevice there = lastAt(directory.directory());
            openings.add(DeviceOpening.begin(directory.directory(), () -> open(directory, there)));
        }
        Map<DeviceOptions, DeviceException> absent = new LinkedHashMap<>();
        for (int i = 0; i < directories.size(); i++) {
            try {
                take(openings.get(i).await());
            } catch (DeviceException e) {
                if (!e.isAbsent()) {
                    throw e;
                }
                absent.put(directories.get(i), e);
            }
        }
        for (Map.Entry<DeviceOptions, DeviceException> entry : absent.entrySet()) {
            addAbsent(entry.getKey(), entry.getValue());
        }
        addUnconfigured();
        if (!news.isEmpty()) {
            index.commit(List.of(), news, index.generationBound(), new ArrayList<>());
        }
        for (Device device : opened) {
            if (!device.isOffline()) {
                device.settle();
            }
        }
    }

    private void takeFirst() {
        IndexedDevice there = known.get(first.number());
        first.setDraining(there != null && there.state() == IndexedDevice.State.DRAINING);
    }

    private Device open(DeviceOptions directory, @Nullable IndexedDevice there) throws IOException {
        refuseUnmounted(directory, there);
        return Device.open(directory, first.indexId());
    }

    /** An empty directory where a device was, or none, is the mount point of a file system that is not there, and no place for a new device. */
    private static void refuseUnmounted(DeviceOptions directory, @Nullable IndexedDevice there) throws DeviceException {
        boolean isGone = Files.notExists(directory.directory());
        if (there != null && (isGone || Device.isEmpty(directory.directory()))) {
            throw DeviceException.absent(
                    "the store's directory " + directory.directory() + (isGone ? " does not exist" : " is empty")
                            + ", and the device " + there.id() + " was there: mount its file system");
        }
    }

    private @Nullable IndexedDevice lastAt(Path directory) {
        return known.values().stream()
                .filter(device -> device.directory().equals(directory.toString())
                        && device.state() != IndexedDevice.State.REMOVED)
                .findAny()
                .orElse(null);
    }

    /** A directory that is there. */
    private void take(Device device) throws DeviceException {
        IndexedDevice there = byId(device.id());
        if (there != null && there.state() == IndexedDevice.State.REMOVED) {
            LOG.warn(
                    "device={} in {} was removed from the store and is not used: take it out of the configuration, or"
                            + " take it back with objmapper device add",
                    there.id(),
                    device.root());
            device.closeRefused();
            return;
        }
        opened.add(device);
        for (Device other : opened) {
            if (other != device && other.id().equals(device.id())) {
                throw DeviceException.refused("the directories " + other.root() + " and " + device.root()
                        + " have the same id " + device.id() + ": one is a copy of the other, so take it out");
            }
        }
        if (there == null && !device.isNew()) {
            throw DeviceException.refused("the directory " + device.root() + " is device " + device.id()
                    + ", which the index in " + first.index() + " does not know: it was copied, or removed from the"
                    + " store; give an empty directory");
        }
        if (there == null) {
            there = new IndexedDevice(nextNumber(known.values()), device.id(), IndexedDevice.State.SERVING, 0, "");
        }
        IndexedDevice now = there.at(device.root().toString(), device.options().weight());
        if (now.state() == IndexedDevice.State.ADDED) {
            now = now.with(IndexedDevice.State.SERVING); // the configuration names it by now
        }
        if (!now.equals(there)) {
            news.add(now.row());
        }
        known.put(now.number(), now);
        device.setNumber(now.number());
        device.setDraining(now.state() == IndexedDevice.State.DRAINING);
    }

    private @Nullable IndexedDevice byId(String id) {
        return known.values().stream()
                .filter(device -> device.id().equals(id))
                .findAny()
                .orElse(null);
    }

    /** A number that no device has had. */
    static int nextNumber(Collection<IndexedDevice> known) throws DeviceException {
        int next = known.stream().mapToInt(IndexedDevice::number).max().orElse(0) + 1;
        if (next > MOST) {
            throw DeviceException.refused("the store has had " + MOST + " devices, and can't have more");
        }
        return next;
    }

    /** A directory that is not there: the device that was in it last. */
    private void addAbsent(DeviceOptions directory, DeviceException why) throws DeviceException {
        IndexedDevice there = lastAt(directory.directory());
        if (there == null) {
            throw why; // a new one has to be there
        }
        LOG.error(
                "device={} is not there, and its objects answer IO_ERROR until it is: {}",
                there.id(),
                why.getMessage());
        add(Device.absent(directory, there.id(), first.indexId()), there);
    }

    /**
     * Devices that the configuration leaves out. Those that operators added, or have drained, are used where they were last; the objects of
     * others are not gone, but can't be read.
     */
    private void addUnconfigured() {
        for (IndexedDevice there : List.copyOf(known.values())) {
            boolean isOpen = opened.stream().anyMatch(device -> device.id().equals(there.id()));
            if (isOpen || there.state() == IndexedDevice.State.REMOVED) {
                continue;
            }
            if (there.state() == IndexedDevice.State.SERVING) {
                LOG.error(
                        "device={} has no directory in the configuration, and its objects answer IO_ERROR; it was in {}",
                        there.id(),
                        there.directory());
                add(Device.leftOut(Path.of(there.directory()), there.id(), first.indexId()), there);
            } else {
                LOG.warn(
                        "device={} in {} is used, and the configuration does not name it: add it there",
                        there.id(),
                        there.directory());
                addLast(there);
            }
        }
    }

    /** A device where it was last; as one that is not there, where it isn't. */
    private void addLast(IndexedDevice there) {
        DeviceOptions directory = DeviceOptions.of(Path.of(there.directory()), there.weight());
        Device device = Device.absent(directory, there.id(), first.indexId());
        add(device, there);
        Thread looking = new Thread(() -> lookFor(device), "store-opening");
        looking.setDaemon(true); // it may hang
        looking.start();
        Patience.awaitEnd(looking, DeviceOpening.LONGEST_MILLIS);
    }

    private static void lookFor(Device device) {
        try {
            if (device.returned()) {
                device.measure();
            }
        } catch (IOException e) {
            LOG.error("device={} is not there, and its objects answer IO_ERROR: {}", device.id(), e.getMessage());
        }
    }

    private void add(Device device, IndexedDevice there) {
        device.setNumber(there.number());
        device.setDraining(there.state() == IndexedDevice.State.DRAINING);
        opened.add(device);
    }
}
