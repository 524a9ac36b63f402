/* Bans that Varnish gets past the module, by its CLI or by std.ban(). */
#ifndef OBJMAPPER_VMOD_FOREIGN_BANS_H
#define OBJMAPPER_VMOD_FOREIGN_BANS_H

struct vrt_ctx;

/* Whether they are seen: Varnish tells no module of its bans, so only where its release is one that is known from inside. */
int foreign_bans_are_seen(void);

/* The time of the newest one, in seconds since 1970; 0: there is none, or they are not seen. */
double foreign_bans_newest(void);

/* Bans from Varnish what is no foreign ban then. NULL, or why Varnish has not taken it. */
const char *foreign_bans_add_own(const struct vrt_ctx *ctx, const char *expression);

#endif
