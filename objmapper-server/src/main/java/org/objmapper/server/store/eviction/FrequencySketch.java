package org.objmapper.server.store.eviction;

/**
 * About how often each hash came up lately, also those of objects that are gone: a count-min sketch of 4-bit counters, halved after
 * every so many counts (TinyLFU, Einziger and others, 2017). Grows with the objects, 8 to 16 bytes for each.
 */
public final class FrequencySketch {
    public static final int MOST = 15;

    private static final int ROWS = 4;
    private static final int FEWEST_WORDS = 1 << 10;
    private static final long LOW_THREE_BITS = 0x7777_7777_7777_7777L;
    /** Counts are halved when there were this many for each word. */
    private static final int SAMPLE = 10;

    private long[] words = new long[FEWEST_WORDS];
    private long counts;

    /** Sees to it that so many objects can be told apart. What was counted stays. */
    public void ensureCapacity(int objects) {
        while (objects > words.length) {
            long[] grown = new long[words.length * 2];
            System.arraycopy(
                    words, 0, grown, 0, words.length); // an index gets one bit more: both places know the count
            System.arraycopy(words, 0, grown, words.length, words.length);
            words = grown;
        }
    }

    /** How often a hash came up, up to {@link #MOST}. */
    public int frequency(int hash) {
        int least = MOST;
        for (int row = 0; row < ROWS; row++) {
            int spread = spread(hash, row);
            least = Math.min(least, (int) (words[index(spread)] >>> shift(spread, row)) & MOST);
        }
        return least;
    }

    /** A hash came up. */
    public void increment(int hash) {
        boolean counted = false;
        for (int row = 0; row < ROWS; row++) {
            int spread = spread(hash, row);
            int shift = shift(spread, row);
            int index = index(spread);
            if ((words[index] >>> shift & MOST) < MOST) {
                words[index] += 1L << shift;
                counted = true;
            }
        }
        if (counted && ++counts >= (long) SAMPLE * words.length) {
            halve();
        }
    }

    /** All that was counted counts half. */
    public void halve() {
        for (int i = 0; i < words.length; i++) {
            words[i] = words[i] >>> 1 & LOW_THREE_BITS;
        }
        counts /= 2;
    }

    /** The finaliser of MurmurHash3, started differently for each row. */
    private static int spread(int hash, int row) {
        int h = hash + row * 0x9e3779b9;
        h = (h ^ h >>> 16) * 0x85ebca6b;
        h = (h ^ h >>> 13) * 0xc2b2ae35;
        return h ^ h >>> 16;
    }

    private int index(int spread) {
        return spread & words.length - 1;
    }

    /** Each row has four of a word's counters to itself; the top bits say which, the low ones being the index. */
    private static int shift(int spread, int row) {
        return (row * 4 + (spread >>> 30)) * 4;
    }
}
