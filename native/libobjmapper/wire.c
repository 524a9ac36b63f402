#include "wire.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "objmapper.h"

uint16_t wire_get16(const unsigned char *p) { return (uint16_t)(p[0] | p[1] << 8); }
uint32_t wire_get32(const unsigned char *p) { return (uint32_t)wire_get16(p) | (uint32_t)wire_get16(p + 2) << 16; }
uint64_t wire_get64(const unsigned char *p) { return (uint64_t)wire_get32(p) | (uint64_t)wire_get32(p + 4) << 32; }

static void put16(unsigned char *p, uint16_t v)
{
	p[0] = (unsigned char)v;
	p[1] = (unsigned char)(v >> 8);
}

void wire_put32(unsigned char *p, uint32_t v)
{
	put16(p, (uint16_t)v);
	put16(p + 2, (uint16_t)(v >> 16));
}

static void put64(unsigned char *p, uint64_t v)
{
	wire_put32(p, (uint32_t)v);
	wire_put32(p + 4, (uint32_t)(v >> 32));
}

static size_t padded(size_t length) { return (length + 7) & ~(size_t)7; }

void wire_free(struct wire_buffer *b)
{
	free(b->bytes);
	memset(b, 0, sizeof *b);
}

unsigned char *wire_reserve(struct wire_buffer *b, size_t length)
{
	if (b->failed)
		return NULL;
	if (b->room - b->length < length) {
		size_t room = b->room * 2 > b->length + length ? b->room * 2 : b->length + length + 256;
		unsigned char *bytes = realloc(b->bytes, room);
		if (bytes == NULL) {
			b->failed = 1;
			return NULL;
		}
		b->bytes = bytes;
		b->room = room;
	}
	unsigned char *p = b->bytes + b->length;
	b->length += length;
	return p;
}

size_t wire_begin(struct wire_buffer *b, int operation, int flags, uint32_t id, int status, int fds, uint64_t object_length)
{
	size_t frame = b->length;
	unsigned char *p = wire_reserve(b, WIRE_HEADER);

	if (p == NULL)
		return 0;
	memset(p, 0, WIRE_HEADER);
	p[4] = (unsigned char)operation;
	p[5] = (unsigned char)fds;
	put16(p + 6, (uint16_t)flags);
	wire_put32(p + 8, id);
	put16(p + 12, (uint16_t)status);
	put64(p + 24, object_length);
	return frame;
}

/* Begins an entry of so many bytes; returns where they go, all zeros, or NULL. */
static unsigned char *begin_entry(struct wire_buffer *b, int type, size_t length)
{
	unsigned char *p = wire_reserve(b, 8 + padded(length));

	if (p == NULL)
		return NULL;
	memset(p, 0, 8 + padded(length));
	put16(p, (uint16_t)type);
	wire_put32(p + 4, (uint32_t)length);
	return p + 8;
}

void wire_entry(struct wire_buffer *b, int type, const void *value, size_t length)
{
	/* No type may be that long: the check refuses it, and need not see all of it. */
	if (length > WIRE_MAX_METADATA)
		length = WIRE_MAX_METADATA + 1;
	unsigned char *p = begin_entry(b, type, length);

	if (p != NULL && length > 0)
		memcpy(p, value, length);
}

void wire_u32(struct wire_buffer *b, int type, uint32_t value)
{
	unsigned char bytes[4];
	wire_put32(bytes, value);
	wire_entry(b, type, bytes, sizeof bytes);
}

void wire_u64(struct wire_buffer *b, int type, uint64_t value)
{
	unsigned char bytes[8];
	put64(bytes, value);
	wire_entry(b, type, bytes, sizeof bytes);
}

void wire_pair(struct wire_buffer *b, int type, uint64_t first, uint64_t second)
{
	unsigned char bytes[16];
	put64(bytes, first);
	put64(bytes + 8, second);
	wire_entry(b, type, bytes, sizeof bytes);
}

void wire_header(struct wire_buffer *b, int type, const char *name, const char *value)
{
	size_t name_length = strlen(name), value_length = strlen(value);
	unsigned char *p = begin_entry(b, type, 2 + name_length + value_length);

	if (p == NULL)
		return;
	put16(p, (uint16_t)name_length);
	memcpy(p + 2, name, name_length);
	memcpy(p + 2 + name_length, value, value_length);
}

void wire_end(struct wire_buffer *b, size_t frame, const void *body, size_t body_length)
{
	if (b->failed)
		return;
	size_t metadata = b->length - frame - WIRE_HEADER;
	if (body_length > 0) {
		unsigned char *p = wire_reserve(b, body_length);
		if (p == NULL)
			return;
		memcpy(p, body, body_length);
	}
	wire_put32(b->bytes + frame, (uint32_t)(WIRE_HEADER + metadata + body_length));
	wire_put32(b->bytes + frame + 16, (uint32_t)metadata);
}

int wire_any(const void *bytes, size_t length)
{
	const unsigned char *p = bytes;

	while (length > 0 && p[length - 1] == 0)
		length--;
	return length > 0;
}

int wire_next(const unsigned char *metadata, size_t size, size_t *at, int *type, const unsigned char **value, size_t *length)
{
	if (*at >= size)
		return 0;
	*type = wire_get16(metadata + *at);
	*length = wire_get32(metadata + *at + 4);
	*value = metadata + *at + 8;
	*at += 8 + padded(*length);
	return 1;
}

/* What clause 3.6 and 3.7 allow: lengths and how often. */
static const struct rule {
	uint16_t type;
	uint32_t shortest, longest;
	uint8_t repeats;
	const char *name;
} rules[] = {
	{ 1, 1, 4096, 1, "KEY" }, { 2, 16, 16, 1, "RANGE" }, { 3, 8, 8, 1, "IF_GENERATION_NOT" }, { 4, 1, 256, 1, "IF_ETAG_NOT" },
	{ 5, 4, 4, 1, "MODE" }, { 6, 1, 64, 1, "FILL_TOKEN" }, { 7, 2, 2050, 64, "REQUEST_HEADER" }, { 8, 1, 256, 16, "VARIANT_HEADER" },
	{ 9, 8, 8, 1, "GRACE_ACCEPTED" }, { 10, 0, 0, 1, "IF_ABSENT" }, { 11, 8, 8, 1, "IF_GENERATION" }, { 12, 32, 32, 1, "EXPECTED_SHA256" },
	{ 13, 8, 8, 1, "EXPECTED_XXH3" }, { 14, 4, 4, 1, "DURABILITY" }, { 15, 0, 4096, 1, "PREFIX" }, { 16, 1, 4096, 1, "CURSOR" },
	{ 17, 4, 4, 1, "LIMIT" }, { 18, 1, 255, 1, "PURGE_TAG" }, { 19, 1, 4096, 1, "BAN" }, { 20, 8, 8, 1, "COUNT" },
	{ 21, 4, 4, 1, "TARGET" }, { 22, 1, 1024, 1, "MESSAGE" }, { 23, 1, 16, 1, "CLAUSE" }, { 24, 1, 256, 1, "DEVICE" },
	{ 25, 16, 16, 1, "DESCRIPTOR_RANGE" }, { 26, 4, 4, 1, "SHARED" }, { 27, 0, 0, 1, "SOFT" }, { 28, 8, 8, 1, "TTL" }, { 29, 1, 4096, 1, "COMMAND" },
	{ 32, 8, 8, 1, "VERSIONS" }, { 33, 8, 8, 1, "FEATURES" }, { 34, 4, 4, 1, "MAX_REQUESTS" }, { 35, 4, 4, 1, "MAX_MESSAGE_DESCRIPTORS" },
	{ 36, 4, 4, 1, "MAX_QUEUED_DESCRIPTORS" }, { 37, 4, 4, 1, "MAX_FRAME" }, { 38, 4, 4, 1, "INLINE_LIMIT" },
	{ 39, 4, 4, 1, "SHARED_ACCEPTED" }, { 40, 4, 4, 1, "ORDERED" }, { 41, 1, 64, 1, "PEER_NAME" }, { 42, 32, 32, 1, "VALIDITY" },
	{ 256, 8, 8, 1, "GENERATION" }, { 257, 32, 32, 1, "SHA256" }, { 258, 8, 8, 1, "XXH3" }, { 259, 8, 8, 1, "CREATED" },
	{ 260, 8, 8, 1, "EXPIRY" }, { 261, 8, 8, 1, "LAST_MODIFIED" }, { 262, 8, 8, 1, "GRACE" }, { 263, 1, 256, 1, "ETAG" },
	{ 264, 1, 256, 1, "CONTENT_TYPE" }, { 265, 1, 64, 1, "CONTENT_ENCODING" }, { 266, 1, 255, 64, "TAG" }, { 267, 2, 2050, 16, "VARIANT" },
	{ 268, 0, 65536, 1, "OPAQUE" }, { 269, 4, 4, 1, "EVICTABLE" },
};
enum { OF_REQUESTS = 29, OF_SESSIONS = 11, FIRST_OF_SESSIONS = 32, FIRST_OF_OBJECTS = 256 };
enum { RULES = sizeof rules / sizeof rules[0], REQUEST_HEADER = 7, BAN = 19, CLAUSE = 23, DEVICE = 24, COMMAND = 29, VARIANT = 267 };

static int is_text_type(int type) { return type == BAN || type == WIRE_MESSAGE || type == CLAUSE || type == DEVICE || type == COMMAND || type == WIRE_PEER_NAME; }

/* The bytes of the UTF-8 character that p begins with; 0 where it begins with none, or with NUL (3.5). */
static size_t size_of_character(const unsigned char *p, size_t left)
{
	size_t size = p[0] < 0x80 ? p[0] != 0 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;

	if (size < 2)
		return size;
	if (size > left)
		return 0;
	/* The second byte tells overlong forms, surrogates, and what lies past the last character. */
	if (p[1] < (p[0] == 0xe0 ? 0xa0 : p[0] == 0xf0 ? 0x90 : 0x80) || p[1] > (p[0] == 0xed ? 0x9f : p[0] == 0xf4 ? 0x8f : 0xbf))
		return 0;
	for (size_t i = 2; i < size; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return size;
}

static int is_text(const unsigned char *p, size_t length)
{
	for (size_t at = 0, size; at < length; at += size)
		if ((size = size_of_character(p + at, length - at)) == 0)
			return 0;
	return 1;
}

static int refuse(char errstr[256], const char *clause, const char *what, int type, size_t length)
{
	const char *name = NULL;

	for (size_t i = 0; i < RULES; i++)
		name = rules[i].type == type ? rules[i].name : name;
	if (name != NULL)
		snprintf(errstr, 256, "%s of %zu bytes: %s (clause %s)", name, length, what, clause);
	else
		snprintf(errstr, 256, "metadata type %d of %zu bytes: %s (clause %s)", type, length, what, clause);
	return -EPROTO;
}

static int refuse_length(char errstr[256], const struct rule *rule, size_t length)
{
	snprintf(errstr, 256, "%s of %zu bytes; it has %s%u to %u (clause 3.2)", rule->name, length, rule->shortest == rule->longest ? "exactly " : "", rule->shortest, rule->longest);
	return -EPROTO;
}

static int refuse_repetition(char errstr[256], const struct rule *rule)
{
	snprintf(errstr, 256, "%s stands there more than %u %s (clause 3.2)", rule->name, rule->repeats, rule->repeats == 1 ? "time" : "times");
	return -EPROTO;
}

/* The rule of a type, RULES for none. The types stand in three runs without gaps. */
static size_t rule_of(int type)
{
	size_t i = type >= FIRST_OF_OBJECTS ? (size_t)(type - FIRST_OF_OBJECTS) + OF_REQUESTS + OF_SESSIONS
	         : type >= FIRST_OF_SESSIONS ? (size_t)(type - FIRST_OF_SESSIONS) + OF_REQUESTS
	                                    : (size_t)type - 1;

	return i < RULES && rules[i].type == type ? i : RULES;
}

static int check_entry(int type, const unsigned char *value, size_t length, uint8_t seen[RULES], char errstr[256])
{
	size_t i = rule_of(type);

	if (i < RULES && (length < rules[i].shortest || length > rules[i].longest))
		return refuse_length(errstr, &rules[i], length);
	if (i < RULES && ++seen[i] > rules[i].repeats)
		return refuse_repetition(errstr, &rules[i]);
	if (is_text_type(type) && !is_text(value, length))
		return refuse(errstr, "3.5", "it is not UTF-8 without NUL", type, length);
	if (type == REQUEST_HEADER || type == VARIANT) {
		size_t name = wire_get16(value);
		if (name > 1024 || name > length - 2 || length - 2 - name > 1024)
			return refuse(errstr, "3.2", "its name or value is too long", type, length);
	}
	return 0;
}

int om_metadata_check(const void *metadata, size_t size, char errstr[256])
{
	const unsigned char *p = metadata;
	uint8_t seen[RULES] = { 0 };

	for (size_t at = 0; at < size;) {
		if (size - at < 8)
			return refuse(errstr, "3.2", "the metadata ends inside an entry", 0, size - at);
		int type = wire_get16(p + at);
		size_t length = wire_get32(p + at + 4);
		if (wire_get16(p + at + 2) != 0)
			return refuse(errstr, "3.2", "a reserved field is not 0", type, length);
		if (padded(length) > size - at - 8)
			return refuse(errstr, "3.2", "it passes the end of the metadata", type, length);
		for (size_t i = length; i < padded(length); i++)
			if (p[at + 8 + i] != 0)
				return refuse(errstr, "3.2", "its padding is not 0", type, length);
		int r = check_entry(type, p + at + 8, length, seen, errstr);
		if (r < 0)
			return r;
		at += 8 + padded(length);
	}
	return 0;
}

static const struct status {
	int code;
	const char *name;
	int error;
} statuses[] = {
	{ OM_OK, "OK", 0 },
	{ OM_NOT_MODIFIED, "NOT_MODIFIED", 0 },
	{ OM_NOT_FOUND, "NOT_FOUND", ENOENT },
	{ OM_RANGE_NOT_SATISFIABLE, "RANGE_NOT_SATISFIABLE", ERANGE },
	{ OM_PRECONDITION_FAILED, "PRECONDITION_FAILED", EEXIST },
	{ OM_STALE_FILL, "STALE_FILL", ESTALE },
	{ OM_MALFORMED, "MALFORMED", EPROTO },
	{ OM_BAD_REQUEST, "BAD_REQUEST", EINVAL },
	{ OM_UNSUPPORTED, "UNSUPPORTED", EOPNOTSUPP },
	{ OM_VERSION_MISMATCH, "VERSION_MISMATCH", EPROTONOSUPPORT },
	{ OM_TOO_LARGE, "TOO_LARGE", EFBIG },
	{ OM_CHECKSUM_MISMATCH, "CHECKSUM_MISMATCH", EBADMSG },
	{ OM_LENGTH_MISMATCH, "LENGTH_MISMATCH", EMSGSIZE },
	{ OM_BAD_DESCRIPTOR, "BAD_DESCRIPTOR", EBADF },
	{ OM_DESCRIPTORS_LOST, "DESCRIPTORS_LOST", EMFILE },
	{ OM_BUSY, "BUSY", EAGAIN },
	{ OM_NO_SPACE, "NO_SPACE", ENOSPC },
	{ OM_IO_ERROR, "IO_ERROR", EIO },
	{ OM_SHUTTING_DOWN, "SHUTTING_DOWN", ESHUTDOWN },
	{ OM_TIMEOUT, "TIMEOUT", ETIMEDOUT },
	{ OM_CANCELLED, "CANCELLED", ECANCELED },
	{ OM_TOO_MANY_SESSIONS, "TOO_MANY_SESSIONS", EUSERS },
	{ OM_INTERNAL, "INTERNAL", EREMOTEIO },
	{ OM_DENIED, "DENIED", EACCES },
};

static const struct status *find_status(int code)
{
	for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++)
		if (statuses[i].code == code)
			return &statuses[i];
	return find_status(OM_INTERNAL);
}

const char *om_status_name(int status) { return find_status(status)->name; }
int om_status_errno(int status) { return find_status(status)->error; }
