/* How the vectors of tests/vectors write bytes. */
#ifndef OBJMAPPER_HEX_H
#define OBJMAPPER_HEX_H

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire.h"

/* Runs of hex digits, each perhaps with *COUNT; "-" is none. */
static inline void read_bytes(const char *text, struct wire_buffer *into)
{
	if (*text == '-')
		return;
	while (*text != '\0' && *text != '\n') {
		size_t start = into->length;
		while (*text != '*' && *text != ' ' && *text != '\n' && *text != '\0') {
			unsigned byte;
			assert(sscanf(text, "%2x", &byte) == 1);
			*wire_reserve(into, 1) = (unsigned char)byte;
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
