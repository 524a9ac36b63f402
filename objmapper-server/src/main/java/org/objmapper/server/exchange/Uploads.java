package org.objmapper.server.exchange;

import org.objmapper.server.store.UploadShare;

/** What the bodies of one session take of the store's memory: a session has one, for all its PUTs. */
public final class Uploads {
    final UploadShare share;

    Uploads(UploadShare share) {
        this.share = share;
    }
}
