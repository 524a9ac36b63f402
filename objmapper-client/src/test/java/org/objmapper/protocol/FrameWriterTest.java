package org.objmapper.protocol;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

class FrameWriterTest {
    private static final int LONGEST = MetadataType.MESSAGE.longest();

    @Test
    void anEmptyMessageIsNoEntryAtAll() throws Exception {
        MetadataReader metadata = metadata(writer -> writer.message(""));
        assertThat(metadata.next()).isFalse();
    }

    @Test
    void aMessageIsCutToTheLongestThatMayBe() throws Exception {
        assertThat(messageOf("x".repeat(LONGEST))).isEqualTo("x".repeat(LONGEST));
        assertThat(messageOf("x".repeat(LONGEST + 1))).isEqualTo("x".repeat(LONGEST));
    }

    @Test
    void aMessageIsNeverCutInsideACharacter() throws Exception {
        for (String character : new String[] {"\u00e9", "\u20ac", "\ud83d\ude00"}) {
            for (int before = LONGEST - 5; before <= LONGEST; before++) {
                String start = "x".repeat(before);
                assertThat(messageOf(start + character)).isIn(start, start + character);
            }
        }
    }

    @Test
    void anEntryThatStandsTooLateIsADefectOfTheWriter() {
        assertThatThrownBy(
                        () -> metadata(writer -> writer.u64(MetadataType.TTL, 1).empty(MetadataType.SOFT)))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("3.10");
    }

    private static String messageOf(String text) throws MalformedFrame {
        MetadataReader metadata = metadata(writer -> writer.message(text));
        assertThat(metadata.find(MetadataType.MESSAGE)).isTrue();
        return metadata.text();
    }

    /** Reads back what was written, with all the checks that a receiver makes. */
    private static MetadataReader metadata(Consumer<FrameWriter> entries) throws MalformedFrame {
        ByteBuffer buffer = ByteBuffer.allocate(4_096).order(ByteOrder.LITTLE_ENDIAN);
        FrameWriter writer = new FrameWriter().wrap(buffer);
        writer.begin(Operation.GET, Frame.REPLY, 1, Status.NOT_FOUND, 0);
        entries.accept(writer);
        writer.end();
        Frame frame = new Frame().wrap(buffer, 0);
        frame.validate(Limits.MAX_FRAME_DEFAULT);
        return new MetadataReader().wrap(buffer, frame.metadataOffset(), frame.metadataLength());
    }
}
