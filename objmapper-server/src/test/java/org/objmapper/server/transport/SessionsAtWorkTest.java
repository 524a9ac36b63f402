package org.objmapper.server.transport;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

class SessionsAtWorkTest {
    @Test
    void whoHasNoLargeBodyGoesToTheLoopWithoutThemThatHasTheFewest() {
        SessionsAtWork atWork = sessions(new int[] {1, 0, 0}, new int[] {2, 2, 1});
        assertThat(atWork.betterForOther(0)).isEqualTo(2);
        assertThat(atWork.betterForLarge(0)).isEqualTo(-1);
    }

    @Test
    void theyStayWhereNotAllOfThemFitElsewhere() {
        assertThat(sessions(new int[] {1, 0}, new int[] {3, 1}).betterForOther(0))
                .isEqualTo(-1);
        assertThat(sessions(new int[] {1, 0}, new int[] {2, 1}).betterForOther(0))
                .isEqualTo(1);
    }

    @Test
    void whereAllLoopsHaveLargeBodiesThoseGather() {
        SessionsAtWork atWork = sessions(new int[] {1, 1}, new int[] {0, 1});
        assertThat(atWork.betterForLarge(1)).isZero();
        assertThat(atWork.betterForOther(1)).isEqualTo(-1);
        assertThat(atWork.betterForLarge(0)).isEqualTo(-1);
    }

    @Test
    void whereOthersAreOnAllLoopsTooTheyGatherAtTheFirst() {
        SessionsAtWork atWork = sessions(new int[] {1, 1}, new int[] {1, 1});
        assertThat(atWork.betterForLarge(1)).isZero();
        assertThat(atWork.betterForLarge(0)).isEqualTo(-1);
    }

    @Test
    void aLoopWithoutLargeBodiesHasNoneToSendAway() {
        SessionsAtWork atWork = sessions(new int[] {0, 2}, new int[] {3, 0});
        assertThat(atWork.betterForLarge(0)).isEqualTo(-1);
        assertThat(atWork.betterForOther(1)).as("nor the other way round").isEqualTo(-1);
    }

    @Test
    void theLoopWithTheFewestOthersIsBetterThanTheFirst() {
        SessionsAtWork atWork = sessions(new int[] {1, 1, 1}, new int[] {3, 4, 1});
        assertThat(atWork.betterForLarge(1)).isEqualTo(2);
        assertThat(atWork.betterForLarge(0)).isEqualTo(2);
        assertThat(atWork.betterForLarge(2)).isEqualTo(-1);
    }

    @Test
    void noLoopGetsMoreThanItsEvenShareAQuarterOfThatAndOne() {
        SessionsAtWork enough = sessions(new int[] {5, 3}, new int[] {0, 1});
        assertThat(enough.betterForLarge(1)).isZero();
        SessionsAtWork tooMany = sessions(new int[] {6, 2}, new int[] {0, 1});
        assertThat(tooMany.betterForLarge(1)).isEqualTo(-1);
    }

    @Test
    void twoOfAKindTakeUpALoopThatHasNothingToDo() {
        assertThat(sessions(new int[] {2, 0}, new int[2]).betterForLarge(0)).isEqualTo(1);
        assertThat(sessions(new int[] {1, 0}, new int[2]).betterForLarge(0)).isEqualTo(-1);
        assertThat(sessions(new int[2], new int[] {2, 0}).betterForOther(0)).isEqualTo(1);
        assertThat(sessions(new int[2], new int[] {1, 0}).betterForOther(0)).isEqualTo(-1);
    }

    @Test
    void whoGoesForAnotherReasonStaysApart() {
        SessionsAtWork atWork = sessions(new int[] {2, 0, 0}, new int[] {0, 2, 2});
        assertThat(atWork.mayGo(1, 2, false)).isTrue();
        assertThat(atWork.mayGo(1, 0, false)).as("large bodies are there").isFalse();
        assertThat(atWork.mayGo(0, 1, true)).as("others are there").isFalse();
    }

    @Test
    void nobodyGoesFromWhereItWouldComeBack() {
        SessionsAtWork atWork = sessions(new int[] {1, 1, 0, 2}, new int[4]);
        assertThat(atWork.mayGo(0, 2, true)).isTrue();
        assertThat(atWork.mayGo(3, 0, true)).isTrue();
        assertThat(atWork.mayGo(0, 1, true))
                .as("this loop would have nothing to do")
                .isFalse();
    }

    @Test
    void aMoveCountsAtOnce() {
        SessionsAtWork atWork = sessions(new int[] {2, 0}, new int[] {0, 1});
        atWork.move(0, 1, true);
        atWork.move(1, 0, false);
        assertThat(atWork.large(0)).isEqualTo(1);
        assertThat(atWork.large(1)).isEqualTo(1);
        assertThat(atWork.betterForLarge(0)).as("the other is there now").isEqualTo(1);
    }

    @Test
    void aSingleLoopHasNoBetterPlace() {
        SessionsAtWork atWork = sessions(new int[] {3}, new int[] {4});
        assertThat(atWork.betterForLarge(0)).isEqualTo(-1);
        assertThat(atWork.betterForOther(0)).isEqualTo(-1);
    }

    /** One session goes at a time, from whatever loop. */
    @RepeatedTest(20)
    void someTimeNobodyHasABetterPlace() {
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        int loops = 1 + random.nextInt(6);
        int[] large = random.ints(loops, 0, 6).toArray();
        int[] others = random.ints(loops, 0, 6).toArray();
        SessionsAtWork atWork = sessions(large, others);
        int sessions = IntStream.of(large).sum() + IntStream.of(others).sum();
        int moves = 0;
        int here = 0;
        for (int quiet = 0; quiet < loops; here = (here + 1) % loops) {
            boolean moved = moveOne(atWork, here);
            quiet = moved ? 0 : quiet + 1;
            moves += moved ? 1 : 0;
            assertThat(moves).as("seed %d", seed).isLessThanOrEqualTo(3 * sessions);
        }
        for (int loop = 0; loop < loops; loop++) {
            assertThat(atWork.betterForLarge(loop)).as("seed %d", seed).isEqualTo(-1);
            assertThat(atWork.betterForOther(loop)).as("seed %d", seed).isEqualTo(-1);
        }
    }

    private static boolean moveOne(SessionsAtWork atWork, int here) {
        int large = atWork.betterForLarge(here);
        int to = large >= 0 ? large : atWork.betterForOther(here);
        if (to >= 0) {
            atWork.move(here, to, large >= 0);
        }
        return to >= 0;
    }

    private static SessionsAtWork sessions(int[] large, int[] others) {
        SessionsAtWork atWork = new SessionsAtWork(large.length);
        for (int loop = 0; loop < large.length; loop++) {
            atWork.set(loop, large[loop], others[loop]);
        }
        return atWork;
    }
}
