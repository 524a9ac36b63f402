package org.objmapper.server.store;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.objmapper.server.store.index.IndexChange;
import org.objmapper.server.store.index.IndexRow;
import org.objmapper.server.store.index.ObjectKey;

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

    /** The same in pieces of so many objects; all under one key stay together, and what rows there are come first. */
    List<CommitBatch> pieces(int objects) {
        Map<ObjectKey, List<KeyChanges.Settled>> byKey = new LinkedHashMap<>();
        for (KeyChanges.Settled part : settled) {
            byKey.computeIfAbsent(part.key().variant(0), key -> new ArrayList<>())
                    .add(part);
        }
        List<CommitBatch> pieces = new ArrayList<>();
        CommitBatch piece = new CommitBatch(new ArrayList<>(), rows);
        for (List<KeyChanges.Settled> underOneKey : byKey.values()) {
            if (piece.settled.size() >= objects) {
                pieces.add(piece);
                piece = empty();
            }
            piece.settled.addAll(underOneKey);
        }
        pieces.add(piece);
        return pieces;
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
