/* What a story (`ringback check`) can say, as data: who does what with which words, what may come
 * out, which fields of the contract a word means. The reader, the runner and docs/scenarios.md are
 * made of these tables. */
#ifndef RINGBACK_DAEMON_CHECK_TABLE_H
#define RINGBACK_DAEMON_CHECK_TABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/record.h"

/* Who does something, or whom something that comes out is about. */
#define CHECK_SUBJECT_MAP(X)                                                                       \
    X(AGENT, agent, "an agent, at a desktop")                                                      \
    X(CALLER, caller, "a live interaction: a call, e-mail, message, chat")                         \
    X(CUSTOMER, customer, "whom a callback called: the last call placed for that callback")        \
    X(SUPERVISOR, supervisor, "a supervisor, in the view")                                         \
    X(CAMPAIGN, campaign, "an outbound campaign")                                                  \
    X(ADMINISTRATOR, administrator, "who changes settings")                                        \
    X(CALLBACK, callback, "a callback")                                                            \
    X(QUEUE, queue, "a queue")

#define CHECK_SUBJECT_ENUM_(name, word, text) CHECK_##name,
enum check_subject { CHECK_SUBJECT_MAP(CHECK_SUBJECT_ENUM_) CHECK_SUBJECT_COUNT };
#undef CHECK_SUBJECT_ENUM_

const char *check_subject_word(enum check_subject subject);

enum check_type {
    CHECK_TYPE_END,
    CHECK_TYPE_ID,       /* an id */
    CHECK_TYPE_TEXT,     /* any text */
    CHECK_TYPE_NAME,     /* the name of a callback of this story */
    CHECK_TYPE_CALLER,   /* a caller of this story, or a callback: what an agent is connected to */
    CHECK_TYPE_IDS,      /* a list of ids */
    CHECK_TYPE_SCORES,   /* a mapping of agents to 0..100 */
    CHECK_TYPE_TIME,     /* an instant of the story */
    CHECK_TYPE_LOCAL,    /* 2026-03-29 02:30:00, by the clocks of `zone` */
    CHECK_TYPE_DURATION, /* 30s: milliseconds, or seconds of a field that has them */
    CHECK_TYPE_COUNT,    /* a number */
    CHECK_TYPE_SWITCH,   /* on, off */
    CHECK_TYPE_CHOICE,   /* one of choices; number counts from 1 */
    CHECK_TYPE_REASON,   /* a code of docs/reasons.md */
    CHECK_TYPE_SETTINGS, /* a mapping as in the settings file */
};

/* One more word of an event or an expectation. */
struct check_param {
    const char *key;
    enum check_type type;
    bool required;
    const char *choices; /* "a|b" */
    /* Of expectations: the field of what came, in the inner message; "^field": in the outer one;
     * "place.queue_id": one deeper. */
    const char *field;
    int64_t unit; /* of a field that is a duration: its unit in ms; 0: ms */
    const char *help;
};

/* What a subject can do; makers are check_say.c's. */
struct check_run;
struct check_event;
typedef void check_maker(struct check_run *run, const struct check_event *event);

struct check_verb {
    enum check_subject subject;
    const char *word;
    enum input input; /* its topic: the order at one time */
    bool asks;        /* it is answered: `answer` */
    bool may_ask;     /* only its refusal is an answer */
    bool creates;     /* the callback that it names is made by it */
    check_maker *maker;
    const struct check_param *params;
    const char *help;
};

/* What can come out. */
struct check_word {
    enum check_subject subject;
    const char *word;
    enum topic topic;
    const char *event; /* the field of the topic's oneof */
    bool strict;       /* unless the story says so, those that it does not expect may not come */
    const struct check_param *params;
    const char *help;
};

extern const struct check_verb check_verbs[]; /* ended by a NULL word */
extern const struct check_word check_words[];

/* docs/scenarios.md. */
void check_print_reference(FILE *out);

#endif
