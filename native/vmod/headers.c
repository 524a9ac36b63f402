#include <ctype.h>
#include <string.h>

#include "cache/cache_varnishd.h"

#include "headers.h"

static int is_named(const om_header *header, const char *name, size_t length)
{
	return (strncasecmp(header->name, name, length) == 0 && header->name[length] == '\0');
}

const char *headers_value(const struct headers *headers, const char *name, size_t name_length)
{
	for (unsigned i = 0; i < headers->count; i++)
		if (is_named(&headers->list[i], name, name_length))
			return (headers->list[i].value);
	return (NULL);
}

/*
 * Varnish takes a name with its length before it and a colon behind it; the length is a byte. One that is there and empty is not one that is
 * absent, which the store takes for empty: it becomes a space, which no value is.
 */
static const char *value_in(const struct http *request, const char *name, size_t length)
{
	char with_length[HEADER_NAME_ROOM + 3];
	const char *value;

	with_length[0] = (char)(length + 1);
	memcpy(with_length + 1, name, length);
	with_length[length + 1] = ':';
	with_length[length + 2] = '\0';
	if (!http_GetHdr(request, with_length, &value))
		return ("");
	return (*value != '\0' ? value : " ");
}

int headers_add(struct headers *headers, const struct http *request, const char *name, size_t name_length)
{
	if (headers_value(headers, name, name_length) != NULL)
		return (0);
	if (headers->count == HEADERS_ROOM || name_length == 0 || name_length > HEADER_NAME_ROOM)
		return (-1);
	const char *value = value_in(request, name, name_length);
	if (strlen(value) > HEADER_VALUE_ROOM)
		return (-1);
	char *own = headers->names[headers->count];
	for (size_t i = 0; i < name_length; i++)
		own[i] = (char)tolower((unsigned char)name[i]);
	own[name_length] = '\0';
	headers->list[headers->count++] = (om_header){ .name = own, .value = value };
	return (1);
}

int headers_add_vary(struct headers *headers, const struct http *request, const char *vary)
{
	static const char separators[] = " \t,";

	for (const char *at = vary + strspn(vary, separators); *at != '\0'; at += strspn(at, separators)) {
		size_t length = strcspn(at, separators);
		if ((length == 1 && *at == '*') || headers_add(headers, request, at, length) < 0)
			return (-1);
		at += length;
	}
	return (0);
}
