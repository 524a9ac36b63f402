/* What a process has used of the processors, as /proc has it. */
#ifndef USAGE_H
#define USAGE_H

#include <stdint.h>
#include <sys/types.h>

struct usage {
	uint64_t cpu_nanos;
	uint64_t switches; /* between threads, wanted by it or not */
};

/* The process that listens at a socket's path; 0 where that can't be known. */
pid_t usage_listener(const char *path);

/* What the threads that a process has now have used until now. */
struct usage usage_of(pid_t process);

#endif
