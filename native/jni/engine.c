/*
 * An event loop's engine: what waits for all its sessions at once. epoll is always there; io_uring (uring.h) where the kernel allows it.
 * Nothing here throws; a result below 0 is -errno. The layouts are mirrored in NativeIo.java, field by field.
 */
#include "engine.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "epoll_engine.h"
#include "shown.h"
#include "uring.h"

enum engine_kind { EPOLL = 0, IO_URING = 1 };

static struct engine *engine_at(jlong address) { return (struct engine *)(uintptr_t)address; }

/* An engine for sessions in so many slots, at its address; below 0 is -errno. */
JAVA(jlong, engineOpen)(JNIEnv *env, jclass class, jint kind, jint slots)
{
	(void)env, (void)class;
	struct engine *e = calloc(1, sizeof *e);
	if (e == NULL)
		return -ENOMEM;
	e->epoll = epoll_create1(EPOLL_CLOEXEC);
	e->alarm.timer = -1;
	e->alone.epoll = e->epoll;
	int error = e->epoll < 0 ? errno : -alarm_open(&e->alarm, e->epoll);
	if (error == 0 && kind == IO_URING)
		error = -uring_open(&e->ring, e->epoll, (uint32_t)slots);
	else if (error == 0 && (e->shown = shown_new((uint32_t)slots)) == NULL)
		error = ENOMEM;
	if (error == 0)
		return (jlong)(uintptr_t)e;
	alarm_close(&e->alarm);
	if (e->epoll >= 0)
		close(e->epoll);
	free(e);
	return -error;
}

/* Makes the calling thread the one that the engine is for; before its first turn. */
JAVA(jint, engineStart)(JNIEnv *env, jclass class, jlong engine)
{
	(void)env, (void)class;
	struct engine *e = engine_at(engine);
	return e->ring == NULL ? 0 : uring_start(e->ring);
}

JAVA(void, engineClose)(JNIEnv *env, jclass class, jlong engine)
{
	(void)env, (void)class;
	struct engine *e = engine_at(engine);
	if (e->ring != NULL)
		uring_close(e->ring);
	shown_free(e->shown);
	alarm_close(&e->alarm);
	close(e->epoll);
	free(e);
}

static int watch(const struct engine *e, int operation, uint64_t token, uint32_t events)
{
	struct epoll_event event = { .data.u64 = token, .events = events };
	return epoll_ctl(e->epoll, operation, token_fd(token), &event) < 0 ? -errno : 0;
}

/* Sessions are edge-triggered; listeners and wake-ups are level-triggered. */
JAVA(jint, engineAdd)(JNIEnv *env, jclass class, jlong engine, jlong token)
{
	(void)env, (void)class;
	struct engine *e = engine_at(engine);
	if (token_kind((uint64_t)token) != SESSION)
		return watch(e, EPOLL_CTL_ADD, (uint64_t)token, EPOLLIN);
	if (e->ring == NULL)
		return watch(e, EPOLL_CTL_ADD, (uint64_t)token, (uint32_t)SESSION_EVENTS);
	uring_add(e->ring, (uint64_t)token);
	return 0;
}

/* Has a session's turns say too when its socket takes bytes again, from now on; once for each session. */
JAVA(jint, engineAwaitWritable)(JNIEnv *env, jclass class, jlong engine, jlong token)
{
	(void)env, (void)class;
	struct engine *e = engine_at(engine);
	alone_forget(&e->alone, (uint64_t)token);
	if (e->ring == NULL)
		return watch(e, EPOLL_CTL_MOD, (uint64_t)token, (uint32_t)SESSION_EVENTS | EPOLLOUT);
	return watch(e, EPOLL_CTL_ADD, (uint64_t)token, EPOLLOUT | EPOLLET);
}

/* Forgets a session, whose socket is to be closed or to be another engine's, and takes peeked bytes out of that: they are answered, and a
 * peer of what is closed with bytes in it does not hear of its end but of an error. */
JAVA(jint, engineRemove)(JNIEnv *env, jclass class, jlong engine, jlong token, jlong peeked)
{
	(void)env, (void)class;
	struct engine *e = engine_at(engine);
	char scratch[4096];
	int result = 0;
	while (peeked > 0 && result == 0) {
		struct drain d = { .token = (uint64_t)token, .length = peeked < (jlong)sizeof scratch ? peeked : (jlong)sizeof scratch };
		result = drain_peeked(&d, scratch);
		peeked -= d.length;
	}
	alone_forget(&e->alone, (uint64_t)token);
	if (e->ring != NULL)
		uring_remove(e->ring, (uint64_t)token);
	else
		result = shown_drain(e->shown, (uint64_t)token);
	(void)watch(e, EPOLL_CTL_DEL, (uint64_t)token, 0); /* with io_uring it may never have been there */
	return result;
}

/*
 * Drains what was peeked in the last turn (of io_uring alone: epoll does so by itself), receives for the sessions in again (left over
 * from earlier turns), then waits at most timeout ms, spinning first, and receives for all that are ready. Returns how many events it
 * wrote, or -errno.
 */
JAVA(jint, receive)(JNIEnv *env, jclass class, jlong engine, jlong arena, jint arena_size, jint slice, jlong events, jint event_room,
    jlong again, jint again_count, jlong drains, jint drain_count, jlong modes, jint timeout_millis, jlong spin_nanos)
{
	(void)env, (void)class;
	struct engine *e = engine_at(engine);
	struct turn t = {
		.arena = (char *)(uintptr_t)arena,
		.arena_size = (size_t)arena_size,
		.slice = (size_t)slice,
		.events = (struct event *)(uintptr_t)events,
		.room = event_room,
		.modes = (const uint8_t *)(uintptr_t)modes,
		.alarm = &e->alarm,
		.alone = &e->alone,
		.shown = e->shown,
	};
	const uint64_t *left_over = (const uint64_t *)(uintptr_t)again;
	const struct drain *peeked = (const struct drain *)(uintptr_t)drains;

	if (timeout_millis > 0)
		alarm_within(&e->alarm, timeout_millis);
	if (e->ring != NULL)
		return uring_receive(e->ring, &t, left_over, again_count, peeked, drain_count, timeout_millis > 0 ? -1 : 0, spin_nanos);
	assert(drain_count == 0);
	return epoll_receive(&t, left_over, again_count, timeout_millis > 0, spin_nanos);
}

JAVA(jint, eventfd)(JNIEnv *env, jclass class)
{
	(void)env, (void)class;
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

JAVA(jint, wake)(JNIEnv *env, jclass class, jint fd)
{
	(void)env, (void)class;
	uint64_t one = 1;
	ssize_t n = write(fd, &one, sizeof one);
	return n < 0 && errno != EAGAIN ? -errno : 0;
}
/* Keeps the calling thread on one of the processors that it may use, and returns its number. */
JAVA(jint, pin)(JNIEnv *env, jclass class, jint index)
{
	(void)env, (void)class;
	cpu_set_t allowed, one;
	if (sched_getaffinity(0, sizeof allowed, &allowed) < 0)
		return -errno;
	int wanted = index % CPU_COUNT(&allowed);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &allowed) || wanted-- > 0)
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		return sched_setaffinity(0, sizeof one, &one) < 0 ? -errno : cpu;
	}
	return -EINVAL;
}

/* Lets the calling thread run where the process's first one may: it is kept on a processor if one that is pinned has started it. */
JAVA(jint, unpin)(JNIEnv *env, jclass class)
{
	(void)env, (void)class;
	cpu_set_t allowed;
	return sched_getaffinity(getpid(), sizeof allowed, &allowed) < 0 || sched_setaffinity(0, sizeof allowed, &allowed) < 0 ? -errno : 0;
}

JAVA(jint, runnableThreads)(JNIEnv *env, jclass class)
{
	(void)env, (void)class;
	char text[64];
	int running;
	int fd = open("/proc/loadavg", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ssize_t n = read(fd, text, sizeof text - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return sscanf(text, "%*s %*s %*s %d/", &running) == 1 ? running : -EINVAL;
}
