/* What was written by a newer version is refused, not guessed: its number of format, and, whatever
 * the number says, a field or value that this version does not know and would lose when it writes
 * the record again.
 *
 * Settings within entities are not looked into: a newer sender may put fields into them that we do
 * not know; they are kept as they came, unknown fields included. */
#ifndef RINGBACK_DAEMON_FORMAT_H
#define RINGBACK_DAEMON_FORMAT_H

#include <protobuf-c/protobuf-c.h>

#include "base/err.h"

enum {
    state_format = 1,   /* of the records on state; meta tells */
    journal_format = 1, /* of a record on journal */
};

/* Errors: err_if_newer, whose note names what is not known; the caller prefixes of what. */
MUST_CHECK enum err format_check(const ProtobufCMessage *message, enum err err_if_newer,
                                 struct err_note *note);
/* found 0: none is given. Errors: err_if_other, whose note goes on behind the record's name. */
MUST_CHECK enum err format_check_number(uint32_t found, uint32_t known, enum err err_if_other,
                                        struct err_note *note);

#endif
