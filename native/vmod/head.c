#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/cache_varnishd.h"

#include "head.h"
#include "room.h"

enum { LIFE_ROOM = 128 };

/* ---- writing */

struct text {
	char *bytes;
	size_t length;
};

static int add(struct text *text, const char *bytes, size_t length)
{
	if (length > HEAD_ROOM - text->length)
		return (-1);
	memcpy(text->bytes + text->length, bytes, length);
	text->length += length;
	return (0);
}

static int add_line(struct text *text, txt line)
{
	return (add(text, line.b, (size_t)(line.e - line.b)) < 0 || add(text, "\r\n", 2) < 0 ? -1 : 0);
}

static int add_header(struct text *text, const struct http *response)
{
	for (unsigned i = HTTP_HDR_FIRST; i < response->nhd; i++)
		if (!http_IsFiltered(response, i, HTTPH_C_SPECIFIC) && add_line(text, response->hd[i]) < 0)
			return (-1);
	return (add(text, "\r\n", 2));
}

char *head_of(const struct http *response, size_t *length)
{
	char status[32];
	struct text text = { malloc(HEAD_ROOM), 0 };

	AN(text.bytes);
	int n = snprintf(status, sizeof status, "HTTP/1.1 %03u ", http_GetStatus(response));
	if (add(&text, status, (size_t)n) < 0 || add_line(&text, response->hd[HTTP_HDR_REASON]) < 0 || add_header(&text, response) < 0) {
		free(text.bytes);
		return (NULL);
	}
	*length = text.length;
	return (text.bytes);
}

/* The next line of a head, without its end; NULL at the empty one, and at the end of the text. */
static const char *step(const char **at, const char *end, size_t *length)
{
	const char *line = *at;
	const char *cr = memmem(line, (size_t)(end - line), "\r\n", 2);

	if (cr == NULL || cr == line)
		return (NULL);
	*at = cr + 2;
	*length = (size_t)(cr - line);
	return (line);
}

const char *head_value(const char *head, size_t head_length, const char *name, size_t *length)
{
	size_t name_length = strlen(name);
	const char *line, *end = head + head_length;

	while ((line = step(&head, end, length)) != NULL) {
		if (*length < name_length || strncasecmp(line, name, name_length) != 0)
			continue;
		for (line += name_length, *length -= name_length; *length > 0 && (*line == ' ' || *line == '\t'); line++)
			--*length;
		return (line);
	}
	return (NULL);
}

/* Whether a head has a header of the name that stands in a line. */
static int has_same(const char *head, size_t head_length, const char *line, size_t line_length)
{
	char name[256];
	const char *colon = memchr(line, ':', line_length);
	size_t length;

	if (colon == NULL || (size_t)(colon - line) + 2 > sizeof name)
		return (0);
	memcpy(name, line, (size_t)(colon - line) + 1);
	name[colon - line + 1] = '\0';
	return (head_value(head, head_length, name, &length) != NULL);
}

/* What a 304 says of a body is of its own, which it has not. */
static int is_of_body(const char *line, size_t length)
{
	static const char *const names[] = { "Content-Length:", "Content-Encoding:", "Content-Range:" };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (length >= strlen(names[i]) && strncasecmp(line, names[i], strlen(names[i])) == 0)
			return (1);
	return (0);
}

static int merge(struct text *text, const char *head, size_t head_length, const char *update, size_t update_length)
{
	const char *line, *at = head;
	size_t length;

	while ((line = step(&at, head + head_length, &length)) != NULL)
		if ((is_of_body(line, length) || !has_same(update, update_length, line, length)) && add_line(text, (txt){ line, line + length }) < 0)
			return (-1);
	at = update;
	if (step(&at, update + update_length, &length) == NULL)
		return (-1);
	while ((line = step(&at, update + update_length, &length)) != NULL)
		if (!is_of_body(line, length) && add_line(text, (txt){ line, line + length }) < 0)
			return (-1);
	return (add(text, "\r\n", 2));
}

char *head_merged(const char *head, size_t head_length, const char *update, size_t update_length, size_t *length)
{
	struct text text = { malloc(HEAD_ROOM), 0 };

	AN(text.bytes);
	if (merge(&text, head, head_length, update, update_length) < 0) {
		free(text.bytes);
		return (NULL);
	}
	*length = text.length;
	return (text.bytes);
}

char *head_with_life(const char *head, size_t head_length, const struct life *life, size_t *length)
{
	char line[LIFE_ROOM];
	struct text text = { malloc(HEAD_ROOM), 0 };

	AN(text.bytes);
	/* The time exactly: Varnish's own object of the same answer must not look older. */
	int n = snprintf(line, sizeof line, "life %.17g %.3f %.3f %.3f\r\n", life->origin, life->ttl, life->grace, life->keep);
	if (add(&text, head, head_length) < 0 || add(&text, line, (size_t)n) < 0) {
		free(text.bytes);
		return (NULL);
	}
	*length = text.length;
	return (text.bytes);
}

/* ---- reading */

/* Cuts the next line off, ends it with a NUL instead of CR LF, and returns it; NULL where there is none. */
static char *next_line(char **at, const char *end)
{
	char *line = *at;
	char *cr = memchr(line, '\r', (size_t)(end - line));

	if (cr == NULL || cr + 1 >= end || cr[1] != '\n' || memchr(line, '\0', (size_t)(cr - line)) != NULL)
		return (NULL);
	*cr = '\0';
	*at = cr + 2;
	return (line);
}

static int read_status(const char *line, unsigned *status, const char **reason)
{
	static const char version[] = "HTTP/1.1 ";
	const char *digits = line + sizeof version - 1;

	if (strncmp(line, version, sizeof version - 1) != 0)
		return (-1);
	if (!isdigit(digits[0]) || !isdigit(digits[1]) || !isdigit(digits[2]) || digits[3] != ' ' || digits[0] == '0')
		return (-1);
	*status = (unsigned)atoi(digits);
	*reason = digits + 4;
	return (0);
}

int head_life(const char *kept, size_t length, struct life *life)
{
	static const char end[] = "\r\n\r\n";
	char line[LIFE_ROOM] = "";
	const char *at = memmem(kept, length, end, sizeof end - 1);

	if (at == NULL)
		return (-1);
	at += sizeof end - 1;
	size_t left = length - (size_t)(at - kept);
	memcpy(line, at, left < sizeof line ? left : sizeof line - 1);
	if (sscanf(line, "life %lf %lf %lf %lf", &life->origin, &life->ttl, &life->grace, &life->keep) != 4)
		return (-1);
	return (isfinite(life->origin) && life->origin > 0 && isfinite(life->ttl) && life->grace >= 0 && life->keep >= 0 ? 0 : -1);
}

static void set_field(struct http *response, unsigned n, const char *text)
{
	response->hd[n].b = text;
	response->hd[n].e = strchr(text, '\0');
	response->hdf[n] = 0;
}

static int is_header(const char *line, const char *name)
{
	return (strncasecmp(line, name, strlen(name)) == 0);
}

/* Header lines up to the empty one, but those that are to be written anew. */
static int read_header(struct http *response, char **at, const char *end)
{
	enum { ANEW = 2 };
	char *line;

	while ((line = next_line(at, end)) != NULL && *line != '\0') {
		if (strchr(line, ':') == NULL || response->nhd + ANEW >= response->shd)
			return (-1);
		if (!is_header(line, "Age:") && !is_header(line, "Content-Length:"))
			set_field(response, response->nhd++, line);
	}
	return (line != NULL ? 0 : -1);
}

static int read_head(struct http *response, char *at, const char *end)
{
	const char *reason;
	unsigned status;
	const char *line = next_line(&at, end);

	if (line == NULL || read_status(line, &status, &reason) < 0)
		return (-1);
	response->nhd = HTTP_HDR_FIRST;
	if (read_header(response, &at, end) < 0)
		return (-1);
	set_field(response, HTTP_HDR_PROTO, "HTTP/1.1");
	set_field(response, HTTP_HDR_REASON, reason);
	response->status = (uint16_t)status;
	response->protover = 11;
	return (0);
}

/* There is room for it. */
static const char *print(struct ws *ws, const char *format, uintmax_t number)
{
	const char *text = WS_Printf(ws, format, number);
	AN(text);
	return (text);
}

int head_answer(struct busyobj *bo, const char *kept, size_t length, double age, uint64_t body_length)
{
	struct http *response = bo->beresp;
	enum { FOR_THE_REST = 2048 }; /* of what the fetch puts there */
	uintptr_t before = WS_Snapshot(bo->ws);

	if (!room_for(bo->ws, length + FOR_THE_REST))
		return (-1);
	char *copy = WS_Copy(bo->ws, kept, (int)length);
	AN(copy);
	if (read_head(response, copy, copy + length) < 0) {
		response->nhd = HTTP_HDR_FIRST;
		WS_Reset(bo->ws, before);
		return (-1);
	}
	set_field(response, HTTP_HDR_STATUS, print(bo->ws, "%03ju", response->status));
	set_field(response, response->nhd++, print(bo->ws, "Age: %ju", (uintmax_t)fmax(0, age)));
	if (body_length > 0)
		set_field(response, response->nhd++, print(bo->ws, "Content-Length: %ju", body_length));
	return (0);
}
