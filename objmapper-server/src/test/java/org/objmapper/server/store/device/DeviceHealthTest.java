package org.objmapper.server.store.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.objmapper.server.store.device.DeviceHealth.HUNG_NANOS;
import static org.objmapper.server.store.device.DeviceHealth.OFFLINE_ERRORS;
import static org.objmapper.server.store.device.DeviceHealth.RECOVERY_NANOS;
import static org.objmapper.server.store.device.DeviceHealth.SLOW_NANOS;
import static org.objmapper.server.store.device.DeviceHealth.WINDOW_NANOS;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.objmapper.nativeio.Errno;
import org.objmapper.server.store.device.DeviceHealth.State;

class DeviceHealthTest {
    private long now = 1_000_000;
    private final DeviceHealth health = new DeviceHealth(now);

    private void call(long result) {
        health.end(health.begin(now), now, result);
    }

    private void calls(int count, long result) {
        for (int i = 0; i < count; i++) {
            call(result);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {Errno.EIO, Errno.EROFS})
    void aFaultMakesADeviceSuspect(int errno) {
        call(-errno);
        assertThat(health.check(now)).isEqualTo(State.SUSPECT);
        assertThat(health.errors()).isEqualTo(1);
    }

    @ParameterizedTest
    @ValueSource(ints = {Errno.ENOENT, Errno.ENOSPC, Errno.EMFILE, Errno.EDQUOT})
    void whatIsNoFaultOfTheDeviceLeavesItServing(int errno) {
        calls(100, -errno);
        assertThat(health.check(now)).isEqualTo(State.SERVING);
    }

    @Test
    void oneErrorTooFewLeavesItSuspectAndOneMorePutsItOffline() {
        calls(OFFLINE_ERRORS - 1, -Errno.EIO);
        assertThat(health.check(now)).isEqualTo(State.SUSPECT);
        call(-Errno.EIO);
        assertThat(health.check(now)).isEqualTo(State.OFFLINE);
    }

    @Test
    void aDeviceThatIsReadOnlyStaysSuspectAndIsRead() {
        calls(100 * OFFLINE_ERRORS, -Errno.EROFS);
        assertThat(health.check(now)).isEqualTo(State.SUSPECT);
    }

    @Test
    void oneBadFileAmongGoodOnesDoesNotPutItOffline() {
        calls(10 * OFFLINE_ERRORS, 0);
        calls(10 * OFFLINE_ERRORS - 1, -Errno.EIO);
        assertThat(health.check(now)).isEqualTo(State.SUSPECT);
        call(-Errno.EIO);
        assertThat(health.check(now)).isEqualTo(State.OFFLINE);
    }

    @Test
    void errorsThatAreFarApartDoNotCountTogether() {
        for (int i = 0; i < 10 * OFFLINE_ERRORS; i++) {
            now += WINDOW_NANOS / (OFFLINE_ERRORS - 2);
            call(-Errno.EIO);
        }
        assertThat(health.check(now)).isEqualTo(State.SUSPECT);
    }

    @Test
    void aCallThatTakesLongerThanTheBoundMakesItSuspect() {
        int call = health.begin(now);
        now += SLOW_NANOS;
        health.end(call, now, 0);
        assertThat(health.check(now)).isEqualTo(State.SERVING);
        call = health.begin(now);
        now += SLOW_NANOS + 1;
        health.end(call, now, 0);
        assertThat(health.check(now)).isEqualTo(State.SUSPECT);
    }

    @Test
    void aCallThatDoesNotComeBackMakesItSuspectAndThenOffline() {
        health.begin(now);
        assertThat(health.check(now + SLOW_NANOS - 1)).isEqualTo(State.SERVING);
        assertThat(health.check(now + SLOW_NANOS)).isEqualTo(State.SUSPECT);
        assertThat(health.check(now + HUNG_NANOS - 1)).isEqualTo(State.SUSPECT);
        assertThat(health.check(now + HUNG_NANOS)).isEqualTo(State.OFFLINE);
    }

    @Test
    void itServesAgainWhenAllWentWellForAWhile() {
        calls(OFFLINE_ERRORS, -Errno.EIO);
        now += RECOVERY_NANOS - 1;
        call(0);
        assertThat(health.check(now)).isEqualTo(State.OFFLINE);
        assertThat(health.check(now + 1)).isEqualTo(State.SERVING);
        call(-Errno.EIO);
        assertThat(health.check(now)).as("the errors of before are forgiven").isEqualTo(State.SUSPECT);
    }

    @Test
    void anErrorWhileItRecoversLetsTheWaitBeginAnew() {
        calls(OFFLINE_ERRORS, -Errno.EIO);
        now += RECOVERY_NANOS - 1;
        call(-Errno.EIO);
        assertThat(health.check(now + 1)).isEqualTo(State.OFFLINE);
        assertThat(health.check(now + RECOVERY_NANOS)).isEqualTo(State.SERVING);
    }

    @Test
    void aCallThatStillHangsKeepsItOfflineForEver() {
        int call = health.begin(now);
        for (int i = 0; i < 10; i++) {
            now += HUNG_NANOS;
            assertThat(health.check(now)).isEqualTo(State.OFFLINE);
        }
        health.end(call, now, 0);
        assertThat(health.check(now)).isEqualTo(State.OFFLINE);
        assertThat(health.check(now + RECOVERY_NANOS)).isEqualTo(State.SERVING);
    }

    @Test
    void oneThatIsGoneIsOffline() {
        health.lost(now);
        assertThat(health.state()).isEqualTo(State.OFFLINE);
    }

    @Test
    void ofACallOfAFileOnlyTheTimeCounts() {
        int call = health.begin(now);
        health.end(call, now + DeviceHealth.SLOW_NANOS);
        assertThat(health.check(now + DeviceHealth.SLOW_NANOS)).isEqualTo(State.SERVING);

        call = health.begin(now);
        health.end(call, now + DeviceHealth.SLOW_NANOS + 1);
        assertThat(health.check(now + DeviceHealth.SLOW_NANOS + 1)).isEqualTo(State.SUSPECT);
        assertThat(health.errors()).isZero();
    }

    @Test
    void oneThatIsGoneIsOfflineUntilItIsFound() {
        health.lost(now);
        assertThat(health.check(now + 10 * DeviceHealth.RECOVERY_NANOS)).isEqualTo(State.OFFLINE);

        health.found();
        assertThat(health.check(now + 11 * DeviceHealth.RECOVERY_NANOS)).isEqualTo(State.SERVING);
    }

    @Test
    void moreCallsAtOnceThanAreWatchedAreCountedAllTheSame() {
        int[] calls = new int[DeviceHealth.MAX_CALLS + 1];
        for (int i = 0; i < calls.length; i++) {
            calls[i] = health.begin(now);
        }
        for (int call : calls) {
            health.end(call, now, 0);
        }
        health.end(health.begin(now), now, -Errno.EIO);
        assertThat(health.check(now + HUNG_NANOS)).isEqualTo(State.SUSPECT);
    }

    @Test
    void theLatencyFollowsTheLatestCalls() {
        for (int i = 0; i < 100; i++) {
            int call = health.begin(now);
            now += 1_000;
            health.end(call, now, 0);
        }
        assertThat(health.latencyNanos()).isBetween(900L, 1_000L);
    }
}
