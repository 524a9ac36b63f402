package org.objmapper.server.store.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.objmapper.server.store.device.Placement.Candidate;

class PlacementTest {
    private static final long ROOM = 100L << 30;
    private static final int KEYS = 20_000;

    private final long seed = new Random().nextLong();
    private final Random random = new Random(seed);

    private static Candidate device(int number, int weight, long freeBytes) {
        return new Candidate(number, "device-" + number, weight, freeBytes);
    }

    private static byte[] key(int i) {
        return ByteBuffer.allocate(4).putInt(i).array();
    }

    @RepeatedTest(5)
    void oneMoreDeviceTakesItsShareAndMovesNothingBetweenTheOthers() {
        List<Candidate> devices = new ArrayList<>();
        int count = 1 + random.nextInt(12);
        for (int i = 0; i < count; i++) {
            devices.add(new Candidate(i, Long.toHexString(random.nextLong()), 1, ROOM));
        }
        Placement before = new Placement(devices);
        devices.add(random.nextInt(count + 1), new Candidate(count, Long.toHexString(random.nextLong()), 1, ROOM));
        Placement after = new Placement(devices);
        int moved = 0;
        for (int i = 0; i < KEYS; i++) {
            if (before.place(key(i)) != after.place(key(i))) {
                assertThat(after.place(key(i))).as("seed %d", seed).isEqualTo(count);
                moved++;
            }
        }
        double share = 1.0 / (count + 1);
        double deviation = Math.sqrt(share * (1 - share) / KEYS);
        assertThat((double) moved / KEYS)
                .as("seed %d, %d devices", seed, count)
                .isCloseTo(share, within(6 * deviation));
    }

    @RepeatedTest(5)
    void oneDeviceLessLeavesEveryOtherKeyWhereItIs() {
        List<Candidate> devices = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            devices.add(device(i, 1 + random.nextInt(100), ROOM));
        }
        Placement before = new Placement(devices);
        int gone = random.nextInt(5);
        devices.remove(gone);
        Placement after = new Placement(devices);
        for (int i = 0; i < KEYS; i++) {
            int was = before.place(key(i));
            if (was != gone) {
                assertThat(after.place(key(i))).as("seed %d", seed).isEqualTo(was);
            }
        }
    }

    @Test
    void aShareIsAsTheWeightTimesTheFreeBytes() {
        Map<Integer, Integer> shares =
                count(new Placement(List.of(device(0, 1, ROOM), device(1, 3, ROOM), device(2, 1, 4 * ROOM))));
        assertThat(shares.get(0) / (double) KEYS).isCloseTo(1.0 / 8, within(0.02));
        assertThat(shares.get(1) / (double) KEYS).isCloseTo(3.0 / 8, within(0.02));
        assertThat(shares.get(2) / (double) KEYS).isCloseTo(4.0 / 8, within(0.02));
    }

    private static Map<Integer, Integer> count(Placement placement) {
        Map<Integer, Integer> shares = new HashMap<>();
        for (int i = 0; i < KEYS; i++) {
            shares.merge(placement.place(key(i)), 1, Integer::sum);
        }
        return shares;
    }

    @Test
    void aDeviceWithLessThanTheLeastFreeBytesGetsNothing() {
        Placement placement = new Placement(
                List.of(device(0, 1, Placement.MIN_FREE_BYTES), device(1, 1_000_000, Placement.MIN_FREE_BYTES - 1)));
        assertThat(count(placement)).containsOnlyKeys(0);
    }

    @Test
    void whereNoDeviceHasRoomTheFileSystemsDecide() {
        Placement placement = new Placement(List.of(device(0, 1, 0), device(1, 1, 0)));
        assertThat(count(placement)).containsOnlyKeys(0, 1);
    }

    @Test
    void withoutDevicesThereIsNoPlace() {
        assertThat(new Placement(List.of()).place(key(1))).isNegative();
    }

    @Test
    void theOrderOfTheDevicesDoesNotMatter() {
        Placement one = new Placement(List.of(device(0, 1, ROOM), device(1, 2, ROOM)));
        Placement other = new Placement(List.of(device(1, 2, ROOM), device(0, 1, ROOM)));
        for (int i = 0; i < KEYS; i++) {
            assertThat(other.place(key(i))).isEqualTo(one.place(key(i)));
        }
    }
}
