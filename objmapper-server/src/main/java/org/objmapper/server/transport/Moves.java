package org.objmapper.server.transport;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Sessions of a loop that are to go on at the loop of the processor that their clients run on. A client on another processor is woken by
 * an interrupt there, and reads what this one wrote from this one's cache: where all processors are busy, that is up to a fifth of the work.
 * Where some are idle, the kernel wakes clients on those, wherever they were. Only on the loop.
 */
final class Moves {
    /** So many move between two looks at most: what a client says costs little, a move about ten requests. */
    private static final int MOST = 32;

    private final Loop here;
    private final List<Loop> all;
    private final int processors;
    private final ArrayList<Move> wanted = new ArrayList<>();
    /** The slot that was looked at last. */
    private int at;

    private record Move(Session session, Loop to) {}

    /** Moves from one of the loops, for a machine of so many processors. */
    Moves(Loop here, List<Loop> all, int processors) {
        this.here = here;
        this.all = all;
        this.processors = processors;
    }

    /** Looks at the sessions anew, from where the last look ended; so many slots have been in use. */
    void look(@Nullable Session[] sessions, int usedSlots) {
        wanted.clear();
        for (int i = 0; i < usedSlots && wanted.size() < MOST; i++) {
            at = at + 1 < usedSlots ? at + 1 : 0;
            Session session = sessions[at];
            int processor = session == null ? -1 : session.client.look();
            if (session != null && processor >= 0 && processor != here.processor()) {
                want(session, processor);
            }
        }
    }

    private void want(Session session, int processor) {
        for (Loop loop : all) {
            if (loop.processor() == processor) {
                wanted.add(new Move(session, loop));
                return;
            }
        }
    }

    /** Whether it matters how many threads want to run. */
    boolean areWanted() {
        return !wanted.isEmpty();
    }

    /** So many threads run or want to, the loop's among them; below 0 where that is not known, and nobody moves. */
    void runnableThreads(int count) {
        if (count <= processors) {
            wanted.clear();
        }
    }

    /** Has those go that have nothing under way here; others may have in a later turn. */
    void make() {
        for (int i = wanted.size() - 1; i >= 0; i--) {
            Move move = wanted.get(i);
            if (move.session().isClosed()) {
                wanted.remove(i);
            } else if (move.session().isAtRest()) {
                wanted.remove(i);
                here.handOver(move.session(), move.to());
            }
        }
    }
}
