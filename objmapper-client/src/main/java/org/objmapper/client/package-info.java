/** The Java client. */
@NullMarked
package org.objmapper.client;

import org.jspecify.annotations.NullMarked;
