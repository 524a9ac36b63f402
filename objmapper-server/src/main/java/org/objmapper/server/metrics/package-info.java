/**
 * What the server counts: {@link org.objmapper.server.metrics.Metric} is the table, {@link org.objmapper.server.metrics.Metrics} holds the
 * values, and {@link org.objmapper.server.metrics.FailureLog} logs what fails again and again once, with a count.
 */
@NullMarked
package org.objmapper.server.metrics;

import org.jspecify.annotations.NullMarked;
