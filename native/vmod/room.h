/* Room in a workspace. What does not fit marks it as overflowed, and Varnish then fails the whole fetch: so it is looked at first. */
#ifndef OBJMAPPER_VMOD_ROOM_H
#define OBJMAPPER_VMOD_ROOM_H

#include <stddef.h>

struct ws;

/* Whether so many bytes fit, in a few pieces. */
int room_for(struct ws *ws, size_t bytes);

#endif
