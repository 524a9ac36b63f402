/* What the tests of this folder share. */
#ifndef OBJMAPPER_TESTING_H
#define OBJMAPPER_TESTING_H

#include <dirent.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define check(x) ((x) ? (void)0 : (fprintf(stderr, "%s:%d: %s: not so\n", __func__, __LINE__, #x), abort()))

/* How many descriptors this process has open: the same before and after a test, or one leaks. */
static inline int open_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	check(d != NULL);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

/* Keeps this process on the processor that it runs on, and returns that one's number plus 1: what its requests name. */
static inline int stay_on_this_processor(void)
{
	cpu_set_t here;
	int processor = sched_getcpu();

	check(processor >= 0);
	CPU_ZERO(&here);
	CPU_SET(processor, &here);
	check(sched_setaffinity(0, sizeof here, &here) == 0);
	return processor + 1;
}

/* ---- a socket that listens in a directory of its own; an aborted test leaves neither behind */

static struct sockaddr_un listening = { .sun_family = AF_UNIX };
static char listening_directory[] = "/tmp/objmapper-test-XXXXXX";

static inline void remove_socket(void)
{
	unlink(listening.sun_path);
	rmdir(listening_directory);
}

static inline void remove_and_abort(int signal)
{
	(void)signal;
	remove_socket();
}

/* A listener at listening.sun_path; remove_socket takes the path away. */
static inline int listen_somewhere(int backlog)
{
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(listening_directory + sizeof listening_directory - 7, "XXXXXX");
	check(listener >= 0 && mkdtemp(listening_directory) != NULL);
	check(signal(SIGABRT, remove_and_abort) != SIG_ERR);
	snprintf(listening.sun_path, sizeof listening.sun_path, "%s/s", listening_directory);
	check(bind(listener, (struct sockaddr *)&listening, sizeof listening) == 0 && listen(listener, backlog) == 0);
	return listener;
}

#endif
