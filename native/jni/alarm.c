#include "alarm.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "engine.h"

int alarm_open(struct alarm *a, int epoll)
{
	a->millis = 0;
	a->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (a->timer < 0)
		return -errno;
	/* Edge-triggered: it is set anew, and never read. */
	struct epoll_event event = { .data.u64 = (uint64_t)ALARM << 56 | (uint32_t)a->timer, .events = EPOLLIN | EPOLLET };
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, a->timer, &event) == 0)
		return 0;
	int error = -errno;
	alarm_close(a);
	return error;
}

void alarm_close(struct alarm *a)
{
	if (a->timer >= 0)
		close(a->timer);
	a->timer = -1;
}

void alarm_within(struct alarm *a, int millis)
{
	if (a->millis > 0 && a->millis <= millis)
		return;
	struct itimerspec once = { .it_value = { .tv_sec = millis / 1000, .tv_nsec = millis % 1000 * 1000000L } };
	if (timerfd_settime(a->timer, 0, &once, NULL) == 0)
		a->millis = millis;
}

void alarm_rang(struct alarm *a) { a->millis = 0; }
