/* A session whose client is the test, and what a turn of an engine is given. For one test program each. */
#ifndef OBJMAPPER_SESSION_TEST_H
#define OBJMAPPER_SESSION_TEST_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine.h"

#define check(x) ((x) ? (void)0 : (fprintf(stderr, "%s:%d: %s: not so\n", __func__, __LINE__, #x), abort()))

enum { SLOTS = 4, SLOT = 3, ARENA = 1 << 18, EVENTS = 64, SLICE = 65536 };

static char arena[ARENA];
static struct event events[EVENTS];
static uint8_t modes[SLOTS];
static int client, server;
static uint64_t token;

static inline void connect_client(void)
{
	int both[2];
	check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, both) == 0);
	server = both[0];
	client = both[1];
	token = (uint64_t)SLOT << 32 | (uint32_t)server;
	modes[SLOT] = PEEK;
}

/* Nothing may be left in the server's socket: else the client would hear of an error. */
static inline void end_client(void)
{
	close(server);
	char byte;
	check(read(client, &byte, 1) == 0);
	close(client);
}

static inline int waits_in_socket(void)
{
	int n = -1;
	check(ioctl(server, FIONREAD, &n) == 0);
	return n;
}

static inline void say(const char *text) { check(write(client, text, strlen(text)) == (ssize_t)strlen(text)); }

#endif
