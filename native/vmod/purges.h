/* Purges and bans of a store. */
#ifndef OBJMAPPER_VMOD_PURGES_H
#define OBJMAPPER_VMOD_PURGES_H

#include <stdint.h>

struct key;
struct vsl_log;
struct vmod_objmapper_store;

/* Each waits until the store's disk has it. Returns how many objects it took, for a ban those found so far; or -1, and logs why. */
int64_t purges_key(struct vmod_objmapper_store *store, struct vsl_log *log, const struct key *key, int is_soft);
int64_t purges_tag(struct vmod_objmapper_store *store, struct vsl_log *log, const char *tag, int is_soft);
int64_t purges_ban(struct vmod_objmapper_store *store, struct vsl_log *log, const char *expression);

#endif
