/* Sockets one at a time: who listens at a path, and who connects to it. A result below 0 is -errno; nothing throws. */
#include <errno.h>
#include <jni.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "fdpass.h"

#define JAVA(type, name) JNIEXPORT type JNICALL Java_org_objmapper_nativeio_NativeIo_##name

/* A new socket, with flags beside close-on-exec, and the address of a path (without NUL); -errno where either can't be. */
static int socket_for(JNIEnv *env, jbyteArray path, int flags, struct sockaddr_un *address)
{
	jsize length = (*env)->GetArrayLength(env, path);
	if ((size_t)length >= sizeof address->sun_path)
		return -ENAMETOOLONG;
	memset(address, 0, sizeof *address);
	address->sun_family = AF_UNIX;
	(*env)->GetByteArrayRegion(env, path, 0, length, (jbyte *)address->sun_path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
	return fd < 0 ? -errno : fd;
}

/* A new non-blocking socket that listens at a path, or -errno. */
JAVA(jint, listen)(JNIEnv *env, jclass class, jbyteArray path, jint backlog)
{
	(void)class;
	struct sockaddr_un address;
	int fd = socket_for(env, path, SOCK_NONBLOCK, &address);
	if (fd < 0)
		return fd;
	if (bind(fd, (const struct sockaddr *)&address, sizeof address) < 0 || listen(fd, backlog) < 0) {
		int error = errno;
		close(fd);
		return -error;
	}
	return fd;
}

/* 0 when somebody listens at a path, else -errno: ECONNREFUSED is a socket whose server is gone. */
JAVA(jint, probe)(JNIEnv *env, jclass class, jbyteArray path)
{
	(void)class;
	struct sockaddr_un address;
	int fd = socket_for(env, path, SOCK_NONBLOCK, &address);
	if (fd < 0)
		return fd;
	int r = connect(fd, (const struct sockaddr *)&address, sizeof address) < 0 ? -errno : 0;
	close(fd);
	return r == -EAGAIN ? 0 : r; /* EAGAIN: its backlog is full, so it lives */
}

/* Accepts one connection. */
JAVA(jint, accept)(JNIEnv *env, jclass class, jint listener)
{
	(void)env, (void)class;
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Sends what the socket takes at once. */
JAVA(jlong, sendOnce)(JNIEnv *env, jclass class, jint socket, jlong address, jint length)
{
	(void)env, (void)class;
	return fdpass_send(socket, (const void *)(uintptr_t)address, (size_t)length, NULL, 0, 0);
}

/* Lets each wait of a socket, that for its connection included, end with EAGAIN after so long; 0: never. */
static void limit_waits(int fd, jint millis)
{
	struct timeval limit = { .tv_sec = millis / 1000, .tv_usec = millis % 1000 * 1000 };
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

/* A new socket that waits, connected to the one that listens at a path. */
JAVA(jint, connect)(JNIEnv *env, jclass class, jbyteArray path, jint timeoutMillis)
{
	(void)class;
	struct sockaddr_un address;
	int fd = socket_for(env, path, 0, &address);
	if (fd < 0)
		return fd;
	limit_waits(fd, timeoutMillis);
	if (connect(fd, (const struct sockaddr *)&address, sizeof address) < 0) {
		int error = errno;
		close(fd);
		return -error;
	}
	return fd;
}

JAVA(jlong, receiveOne)
(JNIEnv *env, jclass class, jint socket, jlong address, jint length, jintArray descriptor, jboolean wait)
{
	(void)class;
	unsigned count;
	int fd = -1;
	ssize_t received =
		fdpass_receive(socket, (void *)(uintptr_t)address, (size_t)length, &fd, 1, &count, wait ? 0 : MSG_DONTWAIT);
	(*env)->SetIntArrayRegion(env, descriptor, 0, 1, &fd);
	return received;
}
