package org.objmapper.server.store.eviction;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A policy whose order is saved and taken back by a new one after every so many hits. */
final class Restarted implements Policy {
    private static final int HITS_BETWEEN = 20_000;

    private record Here(long keyHash, long bytes) {}

    private record Saved(int slot, byte state) {}

    private final PolicyName name;
    private final Map<Integer, Here> here = new HashMap<>();
    private Policy policy;
    private int hits;

    Restarted(PolicyName name) {
        this.name = name;
        policy = name.create();
    }

    @Override
    public void add(int slot, long keyHash, long bytes) {
        here.put(slot, new Here(keyHash, bytes));
        policy.add(slot, keyHash, bytes);
    }

    @Override
    public void hit(int slot) {
        policy.hit(slot);
        if (++hits % HITS_BETWEEN == 0) {
            restart();
        }
    }

    private void restart() {
        List<Saved> saved = new ArrayList<>();
        policy.save((slot, state) -> saved.add(new Saved(slot, state)));
        policy = name.create();
        for (Saved each : saved) {
            Here object = here.get(each.slot);
            policy.restore(each.slot, object.keyHash, object.bytes, each.state);
        }
    }

    @Override
    public void remove(int slot) {
        here.remove(slot);
        policy.remove(slot);
    }

    @Override
    public int victim() {
        return policy.victim();
    }

    @Override
    public long bytes(int slot) {
        return policy.bytes(slot);
    }

    @Override
    public void save(Order order) {
        policy.save(order);
    }

    @Override
    public void restore(int slot, long keyHash, long bytes, byte state) {
        add(slot, keyHash, bytes);
    }
}
