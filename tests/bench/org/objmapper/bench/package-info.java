/** Measurements by way of the distribution; tests/run makes short ones, of which only the results are checked. */
@NullMarked
package org.objmapper.bench;

import org.jspecify.annotations.NullMarked;
