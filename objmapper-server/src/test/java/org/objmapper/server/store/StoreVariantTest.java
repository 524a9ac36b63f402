package org.objmapper.server.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.objmapper.server.store.StoreUnderTest.bytes;
import static org.objmapper.server.store.VariantsTest.headers;
import static org.objmapper.server.store.VariantsTest.varying;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.objmapper.protocol.Limits;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Status;

class StoreVariantTest {
    private static final String KEY = "/page";
    private static final String LANGUAGE = "accept-language";

    @TempDir
    Path directory;

    private StoreUnderTest store;

    @BeforeEach
    void open() throws Exception {
        store = new StoreUnderTest(StoreOptions.of(directory));
    }

    @AfterEach
    void close() {
        store.close();
    }

    private static Put put(String key, ObjectMetadata metadata) {
        return StoreUnderTest.with(key, metadata, -1);
    }

    /** Puts a body of a language, which is told by it alone. */
    private long putLanguage(String language) {
        Result result = store.put(put(KEY, varying(LANGUAGE, language)), bytes("in " + language));
        assertThat(result.status()).as(result.message()).isEqualTo(Status.OK);
        return result.generation();
    }

    private @Nullable String get(String key, RequestHeaders headers) {
        StoredObject object = store.pin(key, headers);
        if (object == null) {
            return null;
        }
        try {
            return object.expiryMillis() <= store.nowMillis.get()
                    ? null
                    : new String(StoreUnderTest.body(object), StandardCharsets.UTF_8);
        } finally {
            object.unpin();
        }
    }

    /** What a request for a language gets: first from wherever it is, then from what is at hand. */
    private @Nullable String get(String language) {
        String cold = get(KEY, headers(LANGUAGE, language));
        assertThat(get(KEY, headers(LANGUAGE, language)))
                .as("the same when it is at hand")
                .isEqualTo(cold);
        return cold;
    }

    @Test
    void eachLanguageGetsItsOwnBodyBeforeAndAfterARestart() throws Exception {
        List<String> languages = List.of("en", "fr", "it", "de", "pt");
        languages.forEach(this::putLanguage);
        for (int round = 0; round < 3; round++) {
            for (String language : languages) {
                assertThat(get(language)).isEqualTo("in " + language);
            }
            assertThat(get("nl")).isNull();
            assertThat(store.get(KEY)).as("without a header").isNull();
            store.reopen();
        }
        assertThat(store.figure("objmapper_store_objects")).isEqualTo(5);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 4_097})
    void aBodyWithoutAVariantStandsBesideThem(int length) throws Exception {
        byte[] body = "b".repeat(length).getBytes(StandardCharsets.UTF_8);
        store.put(put(KEY, new ObjectMetadata()), body);
        assertThat(get("en")).hasSize(length);
        putLanguage("en");
        assertThat(get("en")).isEqualTo("in en");
        assertThat(get("fr")).hasSize(length);
        store.reopen();
        assertThat(get("fr")).hasSize(length);
        assertThat(get("en")).isEqualTo("in en");
        store.put(put(KEY, new ObjectMetadata()), body);
        assertThat(get("en")).as("the newest that matches").hasSize(length);
    }

    @Test
    void aPutReplacesTheBodyWithTheSamePairsInAnyOrderAndNoOther() {
        store.put(put(KEY, varying("a", "1", "b", "2")), bytes("first"));
        putLanguage("en");
        store.put(put(KEY, varying("b", "2", "a", "1")), bytes("second"));
        assertThat(get(KEY, headers("a", "1", "b", "2"))).isEqualTo("second");
        assertThat(get("en")).isEqualTo("in en");
        assertThat(store.purgeKey(KEY, false).count()).isEqualTo(2);
    }

    @Test
    void theConditionsOfAPutAreAboutTheBodyThatItReplaces() {
        long english = putLanguage("en");
        Put absent = new Put(bytes(KEY), varying(LANGUAGE, "fr"), -1, true, null, null, null, true);
        assertThat(store.put(absent, bytes("x")).status()).isEqualTo(Status.OK);
        assertThat(store.put(absent, bytes("x")).status()).isEqualTo(Status.PRECONDITION_FAILED);
        Put over = new Put(bytes(KEY), varying(LANGUAGE, "en"), -1, false, english, null, null, true);
        assertThat(store.put(over, bytes("x")).status()).isEqualTo(Status.OK);
        assertThat(store.put(over, bytes("x")).status()).isEqualTo(Status.PRECONDITION_FAILED);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void deleteTakesAllBodiesUnderAKey(boolean durable) {
        store.putOk(KEY, bytes("plain"));
        putLanguage("en");
        putLanguage("fr");
        assertThat(get("en")).isNotNull();
        assertThat(store.delete(KEY, null, durable).status()).isEqualTo(Status.OK);
        assertThat(get("en")).isNull();
        assertThat(store.get(KEY)).isNull();
        assertThat(store.keys("", 10)).isEmpty();
        assertThat(store.delete(KEY, null, durable).status()).isEqualTo(Status.NOT_FOUND);
    }

    @Test
    void deleteOfAGenerationTakesThatBodyAlone() {
        long english = putLanguage("en");
        long french = putLanguage("fr");
        assertThat(store.delete(KEY, english, true).status()).isEqualTo(Status.OK);
        assertThat(get("en")).isNull();
        assertThat(get("fr")).isEqualTo("in fr");
        Result refused = store.delete(KEY, english, true);
        assertThat(refused.status()).isEqualTo(Status.PRECONDITION_FAILED);
        assertThat(refused.generation()).isEqualTo(french);
    }

    @Test
    void touchChangesTheBodyThatItsVariantSays() {
        long english = putLanguage("en");
        putLanguage("fr");
        ObjectMetadata changes = varying(LANGUAGE, "en").set(MetadataType.ETAG, bytes("e"));
        Result touched = store.touch(KEY, changes, 100L);
        assertThat(touched.status()).isEqualTo(Status.OK);
        assertThat(touched.generation()).isGreaterThan(english);
        assertThat(get("en")).isEqualTo("in en");
        store.nowMillis.addAndGet(100);
        assertThat(get("en")).isNull();
        assertThat(get("fr")).isEqualTo("in fr");
        assertThat(store.touch(KEY, new ObjectMetadata(), 100L).status())
                .as("there is none without a variant")
                .isEqualTo(Status.NOT_FOUND);
    }

    @Test
    void anExpiredBodyIsRemovedAndTheOthersStay() throws Exception {
        store.put(StoreUnderTest.with(KEY, varying(LANGUAGE, "en"), 100), bytes("x"));
        putLanguage("fr");
        store.nowMillis.addAndGet(100);
        await().until(() -> store.figure("objmapper_store_objects") == 1);
        assertThat(get("en")).isNull();
        assertThat(get("fr")).isEqualTo("in fr");
    }

    @Test
    void aSoftPurgeOfTheKeyMakesAllExpire() {
        putLanguage("en");
        store.putOk(KEY, bytes("plain"));
        assertThat(store.purgeKey(KEY, true).count()).isEqualTo(2);
        assertThat(get("en")).isNull();
        assertThat(store.purgeKey(KEY, true).count()).isZero();
    }

    @Test
    void aPurgeOfATagTakesTheBodiesThatHaveIt() {
        ObjectMetadata tagged = varying(LANGUAGE, "en").add(MetadataType.TAG.code(), bytes("tag"));
        store.put(put(KEY, tagged), bytes("x"));
        putLanguage("fr");
        assertThat(store.purgeTag("tag", false).count()).isEqualTo(1);
        assertThat(get("en")).isNull();
        assertThat(get("fr")).isEqualTo("in fr");
    }

    @Test
    void aPurgeOfAPrefixTakesAllBodiesUnderIt() {
        putLanguage("en");
        putLanguage("fr");
        store.putOk("other", bytes("x"));
        assertThat(store.purgePrefix("/", false).count()).isEqualTo(2);
        assertThat(get("en")).isNull();
        assertThat(store.get("other")).isNotNull();
    }

    @Test
    void aBanTakesTheBodiesThatItHits() {
        ObjectMetadata hit = varying(LANGUAGE, "en").set(MetadataType.ETAG, bytes("hit"));
        store.put(put(KEY, hit), bytes("x"));
        putLanguage("fr");
        assertThat(get("en")).isNotNull();
        assertThat(store.ban("obj.http.etag == hit", false).status()).isEqualTo(Status.OK);
        assertThat(get("en")).isNull();
        assertThat(get("fr")).isEqualTo("in fr");
    }

    @Test
    void aKeyIsListedOnceAsItsNewestBody() throws Exception {
        putLanguage("en");
        store.put(StoreUnderTest.with(KEY, varying(LANGUAGE, "it"), 100), bytes("x"));
        long french = putLanguage("fr");
        store.put(StoreUnderTest.with(KEY, varying(LANGUAGE, "de"), 100), bytes("x"));
        store.nowMillis.addAndGet(100);
        StoreUnderTest.Page page = store.list("", null, 10);
        assertThat(page.entries()).hasSize(1);
        assertThat(page.entries().get(0).generation()).isEqualTo(french);
    }

    // ---- fills

    private byte[] token() {
        byte[] token = new byte[Store.FILL_TOKEN_BYTES];
        store.store().fillToken(store.store().fillTime(), token);
        return token;
    }

    private Status fill(byte[] token, String language) {
        return store.put(put(KEY, varying(LANGUAGE, language)).filling(token), bytes("in " + language))
                .status();
    }

    @Test
    void theFillOfAnotherVariantMakesNoneStale() {
        byte[] english = token();
        byte[] french = token();
        assertThat(fill(french, "fr")).isEqualTo(Status.OK);
        assertThat(fill(english, "en")).isEqualTo(Status.OK);
        assertThat(fill(english, "fr")).as("put since").isEqualTo(Status.STALE_FILL);
    }

    @Test
    void aPurgeOrDeleteOfTheKeyMakesTheFillsOfAllVariantsStale() {
        byte[] before = token();
        store.purgeKey(KEY, false);
        assertThat(fill(before, "en")).isEqualTo(Status.STALE_FILL);
        byte[] again = token();
        store.delete(KEY);
        assertThat(fill(again, "fr")).isEqualTo(Status.STALE_FILL);
        assertThat(fill(token(), "fr")).isEqualTo(Status.OK);
    }

    // ---- the limits

    @Test
    void aKeyTakesSixtyFourVariantsAndOneBodyWithout() {
        for (int i = 0; i < Limits.MAX_VARIANTS; i++) {
            putLanguage("l" + i);
        }
        Result beyond = store.put(put(KEY, varying(LANGUAGE, "one more")), bytes("x"));
        assertThat(beyond.status()).isEqualTo(Status.BAD_REQUEST);
        assertThat(beyond.message()).isEqualTo("\"/page\" has 64 variants, as many as a key takes");
        putLanguage("l7");
        store.putOk(KEY, bytes("plain"));
        for (int i = 0; i < Limits.MAX_VARIANTS; i++) {
            assertThat(get(KEY, headers(LANGUAGE, "l" + i))).isEqualTo("plain");
        }
        assertThat(store.delete(KEY).status()).isEqualTo(Status.OK);
        putLanguage("one more");
        assertThat(get("one more")).isEqualTo("in one more");
    }

    @Test
    void theBodiesUnderAKeyAreToldApartBySixteenHeaders() {
        List<String> pairs = new ArrayList<>();
        for (int i = 0; i < 16; i++) {
            pairs.add("header-" + i);
            pairs.add("");
        }
        putLanguage("en");
        Result beyond = store.put(put(KEY, varying(pairs.toArray(String[]::new))), bytes("x"));
        assertThat(beyond.status()).isEqualTo(Status.BAD_REQUEST);
        assertThat(beyond.message()).contains("would be told apart by 17 headers; they may be by 16");
        assertThat(store.put(put(KEY, varying(pairs.subList(0, 30).toArray(String[]::new))), bytes("x"))
                        .status())
                .isEqualTo(Status.OK);
    }

    @Test
    void aMissTellsWhichHeadersWereWanting() {
        putLanguage("en");
        RequestHeaders cold = headers(LANGUAGE, "fr");
        assertThat(store.pin(KEY, cold)).isNull();
        assertThat(cold.unmatched()).isNotNull();
        assertThat(get("en")).isEqualTo("in en");
        RequestHeaders atHand = headers(LANGUAGE, "fr");
        assertThat(store.pin(KEY, atHand)).isNull();
        assertThat(atHand.unmatched()).isNotNull();
    }
}
