package org.objmapper.server.transport;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;
import org.objmapper.protocol.Status;
import org.objmapper.server.exchange.Exchange;

/**
 * The requests of a session that are not answered yet, in the order in which they take effect (protocol-spec.md 4.3): runs each when
 * its turn has come, or there is room for its answer. Only on the loop.
 */
final class RequestsInFlight {
    /** Exchanges of GETs that are kept for the next ones; most are done before the next is read. */
    private static final int SPARE_GETS = 16;

    private final RequestTable exchanges = new RequestTable();
    private final ArrayDeque<Exchange> awaitingRoom = new ArrayDeque<>();
    private final ArrayDeque<Exchange> spareGets = new ArrayDeque<>();
    private final InputMemory memory;
    private long keptBytes;
    private boolean ordered;
    /** How many wait for their turn. */
    private int held;
    /** Whose body is being received. */
    private @Nullable Exchange bodyOf;

    RequestsInFlight(InputMemory memory) {
        this.memory = memory;
    }

    /** Answers go in the order of the requests. */
    void setOrdered(boolean ordered) {
        this.ordered = ordered;
    }

    int size() {
        return exchanges.size();
    }

    boolean isEmpty() {
        return exchanges.isEmpty();
    }

    @Nullable
    Exchange find(int requestId) {
        return exchanges.find(requestId);
    }

    // ---- their turns

    /** Takes a request on, and runs it unless it has to wait; the body that follows in its frame is its own. True when it is answered. */
    boolean add(Exchange exchange) {
        exchanges.addLast(exchange);
        bodyOf = exchange;
        return runInTurn(exchange) || !exchanges.contains(exchange); // the session may have ended meanwhile
    }

    /** So much of what the request keeps is counted in the memory for input, until the request is answered. */
    void counted(Exchange exchange, int bytes) {
        exchange.setCountedBytes(bytes);
        keptBytes += bytes;
    }

    private void uncount(Exchange exchange) {
        int bytes = exchange.countedBytes();
        if (bytes > 0) {
            exchange.setCountedBytes(0);
            keptBytes -= bytes;
            memory.uncount(bytes);
        }
    }

    /** How much its requests keep that are not answered yet. */
    long keptBytes() {
        return keptBytes;
    }

    /** Runs one that has no other before it, or whose body is to be received; others are held until their turn. True when it is answered. */
    private boolean runInTurn(Exchange exchange) {
        if (!exchange.wantsBody() && mustWait(exchange)) {
            exchange.hold();
            held++;
            return false;
        }
        return advance(exchange);
    }

    /** Whether requests before it have to be answered first; one with a body that follows stands where its END does. */
    boolean mustWait(Exchange exchange) {
        if (!ordered && !exchanges.mayMeetAnother(exchange)) {
            return false;
        }
        for (int at = exchanges.first(); at != RequestTable.NOWHERE; at = exchanges.next(at)) {
            Exchange earlier = exchanges.get(at);
            if (earlier == exchange) {
                return false;
            }
            if (!earlier.wantsBody() && (ordered || exchange.conflictsWith(earlier))) {
                return true;
            }
        }
        return false;
    }

    private boolean advance(Exchange exchange) {
        boolean isAnswered = exchange.run();
        if (isAnswered) {
            finished(exchange);
            runHeld();
        }
        return isAnswered;
    }

    /** Runs those whose turn has come. */
    private void runHeld() {
        int at = exchanges.first();
        while (held > 0 && at != RequestTable.NOWHERE) {
            Exchange next = exchanges.get(at);
            at = exchanges.next(at);
            if (next.isHeld() && !mustWait(next)) {
                takeTurn(next);
                if (next.run()) {
                    finished(next);
                    at = exchanges.first(); // others may have waited for it
                }
            }
        }
    }

    private void takeTurn(Exchange exchange) {
        exchange.takeTurn();
        held--;
    }

    private void finished(Exchange exchange) {
        exchanges.remove(exchange);
        uncount(exchange);
        if (bodyOf == exchange) {
            bodyOf = null;
        }
        if (exchange.isReusable() && spareGets.size() < SPARE_GETS) {
            spareGets.addLast(exchange);
        }
    }

    /** The exchange of a GET or HEAD that is answered, for another; null if there is none. */
    @Nullable
    Exchange pollSpareGet() {
        return spareGets.pollLast();
    }

    /** Goes on with a request for which something has come back; false if it is not in flight, or not its turn. */
    boolean resume(Exchange exchange) {
        if (exchange.abandoned()) {
            exchange.run(); // lets go of what came back
        } else if (exchange.isHeld()) {
            exchange.resumeBody();
        } else if (exchanges.contains(exchange)) {
            advance(exchange);
            return true;
        }
        return false;
    }

    /** Cancels a request; false if there is none, or if it is too far on. */
    boolean cancel(int requestId) {
        Exchange target = find(requestId);
        if (target == null || !target.cancel()) {
            return false;
        }
        if (target.isHeld() && !ordered) {
            takeTurn(target);
        }
        if (!target.isHeld()) {
            advance(target);
        }
        return true;
    }

    // ---- room for their answers

    /** The request goes on when there is room in the output. */
    void awaitRoom(Exchange exchange) {
        awaitingRoom.addLast(exchange);
    }

    /** There may be room: each of those that wait goes on, once, until the output is full. */
    void useRoom(OutputQueue output) {
        int waiters = awaitingRoom.size();
        for (int i = 0; i < waiters && !output.full(); i++) {
            Exchange exchange = awaitingRoom.removeFirst();
            if (exchanges.contains(exchange)) {
                advance(exchange);
            }
        }
    }

    // ---- their bodies

    /** The body in the next frame is a request's, or nobody's. */
    void setBodyOf(@Nullable Exchange exchange) {
        bodyOf = exchange;
    }

    /** Hands on bytes of a body; returns how many were taken. What nobody wants is passed over. */
    int body(ByteBuffer from, int offset, int length) {
        Exchange target = bodyOf;
        return target == null ? length : target.body(from, offset, length);
    }

    /** The END of a request's body has come; the request's place is that of its END. */
    void endOfBody(Exchange exchange, Status status) {
        exchange.endOfBody(status);
        exchanges.remove(exchange);
        exchanges.addLast(exchange);
        runInTurn(exchange);
    }

    boolean hasOpenBody() {
        for (int at = exchanges.first(); at != RequestTable.NOWHERE; at = exchanges.next(at)) {
            if (exchanges.get(at).wantsBody()) {
                return true;
            }
        }
        return false;
    }

    // ---- their early end

    /** How many have no answer yet. */
    int unanswered() {
        int count = 0;
        for (int at = exchanges.first(); at != RequestTable.NOWHERE; at = exchanges.next(at)) {
            count += exchanges.get(at).isAnswered() ? 0 : 1;
        }
        return count;
    }

    /**
     * PUTs whose rest can't come any more leave nothing behind; returns how many of them get no answer.
     *
     * @param frameIsCut the body that is being received is one of them
     */
    int abandonUnfinishedBodies(boolean frameIsCut) {
        int count = 0;
        for (int next, at = exchanges.first(); at != RequestTable.NOWHERE; at = next) {
            Exchange exchange = exchanges.get(at);
            next = exchanges.next(at);
            if (exchange.wantsBody() || (frameIsCut && exchange == bodyOf)) {
                count += exchange.isAnswered() ? 0 : 1;
                abandon(exchange);
            }
        }
        return count;
    }

    private void abandon(Exchange exchange) {
        exchanges.remove(exchange);
        uncount(exchange);
        if (exchange.isHeld()) {
            takeTurn(exchange);
        }
        if (bodyOf == exchange) {
            bodyOf = null;
        }
        exchange.abandon();
    }

    /** Lets go of all. */
    void abandon() {
        memory.uncount(keptBytes);
        keptBytes = 0;
        held = 0;
        awaitingRoom.clear();
        while (!exchanges.isEmpty()) {
            Exchange exchange = exchanges.get(exchanges.first());
            exchanges.remove(exchange);
            exchange.setCountedBytes(0);
            exchange.abandon();
        }
    }
}
