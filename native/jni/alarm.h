/* What wakes an event loop when time has passed: a timer among the descriptors that it waits for. A wait with a time limit of its own
 * has the kernel set up the processor's timer, and take that back, for each request: a tenth of what a lone one costs. */
#ifndef OBJMAPPER_ALARM_H
#define OBJMAPPER_ALARM_H

struct alarm {
	int timer;
	int millis; /* it rings so long after it was set, at most; 0: it is not set */
};

/* An alarm that an epoll reports; 0 or -errno. */
int alarm_open(struct alarm *a, int epoll);

void alarm_close(struct alarm *a);

/* Has it ring within so many milliseconds. */
void alarm_within(struct alarm *a, int millis);

/* It rang. */
void alarm_rang(struct alarm *a);

#endif
