/* What the two engines share: a turn of an event loop, the events it brings, and the tokens that name who they are of. */
#ifndef OBJMAPPER_ENGINE_H
#define OBJMAPPER_ENGINE_H

#include <jni.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "alarm.h"
#include "alone.h"

#define JAVA(type, name) JNIEXPORT type JNICALL Java_org_objmapper_nativeio_NativeIo_##name

enum { EVENTS_PER_WAIT = 256, DESCRIPTORS_PER_EVENT = 288, ACCEPTS_PER_TURN = 16 };

/* A token is kind << 56 | slot << 32 | descriptor. */
enum token_kind { SESSION = 0, LISTENER = 1, WAKEUP = 2, ALARM = 3 };

static inline int token_kind(uint64_t token) { return (int)(token >> 56); }
static inline uint32_t token_slot(uint64_t token) { return (uint32_t)(token >> 32) & 0xffffff; }
static inline int token_fd(uint64_t token) { return (int)(uint32_t)token; }

enum event_flags { MORE = 1, LOST = 2, WRITABLE = 4, ENDED = 8, ACCEPTED = 16, UNREAD = 32, FOUND_AWAKE = 64, PEEKED = 128 };

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

/* How a session's input is taken, by slot. Peeked bytes stay in the socket until they are drained: taking them out wakes their sender,
 * who waits for the answer and not for that. A session that is ALONE (alone.h) profits from being woken. */
enum input_mode { PEEK = 0, PAUSED = 1, RECEIVE = 2, ALONE = 3 };

/* What epoll always says of a session. */
enum { SESSION_EVENTS = EPOLLIN | EPOLLRDHUP | (int)EPOLLET };

/* Peeked bytes that are answered. */
struct drain {
	uint64_t token;
	int64_t length;
};
_Static_assert(sizeof(struct drain) == 16, "mirrored in NativeIo.java");

struct shown;

/* What one turn receives into. */
struct turn {
	char *arena;
	size_t arena_used, arena_size, slice;
	struct event *events;
	int count, room;
	const uint8_t *modes;
	struct alarm *alarm;
	struct alone *alone; /* of the engine epoll, as shown is */
	struct shown *shown; /* NULL: a ring peeks at input, and epoll says of sessions only that they can be written to */
};

struct event *new_event(struct turn *t, uint64_t token);

/* Takes so many bytes of the arena. */
void use_arena(struct turn *t, size_t bytes);

/* Receives or peeks for a session, as its mode says, into the arena. */
void receive_session(struct turn *t, uint64_t token, uint32_t flags, int may_have_ended);

/* What epoll said of so many; there is room for an event of each. */
void take_ready(struct turn *t, const struct epoll_event *ready, int count);

/* How many events epoll may still bring in this turn. */
int room_for_ready(const struct turn *t);

/* Takes peeked bytes out of a session's socket; 0, or -errno. */
int drain_peeked(const struct drain *d, char *scratch);

int64_t now_nanos(void);

struct uring;

/* An event loop's way to the kernel: one of the two is NULL. */
struct engine {
	int epoll;
	struct alarm alarm;
	struct uring *ring;  /* of the engine io_uring */
	struct shown *shown; /* of the engine epoll */
	struct alone alone;  /* of that too */
};

#endif
