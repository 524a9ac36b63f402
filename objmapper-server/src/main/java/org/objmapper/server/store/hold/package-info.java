/** What removed objects still occupy because somebody holds them, as the kernel knows it. */
@NullMarked
package org.objmapper.server.store.hold;

import org.jspecify.annotations.NullMarked;
