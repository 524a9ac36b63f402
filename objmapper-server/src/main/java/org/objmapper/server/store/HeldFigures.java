package org.objmapper.server.store;

import java.util.LinkedHashMap;
import java.util.Map;
import org.objmapper.server.metrics.Metric;
import org.objmapper.server.metrics.Metrics;
import org.objmapper.server.store.hold.Ledger;

/** What the figures say of removed objects that are held, and by whom; only that it is not known where the file systems can't tell. */
final class HeldFigures {
    /** Held objects, and processes that hold some, that the figures name: the largest. */
    private static final int HELD_SHOWN = 10;

    private final Ledger ledger;

    private HeldFigures(Ledger ledger) {
        this.ledger = ledger;
    }

    static void show(Ledger ledger, Metrics metrics) {
        HeldFigures figures = new HeldFigures(ledger);
        metrics.show(Metric.STORE_HELD_KNOWN, () -> ledger.isKnown() ? 1 : 0);
        if (ledger.isKnown()) {
            metrics.show(Metric.STORE_HELD_OBJECTS, ledger::heldFiles);
            metrics.show(Metric.STORE_HELD_BYTES, ledger::heldBytes);
            metrics.show(Metric.STORE_HELD_UNWATCHED, ledger::unwatched);
            metrics.show(Metric.STORE_HELD_SESSION_BYTES, ledger.holders()::mostBytesOfSession);
            metrics.showEach(Metric.STORE_HELD_USER_BYTES, "uid", figures::heldBytesByUser);
            metrics.showEach(Metric.STORE_HELD_PROCESS_BYTES, "pid", figures::heldBytesByProcess);
            metrics.showEach(Metric.STORE_HELD_OBJECT_BYTES, "generation", figures::heldBytesByObject);
        }
    }

    private Map<String, Long> heldBytesByUser() {
        Map<String, Long> bytes = new LinkedHashMap<>();
        ledger.holders().bytesByUser().forEach((uid, sum) -> bytes.put(Integer.toUnsignedString(uid), sum));
        return bytes;
    }

    private Map<String, Long> heldBytesByProcess() {
        Map<String, Long> bytes = new LinkedHashMap<>();
        ledger.holders().bytesByProcess(HELD_SHOWN).forEach((pid, sum) -> bytes.put(Integer.toString(pid), sum));
        return bytes;
    }

    private Map<String, Long> heldBytesByObject() {
        Map<String, Long> bytes = new LinkedHashMap<>();
        ledger.holders()
                .largest(HELD_SHOWN)
                .forEach(body -> bytes.merge(Long.toUnsignedString(body.generation()), body.bytes(), Long::sum));
        return bytes;
    }
}
