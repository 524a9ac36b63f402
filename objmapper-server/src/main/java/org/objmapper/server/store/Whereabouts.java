package org.objmapper.server.store;

/** Where a look-up has to go. */
enum Whereabouts {
    /** Nowhere: there is no such object. */
    ABSENT,
    /** To the device that has its file; the rest is known. */
    DEVICE,
    /** To the index: it has the body, or the metadata, or alone knows. */
    INDEX
}
