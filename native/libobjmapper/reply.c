/* An answer as its caller has it. */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "session.h"

/* What stands behind an answer: several may hold it where a session keeps it. */
struct held_reply {
	om_reply reply;
	atomic_uint holders;
	int is_shared; /* from before the second holder on */
};

static struct held_reply *held(om_reply *r) { return (struct held_reply *)r; }

om_reply *reply_hold(om_reply *r)
{
	if (!held(r)->is_shared) /* not written while another holder reads it */
		held(r)->is_shared = 1;
	atomic_fetch_add_explicit(&held(r)->holders, 1, memory_order_relaxed);
	return r;
}

/* close(2), which is no point here where a thread could be cancelled: the rest of the answer would stay. */
static void close_at_once(int fd) { (void)syscall(SYS_close, fd); }

void om_reply_free(om_reply *r)
{
	if (r == NULL)
		return;
	if (held(r)->is_shared && atomic_fetch_sub_explicit(&held(r)->holders, 1, memory_order_acq_rel) > 1)
		return;
	if (r->fd >= 0)
		close_at_once(r->fd);
	if (r->body != NULL)
		free(r->body);
	if (r->message != NULL)
		free(r->message);
	free(r);
}

int om_reply_take_fd(om_reply *r)
{
	int fd = r->fd;
	if (held(r)->is_shared)
		return fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;
	r->fd = -1;
	return fd;
}

const void *om_find(const om_reply *r, int wanted, unsigned n, size_t *length)
{
	const unsigned char *value;
	int type;

	for (size_t at = 0; wire_next(r->metadata, r->metadata_length, &at, &type, &value, length);)
		if (type == wanted && n-- == 0)
			return value;
	*length = 0;
	return NULL;
}

int om_find_variant(const om_reply *r, unsigned n, om_variant *v)
{
	size_t length;
	const unsigned char *value = om_find(r, OM_VARIANT, n, &length);

	if (value == NULL)
		return 0;
	v->name_length = wire_get16(value);
	v->name = (const char *)value + 2;
	v->value = v->name + v->name_length;
	v->value_length = length - 2 - v->name_length;
	return 1;
}

uint64_t om_find_u64(const om_reply *r, int type, uint64_t otherwise)
{
	size_t length;
	const unsigned char *value = om_find(r, type, 0, &length);

	if (value == NULL)
		return otherwise;
	return length == 4 ? wire_get32(value) : length >= 8 ? wire_get64(value) : otherwise;
}

char *message_in(const unsigned char *metadata, size_t size)
{
	const unsigned char *value;
	size_t length;
	int type;

	for (size_t at = 0; wire_next(metadata, size, &at, &type, &value, &length);)
		if (type == OM_MESSAGE)
			return strndup((const char *)value, length);
	return NULL;
}

/* What the frame says of the body, found in one go. */
static void read_parameters(om_reply *r, const om_frame *f)
{
	const unsigned char *value;
	size_t length;
	int type;

	for (size_t at = 0; wire_next(f->metadata, f->metadata_length, &at, &type, &value, &length);) {
		if (type == OM_MODE) {
			r->mode = (enum om_mode)wire_get32(value);
		} else if (type == OM_RANGE) {
			r->offset = wire_get64(value);
			r->length = wire_get64(value + 8);
		} else if (type == OM_DESCRIPTOR_RANGE) {
			r->fd_offset = wire_get64(value);
		}
	}
}

om_reply *reply_of(const om_frame *f)
{
	struct held_reply *whole = malloc(sizeof *whole + f->metadata_length); /* its metadata stands behind it */

	if (whole == NULL)
		return NULL;
	om_reply *r = &whole->reply;
	*r = (om_reply) {
		.id = f->id,
		.operation = f->operation,
		.status = (enum om_status)f->status,
		.mode = OM_INLINE,
		.object_length = f->object_length,
		.length = f->object_length,
		.fd = f->fd,
		.metadata_length = f->metadata_length,
	};
	atomic_init(&whole->holders, 1);
	whole->is_shared = 0;
	if (f->metadata_length > 0) {
		r->metadata = (unsigned char *)(whole + 1);
		memcpy(r->metadata, f->metadata, f->metadata_length);
	}
	read_parameters(r, f);
	r->message = r->status != OM_OK ? message_in(f->metadata, f->metadata_length) : NULL;
	return r;
}

int om_list_next(const om_reply *r, size_t *position, om_list_entry *e)
{
	enum { FIXED = 40 };
	size_t left = r->body_length - *position;

	if (left == 0)
		return 0;
	if (left < FIXED)
		return -1;
	const unsigned char *p = r->body + *position;
	uint32_t size = wire_get32(p), key_length = wire_get32(p + 4);
	if (key_length < 1 || key_length > WIRE_MAX_KEY || size > left || size != FIXED + ((key_length + 7) & ~UINT32_C(7)))
		return -1;
	e->key = p + FIXED;
	e->key_length = key_length;
	e->generation = wire_get64(p + 8);
	e->length = wire_get64(p + 16);
	e->created_millis = wire_get64(p + 24);
	e->expiry_millis = wire_get64(p + 32);
	*position += size;
	return 1;
}
