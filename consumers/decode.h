/* Records of the inputs to events. Unpacks into an arena; never calls malloc. */
#ifndef RINGBACK_CONSUMERS_DECODE_H
#define RINGBACK_CONSUMERS_DECODE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/framing.h"
#include "base/record.h"

#include "ringback/v1/common.pb-c.h"
#include "ringback/v1/journal.pb-c.h"

enum {
    decode_value_bytes_max = 256 * 1024, /* larger: LIMIT */
    decode_id_bytes_max = 128,
};

struct decoded {
    /* SettingsEvent, InteractionEvent, PresenceEvent, FlowEvent or Command; in the arena */
    const ProtobufCMessage *event;
    /* Not UNSPECIFIED: a flow's or command's value that is read but must be refused. */
    Ringback__V1__Reason refuse;
};

/* framing: what stands before the message; NULL: nothing.
 * Errors: ERR_BAD_EVENT, the record is a dead letter for *why: UNDECODABLE (null, not framed as it
 * should be, not protobuf, a string that is not UTF-8), LIMIT (too many bytes), UNKNOWN_KIND (the
 * oneof is unset: a kind of a newer version). Flows and commands that can be read are never LIMIT
 * or UNKNOWN_KIND: refuse is set to LIMIT or NOT_SUPPORTED instead. */
MUST_CHECK enum err decode_event(const struct framing *framing, enum input input,
                                 struct slice value, struct arena *arena, struct decoded *decoded,
                                 Ringback__V1__UndecidedReason *why, struct err_note *note);

/* 1..128 bytes of [A-Za-z0-9._@:/+-]: what may be a domain. */
bool decode_id_valid(struct slice id);

/* The value of the header, data NULL if there is none. */
struct slice decode_header(const struct record *record, const char *name);

/* Every string of the message and of those in it is UTF-8. */
bool decode_utf8_valid(const ProtobufCMessage *message);

#endif
