package org.objmapper.bench;

/** What a measurement says. */
enum Figure {
    REQUESTS("requests/s", "", true),
    P50("p50", "µs", false),
    P99("p99", "µs", false),
    P999("p99.9", "µs", false),
    CPU("server CPU per request", "µs", false),
    SWITCHES("context switches per request", "", false),
    BUSY_P99("p99 of BUSY answers", "µs", false),
    BUSY_LEAST_P99("the same less the client's waits for a processor", "µs", false),
    ALLOCATED("allocated on the heap per request", "B", false),
    MEMORY("memory", "B", false),
    FIRST_ANSWER("exec to first answer", "s", false);

    /** As people read it. */
    final String title;

    final String unit;
    final boolean higherIsBetter;

    Figure(String title, String unit, boolean higherIsBetter) {
        this.title = title;
        this.unit = unit;
        this.higherIsBetter = higherIsBetter;
    }

    /** Whether the first is worse than the second. */
    boolean isWorse(double value, double than) {
        return higherIsBetter ? value < than : value > than;
    }
}
