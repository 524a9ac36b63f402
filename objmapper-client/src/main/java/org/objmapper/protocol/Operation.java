package org.objmapper.protocol;

/** The operation codes of a frame header (protocol-spec.md 5). */
public final class Operation {
    public static final int HELLO = 1;
    public static final int GET = 2;
    public static final int HEAD = 3;
    public static final int PUT = 4;
    public static final int DELETE = 5;
    public static final int LIST = 6;
    public static final int PURGE = 7;
    public static final int TOUCH = 8;
    public static final int STAT = 9;
    public static final int PING = 10;
    public static final int CANCEL = 11;
    public static final int GOODBYE = 12;
    public static final int DATA = 16;
    public static final int END = 17;
    public static final int ERROR = 18;
    public static final int SEND = 32;
    public static final int ADMIN = 33;
    public static final int REVOKE = 34;
    public static final int HITS = 35;

    private Operation() {}

    /** The name of a code, or its number where the code has no name. */
    public static String nameOf(int operation) {
        return switch (operation) {
            case HELLO -> "HELLO";
            case GET -> "GET";
            case HEAD -> "HEAD";
            case PUT -> "PUT";
            case DELETE -> "DELETE";
            case LIST -> "LIST";
            case PURGE -> "PURGE";
            case TOUCH -> "TOUCH";
            case STAT -> "STAT";
            case PING -> "PING";
            case CANCEL -> "CANCEL";
            case GOODBYE -> "GOODBYE";
            case DATA -> "DATA";
            case END -> "END";
            case ERROR -> "ERROR";
            case SEND -> "SEND";
            case ADMIN -> "ADMIN";
            case REVOKE -> "REVOKE";
            case HITS -> "HITS";
            default -> Integer.toString(operation);
        };
    }
}
