package org.objmapper.server.store.hold;

import org.objmapper.nativeio.NativeIo;
import org.objmapper.server.store.device.Device;

/**
 * Asks the kernel whether anyone holds a file: a lease is granted only on a file that nobody else has open or mapped. It knows of every
 * process, dead ones and those that got the descriptor from others included. Safe on any thread.
 */
public final class LeaseProbe {
    private final boolean proved;

    private LeaseProbe(boolean proved) {
        this.proved = proved;
    }

    /** Tries on a device's file system whether the kernel answers rightly there: not every file system knows of mappings. */
    public static LeaseProbe of(Device device) {
        return new LeaseProbe(NativeIo.proveIsHeld(device.descriptor()) == 1);
    }

    /** Tries the same on sealed memory. */
    public static LeaseProbe ofMemory() {
        return new LeaseProbe(NativeIo.proveIsMemoryHeld() == 1);
    }

    /** Whether the answers can be trusted. */
    public boolean isProved() {
        return proved;
    }

    /**
     * Whether anyone has the file open or mapped by another descriptor than this one. The descriptor is open for reading only, was never
     * passed on, and its file is the process's own. What can't be asked counts as not held.
     */
    public boolean isHeld(int descriptor) {
        return NativeIo.isHeld(descriptor) == 1;
    }
}
