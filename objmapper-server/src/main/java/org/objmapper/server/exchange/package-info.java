/** One class per operation. */
@NullMarked
package org.objmapper.server.exchange;

import org.jspecify.annotations.NullMarked;
