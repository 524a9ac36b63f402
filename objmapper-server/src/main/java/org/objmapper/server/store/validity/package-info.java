/** The table of words that tells clients without a round trip whether what they keep is current (protocol-spec.md 11). */
@NullMarked
package org.objmapper.server.store.validity;

import org.jspecify.annotations.NullMarked;
