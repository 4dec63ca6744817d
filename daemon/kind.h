/* What an effect is, for metrics and spans: its kind and its reason as numbers. The numbers are
 * those of the metrics' labels kind, command and reason (base/metrics.h). Pure. */
#ifndef RINGBACK_DAEMON_KIND_H
#define RINGBACK_DAEMON_KIND_H

#include "state/machine.h"

/* Where the kinds of a topic begin; within it they are in the order of the message's oneof. */
enum { kind_routing = 0, kind_analytics = 14, kind_results = 21, kind_count = 27 };

struct kind {
    uint8_t kind;
    uint8_t reason; /* enum Reason; 0: it has none */
};

struct kind kind_of(const struct effect *effect);

/* 0: it asks for nothing; else 1 up, in the order of the oneof. */
uint8_t kind_of_command(const Ringback__V1__Command *command);

/* "offer"; what is lent is a literal. */
const char *kind_name(uint8_t kind);

#endif
