/* Events of contact-centre platforms as events of ours: `ringback adapt`. What becomes of which
 * event is a table for each platform (adapt_table.h), which docs/adapters.md is printed from.
 *
 * An event is adapted from itself alone: versions and ids are made of its own times and ids, so
 * that an adapter may be started anew, or run twice, and what it repeats changes nothing. The only
 * thing that is kept is counts, and they are bounded. */
#ifndef RINGBACK_DAEMON_ADAPT_H
#define RINGBACK_DAEMON_ADAPT_H

#include <jansson.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/framing.h"
#include "base/record.h"

enum {
    adapt_line_bytes_max = 1 << 20, /* EventBridge allows 256 KiB, Kinesis 1 MiB */
    adapt_names_max = 200,
};

struct adapt_platform;
extern const struct adapt_platform *const adapt_platforms[]; /* ended by NULL */

/* NULL: there is none of this name. */
const struct adapt_platform *adapt_platform_find(const char *name);

/* What a status or activity of the platform, by its name, is in ours. */
struct adapt_name {
    const char *name;
    int presence; /* Ringback__V1__Presence */
};

/* All borrowed. */
struct adapt_settings {
    const struct adapt_platform *platform;
    const char *domain;      /* of all events; NULL: domain_from */
    const char *domain_from; /* path of a field of the event; NULL: the platform's own */
    struct adapt_name presences[adapt_names_max]; /* before those of the platform */
    size_t presence_count;
    const char *joined[adapt_names_max]; /* queues of agents whose event names none */
    size_t joined_count;
    const char *joined_attribute;  /* twilio: of the worker */
    const struct framing *framing; /* of what is made; NULL is none */
};

struct adapt; /* opaque */

/* The record is lent for the call; its partition and offset are not set. An error ends the line. */
struct adapt_sink {
    enum err (*on_record)(void *context, const struct record *record, struct err_note *note);
    void *context;
};

/* said: where lines that cannot be read and types that are not known are named; NULL: nowhere.
 * Never NULL. */
struct adapt *adapt_create(const struct adapt_settings *settings, const struct adapt_sink *sink,
                           FILE *said);
void adapt_destroy(struct adapt *adapt); /* NULL is fine */

/* One line: a JSON object, a list of such, or (twilio) a form. number: of the line, or the offset
 * of a record, for messages; traceparent: of what carried it, may be empty, is used where the event
 * has none. Whatever the text is, only the sink's errors come back. */
MUST_CHECK enum err adapt_line(struct adapt *adapt, uint64_t number, struct slice text,
                               struct slice traceparent, struct err_note *note);

/* A line that was longer than adapt_line_bytes_max and was not kept. */
void adapt_line_too_long(struct adapt *adapt, uint64_t number);

/* So far. faults: lines that cannot be read, and events that lack what their row needs. */
struct adapt_counts {
    uint64_t lines;
    uint64_t events;
    uint64_t messages[INPUT_COUNT];
    uint64_t damaged; /* lines */
    uint64_t faults;  /* events, or parts of them */
    uint64_t unmapped;
};
const struct adapt_counts *adapt_counts(const struct adapt *adapt);

/* The counts in words, and what was not mapped, by event type and reason. */
void adapt_print(const struct adapt *adapt, FILE *out);
json_t *adapt_json(const struct adapt *adapt);

/* docs/adapters.md. */
void adapt_print_reference(FILE *out);

#endif
