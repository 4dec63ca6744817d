/* The file of a story (`ringback check`): settings, what happens when, what must come out and when.
 * Reading finds all that is wrong, with line and column; it talks to no server and decides nothing.
 * docs/scenarios.md is the format's page.
 */
#ifndef RINGBACK_DAEMON_CHECK_FILE_H
#define RINGBACK_DAEMON_CHECK_FILE_H

#include "daemon/check_table.h"
#include "daemon/options.h"
#include "daemon/settings_file.h"

/* One word of an event or an expectation. */
struct check_value {
    const struct check_param *param;
    const char *text; /* as it is written; of a list: the first */
    int64_t number;   /* UTC ms, ms of a duration or a local clock, count, choice from 1, reason */
    char **items;     /* of a list or mapping */
    int64_t *numbers; /* of a mapping */
    size_t item_count;
    struct settings *settings;
};

/* What both have. text is for people: "agent anna: accept, callback dora". */
struct check_line {
    int line;
    int64_t at_ms; /* UTC */
    const char *subject;
    struct check_value *values;
    size_t value_count;
    const char *text;
};

struct check_event {
    const struct check_verb *verb;
    struct check_line is;
    const char *request; /* its id; NULL: made up */
    int answer;          /* enum Reason; UNSPECIFIED: done */
    size_t order;        /* in the file */
};

struct check_expect {
    const struct check_word *word;
    struct check_line is;
    bool never; /* it must not come from from_ms to to_ms */
    int64_t from_ms;
    int64_t to_ms;
};

/* Everything in it lives in its arena, settings and options apart. Events are sorted by time, then
 * by topic, then as written: the order in which they are decided. */
struct check_story {
    struct arena arena;
    const char *path; /* borrowed */
    const char *title;
    char **rules;
    size_t rule_count;
    const char *domain;
    const char *settings_domain; /* whose the settings are, as the file says */
    int64_t day_ms;              /* midnight of its first day, UTC or local ms */
    int64_t start_ms;            /* of the settings */
    int64_t until_ms;            /* the last time looked at */
    struct options options;
    struct settings settings;
    struct check_event *events;
    size_t event_count;
    struct check_expect *expects;
    size_t expect_count;
    bool *strict; /* of check_words */
    struct settings_problem *problems;
    size_t problem_count;
    const Ringback__V1__ZoneTable *zone; /* of its times; NULL: UTC */
};

/* Reads the story at path. Errors: ERR_IO, ERR_BAD_SETTINGS (problem_count > 0, the note says the
 * first). story must be deinitialised in either case. */
MUST_CHECK enum err check_story_read(struct check_story *story, const char *path,
                                     struct err_note *note);
/* The same from memory; path is for messages. */
MUST_CHECK enum err check_story_text(struct check_story *story, const char *path, const char *text,
                                     size_t size, struct err_note *note);
void check_story_deinit(struct check_story *story);

/* NULL: the word is not given. */
const struct check_value *check_value(const struct check_line *line, const char *key);
/* What is given, or what stands for nothing. */
const char *check_text(const struct check_line *line, const char *key, const char *absent);
int64_t check_number(const struct check_line *line, const char *key, int64_t absent);

/* "09:01:00.250", on later days "day 2 09:01:00"; in arena. */
const char *check_time_text(const struct check_story *story, int64_t at_ms, struct arena *arena);

#endif
