/*
 * faulty-fs SOURCE MOUNTPOINT: mounts a file system that shows the directory SOURCE and fails when it is told to. It says "mounted" and
 * then takes commands, a line each, which it answers with "ok" or with "no" and a reason:
 *
 *   fail OPERATION ERROR [OFFSET]   the operation fails; read and write only at and behind OFFSET
 *   hang OPERATION                  the operation does not come back; "hangs OPERATION" is said for each call that begins to hang
 *   delay OPERATION MILLIS          the operation takes so much longer
 *   clear OPERATION                 all goes well again; calls that hang go on
 *   only [NAME]                     from now on faults meet only what has that name in its directory; without NAME everything
 *
 * At the end of its input, and on SIGTERM, it takes the mount away and exits, which frees all who hang in it: nothing is left when its
 * starter dies.
 */
#define FUSE_USE_VERSION 312
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <limits.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { MOST_CALLS_AT_ONCE = 200, OWN_PATH = 64 };

/* ---- faults */

enum operation { LOOKUP, GETATTR, SETATTR, MKDIR, CREATE, OPEN, READ, WRITE, FLUSH, RELEASE, FSYNC, LINK, UNLINK, RENAME, READDIR, STATFS, OPERATIONS };

static const char *const operation_names[OPERATIONS] = { "lookup", "getattr", "setattr", "mkdir", "create", "open", "read", "write",
	"flush", "release", "fsync", "link", "unlink", "rename", "readdir", "statfs" };

static const struct {
	const char *name;
	int number;
} errors[] = { { "EIO", EIO }, { "ENOSPC", ENOSPC }, { "EDQUOT", EDQUOT }, { "EROFS", EROFS }, { "EACCES", EACCES }, { "EMFILE", EMFILE } };

static struct fault {
	int error;
	off_t offset;
	int hangs;
	long delay_millis;
} faults[OPERATIONS];

static char only[NAME_MAX + 1]; /* empty: faults meet all files */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static void say(const char *word, const char *rest)
{
	printf("%s%s%s\n", word, *rest ? " " : "", rest);
	fflush(stdout);
}

/* Every operation begins here: waits as it was told to, and returns the errno that it has to fail with, or 0. */
static int meet_fault_at(enum operation op, const char *name, off_t offset)
{
	pthread_mutex_lock(&lock);
	struct fault *f = &faults[op];
	if (only[0] != '\0' && strcmp(name, only) != 0) {
		pthread_mutex_unlock(&lock);
		return 0;
	}
	if (f->hangs)
		say("hangs", operation_names[op]);
	while (f->hangs)
		pthread_cond_wait(&changed, &lock);
	int error = f->error != 0 && offset >= f->offset ? f->error : 0;
	struct timespec delay = { f->delay_millis / 1000, f->delay_millis % 1000 * 1000000 };
	pthread_mutex_unlock(&lock);
	if (delay.tv_sec != 0 || delay.tv_nsec != 0)
		nanosleep(&delay, NULL);
	return error;
}

static int meet_fault(enum operation op, const char *name) { return meet_fault_at(op, name, 0); }

/* ---- files */

/* A file or directory that the kernel knows. */
struct node {
	struct node *next;
	int fd; /* O_PATH */
	char name[NAME_MAX + 1]; /* the last one that it was seen under */
	dev_t device;
	ino_t number;
	uint64_t lookups;
};

static struct node root;
static struct node *nodes;

static struct node *node_of(fuse_ino_t ino) { return ino == FUSE_ROOT_ID ? &root : (struct node *)(uintptr_t)ino; }
static int fd_of(fuse_ino_t ino) { return node_of(ino)->fd; }
static const char *name_of(fuse_ino_t ino) { return node_of(ino)->name; }

/* A name for a descriptor, through which it is opened anew or linked. */
static const char *own_path(int fd, char path[OWN_PATH])
{
	snprintf(path, OWN_PATH, "/proc/self/fd/%d", fd);
	return path;
}

/* Fills the entry of the file behind an O_PATH descriptor, which it takes over; returns an errno. */
static int enter(int fd, const char *name, struct fuse_entry_param *entry)
{
	memset(entry, 0, sizeof *entry); /* no timeouts: the kernel asks each time, so each fault is met */
	if (fstat(fd, &entry->attr) < 0) {
		int error = errno;
		close(fd);
		return error;
	}
	pthread_mutex_lock(&lock);
	struct node *n = nodes;
	while (n != NULL && (n->device != entry->attr.st_dev || n->number != entry->attr.st_ino))
		n = n->next;
	if (n != NULL) {
		close(fd);
	} else {
		n = calloc(1, sizeof *n);
		if (n == NULL)
			abort();
		*n = (struct node){ .next = nodes, .fd = fd, .device = entry->attr.st_dev, .number = entry->attr.st_ino };
		nodes = n;
	}
	n->lookups++;
	snprintf(n->name, sizeof n->name, "%s", name);
	pthread_mutex_unlock(&lock);
	entry->ino = (fuse_ino_t)(uintptr_t)n;
	return 0;
}

static int enter_name(fuse_ino_t parent, const char *name, struct fuse_entry_param *entry)
{
	int fd = openat(fd_of(parent), name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? errno : enter(fd, name, entry);
}

static void reply_entry(fuse_req_t req, int error, const struct fuse_entry_param *entry)
{
	if (error != 0)
		fuse_reply_err(req, error);
	else
		fuse_reply_entry(req, entry);
}

static void do_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param entry;
	int error = meet_fault(LOOKUP, name);
	reply_entry(req, error != 0 ? error : enter_name(parent, name, &entry), &entry);
}

static void do_forget(fuse_req_t req, fuse_ino_t ino, uint64_t lookups)
{
	struct node *n = node_of(ino);
	pthread_mutex_lock(&lock);
	n->lookups -= lookups;
	if (n != &root && n->lookups == 0) {
		struct node **at = &nodes;
		while (*at != n)
			at = &(*at)->next;
		*at = n->next;
		close(n->fd);
		free(n);
	}
	pthread_mutex_unlock(&lock);
	fuse_reply_none(req);
}

static void reply_attributes(fuse_req_t req, fuse_ino_t ino)
{
	struct stat attributes;
	if (fstat(fd_of(ino), &attributes) < 0)
		fuse_reply_err(req, errno);
	else
		fuse_reply_attr(req, &attributes, 0);
}

static void do_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info)
{
	(void)info;
	int error = meet_fault(GETATTR, name_of(ino));
	if (error != 0)
		fuse_reply_err(req, error);
	else
		reply_attributes(req, ino);
}

/* Modes and lengths; times and owners stay as they are. */
static void do_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *wanted, int set, struct fuse_file_info *info)
{
	char path[OWN_PATH];
	(void)info;
	int error = meet_fault(SETATTR, name_of(ino));
	if (error == 0 && (set & FUSE_SET_ATTR_MODE) && chmod(own_path(fd_of(ino), path), wanted->st_mode) < 0)
		error = errno;
	if (error == 0 && (set & FUSE_SET_ATTR_SIZE) && truncate(own_path(fd_of(ino), path), wanted->st_size) < 0)
		error = errno;
	if (error != 0)
		fuse_reply_err(req, error);
	else
		reply_attributes(req, ino);
}

static void do_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	struct fuse_entry_param entry;
	int error = meet_fault(MKDIR, name);
	if (error == 0 && mkdirat(fd_of(parent), name, mode) < 0)
		error = errno;
	reply_entry(req, error != 0 ? error : enter_name(parent, name, &entry), &entry);
}

/* A file without a name (O_TMPFILE) is called "/" by the kernel; see read_request. */
static int create_file(fuse_ino_t parent, const char *name, mode_t mode, int flags)
{
	if (strcmp(name, "/") == 0)
		return openat(fd_of(parent), ".", (flags & ~(O_CREAT | O_EXCL)) | O_TMPFILE | O_CLOEXEC, mode);
	return openat(fd_of(parent), name, flags | O_CREAT | O_CLOEXEC, mode);
}

static void do_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *info)
{
	struct fuse_entry_param entry;
	char path[OWN_PATH];
	int fd = -1;
	int error = meet_fault(CREATE, name);
	if (error == 0 && (fd = create_file(parent, name, mode, info->flags)) < 0)
		error = errno;
	if (error == 0)
		error = enter(open(own_path(fd, path), O_PATH | O_CLOEXEC), name, &entry);
	if (error != 0) {
		fuse_reply_err(req, error);
		return;
	}
	info->fh = (uint64_t)fd;
	fuse_reply_create(req, &entry, info);
}

static void do_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info)
{
	char path[OWN_PATH];
	int fd = -1;
	int error = meet_fault(OPEN, name_of(ino));
	if (error == 0 && (fd = open(own_path(fd_of(ino), path), (info->flags & ~O_NOFOLLOW) | O_CLOEXEC)) < 0)
		error = errno;
	if (error != 0) {
		fuse_reply_err(req, error);
		return;
	}
	info->fh = (uint64_t)fd;
	fuse_reply_open(req, info);
}

static void do_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *info)
{
	int error = meet_fault_at(READ, name_of(ino), offset + (off_t)size - 1);
	struct fuse_bufvec bytes = FUSE_BUFVEC_INIT(size);
	bytes.buf[0].flags = FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK;
	bytes.buf[0].fd = (int)info->fh;
	bytes.buf[0].pos = offset;
	if (error != 0)
		fuse_reply_err(req, error);
	else
		fuse_reply_data(req, &bytes, 0);
}

static void do_write(fuse_req_t req, fuse_ino_t ino, const char *bytes, size_t size, off_t offset, struct fuse_file_info *info)
{
	ssize_t written = 0;
	int error = meet_fault_at(WRITE, name_of(ino), offset + (off_t)size - 1);
	if (error == 0 && (written = pwrite((int)info->fh, bytes, size, offset)) < 0)
		error = errno;
	if (error != 0)
		fuse_reply_err(req, error);
	else
		fuse_reply_write(req, (size_t)written);
}

/* close() waits for this one, and not for release. */
static void do_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info)
{
	(void)info;
	fuse_reply_err(req, meet_fault(FLUSH, name_of(ino)));
}

static void do_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info)
{
	int error = meet_fault(RELEASE, name_of(ino));
	close((int)info->fh);
	fuse_reply_err(req, error);
}

static void do_fsync(fuse_req_t req, fuse_ino_t ino, int data_only, struct fuse_file_info *info)
{
	(void)data_only;
	int error = meet_fault(FSYNC, name_of(ino));
	if (error == 0 && fsync((int)info->fh) < 0)
		error = errno;
	fuse_reply_err(req, error);
}

static void do_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param entry;
	char path[OWN_PATH];
	int error = meet_fault(LINK, name);
	if (error == 0 && linkat(AT_FDCWD, own_path(fd_of(ino), path), fd_of(parent), name, AT_SYMLINK_FOLLOW) < 0)
		error = errno;
	reply_entry(req, error != 0 ? error : enter_name(parent, name, &entry), &entry);
}

static void remove_name(fuse_req_t req, fuse_ino_t parent, const char *name, int flags)
{
	int error = meet_fault(UNLINK, name);
	if (error == 0 && unlinkat(fd_of(parent), name, flags) < 0)
		error = errno;
	fuse_reply_err(req, error);
}

static void do_unlink(fuse_req_t req, fuse_ino_t parent, const char *name) { remove_name(req, parent, name, 0); }
static void do_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name) { remove_name(req, parent, name, AT_REMOVEDIR); }

static void do_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent, const char *new_name, unsigned flags)
{
	int error = meet_fault(RENAME, name);
	if (error == 0 && renameat2(fd_of(parent), name, fd_of(new_parent), new_name, flags) < 0)
		error = errno;
	fuse_reply_err(req, error);
}

static void do_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info)
{
	int fd = openat(fd_of(ino), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	if (directory == NULL) {
		fuse_reply_err(req, errno);
		return;
	}
	info->fh = (uint64_t)(uintptr_t)directory;
	fuse_reply_open(req, info);
}

static void do_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *info)
{
	DIR *directory = (DIR *)(uintptr_t)info->fh;
	int error = meet_fault(READDIR, name_of(ino));
	char *page = malloc(size);
	size_t used = 0;

	if (page == NULL)
		abort();
	seekdir(directory, offset);
	for (struct dirent *found; error == 0 && (found = readdir(directory)) != NULL;) {
		struct stat attributes = { .st_ino = found->d_ino, .st_mode = (mode_t)found->d_type << 12 };
		size_t added = fuse_add_direntry(req, page + used, size - used, found->d_name, &attributes, found->d_off);
		if (added > size - used)
			break;
		used += added;
	}
	if (error != 0)
		fuse_reply_err(req, error);
	else
		fuse_reply_buf(req, page, used);
	free(page);
}

static void do_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info)
{
	(void)ino;
	closedir((DIR *)(uintptr_t)info->fh);
	fuse_reply_err(req, 0);
}

static void do_fsyncdir(fuse_req_t req, fuse_ino_t ino, int data_only, struct fuse_file_info *info)
{
	(void)data_only;
	int error = meet_fault(FSYNC, name_of(ino));
	if (error == 0 && fsync(dirfd((DIR *)(uintptr_t)info->fh)) < 0)
		error = errno;
	fuse_reply_err(req, error);
}

static void do_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct statvfs figures;
	int error = meet_fault(STATFS, name_of(ino));
	if (error == 0 && fstatvfs(fd_of(ino), &figures) < 0)
		error = errno;
	if (error != 0)
		fuse_reply_err(req, error);
	else
		fuse_reply_statfs(req, &figures);
}

static const struct fuse_lowlevel_ops operations = {
	.lookup = do_lookup,
	.forget = do_forget,
	.getattr = do_getattr,
	.setattr = do_setattr,
	.mkdir = do_mkdir,
	.create = do_create,
	.open = do_open,
	.read = do_read,
	.write = do_write,
	.flush = do_flush,
	.release = do_release,
	.fsync = do_fsync,
	.link = do_link,
	.unlink = do_unlink,
	.rmdir = do_rmdir,
	.rename = do_rename,
	.opendir = do_opendir,
	.readdir = do_readdir,
	.releasedir = do_releasedir,
	.fsyncdir = do_fsyncdir,
	.statfs = do_statfs,
};

/* ---- mounting and serving */

/* libfuse 3.14 does not know FUSE_TMPFILE, which has the form of FUSE_CREATE: it is handed on as that. */
static ssize_t read_request(int fd, void *buffer, size_t size, void *data)
{
	(void)data;
	ssize_t n = read(fd, buffer, size);
	struct fuse_in_header *header = buffer;
	if (n >= (ssize_t)sizeof *header && header->opcode == FUSE_TMPFILE)
		header->opcode = FUSE_CREATE;
	return n;
}

static ssize_t write_reply(int fd, struct iovec *iov, int count, void *data)
{
	(void)data;
	return writev(fd, iov, count);
}

static void mount_at(struct fuse_session *session, const char *mountpoint)
{
	static const struct fuse_custom_io io = { .read = read_request, .writev = write_reply };
	char options[128];
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions", fd);
	if (fd < 0 || fuse_session_custom_io(session, &io, fd) != 0 ||
	    mount("faulty-fs", mountpoint, "fuse.faulty-fs", MS_NOSUID | MS_NODEV, options) < 0) {
		fprintf(stderr, "faulty-fs: cannot mount at %s: %s\n", mountpoint, strerror(errno));
		exit(1);
	}
}

static const char *mounted_at;

/* Threads hang here too, so nothing is waited for; with the connection closed the kernel frees all callers. */
static void leave(int signal)
{
	(void)signal;
	_exit(umount2(mounted_at, MNT_DETACH) < 0 ? 1 : 0);
}

static void *serve(void *session)
{
	struct fuse_loop_config *config = fuse_loop_cfg_create();
	fuse_loop_cfg_set_max_threads(config, MOST_CALLS_AT_ONCE); /* each call that hangs keeps one */
	fuse_session_loop_mt(session, config);
	fuse_loop_cfg_destroy(config);
	return NULL;
}

/* ---- commands */

static int find_operation(const char *name)
{
	int op = 0;
	while (op < OPERATIONS && strcmp(name, operation_names[op]) != 0)
		op++;
	return op;
}

static int find_error(const char *name)
{
	for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
		if (strcmp(name, errors[i].name) == 0)
			return errors[i].number;
	return 0;
}

static void meet_only(const char *name)
{
	pthread_mutex_lock(&lock);
	snprintf(only, sizeof only, "%s", name);
	pthread_mutex_unlock(&lock);
}

/* Carries a command out; returns what is wrong with it, or NULL. */
static const char *obey(const char *line)
{
	char verb[16] = "", name[NAME_MAX + 1] = "", what[16] = "";
	long long offset = 0;
	sscanf(line, "%15s %255s %15s %lld", verb, name, what, &offset);
	if (strcmp(verb, "only") == 0) {
		meet_only(name);
		return NULL;
	}
	int op = find_operation(name);
	struct fault fault = { 0 };

	if (op == OPERATIONS)
		return "there is no such operation";
	if (strcmp(verb, "fail") == 0)
		fault = (struct fault){ .error = find_error(what), .offset = (off_t)offset };
	else if (strcmp(verb, "hang") == 0)
		fault.hangs = 1;
	else if (strcmp(verb, "delay") == 0)
		fault.delay_millis = atol(what);
	else if (strcmp(verb, "clear") != 0)
		return "there is no such command";
	if (strcmp(verb, "fail") == 0 && fault.error == 0)
		return "there is no such error";
	pthread_mutex_lock(&lock);
	faults[op] = fault;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	return NULL;
}

static void obey_all(void)
{
	char *line = NULL;
	size_t room = 0;

	while (getline(&line, &room, stdin) >= 0) {
		const char *wrong = obey(line);
		pthread_mutex_lock(&lock);
		say(wrong == NULL ? "ok" : "no", wrong == NULL ? "" : wrong);
		pthread_mutex_unlock(&lock);
	}
	free(line);
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: faulty-fs SOURCE MOUNTPOINT\n");
		return 2;
	}
	umask(0);
	root.fd = open(argv[1], O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root.fd < 0) {
		fprintf(stderr, "faulty-fs: cannot open %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	struct fuse_args args = FUSE_ARGS_INIT(1, argv);
	struct fuse_session *session = fuse_session_new(&args, &operations, sizeof operations, NULL);
	pthread_t server;
	if (session == NULL)
		return 1;
	mount_at(session, argv[2]);
	mounted_at = argv[2];
	signal(SIGTERM, leave);
	if (pthread_create(&server, NULL, serve, session) != 0)
		abort();
	say("mounted", "");
	obey_all();
	leave(0);
}
