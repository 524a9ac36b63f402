package org.objmapper.crash;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.objmapper.client.Key;
import org.objmapper.client.ObjmapperClient;

/**
 * What a busy server does to its files is recorded. States that a power loss could have left are built from the record, with a part of what
 * was not synced, and each must hold what was acknowledged by then. {@code -Dobjmapper.crash.states=N} builds N of them,
 * {@code -Dobjmapper.seed=S} draws the same work again; see docs/crash-testing.md.
 */
class PowerLossTest {
    private static final int STATES = Integer.getInteger("objmapper.crash.states", 4);
    private static final int ACKNOWLEDGED = 400;
    private static final Duration LONG = Duration.ofMinutes(2);

    @TempDir
    private Path directory;

    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
    private final Random random = new Random(seed());
    private Path socket;
    private Path record;

    private static long seed() {
        long seed = Long.getLong("objmapper.seed", System.nanoTime());
        System.out.println("PowerLossTest: -Dobjmapper.seed=" + seed);
        return seed;
    }

    @AfterEach
    void stopTheThreads() {
        threads.shutdownNow();
    }

    @Test
    void whatWasAcknowledgedSurvivesEveryStateThatAPowerLossCanLeave() throws Exception {
        socket = directory.resolve("socket");
        record = directory.resolve("record");
        Ledger ledger = new Ledger(this::recorded);
        long ready = work(ledger);
        List<RecordedChange> changes = RecordedChange.read(record);
        int first = 0;
        while (changes.get(first).end() < ready) {
            first++;
        }
        for (int i = 0; i < STATES; i++) {
            // One in four is from the first start, of an empty directory.
            int cut = i % 4 == 0 ? random.nextInt(first) : first + random.nextInt(changes.size() - first);
            List<RecordedChange> until = changes.subList(0, cut + 1);
            Path state = Files.createDirectory(directory.resolve("state" + i));
            double share = i % 3 / 2.0;
            long seed = random.nextLong();
            LostPower.build(until, change -> new Random(seed + change.number()).nextDouble() < share, state);
            System.out.println("PowerLossTest: after " + cut + " of " + changes.size() + " changes, with " + share
                    + " of what was not synced");
            expectWhatWasPromised(state, ledger, changes.get(cut).end());
        }
    }

    private long recorded() {
        try {
            return Files.exists(record) ? Files.size(record) : 0;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Records a server that is kept busy; returns how long the record was when it was ready. */
    private long work(Ledger ledger) throws Exception {
        Path data = Files.createDirectory(directory.resolve("data")).toRealPath();
        Path uploads = Files.createDirectory(directory.resolve("uploads"));
        List<Writer> writers = new ArrayList<>();
        try (ServerProcess server =
                ServerProcess.launchRecorded(socket, data, directory.resolve("recorded.log"), record)) {
            server.awaitReady();
            long ready = recorded();
            Map<String, Version> standing = new HashMap<>();
            Writer.allKeys().forEach(key -> standing.put(key, Version.NOTHING));
            for (int i = 0; i < Writer.WRITERS; i++) {
                writers.add(
                        new Writer(i, Phase.WORKING, socket, uploads, ledger, random.nextLong(), threads, failures));
            }
            writers.forEach(writer -> writer.start(standing));
            ledger.awaitAcknowledgements(ACKNOWLEDGED, LONG);
            writers.forEach(Writer::expectTheEnd);
            server.kill();
            return ready;
        } finally {
            writers.forEach(Writer::close);
            assertThat(failures).isEmpty();
        }
    }

    private void expectWhatWasPromised(Path state, Ledger ledger, long recorded) throws Exception {
        Path log = Files.createFile(state.resolveSibling(state.getFileName() + ".log"));
        try (ServerProcess server = ServerProcess.launch(socket, state, log)) {
            server.awaitReady();
            try (ObjmapperClient client = Writer.client(socket, threads)) {
                for (String key : Writer.allKeys()) {
                    ledger.expectSurvivedPowerLoss(
                            key, Seen.of(client.get(Key.of(Writer.keyOf(key)), Writer.asking(key)), ledger), recorded);
                }
                await().atMost(LONG)
                        .ignoreExceptionsMatching(CrashTest::isGoneMeanwhile)
                        .untilAsserted(() -> assertThat(
                                        StoreDirectory.differences(List.of(state), StoreDirectory.standing(client)))
                                .isEmpty());
            }
            assertThat(server.stop()).isZero();
        }
        Fsck.expectClean(state);
    }
}
