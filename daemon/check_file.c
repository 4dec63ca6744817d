#include "daemon/check_file.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/near.h"
#include "daemon/settings_zone.h"
#include "daemon/value.h"
#include "state/limits.h"
#include "state/reasons.h"
#include "state/text.h"
#include "state/zones.h"

enum { file_bytes_max = 4 << 20, text_bytes_max = 600, day_count_max = 4000 };

struct reader {
    struct check_story *story;
    yaml_document_t *document;
    const char *where; /* "events: 3" */
};

/* --- nodes and problems --- */

static yaml_node_t *node_at(struct reader *reader, int index)
{
    return yaml_document_get_node(reader->document, index);
}

static void add_problem(struct check_story *story, struct settings_problem problem)
{
    story->problems =
        memory_grow(story->problems, (story->problem_count + 1) * sizeof(*story->problems),
                    "problems of a story");
    story->problems[story->problem_count++] = problem;
}

static void problem(struct reader *reader, const yaml_node_t *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void problem(struct reader *reader, const yaml_node_t *node, const char *format, ...)
{
    struct arena *arena = &reader->story->arena;
    char text[text_bytes_max];
    va_list list;

    va_start(list, format);
    vsnprintf(text, sizeof(text), format, list);
    va_end(list);
    add_problem(reader->story,
                (struct settings_problem){.line = (int)node->start_mark.line + 1,
                                          .column = (int)node->start_mark.column + 1,
                                          .where = arena_text(arena, slice_text(reader->where)),
                                          .text = arena_text(arena, slice_text(text)),
                                          .rule = ""});
}

static const char *kind_of(const yaml_node_t *node)
{
    if (node->type == YAML_MAPPING_NODE)
        return "a mapping";
    return node->type == YAML_SEQUENCE_NODE ? "a list" : "a plain value";
}

/* NULL and a problem if node is no scalar, or empty. */
static const char *scalar(struct reader *reader, const yaml_node_t *node)
{
    const char *text;

    if (node->type != YAML_SCALAR_NODE) {
        problem(reader, node, "a plain value is expected here, not %s", kind_of(node));
        return NULL;
    }
    text = (const char *)node->data.scalar.value;
    if (text[0] == '\0' || strlen(text) != node->data.scalar.length) {
        problem(reader, node, "has no value");
        return NULL;
    }
    return text;
}

static char *keep(struct reader *reader, const char *text)
{
    return arena_text(&reader->story->arena, slice_text(text));
}

static bool is_list(struct reader *reader, const yaml_node_t *node, yaml_node_type_t type)
{
    if (node->type == type)
        return true;
    problem(reader, node, "%s is expected here, not %s",
            type == YAML_SEQUENCE_NODE ? "a list" : "a mapping", kind_of(node));
    return false;
}

/* The value of a key of a mapping, NULL: not there. */
static const yaml_node_t *find(struct reader *reader, const yaml_node_t *mapping, const char *key)
{
    for (const yaml_node_pair_t *pair = mapping->data.mapping.pairs.start;
         pair < mapping->data.mapping.pairs.top; pair++) {
        const yaml_node_t *name = node_at(reader, pair->key);

        if (name->type == YAML_SCALAR_NODE && strcmp((char *)name->data.scalar.value, key) == 0)
            return node_at(reader, pair->value);
    }
    return NULL;
}

/* --- times --- */

/* count digits, then what follows; -1: they are no digits. */
static int64_t digits(const char **text, int count)
{
    int64_t number = 0;

    for (int at = 0; at < count; at++, (*text)++) {
        if (!isdigit((unsigned char)**text))
            return -1;
        number = number * 10 + (**text - '0');
    }
    return number;
}

/* "2026-03-02": days since 1970; *text moves behind it. */
static bool read_date(const char **text, int64_t *days)
{
    const char *at = *text;
    int64_t year = digits(&at, 4), month, day, back_year;
    int back_month, back_day;

    if (year < 1970 || *at++ != '-')
        return false;
    month = digits(&at, 2);
    if (month < 1 || month > 12 || *at++ != '-')
        return false;
    day = digits(&at, 2);
    if (day < 1 || day > 31)
        return false;
    *days = clock_days(year, (int)month, (int)day);
    clock_date(*days, &back_year, &back_month, &back_day);
    *text = at;
    return back_month == (int)month;
}

/* "09:01:30", "09:01", "09:01:30.250" to its end. */
static bool read_clock(const char *text, int64_t *ms)
{
    int64_t hours = digits(&text, 2), minutes, seconds = 0, part = 0;

    if (hours < 0 || hours > 23 || *text++ != ':')
        return false;
    minutes = digits(&text, 2);
    if (minutes < 0 || minutes > 59)
        return false;
    if (*text == ':') {
        text++;
        seconds = digits(&text, 2);
    }
    if (*text == '.') {
        text++;
        part = digits(&text, 3);
    }
    *ms = ((hours * 60 + minutes) * 60 + seconds) * 1000 + part;
    return *text == '\0' && seconds >= 0 && seconds <= 59 && part >= 0;
}

/* By the clocks of the story's zone: "09:01:30", "day 3 09:01:30", "2026-03-02 09:01:30". */
static bool read_local(struct reader *reader, const char *text, int64_t *local_ms)
{
    int64_t day_ms = reader->story->day_ms, days = 0, clock_ms;
    const char *at = text;

    if (strncmp(text, "day ", 4) == 0) {
        char *end;

        days = strtol(text + 4, &end, 10);
        if (days < 1 || days > day_count_max || *end != ' ')
            return false;
        day_ms += (days - 1) * DAY_MS;
        at = end + 1;
    } else if (read_date(&at, &days)) {
        if (*at++ != ' ')
            return false;
        day_ms = days * DAY_MS;
    }
    if (!read_clock(at, &clock_ms))
        return false;
    *local_ms = day_ms + clock_ms;
    return true;
}

static bool read_time(struct reader *reader, const yaml_node_t *node, int64_t *utc_ms)
{
    const char *text = scalar(reader, node);
    int64_t local_ms;

    if (text == NULL)
        return false;
    if (!read_local(reader, text, &local_ms)) {
        problem(reader, node,
                "\"%.60s\" is no time; write 09:01:30, day 2 09:01:30 or 2026-03-02 09:01:30",
                text);
        return false;
    }
    *utc_ms = reader->story->zone == NULL ? local_ms : zone_utc(reader->story->zone, local_ms);
    return true;
}

const char *check_time_text(const struct check_story *story, int64_t at_ms, struct arena *arena)
{
    int64_t local = story->zone == NULL ? at_ms : zone_local(story->zone, at_ms);
    int64_t day = (local - story->day_ms) / DAY_MS, ms = (local - story->day_ms) % DAY_MS;
    char part[10] = "", days[30] = "";

    if (ms < 0) {
        ms += DAY_MS;
        day--;
    }
    if (ms % 1000 != 0)
        snprintf(part, sizeof(part), ".%03d", (int)(ms % 1000));
    if (day != 0)
        snprintf(days, sizeof(days), "day %lld ", (long long)day + 1);
    return arena_format(arena, "%s%02d:%02d:%02d%s", days, (int)(ms / HOUR_MS),
                        (int)(ms / MINUTE_MS % 60), (int)(ms / SECOND_MS % 60), part);
}

/* --- values --- */

static bool is_id(struct reader *reader, const yaml_node_t *node, const char *text)
{
    if (ident_valid(slice_text(text)))
        return true;
    problem(reader, node,
            "\"%.140s\" is no id; allowed: 1 to %" PRId64 " of letters, digits and ._@:/+-", text,
            LIMIT_ID_BYTES_MAX);
    return false;
}

static bool read_reason(struct reader *reader, const yaml_node_t *node, int *reason)
{
    const ProtobufCEnumDescriptor *type = &ringback__v1__reason__descriptor;
    const char *text = scalar(reader, node);
    struct near near;
    char hint[200];

    if (text == NULL)
        return false;
    near_init(&near, text);
    for (unsigned at = 0; at < type->n_values; at++) {
        const char *name = type->values[at].name + strlen("REASON_");

        near_offer(&near, name);
        if (strcmp(name, text) == 0 && type->values[at].value != 0) {
            *reason = type->values[at].value;
            return true;
        }
    }
    problem(reader, node, "there is no reason \"%.60s\"%s; docs/reasons.md lists them", text,
            near_hint(&near, "", hint, sizeof(hint)));
    return false;
}

static bool read_ids(struct reader *reader, const yaml_node_t *node, struct check_value *value)
{
    size_t count;

    if (!is_list(reader, node, YAML_SEQUENCE_NODE))
        return false;
    count = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
    value->items = arena_alloc(&reader->story->arena, (count + 1) * sizeof(*value->items));
    for (size_t at = 0; at < count; at++) {
        const yaml_node_t *entry = node_at(reader, node->data.sequence.items.start[at]);
        const char *text = scalar(reader, entry);

        if (text == NULL || !is_id(reader, entry, text))
            return false;
        value->items[value->item_count++] = keep(reader, text);
    }
    return true;
}

static bool read_scores(struct reader *reader, const yaml_node_t *node, struct check_value *value)
{
    size_t count;

    if (!is_list(reader, node, YAML_MAPPING_NODE))
        return false;
    count = (size_t)(node->data.mapping.pairs.top - node->data.mapping.pairs.start);
    value->items = arena_alloc(&reader->story->arena, (count + 1) * sizeof(*value->items));
    value->numbers = arena_alloc(&reader->story->arena, (count + 1) * sizeof(*value->numbers));
    for (size_t at = 0; at < count; at++) {
        const yaml_node_pair_t *pair = &node->data.mapping.pairs.start[at];
        const char *agent = scalar(reader, node_at(reader, pair->key));
        const char *score = scalar(reader, node_at(reader, pair->value));
        struct err_note note;

        if (agent == NULL || score == NULL || !is_id(reader, node_at(reader, pair->key), agent))
            return false;
        if (value_int(score, 0, LIMIT_SCORE_MAX, &value->numbers[at], &note) != ERR_OK) {
            problem(reader, node_at(reader, pair->value), "%s", note.text);
            return false;
        }
        value->items[value->item_count++] = keep(reader, agent);
    }
    return true;
}

static void take_problems(struct check_story *story, const struct settings *settings)
{
    for (size_t at = 0; at < settings->problem_count; at++) {
        struct settings_problem found = settings->problems[at];

        if (found.warning)
            continue;
        found.where = arena_text(&story->arena, slice_text(found.where));
        found.text = arena_text(&story->arena, slice_text(found.text));
        add_problem(story, found);
    }
}

static bool read_settings(struct reader *reader, const yaml_node_t *node, struct settings *settings)
{
    struct err_note note;
    enum err err;

    if (!is_list(reader, node, YAML_MAPPING_NODE))
        return false;
    err = settings_read_domain(settings, reader->story->path, reader->document, node,
                               reader->story->domain, &note);
    take_problems(reader->story, settings);
    return err == ERR_OK;
}

static bool read_inner_settings(struct reader *reader, const yaml_node_t *node,
                                struct check_value *value)
{
    value->settings = arena_alloc(&reader->story->arena, sizeof(*value->settings));
    settings_init(value->settings);
    if (read_settings(reader, node, value->settings))
        return true;
    settings_deinit(value->settings);
    return false;
}

static bool read_plain(struct reader *reader, const yaml_node_t *node, const char *text,
                       struct check_value *value)
{
    const struct check_param *param = value->param;
    struct err_note note = {.err = ERR_OK};
    bool on = false;
    int choice = 0, reason = 0;
    enum err err = ERR_OK;

    if (param->type == CHECK_TYPE_DURATION) {
        err = value_duration(text, 0, 400 * DAY_MS, &value->number, &note);
    } else if (param->type == CHECK_TYPE_COUNT) {
        err = value_int(text, INT32_MIN, INT64_MAX, &value->number, &note);
    } else if (param->type == CHECK_TYPE_SWITCH) {
        err = value_bool(text, &on, &note);
        value->number = on;
    } else if (param->type == CHECK_TYPE_CHOICE) {
        err = value_choice(text, param->choices, &choice, &note);
        value->number = choice + 1;
    } else if (param->type == CHECK_TYPE_REASON) {
        if (!read_reason(reader, node, &reason))
            return false;
        value->number = reason;
    } else if (param->type == CHECK_TYPE_LOCAL) {
        if (!read_local(reader, text, &value->number))
            err = FAIL(&note, ERR_BAD_OPTION,
                       "\"%.60s\" is no local time; write 2026-03-29 02:30:00", text);
    } else if (param->type != CHECK_TYPE_TEXT) {
        return is_id(reader, node, text);
    }
    if (err != ERR_OK)
        problem(reader, node, "%s", note.text);
    return err == ERR_OK;
}

static bool read_value(struct reader *reader, const yaml_node_t *node, struct check_value *value)
{
    const char *text;

    switch (value->param->type) {
    case CHECK_TYPE_IDS: return read_ids(reader, node, value);
    case CHECK_TYPE_SCORES: return read_scores(reader, node, value);
    case CHECK_TYPE_SETTINGS: return read_inner_settings(reader, node, value);
    case CHECK_TYPE_TIME:
        if (!read_time(reader, node, &value->number))
            return false;
        value->text = keep(reader, (const char *)node->data.scalar.value);
        return true;
    case CHECK_TYPE_ID:
    case CHECK_TYPE_TEXT:
    case CHECK_TYPE_NAME:
    case CHECK_TYPE_CALLER:
    case CHECK_TYPE_LOCAL:
    case CHECK_TYPE_DURATION:
    case CHECK_TYPE_COUNT:
    case CHECK_TYPE_SWITCH:
    case CHECK_TYPE_CHOICE:
    case CHECK_TYPE_REASON:
    case CHECK_TYPE_END: break;
    }
    text = scalar(reader, node);
    if (text == NULL)
        return false;
    value->text = keep(reader, text);
    return read_plain(reader, node, text, value);
}

/* --- lines: what events and expectations share --- */

static const struct check_param *find_param(const struct check_param *params, const char *key)
{
    for (; params->key != NULL; params++) {
        if (strcmp(params->key, key) == 0)
            return params;
    }
    return NULL;
}

/* Keys that every event, every expectation may have; beside its subject's. */
static const char *const event_keys[] = {"at", "does", "answer", "request", NULL};
static const char *const expect_keys[] = {"at", "is", "never", "from", "to", NULL};

static bool is_common(const char *const *common, const char *key)
{
    for (; *common != NULL; common++) {
        if (strcmp(*common, key) == 0)
            return true;
    }
    return false;
}

static void unknown_key(struct reader *reader, const yaml_node_t *node, const char *key,
                        const char *const *common, const struct check_param *params)
{
    struct near near;
    char hint[200];

    near_init(&near, key);
    for (; *common != NULL; common++)
        near_offer(&near, *common);
    for (; params->key != NULL; params++)
        near_offer(&near, params->key);
    problem(reader, node, "unknown key \"%.60s\"%s", key, near_hint(&near, "", hint, sizeof(hint)));
}

static const char *plain_text(const yaml_node_t *node)
{
    if (node->type == YAML_SCALAR_NODE)
        return (const char *)node->data.scalar.value;
    return node->type == YAML_SEQUENCE_NODE ? "[...]" : "{...}";
}

/* "[sales, support]", so that people read what the file says. */
static const char *shown_value(struct reader *reader, const yaml_node_t *node)
{
    struct arena *arena = &reader->story->arena;
    const char *text = "";

    if (node->type != YAML_SEQUENCE_NODE)
        return plain_text(node);
    for (const yaml_node_item_t *item = node->data.sequence.items.start;
         item < node->data.sequence.items.top; item++)
        text = arena_format(arena, "%s%s%s", text, text[0] == '\0' ? "" : ", ",
                            plain_text(node_at(reader, *item)));
    return arena_format(arena, "[%s]", text);
}

/* The words that are neither the subject nor common, and the text for people. */
static void read_params(struct reader *reader, const yaml_node_t *node, enum check_subject subject,
                        const char *const *common, const struct check_param *params,
                        struct check_line *line)
{
    struct arena *arena = &reader->story->arena;
    size_t count = (size_t)(node->data.mapping.pairs.top - node->data.mapping.pairs.start);

    line->values = arena_zalloc(arena, (count + 1) * sizeof(*line->values));
    for (size_t at = 0; at < count; at++) {
        const yaml_node_pair_t *pair = &node->data.mapping.pairs.start[at];
        const yaml_node_t *name = node_at(reader, pair->key);
        const yaml_node_t *given = node_at(reader, pair->value);
        const char *key = scalar(reader, name);
        struct check_value *value = &line->values[line->value_count];

        if (key == NULL || is_common(common, key) || strcmp(key, check_subject_word(subject)) == 0)
            continue;
        *value = (struct check_value){.param = find_param(params, key)};
        if (value->param == NULL) {
            unknown_key(reader, name, key, common, params);
        } else if (check_value(line, key) != NULL) {
            problem(reader, name, "\"%.60s\" is there twice", key);
        } else if (read_value(reader, given, value)) {
            line->value_count++;
            line->text =
                arena_format(arena, "%s, %s %s", line->text, key, shown_value(reader, given));
        }
    }
    for (; params->key != NULL; params++) {
        if (params->required && find(reader, node, params->key) == NULL)
            problem(reader, node, "`%s` is missing", params->key);
    }
}

/* The one subject that the mapping names. */
static bool read_subject(struct reader *reader, const yaml_node_t *node, bool event,
                         enum check_subject *subject, const char **id)
{
    /* An agent or a queue may also be a word of what another does or is: they come last. */
    static const enum check_subject acting[] = {CHECK_CALLER,        CHECK_CUSTOMER,
                                                CHECK_SUPERVISOR,    CHECK_CAMPAIGN,
                                                CHECK_ADMINISTRATOR, CHECK_AGENT};
    static const enum check_subject told[] = {CHECK_CALLBACK, CHECK_CALLER, CHECK_QUEUE};
    const enum check_subject *of = event ? acting : told;
    size_t count = event ? sizeof(acting) / sizeof(*acting) : sizeof(told) / sizeof(*told);
    const yaml_node_t *found = NULL;

    for (size_t at = 0; at < count && found == NULL; at++) {
        found = find(reader, node, check_subject_word(of[at]));
        *subject = of[at];
    }
    if (found == NULL) {
        problem(reader, node, "%s",
                event ? "who does it? Name an agent, caller, customer, supervisor, campaign or"
                        " administrator"
                      : "whom is it about? Name a callback, caller or queue");
        return false;
    }
    *id = scalar(reader, found);
    if (*id == NULL || !is_id(reader, found, *id))
        return false;
    *id = keep(reader, *id);
    return true;
}

static const struct check_verb *find_verb(struct reader *reader, const yaml_node_t *node,
                                          enum check_subject subject, const char *word)
{
    struct near near;
    char hint[200];

    near_init(&near, word);
    for (const struct check_verb *verb = check_verbs; verb->word != NULL; verb++) {
        if (verb->subject != subject)
            continue;
        if (strcmp(verb->word, word) == 0)
            return verb;
        near_offer(&near, verb->word);
    }
    problem(reader, node, "no %s does \"%.60s\"%s", check_subject_word(subject), word,
            near_hint(&near, "", hint, sizeof(hint)));
    return NULL;
}

static const struct check_word *find_word(struct reader *reader, const yaml_node_t *node,
                                          enum check_subject subject, const char *word)
{
    struct near near;
    char hint[200];

    near_init(&near, word);
    for (const struct check_word *at = check_words; at->word != NULL; at++) {
        if (at->subject != subject)
            continue;
        if (strcmp(at->word, word) == 0)
            return at;
        near_offer(&near, at->word);
    }
    problem(reader, node, "no %s is \"%.60s\"%s", check_subject_word(subject), word,
            near_hint(&near, "", hint, sizeof(hint)));
    return NULL;
}

static void read_answer(struct reader *reader, const yaml_node_t *node, struct check_event *event)
{
    const yaml_node_t *answer = find(reader, node, "answer");
    const yaml_node_t *request = find(reader, node, "request");
    const char *text;

    if ((answer != NULL || request != NULL) && !event->verb->asks && !event->verb->may_ask) {
        problem(reader, answer != NULL ? answer : request,
                "\"%s\" is no request: it is not answered", event->verb->word);
        return;
    }
    if (request != NULL) {
        text = scalar(reader, request);
        if (text != NULL && is_id(reader, request, text))
            event->request = keep(reader, text);
    }
    if (answer == NULL)
        return;
    if (answer->type == YAML_SCALAR_NODE && strcmp((char *)answer->data.scalar.value, "done") == 0)
        return;
    (void)read_reason(reader, answer, &event->answer);
}

static void read_event(struct reader *reader, const yaml_node_t *node, struct check_event *event)
{
    const yaml_node_t *at, *does;
    enum check_subject subject = CHECK_SUBJECT_COUNT;
    const char *word;

    if (!is_list(reader, node, YAML_MAPPING_NODE))
        return;
    event->is.line = (int)node->start_mark.line + 1;
    at = find(reader, node, "at");
    does = find(reader, node, "does");
    if (at == NULL)
        problem(reader, node, "`at` is missing: when does it happen?");
    else
        (void)read_time(reader, at, &event->is.at_ms);
    if (!read_subject(reader, node, true, &subject, &event->is.subject))
        return;
    if (does == NULL) {
        problem(reader, node, "`does` is missing: what does the %s do?",
                check_subject_word(subject));
        return;
    }
    word = scalar(reader, does);
    event->verb = word == NULL ? NULL : find_verb(reader, does, subject, word);
    if (event->verb == NULL)
        return;
    event->is.text = arena_format(&reader->story->arena, "%s %s: %s", check_subject_word(subject),
                                  event->is.subject, word);
    read_params(reader, node, subject, event_keys, event->verb->params, &event->is);
    read_answer(reader, node, event);
}

/* When it must come, or from when to when it must not. */
static void read_when(struct reader *reader, const yaml_node_t *node, struct check_expect *expect)
{
    const yaml_node_t *at = find(reader, node, "at");
    const yaml_node_t *from = find(reader, node, "from"), *to = find(reader, node, "to");

    expect->from_ms = INT64_MIN;
    expect->to_ms = INT64_MAX;
    if (expect->never) {
        if (at != NULL)
            problem(reader, at, "what never comes has no time; `from` and `to` say how long");
        if (from != NULL)
            (void)read_time(reader, from, &expect->from_ms);
        if (to != NULL)
            (void)read_time(reader, to, &expect->to_ms);
        return;
    }
    if (from != NULL || to != NULL)
        problem(reader, from != NULL ? from : to, "`from` and `to` belong to `never`");
    if (at == NULL)
        problem(reader, node, "`at` is missing: when must it come?");
    else
        (void)read_time(reader, at, &expect->is.at_ms);
}

static void read_expect(struct reader *reader, const yaml_node_t *node, struct check_expect *expect)
{
    const yaml_node_t *is, *never;
    enum check_subject subject = CHECK_SUBJECT_COUNT;
    const char *word;

    if (!is_list(reader, node, YAML_MAPPING_NODE))
        return;
    expect->is.line = (int)node->start_mark.line + 1;
    is = find(reader, node, "is");
    never = find(reader, node, "never");
    expect->never = never != NULL;
    read_when(reader, node, expect);
    if (!read_subject(reader, node, false, &subject, &expect->is.subject))
        return;
    if ((is == NULL) == (never == NULL)) {
        problem(reader, node, "either `is` or `never` says what must, or must not, come out");
        return;
    }
    word = scalar(reader, is != NULL ? is : never);
    expect->word = word == NULL ? NULL : find_word(reader, is != NULL ? is : never, subject, word);
    if (expect->word == NULL)
        return;
    expect->is.text =
        arena_format(&reader->story->arena, "%s %s%s: %s", check_subject_word(subject),
                     expect->is.subject, expect->never ? " never" : "", word);
    read_params(reader, node, subject, expect_keys, expect->word->params, &expect->is);
}

/* --- names --- */

static bool makes(const struct check_story *story, const char *name)
{
    for (size_t at = 0; at < story->event_count; at++) {
        const struct check_event *event = &story->events[at];

        if (event->verb != NULL && event->verb->creates &&
            strcmp(check_text(&event->is, "callback", event->is.subject), name) == 0)
            return true;
    }
    return false;
}

static bool has_caller(const struct check_story *story, const char *name)
{
    for (size_t at = 0; at < story->event_count; at++) {
        const struct check_event *event = &story->events[at];

        if (event->verb != NULL && event->verb->subject == CHECK_CALLER &&
            strcmp(event->is.subject, name) == 0)
            return true;
    }
    return false;
}

static void missing_name(struct check_story *story, int line, const char *name)
{
    struct near near;
    char hint[200];
    const char *where = "callbacks", *text;

    near_init(&near, name);
    for (size_t at = 0; at < story->event_count; at++) {
        const struct check_event *event = &story->events[at];

        if (event->verb != NULL && event->verb->creates)
            near_offer(&near, check_text(&event->is, "callback", event->is.subject));
    }
    text = arena_format(&story->arena, "no event makes a callback \"%s\"%s", name,
                        near_hint(&near, "", hint, sizeof(hint)));
    add_problem(story, (struct settings_problem){
                           .line = line, .column = 1, .where = where, .text = text, .rule = ""});
}

static void check_names(struct check_story *story, const struct check_line *line, bool creates)
{
    for (size_t at = 0; at < line->value_count; at++) {
        const struct check_value *value = &line->values[at];

        if (value->param->type == CHECK_TYPE_NAME && !creates && !makes(story, value->text))
            missing_name(story, line->line, value->text);
        if (value->param->type == CHECK_TYPE_CALLER && !makes(story, value->text) &&
            !has_caller(story, value->text))
            missing_name(story, line->line, value->text);
    }
}

static void check_all_names(struct check_story *story)
{
    for (size_t at = 0; at < story->event_count; at++) {
        const struct check_event *event = &story->events[at];

        if (event->verb == NULL)
            continue;
        check_names(story, &event->is, event->verb->creates);
        if (event->verb->subject == CHECK_CUSTOMER && !makes(story, event->is.subject))
            missing_name(story, event->is.line, event->is.subject);
    }
    for (size_t at = 0; at < story->expect_count; at++) {
        const struct check_expect *expect = &story->expects[at];

        if (expect->word != NULL && expect->word->subject == CHECK_CALLBACK &&
            !makes(story, expect->is.subject))
            missing_name(story, expect->is.line, expect->is.subject);
    }
}

/* --- the head of the file --- */

static void read_title(struct reader *reader, const yaml_node_t *node)
{
    const char *text = scalar(reader, node);

    reader->story->title = text == NULL ? "" : keep(reader, text);
}

static void read_rules(struct reader *reader, const yaml_node_t *node)
{
    struct check_story *story = reader->story;
    size_t count;

    if (!is_list(reader, node, YAML_SEQUENCE_NODE))
        return;
    count = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
    story->rules = arena_alloc(&story->arena, (count + 1) * sizeof(*story->rules));
    for (size_t at = 0; at < count; at++) {
        const yaml_node_t *entry = node_at(reader, node->data.sequence.items.start[at]);
        const char *text = scalar(reader, entry);

        if (text == NULL)
            continue;
        if (strspn(text, "0123456789.") != strlen(text) || strchr(text, '.') == NULL)
            problem(reader, entry, "\"%.20s\" is no rule's number, such as 1.6", text);
        story->rules[story->rule_count++] = keep(reader, text);
    }
}

static void read_day(struct reader *reader, const yaml_node_t *node)
{
    const char *text = scalar(reader, node);
    int64_t days = 0;

    if (text == NULL)
        return;
    if (!read_date(&text, &days) || *text != '\0')
        problem(reader, node, "\"%.40s\" is no day; write it as 2026-03-02",
                (const char *)node->data.scalar.value);
    else
        reader->story->day_ms = days * DAY_MS;
}

static void read_zone(struct reader *reader, const yaml_node_t *node)
{
    const char *text = scalar(reader, node);
    Ringback__V1__ZoneTable *table;

    if (text == NULL)
        return;
    table = arena_alloc(&reader->story->arena, sizeof(*table));
    ringback__v1__zone_table__init(table);
    if (settings_zone_table(text, table, &reader->story->arena))
        reader->story->zone = table;
    else
        problem(reader, node,
                "\"%.60s\" is no time zone; names are those of IANA, such as"
                " Europe/Berlin",
                text);
}

static void read_domain(struct reader *reader, const yaml_node_t *node)
{
    const char *text = scalar(reader, node);

    if (text != NULL && is_id(reader, node, text))
        reader->story->domain = keep(reader, text);
}

static void read_options(struct reader *reader, const yaml_node_t *node)
{
    if (!is_list(reader, node, YAML_MAPPING_NODE))
        return;
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *name = node_at(reader, pair->key);
        const char *key = scalar(reader, name);
        const char *value = key == NULL ? NULL : scalar(reader, node_at(reader, pair->value));
        const struct option_origin origin = {OPTION_SOURCE_FLAG, NULL, 0};
        enum option option;
        struct err_note note;

        if (value == NULL)
            continue;
        option = options_find(key);
        if (option != OPTION_COUNT && !(option_rows[option].flags & OPTION_DECIDES))
            problem(reader, name, "\"%.60s\" decides nothing: it is not for stories", key);
        else if (options_set(&reader->story->options, key, value, origin, &note) != ERR_OK)
            problem(reader, name, "%s", note.text);
    }
}

/* A mapping as in the settings file under a domain, or the name of such a file. */
static void read_story_settings(struct reader *reader, const yaml_node_t *node)
{
    struct check_story *story = reader->story;
    const char *text, *slash = strrchr(story->path, '/');
    struct err_note note;

    if (node->type != YAML_SCALAR_NODE) {
        (void)read_settings(reader, node, &story->settings);
        return;
    }
    text = scalar(reader, node);
    if (text == NULL)
        return;
    if (text[0] != '/' && slash != NULL)
        text =
            arena_format(&story->arena, "%.*s/%s", (int)(slash - story->path), story->path, text);
    if (settings_read(&story->settings, keep(reader, text), &note) != ERR_OK)
        problem(reader, node, "%s", note.text);
}

static void read_complete(struct reader *reader, const yaml_node_t *node)
{
    struct check_story *story = reader->story;

    if (!is_list(reader, node, YAML_SEQUENCE_NODE))
        return;
    for (size_t at = 0; check_words[at].word != NULL; at++)
        story->strict[at] = false;
    for (const yaml_node_item_t *item = node->data.sequence.items.start;
         item < node->data.sequence.items.top; item++) {
        const yaml_node_t *entry = node_at(reader, *item);
        const char *text = scalar(reader, entry);
        bool found = false;

        for (size_t at = 0; text != NULL && check_words[at].word != NULL; at++) {
            if (strcmp(check_words[at].word, text) == 0)
                story->strict[at] = found = true;
        }
        if (text != NULL && !found)
            problem(reader, entry, "nothing is \"%.60s\"", text);
    }
}

static void read_until(struct reader *reader, const yaml_node_t *node)
{
    (void)read_time(reader, node, &reader->story->until_ms);
}

static void read_events(struct reader *reader, const yaml_node_t *node)
{
    struct check_story *story = reader->story;
    size_t count;

    if (!is_list(reader, node, YAML_SEQUENCE_NODE))
        return;
    count = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
    story->events = arena_zalloc(&story->arena, (count + 1) * sizeof(*story->events));
    for (size_t at = 0; at < count; at++) {
        reader->where = arena_format(&story->arena, "event %zu", at + 1);
        story->events[at].order = at;
        story->event_count = at + 1;
        read_event(reader, node_at(reader, node->data.sequence.items.start[at]),
                   &story->events[at]);
    }
}

static void read_expects(struct reader *reader, const yaml_node_t *node)
{
    struct check_story *story = reader->story;
    size_t count;

    if (!is_list(reader, node, YAML_SEQUENCE_NODE))
        return;
    count = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
    story->expects = arena_zalloc(&story->arena, (count + 1) * sizeof(*story->expects));
    for (size_t at = 0; at < count; at++) {
        reader->where = arena_format(&story->arena, "expect %zu", at + 1);
        story->expect_count = at + 1;
        read_expect(reader, node_at(reader, node->data.sequence.items.start[at]),
                    &story->expects[at]);
    }
}

/* In the order in which they are read, wherever they stand: times need date and zone, settings
 * their domain. */
static const struct {
    const char *key;
    void (*read)(struct reader *reader, const yaml_node_t *node);
    bool required;
} parts[] = {
    {"story", read_title, true},      {"rules", read_rules, false},
    {"about", read_title, false},     {"date", read_day, false},
    {"zone", read_zone, false},       {"domain", read_domain, false},
    {"options", read_options, false}, {"settings", read_story_settings, true},
    {"until", read_until, false},     {"complete", read_complete, false},
    {"events", read_events, true},    {"expect", read_expects, true},
};

enum { part_count = sizeof(parts) / sizeof(parts[0]) };

static void read_root(struct reader *reader, const yaml_node_t *root)
{
    struct near near;
    char hint[200];

    if (!is_list(reader, root, YAML_MAPPING_NODE))
        return;
    for (const yaml_node_pair_t *pair = root->data.mapping.pairs.start;
         pair < root->data.mapping.pairs.top; pair++) {
        const yaml_node_t *name = node_at(reader, pair->key);
        const char *key = scalar(reader, name);
        bool known = false;

        near_init(&near, key == NULL ? "" : key);
        for (int at = 0; key != NULL && at < part_count; at++) {
            known |= strcmp(key, parts[at].key) == 0;
            near_offer(&near, parts[at].key);
        }
        if (key != NULL && !known)
            problem(reader, name, "unknown key \"%.60s\"%s", key,
                    near_hint(&near, "", hint, sizeof(hint)));
    }
    for (int at = 0; at < part_count; at++) {
        const yaml_node_t *node = find(reader, root, parts[at].key);

        reader->where = parts[at].key;
        if (node != NULL && strcmp(parts[at].key, "about") != 0)
            parts[at].read(reader, node);
        else if (node == NULL && parts[at].required)
            problem(reader, root, "`%s` is missing", parts[at].key);
    }
    if (reader->story->problem_count == 0)
        check_all_names(reader->story);
}

static int compare_events(const void *a, const void *b)
{
    const struct check_event *left = a, *right = b;

    if (left->is.at_ms != right->is.at_ms)
        return left->is.at_ms < right->is.at_ms ? -1 : 1;
    if (left->verb->input != right->verb->input)
        return left->verb->input < right->verb->input ? -1 : 1;
    return left->order < right->order ? -1 : 1;
}

static int compare_problems(const void *a, const void *b)
{
    const struct settings_problem *left = a, *right = b;

    return left->line != right->line ? (left->line < right->line ? -1 : 1)
                                     : left->column - right->column;
}

/* Settings come a second before the first event; what comes is looked at until the last time that
 * anything names. */
static void set_times(struct check_story *story)
{
    int64_t first = INT64_MAX, last = story->until_ms;

    qsort(story->events, story->event_count, sizeof(*story->events), compare_events);
    for (size_t at = 0; at < story->event_count; at++) {
        first = story->events[at].is.at_ms < first ? story->events[at].is.at_ms : first;
        last = story->events[at].is.at_ms > last ? story->events[at].is.at_ms : last;
    }
    for (size_t at = 0; at < story->expect_count; at++) {
        const struct check_expect *expect = &story->expects[at];
        int64_t end = expect->never && expect->to_ms != INT64_MAX ? expect->to_ms : 0;

        last = expect->is.at_ms > last ? expect->is.at_ms : last;
        last = end > last ? end : last;
    }
    story->start_ms = first == INT64_MAX ? story->day_ms : first - SECOND_MS;
    story->until_ms = last;
}

static void read_document(struct check_story *story, yaml_parser_t *parser)
{
    yaml_document_t document;
    struct reader reader = {.story = story, .document = &document, .where = ""};
    yaml_node_t at = {.start_mark = {0}};
    yaml_node_t *root;

    if (!yaml_parser_load(parser, &document)) {
        at.start_mark = parser->problem_mark;
        problem(&reader, &at, "this is no YAML: %s%s%s",
                parser->problem == NULL ? "it cannot be read" : parser->problem,
                parser->context == NULL ? "" : " ", parser->context == NULL ? "" : parser->context);
        return;
    }
    root = yaml_document_get_root_node(&document);
    if (root == NULL)
        problem(&reader, &at, "the file is empty");
    else
        read_root(&reader, root);
    yaml_document_delete(&document);
}

static void init(struct check_story *story, const char *path)
{
    size_t words = 0;

    *story = (struct check_story){.path = path, .title = "", .domain = "shop"};
    arena_init(&story->arena);
    options_init(&story->options);
    settings_init(&story->settings);
    story->day_ms = clock_days(2026, 1, 5) * DAY_MS;
    while (check_words[words].word != NULL)
        words++;
    story->strict = arena_alloc(&story->arena, words * sizeof(*story->strict));
    for (size_t at = 0; at < words; at++)
        story->strict[at] = check_words[at].strict;
}

enum err check_story_text(struct check_story *story, const char *path, const char *text,
                          size_t size, struct err_note *note)
{
    yaml_parser_t parser;

    init(story, path);
    if (!yaml_parser_initialize(&parser))
        return FAIL(note, ERR_NO_MEMORY, "%s: no memory for the YAML parser", path);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
    read_document(story, &parser);
    yaml_parser_delete(&parser);
    if (story->problem_count == 0) {
        set_times(story);
        story->settings_domain = story->domain;
        return ERR_OK;
    }
    qsort(story->problems, story->problem_count, sizeof(*story->problems), compare_problems);
    return FAIL(note, ERR_BAD_SETTINGS, "%s:%d:%d: %s%s%s", path, story->problems[0].line,
                story->problems[0].column, story->problems[0].where,
                story->problems[0].where[0] == '\0' ? "" : ": ", story->problems[0].text);
}

enum err check_story_read(struct check_story *story, const char *path, struct err_note *note)
{
    FILE *file = fopen(path, "rb");
    char *text = NULL;
    size_t size = 0, got = 0;
    enum err err = ERR_OK;

    if (file == NULL) {
        init(story, path);
        return FAIL(note, ERR_IO, "%s cannot be opened: %s", path, strerror(errno));
    }
    do {
        text = memory_grow(text, size + 65536, "a story");
        got = fread(text + size, 1, 65536, file);
        size += got;
    } while (got > 0 && size < file_bytes_max);
    if (ferror(file) || size >= file_bytes_max) {
        init(story, path);
        err = FAIL(note, ERR_IO, "%s cannot be read, or is larger than %d MiB: is that the file?",
                   path, file_bytes_max >> 20);
    } else {
        err = check_story_text(story, path, text, size, note);
    }
    free(text);
    (void)fclose(file);
    return err;
}

static void drop_settings(struct check_line *line)
{
    for (size_t at = 0; at < line->value_count; at++) {
        if (line->values[at].settings != NULL)
            settings_deinit(line->values[at].settings);
    }
}

void check_story_deinit(struct check_story *story)
{
    for (size_t at = 0; at < story->event_count; at++)
        drop_settings(&story->events[at].is);
    free(story->problems);
    settings_deinit(&story->settings);
    options_deinit(&story->options);
    arena_deinit(&story->arena);
}

/* --- asking --- */

const struct check_value *check_value(const struct check_line *line, const char *key)
{
    for (size_t at = 0; at < line->value_count; at++) {
        if (strcmp(line->values[at].param->key, key) == 0)
            return &line->values[at];
    }
    return NULL;
}

const char *check_text(const struct check_line *line, const char *key, const char *absent)
{
    const struct check_value *value = check_value(line, key);

    return value == NULL ? absent : value->text;
}

int64_t check_number(const struct check_line *line, const char *key, int64_t absent)
{
    const struct check_value *value = check_value(line, key);

    return value == NULL ? absent : value->number;
}
