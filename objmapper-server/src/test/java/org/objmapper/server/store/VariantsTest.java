package org.objmapper.server.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.objmapper.server.store.StoreUnderTest.bytes;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.objmapper.protocol.FrameWriter;
import org.objmapper.protocol.MetadataReader;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;
import org.objmapper.server.store.index.IndexRecord;

class VariantsTest {
    private static final long NOW = 1_000;

    /** Headers of a request, name and value by turns. */
    static RequestHeaders headers(String... namesAndValues) {
        RequestHeaders headers = new RequestHeaders();
        headers.begin();
        ByteBuffer buffer = ByteBuffer.allocate(1 << 16).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < namesAndValues.length; i += 2) {
            byte[] pair = pair(namesAndValues[i], namesAndValues[i + 1]);
            int at = buffer.position();
            buffer.put(pair);
            headers.add(buffer, at, pair.length);
        }
        return headers;
    }

    /** The value of a VARIANT or a REQUEST_HEADER. */
    static byte[] pair(String name, String value) {
        byte[] first = bytes(name);
        byte[] second = bytes(value);
        return ByteBuffer.allocate(2 + first.length + second.length)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putShort((short) first.length)
                .put(first)
                .put(second)
                .array();
    }

    /** Metadata that has these pairs, name and value by turns. */
    static ObjectMetadata varying(String... namesAndValues) {
        ObjectMetadata metadata = new ObjectMetadata();
        for (int i = 0; i < namesAndValues.length; i += 2) {
            metadata.add(MetadataType.VARIANT.code(), pair(namesAndValues[i], namesAndValues[i + 1]));
        }
        return metadata;
    }

    private static IndexRecord record(long generation, long expiryMillis, String... namesAndValues) {
        return new IndexRecord(
                bytes("key"),
                IndexRecord.INLINE | (namesAndValues.length == 0 ? 0 : IndexRecord.VARIANT),
                IndexRecord.NO_DEVICE,
                generation,
                generation,
                0,
                0,
                expiryMillis,
                0,
                0,
                varying(namesAndValues).encode(),
                new byte[0]);
    }

    private static IndexRecord record(long generation, String... namesAndValues) {
        return record(generation, IndexRecord.NEVER, namesAndValues);
    }

    /** The generation that is chosen; null for none. */
    private static @Nullable Long chosen(RequestHeaders headers, IndexRecord... records) {
        Variants variants = Variants.of(List.of(records));
        assertThat(variants).isNotNull();
        int chosen = variants.choose(headers, NOW);
        for (IndexRecord record : records) {
            if (chosen >= 0 && record.variant().id() == variants.variant(chosen)) {
                return record.generation();
            }
        }
        return null;
    }

    @Test
    void withoutAnyVariantThereIsNothingToChoose() {
        assertThat(Variants.of(List.of())).isNull();
        assertThat(Variants.of(List.of(record(1)))).isNull();
    }

    @Test
    void theOneIsChosenWhosePairsAllMatch() {
        IndexRecord plain = record(1, "accept-language", "en", "accept-encoding", "");
        IndexRecord zipped = record(2, "accept-language", "en", "accept-encoding", "gzip");
        IndexRecord french = record(3, "accept-language", "fr", "accept-encoding", "gzip");
        assertThat(chosen(headers("accept-language", "en", "accept-encoding", "gzip"), plain, zipped, french))
                .isEqualTo(2);
        assertThat(chosen(headers("accept-encoding", "gzip", "accept-language", "fr"), plain, zipped, french))
                .isEqualTo(3);
        assertThat(chosen(headers("accept-language", "it", "accept-encoding", "gzip"), plain, zipped, french))
                .isNull();
    }

    @Test
    void anAbsentHeaderIsAnEmptyOne() {
        IndexRecord empty = record(1, "accept-encoding", "");
        assertThat(chosen(headers(), empty)).isEqualTo(1);
        assertThat(chosen(headers("accept-encoding", ""), empty)).isEqualTo(1);
        assertThat(chosen(headers("accept-encoding", "gzip"), empty)).isNull();
        assertThat(chosen(headers(), record(1, "accept-encoding", "gzip"))).isNull();
    }

    @Test
    void valuesAreComparedAsTheyAreAndNamesWithoutRegardToCase() {
        IndexRecord english = record(1, "accept-language", "en");
        assertThat(chosen(headers("Accept-Language", "en"), english)).isEqualTo(1);
        assertThat(chosen(headers("accept-language", "EN"), english)).isNull();
        assertThat(chosen(headers("accept-language", "en "), english)).isNull();
        assertThat(chosen(headers("accept-languages", "en"), english)).isNull();
    }

    @Test
    void ofTwoHeadersWithOneNameTheFirstCounts() {
        IndexRecord english = record(1, "accept-language", "en");
        assertThat(chosen(headers("accept-language", "en", "accept-language", "fr"), english))
                .isEqualTo(1);
        assertThat(chosen(headers("accept-language", "fr", "accept-language", "en"), english))
                .isNull();
    }

    @Test
    void ofSeveralThatMatchTheNewestIsChosen() {
        IndexRecord english = record(5, "accept-language", "en");
        assertThat(chosen(headers("accept-language", "en"), record(4), english)).isEqualTo(5);
        assertThat(chosen(headers("accept-language", "en"), record(6), english)).isEqualTo(6);
        assertThat(chosen(headers("accept-language", "fr"), record(4), english)).isEqualTo(4);
    }

    @Test
    void anExpiredOneIsChosenWhereNoOtherMatches() {
        IndexRecord expired = record(5, NOW, "accept-language", "en");
        assertThat(chosen(headers("accept-language", "en"), record(4), expired)).isEqualTo(4);
        assertThat(chosen(headers("accept-language", "en"), record(4, NOW - 1), expired))
                .isEqualTo(5);
        assertThat(chosen(headers("accept-language", "en"), record(5, NOW + 1, "accept-language", "en")))
                .isEqualTo(5);
    }

    @Test
    void headersThatWereKeptAreTheSame() {
        RequestHeaders headers = headers("accept-language", "en", "accept-encoding", "gzip");
        headers.keep();
        assertThat(chosen(headers, record(1, "accept-encoding", "gzip", "accept-language", "en")))
                .isEqualTo(1);
        headers.begin();
        headers.keep();
        assertThat(chosen(headers, record(1, "accept-encoding", "gzip"))).isNull();
    }

    @Test
    void sixtyFourObjectsBySixteenHeadersAreToldApart() {
        List<IndexRecord> records = new ArrayList<>();
        String[] asked = new String[32];
        for (int object = 0; object < 64; object++) {
            String[] pairs = new String[32];
            for (int i = 0; i < 16; i++) {
                pairs[2 * i] = "header-" + i;
                pairs[2 * i + 1] = "value " + (i == 15 ? object : i);
            }
            records.add(record(object + 1, pairs));
            asked = object == 37 ? pairs : asked;
        }
        assertThat(chosen(headers(asked), records.toArray(IndexRecord[]::new))).isEqualTo(38);
    }

    @Test
    void aMissNamesAllHeadersOnce() throws Exception {
        Variants variants =
                Variants.of(List.of(record(1, "b", "1", "c", "1"), record(2, "a", "1", "b", "2"), record(3)));
        assertThat(variants).isNotNull();
        ByteBuffer buffer = ByteBuffer.allocate(1_000).order(ByteOrder.LITTLE_ENDIAN);
        FrameWriter writer = new FrameWriter().wrap(buffer).begin(Operation.GET, 1, 1, Status.NOT_FOUND, 0);
        int start = buffer.position();
        variants.writeNames(writer);
        assertThat(buffer.position() - start).isEqualTo(variants.namesBytes());
        MetadataReader reader = new MetadataReader().wrap(buffer, start, variants.namesBytes());
        List<String> names = new ArrayList<>();
        while (reader.next()) {
            assertThat(reader.type()).isEqualTo(MetadataType.VARIANT_HEADER.code());
            names.add(reader.text());
        }
        assertThat(names).containsExactly("a", "b", "c");
    }
}
