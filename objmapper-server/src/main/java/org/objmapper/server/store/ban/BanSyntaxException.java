package org.objmapper.server.store.ban;

/** A text is no ban expression; the message names the place, and what was expected there. */
public final class BanSyntaxException extends Exception {
    private static final long serialVersionUID = 1;

    BanSyntaxException(int position, String expected) {
        super("position " + position + ": expected " + expected);
    }
}
