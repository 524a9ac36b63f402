/** What the server counts: {@link org.objmapper.server.metrics.Metric} is the table, {@link org.objmapper.server.metrics.Metrics} holds the values. */
@NullMarked
package org.objmapper.server.metrics;

import org.jspecify.annotations.NullMarked;
