/* The key under which a response is stored. */
#ifndef OBJMAPPER_VMOD_KEY_H
#define OBJMAPPER_VMOD_KEY_H

#include <stddef.h>
#include <stdint.h>

enum { KEY_ROOM = 4096 }; /* protocol-spec.md, MAX_KEY */

struct key {
	size_t length;
	char bytes[KEY_ROOM];
};

/*
 * PREFIX NUL host NUL URL NUL hash: bans find host and URL in it (protocol-spec.md 5.7), the hash separates whatever vcl_hash separates, and
 * the NULs keep a forged Host from imitating another host's URL. -1 where that is longer than a key may be.
 */
int key_write(struct key *key, const char *prefix, const char *host, const char *url, const uint8_t *hash, size_t hash_length);
/* PREFIX NUL NUL NUL own: a key of VCL's own. It is none of a request's, of which none has an empty URL. -1 where that is longer than a key may be. */
int key_write_own(struct key *key, const char *prefix, const char *own);

#endif
