package org.objmapper.server.store;

import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.objmapper.server.store.device.Device;
import org.objmapper.server.store.device.Devices;
import org.objmapper.server.store.index.Index;
import org.objmapper.server.store.index.IndexRecord;
import org.objmapper.server.store.index.IndexRow;

/**
 * How old the object is whose body is there for the longest, as of the last look: bodies stand in the index in the order in which they
 * came. Whose a body in a file is the index says, and so when it was made; of one that stands in the index itself only the generation is
 * known, and about when that was given out. Safe on any thread, but for {@link #look} and {@link #keep}, which are for one and may block.
 */
final class OldestBodies {
    /** When generations were given out. */
    private static final byte[] TIMES = "generation-times".getBytes(StandardCharsets.US_ASCII);

    private final Index index;
    private final Devices devices;
    private final Committer committer;
    private final LongSupplier clock;
    private final GenerationTimes times;
    private boolean isNews;
    private volatile Map<Integer, Long> createdMillis = Map.of();
    private volatile @Nullable Long createdInIndexMillis;

    OldestBodies(Index index, Devices devices, Committer committer, LongSupplier clock) {
        this.index = index;
        this.devices = devices;
        this.committer = committer;
        this.clock = clock;
        this.times = GenerationTimes.of(index.row(IndexRow.Table.STATE, TIMES));
    }

    void look() {
        Map<Integer, Long> found = new HashMap<>();
        for (Device device : devices.all()) {
            List<IndexRecord> first = index.onDevice(device.number(), 0, 1);
            first.forEach(record -> found.put(device.number(), record.createdMillis()));
        }
        createdMillis = found;
        isNews |= times.mark(committer.generations().next(), clock.getAsLong());
        long inIndex = index.oldestInline();
        createdInIndexMillis = inIndex < 0 ? null : times.millisAfter(inIndex);
    }

    /** Has what only this run knows brought to disk with the next commit. */
    void keep() {
        if (isNews) {
            isNews = !committer.offer(List.of(new IndexRow(IndexRow.Table.STATE, TIMES, times.value())));
        }
    }

    /** 0 where the device has none. */
    long ageSeconds(Device device) {
        Long created = createdMillis.get(device.number());
        return created == null ? 0 : ageSeconds(created);
    }

    /** Of all; 0 where there are none. */
    long ageSeconds() {
        Long inIndex = createdInIndexMillis;
        long ofFiles = createdMillis.values().stream()
                .mapToLong(this::ageSeconds)
                .max()
                .orElse(0);
        return inIndex == null ? ofFiles : Math.max(ofFiles, ageSeconds(inIndex));
    }

    private long ageSeconds(long created) {
        return TimeUnit.MILLISECONDS.toSeconds(Math.max(0, clock.getAsLong() - created));
    }
}
