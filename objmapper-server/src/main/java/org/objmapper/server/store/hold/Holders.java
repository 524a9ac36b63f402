package org.objmapper.server.store.hold;

import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.ToIntFunction;

/**
 * The sessions that were handed bodies. A body that several sessions were handed counts for each of them: the kernel says that it is
 * held, and not by whom. Safe on any thread.
 */
public final class Holders {
    /** Sessions that have ended while their user's programs may still hold something. */
    private static final int MOST_ENDED = 1_024;

    private final Set<Holder> open = ConcurrentHashMap.newKeySet();
    private final Set<Holder> ended = ConcurrentHashMap.newKeySet();
    private volatile List<HeldBody> held = List.of();

    /** A session of a user's process begins. */
    public Holder begin(int uid, int pid) {
        Holder holder = new Holder(uid, pid);
        open.add(holder);
        return holder;
    }

    /** A session ends; it is remembered while it was handed what is held. */
    public void end(Holder holder) {
        open.remove(holder);
        if (holder.heldBytes() > 0 && ended.size() < MOST_ENDED) {
            ended.add(holder);
        }
    }

    /** All that is held now: counts it for those who were handed it. */
    void charge(List<HeldBody> bodies) {
        held = bodies;
        charge(open, bodies);
        charge(ended, bodies);
        ended.removeIf(holder -> holder.heldBytes() == 0);
    }

    private static void charge(Collection<Holder> holders, List<HeldBody> bodies) {
        for (Holder holder : holders) {
            long bytes = 0;
            for (HeldBody body : bodies) {
                bytes += holder.has(body.generation()) ? body.bytes() : 0;
            }
            holder.setHeldBytes(bytes);
        }
    }

    /** What is held of the bodies that sessions of a user were handed, for each user that has any. */
    public Map<Integer, Long> bytesByUser() {
        return bytesBy(Holder::uid);
    }

    /** What is held of the bodies that sessions of a process were handed, for those that have the most; the largest first. */
    public Map<Integer, Long> bytesByProcess(int most) {
        Map<Integer, Long> largest = new LinkedHashMap<>();
        bytesBy(Holder::pid).entrySet().stream()
                .sorted(Map.Entry.<Integer, Long>comparingByValue().reversed())
                .limit(most)
                .forEach(entry -> largest.put(entry.getKey(), entry.getValue()));
        return largest;
    }

    private Map<Integer, Long> bytesBy(ToIntFunction<Holder> client) {
        Map<Integer, Long> bytes = new TreeMap<>();
        for (HeldBody body : held) {
            for (int one : clients(body, client)) {
                bytes.merge(one, body.bytes(), Long::sum);
            }
        }
        return bytes;
    }

    private Set<Integer> clients(HeldBody body, ToIntFunction<Holder> client) {
        Set<Integer> clients = new HashSet<>();
        for (Set<Holder> holders : List.of(open, ended)) {
            for (Holder holder : holders) {
                if (holder.heldBytes() > 0 && holder.has(body.generation())) {
                    clients.add(client.applyAsInt(holder));
                }
            }
        }
        return clients;
    }

    /** The most that is counted for one session that is open. */
    public long mostBytesOfSession() {
        return open.stream().mapToLong(Holder::heldBytes).max().orElse(0);
    }

    /** The largest bodies that are held. */
    public List<HeldBody> largest(int most) {
        return held.stream()
                .sorted((one, other) -> Long.compare(other.bytes(), one.bytes()))
                .limit(most)
                .toList();
    }
}
