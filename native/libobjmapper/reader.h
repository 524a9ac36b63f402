/* A reader for a session that moves bodies past it. */
#ifndef OBJMAPPER_READER_H
#define OBJMAPPER_READER_H

#include "objmapper.h"

/* Where up to length bytes can be put, to be fed by reader_fed or forgotten; until the reader is used again. NULL without memory. */
unsigned char *reader_room(om_reader *r, size_t length);
void reader_fed(om_reader *r, size_t length);

/* The descriptors are the reader's from now on. 0, or -EMFILE where it holds 1,024 already. */
int reader_feed_descriptors(om_reader *r, const int *fds, size_t count);

/* How many bytes wait to be taken. */
size_t reader_holds(const om_reader *r);

/* 1 with what the next frame says once its header and metadata are there: it stays the reader's. Otherwise 0, and how many bytes lack for the next look; or -EPROTO. */
int reader_look(const om_reader *r, om_frame *frame, size_t *lacking, char errstr[256]);

/* Takes the frame that reader_look gave, with as much of its body as is there. The bytes still to come are not to be fed. 1, or -EPROTO. */
int reader_take_head(om_reader *r, om_frame *frame, size_t *to_come, char errstr[256]);

#endif
