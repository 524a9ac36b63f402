package org.objmapper.server.store;

/** What the bodies of one session may have of the {@link ChunkPool}, which guards it. */
public final class UploadShare {
    private final int few;
    int left;

    UploadShare(int chunks) {
        this.few = chunks / 2;
        this.left = chunks;
    }

    /** Whether so few are left that a body which has one on its way to the device should leave them to the session's others. */
    boolean isShort() {
        return left < few;
    }
}
