/*
 * vectors_test FILE...: decodes every vector, compares it with its description, and encodes it again to the same bytes, in the order
 * of 3.10. Besides the verdicts of tests/vectors/README.md there is "incomplete": the rest of the frame is still to come.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hex.h"
#include "objmapper.h"

enum { MOST_ENTRIES = 256, MOST_BYTES = 2 * WIRE_MAX_FRAME };

struct vector {
	char name[128], clause[16];
	unsigned long long operation, flags, id, status, descriptors, object_length;
	struct { int type; struct wire_buffer value; } entries[MOST_ENTRIES];
	int entry_count;
	struct wire_buffer body, frame, canonical;
	int is_sound, is_incomplete;
};

static void fail(const struct vector *v, const char *what)
{
	fprintf(stderr, "%s: %s\n", v->name, what);
	exit(1);
}

/* The next record; 0 at the end of the file. */
static int read_vector(FILE *file, struct vector *v)
{
	static char line[MOST_BYTES];
	int lines = 0;

	memset(v, 0, sizeof *v);
	while (fgets(line, sizeof line, file) != NULL && line[0] != '\n') {
		char *value = strstr(line, ": ");
		assert(value != NULL);
		*value = '\0';
		value += 2;
		lines++;
		if (strcmp(line, "name") == 0)
			snprintf(v->name, sizeof v->name, "%.*s", (int)strcspn(value, "\n"), value);
		else if (strcmp(line, "clause") == 0)
			snprintf(v->clause, sizeof v->clause, "%.*s", (int)strcspn(value, "\n"), value);
		else if (strcmp(line, "operation") == 0)
			v->operation = strtoull(value, NULL, 10);
		else if (strcmp(line, "flags") == 0)
			v->flags = strtoull(value, NULL, 10);
		else if (strcmp(line, "id") == 0)
			v->id = strtoull(value, NULL, 10);
		else if (strcmp(line, "status") == 0)
			v->status = strtoull(value, NULL, 10);
		else if (strcmp(line, "descriptors") == 0)
			v->descriptors = strtoull(value, NULL, 10);
		else if (strcmp(line, "object-length") == 0)
			v->object_length = strtoull(value, NULL, 10);
		else if (strcmp(line, "body") == 0)
			read_bytes(value, &v->body);
		else if (strcmp(line, "hex") == 0)
			read_bytes(value, &v->frame);
		else if (strcmp(line, "canonical") == 0)
			read_bytes(value, &v->canonical);
		else if (strcmp(line, "verdict") == 0) {
			v->is_incomplete = strncmp(value, "incomplete", 10) == 0;
			v->is_sound = !v->is_incomplete && strncmp(value, "malformed", 9) != 0;
		}
		else if (strcmp(line, "entry") == 0) {
			char *bytes;
			assert(v->entry_count < MOST_ENTRIES);
			v->entries[v->entry_count].type = (int)strtol(value, &bytes, 10);
			read_bytes(bytes + 1, &v->entries[v->entry_count++].value);
		}
	}
	return lines > 0;
}

static void free_vector(struct vector *v)
{
	for (int i = 0; i < v->entry_count; i++)
		wire_free(&v->entries[i].value);
	wire_free(&v->body);
	wire_free(&v->frame);
	wire_free(&v->canonical);
}

static int same(const struct wire_buffer *b, const unsigned char *bytes, size_t length)
{
	return b->length == length && (length == 0 || memcmp(b->bytes, bytes, length) == 0);
}

static void compare(const struct vector *v, const om_frame *f)
{
	const unsigned char *value;
	size_t length, at = 0;
	int type;

	if ((unsigned)f->operation != v->operation || (unsigned)f->flags != v->flags || f->id != v->id || (unsigned)f->status != v->status ||
	    (unsigned)f->fds != v->descriptors || f->object_length != v->object_length)
		fail(v, "the header is read otherwise");
	for (int i = 0; i < v->entry_count; i++) {
		if (!wire_next(f->metadata, f->metadata_length, &at, &type, &value, &length))
			fail(v, "an entry is missing");
		if (type != v->entries[i].type || !same(&v->entries[i].value, value, length))
			fail(v, "an entry is read otherwise");
	}
	if (wire_next(f->metadata, f->metadata_length, &at, &type, &value, &length))
		fail(v, "there is an entry too many");
	if (!same(&v->body, f->body, f->body_length))
		fail(v, "the body is read otherwise");
}

/* Where entries of a type stand: unknown object metadata last. */
static int rank(int type) { return type > OM_EVICTABLE && type < 16384 ? 65536 : type; }

/* The number of the entry to encode next: of those with the least rank the first that is not done. */
static int next_entry(const struct vector *v, const unsigned char done[MOST_ENTRIES])
{
	int best = -1;

	for (int i = 0; i < v->entry_count; i++)
		if (!done[i] && (best < 0 || rank(v->entries[i].type) < rank(v->entries[best].type)))
			best = i;
	return best;
}

static void encode_again(const struct vector *v)
{
	unsigned char done[MOST_ENTRIES] = { 0 };
	struct wire_buffer b = { 0 };
	size_t frame = wire_begin(&b, (int)v->operation, (int)v->flags, (uint32_t)v->id, (int)v->status, (int)v->descriptors, v->object_length);

	for (int i; (i = next_entry(v, done)) >= 0; done[i] = 1)
		wire_entry(&b, v->entries[i].type, v->entries[i].value.bytes, v->entries[i].value.length);
	wire_end(&b, frame, v->body.bytes, v->body.length);
	if (!same(v->canonical.length > 0 ? &v->canonical : &v->frame, b.bytes, b.length))
		fail(v, "it is encoded to other bytes");
	wire_free(&b);
}

static void check(const struct vector *v)
{
	om_reader *r = om_reader_new(0);
	om_frame f;
	char why[256], clause[32];
	int fd = v->descriptors > 0 ? dup(0) : -1;

	assert(om_reader_feed(r, v->frame.bytes, v->frame.length, &fd, fd >= 0) == 0);
	int result = om_reader_next(r, &f, why);
	if (v->descriptors > 1) { /* a server's frame may claim one, a client's too */
		if (result != -EPROTO || strstr(why, "(clause 1.5)") == NULL)
			fail(v, "it claims descriptors that did not come, and was not refused");
		encode_again(v);
	} else if (v->is_incomplete) {
		if (result != 0)
			fail(v, result < 0 ? why : "it lacks its end, and was taken for whole");
	} else if (!v->is_sound) {
		if (result >= 0)
			fail(v, "it is malformed, and was not refused");
		snprintf(clause, sizeof clause, "(clause %s)", v->clause);
		if (strstr(why, clause) == NULL)
			fail(v, why);
	} else {
		if (result != 1)
			fail(v, result < 0 ? why : "the frame is not whole");
		compare(v, &f);
		encode_again(v);
		if (f.fd >= 0)
			close(f.fd);
	}
	om_reader_free(r);
}

int main(int argc, char **argv)
{
	static struct vector v;
	int count = 0;

	for (int i = 1; i < argc; i++) {
		FILE *file = fopen(argv[i], "re");
		if (file == NULL) {
			perror(argv[i]);
			return 1;
		}
		while (read_vector(file, &v)) {
			check(&v);
			free_vector(&v);
			count++;
		}
		fclose(file);
	}
	printf("%d vectors hold\n", count);
	return count > 0 ? 0 : 1;
}
