package org.objmapper.server.store.ban;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.objmapper.server.store.index.IndexRow;

class RecordedPurgeTest {
    private static final HexFormat HEX = HexFormat.of();

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    private static RecordedPurge purge(String kind, boolean soft, String cursor) {
        Extent extent = kind.equals("prefix") ? Extent.ofPrefix(bytes("/a")) : Extent.ofTag(bytes("/a"));
        RecordedPurge begun = new RecordedPurge(0x0102, extent, soft, null);
        return cursor == null ? begun : begun.upTo(bytes(cursor));
    }

    @ParameterizedTest
    @CsvSource({
        "prefix, false,   , 010000002f61",
        "prefix, true,    , 010100002f61",
        "tag,    false,   , 020000002f61",
        "tag,    false, xy, 0200020078792f61",
    })
    void aRowHasTheseBytesAndIsReadAgain(String kind, boolean soft, String cursor, String hex) {
        IndexRow row = purge(kind, soft, cursor).row();

        assertThat(HEX.formatHex(row.key())).isEqualTo("0000000000000102");
        assertThat(HEX.formatHex(row.value())).isEqualTo(hex);
        assertThat(RecordedPurge.of(row)).usingRecursiveComparison().isEqualTo(purge(kind, soft, cursor));
    }

    @Test
    void aBanHasItsExpressionInItsRow() throws Exception {
        RecordedPurge ban = new RecordedPurge(1, Extent.ofBan(bytes("req.url ~ ^/a")), false, null);
        RecordedPurge read = RecordedPurge.of(ban.row());

        assertThat(HEX.formatHex(ban.row().value())).isEqualTo("030000007265712e75726c207e205e2f61");
        assertThat(read.row()).usingRecursiveComparison().isEqualTo(ban.row());
        assertThat(read.takes(0, bytes("/a/1"), new byte[0])).isTrue();
        assertThat(read.takes(1, bytes("/a/1"), new byte[0]))
                .as("an object that is as new as the ban")
                .isFalse();
        assertThat(read.takes(0, bytes("/b/1"), new byte[0])).isFalse();
    }

    @Test
    void thePrefixOfAllObjectsIsEmpty() {
        RecordedPurge all = new RecordedPurge(1, Extent.ofPrefix(new byte[0]), false, null);

        assertThat(RecordedPurge.of(all.row())).usingRecursiveComparison().isEqualTo(all);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "010000", "000000002f61", "030000002f61", "040000002f61", "010003002f61"})
    void whatIsNoRowOfAPurgeIsNone(String hex) {
        assertThat(RecordedPurge.of(new IndexRow(IndexRow.Table.PURGES, new byte[8], HEX.parseHex(hex))))
                .isNull();
    }
}
