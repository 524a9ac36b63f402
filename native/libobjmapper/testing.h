/* What the tests of this folder share. */
#ifndef OBJMAPPER_TESTING_H
#define OBJMAPPER_TESTING_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

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

#endif
