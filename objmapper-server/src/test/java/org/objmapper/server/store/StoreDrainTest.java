package org.objmapper.server.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.objmapper.protocol.Status;
import org.objmapper.server.badinput.FaultyFileSystem;
import org.objmapper.server.badinput.SmallFileSystem;
import org.objmapper.server.store.check.CheckOptions;
import org.objmapper.server.store.check.Fsck;
import org.objmapper.server.store.check.FsckReport;
import org.objmapper.server.store.device.DeviceOptions;
import org.objmapper.server.store.tier.Capacity;

/** Bodies leave a device that is drained, and nobody who reads or writes them is the wiser. */
@Timeout(300)
class StoreDrainTest {
    private static final int KEYS = 120;
    private static final int BYTES = 6_000;
    private static final long SLOW = 65_536;
    private static final String MOVED = "MOVED ";
    private static final Duration LONG = Duration.ofMinutes(2);

    @TempDir
    Path directory;

    private Path first;
    private Path second;

    @BeforeEach
    void make() throws IOException {
        first = Files.createDirectory(directory.resolve("first"));
        second = Files.createDirectory(directory.resolve("second"));
    }

    private static StoreOptions options(Path first, Path... more) {
        return StoreOptions.of(first)
                .withDevices(
                        DeviceOptions.USUAL_WEIGHT,
                        List.of(more).stream().map(DeviceOptions::of).toList());
    }

    private static byte[] body(int seed) {
        byte[] body = new byte[BYTES];
        new Random(seed).nextBytes(body);
        return body;
    }

    private static void fill(StoreUnderTest store) {
        for (int i = 0; i < KEYS; i++) {
            assertThat(store.put(StoreUnderTest.durable("key" + i), body(i)).status())
                    .isEqualTo(Status.OK);
        }
    }

    private static void expectAll(StoreUnderTest store) {
        for (int i = 0; i < KEYS; i++) {
            assertThat(store.get("key" + i).body()).as("key" + i).isEqualTo(body(i));
        }
    }

    private static void expectOk(StoreUnderTest store, String... words) {
        StoreUnderTest.Told told = store.tell(words);
        assertThat(told.status()).as(told.text()).isEqualTo(Status.OK);
    }

    private static void expectRefused(Status status, String why, StoreUnderTest store, String... words) {
        StoreUnderTest.Told told = store.tell(words);
        assertThat(told.text()).contains(why);
        assertThat(told.status()).isEqualTo(status);
    }

    /** What the list says of the device in a directory. */
    private static Map<String, String> listed(StoreUnderTest store, Path device) {
        for (String line : store.tell("device list").text().lines().toList()) {
            Map<String, String> fields = new HashMap<>();
            for (String field : line.split("\t")) {
                fields.put(field.substring(0, field.indexOf('=')), field.substring(field.indexOf('=') + 1));
            }
            if (device.toString().equals(fields.get("directory"))) {
                return fields;
            }
        }
        throw new AssertionError("no device in " + device);
    }

    private static void awaitDrain(StoreUnderTest store, Path device, String state) {
        await().atMost(LONG).until(() -> state.equals(listed(store, device).get("drain")));
    }

    private static void awaitNoFiles(Path device) {
        await().atMost(LONG).until(() -> StoreUnderTest.objectFiles(device).isEmpty());
    }

    private void expectSound(Path first) throws IOException {
        List<String> lines = new ArrayList<>();
        assertThat(Fsck.run(new Fsck.Options(first, List.of(), false, true), lines::add)
                        .exitCode())
                .as(String.join("\n", lines))
                .isEqualTo(FsckReport.CLEAN);
    }

    @Test
    void aDrainedDeviceIsRemovedAndAllObjectsStayWhatTheyAre() throws Exception {
        try (StoreUnderTest store = new StoreUnderTest(options(first, second))) {
            fill(store);
            Map<String, Long> generations = new HashMap<>();
            for (int i = 0; i < KEYS; i++) {
                generations.put("key" + i, store.get("key" + i).generation());
            }
            List<StoredObject> held = new ArrayList<>();
            for (int i = 0; i < KEYS; i++) {
                held.add(store.pin("key" + i));
            }
            expectRefused(Status.BAD_REQUEST, "is not drained: drain it first", store, "device remove", second + "");
            expectOk(store, "device drain", second.toString());
            awaitDrain(store, second, "done");
            awaitNoFiles(second);

            expectAll(store);
            generations.forEach((key, generation) ->
                    assertThat(store.get(key).generation()).as(key).isEqualTo(generation));
            expectOk(store, "device remove", second.toString());
            for (int i = 0; i < KEYS; i++) {
                assertThat(StoreUnderTest.body(held.get(i))).isEqualTo(body(i));
                held.get(i).unpin();
            }
            assertThat(store.tell("device list").text().lines()).hasSize(1);
            fill(store);
            assertThat(StoreUnderTest.objectFiles(second)).isEmpty();
        }
        expectSound(first);
        try (StoreUnderTest store = new StoreUnderTest(options(first, second))) {
            assertThat(store.tell("device list").text().lines())
                    .as("the configuration still names it")
                    .hasSize(1);
            expectAll(store);
        }
    }

    @Test
    void aDeviceThatIsAddedTakesBodiesAndIsThereAfterARestartThoughTheConfigurationDoesNotNameIt() throws Exception {
        try (StoreUnderTest store = new StoreUnderTest(options(first))) {
            expectRefused(Status.BAD_REQUEST, "is not absolute", store, "device add", "here", "100");
            expectRefused(Status.BAD_REQUEST, "a weight of 0", store, "device add", second.toString(), "0");
            expectRefused(Status.BAD_REQUEST, "a weight of 10001", store, "device add", second.toString(), "10001");
            expectRefused(Status.BAD_REQUEST, "is that of the device", store, "device add", first.toString(), "1");
            Path within = Files.createDirectory(first.resolve("objects/within"));
            expectRefused(Status.BAD_REQUEST, "within the other", store, "device add", within.toString(), "1");
            expectOk(store, "device add", second.toString(), "10000");
            expectRefused(Status.BAD_REQUEST, "is that of the device", store, "device add", second.toString(), "1");
            Files.delete(within);
            fill(store);
            assertThat(StoreUnderTest.objectFiles(second)).isNotEmpty();
        }
        try (StoreUnderTest store = new StoreUnderTest(options(first))) {
            expectAll(store);
            expectOk(store, "device drain", second.toString());
        }
        try (StoreUnderTest store = new StoreUnderTest(options(first))) {
            awaitDrain(store, second, "done");
            expectOk(store, "device undrain", second.toString());
            assertThat(listed(store, second).get("drain")).isEqualTo("no");
        }
        try (StoreUnderTest store = new StoreUnderTest(options(first))) {
            assertThat(listed(store, second).get("state")).isEqualTo("serving");
            expectAll(store);
        }
        expectSound(first);
    }

    @Test
    void aDeviceThatIsRemovedLeavesNoThreadBehind() throws Exception {
        StoreOptions scrubbing = options(first).withChecks(CheckOptions.usual().withScrub(1 << 20));
        try (StoreUnderTest store = new StoreUnderTest(scrubbing)) {
            Map<String, Long> before = storeThreads();
            for (int i = 0; i < 3; i++) {
                expectOk(store, "device add", second.toString(), "100");
                assertThat(storeThreads().get("store-scrub")).isGreaterThan(before.get("store-scrub"));
                expectOk(store, "device drain", second.toString());
                awaitDrain(store, second, "done");
                expectOk(store, "device remove", second.toString());
            }
            for (String name : List.of("store-scrub", "store-recovery")) {
                assertThat(storeThreads().get(name)).as(name).isLessThanOrEqualTo(before.get(name));
            }
        }
    }

    private static Map<String, Long> storeThreads() {
        return Thread.getAllStackTraces().keySet().stream()
                .collect(Collectors.groupingBy(Thread::getName, Collectors.counting()));
    }

    @Test
    void theDeviceWithTheIndexIsDrainedButNotRemovedAndOneDeviceIsLeft() throws Exception {
        try (StoreUnderTest store = new StoreUnderTest(options(first, second))) {
            fill(store);
            expectOk(store, "device drain", first.toString());
            expectRefused(Status.BAD_REQUEST, "no other device takes bodies", store, "device drain", second + "");
            awaitDrain(store, first, "done");
            expectRefused(Status.BAD_REQUEST, "has the index", store, "device remove", first.toString());
            awaitNoFiles(first);
            expectAll(store);
            expectRefused(Status.NOT_FOUND, "no device has the id", store, "device drain", "nothing");
            expectRefused(Status.BAD_REQUEST, "no such command", store, "device burn", "x");
            expectRefused(Status.BAD_REQUEST, "it takes 1", store, "device drain");
        }
        try (StoreUnderTest store = new StoreUnderTest(options(first, second))) {
            assertThat(listed(store, first).get("drain")).isEqualTo("done");
            fill(store);
            assertThat(StoreUnderTest.objectFiles(first)).isEmpty();
        }
    }

    @Test
    void whatChangesWhileItIsMovedStaysAsItWasChanged() throws Exception {
        long seed = Long.getLong("objmapper.seed", System.nanoTime());
        System.out.println("StoreDrainTest: -Dobjmapper.seed=" + seed);
        Random random = new Random(seed);
        Map<String, byte[]> expected = new HashMap<>();
        try (StoreUnderTest store = new StoreUnderTest(options(first, second))) {
            fill(store);
            for (int i = 0; i < KEYS; i++) {
                expected.put("key" + i, body(i));
            }
            for (int turn = 0; turn < 4; turn++) {
                Path drained = turn % 2 == 0 ? second : first;
                expectOk(store, "device drain", drained.toString());
                for (int i = 0; i < 300; i++) {
                    change(store, random, expected);
                }
                awaitDrain(store, drained, "done");
                expectOk(store, "device undrain", drained.toString());
            }
            expected.forEach(
                    (key, body) -> assertThat(store.get(key).body()).as(key).isEqualTo(body));
            assertThat(store.keys("", 1_000)).hasSize(expected.size());
            store.reopen();
            expected.forEach(
                    (key, body) -> assertThat(store.get(key).body()).as(key).isEqualTo(body));
            assertThat(store.keys("", 1_000)).hasSize(expected.size());
            store.store().awaitRecovery();
        }
        expectSound(first);
    }

    @Test
    void aRemovedDeviceIsTakenBackWhenItIsAdded() throws Exception {
        try (StoreUnderTest store = new StoreUnderTest(options(first, second))) {
            fill(store);
            String id = listed(store, second).get("id");
            expectOk(store, "device drain", second.toString());
            awaitDrain(store, second, "done");
            awaitNoFiles(second);
            expectOk(store, "device remove", second.toString());

            expectOk(store, "device add", second.toString(), "200");
            assertThat(listed(store, second))
                    .containsEntry("id", id)
                    .containsEntry("state", "serving")
                    .containsEntry("weight", "200")
                    .containsEntry("drain", "no");
            fill(store);
            assertThat(StoreUnderTest.objectFiles(second)).isNotEmpty();
            store.reopen();
            assertThat(listed(store, second)).containsEntry("id", id);
            expectAll(store);
        }
        expectSound(first);
    }

    @Test
    void aDeviceThatIsKnownOrAnothersIsNotAdded() throws Exception {
        try (StoreUnderTest store = new StoreUnderTest(options(first, second))) {
            fill(store);
        }
        Path copied =
                Files.createDirectories(directory.resolve("copied/objects")).getParent();
        Files.copy(second.resolve("id"), copied.resolve("id"));
        Path unknown =
                Files.createDirectories(directory.resolve("unknown/objects")).getParent();
        Files.writeString(
                unknown.resolve("id"),
                Files.readString(second.resolve("id")).replaceAll("(?m)^id=.*", "id=" + UUID.randomUUID()));
        try (StoreUnderTest store = new StoreUnderTest(options(first, second))) {
            expectRefused(
                    Status.BAD_REQUEST,
                    "which the store has already: give an empty directory, or name this one in the configuration and"
                            + " restart",
                    store,
                    "device add",
                    copied.toString(),
                    "100");
            expectRefused(
                    Status.BAD_REQUEST,
                    "which the index does not know: it was copied; give an empty directory",
                    store,
                    "device add",
                    unknown.toString(),
                    "100");
            assertThat(copied.resolve("lock")).doesNotExist();
            assertThat(unknown.resolve("lock")).doesNotExist();
        }
    }

    @Test
    void aDirectoryThatHangsIsNotAddedAndKeepsNoOtherCommandWaiting() throws Exception {
        Path mounted = Files.createDirectory(directory.resolve("mounted"));
        try (FaultyFileSystem disk = new FaultyFileSystem(second, mounted);
                StoreUnderTest store = new StoreUnderTest(options(first))) {
            Path added = Files.createDirectory(mounted.resolve("added"));
            disk.hang("create");
            expectRefused(Status.IO_ERROR, "does not answer", store, "device add", added.toString(), "100");
            assertThat(store.tell("device list").status()).isEqualTo(Status.OK);
            disk.clear("create");
            await().atMost(LONG).untilAsserted(() -> assertThat(
                            store.tell("device add", added.toString(), "100").status())
                    .isEqualTo(Status.OK));
        }
    }

    @Test
    void aDirectoryWithinTheCacheIsNotAdded() throws Exception {
        TierOptions tiers = new TierOptions(null, new TierOptions.CacheOptions(second, Capacity.of(1 << 20), 1, 64));
        try (StoreUnderTest store = new StoreUnderTest(options(first).withTiers(tiers))) {
            Path within = Files.createDirectory(second.resolve("within"));
            expectRefused(Status.BAD_REQUEST, "of the cache", store, "device add", within.toString(), "100");
        }
    }

    private static void change(StoreUnderTest store, Random random, Map<String, byte[]> expected) {
        String key = "key" + random.nextInt(KEYS);
        int kind = random.nextInt(4);
        if (kind == 0) {
            assertThat(store.delete(key, null, random.nextBoolean()).status())
                    .isEqualTo(expected.remove(key) == null ? Status.NOT_FOUND : Status.OK);
        } else if (kind == 1) {
            assertThat(store.touch(key, new ObjectMetadata(), 1_000_000L).status())
                    .isEqualTo(expected.containsKey(key) ? Status.OK : Status.NOT_FOUND);
        } else if (kind == 2) {
            byte[] body = body(random.nextInt());
            Put put = random.nextBoolean() ? StoreUnderTest.durable(key) : StoreUnderTest.plain(key);
            assertThat(store.put(put, body).status()).isEqualTo(Status.OK);
            expected.put(key, body);
        } else {
            StoreUnderTest.Seen seen = store.get(key);
            assertThat(seen == null ? null : seen.body()).as(key).isEqualTo(expected.get(key));
        }
    }

    @Test
    void withoutRoomOnTheOthersADrainStopsAndSaysSoAndGoesOnWhenThereIsRoom() throws Exception {
        try (SmallFileSystem small = new SmallFileSystem(directory.resolve("small"), "60m");
                StoreUnderTest store = new StoreUnderTest(options(small.root, second))) {
            fill(store);
            assertThat(StoreUnderTest.objectFiles(second)).hasSize(KEYS);
            expectOk(store, "device drain", second.toString());
            awaitDrain(store, second, "stalled");
            assertThat(listed(store, second).get("note"))
                    .isEqualTo("no other device serves and has room for a body of " + BYTES
                            + " bytes: add a device, or delete objects");
            expectRefused(Status.BUSY, "objects=" + KEYS + " are still on", store, "device remove", second.toString());
            expectAll(store);

            Path third = Files.createDirectory(directory.resolve("third"));
            expectOk(store, "device add", third.toString(), "100");
            awaitDrain(store, second, "done");
            assertThat(StoreUnderTest.objectFiles(third)).hasSize(KEYS);
            expectAll(store);
        }
    }

    @Test
    void aDrainGoesOnWhenTheTargetOrTheDeviceItselfWorksAgain() throws Exception {
        Path source = Files.createDirectory(directory.resolve("source"));
        Path mounted = Files.createDirectory(directory.resolve("mounted"));
        try (FaultyFileSystem disk = new FaultyFileSystem(source, mounted);
                StoreUnderTest store = new StoreUnderTest(options(first, mounted))) {
            fill(store);
            disk.fail("create", "EIO");
            expectOk(store, "device drain", first.toString());
            awaitDrain(store, first, "stalled");
            expectAll(store);
            disk.clear("create");
            awaitDrain(store, first, "done");
            expectAll(store);
            expectOk(store, "device undrain", first.toString());

            disk.fail("open", "EIO");
            expectOk(store, "device drain", mounted.toString());
            awaitDrain(store, mounted, "stalled");
            assertThat(listed(store, mounted).get("note")).isNotEmpty();
            expectRefused(Status.BUSY, " are still on", store, "device remove", mounted.toString());
            disk.clear("open");
            awaitDrain(store, mounted, "done");
            expectAll(store);
        }
    }

    @Test
    void aDrainThatIsKilledGoesOnAtTheNextStart() throws Exception {
        try (StoreUnderTest store = new StoreUnderTest(options(first, second))) {
            fill(store);
        }
        int before = StoreUnderTest.objectFiles(second).size();
        for (int moved = 1; moved <= 9; moved += 4) {
            drainAndKill(moved);
        }
        assertThat(StoreUnderTest.objectFiles(second)).hasSizeLessThan(before);
        try (StoreUnderTest store = new StoreUnderTest(options(first, second))) {
            expectAll(store);
            store.store().awaitRecovery();
            awaitDrain(store, second, "done");
            awaitNoFiles(second);
            await().untilAsserted(() -> assertThat(store.objectFiles()).hasSize(KEYS));
            expectAll(store);
            expectOk(store, "device remove", second.toString());
        }
        expectSound(first);
    }

    private static long movedBy(String line) {
        return Long.parseLong(line.substring(MOVED.length()));
    }

    private void drainAndKill(int moved) throws Exception {
        List<String> command = new ArrayList<>();
        command.add(ProcessHandle.current().info().command().orElseThrow());
        command.add("--add-opens=java.base/java.nio=ALL-UNNAMED");
        command.add("--add-opens=java.base/sun.nio.ch=ALL-UNNAMED");
        if (Runtime.version().feature() >= 24) {
            command.add("--enable-native-access=ALL-UNNAMED");
        }
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), Victim.class.getName()));
        command.addAll(List.of(first.toString(), second.toString()));
        Process victim = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        try (BufferedReader lines =
                new BufferedReader(new InputStreamReader(victim.getInputStream(), StandardCharsets.UTF_8))) {
            String line = lines.readLine();
            while (line != null && !(line.startsWith(MOVED) && movedBy(line) >= moved)) {
                line = lines.readLine();
            }
            assertThat(line).as("the victim moves bodies until it is killed").isNotNull();
        } finally {
            victim.destroyForcibly().waitFor();
        }
    }

    /** The process that is killed: says how many bodies it has moved. */
    static final class Victim {
        private Victim() {}

        public static void main(String[] arguments) throws Exception {
            Path first = Path.of(arguments[0]);
            Path second = Path.of(arguments[1]);
            StoreUnderTest store = new StoreUnderTest(options(first, second).withDrain(SLOW));
            expectOk(store, "device drain", second.toString());
            long told = -1;
            while (true) {
                long moved = store.figure("objmapper_store_moved_objects_total");
                if (moved != told) {
                    System.out.println(MOVED + moved);
                    told = moved;
                }
            }
        }
    }
}
