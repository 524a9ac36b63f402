/* get SOCKET KEY: writes an object to standard output, from its descriptor if it comes as one. */
#include <objmapper.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int write_out(const om_reply *reply)
{
	off_t at = (off_t)reply->fd_offset;
	uint64_t left = reply->length;
	char chunk[65536];

	while (reply->fd >= 0 && left > 0) {
		ssize_t n = pread(reply->fd, chunk, left < sizeof chunk ? (size_t)left : sizeof chunk, at);
		if (n <= 0 || fwrite(chunk, 1, (size_t)n, stdout) != (size_t)n)
			return -1;
		at += n;
		left -= (uint64_t)n;
	}
	if (reply->body_length > 0 && fwrite(reply->body, 1, reply->body_length, stdout) != reply->body_length)
		return -1;
	return fflush(stdout);
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: get SOCKET KEY\n");
		return 2;
	}
	om_context *c = om_connect(argv[1], NULL);
	if (c == NULL || c->err != 0) {
		fprintf(stderr, "get: %s\n", c != NULL ? c->errstr : "no memory");
		om_free(c);
		return 3;
	}
	int code = 5;
	om_reply *reply = om_get(c, argv[2], strlen(argv[2]), NULL);
	if (reply == NULL)
		fprintf(stderr, "get: %s\n", c->errstr);
	else if (reply->status == OM_NOT_FOUND)
		code = 1;
	else if (reply->status != OM_OK)
		fprintf(stderr, "get: %s: %s\n", om_status_name(reply->status), reply->message != NULL ? reply->message : "");
	else
		code = write_out(reply) == 0 ? 0 : 5;
	om_reply_free(reply);
	om_free(c);
	return code;
}
