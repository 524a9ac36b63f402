package org.objmapper.server.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.objmapper.server.store.StoreUnderTest.bytes;
import static org.objmapper.server.store.StoreUnderTest.plain;
import static org.objmapper.server.store.StoreUnderTest.with;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Status;

/** Bans: what they hide, and what they remove. */
class StoreBanTest {
    private static final byte[] BODY = bytes("body");

    @TempDir
    Path directory;

    private StoreUnderTest open() throws IOException {
        return new StoreUnderTest(Files.createDirectories(directory.resolve("data")));
    }

    private static void ban(StoreUnderTest store, String expression) {
        Result result = store.ban(expression, false);
        assertThat(result.status()).as(result.message()).isEqualTo(Status.OK);
    }

    private static void awaitPass(StoreUnderTest store) {
        await().until(() -> store.figure("objmapper_store_bans") == 0);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whatABanHitsIsFoundNoMoreAndIsRemoved(boolean hot) throws Exception {
        try (StoreUnderTest store = open()) {
            store.putOk("/a/1", BODY);
            store.put(plain("/a/2"), new byte[100_000]);
            store.putOk("/b/1", BODY);
            if (hot) {
                assertThat(store.get("/a/1")).isNotNull();
                assertThat(store.get("/a/2")).isNotNull();
                assertThat(store.get("/b/1")).isNotNull();
            }
            ban(store, "req.url ~ ^/a/");

            assertThat(store.get("/a/1")).isNull();
            assertThat(store.get("/a/2")).isNull();
            assertThat(store.get("/b/1").body()).isEqualTo(BODY);
            assertThat(store.keys("", 10)).containsExactly("/b/1");
            awaitPass(store);
            assertThat(store.figure("objmapper_store_objects")).isEqualTo(1);
            assertThat(store.figure("objmapper_store_banned_total")).isEqualTo(2);
            await().untilAsserted(() -> assertThat(store.objectFiles()).isEmpty());
        }
    }

    @Test
    void whatIsPutAfterTheBanStays() throws Exception {
        try (StoreUnderTest store = open()) {
            store.putOk("/a/1", BODY);
            ban(store, "req.url ~ .");
            Put absent = new Put(bytes("/a/1"), new ObjectMetadata(), -1, true, null, null, null, false);
            assertThat(store.put(absent, bytes("newer")).status())
                    .as("a PUT where nothing may stand")
                    .isEqualTo(Status.OK);

            assertThat(store.get("/a/1").body()).isEqualTo(bytes("newer"));
            awaitPass(store);
            assertThat(store.get("/a/1").body()).isEqualTo(bytes("newer"));
            store.reopen();
            assertThat(store.keys("", 10)).containsExactly("/a/1");
        }
    }

    @Test
    void aBanSeesTheHeadersThatAreStored() throws Exception {
        try (StoreUnderTest store = open()) {
            String head = "HTTP/1.1 200 OK\r\nX-Section: news\r\n\r\n";
            store.put(with("/1", new ObjectMetadata().add(MetadataType.OPAQUE.code(), bytes(head)), -1), BODY);
            store.putOk("/2", BODY);
            ban(store, "obj.http.x-section == news && obj.status == 200");

            assertThat(store.keys("", 10)).containsExactly("/2");
        }
    }

    @Test
    void aFillThatBeganBeforeABanWhichCoversItIsRefused() throws Exception {
        try (StoreUnderTest store = open()) {
            byte[] token = new byte[Store.FILL_TOKEN_BYTES];
            store.store().fillToken(store.store().fillTime(), token);
            ban(store, "req.url ~ ^/a/");

            assertThat(store.put(plain("/a/1").filling(token), BODY).status()).isEqualTo(Status.STALE_FILL);
            assertThat(store.put(plain("/b/1").filling(token), BODY).status()).isEqualTo(Status.OK);
            store.store().fillToken(store.store().fillTime(), token);
            assertThat(store.put(plain("/a/1").filling(token), BODY).status()).isEqualTo(Status.OK);
        }
    }

    @Test
    void aSoftBanMakesWhatItHitsExpire() throws Exception {
        try (StoreUnderTest store = open()) {
            ObjectMetadata grace = new ObjectMetadata().set(MetadataType.GRACE, 1_000_000);
            store.put(with("/a/1", grace, -1), BODY);
            store.putOk("/b/1", BODY);
            Result result = store.ban("req.url ~ ^/a/", true);

            assertThat(result.count()).isEqualTo(1);
            assertThat(store.get("/a/1")).isNull();
            assertThat(store.getExpiredToo("/a/1").body()).isEqualTo(BODY);
            assertThat(store.keys("", 10)).containsExactly("/b/1");
            assertThat(store.figure("objmapper_store_bans")).isZero();
        }
    }

    @Test
    void whatIsNoExpressionIsRefused() throws Exception {
        try (StoreUnderTest store = open()) {
            store.putOk("/a/1", BODY);
            Result result = store.ban("req.url = /a/1", false);

            assertThat(result.status()).isEqualTo(Status.BAD_REQUEST);
            assertThat(result.message()).isEqualTo("the ban is wrong at position 9: expected ==, !=, ~ or !~, found =");
            assertThat(store.get("/a/1")).isNotNull();
        }
    }

    @Test
    void aBanThatAKillCutOffHidesFromTheStartOnAndIsFinished() throws Exception {
        AtomicReference<Path> copy = new AtomicReference<>();
        Path data = Files.createDirectories(directory.resolve("data"));
        int objects = 2 * Purger.STEP;
        // The pass asks for the time when it takes its first object: nothing but the ban is on disk then.
        StoreUnderTest killed = new StoreUnderTest(data, () -> {
            if (Thread.currentThread().getName().startsWith("store-ban") && copy.get() == null) {
                copy.set(PurgeCutOffTest.copy(data, directory.resolve("copy")));
            }
            return System.currentTimeMillis();
        });
        try (killed) {
            for (int i = 0; i < objects; i++) {
                killed.putOk("/a/" + i, BODY);
            }
            killed.putOk("/b", BODY);
            ban(killed, "req.url ~ ^/a/");
            awaitPass(killed);
        }
        try (StoreUnderTest restarted = new StoreUnderTest(copy.get())) {
            assertThat(restarted.get("/a/0")).isNull();
            assertThat(restarted.keys("", 10_000)).containsExactly("/b");
            awaitPass(restarted);
            assertThat(restarted.figure("objmapper_store_banned_total")).isEqualTo(objects);
            restarted.reopen();
            assertThat(restarted.figure("objmapper_store_objects")).isEqualTo(1);
            assertThat(restarted.figure("objmapper_store_bans")).isZero();
        }
    }

    @Test
    void manyBansAtOnceAreAllObeyed() throws Exception {
        try (StoreUnderTest store = open()) {
            for (int i = 0; i < 100; i++) {
                store.putOk("/a/" + i, BODY);
            }
            for (int i = 0; i < 50; i++) {
                ban(store, "req.url == /a/" + i);
                assertThat(store.get("/a/" + i)).isNull();
            }
            awaitPass(store);

            assertThat(store.keys("", 1_000)).hasSize(50);
            assertThat(store.figure("objmapper_store_objects")).isEqualTo(50);
        }
    }
}
