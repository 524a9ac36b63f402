#include "uring.h"

#include <assert.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/io_uring.h>
#include <linux/time_types.h>

enum { ENTRIES = 1024, COMPLETIONS = 4096 };
/* What a session's peek shows; where more waits, it is peeked once more, into the arena. */
enum { PEEK_ROOM = 1024 };

/* What a completion is of: request << 56 | slot << 32 | generation of the slot. */
enum request { PEEKING = 1, DRAINING = 2, LISTENING = 3 };

/* A session's request, which waits for its input. */
struct slot {
	uint64_t token;
	int taken;
	uint32_t generation; /* counts the sessions that had the slot: what was asked for an earlier one is passed over */
	int waiting;
	struct msghdr message;
	struct iovec room;
};

struct uring {
	int fd;
	void *rings;
	size_t rings_size;
	struct io_uring_sqe *entries;
	size_t entries_size;
	unsigned *entry_tail, *entry_flags, entry_mask, entry_count;
	unsigned queued; /* entries that the kernel has not been told of */
	const struct io_uring_cqe *completions;
	unsigned *completion_head, *completion_tail, completion_mask;

	int epoll, epoll_waits;
	uint32_t slot_count;
	struct slot *slots;
	char *peeked;
	size_t peeked_size;
	uint64_t *to_wait; /* sessions that wait again from the next turn on */
	uint32_t to_wait_count;
};

static int enter(const struct uring *u, unsigned submit, unsigned least, unsigned flags, const void *arg, size_t size)
{
	int n = (int)syscall(SYS_io_uring_enter, u->fd, submit, least, flags, arg, size);
	return n < 0 ? -errno : n;
}

/* Hands over what is queued. */
static void submit(struct uring *u)
{
	while (u->queued > 0) {
		int n = enter(u, u->queued, 0, 0, NULL, 0);
		if (n == -EINTR || n == -EAGAIN || n == -EBUSY)
			n = enter(u, u->queued, 0, IORING_ENTER_GETEVENTS, NULL, 0); /* makes room for completions */
		if (n > 0)
			u->queued -= (unsigned)n;
	}
}

static struct io_uring_sqe *new_entry(struct uring *u)
{
	if (u->queued == u->entry_count)
		submit(u);
	unsigned tail = *u->entry_tail;
	struct io_uring_sqe *e = &u->entries[tail & u->entry_mask];
	memset(e, 0, sizeof *e);
	__atomic_store_n(u->entry_tail, tail + 1, __ATOMIC_RELEASE);
	u->queued++;
	return e;
}

static uint64_t name_of(enum request kind, uint32_t slot, uint32_t generation)
{
	return (uint64_t)kind << 56 | (uint64_t)slot << 32 | generation;
}

static void wait_for_epoll(struct uring *u)
{
	if (u->epoll_waits)
		return;
	struct io_uring_sqe *e = new_entry(u);
	e->opcode = IORING_OP_POLL_ADD;
	e->fd = u->epoll;
	e->poll32_events = EPOLLIN;
	e->user_data = name_of(LISTENING, 0, 0);
	u->epoll_waits = 1;
}

/* Has a session's input peeked as soon as there is some. The poll comes first: mostly there is none yet. */
static void wait_for_input(struct uring *u, uint64_t token)
{
	uint32_t number = token_slot(token);
	struct slot *s = &u->slots[number];
	if (s->waiting || !s->taken || s->token != token)
		return;
	s->room = (struct iovec){ .iov_base = u->peeked + (size_t)number * PEEK_ROOM, .iov_len = PEEK_ROOM };
	s->message = (struct msghdr){ .msg_iov = &s->room, .msg_iovlen = 1 };
	s->waiting = 1;
	struct io_uring_sqe *e = new_entry(u);
	e->opcode = IORING_OP_RECVMSG;
	e->fd = token_fd(token);
	e->addr = (uint64_t)(uintptr_t)&s->message;
	e->len = 1;
	e->ioprio = IORING_RECVSEND_POLL_FIRST;
	e->msg_flags = MSG_PEEK;
	e->user_data = name_of(PEEKING, number, s->generation);
}

/* A drain that does what it should says nothing. */
static void drain(struct uring *u, const struct drain *d, char *scratch)
{
	uint32_t number = token_slot(d->token);
	struct io_uring_sqe *e = new_entry(u);
	e->opcode = IORING_OP_RECV;
	e->flags = IOSQE_CQE_SKIP_SUCCESS;
	e->fd = token_fd(d->token);
	e->addr = (uint64_t)(uintptr_t)scratch;
	e->len = (uint32_t)d->length;
	e->msg_flags = MSG_DONTWAIT | MSG_WAITALL; /* less than all is a failure */
	e->user_data = name_of(DRAINING, number, u->slots[number].generation);
}

static void wait_next_turn(struct uring *u, uint64_t token)
{
	u->to_wait[u->to_wait_count++] = token;
}

void uring_add(struct uring *u, uint64_t token)
{
	struct slot *s = &u->slots[token_slot(token)];
	assert(token_slot(token) < u->slot_count && !s->waiting);
	s->token = token;
	s->taken = 1;
	s->generation++;
	wait_next_turn(u, token);
}

void uring_remove(struct uring *u, uint64_t token)
{
	struct slot *s = &u->slots[token_slot(token)];
	if (!s->taken || s->token != token)
		return;
	if (s->waiting) { /* the request would keep the socket open */
		struct io_uring_sync_cancel_reg r = {
			.addr = name_of(PEEKING, token_slot(token), s->generation),
			.timeout = { .tv_sec = -1, .tv_nsec = -1 },
		};
		(void)syscall(SYS_io_uring_register, u->fd, IORING_REGISTER_SYNC_CANCEL, &r, 1);
		(void)enter(u, 0, 0, IORING_ENTER_GETEVENTS, NULL, 0); /* it lets go of the socket only now */
	}
	uint32_t kept = 0;
	for (uint32_t i = 0; i < u->to_wait_count; i++)
		if (u->to_wait[i] != token)
			u->to_wait[kept++] = u->to_wait[i];
	u->to_wait_count = kept;
	s->generation++;
	s->waiting = 0;
	s->taken = 0;
}

/* Waits until there is a completion, or for timeout ms, -1 for ever; hands over what is queued by the same call. */
static int wait_for_completions(struct uring *u, int timeout_millis)
{
	struct __kernel_timespec time = { .tv_sec = timeout_millis / 1000, .tv_nsec = timeout_millis % 1000 * 1000000LL };
	struct io_uring_getevents_arg arg = { .ts = timeout_millis > 0 ? (uint64_t)(uintptr_t)&time : 0 };
	int n = enter(
	    u, u->queued, timeout_millis == 0 ? 0 : 1, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &arg, sizeof arg);
	if (n > 0)
		u->queued -= (unsigned)n;
	return n < 0 && n != -ETIME && n != -EINTR && n != -EAGAIN && n != -EBUSY ? n : 0;
}

static int has_completions(const struct uring *u)
{
	return *u->completion_head != __atomic_load_n(u->completion_tail, __ATOMIC_ACQUIRE);
}

/* Looks for completions for so many nanoseconds, without a system call while there are none, and lets others run between. */
static int spin_for_completions(struct uring *u, int64_t nanos)
{
	int64_t end = now_nanos() + nanos;
	submit(u);
	do {
		if (__atomic_load_n(u->entry_flags, __ATOMIC_RELAXED) & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW))
			(void)wait_for_completions(u, 0);
		if (has_completions(u))
			return 1;
		sched_yield();
	} while (now_nanos() < end);
	return 0;
}

/* A session's input was peeked, or has to be received after all; or there is none any more. */
static void take_input(struct uring *u, struct turn *t, struct slot *s, int32_t result)
{
	uint64_t token = s->token;
	int mode = t->modes[token_slot(token)];
	int is_whole = result > 0 && result < PEEK_ROOM && !(s->message.msg_flags & MSG_CTRUNC);

	s->waiting = 0;
	if (result < 0 && (result == -EAGAIN || result == -EINTR || result == -ECANCELED)) {
		wait_next_turn(u, token);
	} else if ((mode == PEEK || mode == ALONE) && is_whole && t->arena_size - t->arena_used >= PEEK_ROOM) {
		struct event *e = new_event(t, token);
		e->result = result;
		e->flags = PEEKED;
		memcpy(t->arena + e->offset, s->room.iov_base, (size_t)result);
		use_arena(t, (size_t)result);
	} else if (mode == PAUSED || result > 0) {
		receive_session(t, token, 0, 0);
		struct event *e = &t->events[t->count - 1];
		e->flags &= ~(uint32_t)MORE; /* a request that waits for input sees what is left */
		if (!(e->flags & (UNREAD | LOST | ENDED | PEEKED)))
			wait_next_turn(u, token);
	} else {
		new_event(t, token)->flags = ENDED;
	}
}

static void take_completion(struct uring *u, struct turn *t, const struct io_uring_cqe *c)
{
	enum request kind = (enum request)(c->user_data >> 56);
	struct slot *s = &u->slots[(c->user_data >> 32) & 0xffffff];

	if (kind == LISTENING) {
		struct epoll_event ready[EVENTS_PER_WAIT];
		int n = epoll_wait(u->epoll, ready, room_for_ready(t), 0);
		u->epoll_waits = 0;
		take_ready(t, ready, n < 0 ? 0 : n);
	} else if (s->generation == (uint32_t)c->user_data) {
		if (kind == PEEKING)
			take_input(u, t, s, c->res);
		else
			new_event(t, s->token)->flags = ENDED; /* what was answered can't be drained, and would be answered once more */
	}
}

int uring_receive(struct uring *u, struct turn *t, const uint64_t *again, int again_count, const struct drain *drains, int drain_count,
    int timeout_millis, int64_t spin_nanos)
{
	for (int i = 0; i < drain_count; i++) {
		drain(u, &drains[i], t->arena);
		wait_for_input(u, drains[i].token);
	}
	for (uint32_t i = 0; i < u->to_wait_count; i++)
		wait_for_input(u, u->to_wait[i]);
	u->to_wait_count = 0;
	for (int i = 0; i < again_count; i++)
		wait_for_input(u, again[i]);
	wait_for_epoll(u);

	int may_wait = timeout_millis != 0 && !has_completions(u);
	int found_awake = may_wait && spin_nanos > 0 && spin_for_completions(u, spin_nanos);
	if (!found_awake) {
		int error = wait_for_completions(u, may_wait ? timeout_millis : 0);
		if (error < 0)
			return error;
	}
	while (has_completions(u) && room_for_ready(t) > 0) {
		struct io_uring_cqe c = u->completions[*u->completion_head & u->completion_mask];
		__atomic_store_n(u->completion_head, *u->completion_head + 1, __ATOMIC_RELEASE);
		take_completion(u, t, &c);
	}
	if (found_awake && t->count > 0)
		t->events[0].flags |= FOUND_AWAKE;
	return t->count;
}

int uring_start(struct uring *u)
{
	return (int)syscall(SYS_io_uring_register, u->fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0) < 0 ? -errno : 0;
}

static void *memory(size_t size, int fd, off_t offset)
{
	int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE : MAP_SHARED | MAP_POPULATE;
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, offset);
	return p == MAP_FAILED ? NULL : p;
}

static int map_rings(struct uring *u, const struct io_uring_params *p)
{
	size_t ends[] = { p->sq_off.array + p->sq_entries * sizeof(unsigned), p->cq_off.cqes + p->cq_entries * sizeof(struct io_uring_cqe) };
	u->rings_size = ends[0] > ends[1] ? ends[0] : ends[1];
	u->entries_size = p->sq_entries * sizeof(struct io_uring_sqe);
	u->rings = memory(u->rings_size, u->fd, IORING_OFF_SQ_RING);
	u->entries = memory(u->entries_size, u->fd, IORING_OFF_SQES);
	if (u->rings == NULL || u->entries == NULL)
		return -ENOMEM;
	char *at = u->rings;
	u->entry_tail = (unsigned *)(at + p->sq_off.tail);
	u->entry_flags = (unsigned *)(at + p->sq_off.flags);
	u->entry_mask = p->sq_entries - 1;
	u->entry_count = p->sq_entries;
	for (unsigned i = 0; i < p->sq_entries; i++)
		((unsigned *)(at + p->sq_off.array))[i] = i;
	u->completion_head = (unsigned *)(at + p->cq_off.head);
	u->completion_tail = (unsigned *)(at + p->cq_off.tail);
	u->completion_mask = p->cq_entries - 1;
	u->completions = (struct io_uring_cqe *)(at + p->cq_off.cqes);
	return 0;
}

/* Linux 6.1 and later have all of it. */
static int open_ring(struct uring *u)
{
	struct io_uring_params p = {
		.flags = IORING_SETUP_R_DISABLED | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
		         IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_CQSIZE,
		.cq_entries = COMPLETIONS,
	};
	unsigned needed = IORING_FEAT_SINGLE_MMAP | IORING_FEAT_NODROP | IORING_FEAT_EXT_ARG | IORING_FEAT_CQE_SKIP;
	u->fd = (int)syscall(SYS_io_uring_setup, ENTRIES, &p);
	if (u->fd < 0)
		return -errno;
	return (p.features & needed) == needed ? map_rings(u, &p) : -ENOSYS;
}

int uring_open(struct uring **ring, int epoll, uint32_t slots)
{
	struct uring *u = calloc(1, sizeof *u);
	if (u == NULL)
		return -ENOMEM;
	u->fd = -1;
	u->epoll = epoll;
	u->slot_count = slots;
	u->peeked_size = (size_t)slots * PEEK_ROOM;
	u->slots = calloc(slots, sizeof *u->slots);
	u->to_wait = calloc(slots, sizeof *u->to_wait);
	u->peeked = memory(u->peeked_size, -1, 0);
	int error = u->slots == NULL || u->to_wait == NULL || u->peeked == NULL ? -ENOMEM : open_ring(u);
	if (error < 0) {
		uring_close(u);
		return error;
	}
	*ring = u;
	return 0;
}

void uring_close(struct uring *u)
{
	if (u->rings != NULL)
		munmap(u->rings, u->rings_size);
	if (u->entries != NULL)
		munmap(u->entries, u->entries_size);
	if (u->fd >= 0)
		close(u->fd);
	if (u->peeked != NULL)
		munmap(u->peeked, u->peeked_size);
	free(u->to_wait);
	free(u->slots);
	free(u);
}
