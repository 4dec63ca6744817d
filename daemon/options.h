/* The options of the daemon and of every command that touches Kafka or Redis. Each is one line in
 * option_list.h; a value comes from a flag (--redis.url=...), else the environment
 * (RINGBACK_REDIS_URL), else the file (--config FILE or RINGBACK_CONFIG, YAML), else the default.
 * `kafka.KEY` goes to librdkafka as it is. What is unknown or wrong is refused with its place.
 *
 * CONFIG.md and the example file are printed from the same list. */
#ifndef RINGBACK_DAEMON_OPTIONS_H
#define RINGBACK_DAEMON_OPTIONS_H

#include <librdkafka/rdkafka.h>
#include <stdint.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/framing.h"
#include "base/kafka.h"
#include "base/record.h"
#include "daemon/command.h"

struct machine_options;

enum option_type {
    OPTION_TYPE_TEXT,     /* const char *, never NULL */
    OPTION_TYPE_INT,      /* int64_t */
    OPTION_TYPE_MS,       /* int64_t, ms; a bare number counts ms */
    OPTION_TYPE_DURATION, /* int64_t, ms; a unit is needed */
    OPTION_TYPE_SIZE,     /* int64_t, bytes */
    OPTION_TYPE_BOOL,     /* bool */
    OPTION_TYPE_CHOICE,   /* int: which of choices, from 0 */
    OPTION_TYPE_MEDIA     /* uint32_t: bits 1u << Ringback__V1__Media */
};

enum option_flag { OPTION_DECIDES = 1, OPTION_RELOAD = 2, OPTION_SECRET = 4 };

#define OPTION_SECTION_MAP(X)                                                                      \
    X(KAFKA, "Kafka")                                                                              \
    X(TOPICS, "Topics")                                                                            \
    X(FRAMING, "Framing")                                                                          \
    X(BATCH, "Batches")                                                                            \
    X(TIME, "Time")                                                                                \
    X(REDIS, "Redis")                                                                              \
    X(RULES, "Rules")                                                                              \
    X(HTTP, "Health and metrics")                                                                  \
    X(TRACE, "Traces")                                                                             \
    X(VIEW, "Scheduled Callbacks view")                                                            \
    X(LOG, "Log")

#define OPTION_SECTION_ENUM_(name, title) OPTION_SECTION_##name,
enum option_section { OPTION_SECTION_MAP(OPTION_SECTION_ENUM_) OPTION_SECTION_COUNT };
#undef OPTION_SECTION_ENUM_

#define OPTION(section, field, ...) OPTION_##field,
enum option {
#include "daemon/option_list.h"
    OPTION_COUNT
};
#undef OPTION

/* Choices are numbered like enum partitioner, log_level, log_format, idle_reset and trace_begin. */
enum option_clock { OPTION_CLOCK_WALL, OPTION_CLOCK_EVENT };

struct option_row {
    const char *key;
    enum option_section section;
    enum option_type type;
    size_t offset; /* of the field in struct options */
    const char *fallback;
    int64_t min;
    int64_t max;
    const char *choices;
    unsigned flags;
    const char *help;
};

extern const struct option_row option_rows[OPTION_COUNT];

enum option_source {
    OPTION_SOURCE_DEFAULT,
    OPTION_SOURCE_FILE,
    OPTION_SOURCE_ENVIRONMENT,
    OPTION_SOURCE_FLAG
};

/* Where a value came from. name: the file, or the variable; line: of the file, from 1. */
struct option_origin {
    enum option_source source;
    const char *name;
    int line;
};

/* One setting of librdkafka, key without "kafka.". */
struct option_kafka {
    const char *key;
    const char *value;
    struct option_origin origin;
};

/* Settings for librdkafka: those given as kafka.*, and passwords that come from files. */
enum { option_kafka_count_max = 100, option_kafka_secrets = 2 };

#define OPTION_C_TEXT     const char *
#define OPTION_C_INT      int64_t
#define OPTION_C_MS       int64_t
#define OPTION_C_DURATION int64_t
#define OPTION_C_SIZE     int64_t
#define OPTION_C_BOOL     bool
#define OPTION_C_CHOICE   int
#define OPTION_C_MEDIA    uint32_t

/* Texts live as long as the struct. */
struct options {
#define OPTION(section, field, key, type, ...) OPTION_C_##type field;
#include "daemon/option_list.h"
#undef OPTION
    const char *topic_names[TOPIC_COUNT]; /* full names, from the topics.* above */
    struct framing framing;               /* from the framing.* above */
    struct option_origin origins[OPTION_COUNT];
    struct option_kafka kafka[option_kafka_count_max];
    int kafka_count;
    struct kafka_setting
        kafka_settings[option_kafka_count_max]; /* what every handle is made with */
    int kafka_setting_count;
    struct arena arena;
};

/* The defaults. */
void options_init(struct options *options);
void options_deinit(struct options *options);

/* What a command that takes options does after args_parse: options_init, then file, environment
 * and flags; sets context->log_json. Errors: ERR_BAD_OPTION; options must be deinitialised in
 * either case. */
MUST_CHECK enum err options_load(struct options *options, struct command_context *context,
                                 struct err_note *note);

/* Log to standard error as they say. */
void options_log(const struct options *options);

/* The same step by step; environment ends with NULL; file_text's name is only for messages.
 * options_check comes last: it completes topic_names and framing, and tests what concerns several
 * options. */
MUST_CHECK enum err options_file(struct options *options, const char *path, struct err_note *note);
MUST_CHECK enum err options_text(struct options *options, const char *name, struct slice text,
                                 struct err_note *note);
MUST_CHECK enum err options_environment(struct options *options, char **environment,
                                        struct err_note *note);
MUST_CHECK enum err options_check(struct options *options, struct err_note *note);

/* One value by its key, as a user writes it; "kafka.KEY" too. A password is refused as a flag: all
 * who are logged in on the machine see those. Error: ERR_BAD_OPTION, its note begins with the
 * origin. */
MUST_CHECK enum err options_set(struct options *options, const char *key, const char *value,
                                struct option_origin origin, struct err_note *note);

/* OPTION_COUNT: there is none. */
enum option options_find(const char *key);
bool options_known(const char *key); /* "kafka.ANYTHING" too */

/* Give the kafka.* settings to conf, which the caller owns. Only before our own, which win.
 * Error: ERR_BAD_OPTION, with the place. */
MUST_CHECK enum err options_kafka_apply(const struct options *options, rd_kafka_conf_t *conf,
                                        struct err_note *note);

/* kafka.KEY, or its value; NULL: not set. */
const struct option_kafka *options_kafka_find(const struct options *options, const char *key);
const char *options_kafka_get(const struct options *options, const char *key);

/* The core's part. */
void options_machine(const struct options *options, struct machine_options *machine);

/* The options that decide as lines NAME=VALUE\n, sorted, values in ms, bytes and names: what the
 * journal carries, with its hash. The text lives in arena. */
const char *options_decides_text(const struct options *options, struct arena *arena);
uint64_t options_decides_hash(const char *text);

/* Take them over from a journal (replay). Errors: ERR_BAD_STATE. */
MUST_CHECK enum err options_decides_read(struct options *options, struct slice text,
                                         struct err_note *note);

/* A value as a user would write it; secrets hidden. Return text. */
const char *options_value(const struct options *options, enum option option, char *text,
                          size_t size);
const char *options_origin(const struct option_origin *origin, const char *key, char *text,
                           size_t size);
/* Where the value of a key is from, as errors begin: "f.yaml:3: redis.url", "RINGBACK_REDIS_URL",
 * "--redis.url", or the key alone. Returns text. */
const char *options_place(const struct options *options, const char *key, char *text, size_t size);
bool options_kafka_secret(const char *key);

/* A URL without its password: redis://user:***@host. Returns text. */
const char *options_hide_password(const char *url, char *text, size_t size);

/* What a value may be: "1 to 200", "wall, event". */
void options_allowed(const struct option_row *row, char *text, size_t size);
const char *options_section_title(int section);

void options_print_markdown(FILE *out);
void options_print_example(FILE *out);

#endif
