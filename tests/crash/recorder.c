// recorder: preloaded into a server, writes down what it does to the files below a directory, in order, so that the
// states that a power loss could leave can be built afterwards. RECORDER_ROOT is the directory, without links in its
// path; RECORDER_LOG is the file that the record goes to, elsewhere.
//
// Each entry is a struct entry, then the path, then the data of a write. A change is written down before it is made and
// a sync after it is done, with the number of the first entry that it may not cover: so what the record says to be
// on disk is on disk.
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <linux/fs.h>

enum kind { CREATE = 1, WRITE, TRUNCATE, SYNC, SYNC_WRITE, LINK, UNLINK, MKDIR, RENAME };

struct entry {
	uint32_t kind;
	uint32_t path_length;
	uint64_t inode;
	uint64_t offset; // of a write; the new size; for a sync the number of the first entry that it may not cover
	uint64_t length; // of the data, or of the second path
};

enum { MAX_FD = 65536 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static char root[PATH_MAX];
static size_t root_length;
static int record = -1;
static uint64_t entries;
static unsigned char synchronous[MAX_FD]; // descriptors that are open with O_DSYNC or O_SYNC

static void *real(const char *name)
{
	void *found = dlsym(RTLD_NEXT, name);
	if (found == NULL)
		abort();
	return found;
}

#define REAL(result, name, ...)                                                                                        \
	static result (*real_##name)(__VA_ARGS__);                                                                     \
	if (real_##name == NULL)                                                                                       \
		*(void **)&real_##name = real(#name)

static int open_record(const char *path, int flags, mode_t mode)
{
	REAL(int, openat, int, const char *, int, ...);
	return real_openat(AT_FDCWD, path, flags, mode);
}

static void start(void)
{
	const char *directory = getenv("RECORDER_ROOT");
	const char *log = getenv("RECORDER_LOG");
	if (directory == NULL || log == NULL || strlen(directory) >= sizeof root)
		return;
	strcpy(root, directory);
	root_length = strlen(root);
	record = open_record(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (record < 0)
		abort();
}

// The rest of a path below the root, "" for the root itself; NULL for one that is elsewhere.
static const char *below_root(const char *path)
{
	pthread_once(&once, start);
	if (record < 0 || strncmp(path, root, root_length) != 0)
		return NULL;
	if (path[root_length] == '\0')
		return "";
	return path[root_length] == '/' ? path + root_length + 1 : NULL;
}

static void descriptor_path(int fd, char *path)
{
	char link[64];
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t length = readlink(link, path, PATH_MAX - 1);
	path[length < 0 ? 0 : length] = '\0';
}

// The whole path of a name that is relative to a descriptor.
static void whole_path(int directory, const char *name, char *path)
{
	if (name[0] == '/') {
		snprintf(path, PATH_MAX, "%s", name);
		return;
	}
	char base[PATH_MAX];
	if (directory != AT_FDCWD)
		descriptor_path(directory, base);
	else if (getcwd(base, sizeof base) == NULL)
		base[0] = '\0';
	size_t length = strlen(base);
	memmove(path, base, length + 1);
	if (strcmp(name, ".") != 0 && length + 1 + strlen(name) < PATH_MAX) {
		path[length] = '/';
		strcpy(path + length + 1, name);
	}
}

static void put(const void *bytes, size_t length)
{
	REAL(ssize_t, write, int, const void *, size_t);
	while (length > 0) {
		ssize_t n = real_write(record, bytes, length);
		if (n < 0)
			abort();
		bytes = (const char *)bytes + n;
		length -= (size_t)n;
	}
}

static void note(enum kind kind, const char *path, uint64_t inode, uint64_t offset, const void *data, size_t length)
{
	size_t path_length = strlen(path);
	struct entry entry = {
		.kind = kind,
		.path_length = (uint32_t)path_length,
		.inode = inode,
		.offset = offset,
		.length = length,
	};
	pthread_mutex_lock(&lock);
	put(&entry, sizeof entry);
	put(path, path_length);
	if (data != NULL)
		put(data, length);
	entries++;
	pthread_mutex_unlock(&lock);
}

static uint64_t entries_so_far(void)
{
	pthread_mutex_lock(&lock);
	uint64_t count = entries;
	pthread_mutex_unlock(&lock);
	return count;
}

// Whether a descriptor leads to a file or directory below the root; gives its path there and its inode.
static int is_ours(int fd, char *path, const char **name, uint64_t *inode)
{
	struct stat facts;
	descriptor_path(fd, path);
	*name = below_root(path);
	if (*name == NULL || fstat(fd, &facts) < 0)
		return 0;
	*inode = facts.st_ino;
	return S_ISREG(facts.st_mode) || S_ISDIR(facts.st_mode);
}

static int opened(int fd, int flags, int was_there)
{
	char path[PATH_MAX];
	const char *name;
	uint64_t inode;
	if (fd < 0 || fd >= MAX_FD)
		return fd;
	synchronous[fd] = (flags & O_DSYNC) != 0;
	int unnamed = (flags & O_TMPFILE) == O_TMPFILE;
	if ((unnamed || ((flags & O_CREAT) && !was_there)) && is_ours(fd, path, &name, &inode)) {
		note(CREATE, "", inode, 0, NULL, 0);
		if (!unnamed)
			note(LINK, name, inode, 0, NULL, 0);
	} else if ((flags & O_TRUNC) && is_ours(fd, path, &name, &inode)) {
		note(TRUNCATE, "", inode, 0, NULL, 0);
	}
	return fd;
}

static int exists(int directory, const char *path)
{
	struct stat facts;
	return fstatat(directory, path, &facts, 0) == 0;
}

static mode_t mode_of(int flags, va_list arguments)
{
	return (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(arguments, mode_t) : 0;
}

#define OPEN(name)                                                                                                     \
	int name(const char *path, int flags, ...)                                                                     \
	{                                                                                                              \
		REAL(int, name, const char *, int, ...);                                                               \
		va_list arguments;                                                                                     \
		va_start(arguments, flags);                                                                            \
		mode_t mode = mode_of(flags, arguments);                                                               \
		va_end(arguments);                                                                                     \
		int was_there = (flags & O_CREAT) && exists(AT_FDCWD, path);                                           \
		return opened(real_##name(path, flags, mode), flags, was_there);                                       \
	}

#define OPENAT(name)                                                                                                   \
	int name(int directory, const char *path, int flags, ...)                                                      \
	{                                                                                                              \
		REAL(int, name, int, const char *, int, ...);                                                          \
		va_list arguments;                                                                                     \
		va_start(arguments, flags);                                                                            \
		mode_t mode = mode_of(flags, arguments);                                                               \
		va_end(arguments);                                                                                     \
		int was_there = (flags & O_CREAT) && exists(directory, path);                                          \
		return opened(real_##name(directory, path, flags, mode), flags, was_there);                            \
	}

OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)

// Writes down what is about to be written; 1 when the descriptor is ours.
static int writing(int fd, const struct iovec *pieces, int count, off_t offset, uint64_t *inode)
{
	char path[PATH_MAX];
	const char *name;
	if (!is_ours(fd, path, &name, inode))
		return 0;
	off_t at = offset >= 0 ? offset : lseek(fd, 0, SEEK_CUR);
	for (int i = 0; i < count; i++) {
		note(WRITE, "", *inode, (uint64_t)at, pieces[i].iov_base, pieces[i].iov_len);
		at += (off_t)pieces[i].iov_len;
	}
	return 1;
}

// A write to a descriptor with O_DSYNC is on disk when it returns.
static ssize_t written(int fd, int ours, uint64_t inode, uint64_t first, ssize_t result)
{
	if (ours && result >= 0 && fd < MAX_FD && synchronous[fd])
		note(SYNC_WRITE, "", inode, first, NULL, 0);
	return result;
}

#define WRITING(name, pieces, count, offset, call, ...)                                                                \
	ssize_t name(__VA_ARGS__)                                                                                      \
	{                                                                                                              \
		REAL(ssize_t, name, __VA_ARGS__);                                                                      \
		uint64_t inode = 0;                                                                                    \
		uint64_t first = entries_so_far();                                                                     \
		int ours = writing(fd, pieces, count, offset, &inode);                                                 \
		return written(fd, ours, inode, first, real_##name call);                                              \
	}

#define ONE (&(struct iovec){(void *)(uintptr_t)bytes, length})

WRITING(write, ONE, 1, -1, (fd, bytes, length), int fd, const void *bytes, size_t length)
WRITING(pwrite, ONE, 1, at, (fd, bytes, length, at), int fd, const void *bytes, size_t length, off_t at)
WRITING(pwrite64, ONE, 1, at, (fd, bytes, length, at), int fd, const void *bytes, size_t length, off_t at)
WRITING(writev, pieces, count, -1, (fd, pieces, count), int fd, const struct iovec *pieces, int count)
WRITING(pwritev, pieces, count, at, (fd, pieces, count, at), int fd, const struct iovec *pieces, int count, off_t at)
WRITING(pwritev64, pieces, count, at, (fd, pieces, count, at), int fd, const struct iovec *pieces, int count, off_t at)

// Writes down that bytes of one file are about to be copied to another by the kernel.
static void copying(int from, off_t at, int to, off_t offset, size_t length)
{
	REAL(ssize_t, pread, int, void *, size_t, off_t);
	char path[PATH_MAX];
	const char *name;
	uint64_t inode;
	if (!is_ours(to, path, &name, &inode))
		return;
	char *bytes = malloc(length > 0 ? length : 1);
	if (bytes == NULL)
		abort();
	ssize_t n = real_pread(from, bytes, length, at);
	if (n > 0)
		note(WRITE, "", inode, (uint64_t)offset, bytes, (size_t)n);
	free(bytes);
}

ssize_t copy_file_range(int from, off64_t *at, int to, off64_t *offset, size_t length, unsigned flags)
{
	REAL(ssize_t, copy_file_range, int, off64_t *, int, off64_t *, size_t, unsigned);
	if (at == NULL || offset == NULL)
		abort(); // nobody calls it so
	copying(from, *at, to, *offset, length);
	return real_copy_file_range(from, at, to, offset, length, flags);
}

int ioctl(int fd, unsigned long request, ...)
{
	REAL(int, ioctl, int, unsigned long, ...);
	va_list arguments;
	va_start(arguments, request);
	void *argument = va_arg(arguments, void *);
	va_end(arguments);
	struct stat facts;
	if (request == FICLONE && fstat((int)(intptr_t)argument, &facts) == 0)
		copying((int)(intptr_t)argument, 0, fd, 0, (size_t)facts.st_size);
	return real_ioctl(fd, request, argument);
}

static int synced(int fd, uint64_t first, int result)
{
	char path[PATH_MAX];
	const char *name;
	uint64_t inode;
	if (result == 0 && is_ours(fd, path, &name, &inode))
		note(SYNC, name, inode, first, NULL, 0);
	return result;
}

#define SYNCING(name)                                                                                                  \
	int name(int fd)                                                                                               \
	{                                                                                                              \
		REAL(int, name, int);                                                                                  \
		uint64_t first = entries_so_far();                                                                     \
		return synced(fd, first, real_##name(fd));                                                             \
	}

SYNCING(fsync)
SYNCING(fdatasync)

#define TRUNCATING(name)                                                                                               \
	int name(int fd, off_t size)                                                                                   \
	{                                                                                                              \
		REAL(int, name, int, off_t);                                                                           \
		char path[PATH_MAX];                                                                                   \
		const char *below;                                                                                     \
		uint64_t inode;                                                                                        \
		if (is_ours(fd, path, &below, &inode))                                                                 \
			note(TRUNCATE, "", inode, (uint64_t)size, NULL, 0);                                            \
		return real_##name(fd, size);                                                                          \
	}

TRUNCATING(ftruncate)
TRUNCATING(ftruncate64)

int linkat(int from, const char *source, int directory, const char *name, int flags)
{
	REAL(int, linkat, int, const char *, int, const char *, int);
	char path[PATH_MAX];
	struct stat facts;
	whole_path(directory, name, path);
	const char *below = below_root(path);
	if (below != NULL && fstatat(from, source, &facts, 0) == 0)
		note(LINK, below, facts.st_ino, 0, NULL, 0);
	return real_linkat(from, source, directory, name, flags);
}

static void unlinking(int directory, const char *name)
{
	char path[PATH_MAX];
	whole_path(directory, name, path);
	const char *below = below_root(path);
	if (below != NULL)
		note(UNLINK, below, 0, 0, NULL, 0);
}

int unlinkat(int directory, const char *name, int flags)
{
	REAL(int, unlinkat, int, const char *, int);
	unlinking(directory, name);
	return real_unlinkat(directory, name, flags);
}

int unlink(const char *name)
{
	REAL(int, unlink, const char *);
	unlinking(AT_FDCWD, name);
	return real_unlink(name);
}

static void making(int directory, const char *name)
{
	char path[PATH_MAX];
	whole_path(directory, name, path);
	const char *below = below_root(path);
	if (below != NULL && !exists(directory, name))
		note(MKDIR, below, 0, 0, NULL, 0);
}

int mkdirat(int directory, const char *name, mode_t mode)
{
	REAL(int, mkdirat, int, const char *, mode_t);
	making(directory, name);
	return real_mkdirat(directory, name, mode);
}

int mkdir(const char *name, mode_t mode)
{
	REAL(int, mkdir, const char *, mode_t);
	making(AT_FDCWD, name);
	return real_mkdir(name, mode);
}

int rename(const char *from, const char *to)
{
	REAL(int, rename, const char *, const char *);
	char old[PATH_MAX];
	char new[PATH_MAX];
	whole_path(AT_FDCWD, from, old);
	whole_path(AT_FDCWD, to, new);
	const char *below_old = below_root(old);
	const char *below_new = below_root(new);
	if (below_old != NULL && below_new != NULL)
		note(RENAME, below_old, 0, 0, below_new, strlen(below_new));
	return real_rename(from, to);
}
