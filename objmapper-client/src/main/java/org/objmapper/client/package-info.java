/**
 * The Java client of objmapper: {@link org.objmapper.client.ObjmapperClient} is where to begin. It stores bodies under keys and gets them
 * back as file descriptors, so that all processes of a machine share one copy of a body in the page cache.
 *
 * <p>Descriptors come over junixsocket, which takes at most 60 in one message. Keep 120 descriptors free for each session of the pool: at
 * the process's limit a call fails with DESCRIPTORS_LOST. When a whole message did not fit, its session ends, and with it the calls in
 * flight; what did fit of it stays open until the process ends, since junixsocket loses sight of it, and from then on the client takes
 * descriptors one by one, so that it happens once. junixsocket does not mark received descriptors close-on-exec: Java's own process launcher
 * closes them in a child, native code that forks must too. On Java 24 and later it asks for {@code --enable-native-access=ALL-UNNAMED}.
 */
@NullMarked
package org.objmapper.client;

import org.jspecify.annotations.NullMarked;
