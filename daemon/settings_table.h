/* The keys of the settings file as data; see settings_file.h. */
#ifndef RINGBACK_DAEMON_SETTINGS_TABLE_H
#define RINGBACK_DAEMON_SETTINGS_TABLE_H

#include <stdint.h>

#include "daemon/settings_file.h"

enum settings_type {
    SETTINGS_TYPE_END,
    SETTINGS_TYPE_BOOL,       /* bool */
    SETTINGS_TYPE_TOGGLE,     /* Toggle: absent is told from off */
    SETTINGS_TYPE_TEXT,       /* string */
    SETTINGS_TYPE_ID,         /* string, an id of the contract */
    SETTINGS_TYPE_SCRIPT,     /* string, a script of this domain */
    SETTINGS_TYPE_NUMBER,     /* string, a phone number */
    SETTINGS_TYPE_COUNTRY,    /* string of digits */
    SETTINGS_TYPE_CHOICE,     /* enum; the first of choices is value 1 */
    SETTINGS_TYPE_COUNT,      /* uint32 */
    SETTINGS_TYPE_SECONDS,    /* uint32 from a duration */
    SETTINGS_TYPE_MS,         /* uint32 from a duration */
    SETTINGS_TYPE_HUNDREDTHS, /* uint32 from a number with two decimals */
    SETTINGS_TYPE_PERMILLE,   /* uint32 from a ratio with three decimals */
    SETTINGS_TYPE_DELAY,      /* message with delay_s: on, off or a duration */
    SETTINGS_TYPE_WRAPPED,    /* message with one uint32 */
    SETTINGS_TYPE_OBJECT,     /* message; object */
    SETTINGS_TYPE_OBJECTS,    /* list of messages; object */
    SETTINGS_TYPE_TEXTS,      /* list of strings */
    SETTINGS_TYPE_BLOCKED,    /* list of BlockedNumber */
    SETTINGS_TYPE_ZONE,       /* string, a zone of the system's zone data */
    SETTINGS_TYPE_ZONES,      /* list of them, not of the message */
    SETTINGS_TYPE_HOURS,      /* list of OpenHours */
    SETTINGS_TYPE_DAYS,       /* list of YYYYMMDD */
    SETTINGS_TYPE_THRESHOLD,  /* threshold or any of a Ring */
    SETTINGS_TYPE_ITEMS,      /* mapping of ids to items of one kind; object */
};

/* Bounds are in the unit of the message's field. */
struct settings_field {
    const char *key;   /* in the file */
    const char *field; /* of the message; NULL: none */
    enum settings_type type;
    const int64_t *min;
    const int64_t *max;
    const char *absent;  /* for the page: what holds without it */
    const char *rule;    /* of rules.md */
    const char *choices; /* "a|b" */
    const struct settings_object *object;
    enum settings_kind kind; /* of SETTINGS_TYPE_ITEMS */
    const char *help;
};

struct settings_object {
    const char *title; /* of the page */
    const char *help;
    const ProtobufCMessageDescriptor *message;
    const struct settings_field *fields; /* ended by SETTINGS_TYPE_END */
};

extern const struct settings_object settings_domain_object;

/* The warnings of rules.md 13.1, for one queue. */
struct settings_warning {
    const char *key; /* of the queue, where it is shown; the queue itself if that is not there */
    const char *rule;
    const char *text;
};
enum { settings_warnings_max = 16 };
size_t settings_queue_warnings(const Ringback__V1__QueueSettings *queue,
                               struct settings_warning warnings[settings_warnings_max]);

#endif
