#include <pthread.h>

#include "cache/cache_varnishd.h"

#include "foreign_bans.h"

#ifdef OBJMAPPER_VARNISH_7_1_1

/* What Varnish 7.1.1 has behind its headers: the list of bans, newest first, and its lock. The module is loaded by that very build alone ($ABI strict). */
struct ban {
	unsigned magic, flags;
	VTAILQ_ENTRY(ban) list;
	VTAILQ_ENTRY(ban) lurker_list;
	int64_t references;
	VTAILQ_HEAD(, objcore) objects;
	const uint8_t *spec;
};
extern struct ban *ban_start;
extern struct lock ban_mtx;
unsigned ban_len(const uint8_t *spec);

enum { LENGTH_OF_NONE = 16 }; /* of a ban without a term, of which Varnish makes one when it starts */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static double seen;   /* the newest ban that was looked at */
static double newest; /* of the foreign ones among them */

/* With the lock held. */
static void look(void)
{
	double newest_of_all;

	Lck_Lock(&ban_mtx);
	newest_of_all = BAN_Time(ban_start);
	for (const struct ban *ban = ban_start; ban != NULL && BAN_Time(ban) > seen; ban = VTAILQ_NEXT(ban, list))
		if (ban_len(ban->spec) > LENGTH_OF_NONE)
			newest = fmax(newest, BAN_Time(ban));
	Lck_Unlock(&ban_mtx);
	seen = newest_of_all;
}

/* With the lock held: the newest ban is passed over, if it alone has come since the last look. */
static void pass_over(void)
{
	const struct ban *before;

	Lck_Lock(&ban_mtx);
	before = VTAILQ_NEXT(ban_start, list);
	if (before == NULL || BAN_Time(before) <= seen)
		seen = BAN_Time(ban_start);
	Lck_Unlock(&ban_mtx);
}

int foreign_bans_are_seen(void) { return (1); }

double foreign_bans_newest(void)
{
	AZ(pthread_mutex_lock(&lock));
	look();
	double time = newest;
	AZ(pthread_mutex_unlock(&lock));
	return (time);
}

const char *foreign_bans_add_own(VRT_CTX, const char *expression)
{
	AZ(pthread_mutex_lock(&lock));
	look();
	const char *error = VRT_ban_string(ctx, expression);
	if (error == NULL)
		pass_over();
	AZ(pthread_mutex_unlock(&lock));
	return (error);
}

#else

int foreign_bans_are_seen(void) { return (0); }

double foreign_bans_newest(void) { return (0); }

const char *foreign_bans_add_own(VRT_CTX, const char *expression) { return (VRT_ban_string(ctx, expression)); }

#endif
