/** The configuration file. */
@NullMarked
package org.objmapper.server.config;

import org.jspecify.annotations.NullMarked;
