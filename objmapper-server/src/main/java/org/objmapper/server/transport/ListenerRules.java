package org.objmapper.server.transport;

import java.util.BitSet;

/** Where a listener stands, and what its sessions may do. */
public final class ListenerRules {
    private final String path;
    private final BitSet operations;

    /** Operations are the numbers of {@link org.objmapper.protocol.Operation}; the set is copied. */
    public ListenerRules(String path, BitSet operations) {
        this.path = path;
        this.operations = (BitSet) operations.clone();
    }

    /** Rules that allow everything. */
    public static ListenerRules everything(String path) {
        BitSet all = new BitSet();
        all.set(0, 256);
        return new ListenerRules(path, all);
    }

    public String path() {
        return path;
    }

    public boolean allows(int operation) {
        return operations.get(operation);
    }
}
