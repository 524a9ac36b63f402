/*
 * The engine io_uring: each session's input is peeked by a request of its own, which waits in the ring. What is answered is drained, and
 * the next request put in its place, by the same call that waits. By plain system calls: of liburing it would use a dozen lines.
 */
#ifndef OBJMAPPER_URING_H
#define OBJMAPPER_URING_H

#include <stdint.h>

#include "engine.h"

/* A ring for sessions in so many slots. What the given epoll says is taken in each turn too. 0, or -errno. */
int uring_open(struct uring **ring, int epoll, uint32_t slots);

/* All else but uring_close is for the thread that calls this. */
int uring_start(struct uring *u);

void uring_close(struct uring *u);

void uring_add(struct uring *u, uint64_t token);

void uring_remove(struct uring *u, uint64_t token);

int uring_receive(struct uring *u, struct turn *t, const uint64_t *again, int again_count, const struct drain *drains, int drain_count,
    int timeout_millis, int64_t spin_nanos);

#endif
