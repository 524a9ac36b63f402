package org.objmapper.protocol;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ListEntryTest {
    private static final int KEY_LENGTH_AT = 4;

    @Test
    void anEntryIsTheBytesOfTheSpecification() {
        ListEntry entry = new ListEntry(new byte[] {'k', 'e', 'y'}, 0x11, 0x2233, 0x445566, Limits.UNKNOWN);
        assertThat(HexFormat.of().formatHex(written(entry).array()))
                .isEqualTo("30000000" + "03000000" + "1100000000000000" + "3322000000000000" + "6655440000000000"
                        + "ffffffffffffffff" + "6b65790000000000");
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 7, 8, 9, 4_095, 4_096})
    void whatIsWrittenIsReadAgain(int keyLength) throws Exception {
        byte[] key = new byte[keyLength];
        Arrays.fill(key, (byte) 0xff);
        ListEntry entry = new ListEntry(key, -2, Long.MAX_VALUE, 3, 4);
        ByteBuffer bytes = written(entry);

        ListEntry again = ListEntry.read(bytes);

        assertThat(bytes.remaining()).isZero();
        assertThat(again).usingRecursiveComparison().isEqualTo(entry);
    }

    @Test
    void aListingIsReadEntryByEntry() throws Exception {
        ByteBuffer listing = ByteBuffer.allocate(200).order(ByteOrder.LITTLE_ENDIAN);
        entryOf(new byte[3]).write(listing);
        entryOf(new byte[8]).write(listing);
        listing.flip();
        assertThat(ListEntry.read(listing).key()).hasSize(3);
        assertThat(ListEntry.read(listing).key()).hasSize(8);
        assertThat(listing.hasRemaining()).isFalse();
    }

    @Test
    void anEntryThatIsCutAnywhereIsRefused() {
        ByteBuffer whole = written(entryOf(new byte[9]));
        for (int length = 0; length < whole.limit(); length++) {
            assertRefused(whole.duplicate().order(ByteOrder.LITTLE_ENDIAN).limit(length));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 17, 4_097, -1, Integer.MIN_VALUE, Integer.MAX_VALUE})
    void aKeyOfALengthThatCannotBeIsRefused(int keyLength) {
        assertRefused(written(entryOf(new byte[16])).putInt(KEY_LENGTH_AT, keyLength));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 48, 55, 57, 64, -1, Integer.MAX_VALUE})
    void anEntryOfALengthThatIsNotItsKeysIsRefused(int size) {
        assertRefused(written(entryOf(new byte[16])).putInt(0, size));
    }

    private static void assertRefused(ByteBuffer bytes) {
        assertThatThrownBy(() -> ListEntry.read(bytes))
                .isInstanceOfSatisfying(
                        MalformedFrame.class, e -> assertThat(e.clause()).isEqualTo("5.6.2"));
    }

    private static ListEntry entryOf(byte[] key) {
        return new ListEntry(key, 1, 2, 3, 4);
    }

    private static ByteBuffer written(ListEntry entry) {
        ByteBuffer bytes = ByteBuffer.allocate(entry.size()).order(ByteOrder.LITTLE_ENDIAN);
        entry.write(bytes);
        assertThat(bytes.hasRemaining()).isFalse();
        return bytes.flip();
    }
}
