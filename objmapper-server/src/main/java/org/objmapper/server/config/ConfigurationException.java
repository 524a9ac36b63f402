package org.objmapper.server.config;

import java.util.List;

/** A configuration file can't be used; each problem is a line that names file, line, key, the bad value and what is accepted. */
public final class ConfigurationException extends Exception {
    private static final long serialVersionUID = 1L;

    private final transient List<String> problems;

    public ConfigurationException(List<String> problems) {
        super(String.join(System.lineSeparator(), problems));
        this.problems = List.copyOf(problems);
    }

    /** One line each, in the order of the file. */
    public List<String> problems() {
        return problems;
    }
}
