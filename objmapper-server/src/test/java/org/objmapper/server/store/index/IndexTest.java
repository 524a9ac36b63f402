package org.objmapper.server.store.index;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;
import net.openhft.hashing.LongHashFunction;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.objmapper.protocol.MetadataType;
import org.objmapper.server.metrics.Metrics;

class IndexTest {
    private static final long MAP_BYTES = 1 << 24;
    private static final int DEVICE = 0;
    private static final long EXPIRY = 1_000;
    private static final byte[] TAG = ascii("tag");
    private static final byte[] BODY = ascii("body");
    private static final Index.Ids IDS =
            new Index.Ids("00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002");

    @TempDir
    Path directory;

    private final Metrics metrics = new Metrics();
    private Index index;
    private boolean isNew = true;

    @BeforeEach
    void open() {
        index = new Index(directory, MAP_BYTES, IDS, isNew, isNew, metrics);
        isNew = false;
    }

    @AfterEach
    void close() {
        index.close();
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    private static byte[] tagged() {
        return ByteBuffer.allocate(16)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putShort((short) MetadataType.TAG.code())
                .putShort((short) 0)
                .putInt(TAG.length)
                .put(TAG)
                .array();
    }

    private static IndexRecord inFile(String key, long generation) {
        return new IndexRecord(ascii(key), 0, DEVICE, generation, generation, 10_000, 0, EXPIRY, 0, 77, tagged(), null);
    }

    private static IndexRecord inline(String key, long generation) {
        return new IndexRecord(
                ascii(key),
                IndexRecord.INLINE,
                IndexRecord.NO_DEVICE,
                generation,
                generation,
                BODY.length,
                0,
                IndexRecord.NEVER,
                0,
                LongHashFunction.xx3().hashBytes(BODY),
                new byte[0],
                BODY);
    }

    /** One of several objects under a key. */
    private static IndexRecord variant(String key, String language, long generation) {
        byte[] metadata = VariantTest.metadata("accept-language", language);
        IndexRecord sample = inline(key, generation);
        return new IndexRecord(
                sample.key(),
                IndexRecord.INLINE | IndexRecord.VARIANT | IndexRecord.EVICTABLE,
                sample.device(),
                generation,
                generation,
                sample.length(),
                0,
                IndexRecord.NEVER,
                0,
                sample.xxh3(),
                metadata,
                BODY);
    }

    private static ObjectKey key(String key) {
        return new ObjectKey(ascii(key));
    }

    private List<Index.Replaced> put(IndexRecord... records) {
        List<IndexChange> changes = new ArrayList<>();
        for (IndexRecord record : records) {
            changes.add(new IndexChange(record.objectKey(), record));
        }
        List<Index.Replaced> replaced = new ArrayList<>();
        index.commit(changes, List.of(), 1_000, replaced);
        return replaced;
    }

    private List<String> scanned(String prefix) {
        List<IndexRecord> found = new ArrayList<>();
        assertThat(index.scan(ascii(prefix), null, 100, found::addAll)).isNull();
        return keys(found);
    }

    private static List<String> keys(List<IndexRecord> records) {
        return records.stream()
                .map(record -> new String(record.key(), StandardCharsets.US_ASCII))
                .collect(Collectors.toList());
    }

    private long damaged() {
        String name = "objmapper_store_records_damaged_total ";
        return metrics.text()
                .lines()
                .filter(line -> line.startsWith(name))
                .mapToLong(line -> Long.parseLong(line.substring(name.length())))
                .sum();
    }

    /** Flips a bit of the value in a table's only row, or of the row of a key. */
    private void damage(String table, @Nullable ObjectKey of) {
        index.close();
        RawIndex.rewrite(directory, table, of == null ? null : of.digest(), value -> {
            value[value.length - 1] ^= 4;
            return value;
        });
        open();
    }

    @Test
    void whatWasCommittedIsThereWithItsBody() {
        put(inFile("a", 1), inline("b", 2));

        assertThat(index.get(key("a"))).usingRecursiveComparison().isEqualTo(inFile("a", 1));
        assertThat(index.get(key("b"))).usingRecursiveComparison().isEqualTo(inline("b", 2));
        assertThat(index.totals()).isEqualTo(new Totals(2, 10_000 + BODY.length, 0, 0));
        assertThat(damaged()).isZero();
    }

    @Test
    void aFileIsKnownByItsDeviceGenerationAndDigestUntilItsObjectHasAnother() {
        put(inFile("a", 1));
        byte[] digest = key("a").digest();

        assertThat(index.leadsTo(DEVICE, digest, 1)).isTrue();
        assertThat(index.leadsTo(DEVICE, digest, 2)).isFalse();
        assertThat(index.leadsTo(DEVICE + 1, digest, 1)).isFalse();
        assertThat(index.leadsTo(DEVICE, key("b").digest(), 1)).isFalse();

        assertThat(put(inFile("a", 2))).extracting(Index.Replaced::generation).containsExactly(1L);
        assertThat(index.leadsTo(DEVICE, digest, 1)).isFalse();
        assertThat(index.leadsTo(DEVICE, digest, 2)).isTrue();
    }

    @Test
    void anInlineBodyStaysWithATouchedObjectAndLeavesWithAReplacedOne() {
        put(inline("a", 1));
        put(inline("a", 1).rewritten(2, IndexRecord.NEVER, 0, false, tagged()).withInlineBody(null));

        assertThat(index.get(key("a")).inlineBody()).isEqualTo(BODY);
        assertThat(index.get(key("a")).generation()).isEqualTo(2);

        put(inFile("a", 3));
        put(inline("a", 4));
        assertThat(index.get(key("a"))).usingRecursiveComparison().isEqualTo(inline("a", 4));
    }

    @Test
    void aDamagedRecordIsAMissWhereverItIsMetAndItsFileStaysKnown() {
        put(inFile("a", 1), inFile("b", 2));
        damage("objects", key("a"));

        assertThat(index.get(key("a"))).isNull();
        assertThat(damaged()).isEqualTo(1);
        assertThat(scanned("")).containsExactly("b");
        assertThat(damaged()).isEqualTo(2);
        List<IndexRecord> tagged = new ArrayList<>();
        assertThat(index.tagged(TAG, null, 100, tagged::addAll)).isNull();
        assertThat(keys(tagged)).containsExactly("b");
        assertThat(keys(index.due(EXPIRY, 100))).containsExactly("b");
        assertThat(keys(index.after(null, 100))).containsExactly("b");
        assertThat(index.leadsTo(DEVICE, key("a").digest(), 1)).isTrue();
    }

    @Test
    void anObjectTakesThePlaceOfADamagedRecordAndIsNotTouchedByWhatThatLeftBehind() {
        put(inFile("a", 1));
        damage("objects", key("a"));
        put(inline("a", 2));

        assertThat(index.get(key("a"))).usingRecursiveComparison().isEqualTo(inline("a", 2));
        assertThat(scanned("a")).containsExactly("a");
        assertThat(index.due(EXPIRY, 100)).isEmpty();
        assertThat(index.totals().objects()).isEqualTo(1);

        index.commit(List.of(new IndexChange(key("a"), null)), List.of(), 1_000, new ArrayList<>());
        assertThat(index.tagged(TAG, null, 100, record -> true)).isNull();
        assertThat(scanned("")).isEmpty();
    }

    private Totals on(int device) {
        return index.totals(IndexRecord.BACKING, device);
    }

    private static IndexRecord evictableOn(int device, String key, long generation) {
        return new IndexRecord(
                ascii(key),
                IndexRecord.EVICTABLE,
                device,
                generation,
                generation,
                500,
                0,
                IndexRecord.NEVER,
                0,
                77,
                new byte[0],
                null);
    }

    @Test
    void whatEachDeviceHoldsIsKnownAfterAStartToo() {
        put(inFile("a", 1), inFile("b", 2), inline("c", 3), evictableOn(7, "d", 4));
        put(evictableOn(7, "a", 5));
        close();
        open();
        put(evictableOn(8, "d", 6));

        assertThat(on(DEVICE)).isEqualTo(new Totals(1, 10_000, 0, 0));
        assertThat(on(IndexRecord.NO_DEVICE)).isEqualTo(new Totals(1, BODY.length, 0, 0));
        assertThat(on(7)).isEqualTo(new Totals(1, 500, 1, 500));
        assertThat(on(8)).isEqualTo(new Totals(1, 500, 1, 500));
        assertThat(on(9)).isEqualTo(Totals.NONE);
        assertThat(index.totals()).isEqualTo(new Totals(4, 11_000 + BODY.length, 2, 1_000));
    }

    @Test
    void aDamagedRecordIsTakenOffItsDevice() {
        put(inFile("a", 1), evictableOn(7, "b", 2));
        damage("objects", key("a"));
        put(evictableOn(7, "a", 3));

        assertThat(on(DEVICE).objects()).isZero();
        assertThat(on(7)).isEqualTo(new Totals(2, 1_000, 2, 1_000));
    }

    @Test
    void aDamagedInlineBodyIsAMiss() {
        put(inline("a", 1), inline("b", 2));
        damage("bodies", null);

        assertThat(index.get(key("a"))).isNull();
        assertThat(damaged()).isEqualTo(1);
        assertThat(index.get(key("b"))).isNotNull();
    }

    // ---- several objects under a key

    @Test
    void objectsUnderOneKeyStandSideBySide() {
        IndexRecord plain = inline("a", 1);
        IndexRecord english = variant("a", "en", 2);
        IndexRecord french = variant("a", "fr", 3);
        put(plain, english, french, inline("b", 4));

        assertThat(generations(under("a"))).containsExactlyInAnyOrder(1L, 2L, 3L);
        assertThat(index.get(key("a"))).usingRecursiveComparison().isEqualTo(plain);
        assertThat(index.get(english.objectKey())).usingRecursiveComparison().isEqualTo(english);
        assertThat(index.choose(key("a"), there -> newest(there)))
                .usingRecursiveComparison()
                .isEqualTo(french);
        assertThat(index.choose(key("none"), there -> newest(there))).isNull();
        assertThat(index.totals().objects()).isEqualTo(4);
    }

    private List<IndexRecord> under(String key) {
        return index.keysUnder(key(key)).stream().map(index::get).collect(Collectors.toList());
    }

    private static @Nullable IndexRecord newest(List<IndexRecord> there) {
        return there.stream()
                .max(Comparator.comparingLong(IndexRecord::generation))
                .orElse(null);
    }

    private static List<Long> generations(List<IndexRecord> records) {
        return records.stream().map(IndexRecord::generation).collect(Collectors.toList());
    }

    @Test
    void aVariantIsOverwrittenByItselfAlone() {
        put(variant("a", "en", 1), variant("a", "fr", 2));
        put(variant("a", "en", 3));
        assertThat(generations(under("a"))).containsExactlyInAnyOrder(2L, 3L);
    }

    @Test
    void aKeyIsFoundByItsPrefixUntilTheLastObjectUnderItIsGone() {
        IndexRecord english = variant("a", "en", 1);
        put(english, inline("a", 2));
        index.commit(List.of(new IndexChange(key("a"), null)), List.of(), 1_000, new ArrayList<>());
        assertThat(scanned("a")).containsExactly("a");
        index.commit(List.of(new IndexChange(english.objectKey(), null)), List.of(), 1_000, new ArrayList<>());
        assertThat(scanned("a")).isEmpty();
        assertThat(index.totals()).isEqualTo(Totals.NONE);
    }

    @Test
    void aScanCountsObjectsAndStopsBetweenKeys() {
        put(variant("a", "en", 1), variant("a", "fr", 2), variant("a", "it", 3), inline("b", 4));
        List<Integer> sizes = new ArrayList<>();
        byte[] at = index.scan(ascii(""), null, 2, there -> sizes.add(there.size()));
        assertThat(sizes).containsExactly(3);
        assertThat(index.scan(ascii(""), at, 2, there -> sizes.add(there.size())))
                .isNull();
        assertThat(sizes).containsExactly(3, 1);
    }

    @Test
    void aSliceEndsBetweenKeys() {
        put(variant("a", "en", 1), variant("a", "fr", 2), variant("a", "it", 3));
        assertThat(index.after(null, 1)).hasSize(3);
        byte[] first = index.after(null, 1).get(0).objectKey().row();
        assertThat(index.after(first, 1)).hasSize(2);
        byte[] last = index.after(null, 1).get(2).objectKey().row();
        assertThat(index.after(last, 1)).isEmpty();
    }

    @Test
    void eachVariantIsFoundByItsStableHash() {
        List<IndexRecord> variants = List.of(variant("a", "en", 1), variant("a", "fr", 2), variant("a", "it", 3));
        put(variants.toArray(IndexRecord[]::new));
        for (IndexRecord variant : variants) {
            assertThat(index.findEvictable(variant.objectKey().stableHash()))
                    .usingRecursiveComparison()
                    .isEqualTo(variant.withInlineBody(null));
        }
        assertThat(index.findEvictable(key("a").stableHash())).isNull();
    }

    @Test
    void onAFileSystemThatIsNearlyFullItGrowsOnlyAsFarAsRemovalsNeedNoMore() {
        assertThat(index.canGrow(400 << 10)).isFalse();
        assertThat(index.canGrow(512 << 10)).isTrue();
        List<IndexRecord> many = new ArrayList<>();
        for (int i = 0; i < 5_000; i++) {
            many.add(inline("key" + i, i + 1));
        }
        put(many.toArray(IndexRecord[]::new));
        assertThat(index.canGrow(0)).isFalse();

        index.commit(
                many.stream()
                        .map(record -> new IndexChange(record.objectKey(), null))
                        .toList(),
                List.of(),
                5_001,
                new ArrayList<>());

        assertThat(index.canGrow(0)).as("pages of the file are free").isTrue();
    }
}
