package org.objmapper.server.store;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.objmapper.server.metrics.Metrics;
import org.objmapper.server.store.device.Device;
import org.objmapper.server.store.device.Devices;
import org.objmapper.server.store.hold.Ledger;
import org.objmapper.server.store.index.Index;
import org.objmapper.server.store.table.ObjectTable;
import org.objmapper.server.store.tier.Capacity;
import org.objmapper.server.store.validity.ValidityTable;
import org.objmapper.server.thread.Uninterruptibly;

/** A committer of a new store, with what it needs and nothing else. */
final class CommitterUnderTest implements AutoCloseable {
    static final long MAP_BYTES = 1 << 24;
    private static final int DESCRIPTORS = 1_000;
    /** Changes that a commit takes at most, by the descriptors. */
    static final int BATCH = DESCRIPTORS / 8;

    final Device device;
    final Index index;
    final BackingTier tier;
    final Committer committer;
    private final Devices devices;
    private final Ledger ledger;
    private final Thread evictor = new Thread(this::evictNothing, "test-evictor");

    CommitterUnderTest(Path directory) throws IOException {
        Metrics metrics = new Metrics();
        device = Device.open(directory);
        devices = new Devices(List.of(device), (unused, now) -> {});
        Index.Ids ids = new Index.Ids(device.indexId(), device.id());
        index = new Index(device.index(), MAP_BYTES, ids, true, true, metrics);
        ledger = new Ledger(List.of(device), 1);
        HotTable hot = new HotTable(1, 1);
        tier = new BackingTier(Capacity.of(Long.MAX_VALUE), index.totals());
        UpperTiers upper = new UpperTiers(
                TierOptions.NONE,
                null,
                (unused, now) -> {},
                index,
                devices,
                hot,
                ledger,
                new DescriptorReserve(1_000, hot, () -> 0),
                1_000,
                metrics,
                System::currentTimeMillis);
        committer = new Committer(
                index,
                devices,
                new PendingChanges(index, hot, new ObjectTable(1 << 20), ValidityTable.unshared()),
                ledger,
                upper,
                tier,
                metrics,
                DESCRIPTORS);
        evictor.start();
    }

    /** Everything is kept. */
    private void evictNothing() {
        while (tier.awaitWork(60_000)) {
            tier.nobodyIsLeft(tier.asked());
        }
    }

    @Override
    public void close() {
        tier.close();
        Uninterruptibly.join(evictor);
        committer.close();
        ledger.close();
        index.close();
        devices.close();
    }
}
