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
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.objmapper.server.config.Configuration.CacheSettings;
import org.objmapper.server.config.Configuration.CapacitySettings;
import org.objmapper.server.config.Configuration.CheckSettings;
import org.objmapper.server.config.Configuration.LimitSettings;
import org.objmapper.server.config.Configuration.TimeoutSettings;
import org.tomlj.Toml;
import org.tomlj.TomlArray;
import org.tomlj.TomlParseError;
import org.tomlj.TomlParseResult;
import org.tomlj.TomlPosition;
import org.tomlj.TomlTable;

/** Reads the TOML file that configures a server. */
public final class ConfigurationFile {
    private static final TomlTable NONE = Toml.parse("");
    /** Tables that belong to a store: they stand beside the only one, and below each of several. */
    private static final List<String> OF_A_STORE = List.of("listener", "device", "memory", "cache");

    private static final CapacityKeys STORE_KEYS = new CapacityKeys(
            STORE_CAPACITY, STORE_CAPACITY_OBJECTS, STORE_HIGH_WATERMARK, STORE_LOW_WATERMARK, STORE_EVICTION);
    private static final CapacityKeys CACHE_KEYS = new CapacityKeys(
            CACHE_CAPACITY, CACHE_CAPACITY_OBJECTS, CACHE_HIGH_WATERMARK, CACHE_LOW_WATERMARK, CACHE_EVICTION);
    private static final CapacityKeys MEMORY_KEYS = new CapacityKeys(
            MEMORY_CAPACITY, MEMORY_CAPACITY_OBJECTS, MEMORY_HIGH_WATERMARK, MEMORY_LOW_WATERMARK, MEMORY_EVICTION);

    private final String name;
    private final TomlParseResult toml;
    private final Problems problems;
    /** The directories and the sockets of all stores, and where they are said. */
    private final Map<Path, @Nullable TomlPosition> directories = new LinkedHashMap<>();

    private final Map<Path, @Nullable TomlPosition> sockets = new LinkedHashMap<>();

    private final Configuration configuration;

    private ConfigurationFile(String name, String text, boolean mustSayCapacity) throws ConfigurationException {
        this.name = name;
        this.toml = Toml.parse(text);
        this.problems = new Problems(name);
        for (TomlParseError error : toml.errors()) {
            problems.add(error.position(), error.getMessage());
        }
        problems.throwIfAny();
        if (mustSayCapacity) {
            requireCapacity();
        }
        this.configuration = whole();
        problems.throwIfAny();
    }

    /**
     * Reads a file.
     *
     * @throws ConfigurationException when it can't be used, with every problem that was found
     * @throws IOException when it can't be read
     */
    public static ConfigurationFile open(Path file) throws IOException, ConfigurationException {
        return new ConfigurationFile(file.toString(), text(file), true);
    }

    /** Reads a text, which may leave out even what a file must say; {@code name} stands for the file in messages. */
    public static Configuration parse(String name, String text) throws ConfigurationException {
        return new ConfigurationFile(name, text, false).configuration();
    }

    /** What the file says, and defaults for what it leaves out. */
    public Configuration configuration() {
        return configuration;
    }

    /**
     * What can be used and is hardly what was meant: a cache on the file system of a device. Looks at the directories, so it waits for one
     * that hangs; of those that are not there it says nothing.
     *
     * @throws ConfigurationException when two of the directories are one
     */
    public List<String> warnings() throws ConfigurationException {
        refuseOneDirectoryTwice();
        List<String> warnings = new ArrayList<>();
        for (StoreSettings store : configuration.stores()) {
            if (store.cache() != null) {
                Path cache = store.cache().directory().normalize();
                devicesOf(store)
                        .filter(device -> isOnOneFileSystem(cache, device))
                        .forEach(device -> warnings.add(name + line(":", cache, ":") + " cache.directory: "
                                + cache
                                + " is on the file system of the device in " + device + line(", line ", device, "")
                                + ", so it gains nothing: put it on a faster one"));
            }
        }
        return warnings;
    }

    /** Two paths may lead to one directory, or one into the other, by links and bind mounts. */
    private void refuseOneDirectoryTwice() throws ConfigurationException {
        Problems found = new Problems(name);
        Map<Path, RealPlace> places = new LinkedHashMap<>();
        directories.forEach((directory, position) -> {
            RealPlace place = RealPlace.of(directory);
            if (place == null) {
                return;
            }
            places.forEach((other, there) -> {
                String both = directory + " and " + other + line(", line ", other, "");
                if (place.isSameAs(there)) {
                    found.add(position, both + " are one directory; give each device and each cache one of its own");
                } else if (place.liesIn(there) || there.liesIn(place)) {
                    found.add(
                            position,
                            "of " + both
                                    + " one lies in the other, where links and mounts lead; give each device and each"
                                    + " cache a directory of its own");
                }
            });
            places.put(directory, place);
        });
        found.throwIfAny();
    }

    private static Stream<Path> devicesOf(StoreSettings store) {
        return Stream.concat(
                Stream.of(store.directory().normalize()),
                store.moreDevices().stream().map(device -> device.directory().normalize()));
    }

    private String line(String before, Path directory, String after) {
        TomlPosition position = directories.get(directory);
        return position == null ? "" : before + position.line() + after;
    }

    private static boolean isOnOneFileSystem(Path cache, Path device) {
        try {
            return Files.getAttribute(cache, "unix:dev").equals(Files.getAttribute(device, "unix:dev"));
        } catch (IOException e) {
            return false;
        }
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

    private Configuration whole() {
        rejectUnknownTables();
        List<StoreSettings> stores = stores();
        Section server = section("server");
        Section limits = section("limits");
        Section timeouts = section("timeouts");
        return new Configuration(
                stores,
                server.count(SERVER_LOOPS, Math.min(Runtime.getRuntime().availableProcessors(), 256)),
                server.word(SERVER_ENGINE, "auto"),
                server.count(SERVER_SPIN_MICROS, 100),
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
                        timeouts.millisOrNever(TIMEOUTS_HELD, 0),
                        timeouts.millis(TIMEOUTS_DRAIN, 5_000)));
    }

    /** How much may be stored is for whoever runs the server to say: no default would be right. */
    private void requireCapacity() {
        Object value = toml.get(List.of("store"));
        if (isTables(value)) {
            eachTable(value).forEach(store -> requireCapacity(store, store.inputPositionOf(List.of())));
        } else {
            requireCapacity(value instanceof TomlTable store ? store : NONE, toml.inputPositionOf(List.of("store")));
        }
    }

    private void requireCapacity(TomlTable store, @Nullable TomlPosition position) {
        if (!store.contains(List.of("capacity"))) {
            problems.add(
                    position,
                    "store.capacity is missing: it says how many bytes of bodies the store may hold, such as capacity ="
                            + " \"10 GiB\" below [store]");
        }
    }

    /** One store, with the tables that belong to it beside it; or several, with theirs below each. */
    private List<StoreSettings> stores() {
        Object value = toml.get(List.of("store"));
        if (!isTables(value)) {
            return List.of(store(section("store"), toml, true));
        }
        List<TomlTable> tables = eachTable(value);
        for (String table : OF_A_STORE) {
            if (toml.contains(List.of(table))) {
                problems.add(
                        toml.inputPositionOf(List.of(table)),
                        table + " must say which [[store]] it belongs to; head it store." + table
                                + ", and put it below that store");
            }
        }
        List<StoreSettings> stores = new ArrayList<>();
        for (TomlTable table : tables) {
            if (tables.size() > 1) {
                requireOwn(table, "directory", STORE_DIRECTORY.accepted());
                requireOwn(table, "listener", "headed [[store.listener]]");
            }
            Section section = new Section("store", table, OF_A_STORE, problems);
            stores.add(store(section, table, tables.size() == 1));
        }
        return List.copyOf(stores);
    }

    /** What has a default, which only one of several stores could have. */
    private void requireOwn(TomlTable store, String key, String how) {
        if (!store.contains(List.of(key))) {
            problems.add(
                    store.inputPositionOf(List.of()),
                    "store." + key + " is missing: each of several stores has its own, " + how);
        }
    }

    private StoreSettings store(Section store, TomlTable around, boolean hasDefaultDirectory) {
        TomlPosition position = store.position(STORE_DIRECTORY);
        DeviceSettings first = new DeviceSettings(
                store.path(STORE_DIRECTORY, "/var/lib/objmapper"),
                store.count(STORE_DEVICE_WEIGHT, 100),
                store.count(STORE_DEVICE_THREADS, 4),
                store.count(STORE_DEVICE_QUEUE_LENGTH, 1_024));
        if (position != null ? !store.hasWrongPath(STORE_DIRECTORY) : hasDefaultDirectory) {
            claim(first.directory().normalize(), STORE_DIRECTORY, position);
        }
        List<DeviceSettings> more = devices(around, first);
        return new StoreSettings(
                listeners(around),
                first.directory(),
                capacity(store, STORE_KEYS, 10L << 30, 1_000_000_000),
                memory(around),
                cache(around),
                first.threads(),
                first.queueLength(),
                first.weight(),
                more,
                store.count(STORE_PASSED_QUEUE_LENGTH, 256),
                store.count(STORE_PASSED_QUEUE_LENGTH_PER_USER, 64),
                store.bytes(STORE_OBJECT_MEMORY, 64 << 20),
                store.bytes(STORE_UPLOAD_MEMORY_PER_SESSION, 16 << 20),
                store.bytes(STORE_HELD_BYTES_PER_SESSION, 1L << 62),
                new CheckSettings(
                        store.count(STORE_RECOVERY_RATE, 20_000),
                        store.bytes(STORE_SCRUB_RATE, 4 << 20),
                        store.bytes(STORE_QUARANTINE, 1 << 30)),
                store.bytes(STORE_DRAIN_RATE, 64 << 20),
                store.word(STORE_OFFLINE_OBJECTS, StoreSettings.ERROR));
    }

    private static boolean isTables(@Nullable Object value) {
        return value instanceof TomlArray tables
                && !tables.isEmpty()
                && tables.toList().stream().allMatch(TomlTable.class::isInstance);
    }

    private static List<TomlTable> eachTable(@Nullable Object value) {
        return value instanceof TomlArray tables
                ? tables.toList().stream().map(TomlTable.class::cast).toList()
                : List.of();
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
                section.word(keys.eviction, "tinylfu"));
        if (capacity.lowWatermark() > capacity.highWatermark()) {
            section.contradiction(
                    keys.lowWatermark,
                    String.valueOf(capacity.lowWatermark()),
                    "is above",
                    keys.highWatermark,
                    String.valueOf(capacity.highWatermark()));
        }
        return capacity;
    }

    private @Nullable CapacitySettings memory(TomlTable around) {
        if (!around.contains(List.of("memory"))) {
            return null;
        }
        requireKey(around, MEMORY_CAPACITY);
        return capacity(section(around, "memory"), MEMORY_KEYS, 0, 100_000);
    }

    private @Nullable CacheSettings cache(TomlTable around) {
        if (!around.contains(List.of("cache"))) {
            return null;
        }
        requireKey(around, CACHE_DIRECTORY);
        requireKey(around, CACHE_CAPACITY);
        Section section = section(around, "cache");
        Path directory = section.path(CACHE_DIRECTORY, "/var/cache/objmapper").normalize();
        claim(directory, CACHE_DIRECTORY, around.inputPositionOf(List.of("cache", "directory")));
        return new CacheSettings(directory, capacity(section, CACHE_KEYS, 0, 1_000_000));
    }

    /** A table that is there, and makes no sense without a key. */
    private void requireKey(TomlTable around, ConfigurationKey key) {
        if (around.get(List.of(key.table())) instanceof TomlTable table && !table.contains(List.of(key.key()))) {
            problems.add(
                    around.inputPositionOf(List.of(key.table())),
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
        return section(toml, table);
    }

    private Section section(TomlTable around, String table) {
        Object value = around.get(List.of(table));
        if (value == null) {
            return new Section(table, NONE, problems);
        }
        if (value instanceof TomlTable found) {
            return new Section(table, found, problems);
        }
        problems.add(around.inputPositionOf(List.of(table)), table + " is not a table; write [" + table + "]");
        return new Section(table, NONE, problems);
    }

    private List<ListenerSettings> listeners(TomlTable around) {
        Object value = around.get(List.of("listener"));
        List<ListenerSettings> listeners = new ArrayList<>();
        if (value == null) {
            listeners.add(ListenerSettings.at(Path.of("/run/objmapper/objmapper.sock")));
        } else if (isTables(value)) {
            eachTable(value).forEach(table -> listeners.add(listener(table)));
        } else {
            problems.add(
                    around.inputPositionOf(List.of("listener")),
                    "listener takes one or more tables, each headed [[listener]]");
        }
        return List.copyOf(listeners);
    }

    private List<DeviceSettings> devices(TomlTable around, DeviceSettings first) {
        Object value = around.get(List.of("device"));
        if (value != null && !isTables(value)) {
            problems.add(around.inputPositionOf(List.of("device")), "device takes tables, each headed [[device]]");
            return List.of();
        }
        return eachTable(value).stream().map(table -> device(table, first)).toList();
    }

    private DeviceSettings device(TomlTable table, DeviceSettings first) {
        Section section = new Section("device", table, problems);
        if (!table.contains("directory")) {
            problems.add(
                    table.inputPositionOf(List.of()),
                    "device.directory is missing; it takes " + DEVICE_DIRECTORY.accepted());
            return first;
        }
        Path directory = section.path(DEVICE_DIRECTORY, "/").normalize();
        if (!section.hasWrongPath(DEVICE_DIRECTORY)) {
            claim(directory, DEVICE_DIRECTORY, table.inputPositionOf(List.of("directory")));
        }
        return new DeviceSettings(
                directory,
                section.count(DEVICE_WEIGHT, first.weight()),
                section.count(DEVICE_THREADS, first.threads()),
                section.count(DEVICE_QUEUE_LENGTH, first.queueLength()));
    }

    /** No two devices, of whichever stores, may meet in a directory. */
    private void claim(Path directory, ConfigurationKey key, @Nullable TomlPosition position) {
        directories.forEach((other, at) -> {
            String where = at == null ? "" : ", line " + at.line();
            if (directory.equals(other)) {
                problems.add(
                        position,
                        key.qualifiedName() + ": " + directory + " is another device's directory too" + where);
            } else if (directory.startsWith(other) || other.startsWith(directory)) {
                problems.add(
                        position,
                        key.qualifiedName() + ": of " + directory + " and " + other + where
                                + " one lies in the other; give each device a directory of its own");
            }
        });
        directories.put(directory, position);
    }

    private ListenerSettings listener(TomlTable table) {
        Section section = new Section("listener", table, problems);
        ListenerSettings listener = new ListenerSettings(
                section.path(LISTENER_PATH, "/run/objmapper/objmapper.sock"),
                section.user(LISTENER_OWNER),
                section.group(LISTENER_GROUP),
                section.fileMode(LISTENER_MODE, ListenerSettings.MODE_DEFAULT),
                section.operations(LISTENER_OPERATIONS));
        if (!section.hasWrongPath(LISTENER_PATH)) {
            TomlPosition path = section.position(LISTENER_PATH);
            claim(listener.path(), path == null ? table.inputPositionOf(List.of()) : path);
        }
        return listener;
    }

    /** No two listeners, of whichever stores, may have one socket. */
    private void claim(Path socket, @Nullable TomlPosition position) {
        Path path = socket.normalize();
        if (sockets.containsKey(path)) {
            TomlPosition at = sockets.get(path);
            problems.add(
                    position,
                    "listener.path: " + path + " is another listener's path too"
                            + (at == null ? "" : ", line " + at.line()));
        }
        sockets.putIfAbsent(path, position);
    }
}
