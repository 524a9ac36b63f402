package org.objmapper.bench;

/**
 * How much is measured.
 *
 * @param seconds how long a run counts
 * @param warmUpSeconds how long it goes on before
 * @param rounds how many runs of each side
 * @param rehearsals how many runs of each side, at least, before these, which do not count: what a JVM runs often becomes faster
 * @param idleSessions how many sessions do nothing where that is measured
 * @param objects how many objects a store has whose start is measured
 */
record Scale(double seconds, double warmUpSeconds, int rounds, int rehearsals, int idleSessions, int objects) {}
