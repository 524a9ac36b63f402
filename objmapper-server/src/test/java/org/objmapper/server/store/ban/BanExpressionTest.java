package org.objmapper.server.store.ban;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.objmapper.protocol.MetadataType;

/** What ban expressions hit, and which texts are none (protocol-spec.md 5.7). */
class BanExpressionTest {
    private static final String VARNISH_KEY = "p\0example.com\0/a/b?c=d\0" + "00ff";
    private static final String HEAD =
            "HTTP/1.1 404 Not Found\r\nServer: nginx\r\nX-Tag:  a b \r\nx-tag: second\r\nno colon\r\n\r\nbehind: it";

    private final ByteBuffer metadata = ByteBuffer.allocate(4_096).order(ByteOrder.LITTLE_ENDIAN);

    private BanExpressionTest add(MetadataType type, String value) {
        byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
        metadata.putShort((short) type.code())
                .putShort((short) 0)
                .putInt(bytes.length)
                .put(bytes);
        while (metadata.position() % 8 != 0) {
            metadata.put((byte) 0);
        }
        return this;
    }

    private boolean hits(String expression, String key) throws BanSyntaxException {
        ByteBuffer entries = metadata.duplicate().order(ByteOrder.LITTLE_ENDIAN).flip();
        return BanExpression.parse(expression).hits(new ObjectFields(key.getBytes(StandardCharsets.UTF_8), entries));
    }

    @ParameterizedTest
    @CsvSource({
        "req.url == /a/b?c=d, true",
        "req.url == /a/b, false",
        "req.url != /a/b, true",
        "req.url ~ ^/a/, true",
        "req.url ~ b\\?c, true",
        "req.url ~ ^/b, false",
        "req.url !~ ^/b, true",
        "req.url !~ ^/a, false",
        "req.http.host == example.com, true",
        "req.http.host ~ (^|\\.)example\\.(com|org)$, true",
        "req.http.Host == example.com, true",
        "obj.status == 404, true",
        "obj.status ~ ^4, true",
        "obj.status == 200, false",
        "obj.http.server == nginx, true",
        "obj.http.SERVER == nginx, true",
        "obj.http.server == Nginx, false",
        "obj.http.server ~ (?i)NGINX, true",
        "obj.http.x-tag == \"a b\", true",
        "obj.http.x-tag == second, false",
        "obj.http.absent == x, false",
        "obj.http.absent ~ ., false",
        "obj.http.absent != x, true",
        "obj.http.absent !~ ., true",
        "obj.http.behind == it, false",
        "req.url ~ ^/a && obj.status == 404, true",
        "req.url ~ ^/a && obj.status == 200, false",
        "req.url ~ ^/x && obj.status == 404, false",
        "'  req.url\t~   ^/a  ', true",
    })
    void anObjectOfVarnishIsHitAsVarnishWouldHitIt(String expression, boolean hit) throws Exception {
        assertThat(add(MetadataType.OPAQUE, HEAD).hits(expression, VARNISH_KEY)).isEqualTo(hit);
    }

    @ParameterizedTest
    @CsvSource({
        "/index.html, req.url == /index.html",
        "/index.html, req.http.host != x",
        "http://example.com/a, req.url == /a && req.http.host == example.com",
        "http://example.com, req.url == / && req.http.host == example.com",
        "s3://bucket/a/b, req.url == /a/b && req.http.host == bucket",
        "a/b:c, req.url == a/b:c",
        "/ü, req.url == /ü && req.url ~ ^/ü$ && req.url ~ ^/..$",
    })
    void anyOtherKeyIsAUrlWithAHostOrWithout(String key, String expression) throws Exception {
        assertThat(hits(expression, key)).isTrue();
    }

    @Test
    void someHeadersStandInMetadataOfTheirOwnWhereThereIsNoHead() throws Exception {
        add(MetadataType.ETAG, "\"v1\"").add(MetadataType.CONTENT_TYPE, "text/html");
        add(MetadataType.CONTENT_ENCODING, "gzip").add(MetadataType.OPAQUE, "no head");

        assertThat(hits("obj.http.content-type ~ ^text/ && obj.http.etag ~ v1", "/a"))
                .isTrue();
        assertThat(hits("obj.http.content-encoding == gzip && obj.status !~ .", "/a"))
                .isTrue();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "'' | position 1: expected req.url, req.http.host, obj.status or obj.http.NAME, found the end",
                "req.urls == / | position 1: expected req.url, req.http.host, obj.status or obj.http.NAME, found req.urls",
                "obj.http. == / | position 1: expected req.url",
                "req.url | position 8: expected ==, !=, ~ or !~, found the end",
                "req.url = / | position 9: expected ==, !=, ~ or !~, found =",
                "req.url < / | position 9: expected ==, !=, ~ or !~, found <",
                "req.url == | position 11: expected what to compare req.url with, found the end",
                "req.url ~ | position 10: expected a regular expression, found the end",
                "req.url ~ ( | position 11: expected a regular expression as RE2 has them, found (: missing closing )",
                "req.url ~ (?=a) | position 11: expected a regular expression as RE2 has them",
                "req.url ~ a\\1 | position 11: expected a regular expression as RE2 has them",
                "req.url == / or | position 14: expected && or the end, found or",
                "req.url == / && | position 16: expected req.url, req.http.host, obj.status or obj.http.NAME, found the end",
                "req.url == \"/ | position 12: expected a closing quote for the one here",
                "req.url == \"/\"x | position 15: expected a space behind the closing quote",
            })
    void whatIsNoExpressionIsRefusedWithThePlaceAndWhatWasExpected(String text, String message) {
        assertThatThrownBy(() -> BanExpression.parse(text))
                .isInstanceOf(BanSyntaxException.class)
                .hasMessageStartingWith(message);
    }

    @Test
    void aBanHasAsManyTermsAsTheLimitSays() throws Exception {
        String most = String.join(" && ", Collections.nCopies(BanExpression.MAX_TERMS, "req.url ~ a"));

        assertThat(hits(most, "/a")).isTrue();
        assertThatThrownBy(() -> BanExpression.parse(most + " && req.url ~ a"))
                .hasMessageContaining("expected the end: a ban has up to 16 terms");
    }

    @Test
    void aBanHasRegularExpressionsOfTheSizeThatTheLimitSays() throws Exception {
        // Counted by the compiler: one instruction for each character, and two.
        String most = "x".repeat(RegularExpressions.MAX_PROGRAM - 2);

        assertThat(hits("req.url ~ " + most, most)).isTrue();
        assertThatThrownBy(() -> BanExpression.parse("req.url ~ " + most + "x"))
                .hasMessageContaining("expected smaller regular expressions");
        assertThatThrownBy(() -> BanExpression.parse("req.url ~ " + most + " && req.url ~ x"))
                .hasMessageContaining("expected smaller regular expressions");
    }

    @ParameterizedTest
    @ValueSource(strings = {"((a{1000}){1000}){1000}", "(((a{9,10}){9,10}){9,10}){90,}", "(a{100}){100}"})
    void repetitionsOfRepetitionsAreRefusedBeforeTheyTakeMemory(String expression) {
        assertThatThrownBy(() -> BanExpression.parse("req.url ~ " + expression))
                .hasMessageContaining("expected smaller regular expressions");
    }

    @Test
    void parenthesesAreBoundedSoThatTheCompilerNeverGoesTooDeep() throws Exception {
        int most = RegularExpressions.MAX_PARENTHESES;
        String deep = "(a|".repeat(most) + "a" + ")*".repeat(most);

        assertThat(hits("req.url ~ " + deep, "/a")).isTrue();
        assertThatThrownBy(() -> BanExpression.parse("req.url ~ (" + deep + ")"))
                .hasMessageContaining("expected smaller regular expressions");
    }

    @Test
    void anExpressionThatWouldBacktrackForEverEnds() throws Exception {
        assertThat(hits("req.url ~ ^(a+)+$", "a".repeat(4_000) + "b")).isFalse();
        assertThat(hits("req.url ~ (x+x+)+y", "x".repeat(4_000))).isFalse();
    }
}
