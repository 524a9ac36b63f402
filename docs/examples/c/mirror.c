/* mirror SOCKET FROM TO: stores every object under the prefix FROM under the prefix TO too, as descriptors, in an event loop. */
#include <errno.h>
#include <objmapper.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 16, LONGEST_KEY = 4096, DESCRIPTORS = 253, TAGS = 64 };

/* An object on its way; id is that of the request that it waits for. */
struct object {
	unsigned char key[LONGEST_KEY];
	size_t key_length;
	uint32_t id;
	om_reply *got; /* while it is being stored */
};

static struct object objects[PAGE];
static size_t object_count;
static const char *from, *to;
static unsigned long mirrored, left_out;

static int open_socket(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || strlen(path) >= sizeof address.sun_path)
		return -1;
	strcpy(address.sun_path, path);
	return connect(fd, (struct sockaddr *)&address, sizeof address) == 0 ? fd : -1;
}

/* Sends what the socket takes. 0, or -1 where it is broken. */
static int send_output(om_context *c, int fd)
{
	union { struct cmsghdr header; char room[CMSG_SPACE(sizeof(int))]; } control = { 0 };
	size_t length;
	const void *bytes;

	while ((bytes = om_output(c, &length)) != NULL) {
		struct iovec v = { (void *)bytes, length };
		struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
		int passed = om_output_fd(c);
		if (passed >= 0) {
			m.msg_control = control.room;
			m.msg_controllen = sizeof control.room;
			control.header = (struct cmsghdr){ CMSG_LEN(sizeof passed), SOL_SOCKET, SCM_RIGHTS };
			memcpy(CMSG_DATA(&control.header), &passed, sizeof passed);
		}
		ssize_t n = sendmsg(fd, &m, MSG_NOSIGNAL);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -1;
		om_output_sent(c, (size_t)n);
	}
	return 0;
}

/* Takes in what the socket has. 0; -1 where the session is over. */
static int receive_input(om_context *c, int fd)
{
	static char bytes[65536];
	union { struct cmsghdr header; char room[CMSG_SPACE(DESCRIPTORS * sizeof(int))]; } control;
	struct iovec v = { bytes, sizeof bytes };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof control.room };
	ssize_t n = recvmsg(fd, &m, MSG_CMSG_CLOEXEC);
	int fds[DESCRIPTORS];
	size_t count = 0;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h != NULL; h = CMSG_NXTHDR(&m, h))
		if (h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_RIGHTS) {
			count = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
			memcpy(fds, CMSG_DATA(h), count * sizeof(int));
		}
	if (om_input(c, bytes, (size_t)n, fds, count) < 0)
		return -1;
	return n == 0 || (m.msg_flags & MSG_CTRUNC) ? -1 : 0;
}

/* Milliseconds that an object still has; OM_UNBOUNDED: for ever. */
static uint64_t time_left(const om_reply *r)
{
	uint64_t expiry = om_find_u64(r, OM_EXPIRY, OM_UNBOUNDED);
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	uint64_t now = (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
	return expiry == OM_UNBOUNDED ? OM_UNBOUNDED : expiry > now ? expiry - now : 1; /* 0 would be for ever */
}

/* Asks for an object to be stored: as a descriptor where it came as one, unless the server doesn't take those. */
static int store(om_context *c, struct object *o, int as_bytes)
{
	const om_reply *r = o->got;
	char *tags[TAGS + 1] = { NULL }; /* values of metadata have no NUL at their end */
	size_t length;
	const void *value;
	unsigned char key[2 * LONGEST_KEY];
	size_t prefix = strlen(to), rest = o->key_length - strlen(from);
	int result;

	if (prefix > LONGEST_KEY) /* the library refuses the key in any case */
		prefix = LONGEST_KEY;
	memcpy(key, to, prefix);
	memcpy(key + prefix, o->key + strlen(from), rest);
	for (unsigned i = 0; i < TAGS && (value = om_find(r, OM_TAG, i, &length)) != NULL; i++)
		tags[i] = strndup(value, length);
	om_put_options put = { .ttl_millis = time_left(r), .grace_millis = om_find_u64(r, OM_GRACE, 0), .tags = (const char *const *)tags };
	if (r->fd >= 0 && !as_bytes) {
		result = om_append_put_fd(c, key, prefix + rest, r->fd, r->length, &put, &o->id);
	} else if (r->fd >= 0) {
		void *body = mmap(NULL, r->length, PROT_READ, MAP_SHARED, r->fd, 0);
		result = body == MAP_FAILED ? -1 : om_append_put(c, key, prefix + rest, body, r->length, &put, &o->id);
		if (body != MAP_FAILED)
			munmap(body, r->length);
	} else {
		result = om_append_put(c, key, prefix + rest, r->body, r->body_length, &put, &o->id);
	}
	for (unsigned i = 0; i < TAGS; i++)
		free(tags[i]);
	return result;
}

static void finish(struct object *o, const char *why)
{
	if (why != NULL)
		fprintf(stderr, "mirror: %.*s: %s\n", (int)o->key_length, (const char *)o->key, why);
	left_out += why != NULL;
	mirrored += why == NULL;
	om_reply_free(o->got);
	*o = objects[--object_count];
}

static const char *reason(const om_reply *r) { return r->message != NULL ? r->message : om_status_name(r->status); }

/* The answer about an object, to its GET or its PUT; it is freed, or kept with the object. */
static void take_answer(om_context *c, struct object *o, om_reply *r)
{
	int got = o->got == NULL;

	if (got && r->status == OM_NOT_FOUND) {
		mirrored--; /* deleted since it was listed: there is nothing to mirror */
		finish(o, NULL);
	} else if (got && r->status == OM_OK) {
		o->got = r;
		if (store(c, o, 0) < 0)
			finish(o, c->errstr);
		return;
	} else if (!got && r->status == OM_BAD_DESCRIPTOR && o->got->fd >= 0) {
		if (store(c, o, 1) < 0)
			finish(o, c->errstr);
	} else {
		finish(o, r->status == OM_OK ? NULL : reason(r));
	}
	om_reply_free(r);
}

/* Asks for every object of a page. */
static int get_all(om_context *c, const om_reply *page)
{
	size_t position = 0;
	om_list_entry entry;
	int r;

	while ((r = om_list_next(page, &position, &entry)) == 1) {
		struct object *o = &objects[object_count++];
		*o = (struct object){ .key_length = entry.key_length };
		memcpy(o->key, entry.key, entry.key_length);
		if (om_append_get(c, entry.key, entry.key_length, NULL, &o->id) < 0)
			finish(o, c->errstr);
	}
	return r;
}

static struct object *find(uint32_t id)
{
	for (size_t i = 0; i < object_count; i++)
		if (objects[i].id == id)
			return &objects[i];
	return NULL;
}

/* One answer after another, until the next page is asked for or all is done (1). -1 on failure. */
static int take_answers(om_context *c)
{
	static unsigned char cursor[LONGEST_KEY];
	static size_t cursor_length;
	om_reply *r;

	while ((r = om_get_reply(c)) != NULL) {
		struct object *o = find(r->id);
		if (o != NULL) {
			take_answer(c, o, r);
		} else {
			size_t length = 0;
			const void *next = om_find(r, OM_CURSOR, 0, &length);
			int broken = r->status != OM_OK || get_all(c, r) < 0;
			if (broken)
				fprintf(stderr, "mirror: listing: %s\n", reason(r));
			if (next != NULL)
				memcpy(cursor, next, length);
			cursor_length = length;
			om_reply_free(r);
			if (broken)
				return -1;
		}
		if (object_count == 0 && cursor_length == 0)
			return 1;
		if (object_count == 0 && om_append_list(c, from, strlen(from), cursor, cursor_length, PAGE, NULL) < 0)
			return -1;
	}
	return c->err != 0 ? -1 : 0;
}

static int run(om_context *c, int fd)
{
	int done = om_append_list(c, from, strlen(from), NULL, 0, PAGE, NULL);

	while (done == 0) {
		size_t length;
		struct pollfd p = { .fd = fd, .events = om_output(c, &length) != NULL ? POLLIN | POLLOUT : POLLIN };
		if (poll(&p, 1, 30000) == 0)
			break;
		int broken = send_output(c, fd) < 0 || receive_input(c, fd) < 0;
		done = take_answers(c);
		if (broken && done == 0)
			break;
	}
	return done;
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "usage: mirror SOCKET FROM TO\n");
		return 2;
	}
	from = argv[2];
	to = argv[3];
	int fd = open_socket(argv[1]);
	if (fd < 0) {
		fprintf(stderr, "mirror: %s: %s\n", argv[1], strerror(errno));
		return 3;
	}
	om_options options = { .name = "mirror" };
	om_context *c = om_detached(&options);
	int done = c != NULL ? run(c, fd) : -1;
	if (done != 1)
		fprintf(stderr, "mirror: %s\n", c != NULL && c->errstr[0] != '\0' ? c->errstr : "the server closed the session, or says nothing");
	while (object_count > 0)
		finish(&objects[0], "not mirrored");
	printf("%lu mirrored, %lu left out\n", mirrored, left_out);
	om_free(c);
	close(fd);
	return done == 1 && left_out == 0 ? 0 : 5;
}
