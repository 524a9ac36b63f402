package org.objmapper.server.store;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.objmapper.protocol.FrameWriter;
import org.objmapper.protocol.MetadataReader;
import org.objmapper.protocol.MetadataType;
import org.objmapper.server.store.index.IndexRecord;
import org.objmapper.server.store.index.Variant;

/** The objects that stand under one key, by the headers that they are told apart by, as one look at the key found them. Immutable. */
public final class Variants {
    /** What an object takes here beside its values. */
    private static final int OBJECT_BYTES = 96;

    private static final int NONE = -1;

    /** All headers, in the order of their names. */
    private final byte[][] names;
    /** The newest first. */
    private final Choosable[] objects;

    /** Which of all headers it is told by, and which value each of those has to have. */
    private record Choosable(long variant, long expiryMillis, int[] headers, byte[][] values) {}

    private Variants(byte[][] names, Choosable[] objects) {
        this.names = names;
        this.objects = objects;
    }

    /** Of all objects under a key; null where no more than the one without a variant is there. */
    static @Nullable Variants of(List<IndexRecord> records) {
        List<Variant> variants = new ArrayList<>();
        TreeSet<byte[]> all = new TreeSet<>(Arrays::compareUnsigned);
        List<IndexRecord> newestFirst = new ArrayList<>(records);
        newestFirst.sort(Comparator.comparingLong(IndexRecord::generation).reversed());
        for (IndexRecord record : newestFirst) {
            Variant variant = record.variant();
            variants.add(variant);
            variant.pairs().forEach(pair -> all.add(pair.name()));
        }
        if (all.isEmpty()) {
            return null;
        }
        byte[][] names = all.toArray(byte[][]::new);
        Choosable[] objects = new Choosable[variants.size()];
        for (int i = 0; i < objects.length; i++) {
            objects[i] = choosable(names, variants.get(i), newestFirst.get(i).expiryMillis());
        }
        return new Variants(names, objects);
    }

    private static Choosable choosable(byte[][] names, Variant variant, long expiryMillis) {
        List<Variant.Pair> pairs = variant.pairs();
        int[] headers = new int[pairs.size()];
        byte[][] values = new byte[pairs.size()][];
        for (int i = 0; i < headers.length; i++) {
            headers[i] = Arrays.binarySearch(names, pairs.get(i).name(), Arrays::compareUnsigned);
            values[i] = pairs.get(i).value();
        }
        return new Choosable(variant.id(), expiryMillis, headers, values);
    }

    /** How many headers there are. */
    static int headers(List<Variant> variants) {
        TreeSet<byte[]> all = new TreeSet<>(Arrays::compareUnsigned);
        variants.forEach(variant -> variant.pairs().forEach(pair -> all.add(pair.name())));
        return all.size();
    }

    /**
     * Which object a request gets, as an index for {@link #variant}: the newest unexpired one of those whose pairs all match, or else the
     * newest of them; below 0 where none matches. Allocates nothing.
     */
    int choose(RequestHeaders headers, long nowMillis) {
        headers.find(names);
        int expired = NONE;
        for (int i = 0; i < objects.length; i++) {
            if (matches(objects[i], headers)) {
                if (nowMillis < objects[i].expiryMillis) {
                    return i;
                }
                expired = expired == NONE ? i : expired;
            }
        }
        return expired;
    }

    private static boolean matches(Choosable object, RequestHeaders headers) {
        for (int i = 0; i < object.headers.length; i++) {
            if (!headers.hasValue(object.headers[i], object.values[i])) {
                return false;
            }
        }
        return true;
    }

    /** The {@link Variant#id} of an object. */
    long variant(int chosen) {
        return objects[chosen].variant;
    }

    /** Writes a VARIANT_HEADER for each name. */
    public void writeNames(FrameWriter frame) {
        for (byte[] name : names) {
            frame.bytes(MetadataType.VARIANT_HEADER, name);
        }
    }

    /** Bytes that {@link #writeNames} writes. */
    public int namesBytes() {
        int bytes = 0;
        for (byte[] name : names) {
            bytes += MetadataReader.sizeOf(name.length);
        }
        return bytes;
    }

    /** The memory that it takes, about. */
    int bytes() {
        int bytes = namesBytes();
        for (Choosable object : objects) {
            bytes += OBJECT_BYTES;
            for (byte[] value : object.values) {
                bytes += Long.BYTES + MetadataReader.sizeOf(value.length);
            }
        }
        return bytes;
    }
}
