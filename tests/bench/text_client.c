/* floor_client's counterpart for servers that answer lines of text: nginx and Redis.
 *
 *   text_client [OPTION...] SOCKET CONNECTIONS SECONDS http|redis DEPTH NAME
 *
 * Each connection gets NAME, a path or a key: it sends DEPTH requests at once, receives all replies whole and begins anew. Times are
 * of such a round. load.h has the options. */
#include "floor.h"

#include <stdbool.h>
#include <unistd.h>

#include "load.h"

enum { MOST_HEAD = 4096 };

static const char *path, *name;
static int depth;
static bool http;

struct connection {
	int socket;
	char *requests;
	size_t requests_length;
	char head[MOST_HEAD + 1];
	size_t held; /* bytes in head: the beginning of a reply, and perhaps of the next */
	char body[CHUNK];
};

static int print_request(char *to, size_t room)
{
	if (http)
		return snprintf(to, room, "GET %s HTTP/1.1\r\nHost: bench\r\n\r\n", name);
	return snprintf(to, room, "*2\r\n$3\r\nGET\r\n$%zu\r\n%s\r\n", strlen(name), name);
}

static void *open_connection(void)
{
	struct sockaddr_un address;
	struct connection *c = calloc(1, sizeof *c);
	if (c == NULL)
		fail("calloc");
	c->socket = socket_for(path, &address);
	if (connect(c->socket, (struct sockaddr *)&address, sizeof address) < 0)
		fail(path);
	size_t one = (size_t)print_request(NULL, 0), room = one * (size_t)depth + 1;
	c->requests = malloc(room);
	if (c->requests == NULL)
		fail("malloc");
	for (int i = 0; i < depth; i++, c->requests_length += one)
		print_request(c->requests + c->requests_length, room - c->requests_length);
	return c;
}

static void close_connection(void *connection)
{
	struct connection *c = connection;
	close(c->socket);
	free(c->requests);
	free(c);
}

/* The length of the head that stands at the beginning, and in *body of what follows it; 0 when it is not whole yet. */
static size_t whole_head(struct connection *c, size_t *body)
{
	const char *end, *length;
	c->head[c->held] = 0;
	if (http) {
		end = strstr(c->head, "\r\n\r\n");
		length = strstr(c->head, "Content-Length: ");
		if (end == NULL)
			return 0;
		if (strncmp(c->head, "HTTP/1.1 200", 12) != 0 || length == NULL || length > end)
			fail(c->head);
		*body = strtoul(length + strlen("Content-Length: "), NULL, 10);
		return (size_t)(end - c->head) + 4;
	}
	end = strstr(c->head, "\r\n");
	if (end == NULL)
		return 0;
	if (c->head[0] != '$' || c->head[1] == '-')
		fail(c->head);
	*body = strtoul(c->head + 1, NULL, 10) + 2;
	return (size_t)(end - c->head) + 2;
}

static int receive_reply(struct connection *c)
{
	size_t head, body = 0;
	while ((head = whole_head(c, &body)) == 0) {
		ssize_t got = load_receive(c->socket, c->head + c->held, MOST_HEAD - c->held);
		if (got <= 0)
			return -1;
		c->held += (size_t)got;
	}
	size_t here = body < c->held - head ? body : c->held - head;
	c->held -= head + here;
	memmove(c->head, c->head + head + here, c->held);
	for (body -= here; body > 0;) {
		ssize_t got = load_receive(c->socket, c->body, body < CHUNK ? body : CHUNK);
		if (got <= 0)
			return -1;
		body -= (size_t)got;
	}
	return 0;
}

static int one_round(void *connection)
{
	struct connection *c = connection;
	if (send(c->socket, c->requests, c->requests_length, MSG_NOSIGNAL) != (ssize_t)c->requests_length)
		return -1;
	for (int i = 0; i < depth; i++)
		if (receive_reply(c) < 0)
			return -1;
	return 0;
}

int main(int argc, char **argv)
{
	int options = load_options(argc, argv);
	argc -= options;
	argv += options;
	if (argc != 7 || (strcmp(argv[4], "http") != 0 && strcmp(argv[4], "redis") != 0)) {
		fprintf(stderr, "usage: text_client [OPTION...] SOCKET CONNECTIONS SECONDS http|redis DEPTH NAME\n");
		return 2;
	}
	path = argv[1];
	http = strcmp(argv[4], "http") == 0;
	depth = atoi(argv[5]);
	name = argv[6];
	struct load load = {argv[4], path, atoi(argv[2]), atof(argv[3]), depth, open_connection, one_round, close_connection};
	load_run(&load);
	return 0;
}
