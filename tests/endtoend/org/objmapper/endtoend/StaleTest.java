package org.objmapper.endtoend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.objmapper.client.ObjmapperClient;

/**
 * Clients that keep objects, while others change these as fast as they can and the server is killed: nothing is served of which it was
 * acknowledged before that it is gone. {@code -Dobjmapper.stale.kills=N} kills the server N times,
 * {@code -Dobjmapper.stale.changes=N} after so many changes each.
 */
class StaleTest {
    private static final int KILLS = Integer.getInteger("objmapper.stale.kills", 3);
    private static final long CHANGES_BETWEEN_KILLS = Long.getLong("objmapper.stale.changes", 200);
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final Pattern DONE = Pattern.compile("changes (\\d+) checks (\\d+) hits (\\d+)");

    @TempDir
    Path directory;

    @FunctionalInterface
    private interface Alive {
        boolean get() throws Exception;
    }

    @Test
    void noCClientServesWhatIsGone() throws Exception {
        Path errors = directory.resolve("stale.err");
        Process clients = new ProcessBuilder(
                        System.getProperty("objmapper.root") + "/native/target/cmake/"
                                + System.getProperty("objmapper.preset", "dev") + "/endtoend/stale",
                        directory.resolve("objmapper.sock").toString(),
                        "2",
                        "2")
                .redirectError(errors.toFile())
                .start();
        try (RunningServer last = killAgainAndAgain(clients::isAlive)) {
            clients.getOutputStream().close();
            String said = clients.inputReader().readLine();
            assertThat(clients.waitFor()).as(Files.readString(errors)).isZero();
            Matcher done = DONE.matcher(String.valueOf(said));
            assertThat(done.matches()).as(said).isTrue();
            assertThat(Long.parseLong(done.group(1))).as(said).isPositive();
            assertThat(Long.parseLong(done.group(3))).as(said).isPositive();
            assertThat(last.stop()).isZero();
        } finally {
            clients.destroy();
        }
    }

    @Test
    void noJavaClientServesWhatIsGone() throws Exception {
        try (StaleReaders clients = new StaleReaders(directory.resolve("objmapper.sock"));
                RunningServer last = killAgainAndAgain(clients::areWell)) {
            clients.end();
            assertThat(clients.failure()).isNull();
            assertThat(clients.changes()).isPositive();
            assertThat(clients.hits()).isPositive();
            assertThat(last.stop()).isZero();
        }
    }

    /** Returns the last server; every other one finds that its table is lost. */
    private RunningServer killAgainAndAgain(Alive clients) throws Exception {
        RunningServer server = RunningServer.in(directory);
        for (int kill = 0; kill < KILLS; kill++) {
            awaitChanges(server, clients);
            server.kill();
            if (kill % 2 == 1) {
                Files.delete(directory.resolve("objmapper.sock.validity"));
            }
            server = RunningServer.in(directory);
        }
        awaitChanges(server, clients);
        return server;
    }

    /** The server has made some changes since it started; none of the clients has found anything amiss. */
    private static void awaitChanges(RunningServer server, Alive clients) throws Exception {
        try (ObjmapperClient client = ObjmapperClient.builder(server.socket).build()) {
            await().atMost(PATIENCE).until(() -> !clients.get() || isBusy(client));
        }
        assertThat(clients.get()).as("whether the clients found all well").isTrue();
    }

    private static boolean isBusy(ObjmapperClient client) throws Exception {
        return client.stat().get("objmapper_requests_put_total") > CHANGES_BETWEEN_KILLS;
    }
}
