#include "fdpass.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* Room for one control message of descriptors, aligned as the kernel wants it. */
union control {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(int) * FDPASS_MAX)];
};

static ssize_t send_with(int socket, const void *bytes, size_t len, const int *fds, unsigned count, int flags)
{
	struct iovec iov = { .iov_base = (void *)bytes, .iov_len = len };
	union control control;
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = CMSG_SPACE(sizeof(int) * count),
	};

	memset(control.bytes, 0, message.msg_controllen); /* its padding too: the kernel is handed all of it */
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(int) * count);
	memcpy(CMSG_DATA(&control.header), fds, sizeof(int) * count);
	return sendmsg(socket, &message, flags);
}

ssize_t fdpass_send(int socket, const void *bytes, size_t len, const int *fds, unsigned count, int flags)
{
	ssize_t sent;

	assert(count <= FDPASS_MAX);
	do /* send(2) costs less where there is nothing but bytes */
		sent = count > 0 ? send_with(socket, bytes, len, fds, count, MSG_NOSIGNAL | flags) : send(socket, bytes, len, MSG_NOSIGNAL | flags);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : sent;
}

/* Takes the descriptors out of a received message. */
static unsigned take_control(struct msghdr *message, int *fds, unsigned room)
{
	unsigned count = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		unsigned arrived = (unsigned)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		assert(count + arrived <= room);
		memcpy(fds + count, CMSG_DATA(c), arrived * sizeof(int));
		count += arrived;
	}
	return count;
}

ssize_t fdpass_receive(int socket, void *bytes, size_t len, int *fds, unsigned room, unsigned *count, int flags)
{
	struct iovec iov = { .iov_base = bytes, .iov_len = len };
	union control control;
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		/* CMSG_LEN, not CMSG_SPACE: the padding could hold one descriptor more; no message has more than FDPASS_MAX. */
		.msg_controllen = CMSG_LEN(sizeof(int) * room),
	};
	ssize_t received;

	assert(room > 0 && room <= FDPASS_MAX);
	*count = 0;
	do
		received = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | flags);
	while (received < 0 && errno == EINTR);
	if (received < 0)
		return -errno;
	*count = take_control(&message, fds, room);
	return (message.msg_flags & MSG_CTRUNC) ? -EMFILE : received;
}

ssize_t fdpass_peek(int socket, void *bytes, size_t len, int *with_descriptors)
{
	struct iovec iov = { .iov_base = bytes, .iov_len = len };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t seen;

	do
		seen = recvmsg(socket, &message, MSG_PEEK | MSG_DONTWAIT);
	while (seen < 0 && errno == EINTR);
	*with_descriptors = (message.msg_flags & MSG_CTRUNC) != 0;
	return seen < 0 ? -errno : seen;
}
