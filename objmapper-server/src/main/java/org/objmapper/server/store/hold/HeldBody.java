package org.objmapper.server.store.hold;

/**
 * A removed body that somebody holds.
 *
 * @param generation that it came with
 * @param bytes that it occupies
 */
public record HeldBody(long generation, long bytes) {}
