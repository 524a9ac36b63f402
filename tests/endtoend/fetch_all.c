/* Fetches objects through the C client, for the end-to-end test.
 *
 *   fetch_all SOCKET MODE
 *
 * Reads what to fetch from its standard input: a key, an offset and a length, each with a NUL behind it; the latter two as
 * the protocol has them (5.2.4), or both empty for the whole object. Writes for each the status (4 bytes), the length of
 * what came (8 bytes), both little-endian, and the bytes. MODE is a number of the protocol (5.2.2). */
#include <errno.h>
#include <objmapper.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void put(const void *bytes, size_t length)
{
	if (fwrite(bytes, 1, length, stdout) != length) {
		perror("fetch_all: stdout");
		exit(1);
	}
}

static void put_number(uint64_t number, int bytes)
{
	unsigned char wire[8];
	for (int i = 0; i < bytes; i++)
		wire[i] = (unsigned char)(number >> (8 * i));
	put(wire, (size_t)bytes);
}

static void put_file(const om_reply *reply)
{
	char buffer[65536];
	for (uint64_t done = 0; done < reply->length;) {
		size_t want = reply->length - done < sizeof buffer ? (size_t)(reply->length - done) : sizeof buffer;
		ssize_t got = pread(reply->fd, buffer, want, (off_t)(reply->fd_offset + done));
		if (got <= 0) {
			fprintf(stderr, "fetch_all: the descriptor ends after %ju bytes: %s\n", (uintmax_t)done, strerror(errno));
			exit(1);
		}
		put(buffer, (size_t)got);
		done += (uint64_t)got;
	}
}

static void put_reply(const om_reply *reply)
{
	uint64_t length = reply->fd >= 0 ? reply->length : reply->body_length;
	put_number((uint64_t)reply->status, 4);
	put_number(reply->status == OM_OK ? length : 0, 8);
	if (reply->status != OM_OK)
		return;
	if (reply->fd >= 0)
		put_file(reply);
	else if (length > 0)
		put(reply->body, (size_t)length);
}

/* One word of the input, without its NUL; 0 at the end of the input. */
static int next_word(char **word, size_t *room, size_t *length)
{
	ssize_t got = getdelim(word, room, '\0', stdin);
	if (got <= 0)
		return 0;
	*length = (size_t)got - 1;
	return 1;
}

static int fetch(om_context *c, enum om_mode mode, const char *key, size_t key_length, const char *offset, const char *length)
{
	om_get_options options = {.mode = mode};
	if (*offset != '\0') {
		options.has_range = 1;
		options.offset = strtoull(offset, NULL, 10);
		options.length = strtoull(length, NULL, 10);
	}
	om_reply *reply = om_get(c, key, key_length, &options);
	if (reply == NULL) {
		fprintf(stderr, "fetch_all: %s: %s\n", key, c->errstr);
		return -1;
	}
	put_reply(reply);
	om_reply_free(reply);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: fetch_all SOCKET MODE\n");
		return 2;
	}
	om_context *c = om_connect(argv[1], NULL);
	if (c == NULL || c->err) {
		fprintf(stderr, "fetch_all: %s\n", c == NULL ? "no memory" : c->errstr);
		return 1;
	}
	char *words[3] = {NULL, NULL, NULL};
	size_t rooms[3] = {0, 0, 0};
	size_t lengths[3];
	int failed = 0;
	while (!failed && next_word(&words[0], &rooms[0], &lengths[0]))
		failed = !next_word(&words[1], &rooms[1], &lengths[1]) || !next_word(&words[2], &rooms[2], &lengths[2]) ||
			 fetch(c, (enum om_mode)atoi(argv[2]), words[0], lengths[0], words[1], words[2]) < 0;
	for (int i = 0; i < 3; i++)
		free(words[i]);
	om_free(c);
	return fflush(stdout) == 0 && !failed ? 0 : 1;
}
