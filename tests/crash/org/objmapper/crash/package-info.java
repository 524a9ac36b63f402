/** Kills the server and looks at what it leaves. */
@NullMarked
package org.objmapper.crash;

import org.jspecify.annotations.NullMarked;
