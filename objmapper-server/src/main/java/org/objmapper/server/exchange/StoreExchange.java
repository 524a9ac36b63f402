package org.objmapper.server.exchange;

import org.jspecify.annotations.Nullable;
import org.objmapper.protocol.FrameWriter;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;
import org.objmapper.server.metrics.Metric;
import org.objmapper.server.store.Store;

/** A request that the store has a part in: it counts among the figures, and an IO_ERROR names the device. */
abstract class StoreExchange extends Exchange {
    protected final Store store;
    private @Nullable String failedDevice;

    StoreExchange(Peer peer, Output output, Store store) {
        super(peer, output);
        this.store = store;
    }

    /** The request is answered. */
    protected final void count() {
        store.metrics().count(requests());
    }

    private Metric requests() {
        return switch (operation) {
            case Operation.PUT -> Metric.REQUESTS_PUT;
            case Operation.DELETE -> Metric.REQUESTS_DELETE;
            case Operation.TOUCH -> Metric.REQUESTS_TOUCH;
            case Operation.LIST -> Metric.REQUESTS_LIST;
            case Operation.PURGE -> Metric.REQUESTS_PURGE;
            default -> throw new IllegalStateException("operation " + operation + " is not counted");
        };
    }

    /** Says which device failed, for IO_ERROR; null for the one that has the index. */
    protected final void failedOn(@Nullable String device) {
        failedDevice = device;
    }

    @Override
    protected final void explain(FrameWriter frame, Status status, String message) {
        super.explain(frame, status, message);
        if (status == Status.IO_ERROR) {
            String device = failedDevice;
            frame.text(MetadataType.DEVICE, device == null ? store.deviceId() : device);
        }
    }
}
