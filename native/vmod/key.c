#include <string.h>

#include "key.h"

static int add(struct key *key, const char *bytes, size_t length)
{
	if (length > sizeof key->bytes - key->length)
		return -1;
	memcpy(key->bytes + key->length, bytes, length);
	key->length += length;
	return 0;
}

static int begin(struct key *key, const char *prefix, const char *host, const char *url)
{
	key->length = 0;
	if (add(key, prefix, strlen(prefix) + 1) < 0 || add(key, host, strlen(host) + 1) < 0)
		return -1;
	return add(key, url, strlen(url) + 1);
}

int key_write_own(struct key *key, const char *prefix, const char *own)
{
	return begin(key, prefix, "", "") < 0 ? -1 : add(key, own, strlen(own));
}

int key_write(struct key *key, const char *prefix, const char *host, const char *url, const uint8_t *hash, size_t hash_length)
{
	static const char digits[] = "0123456789abcdef";

	if (begin(key, prefix, host, url) < 0)
		return -1;
	for (size_t i = 0; i < hash_length; i++) {
		const char hex[2] = { digits[hash[i] >> 4], digits[hash[i] & 15] };
		if (add(key, hex, 2) < 0)
			return -1;
	}
	return 0;
}
