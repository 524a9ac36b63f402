package org.objmapper.server.store;

/**
 * The last descriptors that the process may open. They are for what is under way: neither sessions nor objects that are kept at hand
 * may use them up.
 *
 * @param first of them; a new descriptor has the lowest number that is free, so one from here on says that all others are in use
 */
record DescriptorReserve(long first) {
    private static final int MOST = 64;

    /** The reserve of a process that may open so many. */
    static DescriptorReserve of(long limit) {
        return new DescriptorReserve(limit - Math.min(limit / 8, MOST));
    }

    boolean holds(int descriptor) {
        return descriptor >= first;
    }
}
