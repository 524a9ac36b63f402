package org.objmapper.server.config;

import static org.objmapper.server.config.ConfigurationKey.*;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.objmapper.server.config.Configuration.CapacitySettings;
import org.objmapper.server.config.Configuration.CheckSettings;
import org.objmapper.server.config.Configuration.LimitSettings;
import org.objmapper.server.config.Configuration.StoreSettings;
import org.objmapper.server.config.Configuration.TimeoutSettings;
import org.tomlj.Toml;
import org.tomlj.TomlArray;
import org.tomlj.TomlParseError;
import org.tomlj.TomlParseResult;
import org.tomlj.TomlPosition;
import org.tomlj.TomlTable;

/** Reads the TOML file that configures a server. */
public final class ConfigurationFile {
    private static final CapacityKeys STORE_KEYS = new CapacityKeys(
            STORE_CAPACITY, STORE_CAPACITY_OBJECTS, STORE_HIGH_WATERMARK, STORE_LOW_WATERMARK, STORE_EVICTION);
    private static final CapacityKeys MEMORY_KEYS = new CapacityKeys(
            MEMORY_CAPACITY, MEMORY_CAPACITY_OBJECTS, MEMORY_HIGH_WATERMARK, MEMORY_LOW_WATERMARK, MEMORY_EVICTION);

    private final String name;
    private final TomlParseResult toml;
    private final Problems problems;

    private ConfigurationFile(String name, TomlParseResult toml) {
        this.name = name;
        this.toml = toml;
        this.problems = new Problems(name);
    }

    private static ConfigurationFile of(String name, String text) throws ConfigurationException {
        ConfigurationFile file = new ConfigurationFile(name, Toml.parse(text));
        for (TomlParseError error : file.toml.errors()) {
            file.problems.add(error.position(), error.getMessage());
        }
        file.problems.throwIfAny();
        return file;
    }

    /**
     * Reads a file.
     *
     * @throws ConfigurationException when it can't be used, with every problem that was found
     * @throws IOException when it can't be read
     */
    public static Configuration read(Path file) throws IOException, ConfigurationException {
        ConfigurationFile read = of(file.toString(), text(file));
        read.requireCapacity();
        return read.configuration();
    }

    private static String text(Path file) throws IOException {
        try {
            return Files.readString(file);
        } catch (FileSystemException e) {
            throw e;
        } catch (CharacterCodingException e) {
            throw new FileSystemException(file.toString(), null, "the configuration is not in UTF-8");
        } catch (IOException e) {
            throw new FileSystemException(file.toString(), null, e.getMessage());
        }
    }

    /** Reads a text, which may leave out even what a file must say; {@code name} stands for the file in messages. */
    public static Configuration parse(String name, String text) throws ConfigurationException {
        return of(name, text).configuration();
    }

    private Configuration configuration() throws ConfigurationException {
        rejectUnknownTables();
        List<ListenerSettings> listeners = listeners();
        Section store = section("store");
        Section server = section("server");
        Section limits = section("limits");
        Section timeouts = section("timeouts");
        DeviceSettings first = new DeviceSettings(
                store.path(STORE_DIRECTORY, "/var/lib/objmapper"),
                store.count(STORE_DEVICE_WEIGHT, 100),
                store.count(STORE_DEVICE_THREADS, 4),
                store.count(STORE_DEVICE_QUEUE_LENGTH, 1_024));
        Configuration configuration = new Configuration(
                listeners,
                new StoreSettings(
                        first.directory(),
                        capacity(store, STORE_KEYS, 10L << 30, 1_000_000_000),
                        memory(),
                        first.threads(),
                        first.queueLength(),
                        first.weight(),
                        devices(first),
                        store.count(STORE_PASSED_QUEUE_LENGTH, 256),
                        store.count(STORE_PASSED_QUEUE_LENGTH_PER_USER, 64),
                        store.bytes(STORE_OBJECT_MEMORY, 64 << 20),
                        store.bytes(STORE_UPLOAD_MEMORY_PER_SESSION, 16 << 20),
                        new CheckSettings(
                                store.count(STORE_RECOVERY_RATE, 20_000), store.bytes(STORE_SCRUB_RATE, 4 << 20))),
                server.count(SERVER_LOOPS, Math.min(Runtime.getRuntime().availableProcessors(), 256)),
                server.uids(SERVER_PASSED_DESCRIPTOR_UIDS),
                new LimitSettings(
                        limits.count(LIMITS_MAX_SESSIONS, 4_096),
                        limits.count(LIMITS_MAX_REQUESTS, 64),
                        (int) limits.bytes(LIMITS_MAX_FRAME, 1_048_576),
                        (int) limits.bytes(LIMITS_INLINE_LIMIT, 4_096),
                        limits.count(LIMITS_MAX_MESSAGE_DESCRIPTORS, 16),
                        limits.count(LIMITS_MAX_QUEUED_DESCRIPTORS, 16),
                        limits.bytes(LIMITS_MAX_HELD_INPUT, 64 << 20),
                        limits.bytes(LIMITS_MAX_OBJECT, 1L << 40)),
                new TimeoutSettings(
                        timeouts.millis(TIMEOUTS_HELLO, 5_000),
                        timeouts.millisOrNever(TIMEOUTS_IDLE, 60_000),
                        timeouts.millis(TIMEOUTS_FRAME, 30_000),
                        timeouts.millis(TIMEOUTS_REPLY, 30_000),
                        timeouts.millis(TIMEOUTS_DRAIN, 5_000)));
        problems.throwIfAny();
        return configuration;
    }

    /** How much may be stored is for whoever runs the server to say: no default would be right. */
    private void requireCapacity() {
        if (!(toml.get(List.of("store")) instanceof TomlTable store && store.contains(List.of("capacity")))) {
            problems.add(
                    toml.inputPositionOf(List.of("store")),
                    "store.capacity is missing: it says how many bytes of bodies the store may hold, such as capacity ="
                            + " \"10 GiB\" below [store]");
        }
    }

    /** The keys of one table that say how much a tier may hold. */
    private record CapacityKeys(
            ConfigurationKey bytes,
            ConfigurationKey objects,
            ConfigurationKey highWatermark,
            ConfigurationKey lowWatermark,
            ConfigurationKey eviction) {}

    private static CapacitySettings capacity(Section section, CapacityKeys keys, long bytes, int objects) {
        CapacitySettings capacity = new CapacitySettings(
                section.bytes(keys.bytes, bytes),
                section.count(keys.objects, objects),
                section.count(keys.highWatermark, 95),
                section.count(keys.lowWatermark, 90),
                section.policy(keys.eviction, "tinylfu"));
        if (capacity.lowWatermark() > capacity.highWatermark()) {
            section.contradiction(
                    keys.lowWatermark,
                    capacity.lowWatermark() + " is above",
                    keys.highWatermark,
                    String.valueOf(capacity.highWatermark()));
        }
        return capacity;
    }

    private @Nullable CapacitySettings memory() {
        if (!toml.contains(List.of("memory"))) {
            return null;
        }
        requireKey(MEMORY_CAPACITY);
        return capacity(section("memory"), MEMORY_KEYS, 0, 100_000);
    }

    /** A table that is there, and makes no sense without a key. */
    private void requireKey(ConfigurationKey key) {
        if (toml.get(List.of(key.table())) instanceof TomlTable table && !table.contains(List.of(key.key()))) {
            problems.add(
                    toml.inputPositionOf(List.of(key.table())),
                    key.qualifiedName() + " is missing; it takes " + key.accepted());
        }
    }

    private void rejectUnknownTables() {
        Set<String> tables = new LinkedHashSet<>();
        for (ConfigurationKey key : values()) {
            tables.add(key.table());
        }
        for (String table : toml.keySet()) {
            if (!tables.contains(table)) {
                problems.unknown(toml.inputPositionOf(List.of(table)), table, tables);
            }
        }
    }

    private Section section(String table) {
        Object value = toml.get(List.of(table));
        if (value == null) {
            return new Section(table, Toml.parse(""), problems);
        }
        if (value instanceof TomlTable found) {
            return new Section(table, found, problems);
        }
        problems.add(toml.inputPositionOf(List.of(table)), table + " is not a table; write [" + table + "]");
        return new Section(table, Toml.parse(""), problems);
    }

    private List<ListenerSettings> listeners() {
        Object value = toml.get(List.of("listener"));
        List<ListenerSettings> listeners = new ArrayList<>();
        if (value == null) {
            listeners.add(ListenerSettings.at(Path.of("/run/objmapper/objmapper.sock")));
        } else if (value instanceof TomlArray tables
                && !tables.isEmpty()
                && tables.toList().stream().allMatch(TomlTable.class::isInstance)) {
            for (int i = 0; i < tables.size(); i++) {
                addListener(listeners, tables.getTable(i));
            }
        } else {
            problems.add(
                    toml.inputPositionOf(List.of("listener")),
                    "listener takes one or more tables, each headed [[listener]]");
        }
        return List.copyOf(listeners);
    }

    private List<DeviceSettings> devices(DeviceSettings first) {
        Object value = toml.get(List.of("device"));
        List<DeviceSettings> devices = new ArrayList<>();
        if (value instanceof TomlArray tables && tables.toList().stream().allMatch(TomlTable.class::isInstance)) {
            Map<Path, @Nullable TomlPosition> directories = new LinkedHashMap<>();
            directories.put(first.directory().normalize(), toml.inputPositionOf(List.of("store", "directory")));
            for (int i = 0; i < tables.size(); i++) {
                devices.add(device(tables.getTable(i), first, directories));
            }
        } else if (value != null) {
            problems.add(toml.inputPositionOf(List.of("device")), "device takes tables, each headed [[device]]");
        }
        return List.copyOf(devices);
    }

    private DeviceSettings device(
            TomlTable table, DeviceSettings first, Map<Path, @Nullable TomlPosition> directories) {
        Section section = new Section("device", table, problems);
        if (!table.contains("directory")) {
            problems.add(
                    table.inputPositionOf(List.of()),
                    "device.directory is missing; it takes " + DEVICE_DIRECTORY.accepted());
            return first;
        }
        Path directory = section.path(DEVICE_DIRECTORY, "/").normalize();
        TomlPosition position = table.inputPositionOf(List.of("directory"));
        directories.forEach((other, at) -> {
            String where = at == null ? "" : ", line " + at.line();
            if (directory.equals(other)) {
                problems.add(position, "device.directory: " + directory + " is another device's directory too" + where);
            } else if (directory.startsWith(other) || other.startsWith(directory)) {
                problems.add(
                        position,
                        "device.directory: of " + directory + " and " + other + where
                                + " one lies in the other; give each device a directory of its own");
            }
        });
        directories.put(directory, position);
        return new DeviceSettings(
                directory,
                section.count(DEVICE_WEIGHT, first.weight()),
                section.count(DEVICE_THREADS, first.threads()),
                section.count(DEVICE_QUEUE_LENGTH, first.queueLength()));
    }

    private void addListener(List<ListenerSettings> listeners, TomlTable table) {
        Section section = new Section("listener", table, problems);
        ListenerSettings listener = new ListenerSettings(
                section.path(LISTENER_PATH, "/run/objmapper/objmapper.sock"),
                section.name(LISTENER_OWNER),
                section.name(LISTENER_GROUP),
                section.fileMode(LISTENER_MODE, ListenerSettings.MODE_DEFAULT),
                section.operations(LISTENER_OPERATIONS));
        for (ListenerSettings other : listeners) {
            if (other.path().equals(listener.path())) {
                problems.add(
                        table.inputPositionOf(List.of("path")),
                        "listener.path: " + listener.path() + " is the path of another listener of " + name);
            }
        }
        listeners.add(listener);
    }
}
