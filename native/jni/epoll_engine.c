#include "epoll_engine.h"

#include <errno.h>
#include <sched.h>
#include <sys/epoll.h>

#include "shown.h"

/* Where nothing more comes, what was shown leaves the socket so soon. */
enum { SOON_MILLIS = 5 };

/* Waits for events, or only looks for them, and passes over what only woke the loop early. */
static int wait_for_events(const struct alone *a, struct epoll_event *ready, int room, int may_wait)
{
	int n;
	do
		n = epoll_wait(a->epoll, ready, room, may_wait ? -1 : 0);
	while (n == 1 && alone_is_early(a, &ready[0]));
	return n;
}

/* Looks for events again and again for so many nanoseconds, and lets others run between. */
static int spin_for_events(const struct alone *a, struct epoll_event *ready, int room, int64_t nanos)
{
	int64_t end = now_nanos() + nanos;
	int n;
	while ((n = wait_for_events(a, ready, room, 0)) == 0 && now_nanos() < end)
		sched_yield();
	return n;
}

int epoll_receive(struct turn *t, const uint64_t *again, int again_count, int may_wait, int64_t spin_nanos)
{
	struct epoll_event ready[EVENTS_PER_WAIT];

	if (t->alone->is_set && t->modes[token_slot(t->alone->token)] == PEEK)
		alone_end(t->alone);
	shown_drain_due(t->shown);
	for (int i = 0; i < again_count; i++)
		receive_session(t, again[i], 0, 1);
	int room = room_for_ready(t);
	if (room <= 0)
		return t->count;
	if (shown_has_any(t->shown))
		alarm_within(t->alarm, SOON_MILLIS);
	may_wait = may_wait && t->count == 0;
	int n = spin_nanos > 0 && may_wait ? spin_for_events(t->alone, ready, room, spin_nanos) : 0;
	int found_awake = n > 0;
	if (n == 0)
		n = wait_for_events(t->alone, ready, room, may_wait);
	if (n < 0)
		return errno == EINTR ? t->count : -errno;
	take_ready(t, ready, n);
	if (found_awake && t->count > 0)
		t->events[0].flags |= FOUND_AWAKE;
	return t->count;
}
