/* A client's end of a connection, which waits. A result below 0 is -errno; nothing throws. */
#include <errno.h>
#include <jni.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fdpass.h"

#define JAVA(type, name) JNIEXPORT type JNICALL Java_org_objmapper_nativeio_NativeIo_##name

JAVA(jint, connect)(JNIEnv *env, jclass class, jbyteArray path)
{
	(void)class;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	jsize length = (*env)->GetArrayLength(env, path);
	if ((size_t)length >= sizeof address.sun_path)
		return -ENAMETOOLONG;
	(*env)->GetByteArrayRegion(env, path, 0, length, (jbyte *)address.sun_path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
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
