#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "cache/cache_varnishd.h"
#include "vtim.h"

#include "fills.h"
#include "headers.h"
#include "store.h"

enum {
	MOST_FILLS = 1024,
	MOST_HELD = 1024 * 1024,           /* bytes of one fill that the thread has not taken */
	MOST_HELD_OF_ALL = 64 * 1024 * 1024,
	MOST_QUEUED = 512 * 1024,          /* bytes for the socket: with more, the thread takes none */
	MOST_TAGS = 64,                    /* protocol-spec.md, MAX_TAGS */
	MOST_TAG_BYTES = 255,
	MOST_TO_STOP_MILLIS = 5000, /* the thread that discards a VCL waits; where it takes cli_timeout for that, 60 s, Varnish ends its child */
};

struct fill {
	unsigned magic;
#define FILL_MAGIC 0x6f6d666cU
	VTAILQ_ENTRY(fill) list;
	struct fills *fills;
	/* what the PUT says */
	char *key, *opaque, *tag_words, *tags[MOST_TAGS + 1];
	om_header variant[HEADERS_ROOM + 1];
	size_t key_length;
	int is_touch; /* a TOUCH, without a body */
	uint64_t length;
	double expiry;
	om_put_options options;
	unsigned char token[64];
	unsigned transaction;
	/* under the lock */
	char *held; /* bytes for the thread to take */
	size_t held_length, held_room;
	int is_ended, is_complete; /* by who brings the bytes */
	int is_over;               /* for the thread: nothing more of it is wanted */
	/* the thread's */
	uint32_t id; /* 0: the PUT has not begun */
	int is_closed;
};

struct fills {
	unsigned magic;
#define FILLS_MAGIC 0x6f6d6673U
	struct vmod_objmapper_store *store;
	char *path;
	int patience_millis; /* without any progress the session is given up */
	pthread_mutex_t lock;
	VTAILQ_HEAD(, fill) list;
	unsigned count;
	size_t held; /* bytes, of all */
	int is_running, is_stopping;
	vtim_mono stop_by; /* what is not stored by then is given up */
	pthread_t thread;
	int wake; /* eventfd */
	/* the thread's */
	om_context *session;
	int socket;
	vtim_mono progress; /* when something last moved between the session and the server */
};

/* ---- a fill's memory */

static void fill_free(struct fill *fill)
{
	for (om_header *header = fill->variant; header->name != NULL; header++) {
		free((char *)(uintptr_t)header->name);
		free((char *)(uintptr_t)header->value);
	}
	free(fill->key);
	free(fill->opaque);
	free(fill->tag_words);
	free(fill->held);
	FREE_OBJ(fill);
}

/* With the lock held: when both sides are through with it, it goes. */
static void fill_leave(struct fill *fill)
{
	struct fills *fills = fill->fills;

	if (!fill->is_ended || !fill->is_over)
		return;
	VTAILQ_REMOVE(&fills->list, fill, list);
	fills->count--;
	fills->held -= fill->held_length;
	fill_free(fill);
}

/* With the lock held: the thread is through with it. */
static void fill_is_over(struct fill *fill)
{
	fill->is_over = 1;
	fill_leave(fill);
}

static int split_tags(struct fill *fill, const char *words)
{
	static const char separators[] = " \t,";
	unsigned count = 0;
	char *rest;

	fill->tag_words = strdup(words != NULL ? words : "");
	AN(fill->tag_words);
	for (char *tag = strtok_r(fill->tag_words, separators, &rest); tag != NULL; tag = strtok_r(NULL, separators, &rest)) {
		if (count == MOST_TAGS || strlen(tag) > MOST_TAG_BYTES)
			return (-1);
		fill->tags[count++] = tag;
	}
	fill->options.tags = (const char *const *)fill->tags;
	return (0);
}

static void copy_variant(struct fill *fill, const om_header *from)
{
	for (om_header *to = fill->variant; from->name != NULL; from++, to++) {
		*to = (om_header){ .name = strdup(from->name), .value = strdup(from->value) };
		AN(to->name);
		AN(to->value);
	}
	fill->options.variant = fill->variant;
}

static void copy_variant_of(struct fill *fill, const om_reply *reply)
{
	om_variant pair;

	for (unsigned n = 0; n < HEADERS_ROOM && om_find_variant(reply, n, &pair); n++) {
		fill->variant[n] = (om_header){ .name = strndup(pair.name, pair.name_length), .value = strndup(pair.value, pair.value_length) };
		AN(fill->variant[n].name);
		AN(fill->variant[n].value);
	}
	fill->options.variant = fill->variant;
}

static struct fill *fill_new(struct fills *fills, const struct fill_request *request)
{
	struct fill *fill;

	ALLOC_OBJ(fill, FILL_MAGIC);
	AN(fill);
	fill->fills = fills;
	fill->key = malloc(request->key_length);
	AN(fill->key);
	memcpy(fill->key, request->key, request->key_length);
	fill->key_length = request->key_length;
	fill->length = request->length;
	fill->expiry = request->expiry;
	fill->opaque = request->opaque;
	fill->transaction = request->transaction;
	assert(request->token_length <= sizeof fill->token);
	if (request->token_length > 0) {
		memcpy(fill->token, request->token, request->token_length);
		fill->options.fill_token = fill->token;
		fill->options.fill_token_length = request->token_length;
	}
	fill->options.if_generation = request->generation;
	fill->options.opaque = fill->opaque;
	fill->options.opaque_length = request->opaque_length;
	fill->options.grace_millis = (uint64_t)(request->grace * 1000);
	return (fill);
}

/* ---- the thread: the session */

static void say(const struct fill *fill, const char *what, const char *why)
{
	VSL(SLT_VCL_Log, fill->transaction, "objmapper: %s: %s", what, why);
}

/* None of what is under way will be stored. */
static void give_up_all(struct fills *fills, const char *why)
{
	struct fill *fill, *next;

	AZ(pthread_mutex_lock(&fills->lock));
	VTAILQ_FOREACH_SAFE(fill, &fills->list, list, next) {
		if (fill->is_over)
			continue;
		COUNT(fills->store, abandoned);
		say(fill, "given up", why);
		fill_is_over(fill);
	}
	AZ(pthread_mutex_unlock(&fills->lock));
}

static void end_session(struct fills *fills, const char *why)
{
	char sentence[256];

	snprintf(sentence, sizeof sentence, "%s", why); /* it may be the session's */
	om_free(fills->session);
	fills->session = NULL;
	if (fills->socket >= 0)
		AZ(close(fills->socket));
	fills->socket = -1;
	give_up_all(fills, sentence);
}

static int connect_to(const char *path, int patience_millis)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const struct timeval bound = { .tv_sec = patience_millis / 1000, .tv_usec = patience_millis % 1000 * 1000 };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || strlen(path) >= sizeof address.sun_path) {
		if (fd >= 0)
			AZ(close(fd));
		return (-1);
	}
	strcpy(address.sun_path, path);
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &bound, sizeof bound) < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0 ||
	    fcntl(fd, F_SETFL, O_NONBLOCK) < 0) {
		AZ(close(fd));
		return (-1);
	}
	return (fd);
}

static int begin_session(struct fills *fills)
{
	const om_options options = { .mode = OM_COPY, .no_descriptors = 1, .max_requests = MOST_FILLS, .name = "varnish tee" };

	fills->socket = connect_to(fills->path, fills->patience_millis < MOST_TO_STOP_MILLIS ? fills->patience_millis : MOST_TO_STOP_MILLIS);
	fills->session = om_detached(&options);
	if (fills->socket < 0 || fills->session == NULL || fills->session->err != 0) {
		end_session(fills, "the store's server can't be reached");
		return (-1);
	}
	fills->progress = VTIM_mono();
	return (0);
}

/* Sends what the socket takes. */
static int send_some(struct fills *fills)
{
	const void *bytes;
	size_t length;

	while ((bytes = om_output(fills->session, &length)) != NULL) {
		ssize_t n = send(fills->socket, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return (0);
		if (n < 0)
			return (-1);
		om_output_sent(fills->session, (size_t)n);
		fills->progress = VTIM_mono();
	}
	return (0);
}

/* Takes in what has come: no descriptors, which this session does not accept. */
static int receive_some(struct fills *fills)
{
	char bytes[4096];

	for (;;) {
		ssize_t n = recv(fills->socket, bytes, sizeof bytes, MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return (0);
		if (n <= 0 || om_input(fills->session, bytes, (size_t)n, NULL, 0) < 0)
			return (-1);
		fills->progress = VTIM_mono();
	}
}

/* ---- the thread: the fills */

static int begin_request(struct fills *fills, struct fill *fill)
{
	double left = fill->expiry - VTIM_real();

	fill->options.ttl_millis = left > 0.001 ? (uint64_t)(left * 1000) : 1;
	if (fill->is_touch)
		return (om_append_touch(fills->session, fill->key, fill->key_length, &fill->options, &fill->id));
	return (om_append_put_open(fills->session, fill->key, fill->key_length, fill->length, &fill->options, &fill->id));
}

/* With the lock held: moves what is held of a fill to the session. -1 where the session takes no such PUT. */
static int move_held(struct fills *fills, struct fill *fill)
{
	if (fill->id == 0 && begin_request(fills, fill) < 0)
		return (-1);
	if (fill->held_length > 0 && om_append_put_bytes(fills->session, fill->id, fill->held, fill->held_length) < 0)
		return (-1);
	fills->held -= fill->held_length;
	fill->held_length = 0;
	if (!fill->is_ended)
		return (0);
	fill->is_closed = 1;
	if (fill->is_touch)
		return (0);
	return (om_append_put_close(fills->session, fill->id, fill->is_complete));
}

static void move_all(struct fills *fills)
{
	struct fill *fill, *next;
	size_t queued;

	AZ(pthread_mutex_lock(&fills->lock));
	VTAILQ_FOREACH_SAFE(fill, &fills->list, list, next) {
		(void)om_output(fills->session, &queued);
		if (queued > MOST_QUEUED)
			break;
		if (fill->is_over || fill->is_closed)
			continue;
		if (move_held(fills, fill) < 0) {
			say(fill, "not stored", fills->session->errstr);
			COUNT(fills->store, refused);
			fill_is_over(fill);
		}
	}
	AZ(pthread_mutex_unlock(&fills->lock));
}

/* With the lock held. */
static struct fill *find(const struct fills *fills, uint32_t id)
{
	struct fill *fill;

	VTAILQ_FOREACH(fill, &fills->list, list)
		if (fill->id == id && !fill->is_over)
			return (fill);
	return (NULL);
}

/* With the lock held. */
static void take_answer(struct fills *fills, struct fill *fill, const om_reply *reply)
{
	if (reply->status == OM_OK && fill->is_touch) {
		COUNT(fills->store, touched);
		say(fill, "touched", "the store keeps it longer");
	} else if (reply->status == OM_OK) {
		COUNT(fills->store, stored);
		say(fill, "stored", "the store has taken it");
	} else if (reply->status == OM_CANCELLED) {
		COUNT(fills->store, abandoned);
		say(fill, "not stored", "it did not come whole");
	} else {
		COUNT(fills->store, refused);
		say(fill, "not stored", reply->message != NULL ? reply->message : om_status_name(reply->status));
	}
	if (!fill->is_closed) { /* refused before its end */
		fill->is_closed = 1;
		(void)om_append_put_close(fills->session, fill->id, 0);
	}
	fill_is_over(fill);
}

static void take_answers(struct fills *fills)
{
	om_reply *reply;

	while ((reply = om_get_reply(fills->session)) != NULL) {
		AZ(pthread_mutex_lock(&fills->lock));
		struct fill *fill = find(fills, reply->id);
		if (fill != NULL)
			take_answer(fills, fill, reply);
		AZ(pthread_mutex_unlock(&fills->lock));
		om_reply_free(reply);
	}
}

/* ---- the thread */

/* With the lock held: whether something of a fill waits for the thread or for the server. */
static int is_anything_due(const struct fills *fills)
{
	const struct fill *fill;

	VTAILQ_FOREACH(fill, &fills->list, list)
		if (!fill->is_over && (fill->held_length > 0 || fill->is_ended))
			return (1);
	return (0);
}

static int is_due(struct fills *fills)
{
	AZ(pthread_mutex_lock(&fills->lock));
	int due = is_anything_due(fills);
	AZ(pthread_mutex_unlock(&fills->lock));
	return (due);
}

/* Whether the thread has nothing left to do before it ends, or no time for it. */
static int may_end(struct fills *fills)
{
	AZ(pthread_mutex_lock(&fills->lock));
	int may = fills->is_stopping && (VTAILQ_EMPTY(&fills->list) || VTIM_mono() >= fills->stop_by);
	AZ(pthread_mutex_unlock(&fills->lock));
	return (may);
}

/* Without anything from the server; -1: for ever. */
static int most_to_wait_millis(struct fills *fills)
{
	AZ(pthread_mutex_lock(&fills->lock));
	int most = is_anything_due(fills) ? (fills->patience_millis + 3) / 4 : -1;
	if (fills->is_stopping) {
		int left = VTAILQ_EMPTY(&fills->list) ? 0 : (int)(fmax(0, fills->stop_by - VTIM_mono()) * 1000) + 1;
		most = most < 0 || most > left ? left : most;
	}
	AZ(pthread_mutex_unlock(&fills->lock));
	return (most);
}

static void wait_for_something(struct fills *fills)
{
	struct pollfd p[2] = { { .fd = fills->wake, .events = POLLIN }, { .fd = fills->socket, .events = POLLIN } };
	size_t length;
	uint64_t count;

	if (fills->session != NULL && om_output(fills->session, &length) != NULL)
		p[1].events |= POLLOUT;
	(void)poll(p, 2, most_to_wait_millis(fills));
	if (p[0].revents & POLLIN)
		(void)!read(fills->wake, &count, sizeof count);
}

/* One turn of what there is to do. -1 where the session has failed. */
static int turn(struct fills *fills)
{
	if (receive_some(fills) < 0) {
		take_answers(fills);
		return (-1);
	}
	take_answers(fills);
	move_all(fills);
	if (send_some(fills) < 0 || fills->session->err != 0)
		return (-1);
	return (!is_due(fills) || VTIM_mono() < fills->progress + fills->patience_millis / 1000. ? 0 : -1);
}

static void *run(void *argument)
{
	struct fills *fills;

	CAST_OBJ_NOTNULL(fills, argument, FILLS_MAGIC);
	while (!may_end(fills)) {
		if (fills->session == NULL && is_due(fills))
			(void)begin_session(fills);
		if (fills->session != NULL && turn(fills) < 0)
			end_session(fills, fills->session->err != 0 ? fills->session->errstr : "the store's server does not answer");
		wait_for_something(fills);
	}
	end_session(fills, "its VCL is discarded");
	return (NULL);
}

static void wake(const struct fills *fills)
{
	const uint64_t one = 1;
	(void)!write(fills->wake, &one, sizeof one);
}

/* ---- for who brings the bytes */

struct fills *fills_new(struct vmod_objmapper_store *store, const char *path, int patience_millis)
{
	struct fills *fills;

	ALLOC_OBJ(fills, FILLS_MAGIC);
	AN(fills);
	fills->store = store;
	fills->path = strdup(path);
	AN(fills->path);
	fills->patience_millis = patience_millis;
	AZ(pthread_mutex_init(&fills->lock, NULL));
	VTAILQ_INIT(&fills->list);
	fills->socket = -1;
	fills->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	assert(fills->wake >= 0);
	return (fills);
}

void fills_free(struct fills *fills)
{
	CHECK_OBJ_NOTNULL(fills, FILLS_MAGIC);
	AZ(pthread_mutex_lock(&fills->lock));
	fills->is_stopping = 1;
	fills->stop_by = VTIM_mono() + MOST_TO_STOP_MILLIS / 1000.;
	AZ(pthread_mutex_unlock(&fills->lock));
	if (fills->is_running) {
		wake(fills);
		AZ(pthread_join(fills->thread, NULL));
	}
	assert(VTAILQ_EMPTY(&fills->list));
	AZ(close(fills->wake));
	AZ(pthread_mutex_destroy(&fills->lock));
	free(fills->path);
	FREE_OBJ(fills);
}

/* With the lock held. */
static int take_place(struct fills *fills, struct fill *fill)
{
	if (fills->count == MOST_FILLS || fills->held >= MOST_HELD_OF_ALL)
		return (-1);
	if (!fills->is_running) {
		AZ(pthread_create(&fills->thread, NULL, run, fills));
		fills->is_running = 1;
	}
	VTAILQ_INSERT_TAIL(&fills->list, fill, list);
	fills->count++;
	return (0);
}

struct fill *fill_begin(struct fills *fills, const struct fill_request *request, const char **why)
{
	CHECK_OBJ_NOTNULL(fills, FILLS_MAGIC);
	struct fill *fill = fill_new(fills, request);
	int has_place = 0;

	copy_variant(fill, request->variant);
	fill->options.evictable = 1;

	*why = "it has more than 64 tags, or one of more than 255 bytes";
	if (split_tags(fill, request->tags) == 0) {
		*why = "too much is on its way to the store";
		AZ(pthread_mutex_lock(&fills->lock));
		has_place = take_place(fills, fill) == 0;
		AZ(pthread_mutex_unlock(&fills->lock));
	}
	if (has_place)
		return (fill);
	fill_free(fill);
	return (NULL);
}

void fill_touch(struct fills *fills, const struct fill_request *request, const om_reply *reply)
{
	CHECK_OBJ_NOTNULL(fills, FILLS_MAGIC);
	struct fill *fill = fill_new(fills, request);

	copy_variant_of(fill, reply);
	fill->is_touch = fill->is_ended = 1;
	AZ(pthread_mutex_lock(&fills->lock));
	int has_place = take_place(fills, fill) == 0;
	AZ(pthread_mutex_unlock(&fills->lock));
	if (!has_place)
		fill_free(fill);
	wake(fills);
}

/* With the lock held. -1 where it would hold too much. */
static int hold(struct fill *fill, const void *bytes, size_t length)
{
	struct fills *fills = fill->fills;

	if (length > MOST_HELD - fill->held_length || length > MOST_HELD_OF_ALL - fills->held)
		return (-1);
	if (fill->held_length + length > fill->held_room) {
		size_t room = fill->held_length + length > 65536 ? (fill->held_length + length) * 2 : 65536;
		fill->held = realloc(fill->held, room);
		AN(fill->held);
		fill->held_room = room;
	}
	memcpy(fill->held + fill->held_length, bytes, length);
	fill->held_length += length;
	fills->held += length;
	return (0);
}

int fill_bytes(struct fill *fill, const void *bytes, size_t length)
{
	CHECK_OBJ_NOTNULL(fill, FILL_MAGIC);
	struct fills *fills = fill->fills;

	AZ(pthread_mutex_lock(&fills->lock));
	int is_wanted = !fill->is_over && hold(fill, bytes, length) == 0;
	AZ(pthread_mutex_unlock(&fills->lock));
	wake(fills);
	return (is_wanted ? 0 : -1);
}

void fill_end(struct fill *fill, int complete)
{
	CHECK_OBJ_NOTNULL(fill, FILL_MAGIC);
	struct fills *fills = fill->fills;

	AZ(pthread_mutex_lock(&fills->lock));
	fill->is_ended = 1;
	fill->is_complete = complete;
	fill_leave(fill);
	AZ(pthread_mutex_unlock(&fills->lock));
	wake(fills);
}
