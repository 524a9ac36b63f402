package org.objmapper.server.cli;

/**
 * A positional parameter of a command of the tool.
 *
 * @param label what stands for it in the help
 * @param least how many values it needs
 * @param most how many it takes
 * @param isProgram whether it is a program with its arguments, all words that follow
 */
record ParameterDefinition(String label, int least, int most, boolean isProgram, String help) {
    static ParameterDefinition one(String label, String help) {
        return new ParameterDefinition(label, 1, 1, false, help);
    }

    static ParameterDefinition optional(String label, String help) {
        return new ParameterDefinition(label, 0, 1, false, help);
    }

    static ParameterDefinition some(String label, String help) {
        return new ParameterDefinition(label, 1, Integer.MAX_VALUE, false, help);
    }

    static ParameterDefinition program(String label, String help) {
        return new ParameterDefinition(label, 1, Integer.MAX_VALUE, true, help);
    }
}
