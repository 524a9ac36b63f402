package org.objmapper.server.transport;

/**
 * How a server's loops are set up.
 *
 * @param count of the loops
 * @param engine by which they wait
 * @param spinNanos for how long a loop looks for input at most before it sleeps, while that pays; 0 is never
 */
public record LoopOptions(int count, EngineKind engine, long spinNanos) {}
