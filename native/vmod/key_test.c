/* Keys of different things differ, and none is longer than a key may be. */
#include <string.h>

#include "key.h"
#include "testing.h"

static const uint8_t hash[32] = { 0xab, 0x01 };

static int write_it(struct key *key, const char *prefix, const char *host, const char *url)
{
	return key_write(key, prefix, host, url, hash, sizeof hash);
}

static void its_parts_stand_between_nuls(void)
{
	static const char start[] = "site\0example.com\0/a?b\0ab0100";
	struct key key;

	check(write_it(&key, "site", "example.com", "/a?b") == 0);
	check(key.length == sizeof "site" + sizeof "example.com" + sizeof "/a?b" + 64);
	check(memcmp(key.bytes, start, sizeof start - 1) == 0);
}

static void a_forged_host_is_not_another_hosts_url(void)
{
	struct key forged, real;

	check(write_it(&forged, "", "victim.com/a", "/b") == 0 && write_it(&real, "", "victim.com", "/a/b") == 0);
	check(forged.length == real.length && memcmp(forged.bytes, real.bytes, real.length) != 0);
}

static void one_that_is_too_long_is_refused(void)
{
	static char url[KEY_ROOM];
	size_t rest = KEY_ROOM - sizeof "" - sizeof "h" - 64;
	struct key key;

	memset(url, 'u', rest - 1);
	check(write_it(&key, "", "h", url) == 0 && key.length == KEY_ROOM);
	url[rest - 1] = 'u';
	check(write_it(&key, "", "h", url) == -1);
}

static void one_of_vcls_own_is_no_requests(void)
{
	static char own[KEY_ROOM];
	size_t rest = KEY_ROOM - sizeof "site" - 2;
	struct key key;

	check(key_write_own(&key, "site", "mine") == 0);
	check(key.length == sizeof "site" + 2 + strlen("mine") && memcmp(key.bytes, "site\0\0\0mine", key.length) == 0);
	memset(own, 'k', rest);
	check(key_write_own(&key, "site", own) == 0 && key.length == KEY_ROOM);
	own[rest] = 'k';
	check(key_write_own(&key, "site", own) == -1);
}

int main(void)
{
	one_of_vcls_own_is_no_requests();
	its_parts_stand_between_nuls();
	a_forged_host_is_not_another_hosts_url();
	one_that_is_too_long_is_refused();
	return 0;
}
