/* The receiving half of an event loop's turn, as far as both engines do the same. */
#include "engine.h"

#include <assert.h>
#include <errno.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "fdpass.h"
#include "shown.h"

/* The kernel takes twice of it of a session's replies, and any user may ask for as much: a piece of a body fits in at once. */
enum { SEND_BUFFER = 212992 };

int64_t now_nanos(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

struct event *new_event(struct turn *t, uint64_t token)
{
	assert(t->count < t->room);
	struct event *e = &t->events[t->count++];
	e->token = token;
	e->result = 0;
	e->flags = 0;
	e->offset = (uint32_t)t->arena_used;
	e->descriptor_count = 0;
	e->largest_message = 0;
	return e;
}

void use_arena(struct turn *t, size_t bytes)
{
	t->arena_used += (bytes + 63) & ~(size_t)63;
	if (t->arena_used > t->arena_size)
		t->arena_used = t->arena_size;
}

/* Looks at what waits in the socket and leaves it there; 0 where descriptors wait with it, and it has to be received. */
static int peek(const struct turn *t, struct event *e, size_t limit)
{
	int with_descriptors;
	ssize_t n = fdpass_peek(token_fd(e->token), t->arena + e->offset, limit, &with_descriptors);
	if (n == -EAGAIN)
		return 1;
	if (n <= 0) {
		e->flags |= ENDED;
		return 1;
	}
	if (with_descriptors)
		return 0;
	e->result = (int32_t)n;
	e->flags |= PEEKED;
	return 1;
}

/*
 * Looks at what the socket has behind what was shown already, and leaves it there; 0 where descriptors wait with it, and it has to be
 * received. A look that brings less than there is room for saw all, and what comes later is an event; so is the end, which may have come.
 */
static int peek_further(const struct turn *t, struct event *e, size_t limit, int may_have_ended)
{
	for (;;) {
		size_t room = limit - (size_t)e->result;
		int with_descriptors;
		if (room == 0) {
			e->flags |= MORE;
			return 1;
		}
		ssize_t n = fdpass_peek(token_fd(e->token), t->arena + e->offset + e->result, room, &with_descriptors);
		if (n == -EAGAIN)
			return 1;
		if (n > 0 && with_descriptors)
			return 0;
		if (n <= 0) {
			e->flags |= ENDED;
			return 1;
		}
		shown_add(t->shown, e->token, (size_t)n);
		e->result += (int32_t)n;
		if ((size_t)n < room && !may_have_ended)
			return 1;
	}
}

/*
 * Reads until the socket is empty, the session's slice is full, or another message's descriptors might not fit. What brings less than
 * there is room for, and no descriptors, has left nothing: the kernel is not asked once more only to say so, unless the end may have come.
 */
static void receive(const struct turn *t, struct event *e, size_t limit, int may_have_ended)
{
	for (;;) {
		unsigned arrived;
		size_t room = limit - (size_t)e->result;
		if (room == 0 || e->descriptor_count > DESCRIPTORS_PER_EVENT - FDPASS_MAX) {
			e->flags |= MORE;
			break;
		}
		ssize_t n = fdpass_receive(token_fd(e->token), t->arena + e->offset + e->result, room,
		    e->descriptors + e->descriptor_count, FDPASS_MAX, &arrived, MSG_DONTWAIT);
		e->descriptor_count += arrived;
		if (arrived > e->largest_message)
			e->largest_message = arrived;
		if (n == -EAGAIN)
			break;
		if (n == -EMFILE) {
			e->flags |= LOST;
			break;
		}
		if (n <= 0) {
			e->flags |= ENDED;
			break;
		}
		e->result += (int32_t)n;
		if ((size_t)n < room && arrived == 0 && !may_have_ended)
			break;
	}
}

void receive_session(struct turn *t, uint64_t token, uint32_t flags, int may_have_ended)
{
	struct event *e = new_event(t, token);
	int mode = t->modes[token_slot(token)];
	size_t left = t->arena_size - t->arena_used;
	size_t limit = t->slice < left ? t->slice : left;

	e->flags = flags;
	if (mode == PAUSED) {
		e->flags |= UNREAD;
		return;
	}
	if (mode == ALONE && t->shown != NULL)
		alone_begin(t->alone, token);
	int is_peeked = mode == PEEK && limit > 0 && (t->shown != NULL ? peek_further(t, e, limit, may_have_ended) : peek(t, e, limit));
	if (!is_peeked && t->shown != NULL && shown_drain(t->shown, token) < 0)
		e->flags |= ENDED; /* what was answered would be answered once more */
	else if (!is_peeked)
		receive(t, e, limit, may_have_ended);
	use_arena(t, (size_t)e->result);
}

int drain_peeked(const struct drain *d, char *scratch)
{
	ssize_t n;
	do
		n = recv(token_fd(d->token), scratch, (size_t)d->length, MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n == d->length ? 0 : -EIO;
}

/* Leaves room for an event of each of so many others; who finds none is accepted in a later turn. */
static void accept_sessions(struct turn *t, uint64_t token, int others)
{
	for (int i = 0; i < ACCEPTS_PER_TURN && t->count < t->room - others; i++) {
		int fd = accept4(token_fd(token), NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0 && (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED))
			return;
		struct event *e = new_event(t, token);
		e->flags = ACCEPTED;
		if (fd < 0) {
			e->result = -errno;
			return;
		}
		int room = SEND_BUFFER;
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
		int error = t->shown != NULL ? shown_begin(fd) : 0;
		if (error < 0) {
			close(fd);
			e->result = error;
			return;
		}
		struct ucred peer = { .pid = -1, .uid = (uid_t)65534, .gid = (gid_t)65534 };
		socklen_t size = sizeof peer;
		(void)getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size);
		e->result = fd;
		e->descriptors[0] = (int32_t)peer.uid;
		e->descriptors[1] = (int32_t)peer.gid;
		e->descriptors[2] = (int32_t)peer.pid;
	}
}

static void drain_wakeup(int fd)
{
	uint64_t count;
	while (read(fd, &count, sizeof count) < 0 && errno == EINTR)
		;
}

/* A session that became writable and has nothing to read is not read from. */
static void ready_session(struct turn *t, uint64_t token, uint32_t events)
{
	uint32_t flags = (events & EPOLLOUT) ? WRITABLE : 0;
	int may_have_ended = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;

	if (t->shown != NULL && ((events & EPOLLIN) || may_have_ended))
		receive_session(t, token, flags, may_have_ended);
	else
		new_event(t, token)->flags = flags;
}

void take_ready(struct turn *t, const struct epoll_event *ready, int count)
{
	for (int i = 0; i < count; i++) {
		uint64_t token = ready[i].data.u64;
		if (token_kind(token) == ALARM) {
			alarm_rang(t->alarm);
			if (t->shown != NULL)
				shown_drain_idle(t->shown);
		} else if (token_kind(token) == WAKEUP) {
			drain_wakeup(token_fd(token));
			new_event(t, token);
		} else if (token_kind(token) == LISTENER) {
			accept_sessions(t, token, count - i - 1);
		} else {
			ready_session(t, token, ready[i].events);
		}
	}
}

int room_for_ready(const struct turn *t)
{
	int room = t->room - t->count - 2 * ACCEPTS_PER_TURN;
	return room < EVENTS_PER_WAIT ? room : EVENTS_PER_WAIT;
}
