package org.objmapper.server.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.objmapper.server.store.StoreUnderTest.bytes;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.objmapper.protocol.Status;
import org.objmapper.server.JavaCommand;

/** Kills a process in the middle of its puts, again and again, and looks at what it leaves. */
class StoreKillTest {
    private static final int ROUNDS = 10;
    private static final int MOST_ACKNOWLEDGED = 300;
    private static final int KEYS = 30;
    private static final long ABSENT = -1;
    /** At the end of each line, so that one that was cut off is known. */
    private static final String END = " .";

    @TempDir
    Path directory;

    /** For each key what it may hold: what was acknowledged durably last, and all that was tried since. */
    private final Map<String, List<Long>> possible = new HashMap<>();

    private long newestGeneration;

    @Test
    void whatWasAcknowledgedAsDurableSurvivesBeingKilled() throws Exception {
        long seed = Long.getLong("objmapper.seed", System.nanoTime());
        System.out.println("StoreKillTest: -Dobjmapper.seed=" + seed);
        Random random = new Random(seed);
        for (int round = 0; round < ROUNDS; round++) {
            runAndKill(random.nextLong(), 1 + random.nextInt(MOST_ACKNOWLEDGED));
            try (StoreUnderTest store = new StoreUnderTest(directory)) {
                check(store);
            }
        }
    }

    private void runAndKill(long seed, int acknowledged) throws Exception {
        Process victim = new ProcessBuilder(JavaCommand.of(Victim.class, directory.toString(), Long.toString(seed)))
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        try (BufferedReader lines =
                new BufferedReader(new InputStreamReader(victim.getInputStream(), StandardCharsets.UTF_8))) {
            long firstGeneration = newestGeneration;
            int seen = 0;
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                boolean whole = line.endsWith(END);
                if (whole && note(line.split(" "), firstGeneration) && ++seen == acknowledged) {
                    victim.toHandle().destroyForcibly(); // what it said until then can still be read
                }
            }
            assertThat(seen).as("the victim did not end by itself").isGreaterThanOrEqualTo(acknowledged);
        } finally {
            victim.destroyForcibly().waitFor();
        }
    }

    /** Takes down what the victim said: TRY key seed, DURABLE key seed generation, RELAXED key seed generation. */
    private boolean note(String[] words, long olderGenerations) {
        String key = words[1];
        long value = Long.parseLong(words[2]);
        List<Long> values = possible.computeIfAbsent(key, k -> new ArrayList<>(List.of(ABSENT)));
        if (words[0].equals("TRY")) {
            values.add(value);
            return false;
        }
        long generation = Long.parseLong(words[3]);
        if (value != ABSENT) {
            assertThat(generation).as("a generation of an earlier run").isGreaterThan(olderGenerations);
            newestGeneration = Math.max(newestGeneration, generation);
        }
        if (words[0].equals("DURABLE")) {
            values.subList(0, values.lastIndexOf(value)).clear();
        }
        return true;
    }

    private void check(StoreUnderTest store) throws Exception {
        int inFiles = 0;
        store.store().awaitRecovery();
        for (Map.Entry<String, List<Long>> entry : possible.entrySet()) {
            StoreUnderTest.Seen seen = store.get(entry.getKey());
            long value = seen == null ? ABSENT : ByteBuffer.wrap(seen.body()).getLong();
            assertThat(entry.getValue())
                    .as("what may stand under " + entry.getKey())
                    .contains(value);
            if (seen != null) {
                assertThat(Arrays.equals(seen.body(), body(value)))
                        .as("whole: " + entry.getKey())
                        .isTrue();
                inFiles += seen.inFile() ? 1 : 0;
            }
            entry.setValue(new ArrayList<>(List.of(value)));
        }
        int files = inFiles;
        await().untilAsserted(() -> assertThat(store.objectFiles()).hasSize(files));
    }

    /** A body that tells the seed it was made from. */
    static byte[] body(long seed) {
        Random random = new Random(seed);
        byte[] body = new byte[8 + random.nextInt(random.nextInt(4) == 0 ? 100_000 : 6_000)];
        random.nextBytes(body);
        ByteBuffer.wrap(body).putLong(seed);
        return body;
    }

    /** The process that is killed. */
    static final class Victim {
        private Victim() {}

        public static void main(String[] arguments) throws Exception {
            StoreUnderTest store = new StoreUnderTest(Path.of(arguments[0]));
            Random random = new Random(Long.parseLong(arguments[1]));
            while (true) {
                String key = "key" + random.nextInt(KEYS);
                boolean durable = random.nextBoolean();
                boolean delete = random.nextInt(6) == 0;
                long value = delete ? ABSENT : random.nextLong() >>> 1;
                System.out.println("TRY " + key + " " + value + END);
                Result result = delete
                        ? store.delete(key, null, durable)
                        : store.put(
                                new Put(bytes(key), new ObjectMetadata(), -1, false, null, null, null, durable),
                                body(value));
                if (result.status() == Status.OK) {
                    System.out.println(
                            (durable ? "DURABLE " : "RELAXED ") + key + " " + value + " " + result.generation() + END);
                } else if (result.status() != Status.NOT_FOUND) {
                    throw new AssertionError(result);
                }
            }
        }
    }
}
