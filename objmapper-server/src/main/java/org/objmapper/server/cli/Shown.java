package org.objmapper.server.cli;

/** How text that others have chosen, such as keys, is shown to a person: nothing in it steers a terminal or fakes a line. */
final class Shown {
    private static final int LONGEST_NAME = 200;
    private static final int HEAD = 150;

    private Shown() {}

    /** A name within a message: without control characters, and shortened in its middle when it is very long. */
    static String name(String name) {
        String shown = escaped(name);
        if (shown.length() <= LONGEST_NAME) {
            return shown;
        }
        return shown.substring(0, HEAD) + "[...]" + shown.substring(shown.length() - (LONGEST_NAME - HEAD));
    }

    /** A message, whose lines are its own. */
    static String message(String text) {
        return escaped(text, true);
    }

    /** A text with its control characters as ls(1) writes them with -b. */
    static String escaped(String text) {
        return escaped(text, false);
    }

    private static String escaped(String text, boolean keepLines) {
        StringBuilder shown = new StringBuilder(text.length());
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (!Character.isISOControl(c) || (c == '\n' && keepLines)) {
                shown.append(c);
                continue;
            }
            switch (c) {
                case '\n' -> shown.append("\\n");
                case '\r' -> shown.append("\\r");
                case '\t' -> shown.append("\\t");
                default -> shown.append('\\').append(Integer.toOctalString(c | 0x200), 1, 4);
            }
        }
        return shown.toString();
    }
}
