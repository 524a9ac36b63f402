package org.objmapper.endtoend;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.objmapper.protocol.Frame;
import org.objmapper.protocol.Limits;
import org.objmapper.protocol.MalformedFrame;
import org.objmapper.protocol.MetadataReader;

/**
 * Random frames, sound and damaged: the Java decoder reads what the Java encoder wrote, and the C decoder comes to the same verdict on
 * every one, reads the same out of it, and encodes it to the same bytes. A failure names the seed; give it as objmapper.seed to see it
 * again.
 */
class RandomFramesTest {
    private static final int FRAMES = 3_000;
    private static final int DAMAGED_OF_EACH = 4;

    @TempDir
    Path directory;

    private final long seed = Long.getLong("objmapper.seed", new Random().nextLong());
    private final Random random = new Random(seed);

    @Test
    void whatIsEncodedIsDecodedAgain() throws Exception {
        for (int i = 0; i < FRAMES; i++) {
            RandomFrame written = RandomFrame.next(random);
            byte[] bytes = written.encoded();
            assertThat(verdict(bytes)).as("seed %d, frame %d", seed, i).isEqualTo("ok");
            assertThat(RandomFrame.decoded(bytes))
                    .as("seed %d, frame %d", seed, i)
                    .isEqualTo(written.inOrder());
        }
    }

    @Test
    void javaAndCComeToTheSameVerdict() throws Exception {
        List<String> records = new ArrayList<>();
        for (int i = 0; i < FRAMES; i++) {
            byte[] sound = RandomFrame.next(random).encoded();
            records.add(record(i + "-as-written", sound));
            for (int j = 0; j < DAMAGED_OF_EACH; j++) {
                records.add(record(i + "-damaged-" + j, Damage.done(sound, random)));
            }
        }
        for (String verdict : List.of("ok", "incomplete", "malformed")) {
            assertThat(records.stream().filter(record -> record.contains("verdict: " + verdict)))
                    .as("seed %d, %s", seed, verdict)
                    .hasSizeGreaterThan(FRAMES / 10);
        }
        Path file = directory.resolve("frames.txt");
        Files.writeString(file, String.join("\n", records));

        Outcome read = Outcome.of(directory, Map.of(), decoderInC(), file.toString());

        assertThat(read.err()).as("seed %d", seed).isEmpty();
        assertThat(read.out()).isEqualTo(records.size() + " vectors hold\n");
    }

    private static String decoderInC() {
        return System.getProperty("objmapper.root") + "/native/target/cmake/"
                + System.getProperty("objmapper.preset", "dev") + "/libobjmapper/vectors-test";
    }

    /** What a receiver makes of the bytes: ok, incomplete, or the clause that they break. */
    private static String verdict(byte[] bytes) {
        ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        if (bytes.length < Limits.HEADER) {
            return "incomplete";
        }
        try {
            Frame frame = new Frame().wrap(buffer, 0);
            frame.validate(Limits.MAX_FRAME_DEFAULT);
            if (frame.length() > bytes.length) {
                return "incomplete";
            }
            new MetadataReader().wrap(buffer, frame.metadataOffset(), frame.metadataLength());
            return "ok";
        } catch (MalformedFrame e) {
            return "malformed " + e.clause();
        }
    }

    /** A record as those of tests/vectors. */
    private static String record(String name, byte[] bytes) {
        String[] verdict = verdict(bytes).split(" ");
        StringBuilder record = new StringBuilder("name: " + name + "\n");
        if (verdict[0].equals("malformed")) {
            record.append("clause: ").append(verdict[1]).append('\n');
        } else if (verdict[0].equals("ok")) {
            RandomFrame frame = RandomFrame.decoded(bytes);
            frame.describe(record);
            record.append("canonical: ").append(hex(frame.encoded())).append('\n');
        }
        return record + "hex: " + hex(bytes) + "\nverdict: " + verdict[0] + "\n";
    }

    static String hex(byte[] bytes) {
        return bytes.length == 0 ? "-" : HexFormat.of().formatHex(bytes);
    }

    /** What may happen to a frame on its way. */
    private enum Damage {
        BITS_FLIPPED,
        CUT,
        EXTENDED,
        LENGTH_CHANGED;

        static byte[] done(byte[] sound, Random random) {
            byte[] bytes = values()[random.nextInt(values().length)].to(sound.clone(), random);
            if (bytes.length > 5) {
                bytes[5] = 0; // whether descriptors came is the session's matter, not a decoder's
            }
            return bytes;
        }

        private byte[] to(byte[] bytes, Random random) {
            return switch (this) {
                case BITS_FLIPPED -> {
                    for (int i = random.nextInt(3); i >= 0; i--) {
                        bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
                    }
                    yield bytes;
                }
                case CUT -> Arrays.copyOf(bytes, random.nextInt(bytes.length));
                case EXTENDED -> {
                    byte[] more = new byte[1 + random.nextInt(40)];
                    random.nextBytes(more);
                    byte[] longer = Arrays.copyOf(bytes, bytes.length + more.length);
                    System.arraycopy(more, 0, longer, bytes.length, more.length);
                    yield longer;
                }
                case LENGTH_CHANGED -> {
                    ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
                    int at = lengthField(buffer, random);
                    int by = random.nextInt(4) == 0 ? random.nextInt() : random.nextInt(33) - 16;
                    buffer.putInt(at, buffer.getInt(at) + by);
                    yield bytes;
                }
            };
        }

        /** The frame's length, its metadata's, or an entry's. */
        private static int lengthField(ByteBuffer frame, Random random) {
            int metadata = frame.getInt(16);
            if (metadata == 0 || random.nextInt(3) == 0) {
                return random.nextBoolean() ? 0 : 16;
            }
            int at = Limits.HEADER;
            int next = at + MetadataReader.sizeOf(frame.getInt(at + 4));
            while (next < Limits.HEADER + metadata && random.nextInt(3) != 0) {
                at = next;
                next = at + MetadataReader.sizeOf(frame.getInt(at + 4));
            }
            return at + 4;
        }
    }
}
