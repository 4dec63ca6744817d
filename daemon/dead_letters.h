/* Dead letters on Kafka: what there is, why, and which were sent again. A letter is known by its
 * place on its dead-letter topic. One that was sent again has a mark behind it on the same
 * partition: a record without a value, with the header `ringback-resent`, the letter's offset; it
 * is written in one transaction with the record that goes to the input, so a letter is sent again
 * once, whoever is interrupted or does it twice. */
#ifndef RINGBACK_DAEMON_DEAD_LETTERS_H
#define RINGBACK_DAEMON_DEAD_LETTERS_H

#include "base/arena.h"
#include "base/record.h"
#include "daemon/options.h"

enum { dead_reason_bytes = 40, dead_choices_max = 100 };

/* INPUT/PARTITION/OFFSET, as `dlq show` prints it. */
struct dead_place {
    enum input input; /* whose dead letter it is */
    int32_t partition;
    int64_t offset;
};

/* A letter without what is in it. */
struct dead_letter {
    struct dead_place place;
    int64_t timestamp_ms; /* when it became one */
    char reason[dead_reason_bytes];
    bool keyed;  /* it has a domain */
    bool whole;  /* its value is not cut */
    bool resent; /* there is a mark for it */
};

/* Which letters are meant: those of which all that is said holds. */
struct dead_choice {
    const char *reason; /* NULL: any */
    uint64_t inputs;    /* bits 1 << enum input */
    const struct dead_place *places;
    size_t place_count; /* 0: anywhere */
    bool resent;        /* also those that were sent again */
};

struct dead_letters {
    const struct options *options;
    struct dead_letter *items; /* by input, partition, offset */
    size_t count;
    size_t capacity;
    struct dead_place *marks; /* of letters that were sent again */
    size_t mark_count;
    size_t mark_capacity;
};

/* "flows/0/17". Errors: ERR_USAGE. */
MUST_CHECK enum err dead_place_parse(const char *text, struct dead_place *place,
                                     struct err_note *note);

/* Reads every dead-letter topic to its end. letters is initialised here and must be deinitialised
 * in any case. Errors: ERR_BUS_DOWN, ERR_BUS_REFUSED, ERR_BAD_OPTION, ERR_CANCELLED. */
MUST_CHECK enum err dead_letters_read(struct dead_letters *letters, const struct options *options,
                                      struct err_note *note);
void dead_letters_deinit(struct dead_letters *letters);

bool dead_letter_chosen(const struct dead_letter *letter, const struct dead_choice *choice);

/* A letter with what is in it; lent for the call. */
struct dead_content {
    const struct dead_letter *letter;
    const char *message;  /* what is wrong */
    const char *from;     /* "ringback.flows/0/1234": the record that it was */
    uint64_t bytes;       /* of that record's value; more than value.size: it is cut */
    struct record record; /* key, value and headers of that record; topic: the input's */
};

/* Reads the chosen ones again, in their order. An error of on_letter ends it. Errors: as above. */
MUST_CHECK enum err dead_letters_walk(
    const struct dead_letters *letters, const struct dead_choice *choice,
    enum err (*on_letter)(void *context, const struct dead_content *content, struct err_note *note),
    void *context, struct err_note *note);

/* What came of resending. */
struct dead_resent {
    size_t sent;
    size_t cut;     /* not sent: the value is not whole */
    size_t keyless; /* not sent: no domain */
};

/* Sends the chosen ones that were not sent again yet to their inputs, to the partition of their
 * key; key (NULL: none) is for those that have none. dry: counts alone. What was committed before
 * an error stays sent and marked: do it again. Errors: as above; ERR_BUS_REFUSED also: a record is
 * refused by the broker; ERR_FENCED: somebody else resends. */
MUST_CHECK enum err dead_letters_resend(const struct options *options,
                                        const struct dead_choice *choice, const char *key, bool dry,
                                        struct dead_resent *resent, struct err_note *note);

#endif
