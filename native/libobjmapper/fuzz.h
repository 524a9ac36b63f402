/* What an input of the fuzzer is: three bytes that choose, then what the server sends. */
#ifndef OBJMAPPER_FUZZ_H
#define OBJMAPPER_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* In the first byte: to a session instead of the reader; with a second GET. The second byte: how many descriptors come. The third: how the bytes are cut. */
enum { FUZZ_SESSION = 1, FUZZ_SECOND_GET = 2, FUZZ_CONTROL = 3, FUZZ_FDS = 4, FUZZ_MOST = 96 * 1024 };

/* The requests in flight, by their ids. */
enum {
	FUZZ_GET = 1, FUZZ_HEAD, FUZZ_PUT, FUZZ_DELETE, FUZZ_LIST, FUZZ_PURGE, FUZZ_TOUCH, FUZZ_STAT, FUZZ_PING, FUZZ_CANCEL, FUZZ_GOODBYE,
	FUZZ_GET_AGAIN, FUZZ_REQUESTS = FUZZ_GET_AGAIN
};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

#endif
