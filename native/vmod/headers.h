/* The request headers by which the bodies under one key are told apart. */
#ifndef OBJMAPPER_VMOD_HEADERS_H
#define OBJMAPPER_VMOD_HEADERS_H

#include <stddef.h>

#include "objmapper.h"

struct http;

enum {
	HEADERS_ROOM = 16,        /* protocol-spec.md 5.4.9 */
	HEADER_VALUE_ROOM = 1024, /* protocol-spec.md, VARIANT */
	HEADER_NAME_ROOM = 126,   /* Varnish can't look longer ones up */
};

/* Zero-initialised, there are none. list is ended by one without a name. */
struct headers {
	unsigned count;
	om_header list[HEADERS_ROOM + 1];
	char names[HEADERS_ROOM][HEADER_NAME_ROOM + 1];
};

/*
 * Adds a header of a request by its name, in lower case, unless it is there already; one that the request does not have is empty. The value
 * stays the request's. Returns 1 when it was added, 0 when it was there, -1 when that is too many, too long a name or too long a value.
 */
int headers_add(struct headers *headers, const struct http *request, const char *name, size_t name_length);

/* Adds the headers that a Vary names. -1 where it names * or what headers_add refuses. */
int headers_add_vary(struct headers *headers, const struct http *request, const char *vary);

/* The value of a header that was added; NULL where it was not. */
const char *headers_value(const struct headers *headers, const char *name, size_t name_length);

#endif
