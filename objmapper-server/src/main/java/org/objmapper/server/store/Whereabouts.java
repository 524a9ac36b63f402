package org.objmapper.server.store;

/** Where a look-up has to go. */
enum Whereabouts {
    /** Nowhere: there is no such object. */
    ABSENT,
    /** To the device that has its file. */
    DEVICE,
    /** To the index, which has its body. */
    INDEX,
    /** To the index, which alone knows. */
    UNKNOWN
}
