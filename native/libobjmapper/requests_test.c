/* requests_test FRAMES: the calls write the same bytes as the vectors of that file, and refuse what a server would end the session for. */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "session.h"
#include "testing.h"

static const char *vectors;
static int processor;
static const unsigned char counting[32] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31 };
static const char key[] = "/index.html";
enum { KEY = sizeof key - 1 };

/* The bytes of the vector of that name. */
static struct wire_buffer vector(const char *name)
{
	struct wire_buffer b = { 0 };
	char line[8192], wanted[128];
	int found = 0;
	FILE *file = fopen(vectors, "re");

	check(file != NULL);
	snprintf(wanted, sizeof wanted, "name: %s\n", name);
	while (b.length == 0 && fgets(line, sizeof line, file) != NULL) {
		found |= strcmp(line, wanted) == 0;
		if (!found || strncmp(line, "hex: ", 5) != 0)
			continue;
		unsigned byte;
		for (const char *at = line + 5; sscanf(at, "%2x", &byte) == 1; at += 2)
			*wire_reserve(&b, 1) = (unsigned char)byte;
	}
	fclose(file);
	check(b.length >= WIRE_HEADER);
	return b;
}

static om_context *session(void)
{
	om_context *c = om_detached(NULL);
	size_t length;

	check(c != NULL && c->err == 0 && om_output(c, &length) != NULL);
	om_output_sent(c, length);
	return c;
}

/* Compares what a request has queued with a vector, which names no processor. */
static void expect(om_context *c, int result, const struct wire_buffer *b)
{
	size_t length;

	check(result == 0);
	const unsigned char *bytes = om_output(c, &length);
	check(bytes != NULL && length == b->length && wire_get16(bytes + 12) == processor);
	check(memcmp(bytes, b->bytes, 12) == 0 && memcmp(bytes + 14, b->bytes + 14, length - 14) == 0);
}

static om_context *session_for(const struct wire_buffer *b)
{
	om_context *c = session();
	c->session->next_id = wire_get32(b->bytes + 8) - 1;
	return c;
}

static const om_header language[] = { { "accept-language", "en" }, { NULL, NULL } };

static void a_get_says_all_that_its_options_ask(void)
{
	om_get_options all = {
		.mode = OM_COPY, .has_range = 1, .offset = 100, .length = 200, .if_generation_not = 41, .if_etag_not = "\"v0\"", .grace_millis = 5000, .headers = language,
	};
	struct wire_buffer b = vector("get-with-all");
	om_context *c = session_for(&b);

	expect(c, om_append_get(c, key, KEY, &all, NULL), &b);
	om_free(c);
	wire_free(&b);
}

static void a_get_without_options_is_a_key(void)
{
	struct wire_buffer b = vector("get");
	om_context *c = session_for(&b);

	expect(c, om_append_get(c, key, KEY, NULL, NULL), &b);
	om_free(c);
	wire_free(&b);
}

static void the_last_bytes_and_the_rest_are_ranges(void)
{
	om_get_options last = { .has_range = 1, .offset = OM_UNBOUNDED, .length = 500 }, rest = { .has_range = 1, .offset = 500, .length = OM_UNBOUNDED };
	struct wire_buffer b = vector("get-last-bytes");
	om_context *c = session_for(&b);

	expect(c, om_append_get(c, key, KEY, &last, NULL), &b);
	om_free(c);
	wire_free(&b);
	b = vector("get-to-the-end");
	c = session_for(&b);
	expect(c, om_append_get(c, key, KEY, &rest, NULL), &b);
	om_free(c);
	wire_free(&b);
}

/* A HEAD takes what chooses the object, and is refused what chooses the way of a body. */
static void a_head_takes_conditions_and_nothing_of_a_body(void)
{
	om_get_options conditions = { .if_generation_not = 41, .if_etag_not = "e", .grace_millis = 1, .headers = language };
	om_get_options wrong[] = { { .mode = OM_COPY }, { .has_range = 1 }, { .use_sink = 1 } };
	struct wire_buffer b = vector("head");
	om_context *c = session_for(&b);
	size_t length, at = 0, value_length;
	const unsigned char *value;
	int types = 0, type;

	expect(c, om_append_head(c, key, KEY, NULL, NULL), &b);
	om_output_sent(c, b.length);
	for (int i = 0; i < 3; i++)
		check(om_append_head(c, key, KEY, &wrong[i], NULL) < 0 && c->err == 0 && strstr(c->errstr, "HEAD") != NULL);
	check(om_append_head(c, key, KEY, &conditions, NULL) == 0);
	const unsigned char *bytes = om_output(c, &length);
	while (wire_next(bytes + WIRE_HEADER, wire_get32(bytes + 16), &at, &type, &value, &value_length))
		types = types * 10 + type;
	check(types == 13479); /* KEY, IF_GENERATION_NOT, IF_ETAG_NOT, REQUEST_HEADER, GRACE_ACCEPTED */
	om_free(c);
	wire_free(&b);
}

static void a_put_says_all_that_its_options_ask(void)
{
	struct wire_buffer b = vector("put-with-all");
	static const char *const tags[] = { "front", "news", NULL };
	om_put_options all = {
		.durable = 1, .evictable = 1, .ttl_millis = 60000, .grace_millis = 10000, .etag = "\"v1\"", .content_type = "text/html", .content_encoding = "gzip",
		.tags = tags, .opaque = "x: y", .opaque_length = 4, .if_absent = 1, .sha256 = counting, .has_xxh3 = 1, .xxh3 = UINT64_C(0x1122334455667788),
		.last_modified_millis = UINT64_C(0x01897bd98400), .variant = language, .fill_token = counting, .fill_token_length = 16,
	};
	om_context *c = session_for(&b);
	uint32_t id;

	/* The vector's body follows in DATA frames: begin it as om_put_stream does. */
	check(om_append_put(c, key, KEY, "", 0, &all, &id) == 0);
	size_t length;
	unsigned char *bytes = (unsigned char *)(uintptr_t)om_output(c, &length);
	check(length == b.length && memcmp(bytes + WIRE_HEADER, b.bytes + WIRE_HEADER, length - WIRE_HEADER) == 0);
	om_free(c);
	wire_free(&b);
}

static void a_ban_is_a_purge(void)
{
	struct wire_buffer b = vector("purge-ban");
	om_context *c = session_for(&b);
	size_t at = 0, length;
	const unsigned char *value;
	int type;

	check(wire_next(b.bytes + WIRE_HEADER, wire_get32(b.bytes + 16), &at, &type, &value, &length) && type == WIRE_BAN);
	check(om_append_purge_ban(c, value, length, 0, NULL) == 0);
	expect(c, 0, &b);
	om_free(c);
	wire_free(&b);
}

/* ---- limits, on both sides */

static char long_text[WIRE_MAX_METADATA + 2];

/* A string of that many bytes; one at a time. */
static const char *text(size_t length)
{
	memset(long_text, 'x', sizeof long_text - 1);
	long_text[length] = '\0';
	return long_text;
}

/* Refused with a sentence that has this in it, nothing queued, and the session goes on. */
static void expect_refusal(om_context *c, int result, const char *in_sentence)
{
	size_t length;

	check(result < 0 && c->err == 0);
	if (strstr(c->errstr, in_sentence) == NULL)
		fprintf(stderr, "%s\n", c->errstr);
	check(strstr(c->errstr, in_sentence) != NULL);
	check(om_output(c, &length) == NULL && c->session->pending == NULL && *c->session->pending_tail == NULL);
}

static void expect_acceptance(int result, om_context *c)
{
	check(result == 0);
	om_free(c);
}

static void what_is_too_long_is_refused_and_the_session_goes_on(void)
{
	om_context *c = session();
	om_put_options o = { .etag = text(257) };
	om_get_options g = { .if_etag_not = text(257) };

	expect_refusal(c, om_append_get(c, "k", 1, &g, NULL), "IF_ETAG_NOT of 257 bytes; it has 1 to 256");
	expect_refusal(c, om_append_put(c, "k", 1, "b", 1, &o, NULL), "ETAG of 257 bytes");
	o = (om_put_options) { .content_encoding = text(65) };
	expect_refusal(c, om_append_put(c, "k", 1, "b", 1, &o, NULL), "CONTENT_ENCODING of 65 bytes");
	o = (om_put_options) { .opaque = text(0), .opaque_length = 65537 };
	expect_refusal(c, om_append_put(c, "k", 1, "b", 1, &o, NULL), "OPAQUE of 65537 bytes; it has 0 to 65536");
	o = (om_put_options) { .opaque = text(0), .opaque_length = WIRE_MAX_METADATA + 1 };
	expect_refusal(c, om_append_put(c, "k", 1, "b", 1, &o, NULL), "metadata of");
	o = (om_put_options) { .fill_token = text(0), .fill_token_length = 65 };
	expect_refusal(c, om_append_put(c, "k", 1, "b", 1, &o, NULL), "FILL_TOKEN of 65 bytes");
	o.fill_token_length = 0;
	expect_refusal(c, om_append_put(c, "k", 1, "b", 1, &o, NULL), "FILL_TOKEN of 0 bytes");
	o = (om_put_options) { .fill_token = text(0), .fill_token_length = 64, .opaque = text(0), .opaque_length = 65536 };
	expect_acceptance(om_append_put(c, "k", 1, "b", 1, &o, NULL), c);
	c = session();
	o = (om_put_options) { .etag = text(256), .content_type = text(256) };
	expect_acceptance(om_append_put(c, "k", 1, "b", 1, &o, NULL), c);
}

static void what_stands_too_often_is_refused(void)
{
	om_header headers[66];
	const char *tags[66];
	om_get_options g = { .headers = headers };
	om_put_options variant = { .variant = headers }, tagged = { .tags = tags };

	for (int i = 0; i < 66; i++) {
		headers[i] = (om_header) { i < 65 ? "h" : NULL, "v" };
		tags[i] = i < 65 ? "t" : NULL;
	}
	om_context *c = session();
	expect_refusal(c, om_append_get(c, "k", 1, &g, NULL), "REQUEST_HEADER stands there more than 64 times");
	expect_refusal(c, om_append_put(c, "k", 1, "b", 1, &tagged, NULL), "TAG stands there more than 64 times");
	headers[17].name = NULL;
	expect_refusal(c, om_append_put(c, "k", 1, "b", 1, &variant, NULL), "VARIANT stands there more than 16 times");
	headers[16].name = NULL;
	expect_acceptance(om_append_put(c, "k", 1, "b", 1, &variant, NULL), c);
	c = session();
	headers[16].name = headers[17].name = "h";
	headers[64].name = NULL;
	expect_acceptance(om_append_get(c, "k", 1, &g, NULL), c);
}

static void a_header_of_more_than_1024_bytes_is_refused(void)
{
	om_header headers[] = { { text(1025), "v" }, { NULL, NULL } };
	om_get_options g = { .headers = headers };
	om_context *c = session();

	expect_refusal(c, om_append_get(c, "k", 1, &g, NULL), "too long");
	headers[0] = (om_header) { "n", text(1025) };
	expect_refusal(c, om_append_get(c, "k", 1, &g, NULL), "too long");
	headers[0] = (om_header) { text(70000), NULL };
	expect_refusal(c, om_append_get(c, "k", 1, &g, NULL), "REQUEST_HEADER of 70002 bytes");
	headers[0] = (om_header) { text(1024), long_text };
	expect_acceptance(om_append_get(c, "k", 1, &g, NULL), c);
}

static void options_that_make_no_sense_are_refused(void)
{
	om_get_options mode = { .mode = (enum om_mode)5 }, later = { .reserved = { 0, 0, 0, 1 } };
	om_put_options later_put = { .reserved = { 1 } };
	om_context *c = session();

	expect_refusal(c, om_append_get(c, "k", 1, &mode, NULL), "mode 5");
	expect_refusal(c, om_append_get(c, "k", 1, &later, NULL), "reserved");
	expect_refusal(c, om_append_put(c, "k", 1, "", 0, &later_put, NULL), "reserved");
	om_put_options of_a_put[] = { { .if_absent = 1 }, { .sha256 = counting }, { .has_xxh3 = 1 }, { .fill_token = counting, .fill_token_length = 1 } };
	for (int i = 0; i < 4; i++)
		expect_refusal(c, om_append_touch(c, "k", 1, &of_a_put[i], NULL), "TOUCH");
	om_free(c);
}

static void expect_no_session(const om_options *o, const char *in_sentence)
{
	om_context *c = om_detached(o);

	check(c != NULL && c->err == EINVAL && strstr(c->errstr, in_sentence) != NULL);
	om_free(c);
	c = om_connect("/nonexistent/socket", o);
	check(c != NULL && c->err == EINVAL);
	om_free(c);
}

static void a_session_with_senseless_options_is_refused(void)
{
	expect_no_session(&(om_options) { .mode = (enum om_mode)5 }, "mode 5");
	expect_no_session(&(om_options) { .max_requests = 4097 }, "max_requests 4097");
	expect_no_session(&(om_options) { .inline_limit = 65537 }, "inline_limit 65537");
	expect_no_session(&(om_options) { .timeout_millis = -2 }, "timeout_millis -2");
	expect_no_session(&(om_options) { .name = "" }, "a name of 0 bytes");
	expect_no_session(&(om_options) { .name = text(65) }, "a name of 65 bytes");
	expect_no_session(&(om_options) { .name = "\xc3" }, "PEER_NAME");
	expect_no_session(&(om_options) { .reserved = { 1 } }, "reserved");
	om_context *c = om_detached(&(om_options) { .max_requests = 4096, .inline_limit = 65536, .timeout_millis = -1, .name = text(64), .ordered = 1, .shared_accepted = 1 });
	check(c != NULL && c->err == 0);
	om_free(c);
}

/* ---- what comes back of them */

static struct wire_buffer hello_with(uint64_t features)
{
	struct wire_buffer b = { 0 };
	size_t frame = wire_begin(&b, WIRE_HELLO, WIRE_REPLY, 0, 0, 0, WIRE_MAGIC);

	wire_u64(&b, WIRE_FEATURES, features);
	wire_end(&b, frame, NULL, 0);
	return b;
}

static void a_miss_carries_its_token_and_the_headers_to_send(void)
{
	struct wire_buffer miss = vector("get-reply-miss"), hello = hello_with(OM_FILL_TOKENS | OM_VARIANTS);
	om_context *c = session_for(&miss);
	size_t length;

	check(om_append_get(c, key, KEY, NULL, NULL) == 0);
	check(om_input(c, hello.bytes, hello.length, NULL, 0) == 0 && om_input(c, miss.bytes, miss.length, NULL, 0) == 0);
	check(om_features(c) == (OM_FILL_TOKENS | OM_VARIANTS));
	om_reply *r = om_get_reply(c);
	check(r != NULL && r->status == OM_NOT_FOUND);
	const void *token = om_find(r, OM_FILL_TOKEN, 0, &length);
	check(token != NULL && length == 16 && memcmp(token, counting, 16) == 0);
	const void *name = om_find(r, OM_VARIANT_HEADER, 0, &length);
	check(name != NULL && length == 15 && memcmp(name, "accept-language", 15) == 0 && om_find(r, OM_VARIANT_HEADER, 1, &length) == NULL);
	om_reply_free(r);
	om_free(c);
	wire_free(&miss);
	wire_free(&hello);
}

static void an_object_says_which_variant_it_is(void)
{
	struct wire_buffer b = { 0 }, hello = hello_with(0);
	om_context *c = session();
	om_variant v;
	uint32_t id;

	check(om_append_get(c, key, KEY, NULL, &id) == 0);
	size_t frame = wire_begin(&b, WIRE_GET, WIRE_REPLY, id, OM_OK, 0, 0);
	wire_header(&b, OM_VARIANT, "accept", "");
	wire_header(&b, OM_VARIANT, "accept-language", "en");
	wire_end(&b, frame, NULL, 0);
	check(om_input(c, hello.bytes, hello.length, NULL, 0) == 0 && om_input(c, b.bytes, b.length, NULL, 0) == 0);
	om_reply *r = om_get_reply(c);
	check(r != NULL && om_find_variant(r, 0, &v) == 1 && v.name_length == 6 && memcmp(v.name, "accept", 6) == 0 && v.value_length == 0);
	check(om_find_variant(r, 1, &v) == 1 && v.name_length == 15 && v.value_length == 2 && memcmp(v.value, "en", 2) == 0);
	check(om_find_variant(r, 2, &v) == 0);
	om_reply_free(r);
	om_free(c);
	wire_free(&b);
	wire_free(&hello);
}

int main(int argc, char **argv)
{
	check(argc == 2);
	vectors = argv[1];
	processor = stay_on_this_processor();
	a_get_without_options_is_a_key();
	a_get_says_all_that_its_options_ask();
	the_last_bytes_and_the_rest_are_ranges();
	a_head_takes_conditions_and_nothing_of_a_body();
	a_put_says_all_that_its_options_ask();
	a_ban_is_a_purge();
	what_is_too_long_is_refused_and_the_session_goes_on();
	what_stands_too_often_is_refused();
	a_header_of_more_than_1024_bytes_is_refused();
	options_that_make_no_sense_are_refused();
	a_session_with_senseless_options_is_refused();
	a_miss_carries_its_token_and_the_headers_to_send();
	an_object_says_which_variant_it_is();
	puts("requests: all passed");
	return 0;
}
