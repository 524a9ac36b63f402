/*
 * The sending half of an event loop's turn: one call that sends for every session. Nothing here throws; a result below 0 is -errno. The
 * layouts are mirrored in NativeIo.java, field by field.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <linux/openat2.h>
#include <linux/sockios.h>

#include "engine.h"
#include "fdpass.h"

enum command_kind { BYTES = 0, FILE_BY_SENDFILE = 1, FILE_BY_COPY = 2, FILE_BY_SENDFILE_UNCHECKED = 3, BYTES_ONCE_ALL_IS_READ = 4 };

/* A descriptor to pass: a fresh description of the file, opened by its name, or where that is gone through the open one; or the open
 * one itself. */
struct passed {
	int32_t open;
	int32_t directory;
	int64_t path; /* address, 0 or PASS_ITSELF */
};
enum { PASS_ITSELF = -1 };
_Static_assert(sizeof(struct passed) == 16, "mirrored in NativeIo.java");

struct command {
	int32_t socket;
	int32_t kind;
	int64_t address; /* of the bytes; or the file's offset */
	int64_t length;
	int32_t file;
	int32_t descriptor_count;
	int64_t descriptors; /* address of an array of struct passed */
	int64_t result;      /* bytes sent, or -errno with nothing sent; -ENODATA: the file's bytes are not in memory;
	                        -EBUSY: the peer has not read what was sent before */
};
_Static_assert(sizeof(struct command) == 48, "mirrored in NativeIo.java");

enum { PAGE = 4096, RESIDENCY_SLICE = 256 * 1024 };

/* Whether all pages of a slice are in the page cache; best effort, they may leave at any time. */
static int is_resident(int file, int64_t offset, int64_t length)
{
	unsigned char pages[RESIDENCY_SLICE / PAGE + 1];
	int64_t start = offset & ~(int64_t)(PAGE - 1);
	size_t size = (size_t)(offset + length - start);
	int resident = 1;

	void *map = mmap(NULL, size, PROT_READ, MAP_SHARED, file, start);
	if (map == MAP_FAILED)
		return 0;
	if (mincore(map, size, pages) != 0)
		resident = 0;
	for (size_t i = 0; resident && i < (size + PAGE - 1) / PAGE; i++)
		resident = pages[i] & 1;
	munmap(map, size);
	return resident;
}

static int64_t send_by_sendfile(struct command *c, int check)
{
	int64_t done = 0;

	while (done < c->length) {
		int64_t left = c->length - done;
		int64_t slice = check && left > RESIDENCY_SLICE ? RESIDENCY_SLICE : left;
		off_t offset = c->address + done;
		if (check && !is_resident(c->file, offset, slice))
			return done > 0 ? done : -ENODATA;
		ssize_t n = sendfile(c->socket, c->file, &offset, (size_t)slice);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return done > 0 ? done : n < 0 ? -errno : -EIO; /* 0: the file is shorter than its object */
		done += n;
		if (n < slice)
			break;
	}
	return done;
}

/* Each receiver gets an open file description of its own, so that one's read() does not move another's offset. */
static int open_afresh(const struct passed *p)
{
	struct open_how how = { .flags = O_RDONLY | O_CLOEXEC, .resolve = RESOLVE_CACHED };
	char self[32];
	int fd = -1;

	if (p->path != 0)
		fd = (int)syscall(SYS_openat2, p->directory, (const char *)(uintptr_t)p->path, &how, sizeof how);
	if (fd < 0 && !(p->path != 0 && (errno == EMFILE || errno == ENFILE))) {
		snprintf(self, sizeof self, "/proc/self/fd/%d", p->open);
		fd = open(self, O_RDONLY | O_CLOEXEC);
	}
	return fd < 0 ? -errno : fd;
}

static int64_t send_bytes(const struct command *c)
{
	const struct passed *passed = (const struct passed *)(uintptr_t)c->descriptors;
	int fds[FDPASS_MAX];
	int ready = 0;
	int64_t result = 0;

	assert(c->descriptor_count <= FDPASS_MAX);
	while (ready < c->descriptor_count && result == 0) {
		const struct passed *p = &passed[ready];
		fds[ready] = p->path == PASS_ITSELF ? p->open : open_afresh(p);
		if (fds[ready] < 0)
			result = fds[ready];
		else
			ready++;
	}
	if (result == 0)
		result = fdpass_send(c->socket, (const void *)(uintptr_t)c->address, (size_t)c->length, fds, (unsigned)ready, 0);
	for (int i = 0; i < ready; i++)
		if (passed[i].path != PASS_ITSELF)
			close(fds[i]);
	return result;
}

static int64_t send_parts(int socket, struct iovec *parts, size_t count)
{
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = count };
	ssize_t sent;

	do
		sent = sendmsg(socket, &message, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : sent;
}

/* Where so much was sent of a command and those behind it in its message; below 0, so much was left of those before it. */
static int64_t result_of(const struct command *c, int64_t sent, int64_t error)
{
	if (sent <= 0)
		return sent < 0 ? -ECANCELED : error;
	return sent < c->length ? sent : c->length;
}

static struct iovec bytes_of(const struct command *c)
{
	return (struct iovec) { (void *)(uintptr_t)c->address, (size_t)c->length };
}

/*
 * Sends a piece of a file, the bytes that go before it in one message with the first of it, and those behind it with the last, NULL for none:
 * each message wakes the client. Says of all how much is sent.
 */
static void send_by_copy(struct command *before, struct command *c, struct command *behind, char *scratch, size_t scratch_size)
{
	int64_t ahead = before == NULL ? 0 : before->length;
	int64_t done = -ahead; /* of the piece; below 0, so many bytes before it are left */
	int64_t error = -EAGAIN;

	while (done < c->length) {
		int64_t at = done < 0 ? 0 : done;
		struct iovec parts[] = {
			{ before == NULL ? NULL : (void *)(uintptr_t)before->address, (size_t)(at - done) },
			{ scratch, c->length - at < (int64_t)scratch_size ? (size_t)(c->length - at) : scratch_size },
			behind == NULL ? (struct iovec) { NULL, 0 } : bytes_of(behind),
		};
		ssize_t filled = preadv2(c->file, &parts[1], 1, c->address + at, RWF_NOWAIT);
		if (filled < 0 && errno == EINTR)
			continue;
		if (filled <= 0) {
			error = filled < 0 && (errno == EAGAIN || errno == EOPNOTSUPP) ? -ENODATA : -EIO;
			if (done < 0) {
				int64_t sent = send_bytes(before);
				if (sent < 0)
					error = sent;
				else
					done += sent;
			}
			break;
		}
		parts[1].iov_len = (size_t)filled;
		int64_t sent = send_parts(c->socket, parts, at + filled == c->length ? 3 : 2);
		if (sent < 0)
			error = sent;
		else
			done += sent;
		if (done < at + filled)
			break;
	}
	if (before != NULL)
		before->result = result_of(before, ahead + done, error);
	c->result = result_of(c, done, error);
	if (behind != NULL)
		behind->result = result_of(behind, done - c->length, error);
}

JAVA(jint, reopen)(JNIEnv *env, jclass class, jint open, jint directory, jlong path)
{
	(void)env, (void)class;
	return open_afresh(&(struct passed) { .open = open, .directory = directory, .path = path });
}

/* Every packet is accounted with more than this; less is what the kernel holds for itself while it frees the last one. */
enum { SMALLEST_PACKET = 256 };

static int peer_has_read_all(int socket)
{
	int unread = 0;
	return ioctl(socket, SIOCOUTQ, &unread) == 0 && unread < SMALLEST_PACKET;
}

/* Whether bytes are best sent in one message with a piece of a file that stands next to them. */
static int goes_with(const struct command *bytes, const struct command *piece)
{
	return bytes->kind == BYTES && bytes->descriptor_count == 0 && piece->kind == FILE_BY_COPY && piece->socket == bytes->socket;
}

/* Carries out the commands in order; those behind one that was not finished, on the same socket, get -ECANCELED. */
JAVA(void, send)(JNIEnv *env, jclass class, jlong commands, jint count, jlong scratch, jint scratch_size)
{
	(void)env, (void)class;
	struct command *all = (struct command *)(uintptr_t)commands;
	int stuck = -1;

	for (int i = 0; i < count; i++) {
		struct command *c = &all[i], *before = NULL, *behind = NULL;
		if (c->socket == stuck) {
			c->result = -ECANCELED;
			continue;
		}
		if (i + 1 < count && goes_with(c, &all[i + 1])) {
			before = c;
			c = &all[++i];
		}
		if (i + 1 < count && goes_with(&all[i + 1], c))
			behind = &all[++i];
		if (c->kind == BYTES)
			c->result = send_bytes(c);
		else if (c->kind == BYTES_ONCE_ALL_IS_READ)
			c->result = peer_has_read_all(c->socket) ? send_bytes(c) : -EBUSY;
		else if (c->kind == FILE_BY_COPY)
			send_by_copy(before, c, behind, (char *)(uintptr_t)scratch, (size_t)scratch_size);
		else
			c->result = send_by_sendfile(c, c->kind == FILE_BY_SENDFILE);
		if (c->result != c->length || (behind != NULL && behind->result != behind->length))
			stuck = c->socket;
	}
}
