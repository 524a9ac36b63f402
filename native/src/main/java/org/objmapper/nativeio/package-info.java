/** The one door from Java to the system calls of the JNI shim. */
@NullMarked
package org.objmapper.nativeio;

import org.jspecify.annotations.NullMarked;
