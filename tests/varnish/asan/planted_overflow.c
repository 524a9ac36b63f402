/* A fault for the run with AddressSanitizer to find: linked in with --wrap=memmem, it reads one byte behind what was allocated. */
#include <stdlib.h>
#include <string.h>

void *__real_memmem(const void *in, size_t in_length, const void *what, size_t what_length);
void *__wrap_memmem(const void *in, size_t in_length, const void *what, size_t what_length);

void *__wrap_memmem(const void *in, size_t in_length, const void *what, size_t what_length)
{
	char *copy = malloc(in_length);

	memcpy(copy, in, in_length);
	volatile char behind = ((volatile char *)copy)[in_length];
	(void)behind;
	free(copy);
	return __real_memmem(in, in_length, what, what_length);
}
