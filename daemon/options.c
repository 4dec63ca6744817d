#include "daemon/options.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/log.h"
#include "base/near.h"
#include "daemon/http.h"
#include "daemon/security.h"
#include "daemon/value.h"
#include "state/machine.h"

#define DAY_MS  86400000LL
#define DECIDES OPTION_DECIDES
#define RELOAD  OPTION_RELOAD
#define SECRET  OPTION_SECRET

const struct option_row option_rows[OPTION_COUNT] = {
#define OPTION(section_, field_, key_, type_, default_, min_, max_, choices_, flags_, help_)       \
    [OPTION_##field_] = {.key = (key_),                                                            \
                         .section = OPTION_SECTION_##section_,                                     \
                         .type = OPTION_TYPE_##type_,                                              \
                         .offset = offsetof(struct options, field_),                               \
                         .fallback = (default_),                                                   \
                         .min = (min_),                                                            \
                         .max = (max_),                                                            \
                         .choices = (choices_),                                                    \
                         .flags = (flags_),                                                        \
                         .help = (help_)},
#include "daemon/option_list.h"
#undef OPTION
};

/* What librdkafka must not be told by others, and what to use instead. */
static const struct {
    const char *key;
    const char *instead;
} kafka_ours[] = {
    {"auto.offset.reset", "a lost position must never be passed over silently"},
    {"client.rack", "inputs are read from their leaders alone"},
    {"enable.auto.commit", "positions are kept on the state topic"},
    {"enable.auto.offset.store", "positions are kept on the state topic"},
    {"enable.idempotence", "transactions need it"},
    {"enable.partition.eof", "the end of an input is its EOF"},
    {"group.id", "use the option group"},
    {"group.instance.id", "use the option group_instance_id"},
    {"isolation.level", "what is not committed is never read"},
    {"partition.assignment.strategy", "only range keeps the inputs' partitions together"},
    {"partitioner", "use the option partitioner"},
    {"session.timeout.ms", "use the option session_timeout_ms"},
    {"transaction.timeout.ms", "use the option transaction_timeout_ms"},
    {"transactional.id", "it is made of the option group and the partition"},
};

static const struct {
    const char *name;
    Ringback__V1__Media media;
} media_names[] = {
    {"voice", RINGBACK__V1__MEDIA__MEDIA_VOICE},
    {"email", RINGBACK__V1__MEDIA__MEDIA_EMAIL},
    {"message", RINGBACK__V1__MEDIA__MEDIA_MESSAGE},
    {"chat", RINGBACK__V1__MEDIA__MEDIA_CHAT},
};

enum { media_count = sizeof(media_names) / sizeof(media_names[0]) };

static void *field_of(struct options *options, const struct option_row *row)
{
    return (char *)options + row->offset;
}

static const void *const_field_of(const struct options *options, const struct option_row *row)
{
    return (const char *)options + row->offset;
}

/* "voice, email" or "[voice,email]" or "none". */
static enum err set_media(const char *text, uint32_t *media, struct err_note *note)
{
    uint32_t bits = 0;
    const char *at = text;
    int found = 1;

    if (strcmp(text, "none") == 0 || text[0] == '\0') {
        *media = 0;
        return ERR_OK;
    }
    while (found && *at != '\0') {
        size_t size;

        at += strspn(at, " ,");
        size = strcspn(at, " ,");
        found = size == 0;
        for (int i = 0; i < media_count && size > 0; i++) {
            if (strlen(media_names[i].name) == size && memcmp(media_names[i].name, at, size) == 0) {
                bits |= 1U << media_names[i].media;
                found = 1;
            }
        }
        at += size;
    }
    if (!found || bits == 0)
        return FAIL(note, ERR_BAD_OPTION,
                    "\"%.100s\" is no list of media; allowed: voice, email, message, chat, or none",
                    text);
    *media = bits;
    return ERR_OK;
}

static enum err set_string(struct options *options, const struct option_row *row, const char *text,
                           struct err_note *note)
{
    size_t size = strlen(text);

    if (size < (size_t)row->min)
        return FAIL(note, ERR_BAD_OPTION, "the value is empty");
    if (size > (size_t)row->max)
        return FAIL(note, ERR_BAD_OPTION, "the value has %zu letters; allowed: %" PRId64, size,
                    row->max);
    for (size_t i = 0; i < size; i++) {
        if (iscntrl((unsigned char)text[i]))
            return FAIL(note, ERR_BAD_OPTION, "the value has a control character at %zu", i + 1);
    }
    *(const char **)field_of(options, row) = arena_text(&options->arena, slice_text(text));
    return ERR_OK;
}

static enum err set_value(struct options *options, const struct option_row *row, const char *text,
                          struct err_note *note)
{
    void *field = field_of(options, row);

    switch (row->type) {
    case OPTION_TYPE_TEXT: return set_string(options, row, text, note);
    case OPTION_TYPE_INT: return value_int(text, row->min, row->max, field, note);
    case OPTION_TYPE_MS:
        if (text[strspn(text, "-_0123456789")] == '\0')
            return value_int(text, row->min, row->max, field, note);
        return value_duration(text, row->min, row->max, field, note);
    case OPTION_TYPE_DURATION: return value_duration(text, row->min, row->max, field, note);
    case OPTION_TYPE_SIZE: return value_size(text, row->min, row->max, field, note);
    case OPTION_TYPE_BOOL: return value_bool(text, field, note);
    case OPTION_TYPE_CHOICE: return value_choice(text, row->choices, field, note);
    case OPTION_TYPE_MEDIA: return set_media(text, field, note);
    }
    return FAIL(note, ERR_BAD_OPTION, "no type");
}

void options_init(struct options *options)
{
    memset(options, 0, sizeof(*options));
    arena_init(&options->arena);
    for (int i = 0; i < OPTION_COUNT; i++) {
        struct err_note note;

        if (set_value(options, &option_rows[i], option_rows[i].fallback, &note) != ERR_OK) {
            fprintf(stderr, "ringback: default of %s: %s\n", option_rows[i].key, note.text);
            abort();
        }
    }
}

void options_deinit(struct options *options)
{
    arena_deinit(&options->arena);
}

enum option options_find(const char *key)
{
    int i = 0;

    while (i < OPTION_COUNT && strcmp(option_rows[i].key, key) != 0)
        i++;
    return (enum option)i;
}

static const char *kafka_key(const char *key)
{
    return strncmp(key, "kafka.", 6) == 0 && key[6] != '\0' ? key + 6 : NULL;
}

bool options_known(const char *key)
{
    return kafka_key(key) != NULL || options_find(key) != OPTION_COUNT;
}

/* "ringback.yaml:12: redis.url", "RINGBACK_REDIS_URL", "--redis.url" */
static const char *place_text(const struct option_origin *origin, const char *key, char *text,
                              size_t size)
{
    switch (origin->source) {
    case OPTION_SOURCE_FILE:
        snprintf(text, size, "%s:%d: %s", origin->name, origin->line, key);
        break;
    case OPTION_SOURCE_ENVIRONMENT: snprintf(text, size, "%s", origin->name); break;
    case OPTION_SOURCE_FLAG: snprintf(text, size, "--%s", key); break;
    case OPTION_SOURCE_DEFAULT: snprintf(text, size, "%s", key); break;
    }
    return text;
}

static enum err at_origin(struct err_note *note, const struct option_origin *origin,
                          const char *key)
{
    char place[600];

    return err_prefix(note, "%s: ", place_text(origin, key, place, sizeof(place)));
}

const char *options_place(const struct options *options, const char *key, char *text, size_t size)
{
    static const struct option_origin nowhere = {OPTION_SOURCE_DEFAULT, NULL, 0};
    enum option option = options_find(key);
    const struct option_kafka *kafka =
        kafka_key(key) == NULL ? NULL : options_kafka_find(options, kafka_key(key));

    if (option != OPTION_COUNT)
        return place_text(&options->origins[option], key, text, size);
    return place_text(kafka == NULL ? &nowhere : &kafka->origin, key, text, size);
}

static enum err unknown_key(const char *key, struct err_note *note)
{
    struct near near;
    char hint[300];

    near_init(&near, key);
    for (int i = 0; i < OPTION_COUNT; i++)
        near_offer(&near, option_rows[i].key);
    return FAIL(note, ERR_BAD_OPTION, "unknown option%s; `ringback config` lists all",
                near_hint(&near, "", hint, sizeof(hint)));
}

static enum err check_kafka(const char *key, const char *value, struct err_note *note)
{
    rd_kafka_conf_t *conf;
    char why[400];
    rd_kafka_conf_res_t result;

    for (size_t i = 0; i < sizeof(kafka_ours) / sizeof(kafka_ours[0]); i++) {
        if (strcmp(key, kafka_ours[i].key) == 0)
            return FAIL(note, ERR_BAD_OPTION, "this is set by ringback itself: %s",
                        kafka_ours[i].instead);
    }
    if (options_kafka_secret(key))
        snprintf(why, sizeof(why), "librdkafka refuses the value");
    conf = rd_kafka_conf_new();
    result = options_kafka_secret(key) ? rd_kafka_conf_set(conf, key, value, NULL, 0)
                                       : rd_kafka_conf_set(conf, key, value, why, sizeof(why));
    rd_kafka_conf_destroy(conf);
    if (result != RD_KAFKA_CONF_OK)
        return FAIL(note, ERR_BAD_OPTION,
                    "%s (settings of librdkafka are listed in its"
                    " CONFIGURATION.md)",
                    why);
    return ERR_OK;
}

static enum err set_kafka(struct options *options, const char *key, const char *value,
                          const struct option_origin *origin, struct err_note *note)
{
    int i = 0;

    TRY(check_kafka(key, value, note));
    while (i < options->kafka_count && strcmp(options->kafka[i].key, key) != 0)
        i++;
    if (i == option_kafka_count_max - option_kafka_secrets)
        return FAIL(note, ERR_BAD_OPTION, "more than %d settings of kafka.*",
                    option_kafka_count_max - option_kafka_secrets);
    options->kafka[i] = (struct option_kafka){
        .key = arena_text(&options->arena, slice_text(key)),
        .value = arena_text(&options->arena, slice_text(value)),
        .origin = *origin,
    };
    options->kafka_count += i == options->kafka_count;
    return ERR_OK;
}

/* The command line is in the list of processes, for everybody on the machine to read. */
static enum err refuse_open_secret(const char *key, const char *value, struct err_note *note)
{
    char hidden[1200], name[300];
    size_t at = 0;

    if (kafka_key(key) != NULL && options_find(key) == OPTION_COUNT && options_kafka_secret(key)) {
        for (const char *from = kafka_key(key); *from != '\0' && at + 1 < sizeof(name); from++)
            name[at++] = *from == '.' ? '_' : (char)toupper((unsigned char)*from);
        name[at] = '\0';
        return FAIL(note, ERR_BAD_OPTION,
                    "a password on the command line is shown to everybody on the machine (ps): "
                    "put it into a file (kafka.sasl.password_file, kafka.ssl.key.password_file), "
                    "or into RINGBACK_KAFKA__%s",
                    name);
    }
    if (strcmp(key, "redis.url") == 0 &&
        strstr(options_hide_password(value, hidden, sizeof(hidden)), ":***@") != NULL)
        return FAIL(note, ERR_BAD_OPTION,
                    "a password on the command line is shown to everybody on the machine (ps): "
                    "put it into a file (redis.password_file), or the URL into RINGBACK_REDIS_URL");
    return ERR_OK;
}

enum err options_set(struct options *options, const char *key, const char *value,
                     struct option_origin origin, struct err_note *note)
{
    enum option option = options_find(key);
    enum err err;

    if (origin.name != NULL)
        origin.name = arena_text(&options->arena, slice_text(origin.name));
    err = origin.source == OPTION_SOURCE_FLAG ? refuse_open_secret(key, value, note) : ERR_OK;
    if (err == ERR_OK && option == OPTION_COUNT)
        err = kafka_key(key) != NULL ? set_kafka(options, kafka_key(key), value, &origin, note)
                                     : unknown_key(key, note);
    else if (err == ERR_OK)
        err = set_value(options, &option_rows[option], value, note);
    if (err != ERR_OK)
        return note == NULL ? err : at_origin(note, &origin, key);
    if (option != OPTION_COUNT)
        options->origins[option] = origin;
    return ERR_OK;
}

/* Variables with our prefix that are no options: the file's name, what tests use, and what
 * Kubernetes sets in every pod beside a service named ringback. */
static bool foreign_variable(const char *name)
{
    static const char *const beginnings[] = {
        "RINGBACK_TEST_",   "RINGBACK_POINT=",   "RINGBACK_CLOCK_OFFSET_FILE=",
        "RINGBACK_CONFIG=", "RINGBACK_SERVICE_", "RINGBACK_PORT=",
        "RINGBACK_PORT_"};

    for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++) {
        if (strncmp(name, beginnings[i], strlen(beginnings[i])) == 0)
            return true;
    }
    return false;
}

/* REDIS_URL is redis.url: found by writing each key as a variable. Behind KAFKA there may be two
 * underscores. */
static bool key_of_row(const char *name, char *key, size_t size)
{
    for (int i = 0; i < OPTION_COUNT; i++) {
        const char *at = option_rows[i].key;
        const char *word = name;

        while (*at != '\0' && (*at == '.' ? '_' : toupper((unsigned char)*at)) == *word) {
            if (at == option_rows[i].key + 5 && strncmp(name, "KAFKA__", 7) == 0)
                word++;
            at++, word++;
        }
        if (*at == '\0' && *word == '\0') {
            snprintf(key, size, "%s", option_rows[i].key);
            return true;
        }
    }
    return false;
}

/* RINGBACK_KAFKA__SASL_USERNAME is kafka.sasl.username: behind the two underscores every one is a
 * dot, but for the few keys of our own there. */
static bool key_of_variable(const char *name, char *key, size_t size)
{
    if (key_of_row(name, key, size))
        return true;
    if (strncmp(name, "KAFKA__", 7) != 0)
        return false;
    snprintf(key, size, "kafka.%s", name + 7);
    for (char *at = key + 6; *at != '\0'; at++)
        *at = *at == '_' ? '.' : (char)tolower((unsigned char)*at);
    return true;
}

static enum err unknown_variable(const char *name, struct err_note *note)
{
    struct near near;
    char word[near_word_bytes_max + 1], hint[300];

    snprintf(word, sizeof(word), "%.*s", near_word_bytes_max, name);
    for (char *at = word; *at != '\0'; at++)
        *at = (char)tolower((unsigned char)*at);
    near_init(&near, word);
    for (int i = 0; i < OPTION_COUNT; i++)
        near_offer(&near, option_rows[i].key);
    return FAIL(note, ERR_BAD_OPTION,
                "RINGBACK_%s: no option is named so%s; `ringback config` lists all", name,
                near_hint(&near, "", hint, sizeof(hint)));
}

enum err options_environment(struct options *options, char **environment, struct err_note *note)
{
    for (; *environment != NULL; environment++) {
        const char *variable = *environment;
        const char *equals = strchr(variable, '=');
        char name[200], key[200];

        if (strncmp(variable, "RINGBACK_", 9) != 0 || equals == NULL || foreign_variable(variable))
            continue;
        snprintf(name, sizeof(name), "%.*s", (int)(equals - variable), variable);
        if (!key_of_variable(name + 9, key, sizeof(key)))
            return unknown_variable(name + 9, note);
        TRY(options_set(options, key, equals + 1,
                        (struct option_origin){OPTION_SOURCE_ENVIRONMENT, name, 0}, note));
    }
    return ERR_OK;
}

static enum err set_flags(struct options *options, const struct command_context *context,
                          struct err_note *note)
{
    for (int i = 0; i < context->option_count; i++) {
        const struct command_option *given = &context->options[i];
        char key[200];

        snprintf(key, sizeof(key), "%.*s", (int)given->key_size, given->key);
        TRY(options_set(options, key, given->value,
                        (struct option_origin){OPTION_SOURCE_FLAG, NULL, 0}, note));
    }
    return ERR_OK;
}

void options_log(const struct options *options)
{
    log_init(STDERR_FILENO, (enum log_level)options->log_level,
             (enum log_format)options->log_format);
}

static enum err load(struct options *options, const struct command_context *context,
                     struct err_note *note)
{
    const char *path = context->config_count == 0 ? getenv("RINGBACK_CONFIG") : NULL;

    options_init(options);
    if (path != NULL && path[0] != '\0')
        TRY(options_file(options, path, note));
    for (int i = 0; i < context->config_count; i++)
        TRY(options_file(options, context->config_paths[i], note));
    TRY(options_environment(options, environ, note));
    TRY(set_flags(options, context, note));
    return options_check(options, note);
}

enum err options_load(struct options *options, struct command_context *context,
                      struct err_note *note)
{
    enum err err = load(options, context, note);

    context->log_json = options->log_format == LOG_FORMAT_JSON;
    return err;
}

static enum err fail_option(const struct options *options, enum option option,
                            struct err_note *note)
{
    return note == NULL ? ERR_BAD_OPTION
                        : at_origin(note, &options->origins[option], option_rows[option].key);
}

static const enum option topic_options[] = {
    [TOPIC_SETTINGS] = OPTION_topics_settings,   [TOPIC_INTERACTIONS] = OPTION_topics_interactions,
    [TOPIC_PRESENCE] = OPTION_topics_presence,   [TOPIC_FLOWS] = OPTION_topics_flows,
    [TOPIC_COMMANDS] = OPTION_topics_commands,   [TOPIC_ROUTING] = OPTION_topics_routing,
    [TOPIC_ANALYTICS] = OPTION_topics_analytics, [TOPIC_RESULTS] = OPTION_topics_results,
    [TOPIC_STATE] = OPTION_topics_state,         [TOPIC_JOURNAL] = OPTION_topics_journal,
};

static const char *topic_full_name(struct options *options, enum topic topic)
{
    const char *given;

    if (topic >= TOPIC_DLQ_FIRST)
        return arena_format(&options->arena, "%s%s", options->topic_names[topic - TOPIC_DLQ_FIRST],
                            options->topics_dlq_suffix);
    given = *(const char *const *)const_field_of(options, &option_rows[topic_options[topic]]);
    if (given[0] != '\0')
        return given;
    return arena_format(&options->arena, "%s%s", options->topics_prefix, topic_short_name(topic));
}

static enum err check_topic(struct options *options, enum topic topic, struct err_note *note)
{
    enum option source = topic >= TOPIC_DLQ_FIRST ? OPTION_topics_dlq_suffix : topic_options[topic];
    const char *name = topic_full_name(options, topic);
    size_t plain =
        strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

    options->topic_names[topic] = name;
    if (name[plain] != '\0' || plain > 249 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
        FAIL(note, ERR_BAD_OPTION,
             "the topic name \"%.260s\" is not one; allowed: 1 to 249 of a-z A-Z 0-9 . _ -", name);
        return fail_option(options, source, note);
    }
    for (int other = 0; other < (int)topic; other++) {
        if (strcmp(options->topic_names[other], name) != 0)
            continue;
        FAIL(note, ERR_BAD_OPTION, "the topic %s would be both %s%s and %s%s", name,
             topic_short_name((enum topic)other), other >= TOPIC_DLQ_FIRST ? " (dead letters)" : "",
             topic_short_name(topic), topic >= TOPIC_DLQ_FIRST ? " (dead letters)" : "");
        return fail_option(options, source, note);
    }
    return ERR_OK;
}

/* Our own keys under kafka. that name a file with a password. */
static void add_secret(struct options *options, const char *name, enum option option,
                       const char *path)
{
    char place[600];

    if (path[0] == '\0')
        return;
    options->kafka_settings[options->kafka_setting_count++] = (struct kafka_setting){
        .name = name,
        .value = path,
        .place = arena_text(
            &options->arena,
            slice_text(options_place(options, option_rows[option].key, place, sizeof(place)))),
        .file = true,
    };
}

static void list_kafka_settings(struct options *options)
{
    char key[300], place[600];

    options->kafka_setting_count = 0;
    for (int i = 0; i < options->kafka_count; i++) {
        const struct option_kafka *kafka = &options->kafka[i];

        snprintf(key, sizeof(key), "kafka.%s", kafka->key);
        options->kafka_settings[options->kafka_setting_count++] = (struct kafka_setting){
            .name = kafka->key,
            .value = kafka->value,
            .place = arena_text(&options->arena,
                                slice_text(place_text(&kafka->origin, key, place, sizeof(place)))),
        };
    }
    add_secret(options, "sasl.password", OPTION_kafka_sasl_password_file,
               options->kafka_sasl_password_file);
    add_secret(options, "ssl.key.password", OPTION_kafka_ssl_key_password_file,
               options->kafka_ssl_key_password_file);
}

static enum err check_framing(struct options *options, struct err_note *note)
{
    if (framing_set_topics(&options->framing, options->framing_confluent, note) != ERR_OK)
        return fail_option(options, OPTION_framing_confluent, note);
    if (framing_set_ids(&options->framing, options->framing_schema_ids, note) != ERR_OK)
        return fail_option(options, OPTION_framing_schema_ids, note);
    return ERR_OK;
}

enum err options_check(struct options *options, struct err_note *note)
{
    for (int topic = 0; topic < TOPIC_COUNT; topic++)
        TRY(check_topic(options, (enum topic)topic, note));
    TRY(security_check(options, note));
    list_kafka_settings(options);
    TRY(check_framing(options, note));
    if (options->http_listen[0] != '\0' && http_check(options->http_listen, note) != ERR_OK)
        return fail_option(options, OPTION_http_listen, note);
    if (http_check(options->view_listen, note) != ERR_OK)
        return fail_option(options, OPTION_view_listen, note);
    if (options->horizon_wait_stop_ms < options->horizon_wait_ms) {
        FAIL(note, ERR_BAD_OPTION,
             "%" PRId64 " is less than horizon_wait_ms (%" PRId64 "): deadlines that a record could"
             " stop must wait longer than others",
             options->horizon_wait_stop_ms, options->horizon_wait_ms);
        return fail_option(options, OPTION_horizon_wait_stop_ms, note);
    }
    return ERR_OK;
}

enum err options_kafka_apply(const struct options *options, rd_kafka_conf_t *conf,
                             struct err_note *note)
{
    for (int i = 0; i < options->kafka_count; i++) {
        const struct option_kafka *kafka = &options->kafka[i];
        char why[300] = "";

        if (rd_kafka_conf_set(conf, kafka->key, kafka->value, why, sizeof(why)) !=
            RD_KAFKA_CONF_OK) {
            FAIL(note, ERR_BAD_OPTION, "kafka.%s: %s", kafka->key, why);
            return note == NULL ? ERR_BAD_OPTION : at_origin(note, &kafka->origin, kafka->key);
        }
    }
    return ERR_OK;
}

const struct option_kafka *options_kafka_find(const struct options *options, const char *key)
{
    for (int i = 0; i < options->kafka_count; i++) {
        if (strcmp(options->kafka[i].key, key) == 0)
            return &options->kafka[i];
    }
    return NULL;
}

const char *options_kafka_get(const struct options *options, const char *key)
{
    const struct option_kafka *found = options_kafka_find(options, key);

    return found == NULL ? NULL : found->value;
}

void options_machine(const struct options *options, struct machine_options *machine)
{
    *machine = (struct machine_options){
        .dedupe_window_ms = options->dedupe_window,
        .retention_ms = options->retention,
        .late_window_ms = options->late_window,
        .late_request_ms = options->late_request,
        .answer_grace_ms = options->answer_grace,
        .missed_pause_ms = options->missed_pause,
        .decline_pause_ms = options->decline_pause,
        .owner_answer_ms = options->owner_answer,
        .reclaim_after_ms = options->reclaim_after,
        .preview_max_ms = options->preview_max,
        .after_call_max_ms = options->after_call_max,
        .contact_min_ms = options->contact_min,
        .window_overrun_ms = options->window_overrun,
        .presence_ttl_ms = options->presence_ttl,
        .call_ttl_ms = options->call_ttl,
        .live_wait_ttl_ms = options->live_wait_ttl,
        .inactivity_ms = options->inactivity,
        .still_waiting_ms = options->still_waiting,
        .idle_reset = (enum idle_reset)options->idle_reset,
        .holds_line = options->holds_line,
        .callback_beside = options->callback_beside,
    };
}

static const char *format_media(uint32_t media, char *text, size_t size)
{
    size_t used = 0;

    snprintf(text, size, "none");
    for (int i = 0; i < media_count && used < size; i++) {
        if ((media & 1U << media_names[i].media) != 0)
            used += (size_t)snprintf(text + used, size - used, "%s%s", used == 0 ? "" : ",",
                                     media_names[i].name);
    }
    return text;
}

static const char *format_choice(const char *choices, int index, char *text, size_t size)
{
    for (; index > 0; index--)
        choices = strchr(choices, '|') + 1;
    snprintf(text, size, "%.*s", (int)strcspn(choices, "|"), choices);
    return text;
}

/* people: with units; else the plain number. */
static const char *format_value(const struct options *options, const struct option_row *row,
                                bool people, char *text, size_t size)
{
    const void *field = const_field_of(options, row);

    switch (row->type) {
    case OPTION_TYPE_TEXT: snprintf(text, size, "%s", *(const char *const *)field); return text;
    case OPTION_TYPE_INT:
    case OPTION_TYPE_MS: break;
    case OPTION_TYPE_DURATION:
        if (!people)
            break;
        return value_format_duration(*(const int64_t *)field, text, size);
    case OPTION_TYPE_SIZE:
        if (!people)
            break;
        return value_format_size(*(const int64_t *)field, text, size);
    case OPTION_TYPE_BOOL:
        snprintf(text, size, "%s", *(const bool *)field ? "true" : "false");
        return text;
    case OPTION_TYPE_CHOICE: return format_choice(row->choices, *(const int *)field, text, size);
    case OPTION_TYPE_MEDIA: return format_media(*(const uint32_t *)field, text, size);
    }
    snprintf(text, size, "%" PRId64, *(const int64_t *)field);
    return text;
}

const char *options_value(const struct options *options, enum option option, char *text,
                          size_t size)
{
    const struct option_row *row = &option_rows[option];

    if ((row->flags & OPTION_SECRET) != 0)
        return options_hide_password(*(const char *const *)const_field_of(options, row), text,
                                     size);
    return format_value(options, row, true, text, size);
}

static int by_key(const void *a, const void *b)
{
    return strcmp((*(const struct option_row *const *)a)->key,
                  (*(const struct option_row *const *)b)->key);
}

const char *options_decides_text(const struct options *options, struct arena *arena)
{
    const struct option_row *rows[OPTION_COUNT];
    size_t count = 0;
    char *text = arena_format(arena, "%s", "");

    for (int i = 0; i < OPTION_COUNT; i++) {
        if ((option_rows[i].flags & OPTION_DECIDES) != 0)
            rows[count++] = &option_rows[i];
    }
    qsort(rows, count, sizeof(rows[0]), by_key);
    for (size_t i = 0; i < count; i++) {
        char value[300];

        text = arena_format(arena, "%s%s=%s\n", text, rows[i]->key,
                            format_value(options, rows[i], false, value, sizeof(value)));
    }
    return text;
}

uint64_t options_decides_hash(const char *text)
{
    return XXH3_64bits(text, strlen(text));
}

static enum err read_decides_line(struct options *options, char *line, struct err_note *note)
{
    char *value = strchr(line, '=');
    enum option option = OPTION_COUNT;
    const struct option_row *row;
    enum err err;

    if (value != NULL) {
        *value++ = '\0';
        option = options_find(line);
    }
    if (option == OPTION_COUNT || (option_rows[option].flags & OPTION_DECIDES) == 0)
        return FAIL(note, ERR_BAD_STATE,
                    "options of the journal: \"%.100s\" is no option of this version; replay with"
                    " the version that wrote the journal",
                    line);
    row = &option_rows[option];
    if (row->type == OPTION_TYPE_DURATION || row->type == OPTION_TYPE_SIZE)
        err = value_int(value, row->min, row->max, field_of(options, row), note);
    else
        err = set_value(options, row, value, note);
    if (err == ERR_OK)
        return ERR_OK;
    if (note != NULL)
        note->err = ERR_BAD_STATE;
    return note == NULL ? ERR_BAD_STATE : err_prefix(note, "options of the journal: %s: ", line);
}

enum err options_decides_read(struct options *options, struct slice text, struct err_note *note)
{
    char *at = arena_text(&options->arena, text);

    if (text.size > 0)
        options->trace_begin = 0; /* who did not name it is older than it, and began none */
    if (text.size > 0 && memchr(text.data, '\0', text.size) != NULL)
        return FAIL(note, ERR_BAD_STATE, "options of the journal: a zero byte");
    while (*at != '\0') {
        char *end = at + strcspn(at, "\n");
        bool last = *end == '\0';

        *end = '\0';
        TRY(read_decides_line(options, at, note));
        at = last ? end : end + 1;
    }
    if (framing_set_topics(&options->framing, options->framing_confluent, note) != ERR_OK ||
        framing_set_ids(&options->framing, options->framing_schema_ids, note) != ERR_OK) {
        if (note != NULL)
            note->err = ERR_BAD_STATE;
        return note == NULL ? ERR_BAD_STATE : err_prefix(note, "options of the journal: ");
    }
    return ERR_OK;
}
