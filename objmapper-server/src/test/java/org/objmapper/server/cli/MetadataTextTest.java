package org.objmapper.server.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.objmapper.protocol.FrameWriter;
import org.objmapper.protocol.Limits;
import org.objmapper.protocol.MetadataReader;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Operation;
import org.objmapper.protocol.Status;

class MetadataTextTest {
    @Test
    void theHeadersOfAVariantAreShownWhateverTheLengthOfTheirNames() throws Exception {
        String longName = "n".repeat(200);
        ByteBuffer frame = ByteBuffer.allocate(1_024).order(ByteOrder.LITTLE_ENDIAN);
        new FrameWriter()
                .wrap(frame)
                .begin(Operation.HEAD, 0, 1, Status.OK, 0)
                .bytes(MetadataType.VARIANT, header("accept-language", "fran\u00e7ais"))
                .bytes(MetadataType.VARIANT, header(longName, "value"))
                .end();
        MetadataReader metadata = new MetadataReader().wrap(frame, Limits.HEADER, frame.position() - Limits.HEADER);

        assertThat(MetadataText.of(metadata))
                .isEqualTo(Map.of("variant", List.of("accept-language: fran\u00e7ais", longName + ": value")));
    }

    @Test
    void numbersWithoutASignAreShownWithout() throws Exception {
        ByteBuffer frame = ByteBuffer.allocate(1_024).order(ByteOrder.LITTLE_ENDIAN);
        new FrameWriter()
                .wrap(frame)
                .begin(Operation.HEAD, 0, 1, Status.OK, 0)
                .u64(MetadataType.GENERATION, -2)
                .u64(MetadataType.EXPIRY, -1)
                .u64(MetadataType.LAST_MODIFIED, -1)
                .u64(MetadataType.GRACE, -1)
                .end();
        MetadataReader metadata = new MetadataReader().wrap(frame, Limits.HEADER, frame.position() - Limits.HEADER);

        assertThat(Json.of(MetadataText.of(metadata)))
                .isEqualTo("{\"generation\":18446744073709551614,\"expiry\":\"never\","
                        + "\"last_modified\":\"+584556019-04-03T14:25:51.615Z\","
                        + "\"grace_millis\":18446744073709551615}");
    }

    @Test
    void unknownMetadataIsShownByItsNumber() throws Exception {
        ByteBuffer frame = ByteBuffer.allocate(1_024).order(ByteOrder.LITTLE_ENDIAN);
        new FrameWriter()
                .wrap(frame)
                .begin(Operation.HEAD, 0, 1, Status.OK, 0)
                .bytes(16_383, new byte[] {1, (byte) 0xff}, 0, 2)
                .bytes(16_383, new byte[0], 0, 0)
                .end();
        MetadataReader metadata = new MetadataReader().wrap(frame, Limits.HEADER, frame.position() - Limits.HEADER);

        assertThat(MetadataText.of(metadata)).isEqualTo(Map.of("metadata_16383", List.of("01ff", "")));
    }

    @Test
    void keysThatAreNoTextAreToldApart() {
        assertThat(Json.of(ListCommand.keyFacts(new byte[] {'a', (byte) 0xfe})))
                .isEqualTo("{\"key\":\"a\ufffd\",\"key_hex\":\"61fe\"}");
        assertThat(Json.of(ListCommand.keyFacts("\u00e4".getBytes(StandardCharsets.UTF_8))))
                .isEqualTo("{\"key\":\"\u00e4\"}");
    }

    private static byte[] header(String name, String value) {
        byte[] text = (name + value).getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.allocate(2 + text.length)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putShort((short) name.length())
                .put(text)
                .array();
    }
}
