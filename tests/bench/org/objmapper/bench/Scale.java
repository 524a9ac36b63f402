package org.objmapper.bench;

/**
 * How much is measured.
 *
 * @param seconds how long a run counts
 * @param warmUpSeconds how long it goes on before
 * @param rounds how many runs of each side
 */
record Scale(double seconds, double warmUpSeconds, int rounds) {}
