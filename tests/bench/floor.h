/* What the floor programs share: a request and a reply are 32 bytes, as a header of the protocol is; a reply's first
 * 8 bytes are the length of the body that follows it, in the machine's byte order. */
#ifndef FLOOR_H
#define FLOOR_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

enum {
	MESSAGE = 32,
	MOST_DEPTH = 128,
	CHUNK = 262144,
};

enum way { WAY_FD, WAY_COPY, WAY_SENDFILE, WAY_UNKNOWN };

static inline enum way way_of(const char *name)
{
	static const char *const names[] = {"fd", "copy", "sendfile"};
	for (int i = 0; i < WAY_UNKNOWN; i++)
		if (strcmp(name, names[i]) == 0)
			return (enum way)i;
	return WAY_UNKNOWN;
}

static inline void fail(const char *what)
{
	perror(what);
	exit(1);
}

/* A socket, and the address of a path for it. */
static inline int socket_for(const char *path, struct sockaddr_un *address)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof address->sun_path) {
		fprintf(stderr, "the path is too long for a socket: %s\n", path);
		exit(2);
	}
	strcpy(address->sun_path, path);
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s < 0)
		fail("socket");
	return s;
}

#endif
