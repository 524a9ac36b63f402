/* Variants by the C client, for the end-to-end test.
 *
 *   variants SOCKET
 *
 * Puts a body for each of two languages under one key, and sees that each is got, touched and purged for itself. */
#include <objmapper.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char KEY[] = "c/page";
enum { KEY_LENGTH = sizeof KEY - 1 };

static void expect(int is_so, const char *what, const om_context *c)
{
	if (is_so)
		return;
	fprintf(stderr, "variants: not so: %s (%s)\n", what, c->errstr);
	exit(1);
}

static void put(om_context *c, const char *language)
{
	om_header variant[] = { { "accept-language", language }, { NULL, NULL } };
	om_put_options options = { .variant = variant };
	om_reply *r = om_put(c, KEY, KEY_LENGTH, language, strlen(language), &options);

	expect(r != NULL && r->status == OM_OK, "stored", c);
	om_reply_free(r);
}

static om_reply *get(om_context *c, const char *language)
{
	om_header headers[] = { { "accept-language", language }, { NULL, NULL } };
	om_get_options options = { .headers = headers };
	om_reply *r = om_get(c, KEY, KEY_LENGTH, &options);

	expect(r != NULL, "answered", c);
	return r;
}

static void expect_body(om_context *c, const char *language)
{
	om_reply *r = get(c, language);
	om_variant v;

	expect(r->status == OM_OK && r->body_length == strlen(language) && memcmp(r->body, language, strlen(language)) == 0, language, c);
	expect(om_find_variant(r, 0, &v) == 1 && v.value_length == strlen(language), "it says which it is", c);
	om_reply_free(r);
}

static void expect_miss(om_context *c, const char *language)
{
	om_reply *r = get(c, language);
	size_t length;
	const void *name = om_find(r, OM_VARIANT_HEADER, 0, &length);

	expect(r->status == OM_NOT_FOUND, "missed", c);
	expect(name != NULL && length == 15 && memcmp(name, "accept-language", 15) == 0, "the miss names the header", c);
	om_reply_free(r);
}

int main(int argc, char **argv)
{
	om_context *c = argc == 2 ? om_connect(argv[1], NULL) : NULL;

	if (c == NULL)
		return 2;
	expect(c->err == 0, "connected", c);
	put(c, "en");
	put(c, "english");
	expect((om_features(c) & OM_VARIANTS) != 0, "variants are granted", c);
	expect_body(c, "en");
	expect_body(c, "english");
	expect_miss(c, "fr");

	om_header english[] = { { "accept-language", "english" }, { NULL, NULL } };
	const char *tags[] = { "c-tag", NULL };
	om_put_options touch = { .variant = english, .tags = tags };
	om_reply *r = om_touch(c, KEY, KEY_LENGTH, &touch);
	expect(r != NULL && r->status == OM_OK, "touched", c);
	om_reply_free(r);
	r = om_purge_tag(c, "c-tag", 5, 0);
	expect(r != NULL && r->status == OM_OK, "purged", c);
	om_reply_free(r);
	expect_miss(c, "english");
	expect_body(c, "en");

	r = om_delete(c, KEY, KEY_LENGTH, 0);
	expect(r != NULL && r->status == OM_OK, "deleted", c);
	om_reply_free(r);
	om_free(c);
	return 0;
}
