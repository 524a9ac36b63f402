/** How bodies reach clients, and the choice between the ways. */
@NullMarked
package org.objmapper.server.delivery;

import org.jspecify.annotations.NullMarked;
