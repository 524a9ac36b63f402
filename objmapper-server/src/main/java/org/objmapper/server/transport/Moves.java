package org.objmapper.server.transport;

import java.util.ArrayList;
import java.util.List;

/**
 * Sessions of a loop that are to go on at another. One reason is that some send large bodies and others wait for these. The other is that
 * a client runs on another loop's processor: it is woken by an interrupt there, and reads what this one wrote from this one's cache. Where
 * all processors are busy, that is up to a fifth of the work; where some are idle, the kernel wakes clients on those, wherever they were.
 * Only on the loop.
 */
final class Moves {
    /** So many of each kind are looked at for a moment to go: what a client says costs little, a move about ten requests. */
    private static final int MOST = 32;

    private final Loop here;
    private final List<Loop> all;
    private final SessionsAtWork atWork;
    private final int processors;
    /** Sessions that have had something to do since the last look, or count as at work. */
    private final ArrayList<Session> noted = new ArrayList<>();
    /** Sessions of which one is better apart from the rest; all of them send large bodies, or none does. */
    private final ArrayList<Session> apart = new ArrayList<>();

    private final ArrayList<Following> following = new ArrayList<>();
    /** Where in the list the next look begins. */
    private int first;

    private record Following(Session session, Loop to) {}

    /** Moves from one of the loops, for a machine of so many processors. */
    Moves(Loop here, List<Loop> all, SessionsAtWork atWork, int processors) {
        this.here = here;
        this.all = all;
        this.atWork = atWork;
        this.processors = processors;
    }

    /** A session has something to do. */
    void note(Session session) {
        if (session.work.note()) {
            noted.add(session);
        }
    }

    /** Looks anew at the sessions that have had something to do, not always the same ones first. */
    void look() {
        noted.removeIf(Session::isClosed);
        lookAtWork();
        apart.clear();
        following.clear();
        boolean apartAreLarge = atWork.betterForLarge(here.index()) >= 0;
        boolean oneGoesApart = apartAreLarge || atWork.betterForOther(here.index()) >= 0;
        first++;
        for (int i = 0; i < noted.size(); i++) {
            Session session = noted.get(Math.floorMod(first + i, noted.size()));
            if (oneGoesApart && session.work.isLarge() == apartAreLarge && apart.size() < MOST) {
                apart.add(session);
            } else if (following.size() < MOST) {
                followClient(session);
            }
        }
        noted.removeIf(session -> !session.work.isAtWork());
    }

    private void lookAtWork() {
        int large = 0;
        int others = 0;
        int fewRequests = 0;
        for (int i = 0; i < noted.size(); i++) {
            Work work = noted.get(i).work;
            fewRequests += work.look();
            large += work.isLarge() ? 1 : 0;
            others += work.isAtWork() && !work.isLarge() ? 1 : 0;
        }
        atWork.set(here.index(), large, others + fewRequests / Work.ENOUGH);
    }

    private void followClient(Session session) {
        int processor = session.client.look();
        if (processor < 0 || processor == here.processor()) {
            return;
        }
        for (Loop loop : all) {
            if (loop.processor() == processor) {
                following.add(new Following(session, loop));
                return;
            }
        }
    }

    /** Whether it matters how many threads want to run. */
    boolean areWanted() {
        return !following.isEmpty();
    }

    /** So many threads run or want to, the loop's among them; below 0 where that is not known, and nobody goes to its client. */
    void runnableThreads(int count) {
        if (count <= processors) {
            following.clear();
        }
    }

    /** Has those go that have nothing under way here; others may have in a later turn. */
    void make() {
        if (!apart.isEmpty()) {
            moveOneApart();
        }
        for (int i = following.size() - 1; i >= 0; i--) {
            Following wanted = following.get(i);
            if (wanted.session().isClosed()) {
                following.remove(i);
            } else if (wanted.session().isAtRest()) {
                following.remove(i);
                follow(wanted.session(), wanted.to());
            }
        }
    }

    /** Only one between two looks, which show what it changes; others may have gone where it was to go. */
    private void moveOneApart() {
        for (int i = 0; i < apart.size(); i++) {
            Session session = apart.get(i);
            if (!session.isClosed() && session.isAtRest()) {
                apart.clear();
                int better = session.work.isLarge()
                        ? atWork.betterForLarge(here.index())
                        : atWork.betterForOther(here.index());
                if (better >= 0) {
                    move(session, all.get(better));
                }
                return;
            }
        }
    }

    private void follow(Session session, Loop to) {
        if (to.mayGetMore() && atWork.mayGo(here.index(), to.index(), session.work.isLarge())) {
            move(session, to);
        }
    }

    private void move(Session session, Loop to) {
        if (session.work.isAtWork()) {
            atWork.move(here.index(), to.index(), session.work.isLarge());
        }
        here.handOver(session, to);
    }
}
