package org.objmapper.server.transport;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.objmapper.protocol.Frame;
import org.objmapper.protocol.MetadataReader;
import org.objmapper.server.exchange.Exchange;

/** What a table of requests says is what a plain list of them would say. */
class RequestTableTest {
    private static final int MOST_REQUESTS = 4_096;

    private final RequestTable table = new RequestTable();

    private static final class Request extends Exchange {
        private final boolean barrier;

        private Request(int id, long keyHash, boolean barrier) {
            super(null, null);
            this.requestId = id;
            this.keyHash = keyHash;
            this.barrier = barrier;
        }

        @Override
        public void decode(Frame frame, MetadataReader metadata) {}

        @Override
        public boolean isBarrier() {
            return barrier;
        }

        @Override
        public boolean run() {
            return false;
        }
    }

    @Test
    void asManyRequestsAsCanBeGrantedAreFoundAndStayInOrderWhoeverIsRemoved() {
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        List<Request> expected = new ArrayList<>();
        for (int step = 0; step < 3 * MOST_REQUESTS; step++) {
            boolean add = expected.isEmpty() || (expected.size() < MOST_REQUESTS && random.nextInt(3) > 0);
            if (add) {
                Request request = new Request(unusedId(random), random.nextInt(100), random.nextInt(1_000) == 0);
                table.addLast(request);
                expected.add(request);
            } else {
                Request gone = expected.remove(random.nextInt(expected.size()));
                assertThat(table.remove(gone)).as("seed %d", seed).isTrue();
                assertThat(table.remove(gone)).isFalse();
                assertThat(table.find(gone.requestId())).isNull();
            }
            assertThat(table.size()).isEqualTo(expected.size());
        }
        assertThat(all()).as("seed %d", seed).containsExactlyElementsOf(expected);
        for (Request request : expected) {
            assertThat(table.find(request.requestId())).as("seed %d", seed).isSameAs(request);
        }
        expected.forEach(table::remove);
        assertThat(table.isEmpty()).isTrue();
        assertThat(all()).isEmpty();
    }

    private int unusedId(Random random) {
        int id = random.nextInt();
        while (table.find(id) != null) {
            id = random.nextInt();
        }
        return id;
    }

    private List<Exchange> all() {
        List<Exchange> all = new ArrayList<>();
        for (int place = table.first(); place != RequestTable.NOWHERE; place = table.next(place)) {
            all.add(table.get(place));
        }
        return all;
    }

    @Test
    void requestsOnOneKeyMeetAndThoseOnNoKeyDoNot() {
        Request one = new Request(1, 77, false);
        table.addLast(one);
        assertThat(table.mayMeetAnother(one)).isFalse();
        assertThat(table.mayMeetAnother(new Request(2, 77, false))).isTrue();
        assertThat(table.mayMeetAnother(new Request(2, 0, false))).isFalse();
        table.remove(one);
        assertThat(table.mayMeetAnother(new Request(2, 77, false))).isFalse();
    }

    @Test
    void aBarrierMeetsEveryOther() {
        Request barrier = new Request(1, 0, true);
        table.addLast(barrier);
        assertThat(table.mayMeetAnother(barrier)).isFalse();
        assertThat(table.mayMeetAnother(new Request(2, 0, true))).isTrue();
        assertThat(table.mayMeetAnother(new Request(2, 77, false))).isTrue();
        table.remove(barrier);
        assertThat(table.mayMeetAnother(new Request(2, 77, false))).isFalse();
        table.addLast(new Request(3, 0, false));
        assertThat(table.mayMeetAnother(barrier)).isTrue();
    }
}
