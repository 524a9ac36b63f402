/** The programs objmapperd and objmapper. */
@NullMarked
package org.objmapper.server.cli;

import org.jspecify.annotations.NullMarked;
