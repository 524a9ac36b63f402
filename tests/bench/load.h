/* What the clients of the benchmark share: a thread for each connection asks in rounds, and the rounds are timed alike. */
#ifndef LOAD_H
#define LOAD_H

#include <stddef.h>
#include <sys/types.h>

struct load {
	int connections;
	double seconds;
	int depth;                        /* requests in a round */
	void *(*open)(void);              /* a new connection; ends the program when there is none */
	int (*round)(void *connection);   /* sends depth requests and receives all replies; -1 when it failed */
	void (*close)(void *connection);
};

/* Runs the load and prints "NAME connections=C depth=D ops/s=N p50=Nus p99=Nus p999=Nus"; the times are of rounds. */
void load_run(const char *name, const struct load *load);

/* Receives what there is, closes the descriptors that came with it and adds their number to *count. */
ssize_t load_receive(int s, void *bytes, size_t length, unsigned *count);

#endif
