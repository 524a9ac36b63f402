package org.objmapper.server.store.index;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.objmapper.protocol.MetadataReader;
import org.objmapper.protocol.MetadataType;

class VariantTest {
    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    private static byte[] pair(String name, String value) {
        return ByteBuffer.allocate(2 + name.length() + value.length())
                .order(ByteOrder.LITTLE_ENDIAN)
                .putShort((short) name.length())
                .put(ascii(name))
                .put(ascii(value))
                .array();
    }

    /** Metadata on the wire that has one pair. */
    static byte[] metadata(String name, String value) {
        byte[] pair = pair(name, value);
        return ByteBuffer.allocate(MetadataReader.sizeOf(pair.length))
                .order(ByteOrder.LITTLE_ENDIAN)
                .putShort((short) MetadataType.VARIANT.code())
                .putShort((short) 0)
                .putInt(pair.length)
                .put(pair)
                .array();
    }

    private static Variant of(byte[]... pairs) {
        return Variant.of(List.of(pairs));
    }

    @Test
    void theOrderOfItsPairsIsNoPartOfIt() {
        byte[] language = pair("accept-language", "en");
        byte[] encoding = pair("accept-encoding", "gzip");
        assertThat(of(language, encoding).id()).isEqualTo(of(encoding, language).id());
    }

    @Test
    void noTwoVariantsAreTakenForEachOther() {
        List<Variant> different = List.of(
                Variant.NONE,
                of(pair("a", "")),
                of(pair("a", "b")),
                of(pair("ab", "")),
                of(pair("a", "B")),
                of(pair("a", ""), pair("b", "")),
                of(pair("a", "b"), pair("b", "")),
                of(pair("a", ""), pair("b", "b")));
        assertThat(different.stream().map(Variant::id)).doesNotHaveDuplicates();
        assertThat(Variant.NONE.id()).isZero();
    }

    @Test
    void itIsReadFromMetadata() {
        assertThat(Variant.ofMetadata(metadata("accept-language", "en")).id())
                .isEqualTo(of(pair("accept-language", "en")).id());
        assertThat(Variant.ofMetadata(new byte[0]).id()).isZero();
    }

    @ParameterizedTest
    @CsvSource({"1, true", "256, true", "0, false", "257, false"})
    void aNameIsOneThatAMissCanTell(int length, boolean isSound) {
        String problem = of(pair("n".repeat(length), "value")).problem();
        assertThat(problem == null).isEqualTo(isSound);
        if (problem != null) {
            assertThat(problem).contains("a name of " + length + " bytes");
        }
    }

    @Test
    void aNameIsInLowerCase() {
        assertThat(of(pair("accept-language", "EN")).problem()).isNull();
        assertThat(of(pair("accept-language".toUpperCase(Locale.ROOT), "EN")).problem())
                .contains("\"ACCEPT-LANGUAGE\" is not in lower case");
    }

    @Test
    void noNameStandsTwice() {
        assertThat(of(pair("a", "1"), pair("b", "1")).problem()).isNull();
        assertThat(of(pair("a", "1"), pair("b", "1"), pair("a", "2")).problem())
                .isEqualTo("two VARIANTs have the header \"a\"");
    }

    @Test
    void anObjectWithAVariantStandsBesideTheOneWithout() {
        ObjectKey plain = new ObjectKey(ascii("key"));
        ObjectKey varied = plain.variant(of(pair("a", "1")).id());
        assertThat(varied).isNotEqualTo(plain).isEqualTo(new ObjectKey(ascii("key")).variant(varied.variant()));
        assertThat(varied.variant(0)).isEqualTo(plain);
        assertThat(varied.hash()).isEqualTo(plain.hash());
        assertThat(plain.code()).isEqualTo(plain.digest());
        assertThat(varied.code()).startsWith(shared(plain)).isNotEqualTo(plain.code());
        assertThat(varied.row()).startsWith(plain.digest());
        assertThat(plain.row()).startsWith(plain.digest()).endsWith(0, 0, 0, 0, 0, 0, 0, 0);
        assertThat(varied.stableHash() >>> 32).isEqualTo(plain.stableHash() >>> 32);
        assertThat(varied.stableHash()).isNotEqualTo(plain.stableHash());
    }

    private static byte[] shared(ObjectKey key) {
        return Arrays.copyOf(key.digest(), ObjectKey.SHARED_BYTES);
    }
}
