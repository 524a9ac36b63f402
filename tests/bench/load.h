/* What the clients of the benchmark share: a thread for each connection asks in rounds, and the rounds are timed alike.
 *
 * All take these options before their arguments:
 *   -w SECONDS  how long they ask before they count; 0 when left out
 *   -s MICROS   how long they look for a reply again and again before they sleep; 0 when left out
 *   -t          to print how long rounds took, a second line of "times" and NANOS:COUNT each */
#ifndef LOAD_H
#define LOAD_H

#include <stddef.h>
#include <sys/types.h>

struct load {
	const char *name;
	const char *server; /* the path of its socket, to know what it uses; NULL: there is no server */
	int connections;
	double seconds;
	int depth;                      /* requests in a round */
	void *(*open)(void);            /* a new connection; ends the program when there is none */
	int (*round)(void *connection); /* sends depth requests and receives all replies; -1 when it failed */
	void (*close)(void *connection);
};

/* Takes in the options; returns how many words of argv they and the program's name were. Ends the program where one is unknown. */
int load_options(int argc, char **argv);

/* Runs the load and prints "NAME connections=C depth=D ops/s=N p50=Nus p99=Nus p999=Nus", the times of rounds, and then, of the server
 * and for each request, "cpu=Nus switches=N". */
void load_run(const struct load *load);

/* Receives what there is. */
ssize_t load_receive(int s, void *bytes, size_t length);
ssize_t load_receive_parts(int s, void *first, size_t first_length, void *second, size_t second_length);

/* Receives what there is, closes the descriptors that came with it and adds their number to *count. */
ssize_t load_receive_descriptors(int s, void *bytes, size_t length, unsigned *count);

#endif
