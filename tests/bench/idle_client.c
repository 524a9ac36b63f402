/* Sessions that do nothing.
 *
 *   idle_client SOCKET COUNT
 *
 * Opens COUNT sessions, says "ready", and ends when its standard input does. */
#include "floor.h"

#include <objmapper.h>
#include <sys/resource.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct rlimit descriptors;
	char byte;
	if (argc != 3) {
		fprintf(stderr, "usage: idle_client SOCKET COUNT\n");
		return 2;
	}
	if (getrlimit(RLIMIT_NOFILE, &descriptors) == 0) {
		descriptors.rlim_cur = descriptors.rlim_max;
		setrlimit(RLIMIT_NOFILE, &descriptors);
	}
	for (int i = 0; i < atoi(argv[2]); i++) {
		om_context *session = om_connect(argv[1], NULL);
		om_reply *pong = session == NULL ? NULL : om_ping(session);
		if (pong == NULL) {
			fprintf(stderr, "session %d: %s\n", i, session == NULL ? "no memory" : session->errstr);
			return 1;
		}
		om_reply_free(pong);
	}
	puts("ready");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	return 0;
}
