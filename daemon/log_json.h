/* Records of topic logs as JSON, for people and scripts. */
#ifndef RINGBACK_DAEMON_LOG_JSON_H
#define RINGBACK_DAEMON_LOG_JSON_H

#include <jansson.h>

#include "base/arena.h"
#include "base/framing.h"
#include "base/record.h"

/* The message's fields by their names in the contract; what has its default is left out, enums are
 * names, bytes and fixed64 hexadecimal text, integers beyond 63 bits decimal text. A new
 * reference. */
json_t *log_json_message(const ProtobufCMessage *message);

/* The value of a record of that topic (TOPIC_COUNT: unknown) as the message it should be, in arena;
 * NULL: it has none, or it cannot be read. framing, here and below: NULL is none. */
const ProtobufCMessage *log_json_unpack(const struct framing *framing, enum topic topic,
                                        const struct record *record, struct arena *arena);

/* {"topic", "partition", "offset", "timestamp", "key", "headers", "value"}: value null is a
 * tombstone, one that cannot be read is "value_hex" instead; a key or header that is not UTF-8 is
 * hexadecimal behind "0x". A new reference. */
json_t *log_json_record(const struct framing *framing, struct slice topic_name, enum topic topic,
                        const struct record *record, struct arena *arena);

/* The callback that the record is about, "" if none; in arena. */
const char *log_json_callback(const struct framing *framing, enum topic topic,
                              const struct record *record, struct arena *arena);

/* Whether any text of the JSON is exactly that. */
bool log_json_mentions(const json_t *json, const char *text);

#endif
