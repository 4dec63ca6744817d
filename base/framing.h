/* What stands before the protobuf bytes of a value: nothing, or the Confluent wire format by the
 * option framing.confluent: byte 0, the schema's id in 4 bytes (big endian), and which message of
 * the schema it is as zigzag varints, a count and so many indexes; a single 0 is short for [0].
 *
 * The topic says what a value is, so id and indexes of others are passed over and not looked up.
 * Every event of ours is the first message of its file: we write the short form. state and journal
 * are never framed; a dead letter is its input's bytes as they came. */
#ifndef RINGBACK_BASE_FRAMING_H
#define RINGBACK_BASE_FRAMING_H

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/record.h"

enum {
    framing_topics = TOPIC_STATE, /* those before it can be framed */
    framing_bytes_max = 6,        /* that we write before a message */
};

/* Zeroed: nothing is framed. A NULL pointer means the same everywhere. */
struct framing {
    uint32_t confluent;                  /* bits 1u << enum topic */
    uint32_t schema_ids[framing_topics]; /* 0: none is given */
};

/* "none", "all", "inputs", "outputs" or topics' short names, with commas or spaces between. Errors:
 * ERR_BAD_OPTION. */
MUST_CHECK enum err framing_set_topics(struct framing *framing, const char *text,
                                       struct err_note *note);

/* "routing=7, analytics=8", behind the topics. Errors: ERR_BAD_OPTION: not written so; a topic that
 * is not framed, or twice; or an output that is framed has none. */
MUST_CHECK enum err framing_set_ids(struct framing *framing, const char *text,
                                    struct err_note *note);

/* Dead letters are as their inputs. */
bool framing_on(const struct framing *framing, enum topic topic);

/* Whether we can write the topic. Errors: ERR_BAD_OPTION: an input is framed, without an id. */
MUST_CHECK enum err framing_check_write(const struct framing *framing, enum topic topic,
                                        struct err_note *note);

/* *value becomes the message's bytes within it. Errors: ERR_BAD_EVENT: it is not framed as it
 * should be. value must not be null. */
MUST_CHECK enum err framing_open(const struct framing *framing, enum topic topic,
                                 struct slice *value, struct err_note *note);

/* The same for one who can do without why: null if it is null or not framed as it should be. */
struct slice framing_message(const struct framing *framing, enum topic topic, struct slice value);

/* How many bytes stand before a message that we write, 0 to framing_bytes_max; and those. */
size_t framing_size(const struct framing *framing, enum topic topic);
void framing_put(const struct framing *framing, enum topic topic, uint8_t *at);

/* A message's bytes as a value of the topic: themselves, or a copy behind the frame. */
struct slice framing_close(const struct framing *framing, enum topic topic, struct slice message,
                           struct arena *arena);

#endif
