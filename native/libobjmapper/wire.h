/* The wire format of protocol-spec.md, without sockets. */
#ifndef OBJMAPPER_WIRE_H
#define OBJMAPPER_WIRE_H

#include <stddef.h>
#include <stdint.h>

enum {
	WIRE_HEADER = 32,
	WIRE_MAX_KEY = 4096,
	WIRE_MAX_METADATA = 131072,
	WIRE_MAX_FRAME = 1048576,
	WIRE_MOST_REQUESTS = 4096,
	WIRE_MOST_INLINE = 65536,
	WIRE_MOST_NAME = 64,
};

enum wire_flag { WIRE_REPLY = 1, WIRE_MORE = 2 };

enum wire_operation {
	WIRE_HELLO = 1, WIRE_GET, WIRE_HEAD, WIRE_PUT, WIRE_DELETE, WIRE_LIST, WIRE_PURGE, WIRE_TOUCH, WIRE_STAT, WIRE_PING,
	WIRE_CANCEL, WIRE_GOODBYE, WIRE_DATA = 16, WIRE_END, WIRE_ERROR, WIRE_HITS = 35,
};

enum wire_type {
	WIRE_KEY = 1, WIRE_RANGE, WIRE_IF_GENERATION_NOT, WIRE_IF_ETAG_NOT, WIRE_MODE, WIRE_FILL_TOKEN,
	WIRE_REQUEST_HEADER, WIRE_VARIANT_HEADER, WIRE_GRACE_ACCEPTED, WIRE_IF_ABSENT,
	WIRE_IF_GENERATION, WIRE_EXPECTED_SHA256, WIRE_EXPECTED_XXH3, WIRE_DURABILITY, WIRE_PREFIX, WIRE_CURSOR, WIRE_LIMIT, WIRE_PURGE_TAG,
	WIRE_BAN, WIRE_TARGET = 21, WIRE_MESSAGE, WIRE_SOFT = 27, WIRE_TTL, WIRE_VERSIONS = 32, WIRE_FEATURES, WIRE_MAX_REQUESTS,
	WIRE_MAX_MESSAGE_DESCRIPTORS, WIRE_MAX_QUEUED_DESCRIPTORS, WIRE_MAX_FRAME_TYPE, WIRE_INLINE_LIMIT,
	WIRE_SHARED_ACCEPTED, WIRE_ORDERED, WIRE_PEER_NAME, WIRE_VALIDITY,
};

/* "JMAPOBJ1" (7.1). */
#define WIRE_MAGIC UINT64_C(0x314A424F50414D4A)

/* A growing run of bytes. Once memory runs out it stays failed, and appending does nothing. */
struct wire_buffer {
	unsigned char *bytes;
	size_t length, room;
	int failed;
};

void wire_free(struct wire_buffer *b);
/* Makes room for length bytes more, or fails. 0 or -1. */
int wire_grow(struct wire_buffer *b, size_t length);

/* So many bytes more, to be written; NULL without memory. */
static inline unsigned char *wire_reserve(struct wire_buffer *b, size_t length)
{
	if ((b->failed || b->room - b->length < length) && wire_grow(b, length) < 0)
		return NULL;
	unsigned char *p = b->bytes + b->length;
	b->length += length;
	return p;
}

/* A frame is begun, given entries in the order of their types, then ended with what its body will be. A request has a processor's number
 * plus 1 for its status, or 0. */
size_t wire_begin(struct wire_buffer *b, int operation, int flags, uint32_t id, int status, int fds, uint64_t object_length);
void wire_entry(struct wire_buffer *b, int type, const void *value, size_t length);
void wire_u32(struct wire_buffer *b, int type, uint32_t value);
void wire_u64(struct wire_buffer *b, int type, uint64_t value);
void wire_pair(struct wire_buffer *b, int type, uint64_t first, uint64_t second);
/* A name and a value in one entry (3.6). */
void wire_header(struct wire_buffer *b, int type, const char *name, const char *value);
void wire_end(struct wire_buffer *b, size_t frame, const void *body, size_t body_length);

/* Numbers as they are on the wire; here, so that each is one instruction where it is used. */
static inline uint16_t wire_get16(const unsigned char *p) { return (uint16_t)(p[0] | p[1] << 8); }
static inline uint32_t wire_get32(const unsigned char *p) { return (uint32_t)wire_get16(p) | (uint32_t)wire_get16(p + 2) << 16; }
static inline uint64_t wire_get64(const unsigned char *p) { return (uint64_t)wire_get32(p) | (uint64_t)wire_get32(p + 4) << 32; }

static inline void wire_put16(unsigned char *p, uint16_t v)
{
	p[0] = (unsigned char)v;
	p[1] = (unsigned char)(v >> 8);
}

static inline void wire_put32(unsigned char *p, uint32_t v)
{
	wire_put16(p, (uint16_t)v);
	wire_put16(p + 2, (uint16_t)(v >> 16));
}

static inline void wire_put64(unsigned char *p, uint64_t v)
{
	wire_put32(p, (uint32_t)v);
	wire_put32(p + 4, (uint32_t)(v >> 32));
}

/* What a value of a length takes: entries are aligned (protocol-spec.md 3.2). */
static inline size_t wire_padded(size_t length) { return (length + 7) & ~(size_t)7; }

/* Whether any byte is not 0. */
int wire_any(const void *bytes, size_t length);

/* Steps through checked metadata: *at starts at 0; 0 at the end. */
static inline int wire_next(const unsigned char *metadata, size_t size, size_t *at, int *type, const unsigned char **value, size_t *length)
{
	if (*at >= size)
		return 0;
	*type = wire_get16(metadata + *at);
	*length = wire_get32(metadata + *at + 4);
	*value = metadata + *at + 8;
	*at += 8 + wire_padded(*length);
	return 1;
}

#endif
