package org.objmapper.server.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Status;
import org.objmapper.server.metrics.Metrics;
import org.objmapper.server.store.ban.Bans;
import org.objmapper.server.store.ban.Extent;
import org.objmapper.server.store.ban.FillTokens;
import org.objmapper.server.store.index.ObjectKey;
import org.objmapper.server.store.index.SavedOrder;

class CommitterTest {
    @TempDir
    Path directory;

    private CommitterUnderTest base;
    private Changes changes;

    @BeforeEach
    void open() throws Exception {
        base = new CommitterUnderTest(directory);
        FillTokens fills = new FillTokens(1, System::nanoTime);
        changes = new Changes(base.index, base.tier, base.committer, fills, new Bans(), System::currentTimeMillis);
    }

    @AfterEach
    void close() {
        base.close();
    }

    private Result put(String key) throws Exception {
        return put(StoreUnderTest.plain(key));
    }

    private Result put(Put put) throws Exception {
        CompletableFuture<Result> result = new CompletableFuture<>();
        changes.put(put, Body.ofBytes(new byte[4_000], put), result::complete);
        return result.get();
    }

    private CompletableFuture<Result> delete(String key) {
        CompletableFuture<Result> result = new CompletableFuture<>();
        byte[] bytes = key.getBytes(StandardCharsets.US_ASCII);
        changes.delete(new ObjectKey(bytes), null, true, result::complete);
        return result;
    }

    @Test
    void anOrderIsOnDiskWhenItsSavingReturns() throws Exception {
        SavedOrder order = new SavedOrder(base.index, 1);
        SavedOrder.Writer writer = order.begin(base.committer::write);
        writer.add(7, 8, (byte) 9);
        writer.end();
        List<String> entries = new ArrayList<>();
        order.load((digest, bytes, state) -> entries.add(digest + " " + bytes + " " + state));

        assertThat(entries).containsExactly("7 8 9");
    }

    @Test
    void anIndexThatHasGrownAsFarAsItMayTakesObjectsAgainWhenOthersAreRemoved() throws Exception {
        assertThat(base.index.hasRoom(Long.MAX_VALUE)).isTrue();
        int taken = 0;
        Result result = put("key0");
        while (result.status() == Status.OK) {
            result = put("key" + ++taken);
        }

        assertThat(result.status()).isEqualTo(Status.NO_SPACE);
        assertThat(result.message())
                .contains("data.mdb is full", "bytes=" + CommitterUnderTest.MAP_BYTES, "takes no changes until");
        assertThat(base.index.fileBytes()).isBetween(CommitterUnderTest.MAP_BYTES / 2, CommitterUnderTest.MAP_BYTES);
        assertThat(base.index.get(new ObjectKey(new byte[] {'k', 'e', 'y', '0'})))
                .isNotNull();
        assertThat(base.index.hasRoom(Long.MAX_VALUE)).isFalse();
        List<CompletableFuture<Result>> deleted = new ArrayList<>();
        for (int i = 0; i < taken; i++) {
            deleted.add(delete("key" + i));
        }
        for (CompletableFuture<Result> each : deleted) {
            assertThat(each.get().message()).isEmpty();
        }
        await().untilAsserted(() -> assertThat(put("again").status()).isEqualTo(Status.OK));
    }

    @Test
    void relaxedChangesThatTheIndexHasNoRoomForWaitUntilItHas() throws Exception {
        int taken = 0;
        while (put("key" + taken).status() == Status.OK) {
            taken++;
        }
        Result durable = put(StoreUnderTest.durable("durable"));
        assertThat(durable.status()).isEqualTo(Status.NO_SPACE);
        List<String> waiting = new ArrayList<>();
        for (int i = 0; i < taken; i++) {
            if (base.index.get(key("key" + i)) == null) {
                assertThat(base.committer.pending().of(key("key" + i)))
                        .as("key" + i)
                        .isNotNull();
                waiting.add("key" + i);
            }
        }
        assertThat(waiting).isNotEmpty();

        base.committer.flush();
        for (int i = 0; i < taken - waiting.size(); i++) {
            assertThat(delete("key" + i).get().message()).isEmpty();
        }
        await().untilAsserted(() -> assertThat(base.committer.pending().count()).isZero());
        for (String each : waiting) {
            assertThat(base.index.get(key(each))).as(each).isNotNull();
        }
        assertThat(base.index.get(key("durable"))).as("it was refused").isNull();
        assertThat(base.index.totals().objects()).isEqualTo(waiting.size());
    }

    @Test
    void aChangeThatWaitsForRoomCanBeRemoved() throws Exception {
        int taken = 0;
        while (put("key" + taken).status() == Status.OK) {
            taken++;
        }
        String last = "key" + (taken - 1);
        assertThat(base.committer.pending().of(key(last))).isNotNull();

        assertThat(delete(last).get().message()).isEmpty();
        assertThat(base.committer.pending().of(key(last))).isNull();
        assertThat(base.index.get(key(last))).isNull();
    }

    private static ObjectKey key(String key) {
        return new ObjectKey(key.getBytes(StandardCharsets.US_ASCII));
    }

    @Test
    void aPurgeMakesRoomInAFullIndex() throws Exception {
        int taken = 0;
        while (put("key" + taken).status() == Status.OK) {
            taken++;
        }
        CompletableFuture<Result> purged = new CompletableFuture<>();
        BanPass bans = new BanPass(base.index, base.committer, changes, new Metrics());
        try (Purger purger = new Purger(base.index, changes, bans)) {
            Extent extent = Extent.ofPrefix("key".getBytes(StandardCharsets.US_ASCII));
            assertThat(purger.purge(extent, false, purged::complete)).isTrue();
            assertThat(purged.get().message()).isEmpty();
        } finally {
            bans.close();
        }

        assertThat(base.index.totals().objects()).isZero();
        await().untilAsserted(() -> assertThat(put("again").status()).isEqualTo(Status.OK));
    }

    @Test
    void allObjectsUnderAKeyLeaveWithOneCommit() throws Exception {
        List<String> languages = List.of("en", "fr", "it", "de");
        for (boolean purges : new boolean[] {false, true}) {
            for (String language : languages) {
                assertThat(put(variant(language)).status()).isEqualTo(Status.OK);
            }
            base.committer.flush();
            CompletableFuture<Result> removed;
            Set<Integer> seen = new HashSet<>();
            synchronized (base.committer) {
                for (int i = 0; i < CommitterUnderTest.BATCH - 2; i++) {
                    put("key" + i);
                }
                removed = purges ? purge("a") : delete("a"); // two fill the batch up
            }
            while (!removed.isDone()) {
                seen.add(base.index.keysUnder(key("a")).size());
            }
            seen.add(base.index.keysUnder(key("a")).size());

            assertThat(seen).isSubsetOf(0, languages.size()).contains(0);
        }
    }

    @Test
    void whoeverWaitsForOneCommitHearsWhenAllOfThemAreTold() throws Exception {
        List<String> heard = Collections.synchronizedList(new ArrayList<>());
        CompletableFuture<Void> last = new CompletableFuture<>();
        synchronized (base.committer) {
            for (int i = 0; i < 3; i++) {
                Put put = StoreUnderTest.durable("key" + i);
                changes.put(put, Body.ofBytes(new byte[10], put), hears(heard, 6, last));
            }
        }
        last.get();

        assertThat(heard).containsExactly("OK", "OK", "OK", "all", "all", "all");
    }

    /** Notes what it is told, until that is so much. */
    private static Result.Outcome hears(List<String> heard, int most, CompletableFuture<Void> end) {
        return new Result.Outcome() {
            @Override
            public void done(Result result) {
                end.completeExceptionally(new AssertionError("told alone"));
            }

            @Override
            public void doneWithOthers(Result result) {
                heard(result.status().name());
            }

            @Override
            public void allDone() {
                heard("all");
            }

            private void heard(String what) {
                heard.add(what);
                if (heard.size() == most) {
                    end.complete(null);
                }
            }
        };
    }

    private static Put variant(String language) {
        byte[] pair = {1, 0, 'n', (byte) language.charAt(0)};
        ObjectMetadata metadata = new ObjectMetadata().add(MetadataType.VARIANT.code(), pair);
        return new Put(StoreUnderTest.bytes("a"), metadata, -1, false, null, null, null, false);
    }

    private CompletableFuture<Result> purge(String key) {
        CompletableFuture<Result> result = new CompletableFuture<>();
        changes.purge(key(key), false, result::complete);
        return result;
    }
}
