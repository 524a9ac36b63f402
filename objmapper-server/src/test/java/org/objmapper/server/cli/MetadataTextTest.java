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

    private static byte[] header(String name, String value) {
        byte[] text = (name + value).getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.allocate(2 + text.length)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putShort((short) name.length())
                .put(text)
                .array();
    }
}
