/* The reasons of refusals and ends (11.4): name and sentence of every code, one table. The list
 * with its rules is docs/reasons.md. */
#ifndef RINGBACK_STATE_REASONS_H
#define RINGBACK_STATE_REASONS_H

#include "ringback/v1/common.pb-c.h"

/* "NUMBER_INVALID"; "" for UNSPECIFIED. */
const char *reason_name(Ringback__V1__Reason reason);
/* A sentence for people. */
const char *reason_text(Ringback__V1__Reason reason);

#endif
