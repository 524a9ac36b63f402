/* What a program does that uses files without a server.
 *
 *   file_client [OPTION...] PATH THREADS SECONDS read|write
 *
 * read opens the file PATH, reads it whole and closes it. write makes a file of 1 KiB in the directory PATH durable: it writes it, syncs
 * it, and renames it to another name, which is synced with the directory. Each thread does so over and over; times are of each. load.h
 * has the options. */
#include "floor.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <unistd.h>

#include "load.h"

enum { WRITTEN = 1024 };

static const char *path;
static atomic_int threads;

struct file {
	char from[64], to[64]; /* names in the directory */
	int directory;
	char buffer[CHUNK];
};

static void *begin(void)
{
	struct file *f = calloc(1, sizeof *f);
	if (f == NULL)
		fail("calloc");
	int number = atomic_fetch_add(&threads, 1);
	snprintf(f->from, sizeof f->from, "new-%d", number);
	snprintf(f->to, sizeof f->to, "done-%d", number);
	f->directory = open(path, O_PATH | O_CLOEXEC);
	if (f->directory < 0)
		fail(path);
	return f;
}

static void end(void *file)
{
	struct file *f = file;
	close(f->directory);
	free(f);
}

static int read_whole(void *file)
{
	struct file *f = file;
	ssize_t got;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	while ((got = read(fd, f->buffer, CHUNK)) > 0)
		;
	close(fd);
	return (int)got;
}

static int sync_directory(const struct file *f)
{
	int fd = openat(f->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int synced = fd < 0 ? -1 : fsync(fd);
	if (fd >= 0)
		close(fd);
	return synced;
}

static int write_durably(void *file)
{
	struct file *f = file;
	int fd = openat(f->directory, f->from, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	int written = write(fd, f->buffer, WRITTEN) == WRITTEN && fsync(fd) == 0;
	close(fd);
	return written && renameat(f->directory, f->from, f->directory, f->to) == 0 ? sync_directory(f) : -1;
}

int main(int argc, char **argv)
{
	int options = load_options(argc, argv);
	argc -= options;
	argv += options;
	if (argc != 5 || (strcmp(argv[4], "read") != 0 && strcmp(argv[4], "write") != 0)) {
		fprintf(stderr, "usage: file_client [OPTION...] PATH THREADS SECONDS read|write\n");
		return 2;
	}
	path = argv[1];
	struct load load = {argv[4], NULL, atoi(argv[2]), atof(argv[3]), 1, begin,
	                    strcmp(argv[4], "read") == 0 ? read_whole : write_durably, end};
	load_run(&load);
	return 0;
}
