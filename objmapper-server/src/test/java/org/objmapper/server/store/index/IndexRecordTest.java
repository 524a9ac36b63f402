package org.objmapper.server.store.index;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class IndexRecordTest {
    private static final byte[] KEY = "key".getBytes(StandardCharsets.US_ASCII);
    private static final String METADATA = "01010000" + "08000000" + "0700000000000000";
    /** Generation, body generation, length, created, expiry, grace, XXH3. */
    private static final String NUMBERS = "0700000000000000" + "0500000000000000" + "0600000000000000"
            + "0068e5cf8b010000" + "ffffffffffffff7f" + "60ea000000000000" + "efcdab8967452301";

    static Stream<Arguments> vectors() {
        return Stream.of(
                arguments("in a file", record(0, 0, METADATA), "0200" + "0000", "361ff935"),
                arguments("inline", record(1, 0xFFFF, METADATA), "0201" + "ffff", "36042e94"),
                arguments("evictable", record(2, 1, METADATA), "0202" + "0100", "fa56e745"),
                arguments("variant", record(4, 0x8001, METADATA), "0204" + "0180", "067b8097"),
                arguments("without metadata", record(0, 0, ""), "0200" + "0000", "5e263dd3"));
    }

    private static IndexRecord record(int flags, int device, String metadata) {
        return new IndexRecord(
                KEY,
                flags,
                device,
                7,
                5,
                6,
                1_700_000_000_000L,
                IndexRecord.NEVER,
                60_000,
                0x0123456789ABCDEFL,
                HexFormat.of().parseHex(metadata),
                null);
    }

    private static byte[] bytes(IndexRecord record, String start, String crc) {
        String metadata = HexFormat.of().formatHex(record.metadata());
        String lengths = metadata.isEmpty() ? "00000000" : "10000000";
        return HexFormat.of().parseHex(start + "0300" + "01" + "00" + NUMBERS + lengths + crc + "6b6579" + metadata);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("vectors")
    void aRecordStandsInTheIndexInTheseBytes(String name, IndexRecord record, String start, String crc) {
        assertThat(record.encode()).as(name).isEqualTo(bytes(record, start, crc));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("vectors")
    void theBytesAreReadAsTheRecord(String name, IndexRecord record, String start, String crc) {
        assertThat(IndexRecord.decode(bytes(record, start, crc)))
                .as(name)
                .usingRecursiveComparison()
                .isEqualTo(record);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("vectors")
    void aRecordWithAnyBitFlippedIsNone(String name, IndexRecord record, String start, String crc) {
        byte[] bytes = bytes(record, start, crc);
        for (int bit = 0; bit < 8 * bytes.length; bit++) {
            byte[] damaged = bytes.clone();
            damaged[bit / 8] ^= (byte) (1 << bit % 8);
            assertThat(IndexRecord.decode(damaged)).as("%s, bit %d", name, bit).isNull();
        }
    }

    @Test
    void aRecordThatIsCutOffIsNone() {
        byte[] bytes = record(0, 0, METADATA).encode();
        for (int length = 0; length < bytes.length; length++) {
            assertThat(IndexRecord.decode(Arrays.copyOf(bytes, length)))
                    .as("%d bytes", length)
                    .isNull();
        }
    }

    @Test
    void flagsThatThisFormatDoesNotHaveMakeItNone() {
        assertThat(IndexRecord.decode(record(16, 0, METADATA).encode())).isNull();
        assertThat(IndexRecord.decode(record(128, 0, METADATA).encode())).isNull();
    }

    @Test
    void anInlineBodyOnADeviceAndAFileOnNoneMakeItNone() {
        assertThat(IndexRecord.decode(record(IndexRecord.INLINE, 0, METADATA).encode()))
                .isNull();
        assertThat(IndexRecord.decode(record(0, IndexRecord.NO_DEVICE, METADATA).encode()))
                .isNull();
    }
}
