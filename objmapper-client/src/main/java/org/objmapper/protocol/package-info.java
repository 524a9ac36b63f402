/** The wire protocol: frames, codes and limits. */
@NullMarked
package org.objmapper.protocol;

import org.jspecify.annotations.NullMarked;
