package org.objmapper.server.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.objmapper.server.metrics.Metrics;
import org.objmapper.server.store.device.Closer;
import org.objmapper.server.store.device.Device;
import org.objmapper.server.store.hold.LeaseProbe;
import org.objmapper.server.store.hold.Ledger;
import org.objmapper.server.store.index.Index;
import org.objmapper.server.store.index.SavedOrder;
import org.objmapper.server.store.table.ObjectTable;
import org.objmapper.server.store.tier.Capacity;

class CommitterTest {
    @TempDir
    Path directory;

    @Test
    void anOrderIsOnDiskWhenItsSavingReturns() throws Exception {
        Metrics metrics = new Metrics();
        try (Device device = Device.open(directory);
                Index index = new Index(
                        device.index(), 1 << 24, new Index.Ids(device.indexId(), device.id()), true, true, metrics);
                Closer closer = new Closer();
                Ledger ledger = new Ledger(LeaseProbe.of(device), closer, 1)) {
            HotTable hot = new HotTable(1, 1);
            SavedOrder order = new SavedOrder(index, 1);
            BackingTier tier = new BackingTier(Capacity.of(1), index.totals());
            try (Committer committer =
                    new Committer(index, device, hot, new ObjectTable(1 << 20), closer, ledger, tier, metrics, 1_000)) {
                SavedOrder.Writer writer = order.begin(committer::write);
                writer.add(7, 8, (byte) 9);
                writer.end();
                List<String> entries = new ArrayList<>();
                order.load((digest, bytes, state) -> entries.add(digest + " " + bytes + " " + state));

                assertThat(entries).containsExactly("7 8 9");
            }
        }
    }
}
