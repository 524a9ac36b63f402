/* batch SOCKET: stores one small object, then asks for it 10,000 times with many requests on the way at once. */
#include <objmapper.h>
#include <stdio.h>

enum { REQUESTS = 10000 };

static int give_up(om_context *c, const char *what)
{
	fprintf(stderr, "batch: %s: %s\n", what, c->errstr);
	om_free(c);
	return 1;
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: batch SOCKET\n");
		return 2;
	}
	om_options options = { .mode = OM_AUTO, .max_requests = 256, .name = "batch" };
	om_context *c = om_connect(argv[1], &options);
	if (c == NULL)
		return 3;
	if (c->err != 0)
		return give_up(c, "connect");
	om_reply *stored = om_put(c, "batch", 5, "hello", 5, NULL);
	if (stored == NULL || stored->status != OM_OK) {
		om_reply_free(stored);
		return give_up(c, "put");
	}
	om_reply_free(stored);

	int asked = 0, answered = 0, most = (int)om_max_requests(c); /* one more would be answered OM_BUSY */
	while (answered < REQUESTS) {
		while (asked < REQUESTS && asked - answered < most) {
			if (om_append_get(c, "batch", 5, NULL, NULL) < 0)
				return give_up(c, "append");
			asked++;
		}
		om_reply *reply = om_get_reply(c);
		if (reply == NULL || reply->status != OM_OK || reply->body_length != 5) {
			om_reply_free(reply);
			return give_up(c, "get");
		}
		om_reply_free(reply);
		answered++;
	}
	printf("%d answers\n", answered);
	om_free(c);
	return 0;
}
