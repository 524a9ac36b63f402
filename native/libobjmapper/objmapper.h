/*
 * libobjmapper: the C client of objmapper.
 *
 * A context is one session with a server. Calls set err and errstr in it and return NULL or -1 when they fail. Nothing here is global,
 * starts a thread, raises a signal, or exits. A context may be used by one thread at a time; several contexts by several threads.
 * Every descriptor is close-on-exec.
 *
 * Copyright the objmapper authors. Apache-2.0.
 */
#ifndef OBJMAPPER_H
#define OBJMAPPER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define OM_API __attribute__((visibility("default")))
#else
#define OM_API
#endif

/* How a body travels (protocol-spec.md 5.2.2). OM_INLINE is only ever an answer. */
enum om_mode { OM_INLINE = 0, OM_FDPASS = 1, OM_COPY = 2, OM_SPLICE = 3, OM_AUTO = 4 };

/* What became of a request (protocol-spec.md 9). */
enum om_status {
	OM_OK = 0,
	OM_NOT_MODIFIED = 1,
	OM_NOT_FOUND = 16,
	OM_RANGE_NOT_SATISFIABLE = 17,
	OM_PRECONDITION_FAILED = 18,
	OM_STALE_FILL = 19,
	OM_MALFORMED = 32,
	OM_BAD_REQUEST = 33,
	OM_UNSUPPORTED = 34,
	OM_VERSION_MISMATCH = 35,
	OM_TOO_LARGE = 36,
	OM_CHECKSUM_MISMATCH = 37,
	OM_LENGTH_MISMATCH = 38,
	OM_BAD_DESCRIPTOR = 39,
	OM_DESCRIPTORS_LOST = 40,
	OM_BUSY = 48,
	OM_NO_SPACE = 49,
	OM_IO_ERROR = 50,
	OM_SHUTTING_DOWN = 51,
	OM_TIMEOUT = 52,
	OM_CANCELLED = 53,
	OM_TOO_MANY_SESSIONS = 54,
	OM_INTERNAL = 55,
	OM_DENIED = 64
};

/* Types of metadata entries (protocol-spec.md 3.6 and 3.7) that an answer may carry. */
enum om_type {
	OM_RANGE = 2,
	OM_MODE = 5,
	OM_FILL_TOKEN = 6,
	OM_VARIANT_HEADER = 8,
	OM_CURSOR = 16,
	OM_COUNT = 20,
	OM_MESSAGE = 22,
	OM_CLAUSE = 23,
	OM_DEVICE = 24,
	OM_DESCRIPTOR_RANGE = 25,
	OM_SHARED = 26,
	OM_GENERATION = 256,
	OM_SHA256 = 257,
	OM_XXH3 = 258,
	OM_CREATED = 259,
	OM_EXPIRY = 260,
	OM_LAST_MODIFIED = 261,
	OM_GRACE = 262,
	OM_ETAG = 263,
	OM_CONTENT_TYPE = 264,
	OM_CONTENT_ENCODING = 265,
	OM_TAG = 266,
	OM_VARIANT = 267,
	OM_OPAQUE = 268,
	OM_EVICTABLE = 269
};

/* What a server may have beyond the least (protocol-spec.md 7.5): bits of om_features. */
enum om_feature { OM_FILL_TOKENS = 1, OM_VARIANTS = 2, OM_BANS = 4, OM_VALIDITY = 8, OM_HITS = 16 };

/* A length or a lifetime without a bound. */
#define OM_UNBOUNDED UINT64_MAX

/* A session. Only err and errstr are for the caller. */
typedef struct om_context {
	int err;          /* 0, or the errno of the failure that ended the session: then only om_get_reply, for what came before it, and om_free are of use */
	char errstr[256]; /* the last failure as a sentence, also of a call that was refused before anything was sent, which leaves err 0 */
	struct om_session *session;
} om_context;

/*
 * The structures that a caller fills in are to be zero-initialised, and what is zero stands for the default: later versions put new
 * fields where reserved is, and a call refuses a structure in which reserved is not zero. The library alone makes om_context and
 * om_reply, which may grow at their end.
 */

/* How to connect. */
typedef struct om_options {
	enum om_mode mode;        /* OM_INLINE (0) stands for OM_AUTO */
	uint32_t max_requests;    /* in flight, 1 to 4,096; 0: 64 */
	uint32_t inline_limit;    /* bytes, 1 to 65,536; bodies up to it come in the reply; 0: 4096 */
	int no_inline;            /* 1: inline limit 0 */
	int no_descriptors;       /* 1: take no descriptors */
	int timeout_millis;       /* the longest a call waits without any progress; 0: 30,000; -1: for ever */
	const char *name;         /* for the server's logs, 1 to 64 bytes of UTF-8; NULL: none */
	int ordered;              /* 1: the answers come in the order of the requests */
	int shared_accepted;      /* 1: a descriptor may share its offset with others of this user: it is then only read with pread(2) or mmap(2) */
	uint32_t cache_objects;     /* how many objects om_get keeps for the next om_get of their key, 1 to 1,000,000; 0: none. See below */
	uint32_t cache_idle_millis; /* how long one is kept that nobody asks for; 0: 10,000 */
	uint64_t cache_bytes;       /* of the bodies and metadata that are kept, in memory or as descriptors; 0: 64 MiB */
	uint64_t reserved[2];
} om_options;

/*
 * With cache_objects, om_get answers without asking the server where it has the object already and the server's validity table says
 * that it is still current: what was overwritten, deleted, purged or has expired by then is never given. It asks where the server has
 * no such table, where any request of the context waits for its answer, and with options other than grace_millis. Such an answer
 * is one reply that several hold, so it must not be changed: each holder frees it, om_reply_take_fd gives a duplicate, and its
 * descriptor is read with pread(2) or mmap(2) alone. Threads may hold and free one reply at the same time. A context without a socket
 * keeps nothing. What nobody has asked for so long that it is not given any more is let go of at the context's next om_get that
 * may be answered so: one without any has up to cache_bytes in memory or open until then, or until om_close.
 */

/* A header of the HTTP request that a variant is told by: both NUL-terminated, at most 1,024 bytes, the name in lower case. */
typedef struct om_header {
	const char *name, *value;
} om_header;

/* An answer. All that it points to belongs to it. */
typedef struct om_reply {
	uint32_t id;             /* of the request */
	int operation;           /* protocol-spec.md 5 */
	enum om_status status;
	enum om_mode mode;       /* which way the body came */
	uint64_t object_length;  /* of the whole object */
	uint64_t offset, length; /* of the body in the object */
	int fd;                  /* open for reading, or -1; the body stands at fd_offset in it; closed with the reply */
	uint64_t fd_offset;
	unsigned char *body;     /* its bytes if they did not come as a descriptor or go to a sink; NULL if there are none */
	size_t body_length;      /* of body, or how many bytes were written to the sink */
	unsigned char *metadata; /* entries as on the wire; see om_find */
	size_t metadata_length;
	char *message;           /* what the server says of an error; NULL if nothing */
	int sink_error;          /* the errno with which writing to the sink failed, after body_length bytes; 0: it did not */
} om_reply;

/*
 * What a GET or HEAD asks beyond its key. A HEAD takes the conditions, headers and grace_millis alone.
 *
 * A sink is a descriptor of the caller's, open for writing until the answer is taken. The body is written to it where it stands, by
 * splice(2), sendfile(2) or copy_file_range(2) where the kernel can, and the reply has neither body nor descriptor. A sink that blocks
 * is waited for without bound, one with O_NONBLOCK as long as the timeout. Where writing fails the rest of the body is passed over and the
 * session goes on: the reply has OM_IO_ERROR, sink_error and a message.
 */
typedef struct om_get_options {
	enum om_mode mode;           /* OM_INLINE (0): the session's */
	int has_range;
	uint64_t offset, length;     /* length OM_UNBOUNDED: to the end; offset OM_UNBOUNDED: the last length bytes */
	uint64_t if_generation_not;  /* 0: no condition; else OM_NOT_MODIFIED where the object has that generation */
	const char *if_etag_not;     /* NULL: no condition; else OM_NOT_MODIFIED where the object has that etag of 1 to 256 bytes */
	uint64_t grace_millis;       /* how long past its expiry an object is still welcome */
	int sink;                    /* with use_sink: where the body is written, whichever way it comes; see the text above */
	int use_sink;
	const om_header *headers;    /* of the request, up to 64, ended by one without a name: the newest body of a key is got whose variant they match; NULL: none */
	uint64_t reserved[4];
} om_get_options;

/* What a PUT or TOUCH says beyond key and body. In a TOUCH, what is zero stays as it is, and what is marked as a PUT's is refused. */
typedef struct om_put_options {
	int durable;                  /* 1: the answer means that it survives power loss */
	int evictable;                /* 1: the store may drop it when it needs room */
	uint64_t ttl_millis;          /* from now, 1 and more; 0 in a PUT, or OM_UNBOUNDED: never expires */
	uint64_t grace_millis;        /* how long past its expiry it may be given to those who accept that */
	const char *etag;             /* 1 to 256 bytes */
	const char *content_type;     /* 1 to 256 bytes */
	const char *content_encoding; /* 1 to 64 bytes */
	const char *const *tags;      /* up to 64 of 1 to 255 bytes, ended by NULL; NULL: none */
	const void *opaque;           /* what the caller wants back with the object; NULL: none */
	size_t opaque_length;         /* up to 65,536 bytes; 0 in a TOUCH removes it */
	int if_absent;                /* a PUT's. 1: OM_PRECONDITION_FAILED where an object is there */
	uint64_t if_generation;       /* 0: no condition; else OM_PRECONDITION_FAILED where the object there has another generation */
	const unsigned char *sha256;  /* a PUT's: 32 bytes that the body must hash to; NULL: not checked */
	int has_xxh3;                 /* a PUT's. 1: the body must hash to xxh3 */
	uint64_t xxh3;                /* XXH3, 64 bits, seed 0 */
	uint64_t last_modified_millis; /* since 1970; 0: none */
	const om_header *variant;     /* up to 16, ended by one without a name: what tells this body from others under the key; in a TOUCH which is meant; NULL: none */
	const void *fill_token;       /* a PUT's: OM_FILL_TOKEN of the miss that it fills, refused with OM_STALE_FILL if something was purged since */
	size_t fill_token_length;     /* 1 to 64 bytes */
	uint64_t reserved[4];
} om_put_options;

/* Connects and says HELLO. options may be NULL. Returns NULL only without memory: look at err. Free it with om_free. */
OM_API om_context *om_connect(const char *path, const om_options *options);

/* Closes the session. NULL is allowed. */
OM_API void om_free(om_context *c);

/* The socket, to wait on; it stays the context's. -1 where there is none. */
OM_API int om_socket(const om_context *c);

/* How long the calls from now on wait without any progress, in milliseconds: 0: 30,000; -1: for ever. */
OM_API void om_set_timeout(om_context *c, int timeout_millis);

/* How many requests the server lets be in flight, 64 before its HELLO has come; it answers one more with OM_BUSY. */
OM_API uint32_t om_max_requests(const om_context *c);

/* What the server has: bits of enum om_feature. A request for what it has not is answered OM_UNSUPPORTED, or as if it asked for less. */
OM_API uint64_t om_features(const om_context *c);

/* ---- one request, one answer. The reply is to be freed with om_reply_free; NULL on failure. A status other than OM_OK is a reply. */

OM_API om_reply *om_get(om_context *c, const void *key, size_t key_length, const om_get_options *options);
OM_API om_reply *om_head(om_context *c, const void *key, size_t key_length, const om_get_options *options);
OM_API om_reply *om_put(om_context *c, const void *key, size_t key_length, const void *body, size_t body_length, const om_put_options *options);
/* Sends length bytes of a file or pipe, from where it stands; OM_UNBOUNDED: up to its end. The descriptor stays the caller's. */
OM_API om_reply *om_put_from(om_context *c, const void *key, size_t key_length, int fd, uint64_t length, const om_put_options *options);
/* Gives the next bytes of a body, at most room (128 KiB or less): how many, 0 at the end, or a negative errno, which cancels the PUT. */
typedef ssize_t om_source(void *argument, void *bytes, size_t room);
/* Sends length bytes that source gives; OM_UNBOUNDED: up to its end. source must not use the context. */
OM_API om_reply *om_put_stream(om_context *c, const void *key, size_t key_length, om_source *source, void *argument, uint64_t length, const om_put_options *options);
/* Hands over a descriptor with exactly length bytes: a sealed memfd, or a file that the server's configuration accepts; else OM_BAD_DESCRIPTOR. The caller's copy stays the caller's. */
OM_API om_reply *om_put_fd(om_context *c, const void *key, size_t key_length, int fd, uint64_t length, const om_put_options *options);
OM_API om_reply *om_delete(om_context *c, const void *key, size_t key_length, int durable);
OM_API om_reply *om_touch(om_context *c, const void *key, size_t key_length, const om_put_options *options);
/* Up to limit objects (1 to 10,000; 0: 1,000) in the body, for om_list_next; OM_CURSOR in the metadata is the cursor of the next call with the same prefix; without one it is the last. */
OM_API om_reply *om_list(om_context *c, const void *prefix, size_t prefix_length, const void *cursor, size_t cursor_length, uint32_t limit);
OM_API om_reply *om_purge_key(om_context *c, const void *key, size_t key_length, int soft);
OM_API om_reply *om_purge_prefix(om_context *c, const void *prefix, size_t prefix_length, int soft);
OM_API om_reply *om_purge_tag(om_context *c, const void *tag, size_t tag_length, int soft);
/* Purges what a ban expression matches (protocol-spec.md 5.7). */
OM_API om_reply *om_purge_ban(om_context *c, const void *ban, size_t ban_length, int soft);
OM_API om_reply *om_stat(om_context *c);
OM_API om_reply *om_ping(om_context *c);
/* Cancels a request in flight, which is then answered with OM_CANCELLED; OM_NOT_FOUND where its answer was on its way already. */
OM_API om_reply *om_cancel(om_context *c, uint32_t target);
OM_API om_reply *om_goodbye(om_context *c);

/* ---- pipelining: append requests, then take the answers, in whatever order they come. */

/* Queues a GET, and writes its id where id is not NULL. Returns 0 or -1. Sent by om_flush, om_get_reply, or when 64 KiB are queued. */
OM_API int om_append_get(om_context *c, const void *key, size_t key_length, const om_get_options *options, uint32_t *id);
OM_API int om_append_head(om_context *c, const void *key, size_t key_length, const om_get_options *options, uint32_t *id);
OM_API int om_append_put(om_context *c, const void *key, size_t key_length, const void *body, size_t body_length, const om_put_options *options, uint32_t *id);
/* Queues a PUT with a descriptor, as om_put_fd has it. The library keeps a duplicate until it is sent. */
OM_API int om_append_put_fd(om_context *c, const void *key, size_t key_length, int fd, uint64_t length, const om_put_options *options, uint32_t *id);
/* A PUT of length bytes (OM_UNBOUNDED: not known yet) whose body comes bit by bit: other requests, and other bodies, may be appended between its parts. id is not NULL. */
OM_API int om_append_put_open(om_context *c, const void *key, size_t key_length, uint64_t length, const om_put_options *options, uint32_t *id);
/* Queues the next bytes of its body. 0; 1 where it was refused already, so that no more is wanted; or -1. */
OM_API int om_append_put_bytes(om_context *c, uint32_t id, const void *bytes, size_t length);
/* Ends it, once, a refused one too. complete 0: the body is given up; the object there stays, and the answer is OM_CANCELLED. */
OM_API int om_append_put_close(om_context *c, uint32_t id, int complete);
OM_API int om_append_touch(om_context *c, const void *key, size_t key_length, const om_put_options *options, uint32_t *id);
OM_API int om_append_delete(om_context *c, const void *key, size_t key_length, int durable, uint32_t *id);
OM_API int om_append_list(om_context *c, const void *prefix, size_t prefix_length, const void *cursor, size_t cursor_length, uint32_t limit, uint32_t *id);
OM_API int om_append_purge_key(om_context *c, const void *key, size_t key_length, int soft, uint32_t *id);
OM_API int om_append_purge_prefix(om_context *c, const void *prefix, size_t prefix_length, int soft, uint32_t *id);
OM_API int om_append_purge_tag(om_context *c, const void *tag, size_t tag_length, int soft, uint32_t *id);
OM_API int om_append_purge_ban(om_context *c, const void *ban, size_t ban_length, int soft, uint32_t *id);
OM_API int om_append_stat(om_context *c, uint32_t *id);
OM_API int om_append_ping(om_context *c, uint32_t *id);
OM_API int om_append_goodbye(om_context *c, uint32_t *id);
OM_API int om_append_cancel(om_context *c, uint32_t target, uint32_t *id);

/* Sends what is queued. Returns 0 or -1. */
OM_API int om_flush(om_context *c);

/* The next answer that is complete. NULL on failure, and, with err 0, when nothing is in flight. A server that says goodbye still answers what it has begun; the session fails when that is taken. */
OM_API om_reply *om_get_reply(om_context *c);

/* ---- a session in an event loop: the caller owns the socket and moves bytes and descriptors; the calls above that begin with
 * om_append_, and om_get_reply, are the same, but nothing blocks: om_get_reply returns NULL, with err 0, where no answer is complete.
 * The calls that wait for an answer are refused: nothing is queued, errstr says why. */

/* A session with its HELLO queued. NULL without memory. */
OM_API om_context *om_detached(const om_options *options);
/* The bytes to send next, and how many; NULL where there are none. Valid until the next call but om_output_fd. */
OM_API const void *om_output(om_context *c, size_t *length);
/* The descriptor to send with the first of them (SCM_RIGHTS); -1: none. It stays the session's, which closes it when om_output_sent says that a byte of them went. */
OM_API int om_output_fd(const om_context *c);
/* Says how many of them were sent. */
OM_API void om_output_sent(om_context *c, size_t length);
/* Takes in what recvmsg brought, with control room for 253 descriptors: bytes (copied) and descriptors (the session's from now on, whatever is returned). 0, or -1 when the session failed. */
OM_API int om_input(om_context *c, const void *bytes, size_t length, const int *fds, size_t fd_count);

/* ---- replies */

/* Frees a reply and closes its descriptor. NULL is allowed. */
OM_API void om_reply_free(om_reply *reply);

/* Takes the descriptor over: the caller closes it. -1 where there is none. */
OM_API int om_reply_take_fd(om_reply *reply);

/* The n-th (from 0) value of a type; NULL, and a length of 0, where there is none. It is the reply's, and has no NUL behind it. */
OM_API const void *om_find(const om_reply *reply, int type, unsigned n, size_t *length);

/* The n-th (from 0) variant header of an object, pointing into the reply, not NUL-terminated: 1, or 0 where there is none. */
typedef struct om_variant {
	const char *name;
	size_t name_length;
	const char *value;
	size_t value_length;
} om_variant;
OM_API int om_find_variant(const om_reply *reply, unsigned n, om_variant *variant);

/* The value of a type as a number, otherwise if there is none. */
OM_API uint64_t om_find_u64(const om_reply *reply, int type, uint64_t otherwise);

/* One object of a listing; the key is the reply's and not NUL-terminated. Times in milliseconds since 1970, expiry OM_UNBOUNDED: never. */
typedef struct om_list_entry {
	const void *key;
	size_t key_length;
	uint64_t generation, length, created_millis, expiry_millis;
	uint64_t reserved[2];
} om_list_entry;

/* Steps through a listing: *position starts at 0. Returns 1 with an entry, 0 at the end, -1 where the listing is broken. */
OM_API int om_list_next(const om_reply *reply, size_t *position, om_list_entry *entry);

/* The name of a status, such as "NOT_FOUND". */
OM_API const char *om_status_name(int status);

/* The errno of a status, 0 for OM_OK and OM_NOT_MODIFIED. */
OM_API int om_status_errno(int status);

/* ---- the reader: for event loops with sockets of their own. Knows nothing of sockets. */

/* A frame, valid until the reader is used again. */
typedef struct om_frame {
	uint32_t length, id;
	int operation, flags, status, fds;
	uint64_t object_length;
	const unsigned char *metadata;
	size_t metadata_length;
	const unsigned char *body;
	size_t body_length;
	int fd; /* the caller's from now on; -1 if the frame has none */
	uint64_t reserved[2];
} om_frame;

typedef struct om_reader om_reader;

/* max_frame as agreed in HELLO; 0: the default. NULL without memory. */
OM_API om_reader *om_reader_new(uint32_t max_frame);
OM_API void om_reader_free(om_reader *r);
/* Gives it bytes (copied) and descriptors (its own from now on) as recvmsg brought them. 0, -ENOMEM, or -EMFILE where it holds 1,024 already. */
OM_API int om_reader_feed(om_reader *r, const void *bytes, size_t length, const int *fds, size_t fd_count);
/* 1 with the next whole frame, 0 if more bytes are needed, -EPROTO if it is malformed: errstr says how. */
OM_API int om_reader_next(om_reader *r, om_frame *frame, char errstr[256]);

/* Checks the entries of a metadata block (protocol-spec.md 3.2): 0, or -EPROTO and errstr. */
OM_API int om_metadata_check(const void *metadata, size_t length, char errstr[256]);

#ifdef __cplusplus
}
#endif
#endif
