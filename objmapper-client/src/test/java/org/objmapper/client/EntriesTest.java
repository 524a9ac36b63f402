package org.objmapper.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.nio.ByteBuffer;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.objmapper.protocol.MetadataReader;
import org.objmapper.protocol.MetadataType;

/** What a server would end the session for, and with it other calls, is refused before it is sent. */
class EntriesTest {
    private static final Key KEY = Key.of("key");

    @ParameterizedTest
    @MethodSource("repeated")
    void anEntryMayStandAsOftenAsTheProtocolTakesItAndNotOnceMore(
            MetadataType type, int most, IntFunction<Entries> entries) throws Exception {
        ByteBuffer encoded = entries.apply(most).encoded();
        MetadataReader reader = new MetadataReader().wrap(encoded, 0, encoded.limit());
        int times = 0;
        while (reader.next()) {
            times += reader.type() == type.code() ? 1 : 0;
        }
        assertThat(times).isEqualTo(most);

        assertThatIllegalArgumentException()
                .isThrownBy(() -> entries.apply(most + 1))
                .withMessage(type + " may stand " + most + " times in a request, this has more");
    }

    static Stream<Arguments> repeated() {
        return Stream.of(
                repeated(MetadataType.TAG, 64, EntriesTest::tagged),
                repeated(MetadataType.VARIANT, 16, EntriesTest::varying),
                repeated(MetadataType.REQUEST_HEADER, 64, EntriesTest::asking));
    }

    private static Arguments repeated(MetadataType type, int most, IntFunction<Entries> entries) {
        return Arguments.of(type, most, entries);
    }

    private static Entries tagged(int times) {
        PutOptions options = new PutOptions();
        IntStream.range(0, times).forEach(i -> options.tag("tag" + i));
        return options.encode(KEY, true);
    }

    private static Entries varying(int times) {
        PutOptions options = new PutOptions();
        IntStream.range(0, times).forEach(i -> options.variant("name" + i, "value"));
        return options.encode(KEY, true);
    }

    private static Entries asking(int times) {
        GetOptions options = new GetOptions();
        IntStream.range(0, times).forEach(i -> options.requestHeader("name" + i, "value"));
        return options.encode(KEY, true);
    }

    @Test
    void aTextHasNoNul() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Purge.ban("req.url == a\0b").encode())
                .withMessage("BAN takes text without NUL");
    }
}
