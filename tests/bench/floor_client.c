/* The client of floor_server: asks over and over and says how fast it went.
 *
 *   floor_client [OPTION...] SOCKET CONNECTIONS SECONDS [fd|copy|sendfile] [DEPTH]
 *
 * Each connection has a thread that sends DEPTH requests at once (1 when left out), receives all replies, closes the
 * descriptors and begins anew. Times are of such a round. load.h has the options. */
#include "floor.h"

#include <unistd.h>

#include "load.h"

static const char *path;
static enum way way = WAY_FD;
static int depth = 1;

struct connection {
	int socket;
	char requests[MESSAGE * MOST_DEPTH];
	char buffer[CHUNK];
};

static void *open_connection(void)
{
	struct sockaddr_un address;
	struct connection *c = calloc(1, sizeof *c);
	if (c == NULL)
		fail("calloc");
	c->socket = socket_for(path, &address);
	if (connect(c->socket, (struct sockaddr *)&address, sizeof address) < 0)
		fail(path);
	return c;
}

static void close_connection(void *connection)
{
	struct connection *c = connection;
	close(c->socket);
	free(c);
}

static int receive_descriptors(struct connection *c)
{
	unsigned closed = 0;
	size_t missing = (size_t)depth * MESSAGE;
	while (missing > 0) {
		ssize_t got = load_receive_descriptors(c->socket, c->buffer, missing, &closed);
		if (got <= 0)
			return -1;
		missing -= (size_t)got;
	}
	return 0;
}

static int receive_body(struct connection *c)
{
	uint64_t missing;
	for (size_t have = 0; have < MESSAGE;) {
		ssize_t got = load_receive(c->socket, c->buffer + have, MESSAGE - have);
		if (got <= 0)
			return -1;
		have += (size_t)got;
	}
	memcpy(&missing, c->buffer, sizeof missing);
	while (missing > 0) {
		ssize_t got = load_receive(c->socket, c->buffer, missing < CHUNK ? (size_t)missing : CHUNK);
		if (got <= 0)
			return -1;
		missing -= (uint64_t)got;
	}
	return 0;
}

static int one_round(void *connection)
{
	struct connection *c = connection;
	size_t length = (size_t)depth * MESSAGE;
	if (send(c->socket, c->requests, length, MSG_NOSIGNAL) != (ssize_t)length)
		return -1;
	if (way == WAY_FD)
		return receive_descriptors(c);
	for (int i = 0; i < depth; i++)
		if (receive_body(c) < 0)
			return -1;
	return 0;
}

int main(int argc, char **argv)
{
	int options = load_options(argc, argv);
	argc -= options;
	argv += options;
	if (argc > 4)
		way = way_of(argv[4]);
	if (argc > 5)
		depth = atoi(argv[5]);
	if (argc < 4 || argc > 6 || way == WAY_UNKNOWN) {
		fprintf(stderr, "usage: floor_client [OPTION...] SOCKET CONNECTIONS SECONDS [fd|copy|sendfile] [DEPTH]\n");
		return 2;
	}
	path = argv[1];
	struct load load = {argc > 4 ? argv[4] : "fd", path, atoi(argv[2]), atof(argv[3]), depth, open_connection, one_round,
	                    close_connection};
	load_run(&load);
	return 0;
}
