/*
 * Whether anyone has a file open or mapped, asked by a lease, which the kernel grants to the only one who has it. A result below 0 is
 * -errno; nothing throws.
 */
#include <errno.h>
#include <fcntl.h>
#include <jni.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define JAVA(type, name) JNIEXPORT type JNICALL Java_org_objmapper_nativeio_NativeIo_##name

static int is_held(int fd)
{
	if (fcntl(fd, F_SETLEASE, F_WRLCK) < 0)
		return errno == EAGAIN ? 1 : -errno;
	fcntl(fd, F_SETLEASE, F_UNLCK);
	return 0;
}

/* Whether the answers are right about another descriptor, about a mapping whose descriptor is closed, and about neither. */
static bool answers_rightly(int probe, int other)
{
	bool right = is_held(probe) == 1;
	void *mapping = mmap(NULL, 1, PROT_READ, MAP_SHARED, other, 0);
	close(other);
	if (mapping == MAP_FAILED)
		return false;
	right = right && is_held(probe) == 1;
	munmap(mapping, 1);
	return right && is_held(probe) == 0;
}

JAVA(jint, isHeld)(JNIEnv *env, jclass class, jint fd)
{
	(void)env, (void)class;
	return is_held(fd);
}

/* Somebody who opens a file in the moment of a question sends SIGIO to who asks: it would end the process. */
JAVA(jint, proveIsHeld)(JNIEnv *env, jclass class, jint directory)
{
	(void)env, (void)class;
	char path[64];
	if (signal(SIGIO, SIG_IGN) == SIG_ERR)
		return -errno;
	int fd = openat(directory, ".", O_RDWR | O_TMPFILE | O_CLOEXEC, 0400);
	if (fd < 0)
		return -errno;
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	int probe = open(path, O_RDONLY | O_CLOEXEC);
	int other = open(path, O_RDONLY | O_CLOEXEC);
	int r = probe < 0 || other < 0 || ftruncate(fd, 1) < 0 ? -errno : 0;
	close(fd);
	if (r == 0)
		r = answers_rightly(probe, other);
	else if (other >= 0)
		close(other);
	if (probe >= 0)
		close(probe);
	return r;
}
