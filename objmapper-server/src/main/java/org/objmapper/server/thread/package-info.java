/** Waits: that no interrupt cuts short, that end, that keep to a rate. */
@NullMarked
package org.objmapper.server.thread;

import org.jspecify.annotations.NullMarked;
