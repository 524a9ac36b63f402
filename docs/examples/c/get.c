/* get SOCKET KEY: writes an object to standard output; the kernel moves the bytes where it can. */
#include <objmapper.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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
	om_get_options options = { .sink = STDOUT_FILENO, .use_sink = 1 };
	om_reply *reply = om_get(c, argv[2], strlen(argv[2]), &options);
	if (reply == NULL)
		fprintf(stderr, "get: %s\n", c->errstr);
	else if (reply->status == OM_NOT_FOUND)
		code = 1;
	else if (reply->status != OM_OK)
		fprintf(stderr, "get: %s: %s\n", om_status_name(reply->status), reply->message != NULL ? reply->message : "");
	else
		code = 0;
	om_reply_free(reply);
	om_free(c);
	return code;
}
