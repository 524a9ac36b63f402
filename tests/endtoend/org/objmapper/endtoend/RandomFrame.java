package org.objmapper.endtoend;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.objmapper.protocol.Frame;
import org.objmapper.protocol.FrameWriter;
import org.objmapper.protocol.Limits;
import org.objmapper.protocol.MalformedFrame;
import org.objmapper.protocol.MetadataReader;
import org.objmapper.protocol.MetadataType;
import org.objmapper.protocol.Status;

/** A frame as what it says. Bytes are in hex, so that two of them can be compared. */
record RandomFrame(
        int operation,
        int descriptors,
        int flags,
        int requestId,
        int status,
        long objectLength,
        List<Entry> entries,
        String body) {

    record Entry(int type, String value) {
        byte[] bytes() {
            return fromHex(value);
        }

        /** Where it stands among the others: by its type, unknown object metadata last (3.10). */
        int rank() {
            return MetadataType.isObjectMetadata(type) && MetadataType.of(type) == null ? 65_536 : type;
        }
    }

    /** Any frame that an encoder may write; its entries in no order. */
    static RandomFrame next(Random random) {
        List<Entry> entries = new ArrayList<>();
        for (int i = random.nextInt(8); i > 0; i--) {
            addEntries(entries, random);
        }
        Collections.shuffle(entries, random);
        Status[] statuses = Status.values();
        byte[] body = bytes(random.nextInt(4) == 0 ? random.nextInt(500) : 0, random);
        return new RandomFrame(
                random.nextInt(256),
                random.nextInt(2),
                random.nextInt(4),
                random.nextInt(),
                statuses[random.nextInt(statuses.length)].code(),
                random.nextInt(3) == 0 ? Limits.UNKNOWN : random.nextLong(),
                entries,
                RandomFramesTest.hex(body));
    }

    /** Adds a type that is not there yet, once or as often as it may stand. */
    private static void addEntries(List<Entry> entries, Random random) {
        MetadataType[] types = MetadataType.values();
        MetadataType type = types[random.nextInt(types.length)];
        int code = random.nextInt(5) == 0 ? unknownType(random) : type.code();
        if (entries.stream().anyMatch(entry -> entry.type() == code)) {
            return;
        }
        boolean known = MetadataType.of(code) != null;
        int times = known && type.repeats() > 1 ? 1 + random.nextInt(random.nextInt(10) == 0 ? type.repeats() : 2) : 1;
        for (int i = 0; i < times; i++) {
            byte[] value = known ? value(type, random) : bytes(random.nextInt(40), random);
            entries.add(new Entry(code, RandomFramesTest.hex(value)));
        }
    }

    private static int unknownType(Random random) {
        int code = random.nextInt(65_536);
        return MetadataType.of(code) == null ? code : unknownType(random);
    }

    private static byte[] value(MetadataType type, Random random) {
        int spread = type.longest() - type.shortest();
        int length = type.shortest() + (spread == 0 ? 0 : random.nextInt(1 + Math.min(spread, 40)));
        if (random.nextInt(100) == 0) {
            length = type.longest();
        }
        if (type.isPair()) {
            return pair(random);
        }
        return type.isText() ? text(length, random) : bytes(length, random);
    }

    private static byte[] pair(Random random) {
        int name = random.nextInt(50) == 0 ? 1_024 : random.nextInt(20);
        byte[] pair = bytes(2 + name + (random.nextInt(50) == 0 ? 1_024 : random.nextInt(20)), random);
        pair[0] = (byte) name;
        pair[1] = (byte) (name >> 8);
        return pair;
    }

    /** Characters of one to four bytes that take so many bytes together. */
    private static byte[] text(int length, Random random) {
        StringBuilder text = new StringBuilder();
        int left = length;
        while (left > 0) {
            int size = 1 + random.nextInt(Math.min(4, left));
            int lowest = size == 1 ? 1 : size == 2 ? 0x80 : size == 3 ? 0x800 : 0x10000;
            int highest = size == 1 ? 0x7f : size == 2 ? 0x7ff : size == 3 ? 0xffff : 0x10ffff;
            int character = lowest + random.nextInt(highest - lowest + 1);
            if (character < 0xd800 || character > 0xdfff) {
                text.appendCodePoint(character);
                left -= size;
            }
        }
        return text.toString().getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] bytes(int length, Random random) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }

    /** The same with its entries in the order in which an encoder writes them. */
    RandomFrame inOrder() {
        List<Entry> sorted = new ArrayList<>(entries);
        sorted.sort(Comparator.comparingInt(Entry::rank));
        return new RandomFrame(operation, descriptors, flags, requestId, status, objectLength, sorted, body);
    }

    private int size() {
        int metadata = entries.stream()
                .mapToInt(entry -> MetadataReader.sizeOf(entry.bytes().length))
                .sum();
        return Limits.HEADER + metadata + fromHex(body).length;
    }

    byte[] encoded() {
        ByteBuffer buffer = ByteBuffer.allocate(size()).order(ByteOrder.LITTLE_ENDIAN);
        FrameWriter writer = new FrameWriter().wrap(buffer);
        writer.begin(operation, flags, requestId, Status.of(status), objectLength)
                .descriptors(descriptors);
        buffer.putShort(12, (short) status); // a damaged frame may have one that no encoder knows
        for (Entry entry : inOrder().entries()) {
            byte[] value = entry.bytes();
            writer.bytes(entry.type(), value, 0, value.length);
        }
        writer.body().put(fromHex(body));
        writer.end();
        return buffer.array();
    }

    /** Reads a sound frame. */
    static RandomFrame decoded(byte[] bytes) {
        ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        Frame frame = new Frame().wrap(buffer, 0);
        MetadataReader metadata = new MetadataReader();
        try {
            metadata.wrap(buffer, frame.metadataOffset(), frame.metadataLength());
        } catch (MalformedFrame e) {
            throw new AssertionError(e);
        }
        List<Entry> entries = new ArrayList<>();
        while (metadata.next()) {
            entries.add(new Entry(metadata.type(), RandomFramesTest.hex(metadata.bytes())));
        }
        byte[] body = new byte[frame.bodyLength()];
        buffer.get(frame.bodyOffset(), body);
        return new RandomFrame(
                frame.operation(),
                frame.descriptors(),
                frame.flags(),
                frame.requestId(),
                frame.status(),
                frame.objectLength(),
                entries,
                RandomFramesTest.hex(body));
    }

    /** Appends the lines that say what it is, as tests/vectors have them. */
    void describe(StringBuilder record) {
        record.append("operation: ").append(operation).append('\n');
        record.append("flags: ").append(flags).append('\n');
        record.append("id: ").append(Integer.toUnsignedString(requestId)).append('\n');
        record.append("status: ").append(status).append('\n');
        record.append("descriptors: ").append(descriptors).append('\n');
        record.append("object-length: ")
                .append(Long.toUnsignedString(objectLength))
                .append('\n');
        for (Entry entry : entries) {
            record.append("entry: ")
                    .append(entry.type())
                    .append(' ')
                    .append(entry.value())
                    .append('\n');
        }
        record.append("body: ").append(body).append('\n');
    }

    private static byte[] fromHex(String hex) {
        return hex.equals("-") ? new byte[0] : HexFormat.of().parseHex(hex);
    }
}
