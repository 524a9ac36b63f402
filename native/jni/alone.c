#include "alone.h"

#include "engine.h"

static void watch(const struct alone *a, uint32_t also)
{
	struct epoll_event event = { .data.u64 = a->token, .events = SESSION_EVENTS | also };
	(void)epoll_ctl(a->epoll, EPOLL_CTL_MOD, token_fd(a->token), &event); /* without it, all goes on as it was */
}

void alone_begin(struct alone *a, uint64_t token)
{
	if (a->is_set && a->token == token)
		return;
	alone_end(a);
	a->token = token;
	a->is_set = 1;
	watch(a, EPOLLOUT);
}

void alone_end(struct alone *a)
{
	if (a->is_set)
		watch(a, 0);
	a->is_set = 0;
}

void alone_forget(struct alone *a, uint64_t token)
{
	if (a->token == token)
		a->is_set = 0;
}

int alone_is_early(const struct alone *a, const struct epoll_event *event)
{
	return a->is_set && event->data.u64 == a->token && event->events == EPOLLOUT;
}
