/* The floor under any server that hands out bodies over a Unix socket: a thread for each connection, blocking system
 * calls, one ready file; nothing is parsed and nothing looked up.
 *
 *   floor_server SOCKET FILE [fd|copy|sendfile]
 *
 * fd answers all requests that one receive brought with one send that carries a descriptor for each; copy and sendfile
 * answer each with the file's bytes. Says "ready" when it listens, and ends when its standard input does. */
#include "floor.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

static int file;
static uint64_t file_length;
static enum way way = WAY_FD;

static int send_descriptors(int s, const char *replies, int count)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int) * MOST_DEPTH)];
		struct cmsghdr align;
	} control;
	struct iovec bytes = {(char *)replies, (size_t)count * MESSAGE};
	struct msghdr message = {
		.msg_iov = &bytes,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)count),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)count);
	for (int i = 0; i < count; i++)
		memcpy(CMSG_DATA(header) + sizeof(int) * (size_t)i, &file, sizeof file);
	return sendmsg(s, &message, MSG_NOSIGNAL) == (ssize_t)bytes.iov_len ? 0 : -1;
}

static int send_all(int s, const char *bytes, size_t length, int flags)
{
	while (length > 0) {
		ssize_t sent = send(s, bytes, length, flags | MSG_NOSIGNAL);
		if (sent <= 0)
			return -1;
		bytes += sent;
		length -= (size_t)sent;
	}
	return 0;
}

static int send_body(int s, char *buffer)
{
	off_t at = 0;
	while ((uint64_t)at < file_length) {
		if (way == WAY_SENDFILE) {
			if (sendfile(s, file, &at, file_length - (uint64_t)at) <= 0)
				return -1;
			continue;
		}
		ssize_t got = pread(file, buffer, CHUNK, at);
		if (got <= 0 || send_all(s, buffer, (size_t)got, 0) < 0)
			return -1;
		at += got;
	}
	return 0;
}

static int answer(int s, char *replies, int count, char *buffer)
{
	if (way == WAY_FD)
		return send_descriptors(s, replies, count);
	for (int i = 0; i < count; i++)
		if (send_all(s, replies, MESSAGE, file_length > 0 ? MSG_MORE : 0) < 0 || send_body(s, buffer) < 0)
			return -1;
	return 0;
}

static void *serve(void *argument)
{
	int s = (int)(intptr_t)argument;
	char requests[MESSAGE * MOST_DEPTH], replies[MESSAGE * MOST_DEPTH] = {0};
	char *buffer = malloc(CHUNK);
	size_t have = 0;
	for (int i = 0; i < MOST_DEPTH && way != WAY_FD; i++)
		memcpy(replies + (size_t)i * MESSAGE, &file_length, sizeof file_length);
	while (buffer != NULL) {
		ssize_t got = recv(s, requests + have, sizeof requests - have, 0);
		if (got <= 0)
			break;
		have += (size_t)got;
		if (have >= MESSAGE && answer(s, replies, (int)(have / MESSAGE), buffer) < 0)
			break;
		have %= MESSAGE; /* what a request holds is never looked at */
	}
	free(buffer);
	close(s);
	return NULL;
}

/* Ends the program with the one that started it, however that one ended. */
static void *watch_input(void *unused)
{
	char byte;
	(void)unused;
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	exit(0);
}

static void begin_thread(void *(*run)(void *), void *argument)
{
	pthread_t thread;
	if (pthread_create(&thread, NULL, run, argument) != 0)
		fail("pthread_create");
	pthread_detach(thread);
}

int main(int argc, char **argv)
{
	if (argc > 3)
		way = way_of(argv[3]);
	if (argc < 3 || argc > 4 || way == WAY_UNKNOWN) {
		fprintf(stderr, "usage: floor_server SOCKET FILE [fd|copy|sendfile]\n");
		return 2;
	}
	struct stat about;
	file = open(argv[2], O_RDONLY | O_CLOEXEC);
	if (file < 0 || fstat(file, &about) < 0)
		fail(argv[2]);
	file_length = (uint64_t)about.st_size;
	struct sockaddr_un address;
	int listener = socket_for(argv[1], &address);
	if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 1024) < 0)
		fail(argv[1]);
	begin_thread(watch_input, NULL);
	puts("ready");
	fflush(stdout);
	for (;;) {
		int s = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (s < 0 && errno != EINTR && errno != ECONNABORTED)
			fail("accept");
		if (s < 0)
			continue;
		begin_thread(serve, (void *)(intptr_t)s);
	}
}
