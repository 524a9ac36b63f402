#include "wire.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "objmapper.h"

#define COLD __attribute__((cold)) /* kept out of the way of what is usual */

void wire_free(struct wire_buffer *b)
{
	free(b->bytes);
	memset(b, 0, sizeof *b);
}

int wire_grow(struct wire_buffer *b, size_t length)
{
	size_t room = b->room * 2 > b->length + length ? b->room * 2 : b->length + length + 256;
	unsigned char *bytes = b->failed ? NULL : realloc(b->bytes, room);

	if (bytes == NULL) {
		b->failed = 1;
		return -1;
	}
	b->bytes = bytes;
	b->room = room;
	return 0;
}

size_t wire_begin(struct wire_buffer *b, int operation, int flags, uint32_t id, int status, int fds, uint64_t object_length)
{
	size_t frame = b->length;
	unsigned char *p = wire_reserve(b, WIRE_HEADER);

	if (p == NULL)
		return 0;
	wire_put32(p, 0);
	p[4] = (unsigned char)operation;
	p[5] = (unsigned char)fds;
	wire_put16(p + 6, (uint16_t)flags);
	wire_put64(p + 8, (uint64_t)id | (uint64_t)(uint16_t)status << 32);
	wire_put64(p + 16, 0);
	wire_put64(p + 24, object_length);
	return frame;
}

/* Begins an entry of so many bytes; returns where they go, the padding behind them 0, or NULL. */
static unsigned char *begin_entry(struct wire_buffer *b, int type, size_t length)
{
	unsigned char *p = wire_reserve(b, 8 + wire_padded(length));

	if (p == NULL)
		return NULL;
	wire_put64(p + wire_padded(length), 0); /* its last 8 bytes; the head's own where the value is empty */
	wire_put64(p, (uint64_t)(uint16_t)type | (uint64_t)length << 32);
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
	wire_put64(bytes, value);
	wire_entry(b, type, bytes, sizeof bytes);
}

void wire_pair(struct wire_buffer *b, int type, uint64_t first, uint64_t second)
{
	unsigned char bytes[16];
	wire_put64(bytes, first);
	wire_put64(bytes + 8, second);
	wire_entry(b, type, bytes, sizeof bytes);
}

void wire_header(struct wire_buffer *b, int type, const char *name, const char *value)
{
	size_t name_length = strlen(name), value_length = strlen(value);
	unsigned char *p = begin_entry(b, type, 2 + name_length + value_length);

	if (p == NULL)
		return;
	wire_put16(p, (uint16_t)name_length);
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

/* What a value is beyond its length: UTF-8 without NUL (3.5), or a name and a value (3.6). */
enum kind { BYTES, TEXT, PAIR };

/* What clause 3.6 and 3.7 allow: type, shortest, longest, how often, kind and name. */
#define RULES(R) \
	R(1, 1, 4096, 1, BYTES, KEY) R(2, 16, 16, 1, BYTES, RANGE) R(3, 8, 8, 1, BYTES, IF_GENERATION_NOT) R(4, 1, 256, 1, BYTES, IF_ETAG_NOT) \
	R(5, 4, 4, 1, BYTES, MODE) R(6, 1, 64, 1, BYTES, FILL_TOKEN) R(7, 2, 2050, 64, PAIR, REQUEST_HEADER) R(8, 1, 256, 16, BYTES, VARIANT_HEADER) \
	R(9, 8, 8, 1, BYTES, GRACE_ACCEPTED) R(10, 0, 0, 1, BYTES, IF_ABSENT) R(11, 8, 8, 1, BYTES, IF_GENERATION) \
	R(12, 32, 32, 1, BYTES, EXPECTED_SHA256) R(13, 8, 8, 1, BYTES, EXPECTED_XXH3) R(14, 4, 4, 1, BYTES, DURABILITY) \
	R(15, 0, 4096, 1, BYTES, PREFIX) R(16, 1, 4096, 1, BYTES, CURSOR) R(17, 4, 4, 1, BYTES, LIMIT) R(18, 1, 255, 1, BYTES, PURGE_TAG) \
	R(19, 1, 4096, 1, TEXT, BAN) R(20, 8, 8, 1, BYTES, COUNT) R(21, 4, 4, 1, BYTES, TARGET) R(22, 1, 1024, 1, TEXT, MESSAGE) \
	R(23, 1, 16, 1, TEXT, CLAUSE) R(24, 1, 256, 1, TEXT, DEVICE) R(25, 16, 16, 1, BYTES, DESCRIPTOR_RANGE) R(26, 4, 4, 1, BYTES, SHARED) \
	R(27, 0, 0, 1, BYTES, SOFT) R(28, 8, 8, 1, BYTES, TTL) R(29, 1, 4096, 1, TEXT, COMMAND) R(32, 8, 8, 1, BYTES, VERSIONS) \
	R(33, 8, 8, 1, BYTES, FEATURES) R(34, 4, 4, 1, BYTES, MAX_REQUESTS) R(35, 4, 4, 1, BYTES, MAX_MESSAGE_DESCRIPTORS) \
	R(36, 4, 4, 1, BYTES, MAX_QUEUED_DESCRIPTORS) R(37, 4, 4, 1, BYTES, MAX_FRAME) R(38, 4, 4, 1, BYTES, INLINE_LIMIT) \
	R(39, 4, 4, 1, BYTES, SHARED_ACCEPTED) R(40, 4, 4, 1, BYTES, ORDERED) R(41, 1, 64, 1, TEXT, PEER_NAME) R(42, 32, 32, 1, BYTES, VALIDITY) \
	R(256, 8, 8, 1, BYTES, GENERATION) R(257, 32, 32, 1, BYTES, SHA256) R(258, 8, 8, 1, BYTES, XXH3) R(259, 8, 8, 1, BYTES, CREATED) \
	R(260, 8, 8, 1, BYTES, EXPIRY) R(261, 8, 8, 1, BYTES, LAST_MODIFIED) R(262, 8, 8, 1, BYTES, GRACE) R(263, 1, 256, 1, BYTES, ETAG) \
	R(264, 1, 256, 1, BYTES, CONTENT_TYPE) R(265, 1, 64, 1, BYTES, CONTENT_ENCODING) R(266, 1, 255, 64, BYTES, TAG) \
	R(267, 2, 2050, 16, PAIR, VARIANT) R(268, 0, 65536, 1, BYTES, OPAQUE) R(269, 4, 4, 1, BYTES, EVICTABLE)

/* A rule for each type, and before them that of a type that is none of these. */
enum {
	NO_RULE,
#define NUMBER(type, shortest, longest, repeats, kind, name) name##_RULE,
	RULES(NUMBER)
	RULE_COUNT
};
static const uint8_t rules_of_types[] = {
#define OF_TYPE(type, shortest, longest, repeats, kind, name) [type] = name##_RULE,
	RULES(OF_TYPE)
};
/* Small, so that what is looked at for each entry stays in the processor's cache. */
static const struct rule {
	uint32_t longest;
	uint8_t shortest, repeats, kind;
} rules[RULE_COUNT] = {
	{ UINT32_MAX, 0, UINT8_MAX, BYTES },
#define RULE(type, shortest, longest, repeats, kind, name) { longest, shortest, repeats, kind },
	RULES(RULE)
};
static const char *const names[RULE_COUNT] = {
	NULL,
#define NAME(type, shortest, longest, repeats, kind, name) #name,
	RULES(NAME)
};

static unsigned rule_of(unsigned type) { return type < sizeof rules_of_types ? rules_of_types[type] : NO_RULE; }

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

static COLD int refuse(char errstr[256], const char *clause, const char *what, int type, size_t length)
{
	unsigned rule = rule_of((unsigned)type);

	if (rule != NO_RULE)
		snprintf(errstr, 256, "%s of %zu bytes: %s (clause %s)", names[rule], length, what, clause);
	else
		snprintf(errstr, 256, "metadata type %d of %zu bytes: %s (clause %s)", type, length, what, clause);
	return -EPROTO;
}

static COLD int refuse_length(char errstr[256], unsigned rule, size_t length)
{
	uint32_t shortest = rules[rule].shortest, longest = rules[rule].longest;

	snprintf(errstr, 256, "%s of %zu bytes; it has %s%u to %u (clause 3.2)", names[rule], length, shortest == longest ? "exactly " : "", shortest, longest);
	return -EPROTO;
}

static COLD int refuse_repetition(char errstr[256], unsigned rule)
{
	unsigned repeats = rules[rule].repeats;

	snprintf(errstr, 256, "%s stands there more than %u %s (clause 3.2)", names[rule], repeats, repeats == 1 ? "time" : "times");
	return -EPROTO;
}

/* What the first 8 bytes of an entry say. */
struct entry {
	int type;
	uint16_t reserved;
	size_t length;
};

static struct entry entry_at(const unsigned char *p)
{
	return (struct entry) { .type = wire_get16(p), .reserved = wire_get16(p + 2), .length = wire_get32(p + 4) };
}

/* Whether what follows a value, up to the next entry, is 0. */
static int is_padded_with_0(const unsigned char *value, size_t length)
{
	return length % 8 == 0 || wire_get64(value + length / 8 * 8) >> length % 8 * 8 == 0;
}

/* Says why an entry is not well formed. */
static COLD int refuse_entry(char errstr[256], const struct entry *e, size_t left)
{
	if (e->reserved != 0)
		return refuse(errstr, "3.2", "a reserved field is not 0", e->type, e->length);
	if (wire_padded(e->length) > left)
		return refuse(errstr, "3.2", "it passes the end of the metadata", e->type, e->length);
	return refuse_length(errstr, rule_of((unsigned)e->type), e->length);
}

static COLD int check_kind(const struct entry *e, enum kind kind, const unsigned char *value, char errstr[256])
{
	if (kind == TEXT && !is_text(value, e->length))
		return refuse(errstr, "3.5", "it is not UTF-8 without NUL", e->type, e->length);
	if (kind == PAIR) {
		size_t name = wire_get16(value);
		if (name > 1024 || name > e->length - 2 || e->length - 2 - name > 1024)
			return refuse(errstr, "3.2", "its name or value is too long", e->type, e->length);
	}
	return 0;
}

/* Whether no type stands more often than it may in metadata that is good otherwise. */
static COLD int check_repetitions(const unsigned char *metadata, size_t size, char errstr[256])
{
	uint8_t seen[RULE_COUNT] = { 0 };
	const unsigned char *value;
	size_t length;
	int type;

	for (size_t at = 0; wire_next(metadata, size, &at, &type, &value, &length);) {
		unsigned rule = rule_of((unsigned)type);
		if (rule != NO_RULE && ++seen[rule] > rules[rule].repeats)
			return refuse_repetition(errstr, rule);
	}
	return 0;
}

int om_metadata_check(const void *metadata, size_t size, char errstr[256])
{
	const unsigned char *p = metadata;
	int before = -1, may_repeat = 0;

	for (size_t left = size; left > 0;) {
		if (left < 8)
			return refuse(errstr, "3.2", "the metadata ends inside an entry", 0, left);
		struct entry e = entry_at(p);
		const struct rule *rule = &rules[rule_of((unsigned)e.type)];
		size_t padded = wire_padded(e.length);
		p += 8;
		left -= 8;
		if (e.reserved != 0 || padded > left || e.length < rule->shortest || e.length > rule->longest)
			return refuse_entry(errstr, &e, left);
		if (!is_padded_with_0(p, e.length))
			return refuse(errstr, "3.2", "its padding is not 0", e.type, e.length);
		if (rule->kind != BYTES && check_kind(&e, (enum kind)rule->kind, p, errstr) < 0)
			return -EPROTO;
		may_repeat |= e.type <= before; /* as a rule types ascend (3.10) */
		before = e.type;
		p += padded;
		left -= padded;
	}
	return may_repeat ? check_repetitions(metadata, size, errstr) : 0;
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
