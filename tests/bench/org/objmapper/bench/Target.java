package org.objmapper.bench;

/**
 * What a row is to reach: in its ratio where it has one, else in its figure itself.
 *
 * @param must what it has to reach
 * @param aim what it is after
 */
record Target(Figure figure, double must, double aim) {
    /** What a value is by this target: short, met or aimed. */
    String verdict(double value) {
        if (figure.isWorse(value, must)) {
            return "SHORT";
        }
        return figure.isWorse(value, aim) ? "must" : "aim";
    }
}
