package org.objmapper.server.store.hold;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class HoldersTest {
    private final Holders holders = new Holders();

    @Test
    void whatIsHeldCountsForAllWhoWereHandedIt() {
        Holder one = holders.begin(7, 70);
        Holder two = holders.begin(8, 80);
        one.handed(1);
        one.handed(2);
        two.handed(2);
        two.handed(3);
        holders.charge(List.of(new HeldBody(1, 100), new HeldBody(2, 20)));

        assertThat(one.heldBytes()).isEqualTo(120);
        assertThat(two.heldBytes()).isEqualTo(20);
        assertThat(holders.mostBytesOfSession()).isEqualTo(120);
        assertThat(holders.bytesByUser()).isEqualTo(Map.of(7, 120L, 8, 20L));
    }

    @Test
    void aBodyCountsOnceForAUserWithTwoSessions() {
        holders.begin(7, 70).handed(1);
        holders.begin(7, 70).handed(1);
        holders.charge(List.of(new HeldBody(1, 100)));

        assertThat(holders.bytesByUser()).isEqualTo(Map.of(7, 100L));
    }

    @Test
    void processesOfOneUserAreToldApartAndTheLargestComeFirst() {
        Holder one = holders.begin(7, 70);
        one.handed(1);
        holders.begin(7, 71).handed(2);
        holders.begin(7, 71).handed(2);
        holders.begin(7, 72).handed(3);
        holders.charge(List.of(new HeldBody(1, 100), new HeldBody(2, 300), new HeldBody(3, 20)));

        assertThat(holders.bytesByProcess(2)).containsExactly(Map.entry(71, 300L), Map.entry(70, 100L));
        holders.end(one);
        assertThat(holders.bytesByProcess(3)).as("an ended session counts too").containsKey(70);
    }

    @Test
    void aSessionThatEndedCountsUntilNothingIsHeldThatItWasHanded() {
        Holder holder = holders.begin(7, 70);
        holder.handed(1);
        holders.charge(List.of(new HeldBody(1, 100)));
        holders.end(holder);
        holders.charge(List.of(new HeldBody(1, 100)));
        assertThat(holders.bytesByUser()).isEqualTo(Map.of(7, 100L));
        assertThat(holders.mostBytesOfSession()).as("of open ones").isZero();

        holders.charge(List.of());
        holders.charge(List.of(new HeldBody(1, 100)));
        assertThat(holders.bytesByUser()).as("it is forgotten").isEmpty();
    }

    @Test
    void aSessionIsChargedForNothingThatItWasNotHandedHoweverMuchItWas() {
        Holder holder = holders.begin(7, 70);
        LongStream.rangeClosed(1, 10_000).forEach(holder::handed);
        holders.charge(List.of(new HeldBody(10_000, 1), new HeldBody(10_001, 100)));

        assertThat(holder.heldBytes()).isEqualTo(1);
    }

    @Test
    void theLargestBodiesComeFirst() {
        holders.charge(List.of(new HeldBody(1, 10), new HeldBody(2, 30), new HeldBody(3, 20)));

        assertThat(holders.largest(2)).containsExactly(new HeldBody(2, 30), new HeldBody(3, 20));
    }
}
