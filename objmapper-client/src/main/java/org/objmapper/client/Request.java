package org.objmapper.client;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;
import org.objmapper.protocol.Operation;

/**
 * One request as it is sent, perhaps more than once.
 *
 * @param metadata encoded entries
 * @param body sent after the metadata; null for a request without one
 */
record Request(
        int operation,
        @Nullable Key key,
        ByteBuffer metadata,
        @Nullable Body body) {
    static Request of(int operation, @Nullable Key key, Entries entries) {
        return new Request(operation, key, entries.encoded(), null);
    }

    /** Whether doing it twice is the same as doing it once, whatever others do meanwhile. */
    boolean reads() {
        return switch (operation) {
            case Operation.GET, Operation.HEAD, Operation.LIST, Operation.STAT, Operation.PING -> true;
            default -> false;
        };
    }

    /** Whether it counts among those in flight: a CANCEL gets through however many there are (protocol-spec.md 4.2). */
    boolean takesPlace() {
        return operation != Operation.CANCEL;
    }

    /** Whether it can be sent a second time at all. */
    boolean repeatable() {
        return body == null || body.repeatable();
    }

    String what() {
        String name = Operation.nameOf(operation);
        return key == null ? name : name + " " + key;
    }
}
