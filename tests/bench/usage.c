#include "usage.h"

#include <dirent.h>
#include <inttypes.h>
#include <unistd.h>

#include "floor.h"

pid_t usage_listener(const char *path)
{
	struct sockaddr_un address;
	struct ucred peer = {0};
	socklen_t length = sizeof peer;
	int s = socket_for(path, &address);
	if (connect(s, (struct sockaddr *)&address, sizeof address) < 0)
		fail(path);
	if (getsockopt(s, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0)
		peer.pid = 0;
	close(s);
	return peer.pid;
}

static uint64_t switches_in(FILE *status)
{
	char line[256];
	uint64_t all = 0, count;
	while (fgets(line, sizeof line, status) != NULL)
		if (sscanf(line, "voluntary_ctxt_switches: %" SCNu64, &count) == 1 ||
		    sscanf(line, "nonvoluntary_ctxt_switches: %" SCNu64, &count) == 1)
			all += count;
	return all;
}

/* Adds what one thread has used; a thread that has just ended has used nothing. */
static void add_thread(struct usage *all, pid_t process, const char *thread)
{
	char path[320];
	uint64_t nanos;
	snprintf(path, sizeof path, "/proc/%d/task/%s/schedstat", process, thread);
	FILE *file = fopen(path, "re");
	if (file != NULL) {
		if (fscanf(file, "%" SCNu64, &nanos) == 1)
			all->cpu_nanos += nanos;
		fclose(file);
	}
	snprintf(path, sizeof path, "/proc/%d/task/%s/status", process, thread);
	file = fopen(path, "re");
	if (file != NULL) {
		all->switches += switches_in(file);
		fclose(file);
	}
}

struct usage usage_of(pid_t process)
{
	struct usage all = {0};
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/task", process);
	DIR *threads = opendir(path);
	if (threads == NULL)
		return all;
	for (struct dirent *thread = readdir(threads); thread != NULL; thread = readdir(threads))
		if (thread->d_name[0] != '.')
			add_thread(&all, process, thread->d_name);
	closedir(threads);
	return all;
}
