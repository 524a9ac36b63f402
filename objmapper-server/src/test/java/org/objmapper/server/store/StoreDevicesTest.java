package org.objmapper.server.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.objmapper.protocol.Status;
import org.objmapper.server.badinput.FaultyFileSystem;
import org.objmapper.server.store.check.Fsck;
import org.objmapper.server.store.device.Device;
import org.objmapper.server.store.device.DeviceOptions;

@Timeout(300)
class StoreDevicesTest {
    private static final byte[] BODY = new byte[Store.INLINE_BODY_BYTES + 1];
    private static final int KEYS = 60;

    static {
        new Random(5).nextBytes(BODY);
    }

    @TempDir
    Path directory;

    private Path first;
    private Path second;
    private Path third;

    @BeforeEach
    void make() throws IOException {
        first = Files.createDirectory(directory.resolve("first"));
        second = Files.createDirectory(directory.resolve("second"));
        third = Files.createDirectory(directory.resolve("third"));
    }

    private StoreUnderTest open(Path... more) throws IOException {
        return new StoreUnderTest(options(more));
    }

    private StoreOptions options(Path... more) {
        return StoreOptions.of(first)
                .withDevices(
                        DeviceOptions.USUAL_WEIGHT,
                        Stream.of(more).map(DeviceOptions::of).toList());
    }

    private static void fill(StoreUnderTest store) {
        for (int i = 0; i < KEYS; i++) {
            assertThat(store.put(StoreUnderTest.durable("key" + i), BODY).status())
                    .isEqualTo(Status.OK);
        }
    }

    private static long files(Path device) throws IOException {
        try (Stream<Path> files = Files.walk(device.resolve("objects"))) {
            return files.filter(Files::isRegularFile).count();
        }
    }

    /** The keys whose objects are there, whole; all others must fail with the id of the device. */
    private static List<String> readable(StoreUnderTest store, String failing) {
        List<String> found = new ArrayList<>();
        for (int i = 0; i < KEYS; i++) {
            String key = "key" + i;
            try {
                assertThat(store.get(key).body()).isEqualTo(BODY);
                found.add(key);
            } catch (AssertionError | RuntimeException e) {
                assertThat(e.getCause()).isInstanceOf(StoreException.class);
                assertThat(((StoreException) e.getCause()).status()).isEqualTo(Status.IO_ERROR);
                assertThat(((StoreException) e.getCause()).device()).isEqualTo(failing);
            }
        }
        return found;
    }

    private static String id(Path device) throws IOException {
        return Files.readAllLines(device.resolve("id")).stream()
                .filter(line -> line.startsWith("id="))
                .findAny()
                .orElseThrow()
                .substring("id=".length());
    }

    @Test
    void bodiesAreSpreadOverTheDevicesAndFoundAgain() throws Exception {
        try (StoreUnderTest store = open(second, third)) {
            fill(store);
            assertThat(readable(store, "")).hasSize(KEYS);
        }
        assertThat(files(first)).isPositive();
        assertThat(files(second)).isPositive();
        assertThat(files(third)).isPositive();
        assertThat(files(first) + files(second) + files(third)).isEqualTo(KEYS);
        try (StoreUnderTest store = open(third, second)) {
            store.store().awaitRecovery();
            assertThat(readable(store, "")).as("the order means nothing").hasSize(KEYS);
        }
        assertThat(files(first) + files(second) + files(third)).isEqualTo(KEYS);
    }

    @Test
    void eachDeviceSaysWhatWasHadFromItAndWhatCouldNotBe() throws Exception {
        try (StoreUnderTest store = open(second)) {
            fill(store);
            for (int i = 0; i < KEYS; i++) {
                store.use("key" + i, new RequestHeaders());
                store.use("absent" + i, new RequestHeaders());
            }
            assertThat(figure(store, "hits", first)).isEqualTo(files(first));
            assertThat(figure(store, "hits", second)).isEqualTo(files(second));
            assertThat(figure(store, "misses", first)).isZero();
            assertThat(figure(store, "misses", second)).isZero();
        }
        Files.move(second, directory.resolve("away"));
        try (StoreUnderTest store = open(second)) {
            readable(store, id(directory.resolve("away")));
            assertThat(figure(store, "misses", first)).isZero();
            assertThat(figure(store, "misses", directory.resolve("away"))).isEqualTo(files(directory.resolve("away")));
        }
    }

    private static long figure(StoreUnderTest store, String what, Path device) throws IOException {
        return store.figure("objmapper_device_" + what + "_total{device=\"" + id(device) + "\"}");
    }

    @Test
    void aDeviceIsKnownByItsIdWhereverItIs() throws Exception {
        try (StoreUnderTest store = open(second)) {
            fill(store);
        }
        Path moved = directory.resolve("moved");
        Files.move(second, moved);
        try (StoreUnderTest store = open(moved)) {
            assertThat(readable(store, "")).hasSize(KEYS);
        }
    }

    @Test
    void aDeviceThatIsNotThereTakesOutOnlyItsOwnObjectsAndBringsThemBack() throws Exception {
        try (StoreUnderTest store = open(second, third)) {
            fill(store);
        }
        long gone = files(second);
        String id = id(second);
        Path away = directory.resolve("away");
        Files.move(second, away);
        try (StoreUnderTest store = open(second, third)) {
            store.store().awaitRecovery();
            assertThat(readable(store, id)).hasSize((int) (KEYS - gone));
            assertThat(store.put(StoreUnderTest.durable("new"), BODY).status()).isEqualTo(Status.OK);
            assertThat(store.get("new").body()).isEqualTo(BODY);
            Files.move(away, second);
            await().untilAsserted(() -> assertThat(readable(store, id)).hasSize(KEYS));
        }
    }

    @Test
    void whereItIsConfiguredTheObjectsOfADeviceThatIsNotThereAreMissesAndMayBeStoredElsewhere() throws Exception {
        try (StoreUnderTest store = open(second)) {
            fill(store);
        }
        long gone = files(second);
        Path away = directory.resolve("away");
        Files.move(second, away);
        byte[] other = Arrays.copyOf(BODY, BODY.length + 1);
        try (StoreUnderTest store = new StoreUnderTest(options(second).withOfflineMisses(true))) {
            List<String> missing = new ArrayList<>(missing(store));
            assertThat(missing).hasSize((int) gone);
            String filled = missing.remove(0);
            assertThat(store.put(StoreUnderTest.durable(filled), other).status())
                    .isEqualTo(Status.OK);
            assertThat(missing(store)).isEqualTo(missing);
            Files.move(away, second);
            await().untilAsserted(() -> assertThat(missing(store)).isEmpty());
            assertThat(store.get(filled).body()).isEqualTo(other);
            store.store().awaitRecovery();
            await().untilAsserted(() -> assertThat(files(first) + files(second)).isEqualTo(KEYS));
        }
    }

    private static List<String> missing(StoreUnderTest store) {
        return IntStream.range(0, KEYS)
                .mapToObj(i -> "key" + i)
                .filter(key -> store.get(key) == null)
                .toList();
    }

    @Test
    void aStartDoesNotWaitForADeviceThatHangsAndItComesBack() throws Exception {
        Path mounted = Files.createDirectory(directory.resolve("mounted"));
        try (FaultyFileSystem disk = new FaultyFileSystem(second, mounted)) {
            try (StoreUnderTest store = open(mounted, third)) {
                fill(store);
            }
            String id = id(second);
            long hung = files(second);
            disk.hang("open");
            try (StoreUnderTest store = open(mounted, third)) {
                assertThat(readable(store, id)).hasSize((int) (KEYS - hung));
                disk.clear("open");
                await().atMost(Duration.ofMinutes(1))
                        .untilAsserted(() -> assertThat(readable(store, id)).hasSize(KEYS));
            }
            disk.hang("open");
            assertThatThrownBy(() -> open(third, Files.createDirectory(mounted.resolve("new"))))
                    .as("a new device has to be there")
                    .hasMessageContaining("does not answer");
            disk.clear("open");
        }
    }

    @Test
    void theEmptyMountPointOfADeviceIsNoNewDevice() throws Exception {
        try (StoreUnderTest store = open(second)) {
            fill(store);
        }
        String id = id(second);
        Path away = directory.resolve("away");
        Files.move(second, away);
        Files.createDirectory(second);
        try (StoreUnderTest store = open(second)) {
            assertThat(readable(store, id)).hasSize((int) files(first));
            assertThat(second).isEmptyDirectory();
        }
        Files.delete(second);
        Files.move(away, second);
        try (StoreUnderTest store = open(second)) {
            assertThat(readable(store, "")).hasSize(KEYS);
        }
    }

    @Test
    void aDeviceThatIsLeftOutOfTheConfigurationKeepsItsNumber() throws Exception {
        try (StoreUnderTest store = open(second)) {
            fill(store);
        }
        try (StoreUnderTest store = open(third)) {
            assertThat(readable(store, id(second))).hasSize((int) files(first));
            for (Device device : store.store().devices().all()) {
                assertThat(device.number())
                        .isEqualTo(
                                device.root().equals(first) ? 0 : device.root().equals(second) ? 1 : 2);
            }
        }
    }

    @Test
    void aCopiedDeviceIsRefused() throws Exception {
        open(second).close();
        Files.copy(second.resolve("id"), third.resolve("id"));
        Files.createDirectory(third.resolve("objects"));
        assertThatThrownBy(() -> open(second, third))
                .hasMessageContaining("the directories " + second + " and " + third + " have the same id " + id(second))
                .hasMessageEndingWith("take it out");
    }

    @Test
    void aCopiedIdIsRefusedThoughItsDeviceIsNotThere() throws Exception {
        open(second, third).close();
        String was = id(third);
        Files.copy(second.resolve("id"), third.resolve("id"), StandardCopyOption.REPLACE_EXISTING);
        assertThatThrownBy(() -> open(third))
                .hasMessageContaining(third.resolve("id") + " is the id file of the device " + id(second)
                        + ", and the directory is that of the device " + was);
    }

    @Test
    void swappedIdsAreRefusedAndNothingIsLost() throws Exception {
        try (StoreUnderTest store = open(second, third)) {
            fill(store);
        }
        swapIds();
        assertThatThrownBy(() -> open(second, third)).hasMessageContaining(second.resolve("id") + " is the id file of");
        assertThatThrownBy(() -> Fsck.run(new Fsck.Options(first, List.of(second, third), true, true), line -> {}))
                .hasMessageContaining(second.resolve("id") + " is the id file of");
        swapIds();
        try (StoreUnderTest store = open(second, third)) {
            store.store().awaitRecovery();
            assertThat(readable(store, "")).hasSize(KEYS);
        }
    }

    private void swapIds() throws IOException {
        Path aside = directory.resolve("id");
        Files.move(second.resolve("id"), aside);
        Files.move(third.resolve("id"), second.resolve("id"));
        Files.move(aside, third.resolve("id"));
    }

    @Test
    void aDeviceThatComesBackWithTheIdOfAnotherStaysOut() throws Exception {
        try (StoreUnderTest store = open(second, third)) {
            fill(store);
        }
        Path away = directory.resolve("away");
        Files.move(third, away);
        String id = id(away);
        try (StoreUnderTest store = open(second, third)) {
            Files.writeString(away.resolve("lock"), id(second) + "\n");
            Files.move(away, third);
            Device device = store.store().devices().all().stream()
                    .filter(each -> each.id().equals(id))
                    .findAny()
                    .orElseThrow();
            assertThatThrownBy(device::returned).hasMessageContaining(third.resolve("id") + " is the id file of");
            assertThat(readable(store, id)).hasSizeLessThan(KEYS);
        }
    }

    @Test
    void aDeviceThatWasCopiedToAnotherDiskIsTheSame() throws Exception {
        try (StoreUnderTest store = open(second)) {
            fill(store);
        }
        Path copy = Files.createDirectory(directory.resolve("copy"));
        Files.move(second.resolve("id"), copy.resolve("id"));
        Files.move(second.resolve("objects"), copy.resolve("objects"));
        try (StoreUnderTest store = open(copy)) {
            store.store().awaitRecovery();
            assertThat(readable(store, "")).hasSize(KEYS);
        }
    }

    @Test
    void aDeviceWithoutItsObjectsIsNotThereAndTheyComeBackWithIt() throws Exception {
        try (StoreUnderTest store = open(second)) {
            fill(store);
        }
        long gone = files(second);
        String id = id(second);
        Path away = directory.resolve("away");
        Files.move(second.resolve("objects"), away);
        try (StoreUnderTest store = open(second)) {
            store.store().awaitRecovery();
            assertThat(readable(store, id)).hasSize((int) (KEYS - gone));
            Files.move(away, second.resolve("objects"));
            await().untilAsserted(() -> assertThat(readable(store, id)).hasSize(KEYS));
        }
    }

    @Test
    void aDeviceOfAnotherStoreIsRefused() throws Exception {
        open(second).close();
        Path other = Files.createDirectory(directory.resolve("other"));
        new StoreUnderTest(other).close();
        assertThatThrownBy(() -> open(other))
                .hasMessageContaining("the directory " + other + " belongs to the store with the index ");
        assertThatThrownBy(() ->
                        new StoreUnderTest(StoreOptions.of(other).withDevices(1, List.of(DeviceOptions.of(second)))))
                .hasMessageContaining("the directory " + second + " belongs to the store with the index ");
    }

    @Test
    void anIdThatTheIndexDoesNotKnowIsRefused() throws Exception {
        open(second).close();
        Files.writeString(
                second.resolve("id"),
                Files.readString(second.resolve("id")).replace(id(second), "00000000-0000-0000-0000-000000000000"));
        Files.delete(second.resolve("lock")); // which would tell
        assertThatThrownBy(() -> open(second))
                .hasMessageContaining(
                        "is device 00000000-0000-0000-0000-000000000000, which the index in " + first.resolve("index"));
    }

    @Test
    void oneDirectoryIsNotTwoDevices() throws Exception {
        Path link = Files.createSymbolicLink(directory.resolve("link"), second);
        assertThatThrownBy(() -> open(second, link)).hasMessageContaining("another server uses");
    }

    @Test
    void theRoomOfAFileSystemCountsOnceHoweverManyDevicesItHas() throws Exception {
        try (StoreUnderTest store = open(second, third)) {
            Device one = store.store().devices().first();
            assertThat(store.figure("objmapper_store_free_bytes"))
                    .isPositive()
                    .isLessThan(one.freeBytes() + one.freeBytes() / 2);
        }
    }

    @Test
    void theAgeOfTheOldestObjectIsShown() throws Exception {
        try (StoreUnderTest store = open(second)) {
            assertThat(store.figure("objmapper_store_oldest_seconds")).isZero();
            fill(store);
            store.nowMillis.addAndGet(1_000_000);
            store.put(StoreUnderTest.durable("young"), BODY);
            await().untilAsserted(() ->
                    assertThat(store.figure("objmapper_store_oldest_seconds")).isBetween(1_000L, 1_100L));

            for (int i = 0; i < KEYS; i++) {
                store.delete("key" + i);
            }
            await().untilAsserted(() ->
                    assertThat(store.figure("objmapper_store_oldest_seconds")).isLessThan(1_000));
        }
    }

    @Test
    void theAgeOfAnObjectWhoseBodyStandsInTheIndexIsShownToo() throws Exception {
        try (StoreUnderTest store = open()) {
            store.put(StoreUnderTest.durable("short"), new byte[] {1});
            await().untilAsserted(() -> {
                store.nowMillis.addAndGet(1_000_000); // since it was noticed that it came
                assertThat(age(store)).isGreaterThanOrEqualTo(1_000);
            });
            store.reopen();
            await().untilAsserted(() -> assertThat(age(store)).isGreaterThanOrEqualTo(1_000));

            store.put(StoreUnderTest.durable("young"), BODY);
            store.delete("short");
            await().untilAsserted(() -> assertThat(age(store)).isLessThan(1_000));
        }
    }

    private static long age(StoreUnderTest store) {
        return store.figure("objmapper_store_oldest_seconds");
    }

    @Test
    void ofADeviceThatDoesNotServeNoBodyIsTakenToBeInMemory() throws Exception {
        try (StoreUnderTest store = open()) {
            fill(store);
            StoredObject object = store.pin("key0");
            try {
                object.foundResident();
                store.store().devices().first().health().lost(System.nanoTime());
                assertThat(object.isKnownResident()).isFalse();
            } finally {
                store.store().devices().first().health().found();
                object.unpin();
            }
        }
    }
}
