package org.objmapper.server.store;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.objmapper.server.store.device.DeviceException;
import org.objmapper.server.store.device.NewFile;
import org.objmapper.server.store.index.ObjectKey;

/**
 * The changes of one key that are on their way to the index. The newest one whose body is on disk, or that has none, makes all before it
 * needless; one whose body is lost leaves it to the one before. Under the committer's lock.
 */
final class KeyChanges {
    private final ObjectKey key;
    /** The newest first. */
    private final Deque<Change> changes = new ArrayDeque<>();

    KeyChanges(ObjectKey key) {
        this.key = key;
    }

    /**
     * What has been decided of some changes of a key.
     *
     * @param winner what the index is to be told; null where all failed
     * @param superseded changes before the winner, which count as made
     */
    record Settled(
            ObjectKey key, @Nullable Change winner, List<Change> superseded, Map<Change, StoreException> failed) {
        boolean isEmpty() {
            return winner == null && failed.isEmpty();
        }

        int size() {
            return all().size();
        }

        /** Whether the index is to take more than it gives up. */
        boolean adds() {
            return winner != null && winner.record() != null;
        }

        /** The winner and those before it. */
        List<Change> done() {
            List<Change> done = new ArrayList<>(superseded);
            if (winner != null) {
                done.add(winner);
            }
            return done;
        }

        List<Change> all() {
            List<Change> all = done();
            all.addAll(failed.keySet());
            return all;
        }
    }

    ObjectKey key() {
        return key;
    }

    boolean isEmpty() {
        return changes.isEmpty();
    }

    int size() {
        return changes.size();
    }

    List<Change> all() {
        return List.copyOf(changes);
    }

    @Nullable
    Change newest() {
        return changes.peekFirst();
    }

    Change oldest() {
        return changes.getLast();
    }

    void add(Change change) {
        changes.addFirst(change);
    }

    /** Takes the newest change out. */
    void removeNewest() {
        changes.removeFirst();
    }

    /** Whether a change has its body in a file. */
    boolean has(NewFile file) {
        return changes.stream().anyMatch(change -> change.file() == file);
    }

    /** Nothing was done of what had been decided. */
    void takeBack(Settled settled) {
        List<Change> all = settled.all();
        all.addAll(changes);
        all.sort(Comparator.comparingLong(Change::sequence).reversed());
        changes.clear();
        changes.addAll(all);
    }

    /** The file that the newest change waits for; null where it waits for none. */
    @Nullable
    NewFile newestFile() {
        Change newest = changes.peekFirst();
        return newest == null ? null : newest.file();
    }

    /** Takes out what can be decided by now. */
    Settled settle() {
        Map<Change, StoreException> failed = new LinkedHashMap<>();
        List<Change> superseded = new ArrayList<>();
        Change winner = null;
        for (Change change : all()) {
            NewFile file = change.file();
            if (winner != null) {
                superseded.add(change);
            } else if (file == null || file.isSettled()) {
                DeviceException loss = file == null ? null : file.loss();
                if (loss == null) {
                    winner = change;
                } else {
                    failed.put(change, StoreException.of(loss));
                }
            }
        }
        changes.removeAll(failed.keySet());
        changes.removeAll(superseded);
        if (winner != null) {
            changes.remove(winner);
        }
        return new Settled(key, winner, superseded, failed);
    }
}
