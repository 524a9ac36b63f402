/** The object store: index, object files, hot table. */
@NullMarked
package org.objmapper.server.store;

import org.jspecify.annotations.NullMarked;
