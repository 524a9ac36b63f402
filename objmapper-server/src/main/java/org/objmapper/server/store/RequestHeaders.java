package org.objmapper.server.store;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;
import org.objmapper.protocol.MetadataType;

/**
 * The headers of a request, which choose among the objects under its key, and what the choice was made from. They stand where they came
 * until {@link #keep}. For one thread at a time, and one request after the other.
 */
public final class RequestHeaders {
    private static final int MOST = MetadataType.REQUEST_HEADER.repeats();
    private static final int NONE = -1;

    private ByteBuffer buffer = ByteBuffer.allocate(0);
    private int count;
    // Of each header, where its name begins, and how long name and value are. Made for the first request that has any.
    private int[] offsets = new int[0];
    private int[] nameLengths = new int[0];
    private int[] valueLengths = new int[0];
    /** Which header each of the names has that were looked for last. */
    private int[] places = new int[0];

    private @Nullable Variants unmatched;

    /** Forgets the request before. */
    public void begin() {
        count = 0;
        unmatched = null;
    }

    /** Takes the value of a REQUEST_HEADER. */
    public void add(ByteBuffer from, int offset, int length) {
        if (offsets.length == 0) {
            offsets = new int[MOST];
            nameLengths = new int[MOST];
            valueLengths = new int[MOST];
        }
        buffer = from;
        int name = from.getShort(offset) & 0xFFFF;
        offsets[count] = offset + Short.BYTES;
        nameLengths[count] = name;
        valueLengths[count] = length - Short.BYTES - name;
        count++;
    }

    /** Copies them from where they came. */
    public void keep() {
        if (count == 0) {
            return;
        }
        int bytes = 0;
        for (int i = 0; i < count; i++) {
            bytes += nameLengths[i] + valueLengths[i];
        }
        ByteBuffer copy = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
        int at = 0;
        for (int i = 0; i < count; i++) {
            int length = nameLengths[i] + valueLengths[i];
            copy.put(at, buffer, offsets[i], length);
            offsets[i] = at;
            at += length;
        }
        buffer = copy;
    }

    /** Says that none of these was asked for. */
    void matchedNone(Variants variants) {
        unmatched = variants;
    }

    /** The objects under the key, where there are some and none of them was asked for. */
    public @Nullable Variants unmatched() {
        return unmatched;
    }

    /** Looks for the first header of each of some names in lower case, for {@link #hasValue}. */
    void find(byte[][] names) {
        if (places.length < names.length) {
            places = new int[Math.max(names.length, MetadataType.VARIANT_HEADER.repeats())];
        }
        for (int i = 0; i < names.length; i++) {
            places[i] = find(names[i]);
        }
    }

    private int find(byte[] name) {
        for (int i = 0; i < count; i++) {
            if (nameLengths[i] == name.length && isName(offsets[i], name)) {
                return i;
            }
        }
        return NONE;
    }

    private boolean isName(int offset, byte[] name) {
        for (int i = 0; i < name.length; i++) {
            byte letter = buffer.get(offset + i);
            if ((letter >= 'A' && letter <= 'Z' ? letter + ('a' - 'A') : letter) != name[i]) {
                return false;
            }
        }
        return true;
    }

    /** Whether the header of a name has a value; one that is not there has an empty one. */
    boolean hasValue(int ofName, byte[] value) {
        int header = places[ofName];
        if (header == NONE) {
            return value.length == 0;
        }
        if (valueLengths[header] != value.length) {
            return false;
        }
        int offset = offsets[header] + nameLengths[header];
        for (int i = 0; i < value.length; i++) {
            if (buffer.get(offset + i) != value[i]) {
                return false;
            }
        }
        return true;
    }
}
