package org.objmapper.server.config;

import java.nio.file.Path;

/**
 * A {@code [[device]]} table: one more directory for bodies.
 *
 * @param weight how much of the new bodies it gets, compared with the other devices
 */
public record DeviceSettings(Path directory, int weight, int threads, int queueLength) {}
