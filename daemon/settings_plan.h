/* What `queues apply` has to send: the file's items against what was sent before and how it was
 * answered. It is fed records of the settings and results topics (or of state), in any order across
 * topics, and talks to nobody. */
#ifndef RINGBACK_DAEMON_SETTINGS_PLAN_H
#define RINGBACK_DAEMON_SETTINGS_PLAN_H

#include "base/record.h"
#include "daemon/settings_file.h"

struct settings_known; /* opaque */

/* Never NULL. */
struct settings_known *settings_known_create(void);
void settings_known_destroy(struct settings_known *known); /* NULL is fine */

/* A record of TOPIC_SETTINGS, TOPIC_RESULTS or TOPIC_STATE; of other topics, and what cannot be
 * read, nothing is taken. key and value are copied. */
void settings_known_record(struct settings_known *known, const struct record *record);

#define SETTINGS_ACTION_MAP(X)                                                                     \
    X(SAME, "unchanged")        /* holds as it is in the file */                                   \
    X(NEW, "new")               /* to be sent */                                                   \
    X(CHANGED, "changed")       /* to be sent */                                                   \
    X(PENDING, "sent before")   /* was sent as it is and not yet answered: only waited for */      \
    X(REMOVED, "removed")       /* not in the file; a removal is to be sent */                     \
    X(EXTRA, "not in the file") /* left alone, without prune */

#define SETTINGS_ACTION_ENUM_(name, text) SETTINGS_ACTION_##name,
enum settings_action { SETTINGS_ACTION_MAP(SETTINGS_ACTION_ENUM_) SETTINGS_ACTION_COUNT };
#undef SETTINGS_ACTION_ENUM_

const char *settings_action_text(enum settings_action action);

enum settings_answer { SETTINGS_WAITING, SETTINGS_ACCEPTED, SETTINGS_REFUSED };

/* One line of the plan. Texts live in its arena. */
struct settings_step {
    enum settings_action action;
    enum settings_kind kind;
    const char *domain;
    const char *id;
    uint64_t version;     /* that it has or will have */
    const char *event_id; /* NULL: nothing is sent or waited for */
    struct slice value;   /* SettingsEvent to send; data NULL: none */
    enum settings_answer answer;
    const char *reason; /* of a refusal: "SETTINGS_INVALID" */
    const char *text;
};

struct settings_plan {
    struct arena arena;
    struct settings_step *steps;
    size_t count;
    size_t sent;    /* steps with a value */
    size_t waiting; /* steps whose answer is awaited */
    size_t refused;
};

/* prune: what is known of the file's domains and not in the file is removed; force: queues also
 * with callbacks (12.15). known is brought up to date, nothing of it is kept. */
void settings_plan_init(struct settings_plan *plan, const struct settings *settings,
                        struct settings_known *known, bool prune, bool force);
void settings_plan_deinit(struct settings_plan *plan);

/* A record of the results topic: the answers of the plan's steps are taken from it. */
void settings_plan_result(struct settings_plan *plan, const struct record *record);

#endif
