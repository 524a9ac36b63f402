/* The store's system calls that Java can't make. A result below 0 is -errno; nothing throws. Paths are NUL-terminated arrays. */
#include <errno.h>
#include <fcntl.h>
#include <jni.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <linux/fs.h>
#include <linux/magic.h>

#define JAVA(type, name) JNIEXPORT type JNICALL Java_org_objmapper_nativeio_NativeIo_##name

enum { PATH_ROOM = 4096, ALL_SEALS = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL };

/* Copies a NUL-terminated path out of Java; an array without its NUL, or too long, is refused. */
static int copy_path(JNIEnv *env, jbyteArray array, char path[PATH_ROOM])
{
	jsize length = (*env)->GetArrayLength(env, array);
	if (length < 1 || length > PATH_ROOM)
		return -ENAMETOOLONG;
	(*env)->GetByteArrayRegion(env, array, 0, length, (jbyte *)path);
	return path[length - 1] == '\0' ? 0 : -EINVAL;
}

JAVA(jint, openAt)(JNIEnv *env, jclass class, jint directory, jbyteArray name, jint flags, jint mode)
{
	(void)class;
	char path[PATH_ROOM];
	int r = copy_path(env, name, path);
	if (r < 0)
		return r;
	int fd = openat(directory, path, flags | O_CLOEXEC, (mode_t)mode);
	return fd < 0 ? -errno : fd;
}

JAVA(jint, makeDirectoryAt)(JNIEnv *env, jclass class, jint directory, jbyteArray name, jint mode)
{
	(void)class;
	char path[PATH_ROOM];
	int r = copy_path(env, name, path);
	if (r < 0)
		return r;
	return mkdirat(directory, path, (mode_t)mode) < 0 ? -errno : 0;
}

/* Gives a file without a name (O_TMPFILE) its name. */
JAVA(jint, linkAt)(JNIEnv *env, jclass class, jint fd, jint directory, jbyteArray name)
{
	(void)class;
	char path[PATH_ROOM], source[64];
	int r = copy_path(env, name, path);
	if (r < 0)
		return r;
	snprintf(source, sizeof source, "/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, source, directory, path, AT_SYMLINK_FOLLOW) < 0 ? -errno : 0;
}

JAVA(jint, unlinkAt)(JNIEnv *env, jclass class, jint directory, jbyteArray name)
{
	(void)class;
	char path[PATH_ROOM];
	int r = copy_path(env, name, path);
	if (r < 0)
		return r;
	return unlinkat(directory, path, 0) < 0 ? -errno : 0;
}

/* The length of a file, which is not opened. */
JAVA(jlong, lengthAt)(JNIEnv *env, jclass class, jint directory, jbyteArray name)
{
	(void)class;
	char path[PATH_ROOM];
	int r = copy_path(env, name, path);
	if (r < 0)
		return r;
	struct statx s;
	return statx(directory, path, AT_STATX_DONT_SYNC, STATX_SIZE, &s) < 0 ? -errno : (jlong)s.stx_size;
}

JAVA(jint, close)(JNIEnv *env, jclass class, jint fd)
{
	(void)env, (void)class;
	return close(fd) < 0 ? -errno : 0;
}

JAVA(jint, fsync)(JNIEnv *env, jclass class, jint fd)
{
	(void)env, (void)class;
	return fsync(fd) < 0 ? -errno : 0;
}

JAVA(jlong, read)(JNIEnv *env, jclass class, jint fd, jlong address, jlong length, jlong offset)
{
	(void)env, (void)class;
	ssize_t n = pread(fd, (void *)(uintptr_t)address, (size_t)length, offset);
	return n < 0 ? -errno : n;
}

JAVA(jlong, write)(JNIEnv *env, jclass class, jint fd, jlong address, jlong length, jlong offset)
{
	(void)env, (void)class;
	ssize_t n = pwrite(fd, (const void *)(uintptr_t)address, (size_t)length, offset);
	return n < 0 ? -errno : n;
}

JAVA(jint, statusFlags)(JNIEnv *env, jclass class, jint fd)
{
	(void)env, (void)class;
	int flags = fcntl(fd, F_GETFL);
	return flags < 0 ? -errno : flags;
}

JAVA(jint, seals)(JNIEnv *env, jclass class, jint fd)
{
	(void)env, (void)class;
	int seals = fcntl(fd, F_GET_SEALS);
	return seals < 0 ? -errno : seals;
}

/*
 * Mode, length and device of a file, from what the kernel knows already: AT_STATX_DONT_SYNC asks no file system that might hang.
 * Writes {mode, length, device} and returns 0.
 */
JAVA(jint, describe)(JNIEnv *env, jclass class, jint fd, jlongArray into)
{
	(void)class;
	struct statx s;
	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE | STATX_SIZE | STATX_MODE, &s) < 0)
		return -errno;
	jlong values[3] = { s.stx_mode, (jlong)s.stx_size, ((jlong)s.stx_dev_major << 32) | s.stx_dev_minor };
	(*env)->SetLongArrayRegion(env, into, 0, 3, values);
	return 0;
}

JAVA(jboolean, isRegularFile)(JNIEnv *env, jclass class, jint fd)
{
	(void)env, (void)class;
	struct statx s;
	return statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &s) == 0 && S_ISREG(s.stx_mode);
}

/* Shares the blocks of a file with an empty one; not every file system can. */
JAVA(jint, reflink)(JNIEnv *env, jclass class, jint from, jint to)
{
	(void)env, (void)class;
	return ioctl(to, FICLONE, from) < 0 ? -errno : 0;
}

JAVA(jlong, copyRange)(JNIEnv *env, jclass class, jint from, jlong offset, jint to, jlong length)
{
	(void)env, (void)class;
	off_t in = offset, out = offset;
	ssize_t n = copy_file_range(from, &in, to, &out, (size_t)length, 0);
	return n < 0 ? -errno : n;
}

static int fill_and_seal(int fd, const char *bytes, size_t length)
{
	for (size_t done = 0; done < length;) {
		ssize_t n = write(fd, bytes + done, length - done);
		if (n < 0 && errno != EINTR)
			return -errno;
		done += n < 0 ? 0 : (size_t)n;
	}
	return fcntl(fd, F_ADD_SEALS, ALL_SEALS) < 0 ? -errno : 0;
}

/* Opens a sealed piece of memory for reading only. */
static int reopen_for_reading(int fd)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	int reading = open(path, O_RDONLY | O_CLOEXEC);
	return reading < 0 ? -errno : reading;
}

/* An empty piece of memory that can be written and sealed. */
JAVA(jint, newMemory)(JNIEnv *env, jclass class)
{
	(void)env, (void)class;
	int fd = memfd_create("objmapper", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	return fd < 0 ? -errno : fd;
}

/* Seals a piece of memory that was written; a descriptor of it that is open for reading only. The other one stays open. */
JAVA(jint, seal)(JNIEnv *env, jclass class, jint fd)
{
	(void)env, (void)class;
	if (fcntl(fd, F_ADD_SEALS, ALL_SEALS) < 0)
		return -errno;
	return reopen_for_reading(fd);
}

/* A descriptor, open for reading only, of a sealed piece of memory that holds a copy of the bytes. */
JAVA(jint, sealedMemory)(JNIEnv *env, jclass class, jlong address, jint length)
{
	(void)env, (void)class;
	int fd = memfd_create("objmapper", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	int r = fill_and_seal(fd, (const char *)(uintptr_t)address, (size_t)length);
	if (r == 0)
		r = reopen_for_reading(fd);
	close(fd);
	return r;
}

/*
 * Whether the file system of a descriptor opens and closes files that it knows without asking a disk, a network or another process: it is
 * one of those whose code does. The answer itself may take that.
 */
JAVA(jboolean, opensAtOnce)(JNIEnv *env, jclass class, jint fd)
{
	(void)env, (void)class;
	struct statfs s;
	if (fstatfs(fd, &s) < 0)
		return JNI_FALSE;
	return s.f_type == EXT4_SUPER_MAGIC || s.f_type == XFS_SUPER_MAGIC || s.f_type == BTRFS_SUPER_MAGIC || s.f_type == F2FS_SUPER_MAGIC
	        || s.f_type == TMPFS_MAGIC;
}

/* Bytes that an unprivileged user may still write to the file system of a descriptor. */
JAVA(jlong, freeBytes)(JNIEnv *env, jclass class, jint fd)
{
	(void)env, (void)class;
	struct statvfs s;
	if (fstatvfs(fd, &s) < 0)
		return -errno;
	return (jlong)s.f_bavail * (jlong)s.f_frsize;
}

/* Raises the limit of open files to the hard limit and returns it. */
JAVA(jlong, raiseDescriptorLimit)(JNIEnv *env, jclass class)
{
	(void)env, (void)class;
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -errno;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -errno;
	return (jlong)limit.rlim_cur;
}

JAVA(jlong, address)(JNIEnv *env, jclass class, jobject direct)
{
	(void)class;
	return (jlong)(uintptr_t)(*env)->GetDirectBufferAddress(env, direct);
}
