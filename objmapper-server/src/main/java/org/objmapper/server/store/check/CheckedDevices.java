package org.objmapper.server.store.check;

import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.objmapper.server.store.check.DeviceCalls.SilenceException;
import org.objmapper.server.store.device.Device;
import org.objmapper.server.store.device.DeviceException;
import org.objmapper.server.store.device.DeviceOpening;
import org.objmapper.server.store.index.IndexCheck;
import org.objmapper.server.store.index.IndexedDevice;

/**
 * The devices of a store that no server uses: those that its index knows, each found by its id, in a directory of the configuration or where
 * it was last. Owns all but the first. For one thread.
 */
final class CheckedDevices implements AutoCloseable {
    /** Nobody is served less while a check waits for a disk to begin to turn, or for its turn on a busy machine. */
    static final long OPENING_MILLIS = 15_000;

    private final Device first;
    private final Map<String, Device> found = new LinkedHashMap<>();
    private final Map<Integer, Device> there = new LinkedHashMap<>();
    private final Map<Integer, IndexedDevice> absent = new LinkedHashMap<>();
    private final List<Device> unknown = new ArrayList<>();
    private final Set<Path> silent = new LinkedHashSet<>();
    private final Map<Device, DeviceCalls> calls = new HashMap<>();
    private final Map<Integer, Device> givenUp = new LinkedHashMap<>();
    private final Set<Path> opened = ConcurrentHashMap.newKeySet();

    private CheckedDevices(Device first) {
        this.first = first;
        found.put(first.id(), first);
    }

    /**
     * Opens what is there of them, and takes their locks.
     *
     * @param first the one with the index, which stays the caller's
     * @param configured directories that must belong to the store where they hold one
     */
    static CheckedDevices open(Device first, List<Path> configured, IndexCheck index) throws IOException {
        CheckedDevices devices = new CheckedDevices(first);
        try {
            devices.openAll(configured, index.devices());
            return devices;
        } catch (IOException | RuntimeException e) {
            devices.close();
            throw e;
        }
    }

    private void openAll(List<Path> configured, List<IndexedDevice> known) throws IOException {
        opened.add(first.root().toRealPath());
        for (Path directory : configured) {
            Device device = openThere(directory);
            if (device != null) {
                addConfigured(directory, device);
            }
        }
        for (IndexedDevice device : known) {
            Path last = Path.of(device.directory());
            boolean isUsed = device.state() != IndexedDevice.State.REMOVED && !found.containsKey(device.id());
            if (isUsed && !silent.contains(last)) {
                addIfItIs(device, openThere(last));
            }
        }
        sort(known);
    }

    /** Opens the device in a directory; null where there is none, or it is open already, or the directory does not answer. */
    private @Nullable Device openThere(Path directory) throws IOException {
        DeviceOpening opening = DeviceOpening.begin(directory, OPENING_MILLIS, () -> {
            if (!Device.isThere(directory) || !opened.add(directory.toRealPath())) {
                throw new NoSuchFileException(directory.toString());
            }
            return Device.openAsItIs(directory);
        });
        try {
            return opening.await();
        } catch (NoSuchFileException e) {
            return null;
        } catch (DeviceException e) {
            if (!opening.isGivenUp()) {
                throw e;
            }
            silent.add(directory);
            return null;
        }
    }

    private void addConfigured(Path directory, Device device) throws IOException {
        Device same = found.putIfAbsent(device.id(), device);
        if (same != null || !device.indexId().equals(first.indexId())) {
            device.close();
            found.remove(device.id(), device);
            throw DeviceException.refused(
                    same == null
                            ? "the directory " + directory + " belongs to another store, with the index "
                                    + device.indexId() + ": take it out of the configuration"
                            : "the directories " + same.root() + " and " + directory + " have the same id "
                                    + device.id() + ": one is a copy of the other, so take it out");
        }
    }

    /** Where a device was last another one may be by now. */
    private void addIfItIs(IndexedDevice wanted, @Nullable Device device) {
        if (device == null) {
            return;
        }
        if (device.id().equals(wanted.id()) && device.indexId().equals(first.indexId())) {
            found.put(device.id(), device);
        } else {
            device.close();
        }
    }

    private void sort(List<IndexedDevice> known) {
        Set<String> ids = new LinkedHashSet<>();
        for (IndexedDevice each : known) {
            ids.add(each.id());
            Device device = found.get(each.id());
            if (device != null) {
                device.setNumber(each.number());
                there.put(each.number(), device);
            } else if (each.state() != IndexedDevice.State.REMOVED) {
                absent.put(each.number(), each);
            }
        }
        found.values().stream().filter(device -> !ids.contains(device.id())).forEach(unknown::add);
    }

    /** Those that are there. */
    Collection<Device> there() {
        return there.values();
    }

    /** The one with a number in the index; null where it is not there. */
    @Nullable
    Device byNumber(int number) {
        return there.get(number);
    }

    /** What is asked of one that is there. */
    DeviceCalls calls(Device device) {
        return calls.computeIfAbsent(device, DeviceCalls::new);
    }

    /** One that is there does not answer any more: it is asked nothing from now on. The first one can't be done without. */
    void giveUp(Device device, SilenceException silence) throws SilenceException {
        if (device == first) {
            throw silence;
        }
        there.remove(device.number());
        givenUp.put(device.number(), device);
    }

    /** Those that were given up, by their numbers. */
    Map<Integer, Device> givenUp() {
        return givenUp;
    }

    /** Those that the index knows and that are not there, by their numbers. */
    Map<Integer, IndexedDevice> absent() {
        return absent;
    }

    /** Directories that do not answer. */
    Set<Path> silent() {
        return silent;
    }

    /** Directories of the configuration that the index knows nothing of. */
    List<Device> unknown() {
        return unknown;
    }

    @Override
    public void close() {
        givenUp.values().forEach(device -> calls(device).later(device::close)); // that may hang too
        calls.values().forEach(DeviceCalls::close);
        found.values().stream()
                .filter(device -> device != first && !givenUp.containsValue(device))
                .forEach(Device::close);
    }
}
