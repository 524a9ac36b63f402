package org.objmapper.server.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.objmapper.server.config.ConfigurationKey.CACHE_CAPACITY;
import static org.objmapper.server.config.ConfigurationKey.CACHE_DIRECTORY;
import static org.objmapper.server.config.ConfigurationKey.MEMORY_CAPACITY;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.objmapper.server.config.ConfigurationKey.Kind;

class ConfigurationFileTest {
    @TempDir
    Path directory;

    @Test
    void anEmptyFileGivesTheDefaults() throws ConfigurationException {
        Configuration configuration = ConfigurationFile.parse("empty.toml", "");

        assertThat(configuration).isEqualTo(Configuration.standard());
        assertThat(configuration.listeners()).singleElement().satisfies(listener -> {
            assertThat(listener.path()).isEqualTo(Path.of("/run/objmapper/objmapper.sock"));
            assertThat(listener.mode()).isEqualTo(0660);
            assertThat(listener.operations()).containsExactlyInAnyOrderElementsOf(ListenerSettings.OPERATIONS);
        });
        assertThat(configuration.timeouts().idleMillis()).isEqualTo(60_000);
        assertThat(configuration.limits().maxObjectBytes()).isEqualTo(1L << 40);
    }

    @Test
    void theReferenceFileStatesTheDefaults() throws IOException, ConfigurationException {
        assertThat(ConfigurationFile.open(reference()).configuration()).isEqualTo(Configuration.standard());
    }

    @ParameterizedTest
    @EnumSource(ConfigurationKey.class)
    void theReferenceFileNamesEveryKeyInItsTable(ConfigurationKey key) throws IOException {
        String table = "";
        boolean found = false;
        for (String line : Files.readAllLines(reference())) {
            if (line.matches("(# )?\\[.*")) {
                table = line.replaceAll("[#\\[\\]]", "").strip();
            }
            found |= table.equals(key.table()) && line.matches("(# )?" + key.key() + " = .*");
        }
        assertThat(found).as(key.qualifiedName()).isTrue();
    }

    @Test
    void everyKeyIsRead() throws ConfigurationException {
        Configuration configuration = ConfigurationFile.parse("full.toml", """
                [[listener]]
                path = "/tmp/a.sock"
                owner = "root"
                group = "daemon"
                mode = "0600"
                operations = ["get", "head"]
                [[listener]]
                path = "/tmp/b.sock"
                [store]
                directory = "/data"
                capacity = "3 GiB"
                capacity_objects = 5
                high_watermark = 80
                low_watermark = 70
                eviction = "sieve"
                device_threads = 7
                device_queue_length = 8
                device_weight = 5
                passed_queue_length = 9
                passed_queue_length_per_user = 6
                object_memory = "2 MiB"
                upload_memory_per_session = "1 MiB"
                held_bytes_per_session = "8 MiB"
                recovery_rate = 500
                scrub_rate = "7 MiB"
                quarantine = "9 MiB"
                drain_rate = "8 MiB"
                offline_objects = "miss"
                [memory]
                capacity = "2 GiB"
                capacity_objects = 101
                high_watermark = 60
                low_watermark = 50
                eviction = "lru"
                [cache]
                directory = "/fast"
                capacity = "4 GiB"
                capacity_objects = 102
                high_watermark = 61
                low_watermark = 51
                eviction = "fifo"
                [[device]]
                directory = "/more"
                [[device]]
                directory = "/most"
                weight = 12
                threads = 13
                queue_length = 14
                [server]
                loops = 3
                engine = "epoll"
                spin_micros = 21
                passed_descriptor_uids = [0, 1000]
                [limits]
                max_sessions = 10
                max_requests = 11
                max_frame = "2 MiB"
                inline_limit = 100
                max_message_descriptors = 12
                max_queued_descriptors = 13
                max_held_input = "65 MiB"
                max_object = "5 GiB"
                [timeouts]
                hello = "100 ms"
                idle = "never"
                frame = "2 s"
                reply = "3 min"
                held = "4 s"
                drain = "0 s"
                """);

        assertThat(configuration.store())
                .isEqualTo(new StoreSettings(
                        List.of(
                                new ListenerSettings(
                                        Path.of("/tmp/a.sock"), "root", "daemon", 0600, Set.of("get", "head")),
                                ListenerSettings.at(Path.of("/tmp/b.sock"))),
                        Path.of("/data"),
                        new Configuration.CapacitySettings(3L << 30, 5, 80, 70, "sieve"),
                        new Configuration.CapacitySettings(2L << 30, 101, 60, 50, "lru"),
                        new Configuration.CacheSettings(
                                Path.of("/fast"), new Configuration.CapacitySettings(4L << 30, 102, 61, 51, "fifo")),
                        7,
                        8,
                        5,
                        List.of(
                                new DeviceSettings(Path.of("/more"), 5, 7, 8),
                                new DeviceSettings(Path.of("/most"), 12, 13, 14)),
                        9,
                        6,
                        2 << 20,
                        1 << 20,
                        8 << 20,
                        new Configuration.CheckSettings(500, 7 << 20, 9 << 20),
                        8 << 20,
                        "miss"));
        assertThat(configuration.loops()).isEqualTo(3);
        assertThat(configuration.engine()).isEqualTo("epoll");
        assertThat(configuration.spinMicros()).isEqualTo(21);
        assertThat(configuration.passedDescriptorUids()).containsExactlyInAnyOrder(0, 1_000);
        assertThat(configuration.limits())
                .isEqualTo(new Configuration.LimitSettings(10, 11, 2 << 20, 100, 12, 13, 65 << 20, 5L << 30));
        assertThat(configuration.timeouts())
                .isEqualTo(new Configuration.TimeoutSettings(100, 0, 2_000, 180_000, 4_000, 0));
    }

    @Test
    void anUnknownKeyIsRefusedWithTheOneThatWasMeant() {
        assertThat(problemsOf("[limits]\nmax_sesions = 5\n"))
                .containsExactly("test.toml:2: unknown key limits.max_sesions; did you mean limits.max_sessions?");
        assertThat(problemsOf("[store]\nzzzzzzzzzzzzzzzz = 5\n"))
                .singleElement()
                .asString()
                .startsWith("test.toml:2: unknown key store.zzzzzzzzzzzzzzzz; the known ones are store.directory");
        assertThat(problemsOf("[timeout]\nidle = \"5 s\"\n"))
                .containsExactly("test.toml:1: unknown key timeout; did you mean timeouts?");
        assertThat(problemsOf("[[listener]]\n[[listener]]\npth = \"/x\"\n"))
                .anyMatch(problem -> problem.startsWith("test.toml:3: unknown key listener.pth; did you mean"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "listener | path = \"relative\" | listener.path = \"relative\"",
                "listener | owner = 5 | listener.owner = 5",
                "listener | group = \"\" | listener.group = \"\"",
                "listener | mode = \"0999\" | listener.mode = \"0999\"",
                "listener | mode = 660 | listener.mode = 660",
                "listener | operations = [] | listener.operations = []",
                "listener | operations = [\"gte\"] | listener.operations = \"gte\"",
                "store | directory = \"data\" | store.directory = \"data\"",
                "store | capacity = 1048575 | store.capacity = 1048575",
                "store | capacity = \"8192 PiB\" | store.capacity = \"8192 PiB\"",
                "store | capacity_objects = 0 | store.capacity_objects = 0",
                "store | capacity_objects = 1000000001 | store.capacity_objects = 1000000001",
                "store | high_watermark = 101 | store.high_watermark = 101",
                "store | low_watermark = 0 | store.low_watermark = 0",
                "store | eviction = \"random\" | store.eviction = \"random\"",
                "store | device_threads = 0 | store.device_threads = 0",
                "store | device_threads = 65 | store.device_threads = 65",
                "store | device_queue_length = 1.5 | store.device_queue_length = 1.5",
                "store | offline_objects = \"none\" | store.offline_objects = \"none\"",
                "server | loops = \"many\" | server.loops = \"many\"",
                "server | engine = \"kqueue\" | server.engine = \"kqueue\"",
                "server | engine = 1 | server.engine = 1",
                "server | passed_descriptor_uids = [65534] | server.passed_descriptor_uids = 65534",
                "server | passed_descriptor_uids = 5 | server.passed_descriptor_uids = 5",
                "limits | max_sessions = 1000001 | limits.max_sessions = 1000001",
                "limits | max_requests = 4097 | limits.max_requests = 4097",
                "limits | max_frame = \"255 KiB\" | limits.max_frame = \"255 KiB\"",
                "limits | max_frame = 16777217 | limits.max_frame = 16777217",
                "limits | inline_limit = \"65 KiB\" | limits.inline_limit = \"65 KiB\"",
                "limits | max_held_input = \"63 MiB\" | limits.max_held_input = \"63 MiB\"",
                "limits | max_object = \"9999 PiB\" | limits.max_object = \"9999 PiB\"",
                "limits | max_object = \"much\" | limits.max_object = \"much\"",
                "timeouts | hello = \"99 ms\" | timeouts.hello = \"99 ms\"",
                "timeouts | hello = 5 | timeouts.hello = 5",
                "timeouts | idle = \"25 h\" | timeouts.idle = \"25 h\"",
                "timeouts | frame = \"30\" | timeouts.frame = \"30\"",
                "timeouts | reply = \"11 min\" | timeouts.reply = \"11 min\"",
                "timeouts | drain = \"never\" | timeouts.drain = \"never\"",
            })
    void aBadValueNamesFileLineKeyValueAndWhatIsAccepted(String table, String line, String named) {
        String header = table.equals("listener") ? "[[listener]]" : "[" + table + "]";

        assertThat(problemsOf("# a comment\n" + header + "\n" + line + "\n"))
                .singleElement()
                .asString()
                .startsWith("test.toml:3: " + named + " is not possible; it takes ");
    }

    static Stream<ConfigurationKey> keysWithARange() {
        return Stream.of(ConfigurationKey.values())
                .filter(key -> Set.of(Kind.COUNT, Kind.SIZE, Kind.DURATION, Kind.DURATION_OR_NEVER)
                        .contains(key.kind()));
    }

    @ParameterizedTest
    @MethodSource("keysWithARange")
    void bothEndsOfARangeAreTakenAndWhatIsOneBeyondIsNot(ConfigurationKey key) throws ConfigurationException {
        ConfigurationFile.parse("test.toml", line(key, key.lowest()));
        ConfigurationFile.parse("test.toml", line(key, key.highest()));
        assertThat(problemsOf(line(key, key.lowest() - 1))).hasSize(1);
        assertThat(problemsOf(line(key, key.highest() + 1)))
                .containsExactly("test.toml:2: " + key.qualifiedName() + " = " + value(key, key.highest() + 1)
                        + " is not possible; it takes " + key.accepted());
    }

    private static String line(ConfigurationKey key, long value) {
        if (key.table().equals("device")) {
            return "[[device]]\n" + key.key() + " = " + value(key, value) + "\ndirectory = \"/more\"";
        }
        String line = "[" + key.table() + "]\n" + key.key() + " = " + value(key, value);
        boolean isOfTier = Set.of("memory", "cache").contains(key.table());
        String needed = (isOfTier && !key.key().equals("capacity") ? "\ncapacity = \"1 MiB\"" : "")
                + (key.table().equals("cache") ? "\ndirectory = \"/fast\"" : "");
        return switch (key) { // what would contradict the other watermark's default
            case STORE_HIGH_WATERMARK, MEMORY_HIGH_WATERMARK, CACHE_HIGH_WATERMARK ->
                line + needed + "\nlow_watermark = 1";
            case STORE_LOW_WATERMARK, MEMORY_LOW_WATERMARK, CACHE_LOW_WATERMARK ->
                line + needed + "\nhigh_watermark = 100";
            default -> line + needed;
        };
    }

    private static String value(ConfigurationKey key, long value) {
        return key.table().equals("timeouts") ? "\"" + value + " ms\"" : Long.toString(value);
    }

    @ParameterizedTest
    @MethodSource("keysWithARange")
    void theReferenceFileStatesTheRange(ConfigurationKey key) throws IOException {
        String range =
                switch (key.kind()) {
                    case SIZE -> Units.bytes(key.lowest()) + " to " + Units.bytes(key.highest());
                    case DURATION, DURATION_OR_NEVER ->
                        Units.millis(key.lowest()) + " to " + Units.millis(key.highest());
                    default -> key.lowest() + " to " + key.highest();
                };
        assertThat(commentOf(key)).contains(range);
    }

    /** The comment above a key, or above the group of keys that it belongs to. */
    private static String commentOf(ConfigurationKey key) throws IOException {
        StringBuilder comment = new StringBuilder();
        boolean behindKey = false;
        String table = "";
        for (String line : Files.readAllLines(reference())) {
            table = line.matches("(# )?\\[.*")
                    ? line.replaceAll("[#\\[\\]]", "").strip()
                    : table;
            boolean isKey = line.matches("(# )?[a-z_]+ = .*");
            if (isKey && table.equals(key.table()) && line.matches("(# )?" + key.key() + " = .*")) {
                return comment.toString();
            }
            if (behindKey && !isKey) {
                comment.setLength(0);
            }
            if (!isKey) {
                comment.append(line).append(' ');
            }
            behindKey = isKey;
        }
        throw new AssertionError("no " + key + " in the reference file");
    }

    @Test
    void theSmallestAndTheGreatestUserIdAreTakenAndNobodyIsNot() throws ConfigurationException {
        assertThat(ConfigurationFile.parse(
                                "test.toml", "[server]\npassed_descriptor_uids = [0, 65533, 65535, 4294967294]")
                        .passedDescriptorUids())
                .containsExactlyInAnyOrder(0, 65_533, 65_535, -2);
        for (String uid : List.of("-1", "65534", "4294967295")) {
            assertThat(problemsOf("[server]\npassed_descriptor_uids = [" + uid + "]"))
                    .hasSize(1);
        }
    }

    @Test
    void aFileSaysHowMuchTheStoreMayHold() throws IOException {
        Path file = Files.writeString(directory.resolve("file.toml"), "# a comment\n[store]\ndirectory = \"/data\"\n");

        assertThatThrownBy(() -> ConfigurationFile.open(file))
                .isInstanceOfSatisfying(ConfigurationException.class, e -> assertThat(e.problems())
                        .singleElement()
                        .asString()
                        .startsWith(file + ":2: store.capacity is missing: it says how many bytes"));
        Files.writeString(file, "");
        assertThatThrownBy(() -> ConfigurationFile.open(file))
                .isInstanceOfSatisfying(ConfigurationException.class, e -> assertThat(e.problems())
                        .singleElement()
                        .asString()
                        .startsWith(file + ": store.capacity is missing"));
    }

    @Test
    void theLowWatermarkIsNotAboveTheHighOne() throws ConfigurationException {
        ConfigurationFile.parse("test.toml", "[store]\nlow_watermark = 70\nhigh_watermark = 70\n");
        assertThat(problemsOf("[store]\nlow_watermark = 71\nhigh_watermark = 70\n"))
                .containsExactly("test.toml:2: store.low_watermark = 71 is above store.high_watermark = 70 in line 3");
        assertThat(problemsOf("[store]\nlow_watermark = 96\n"))
                .containsExactly(
                        "test.toml:2: store.low_watermark = 96 is above store.high_watermark = 95, its default");
        assertThat(problemsOf("[store]\nhigh_watermark = 89\n"))
                .containsExactly(
                        "test.toml:2: store.low_watermark = 90, its default, is above store.high_watermark = 89");
    }

    @Test
    void aMemoryTierSaysHowMuchItMayTake() throws ConfigurationException {
        assertThat(ConfigurationFile.parse("test.toml", "").store().memory()).isNull();
        assertThat(problemsOf("[memory]\neviction = \"lru\"\n"))
                .containsExactly("test.toml:1: memory.capacity is missing; it takes " + MEMORY_CAPACITY.accepted());
        assertThat(problemsOf("[memory]\ncapacity = \"1 GiB\"\nlow_watermark = 71\nhigh_watermark = 70\n"))
                .containsExactly(
                        "test.toml:3: memory.low_watermark = 71 is above memory.high_watermark = 70 in line 4");
    }

    @Test
    void aCacheSaysWhereItIsAndHowMuchItMayHold() throws ConfigurationException {
        assertThat(ConfigurationFile.parse("test.toml", "").store().cache()).isNull();
        assertThat(problemsOf("[cache]\n"))
                .containsExactly(
                        "test.toml:1: cache.directory is missing; it takes " + CACHE_DIRECTORY.accepted(),
                        "test.toml:1: cache.capacity is missing; it takes " + CACHE_CAPACITY.accepted());
    }

    @Test
    void aCacheHasADirectoryOfItsOwn() {
        assertThat(problemsOf("[store]\ndirectory = \"/a\"\n[cache]\ncapacity = \"1 GiB\"\ndirectory = \"/a\"\n"))
                .containsExactly("test.toml:5: cache.directory: /a is another device's directory too, line 2");
        assertThat(problemsOf("[cache]\ncapacity = \"1 GiB\"\ndirectory = \"/a/b\"\n[[device]]\ndirectory = \"/a\"\n"))
                .containsExactly("test.toml:3: cache.directory: of /a/b and /a, line 5 one lies in the other;"
                        + " give each device a directory of its own");
    }

    @Test
    void allProblemsAreToldAtOnce() {
        assertThat(problemsOf("[store]\ndevice_threads = 0\n[limits]\nmax_frame = 1\n"))
                .hasSize(2);
    }

    @Test
    void textThatIsNoTomlIsRefusedWithItsLine() {
        assertThat(problemsOf("[store]\ndirectory = /data\n")).anyMatch(problem -> problem.startsWith("test.toml:2: "));
    }

    @Test
    void twoListenersCantShareAPath() {
        assertThat(problemsOf("[[listener]]\npath = \"/a\"\n[[listener]]\npath = \"/a\"\n"))
                .containsExactly("test.toml:4: listener.path: /a is another listener's path too, line 2");
        assertThat(problemsOf("[[listener]]\npath = \"/a\"\n[[listener]]\npath = \"/b/../a\"\n"))
                .containsExactly("test.toml:4: listener.path: /a is another listener's path too, line 2");
        assertThat(problemsOf("[[listener]]\nmode = \"0660\"\n[[listener]]\nmode = \"0600\"\n"))
                .as("the default, twice")
                .singleElement()
                .asString()
                .startsWith("test.toml:3: ")
                .endsWith("is another listener's path too, line 1");
    }

    @Test
    void pathsThatCantBeUsedMeetNoOthers() {
        assertThat(problemsOf("[[listener]]\npath = \"a\"\n[[listener]]\npath = \"b\"\n"))
                .hasSize(2)
                .allMatch(problem -> problem.contains("is not possible; it takes "));
        assertThat(problemsOf("[store]\ndirectory = \"a\"\n[[device]]\ndirectory = \"b\"\n"
                        + "[[device]]\ndirectory = \"/var/lib/objmapper\"\n"))
                .hasSize(2)
                .allMatch(problem -> problem.contains("is not possible; it takes "));
    }

    @Test
    void problemsStandInTheOrderOfTheFile() {
        assertThat(
                        problemsOf(
                                "[timeouts]\nidle = 5\n[limits]\nmax_frame = 3\nmax_request = 3\n[stor]\n"
                                        + "[[listener]]\nmode = \"0999\"\nowner = \"nobody-is-called-so\"\n[store]\ndevice_threads = 0\n"))
                .extracting(problem -> problem.split(":")[1])
                .containsExactly("2", "4", "5", "6", "8", "9", "11");
    }

    @Test
    void whatIsNoArrayOfListenersIsRefused() {
        assertThat(problemsOf("listener = []\n"))
                .containsExactly("test.toml:1: listener takes one or more tables, each headed [[listener]]");
        assertThat(problemsOf("[listener]\npath = \"/a\"\n"))
                .containsExactly("test.toml:1: listener takes one or more tables, each headed [[listener]]");
    }

    @Test
    void aCacheOnTheFileSystemOfADeviceIsWarnedOfWithItsLine() throws Exception {
        for (String name : List.of("first", "second", "cache")) {
            Files.createDirectory(directory.resolve(name));
        }
        Path file = directory.resolve("cached.toml");
        Files.writeString(
                file,
                "[store]\ncapacity = \"1 GiB\"\ndirectory = \"%1$s/first\"\n[[device]]\ndirectory = \"%1$s/second\"\n[cache]\n"
                                .formatted(directory)
                        + "capacity = \"1 GiB\"\ndirectory = \"%s/cache\"\n".formatted(directory));
        assertThat(ConfigurationFile.open(file).warnings())
                .containsExactly(
                        warning(file, directory.resolve("first"), 3), warning(file, directory.resolve("second"), 5));

        Files.writeString(file, Files.readString(file).replace(directory + "/cache", "/proc"));
        assertThat(ConfigurationFile.open(file).warnings()).isEmpty();
        Files.writeString(file, Files.readString(file).replace("/proc", "/nowhere"));
        assertThat(ConfigurationFile.open(file).warnings()).isEmpty();
    }

    private String warning(Path file, Path device, int line) {
        return file + ":8: cache.directory: " + directory.resolve("cache") + " is on the file system of the device in "
                + device + ", line " + line + ", so it gains nothing: put it on a faster one";
    }

    @Test
    void twoDevicesCantShareADirectory() {
        assertThat(problemsOf("[store]\ndirectory = \"/a\"\n[[device]]\ndirectory = \"/b/../a\"\n"))
                .containsExactly("test.toml:4: device.directory: /a is another device's directory too, line 2");
        assertThat(problemsOf("[[device]]\ndirectory = \"/a\"\n[[device]]\ndirectory = \"/a\"\n"))
                .containsExactly("test.toml:4: device.directory: /a is another device's directory too, line 2");
    }

    @Test
    void noDeviceLiesInAnother() {
        assertThat(problemsOf("[store]\ndirectory = \"/a\"\n[[device]]\ndirectory = \"/a/b\"\n"))
                .containsExactly("test.toml:4: device.directory: of /a/b and /a, line 2 one lies in the other;"
                        + " give each device a directory of its own");
        assertThat(problemsOf("[[device]]\ndirectory = \"/var/lib\"\n")).hasSize(1);
    }

    private void expectUsable(String first, String second) throws Exception {
        assertThat(checkOf(first, second)).isEmpty();
    }

    /** What the check of a file with two devices says. */
    private List<String> checkOf(String first, String second) throws Exception {
        Path file = directory.resolve("file.toml");
        Files.writeString(
                file,
                "[store]\ncapacity = \"1 GiB\"\ndirectory = \"%1$s/%2$s\"\n[[device]]\ndirectory = \"%1$s/%3$s\"\n"
                        .formatted(directory, first, second));
        ConfigurationFile opened = ConfigurationFile.open(file);
        try {
            return opened.warnings();
        } catch (ConfigurationException e) {
            return e.problems();
        }
    }

    @Test
    void twoDevicesCantShareADirectoryThatALinkLeadsTo() throws Exception {
        Files.createDirectories(directory.resolve("first/inner"));
        Files.createDirectory(directory.resolve("second"));
        Files.createSymbolicLink(directory.resolve("link"), directory.resolve("first"));

        assertThat(checkOf("first", "link"))
                .containsExactly(directory + "/file.toml:5: " + directory + "/link and " + directory
                        + "/first, line 3 are one directory; give each device and each cache one of its own");
        assertThat(checkOf("link", "first")).hasSize(1);
        assertThat(checkOf("first/new", "link/new")).singleElement().asString().contains("are one directory");
        assertThat(checkOf("first", "link/inner"))
                .containsExactly(directory + "/file.toml:5: of " + directory + "/link/inner and " + directory
                        + "/first, line 3 one lies in the other, where links and mounts lead; give each device and each"
                        + " cache a directory of its own");
        assertThat(checkOf("link/new/one", "first")).singleElement().asString().contains("one lies in the other");
        assertThat(checkOf("first/new", "link/new/more"))
                .singleElement()
                .asString()
                .contains("one lies in the other");
        expectUsable("link", "second");
        expectUsable("first/inner", "link/other");
        expectUsable("first/new", "link/newer");
    }

    @Test
    void aDeviceNamesItsDirectory() {
        assertThat(problemsOf("[[device]]\nweight = 5\n"))
                .singleElement()
                .asString()
                .contains("device.directory is missing; it takes an absolute path");
        assertThat(problemsOf("[device]\ndirectory = \"/a\"\n"))
                .containsExactly("test.toml:1: device takes tables, each headed [[device]]");
    }

    @Test
    void aMissingFileIsAnIOException() {
        assertThatThrownBy(() -> ConfigurationFile.open(Path.of("/nonexistent/objmapperd.toml")))
                .isInstanceOf(IOException.class);
    }

    private static List<String> problemsOf(String text) {
        ConfigurationException refusal =
                catchThrowableOfType(ConfigurationException.class, () -> ConfigurationFile.parse("test.toml", text));
        assertThat(refusal).as("refused: %s", text).isNotNull();
        return refusal.problems();
    }

    private static Path reference() {
        return Path.of(System.getProperty("objmapper.root", ".."), "packaging", "objmapperd.toml");
    }
}
