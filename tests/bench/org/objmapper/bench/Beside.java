package org.objmapper.bench;

/** What is measured while something else goes on at the same server. */
record Beside(Side measured, Noise noise) implements Side {
    /** What goes on: runs until it is closed. */
    interface Noise {
        AutoCloseable begin(Lab lab) throws Exception;
    }

    @Override
    public Sample measure(Lab lab) throws Exception {
        try (AutoCloseable running = noise.begin(lab)) {
            return measured.measure(lab);
        }
    }
}
