package org.objmapper.protocol;

/** A frame breaks a clause of protocol-spec.md; the session that brought it can't go on. */
public final class MalformedFrame extends Exception {
    private static final long serialVersionUID = 1L;

    private final String clause;

    /** Names the clause, such as "2.2", and says what is wrong with which value. */
    public MalformedFrame(String clause, String message) {
        super(message);
        this.clause = clause;
    }

    /** The clause of protocol-spec.md that was broken. */
    public String clause() {
        return clause;
    }
}
