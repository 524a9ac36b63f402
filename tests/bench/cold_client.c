/* Fetches bodies that are not in memory.
 *
 *   cold_client SOCKET DIRECTORY CONNECTIONS PREFIX COUNT
 *
 * Each connection copies objects PREFIX0 to PREFIX(COUNT-1) in turn, while a thread makes the kernel forget the pages of all files below
 * DIRECTORY, where the store is, twenty times a second. Says "ready" when it has begun, and ends when its standard input does. */
#include "floor.h"

#include <fcntl.h>
#include <ftw.h>
#include <objmapper.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

enum { MOST_KEY = 4096, MOST_DIRECTORIES_OPEN = 8 };

static const char *path, *directory, *prefix;
static int count;

static int forget_file(const char *file, const struct stat *about, int type, struct FTW *where)
{
	(void)about;
	(void)where;
	int fd = type == FTW_F ? open(file, O_RDONLY | O_CLOEXEC) : -1;
	if (fd >= 0) {
		posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
		close(fd);
	}
	return 0;
}

static void *forget(void *unused)
{
	(void)unused;
	sync(); /* pages that are not on disk yet can't be forgotten */
	for (;; nanosleep(&(struct timespec){0, 1000000000 / 20}, NULL))
		nftw(directory, forget_file, MOST_DIRECTORIES_OPEN, FTW_PHYS);
	return NULL;
}

static void *fetch(void *unused)
{
	(void)unused;
	om_options options = {.mode = OM_COPY, .no_descriptors = 1, .name = "cold_client"};
	om_context *c = om_connect(path, &options);
	for (int i = 0; c != NULL; i = (i + 1) % count) {
		char key[MOST_KEY];
		int length = snprintf(key, sizeof key, "%s%d", prefix, i);
		om_reply *reply = om_get(c, key, (size_t)length, NULL);
		if (reply == NULL || (reply->status != OM_OK && reply->status != OM_BUSY)) {
			fprintf(stderr, "%s: %s\n", key, reply == NULL ? c->errstr : om_status_name(reply->status));
			exit(1);
		}
		om_reply_free(reply);
	}
	return NULL;
}

static void begin_thread(void *(*run)(void *))
{
	pthread_t thread;
	if (pthread_create(&thread, NULL, run, NULL) != 0)
		fail("pthread_create");
	pthread_detach(thread);
}

int main(int argc, char **argv)
{
	char byte;
	if (argc != 6 || atoi(argv[5]) < 1) {
		fprintf(stderr, "usage: cold_client SOCKET DIRECTORY CONNECTIONS PREFIX COUNT\n");
		return 2;
	}
	path = argv[1];
	directory = argv[2];
	prefix = argv[4];
	count = atoi(argv[5]);
	begin_thread(forget);
	for (int i = 0; i < atoi(argv[3]); i++)
		begin_thread(fetch);
	puts("ready");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	return 0;
}
