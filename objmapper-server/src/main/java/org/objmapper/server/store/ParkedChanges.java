package org.objmapper.server.store;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** Changes that the index had no room for, and that are tried again when there is some. Under the committer's lock. */
final class ParkedChanges {
    /** None of them changes while it is here. */
    private final Set<KeyChanges> byKey = new LinkedHashSet<>();

    private int changes;

    void add(KeyChanges ofKey) {
        if (byKey.add(ofKey)) {
            changes += ofKey.size();
        }
    }

    /** Takes one out, if it is here. */
    void remove(KeyChanges ofKey) {
        if (byKey.remove(ofKey)) {
            changes -= ofKey.size();
        }
    }

    /** Takes out those of up to so many keys, the first to come first. */
    List<KeyChanges> take(int keys) {
        List<KeyChanges> taken = byKey.stream().limit(keys).toList();
        taken.forEach(this::remove);
        return taken;
    }

    List<KeyChanges> all() {
        return new ArrayList<>(byKey);
    }

    boolean has(KeyChanges ofKey) {
        return byKey.contains(ofKey);
    }

    boolean isEmpty() {
        return byKey.isEmpty();
    }

    int keys() {
        return byKey.size();
    }

    int changes() {
        return changes;
    }

    /** The place of the first in the order of all changes; the last place of all where there is none. */
    long firstSequence() {
        return byKey.stream()
                .mapToLong(ofKey -> ofKey.oldest().sequence())
                .min()
                .orElse(Long.MAX_VALUE);
    }

    void clear() {
        byKey.clear();
        changes = 0;
    }
}
