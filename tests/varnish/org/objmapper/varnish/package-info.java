/** The module for Varnish, in a real Varnish and with a real server. */
@NullMarked
package org.objmapper.varnish;

import org.jspecify.annotations.NullMarked;
