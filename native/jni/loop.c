/*
 * The event loop's system calls in batches: one call that waits and receives for every session, one that sends for every session.
 * Nothing here throws; a result below 0 is -errno. The layouts are mirrored in NativeIo.java, field by field.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <jni.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <linux/openat2.h>
#include <linux/sockios.h>

#include "fdpass.h"

#define JAVA(type, name) JNIEXPORT type JNICALL Java_org_objmapper_nativeio_NativeIo_##name

/* The kernel takes twice of it of a session's replies, and any user may ask for as much: a piece of a body fits in at once. */
enum { SEND_BUFFER = 212992 };
enum { EVENTS_PER_WAIT = 256, DESCRIPTORS_PER_EVENT = 288, ACCEPTS_PER_TURN = 16 };

/* A token is kind << 56 | slot << 32 | descriptor. */
enum token_kind { SESSION = 0, LISTENER = 1, WAKEUP = 2 };

enum event_flags { MORE = 1, LOST = 2, WRITABLE = 4, ENDED = 8, ACCEPTED = 16, UNREAD = 32, FOUND_AWAKE = 64 };

struct event {
	uint64_t token;
	int32_t result; /* bytes received; -errno; the new socket of an ACCEPTED */
	uint32_t flags;
	uint32_t offset; /* of the bytes in the arena */
	uint32_t descriptor_count;
	uint32_t largest_message; /* descriptors that came in one message, at most */
	int32_t descriptors[DESCRIPTORS_PER_EVENT]; /* ACCEPTED: uid, gid, pid */
};
_Static_assert(sizeof(struct event) == 1184, "mirrored in NativeIo.java");

/* What one turn receives into. */
struct turn {
	char *arena;
	size_t arena_used, arena_size, slice;
	struct event *events;
	int count, room;
	const uint8_t *paused; /* by slot */
};

static int token_kind(uint64_t token) { return (int)(token >> 56); }
static uint32_t token_slot(uint64_t token) { return (uint32_t)(token >> 32) & 0xffffff; }
static int token_fd(uint64_t token) { return (int)(uint32_t)token; }

static struct event *new_event(struct turn *t, uint64_t token)
{
	assert(t->count < t->room);
	struct event *e = &t->events[t->count++];
	e->token = token;
	e->result = 0;
	e->flags = 0;
	e->offset = 0;
	e->descriptor_count = 0;
	e->largest_message = 0;
	return e;
}

/*
 * Reads until the socket is empty, the session's slice is full, or another message's descriptors might not fit. Where the kernel says
 * how much is left, it is not asked once more only to hear that there is nothing, unless the end may have come: that is an event too.
 */
static void receive_session(struct turn *t, uint64_t token, uint32_t flags, int may_have_ended)
{
	struct event *e = new_event(t, token);
	size_t limit = t->slice;

	e->flags = flags;
	if (t->paused[token_slot(token)]) {
		e->flags |= UNREAD;
		return;
	}
	if (limit > t->arena_size - t->arena_used)
		limit = t->arena_size - t->arena_used;
	e->offset = (uint32_t)t->arena_used;
	for (;;) {
		unsigned arrived;
		int left;
		if ((size_t)e->result == limit || e->descriptor_count > DESCRIPTORS_PER_EVENT - FDPASS_MAX) {
			e->flags |= MORE;
			break;
		}
		ssize_t n = fdpass_receive_telling(token_fd(token), t->arena + e->offset + e->result, limit - (size_t)e->result,
		    e->descriptors + e->descriptor_count, &arrived, &left, MSG_DONTWAIT);
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
		if (left == 0 && !may_have_ended)
			break;
	}
	t->arena_used += ((size_t)e->result + 63) & ~(size_t)63;
	if (t->arena_used > t->arena_size)
		t->arena_used = t->arena_size;
}

/* What epoll says of a session; one that became writable and has nothing to read is not read from. */
static void ready_session(struct turn *t, uint64_t token, uint32_t events)
{
	uint32_t flags = (events & EPOLLOUT) ? WRITABLE : 0;
	int may_have_ended = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;

	if ((events & EPOLLIN) || may_have_ended)
		receive_session(t, token, flags, may_have_ended);
	else
		new_event(t, token)->flags = flags;
}

static void accept_sessions(struct turn *t, uint64_t token)
{
	for (int i = 0; i < ACCEPTS_PER_TURN && t->count < t->room; i++) {
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
		fdpass_tell_left(fd);
		struct ucred peer = { .pid = -1, .uid = (uid_t)65534, .gid = (gid_t)65534 };
		socklen_t size = sizeof peer;
		(void)getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size);
		e->result = fd;
		e->descriptors[0] = (int32_t)peer.uid;
		e->descriptors[1] = (int32_t)peer.gid;
		e->descriptors[2] = (int32_t)peer.pid;
	}
}

static int64_t now_nanos(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void drain_wakeup(int fd)
{
	uint64_t count;
	while (read(fd, &count, sizeof count) < 0 && errno == EINTR)
		;
}

/* Looks for events again and again for so many nanoseconds, and lets others run between. */
static int spin_for_events(int epoll, struct epoll_event *ready, int room, int64_t nanos)
{
	int64_t end = now_nanos() + nanos;
	int n;
	while ((n = epoll_wait(epoll, ready, room, 0)) == 0 && now_nanos() < end)
		sched_yield();
	return n;
}

/*
 * Receives for the sessions in again (left over from earlier turns), then waits at most timeout ms, spinning first, and receives for all
 * that are ready. Returns how many events it wrote.
 */
JAVA(jint, receive)(JNIEnv *env, jclass class, jint epoll, jlong arena, jint arena_size, jint slice, jlong events, jint event_room,
    jlong again, jint again_count, jlong paused, jint timeout_millis, jlong spin_nanos)
{
	(void)env, (void)class;
	struct epoll_event ready[EVENTS_PER_WAIT];
	const uint64_t *left_over = (const uint64_t *)(uintptr_t)again;
	struct turn t = {
		.arena = (char *)(uintptr_t)arena,
		.arena_size = (size_t)arena_size,
		.slice = (size_t)slice,
		.events = (struct event *)(uintptr_t)events,
		.room = event_room,
		.paused = (const uint8_t *)(uintptr_t)paused,
	};

	assert(event_room >= again_count + 2 * ACCEPTS_PER_TURN);
	for (int i = 0; i < again_count; i++)
		receive_session(&t, left_over[i], 0, 1);
	int want = t.room - t.count - 2 * ACCEPTS_PER_TURN;
	if (want > EVENTS_PER_WAIT)
		want = EVENTS_PER_WAIT;
	if (want <= 0)
		return t.count;
	int n = spin_nanos > 0 ? spin_for_events(epoll, ready, want, spin_nanos) : 0;
	int found_awake = n > 0;
	if (n == 0)
		n = epoll_wait(epoll, ready, want, t.count > 0 ? 0 : timeout_millis);
	if (n < 0)
		return errno == EINTR ? t.count : -errno;
	for (int i = 0; i < n; i++) {
		uint64_t token = ready[i].data.u64;
		if (token_kind(token) == WAKEUP) {
			drain_wakeup(token_fd(token));
			new_event(&t, token);
		} else if (token_kind(token) == LISTENER) {
			accept_sessions(&t, token);
		} else {
			ready_session(&t, token, ready[i].events);
		}
	}
	if (found_awake && t.count > 0)
		t.events[0].flags |= FOUND_AWAKE;
	return t.count;
}

enum command_kind { BYTES = 0, FILE_BY_SENDFILE = 1, FILE_BY_COPY = 2, FILE_BY_SENDFILE_UNCHECKED = 3, BYTES_ONCE_ALL_IS_READ = 4 };

/* A descriptor to pass: a fresh description of the file, opened by its name, or where that is gone through the open one; or the open
 * one itself. */
struct passed {
	int32_t open;
	int32_t directory;
	int64_t path; /* address, 0 or PASS_ITSELF */
};
enum { PASS_ITSELF = -1 };
_Static_assert(sizeof(struct passed) == 16, "mirrored in NativeIo.java");

struct command {
	int32_t socket;
	int32_t kind;
	int64_t address; /* of the bytes; or the file's offset */
	int64_t length;
	int32_t file;
	int32_t descriptor_count;
	int64_t descriptors; /* address of an array of struct passed */
	int64_t result;      /* bytes sent, or -errno with nothing sent; -ENODATA: the file's bytes are not in memory;
	                        -EBUSY: the peer has not read what was sent before */
};
_Static_assert(sizeof(struct command) == 48, "mirrored in NativeIo.java");

enum { PAGE = 4096, RESIDENCY_SLICE = 256 * 1024 };

/* Whether all pages of a slice are in the page cache; best effort, they may leave at any time. */
static int is_resident(int file, int64_t offset, int64_t length)
{
	unsigned char pages[RESIDENCY_SLICE / PAGE + 1];
	int64_t start = offset & ~(int64_t)(PAGE - 1);
	size_t size = (size_t)(offset + length - start);
	int resident = 1;

	void *map = mmap(NULL, size, PROT_READ, MAP_SHARED, file, start);
	if (map == MAP_FAILED)
		return 0;
	if (mincore(map, size, pages) != 0)
		resident = 0;
	for (size_t i = 0; resident && i < (size + PAGE - 1) / PAGE; i++)
		resident = pages[i] & 1;
	munmap(map, size);
	return resident;
}

static int64_t send_by_sendfile(struct command *c, int check)
{
	int64_t done = 0;

	while (done < c->length) {
		int64_t slice = c->length - done < RESIDENCY_SLICE ? c->length - done : RESIDENCY_SLICE;
		off_t offset = c->address + done;
		if (check && !is_resident(c->file, offset, slice))
			return done > 0 ? done : -ENODATA;
		ssize_t n = sendfile(c->socket, c->file, &offset, (size_t)slice);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return done > 0 ? done : n < 0 ? -errno : -EIO; /* 0: the file is shorter than its object */
		done += n;
		if (n < slice)
			break;
	}
	return done;
}

static int64_t send_by_copy(struct command *c, char *scratch, size_t scratch_size)
{
	int64_t done = 0;

	while (done < c->length) {
		size_t slice = c->length - done < (int64_t)scratch_size ? (size_t)(c->length - done) : scratch_size;
		struct iovec iov = { scratch, slice };
		ssize_t filled = preadv2(c->file, &iov, 1, c->address + done, RWF_NOWAIT);
		if (filled < 0 && errno == EINTR)
			continue;
		if (filled < 0 && (errno == EAGAIN || errno == EOPNOTSUPP))
			return done > 0 ? done : -ENODATA;
		if (filled <= 0)
			return done > 0 ? done : -EIO;
		ssize_t n = fdpass_send(c->socket, scratch, (size_t)filled, NULL, 0);
		if (n < 0)
			return done > 0 ? done : n;
		done += n;
		if (n < filled)
			break;
	}
	return done;
}

/* Each receiver gets an open file description of its own, so that one's read() does not move another's offset. */
static int open_afresh(const struct passed *p)
{
	struct open_how how = { .flags = O_RDONLY | O_CLOEXEC, .resolve = RESOLVE_CACHED };
	char self[32];
	int fd = -1;

	if (p->path != 0)
		fd = (int)syscall(SYS_openat2, p->directory, (const char *)(uintptr_t)p->path, &how, sizeof how);
	if (fd < 0 && !(p->path != 0 && (errno == EMFILE || errno == ENFILE))) {
		snprintf(self, sizeof self, "/proc/self/fd/%d", p->open);
		fd = open(self, O_RDONLY | O_CLOEXEC);
	}
	return fd < 0 ? -errno : fd;
}

static int64_t send_bytes(const struct command *c)
{
	const struct passed *passed = (const struct passed *)(uintptr_t)c->descriptors;
	int fds[FDPASS_MAX];
	int ready = 0;
	int64_t result = 0;

	assert(c->descriptor_count <= FDPASS_MAX);
	while (ready < c->descriptor_count && result == 0) {
		const struct passed *p = &passed[ready];
		fds[ready] = p->path == PASS_ITSELF ? p->open : open_afresh(p);
		if (fds[ready] < 0)
			result = fds[ready];
		else
			ready++;
	}
	if (result == 0)
		result = fdpass_send(c->socket, (const void *)(uintptr_t)c->address, (size_t)c->length, fds, (unsigned)ready);
	for (int i = 0; i < ready; i++)
		if (passed[i].path != PASS_ITSELF)
			close(fds[i]);
	return result;
}

JAVA(jint, reopen)(JNIEnv *env, jclass class, jint open, jint directory, jlong path)
{
	(void)env, (void)class;
	return open_afresh(&(struct passed) { .open = open, .directory = directory, .path = path });
}

/* Every packet is accounted with more than this; less is what the kernel holds for itself while it frees the last one. */
enum { SMALLEST_PACKET = 256 };

static int peer_has_read_all(int socket)
{
	int unread = 0;
	return ioctl(socket, SIOCOUTQ, &unread) == 0 && unread < SMALLEST_PACKET;
}

/* Carries out the commands in order; those behind one that was not finished, on the same socket, get -ECANCELED. */
JAVA(void, send)(JNIEnv *env, jclass class, jlong commands, jint count, jlong scratch, jint scratch_size)
{
	(void)env, (void)class;
	struct command *all = (struct command *)(uintptr_t)commands;
	int stuck = -1;

	for (int i = 0; i < count; i++) {
		struct command *c = &all[i];
		if (c->socket == stuck) {
			c->result = -ECANCELED;
			continue;
		}
		if (c->kind == BYTES)
			c->result = send_bytes(c);
		else if (c->kind == BYTES_ONCE_ALL_IS_READ)
			c->result = peer_has_read_all(c->socket) ? send_bytes(c) : -EBUSY;
		else if (c->kind == FILE_BY_COPY)
			c->result = send_by_copy(c, (char *)(uintptr_t)scratch, (size_t)scratch_size);
		else
			c->result = send_by_sendfile(c, c->kind == FILE_BY_SENDFILE);
		if (c->result != c->length)
			stuck = c->socket;
	}
}

JAVA(jint, epollCreate)(JNIEnv *env, jclass class)
{
	(void)env, (void)class;
	int fd = epoll_create1(EPOLL_CLOEXEC);
	return fd < 0 ? -errno : fd;
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

/* Sessions are edge-triggered for both directions; listeners and wake-ups are level-triggered. */
JAVA(jint, epollAdd)(JNIEnv *env, jclass class, jint epoll, jint fd, jlong token)
{
	(void)env, (void)class;
	struct epoll_event e = { .data.u64 = (uint64_t)token };
	e.events = token_kind((uint64_t)token) == SESSION ? EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET : EPOLLIN;
	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) < 0 ? -errno : 0;
}

JAVA(jint, epollRemove)(JNIEnv *env, jclass class, jint epoll, jint fd)
{
	(void)env, (void)class;
	return epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL) < 0 ? -errno : 0;
}

/* Keeps the calling thread on one of the processors that it may use. */
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
		return sched_setaffinity(0, sizeof one, &one) < 0 ? -errno : 0;
	}
	return -EINVAL;
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
