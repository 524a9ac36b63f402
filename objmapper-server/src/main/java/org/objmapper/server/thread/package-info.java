/** Waiting for threads. */
@NullMarked
package org.objmapper.server.thread;

import org.jspecify.annotations.NullMarked;
