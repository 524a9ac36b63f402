/** Whether what is stored is what was sent: index against files, and bodies against their checksums. */
@NullMarked
package org.objmapper.server.store.check;

import org.jspecify.annotations.NullMarked;
