/* How the vectors of tests/vectors write bytes. */
#ifndef OBJMAPPER_HEX_H
#define OBJMAPPER_HEX_H

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "wire.h"

static inline unsigned digit(char c)
{
	assert((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'));
	return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

/* Runs of hex digits, each perhaps with *COUNT; "-" is none. */
static inline void read_bytes(const char *text, struct wire_buffer *into)
{
	if (*text == '-')
		return;
	while (*text != '\0' && *text != '\n') {
		size_t start = into->length;
		while (*text != '*' && *text != ' ' && *text != '\n' && *text != '\0') {
			*wire_reserve(into, 1) = (unsigned char)(digit(text[0]) << 4 | digit(text[1]));
			text += 2;
		}
		if (*text == '*') {
			char *end;
			unsigned long count = strtoul(text + 1, &end, 10);
			unsigned char byte = into->bytes[start];
			assert(into->length == start + 1 && count >= 1);
			memset(wire_reserve(into, count - 1), byte, count - 1);
			text = end;
		}
		text += *text == ' ';
	}
}

#endif
