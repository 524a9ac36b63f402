package org.objmapper.server.store;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.objmapper.server.store.index.IndexChange;
import org.objmapper.server.store.index.IndexRow;

/**
 * What one commit of the index is made of.
 *
 * @param settled changes of keys whose bodies are on disk, or lost
 * @param rows changes that bring rows of the index
 */
record CommitBatch(List<KeyChanges.Settled> settled, List<Change> rows) {
    /** One that is yet to be filled. */
    static CommitBatch empty() {
        return new CommitBatch(new ArrayList<>(), new ArrayList<>());
    }

    boolean isEmpty() {
        return settled.isEmpty() && rows.isEmpty();
    }

    /** Whether the index is to take more than it gives up. */
    boolean adds() {
        return settled.stream().anyMatch(KeyChanges.Settled::adds)
                || rows.stream().anyMatch(Change::addsRows);
    }

    List<Change> all() {
        List<Change> all = new ArrayList<>(rows);
        settled.forEach(part -> all.addAll(part.all()));
        return all;
    }

    /** What the index is told of objects, in the order of its pages. */
    List<IndexChange> indexChanges() {
        List<IndexChange> changes = new ArrayList<>();
        for (KeyChanges.Settled part : settled) {
            Change winner = part.winner();
            if (winner != null) {
                changes.add(new IndexChange(part.key(), winner.record()));
            }
        }
        changes.sort(Comparator.comparing(change -> change.key().row(), Arrays::compareUnsigned));
        return changes;
    }

    List<IndexRow> indexRows() {
        List<IndexRow> all = new ArrayList<>();
        rows.forEach(change -> all.addAll(change.rows()));
        return all;
    }
}
