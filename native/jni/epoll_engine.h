/* The engine epoll: it says which sessions have input, which is shown or received session by session. */
#ifndef OBJMAPPER_EPOLL_ENGINE_H
#define OBJMAPPER_EPOLL_ENGINE_H

#include <stdint.h>

#include "engine.h"

/*
 * Receives for the sessions in again (left over from earlier turns), then looks for events, for spin_nanos over and over, waits for one
 * where nothing came and it may, and receives for all that are ready. Returns how many events it wrote, or -errno.
 */
int epoll_receive(struct turn *t, const uint64_t *again, int again_count, int may_wait, int64_t spin_nanos);

#endif
