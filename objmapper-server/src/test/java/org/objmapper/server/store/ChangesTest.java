package org.objmapper.server.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.objmapper.protocol.Status;
import org.objmapper.server.metrics.Metrics;
import org.objmapper.server.store.ban.Bans;
import org.objmapper.server.store.ban.Extent;
import org.objmapper.server.store.ban.FillTokens;
import org.objmapper.server.store.ban.RecordedPurge;
import org.objmapper.server.store.index.Index;
import org.objmapper.server.store.index.IndexRecord;
import org.objmapper.server.store.index.ObjectKey;

/** Changes by an index whose next answer for one key is late. */
class ChangesTest {
    private static final ObjectKey COLD = key("cold");
    private static final ObjectKey OTHER = key("other");

    @TempDir
    Path directory;

    private final CountDownLatch read = new CountDownLatch(1);
    private final CountDownLatch released = new CountDownLatch(1);
    private final AtomicBoolean late = new AtomicBoolean();
    private final AtomicInteger failures = new AtomicInteger();
    private final Bans bans = new Bans();

    private CommitterUnderTest base;
    private Index index;
    private Changes changes;

    @BeforeEach
    void open() throws Exception {
        base = new CommitterUnderTest(directory);
        index = base.index;
        FillTokens fills = new FillTokens(1, System::nanoTime);
        changes = new Changes(index, this::stored, base.tier, base.committer, fills, bans, System::currentTimeMillis);
    }

    @AfterEach
    void close() {
        base.close();
    }

    private static ObjectKey key(String key) {
        return new ObjectKey(key.getBytes(StandardCharsets.US_ASCII));
    }

    private @Nullable IndexRecord stored(ObjectKey key) {
        IndexRecord record = index.get(key);
        if (failures.getAndUpdate(left -> Math.max(0, left - 1)) > 0) {
            throw new IllegalStateException("the disk failed");
        }
        if (key.equals(COLD) && late.getAndSet(false)) {
            read.countDown();
            try {
                assertThat(released.await(1, TimeUnit.MINUTES)).isTrue();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
        return record;
    }

    private Result put(ObjectKey key) throws Exception {
        CompletableFuture<Result> result = new CompletableFuture<>();
        Put put = StoreUnderTest.durable(new String(key.bytes(), StandardCharsets.US_ASCII));
        changes.put(put, Body.ofBytes(new byte[10], put), result::complete);
        return result.get(1, TimeUnit.MINUTES);
    }

    private CompletableFuture<Result> deleteLate(@Nullable Long ifGeneration) throws Exception {
        CompletableFuture<Result> result = new CompletableFuture<>();
        late.set(true);
        new Thread(() -> changes.delete(COLD, ifGeneration, true, result::complete)).start();
        assertThat(read.await(1, TimeUnit.MINUTES)).isTrue();
        return result;
    }

    @Test
    void aChangeThatWaitsForTheIndexHoldsUpNoOther() throws Exception {
        put(COLD);
        CompletableFuture<Result> deleted = deleteLate(null);

        assertThat(put(OTHER).status()).isEqualTo(Status.OK);
        assertThat(deleted).isNotDone();
        released.countDown();
        assertThat(deleted.get(1, TimeUnit.MINUTES).status()).isEqualTo(Status.OK);
        assertThat(index.get(COLD)).isNull();
    }

    @Test
    void whatWasCommittedMeanwhileCounts() throws Exception {
        Result old = put(COLD);
        CompletableFuture<Result> deleted = deleteLate(old.generation());

        Result newer = put(COLD);
        released.countDown();
        assertThat(deleted.get(1, TimeUnit.MINUTES).status()).isEqualTo(Status.PRECONDITION_FAILED);
        assertThat(deleted.get().generation()).isEqualTo(newer.generation());
        assertThat(index.get(COLD)).isNotNull();
    }

    @Test
    void whatWasTakenAwayMeanwhileIsNotFound() throws Exception {
        put(COLD);
        CompletableFuture<Result> deleted = deleteLate(null);

        CompletableFuture<Result> first = new CompletableFuture<>();
        changes.delete(COLD, null, true, first::complete);
        assertThat(first.get(1, TimeUnit.MINUTES).status()).isEqualTo(Status.OK);
        released.countDown();
        assertThat(deleted.get(1, TimeUnit.MINUTES).status()).isEqualTo(Status.NOT_FOUND);
    }

    @Test
    void aChangeThatLeavesAfterALookStandsInTheIndexFromThenOn() throws Exception {
        Result put = put(COLD);
        PendingChanges pending = base.committer.pending();
        Change leaving = new Change(COLD, null, index.get(COLD), null, null, put);
        pending.show(COLD, leaving);
        pending.depart();
        Changes.ReadAhead ahead = changes.readAhead(COLD);
        pending.settle(COLD, leaving);
        synchronized (base.committer) {
            assertThat(changes.current(COLD, ahead)).isNotNull();
        }
    }

    @Test
    void thereAreAsManyBansAsTheLimitSays() throws Exception {
        Extent extent = Extent.ofBan("req.url == /".getBytes(StandardCharsets.US_ASCII));
        CountDownLatch recorded = new CountDownLatch(2);
        for (long before = 1; before < Changes.MAX_BANS - 1; before++) {
            bans.add(new RecordedPurge(before, extent, false, null));
        }
        assertThat(changes.beginBan(extent, result -> recorded.countDown())).isNotNull();
        Purge last = changes.beginBan(extent, result -> recorded.countDown());
        assertThat(last).isNotNull();
        assertThat(changes.beginBan(extent, result -> {})).isNull();

        recorded.await();
        changes.endBan(last);
        assertThat(changes.beginBan(extent, result -> {})).isNotNull();
    }

    @Test
    void aPassForABanThatFailsIsMadeAgain() throws Exception {
        put(COLD);
        CompletableFuture<Result> banned = new CompletableFuture<>();
        try (BanPass passes = new BanPass(index, base.committer, changes, new Metrics())) {
            failures.set(2);
            passes.begin(Extent.ofBan("req.url ~ .".getBytes(StandardCharsets.US_ASCII)), banned::complete);
            assertThat(banned.get(1, TimeUnit.MINUTES).status()).isEqualTo(Status.OK);
            await().until(() -> bans.count() == 0);
        }
        assertThat(failures).hasValue(0);
        assertThat(index.get(COLD)).isNull();
    }
}
