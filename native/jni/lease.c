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

enum { ALL_SEALS = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL };

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

/* Whether the answers are right about a file of one byte, which is closed here. */
static int prove(int fd)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	int probe = open(path, O_RDONLY | O_CLOEXEC);
	int other = open(path, O_RDONLY | O_CLOEXEC);
	int r = probe < 0 || other < 0 ? -errno : 0;
	close(fd);
	if (r == 0)
		r = answers_rightly(probe, other);
	else if (other >= 0)
		close(other);
	if (probe >= 0)
		close(probe);
	return r;
}

/* Somebody who opens a file in the moment of a question sends SIGIO to who asks: it would end the process. */
static int ignore_broken_leases(void)
{
	return signal(SIGIO, SIG_IGN) == SIG_ERR ? -errno : 0;
}

JAVA(jint, proveIsHeld)(JNIEnv *env, jclass class, jint directory)
{
	(void)env, (void)class;
	int r = ignore_broken_leases();
	if (r < 0)
		return r;
	int fd = openat(directory, ".", O_RDWR | O_TMPFILE | O_CLOEXEC, 0400);
	if (fd < 0)
		return -errno;
	if (ftruncate(fd, 1) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	return prove(fd);
}

JAVA(jint, proveIsMemoryHeld)(JNIEnv *env, jclass class)
{
	(void)env, (void)class;
	int r = ignore_broken_leases();
	if (r < 0)
		return r;
	int fd = memfd_create("objmapper", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	if (ftruncate(fd, 1) < 0 || fcntl(fd, F_ADD_SEALS, ALL_SEALS) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	return prove(fd);
}
