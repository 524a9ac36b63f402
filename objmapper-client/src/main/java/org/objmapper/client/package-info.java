/**
 * The Java client of objmapper: {@link org.objmapper.client.ObjmapperClient} is where to begin. It stores bodies under keys and gets them
 * back as file descriptors, so that all processes of a machine share one copy of a body in the page cache.
 *
 * <p>Descriptors come over junixsocket, which takes at most 60 in one message, and loses all of a message when the process is at its
 * descriptor limit: keep 120 descriptors free for each session of the pool, or the session ends with an error that says so. It
 * does not mark received descriptors close-on-exec: Java's own process launcher closes them in a child, native code that forks must too.
 * On Java 24 and later junixsocket asks for {@code --enable-native-access=ALL-UNNAMED}.
 */
@NullMarked
package org.objmapper.client;

import org.jspecify.annotations.NullMarked;
