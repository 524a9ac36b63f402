/* Bytes together with file descriptors over AF_UNIX sockets. */
#ifndef OBJMAPPER_FDPASS_H
#define OBJMAPPER_FDPASS_H

#include <stddef.h>
#include <sys/types.h>

/* The most descriptors that Linux takes in one message (SCM_MAX_FD, include/net/scm.h). */
#define FDPASS_MAX 253

/*
 * Sends up to len bytes with count descriptors, which travel with the first of them. Never blocks on a non-blocking socket, nor with
 * MSG_DONTWAIT among the flags, and never raises SIGPIPE. Returns the bytes sent, all descriptors with them, or -errno with nothing sent. The descriptors stay the
 * caller's.
 */
ssize_t fdpass_send(int socket, const void *bytes, size_t len, const int *fds, unsigned count, int flags);

/*
 * Receives up to len bytes and up to room descriptors (room <= FDPASS_MAX), close-on-exec, and says in *count how many arrived: they
 * are the caller's from then on, also when an error is returned. Returns the bytes received, 0 at the end of the stream, or -errno;
 * -EMFILE means that descriptors were lost (MSG_CTRUNC) and the stream can't be trusted any more.
 */
ssize_t fdpass_receive(int socket, void *bytes, size_t len, int *fds, unsigned room, unsigned *count, int flags);

/*
 * Looks at up to len bytes that wait in a socket and leaves them there; never blocks. Says whether descriptors wait with them: they can
 * only be received. Returns the bytes seen, 0 at the end of the stream, or -errno.
 */
ssize_t fdpass_peek(int socket, void *bytes, size_t len, int *with_descriptors);

#endif
