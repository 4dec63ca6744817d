/* Chapter 14: the limits, each at the limit, one below and one above. A limit of the table in
 * state/limits.h that no test here names fails the last test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "daemon/export.h"
#include "daemon/options.h"
#include "daemon/settings_file.h"
#include "state/internal.h"
#include "tests/support/story.h"

#define NONE REASON(UNSPECIFIED)

enum { LIMITS_MAX = 200 };

static const struct {
    const char *name;
    int64_t value;
} limit_rows[] = {
#define LIMIT_ROW_(name, value, rule, text) {#name, value},
    LIMIT_MAP(LIMIT_ROW_)
#undef LIMIT_ROW_
};

static bool tested[LIMITS_MAX];

/* The limit's value; it is tested by who asks. */
static int64_t limit(const char *name)
{
    for (size_t at = 0; at < sizeof(limit_rows) / sizeof(limit_rows[0]); at++) {
        if (strcmp(limit_rows[at].name, name) == 0) {
            tested[at] = true;
            return limit_rows[at].value;
        }
    }
    fail_msg("no limit %s", name);
    return 0;
}

/* --- the numbers of the rule book --- */

static void rule_14_1_the_table_says_what_the_book_says(void **state)
{
    static const struct {
        const char *name;
        int64_t value;
    } book[] = {
        {"SCHEDULE_AHEAD_MS", 2592000000},
        {"SCHEDULE_DEFAULT_MS", 1800000},
        {"OWNERSHIP_S_MIN", 3600},
        {"OWNERSHIP_S_MAX", 2592000},
        {"OWNERSHIP_S_DEFAULT", 86400},
        {"OWNERSHIP_AHEAD_S_DEFAULT", 2592000},
        {"EDIT_LOCK_MS", 900000},
        {"NUMBER_DIGITS_MIN", 3},
        {"NUMBER_DIGITS_MAX", 15},
        {"PACING_HUNDREDTHS_MIN", 100},
        {"PACING_HUNDREDTHS_MAX", 1000},
        {"PACING_HUNDREDTHS_DEFAULT", 100},
        {"RETRIES_MAX", 20},
        {"RETRY_DELAY_S_MIN", 60},
        {"RETRY_DELAY_S_MAX", 86400},
        {"ALERTING_S_MIN", 7},
        {"ALERTING_S_MAX", 900},
        {"ALERTING_S_DEFAULT", 30},
        {"RING_S_MIN", 10},
        {"RING_S_MAX", 120},
        {"RING_S_DEFAULT", 45},
        {"OUTCOME_AFTER_RING_MS", 30000},
        {"AUTO_DELAY_S_MAX", 1200},
        {"AUTO_DELAY_S_DEFAULT", 300},
        {"ANSWER_GRACE_MS", 2000},
        {"MISSED_PAUSE_MS", 300000},
        {"DECLINE_PAUSE_MS", 60000},
        {"OWNER_ANSWER_MS", 20000},
        {"RECLAIM_AFTER_MS", 60000},
        {"PREVIEW_MAX_MS", 1800000},
        {"AFTER_CALL_MAX_MS", 3600000},
        {"INACTIVITY_MS", 1209600000},
        {"STILL_WAITING_MS", 1209600000},
        {"CALL_TTL_MS", 14400000},
        {"LIVE_WAIT_TTL_MS", 7200000},
        {"LATE_WINDOW_MS", 3600000},
        {"LATE_REQUEST_MS", 60000},
        {"WINDOW_OVERRUN_MS", 900000},
        {"SNOOZE_MINUTES_MIN", 5},
        {"SNOOZE_MINUTES_MAX", 1440},
        {"SNOOZES_DEFAULT", 2},
        {"IN_QUEUE_FLOWS_MAX", 30},
        {"EXPORT_RECENT_MS", 12 * 3600000},
        {"EXPORT_RECENT_MAX", 10000},
        {"EXPORT_OLDER_MAX", 1000000},
        {"RINGS_MAX", 6},
        {"RING_WAIT_MS_MIN", 2000},
        {"RING_WAIT_MS_MAX", 259200000},
        {"RING_WAIT_MS_DEFAULT", 5000},
        {"SCORE_MAX", 100},
        {"SCORES_MAX", 100},
        {"PRIORITY_MAX", 25000000},
        {"CAPACITY_MAX", 25},
        {"CAPACITY_DEFAULT", 1},
    };

    (void)state;
    for (size_t at = 0; at < sizeof(book) / sizeof(book[0]); at++) {
        bool found = false;

        for (size_t other = 0; other < sizeof(limit_rows) / sizeof(limit_rows[0]); other++) {
            if (strcmp(limit_rows[other].name, book[at].name) != 0)
                continue;
            found = true;
            if (limit_rows[other].value != book[at].value)
                fail_msg("%s is %lld, the book says %lld", book[at].name,
                         (long long)limit_rows[other].value, (long long)book[at].value);
        }
        if (!found)
            fail_msg("no limit %s", book[at].name);
    }
}

/* --- settings: by an event, and by the file --- */

/* Sets the uint32_t at "outer.inner" or "field"; an outer message is made. */
static void set_path(struct story *story, ProtobufCMessage *message, const char *path, int64_t to)
{
    char name[60];
    size_t size = strcspn(path, ".");
    const ProtobufCFieldDescriptor *field;
    uint32_t value = (uint32_t)to;

    assert_true(size < sizeof(name));
    snprintf(name, sizeof(name), "%.*s", (int)size, path);
    field = protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);
    assert_non_null(field);
    if (path[size] == '.') {
        ProtobufCMessage *inner;
        const ProtobufCMessageDescriptor *type = field->descriptor;

        inner = arena_zalloc(&story->arena, type->sizeof_message);
        protobuf_c_message_init(type, inner);
        set_path(story, inner, path + size + 1, to);
        memcpy((char *)message + field->offset, &inner, sizeof(inner));
        return;
    }
    memcpy((char *)message + field->offset, &value, sizeof(value));
}

static bool queue_accepts(const char *path, int64_t value)
{
    struct story story;
    PB(QueueSettings) * queue;
    PB(Reason) reason;

    story_open(&story);
    queue = story_queue(&story, "sales");
    if (strncmp(path, "rings.", 6) == 0) {
        queue->n_rings = 1;
        queue->rings = arena_alloc(&story.arena, sizeof(*queue->rings));
        queue->rings[0] = arena_alloc(&story.arena, sizeof(**queue->rings));
        ringback__v1__ring__init(queue->rings[0]);
        set_path(&story, &queue->rings[0]->base, path + 6, value);
    } else {
        set_path(&story, &queue->base, path, value);
    }
    story_set_queue(&story, queue);
    reason = story_reason(&story);
    assert_true(reason == NONE || reason == REASON(SETTINGS_INVALID));
    story_close(&story);
    return reason == NONE;
}

static bool agent_accepts(int64_t capacity)
{
    struct story story;
    PB(AgentSettings) * agent;
    bool accepted;

    story_open(&story);
    agent = story_agent(&story, "anna");
    set_path(&story, &agent->base, "callback_capacity.callbacks", capacity);
    story_set_agent(&story, agent);
    accepted = story_reason(&story) == NONE;
    story_close(&story);
    return accepted;
}

static bool file_accepts(const char *lines)
{
    struct settings settings;
    struct err_note note;
    char text[70000];
    enum err err;

    snprintf(text, sizeof(text), "domains: {d: {%s}}\n", lines);
    settings_init(&settings);
    err = settings_read_text(&settings, "f.yaml", text, strlen(text), &note);
    if (err != ERR_OK && err != ERR_BAD_SETTINGS)
        fail_msg("%s", note.text);
    settings_deinit(&settings);
    return err == ERR_OK;
}

/* What one limit bounds. file has %s for the value; scale and unit say how a file writes it. */
struct setting_row {
    const char *name;
    bool upper;
    const char *path; /* of QueueSettings; "": the agent's capacity */
    const char *file;
    int scale;
    const char *unit;
};

static const struct setting_row setting_rows[] = {
    {"OWNERSHIP_S_MIN", false, "agent_owned.duration_s", "agent_owned: {duration: %s}", 1, "s"},
    {"OWNERSHIP_S_MAX", true, "agent_owned.duration_s", "agent_owned: {duration: %s}", 1, "s"},
    {"OWNERSHIP_S_MIN", false, "agent_owned.ahead_s", "agent_owned: {ahead: %s}", 1, "s"},
    {"OWNERSHIP_S_MAX", true, "agent_owned.ahead_s", "agent_owned: {ahead: %s}", 1, "s"},
    {"PACING_HUNDREDTHS_MIN", false, "customer_first.pacing_hundredths",
     "customer_first: {pacing: %s}", 100, ""},
    {"PACING_HUNDREDTHS_MAX", true, "customer_first.pacing_hundredths",
     "customer_first: {pacing: %s}", 100, ""},
    {"RETRIES_MAX", true, "agent_first_retries", "agent_first_retries: %s", 1, ""},
    {"RETRIES_MAX", true, "customer_first.max_retries", "customer_first: {max_retries: %s}", 1, ""},
    {"RETRY_DELAY_S_MIN", false, "agent_first_retry_delay_s", "agent_first_retry_delay: %s", 1,
     "s"},
    {"RETRY_DELAY_S_MAX", true, "agent_first_retry_delay_s", "agent_first_retry_delay: %s", 1, "s"},
    {"RETRY_DELAY_S_MIN", false, "customer_first.retry_delay_s",
     "customer_first: {retry_delay: %s}", 1, "s"},
    {"RETRY_DELAY_S_MAX", true, "customer_first.retry_delay_s", "customer_first: {retry_delay: %s}",
     1, "s"},
    {"ALERTING_S_MIN", false, "alerting_timeout_s", "alerting_timeout: %s", 1, "s"},
    {"ALERTING_S_MAX", true, "alerting_timeout_s", "alerting_timeout: %s", 1, "s"},
    {"RING_S_MIN", false, "ring_timeout_s", "ring_timeout: %s", 1, "s"},
    {"RING_S_MAX", true, "ring_timeout_s", "ring_timeout: %s", 1, "s"},
    {"AUTO_DELAY_S_MAX", true, "auto_dial.delay_s", "auto_dial: %s", 1, "s"},
    {"AUTO_DELAY_S_MAX", true, "auto_end.delay_s", "auto_end: %s", 1, "s"},
    {"SCORE_MAX", true, "rings.threshold", "rings: [{threshold: %s}]", 1, ""},
    {"RING_WAIT_MS_MIN", false, "rings.wait_ms", "rings: [{threshold: any, wait: %s}]", 1, "ms"},
    {"RING_WAIT_MS_MAX", true, "rings.wait_ms", "rings: [{threshold: any, wait: %s}]", 1, "ms"},
    {"CAPACITY_MAX", true, "", "callback_capacity: %s", 1, ""},
};

static bool row_accepts(const struct setting_row *row, int64_t value, bool by_file)
{
    char number[40], line[200], lines[300];

    if (!by_file)
        return row->path[0] == '\0' ? agent_accepts(value) : queue_accepts(row->path, value);
    if (row->scale == 1)
        snprintf(number, sizeof(number), "%lld%s", (long long)value, row->unit);
    else
        snprintf(number, sizeof(number), "%lld.%02lld", (long long)(value / row->scale),
                 (long long)(value % row->scale));
    line[0] = '\0';
    for (const char *at = row->file; *at != '\0'; at++) {
        size_t size = strlen(line);

        if (at[0] == '%')
            snprintf(line + size, sizeof(line) - size, "%s", number);
        else
            snprintf(line + size, sizeof(line) - size, "%c", *at);
        at += at[0] == '%';
    }
    snprintf(lines, sizeof(lines), row->path[0] == '\0' ? "agents: {a: {%s}}" : "queues: {q: {%s}}",
             line);
    return file_accepts(lines);
}

static void rule_14_1_settings_hold_up_to_the_limit(void **state)
{
    (void)state;
    for (size_t at = 0; at < sizeof(setting_rows) / sizeof(setting_rows[0]); at++) {
        const struct setting_row *row = &setting_rows[at];
        int64_t value = limit(row->name), inside = row->upper ? value - 1 : value + 1;
        int64_t outside = row->upper ? value + 1 : value - 1;

        for (int by_file = 0; by_file < 2; by_file++) {
            if (!row_accepts(row, value, by_file) || !row_accepts(row, inside, by_file))
                fail_msg("%s of %s: refused%s", row->name, row->file, by_file ? " in a file" : "");
            if (row_accepts(row, outside, by_file))
                fail_msg("%s of %s: beyond it accepted%s", row->name, row->file,
                         by_file ? " in a file" : "");
        }
    }
}

/* --- lists --- */

/* count names n0, n1, ... each of width bytes at least. */
static char **many(struct story *story, size_t count, const char *format)
{
    char **names = arena_alloc(&story->arena, (count + 1) * sizeof(*names));

    for (size_t at = 0; at < count; at++) {
        names[at] = arena_alloc(&story->arena, 40);
        snprintf(names[at], 40, "%s%zu", format, at);
    }
    return names;
}

static bool rings_fit(int64_t count)
{
    struct story story;
    PB(QueueSettings) * queue;
    bool accepted;

    story_open(&story);
    queue = story_queue(&story, "sales");
    queue->rings = arena_alloc(&story.arena, (size_t)count * sizeof(*queue->rings));
    for (; queue->n_rings < (size_t)count; queue->n_rings++) {
        queue->rings[queue->n_rings] = arena_alloc(&story.arena, sizeof(**queue->rings));
        ringback__v1__ring__init(queue->rings[queue->n_rings]);
    }
    story_set_queue(&story, queue);
    accepted = story_reason(&story) == NONE;
    story_close(&story);
    return accepted;
}

static bool skills_fit(int64_t count)
{
    struct story story;
    PB(AgentSettings) * agent;
    PB(InteractionEvent) * entered;
    bool accepted;

    story_open(&story);
    agent = story_agent(&story, "anna");
    agent->n_skills = (size_t)count;
    agent->skills = many(&story, agent->n_skills, "s");
    story_set_agent(&story, agent);
    accepted = story_reason(&story) == NONE;
    entered = story_entered(&story, "i1", "sales");
    entered->entered->routing = story_needs(&story, 0, "", "");
    entered->entered->routing->n_skills = (size_t)count;
    entered->entered->routing->skills = agent->skills;
    story_tell(&story, entered);
    assert_int_equal(story.err == ERR_OK, accepted); /* of an interaction: a dead letter */
    story_close(&story);
    return accepted;
}

static bool joined_fit(int64_t count)
{
    struct story story;
    PB(PresenceEvent) event = RINGBACK__V1__PRESENCE_EVENT__INIT;
    PB(JoinedQueuesChanged) joined = RINGBACK__V1__JOINED_QUEUES_CHANGED__INIT;
    bool accepted;

    story_open(&story);
    story_set_agent(&story, story_agent(&story, "anna"));
    event.id = story_text(&story, "e");
    event.agent_id = story_text(&story, "anna");
    event.version = 1;
    event.change_ms = STORY_START_MS;
    event.event_case = RINGBACK__V1__PRESENCE_EVENT__EVENT_JOINED_QUEUES;
    event.joined_queues = &joined;
    joined.n_queue_ids = (size_t)count;
    joined.queue_ids = many(&story, joined.n_queue_ids, "q");
    story.frozen = true;
    story_send(&story, INPUT_PRESENCE, &event.base);
    accepted = story.err == ERR_OK;
    story_close(&story);
    return accepted;
}

static bool list_fits(int64_t count)
{
    struct story story;
    PB(SettingsEvent) event = RINGBACK__V1__SETTINGS_EVENT__INIT;
    PB(DomainSettings) domain = RINGBACK__V1__DOMAIN_SETTINGS__INIT;
    bool accepted;

    story_open(&story);
    event.id = story_text(&story, "e");
    event.event_case = RINGBACK__V1__SETTINGS_EVENT__EVENT_DOMAIN;
    event.domain = &domain;
    domain.version = 1;
    domain.n_skills = (size_t)count;
    domain.skills = many(&story, domain.n_skills, "s");
    story.frozen = true;
    story_send(&story, INPUT_SETTINGS, &event.base);
    accepted = story_reason(&story) == NONE;
    story_close(&story);
    return accepted;
}

static void rule_14_1_lists_hold_up_to_the_limit(void **state)
{
    static const struct {
        const char *name;
        bool (*fits)(int64_t count);
    } rows[] = {
        {"RINGS_MAX", rings_fit},
        {"SKILLS_MAX", skills_fit},
        {"JOINED_MAX", joined_fit},
        {"LIST_MAX", list_fits},
    };

    (void)state;
    for (size_t at = 0; at < sizeof(rows) / sizeof(rows[0]); at++) {
        int64_t value = limit(rows[at].name);

        if (!rows[at].fits(value - 1) || !rows[at].fits(value))
            fail_msg("%s: refused", rows[at].name);
        if (rows[at].fits(value + 1))
            fail_msg("%s: beyond it accepted", rows[at].name);
    }
}

/* Of more pairs the highest count (4.1). */
static void rule_14_1_the_highest_100_scores_count(void **state)
{
    int64_t value = limit("SCORES_MAX");

    (void)state;
    for (int64_t count = value - 1; count <= value + 1; count++) {
        struct story story;
        PB(InteractionEvent) * entered;
        PB(RoutingData) * routing;
        const PB(RoutingData) * kept;

        story_open(&story);
        story_set_queue(&story, story_queue(&story, "sales"));
        entered = story_entered(&story, "i1", "sales");
        entered->entered->routing = routing = story_needs(&story, 0, "", "");
        routing->scores = arena_alloc(&story.arena, (size_t)count * sizeof(*routing->scores));
        for (; routing->n_scores < (size_t)count; routing->n_scores++) {
            PB(AgentScore) *score = arena_alloc(&story.arena, sizeof(*score));

            ringback__v1__agent_score__init(score);
            score->agent_id = arena_format(&story.arena, "a%zu", routing->n_scores);
            score->score = routing->n_scores == 0 ? 1 : 50;
            routing->scores[routing->n_scores] = score;
        }
        story_tell(&story, entered);
        assert_int_equal(story.err, ERR_OK);
        kept = story_call(&story, "i1")->routing;
        assert_int_equal(kept->n_scores, count > value ? value : count);
        for (size_t at = 0; at < kept->n_scores; at++)
            assert_true(count <= value || kept->scores[at]->score == 50);
        story_close(&story);
    }
}

/* --- texts, ids, numbers --- */

static char *letters(struct story *story, int64_t count)
{
    char *text = arena_alloc(&story->arena, (size_t)count + 1);

    memset(text, 'a', (size_t)count);
    text[count] = '\0';
    return text;
}

static void rule_14_1_names_and_ids_by_their_bytes(void **state)
{
    int64_t name_max = limit("NAME_BYTES_MAX"), id_max = limit("ID_BYTES_MAX");

    (void)state;
    for (int64_t by = -1; by <= 1; by++) {
        PB(Reason) reason = by == 1 ? REASON(LIMIT) : NONE;
        struct story story;
        PB(CreateCallback) * create;
        PB(QueueSettings) * queue;

        story_open(&story);
        story_set_queue(&story, story_queue(&story, "sales"));
        create = story_create(&story, "i1", "sales");
        create->callee_name = letters(&story, name_max + by);
        story_ask(&story, "r1", create);
        assert_int_equal(story_reason(&story), reason);
        create = story_create(&story, letters(&story, id_max + by), "sales");
        create->conversation_id = story_text(&story, "c");
        story_ask(&story, "r2", create);
        assert_int_equal(story_reason(&story), reason);
        queue = story_queue(&story, "sales");
        queue->name = letters(&story, name_max + by);
        story_set_queue(&story, queue);
        assert_int_equal(story_reason(&story), by == 1 ? REASON(SETTINGS_INVALID) : NONE);
        story_close(&story);
    }
}

static void rule_14_1_numbers_by_their_digits(void **state)
{
    int64_t min = limit("NUMBER_DIGITS_MIN"), max = limit("NUMBER_DIGITS_MAX");
    const struct {
        int64_t digits;
        PB(Reason) reason;
    } rows[] = {
        {min - 1, REASON(NUMBER_INVALID)},
        {min, NONE},
        {min + 1, NONE},
        {max - 1, NONE},
        {max, NONE},
        {max + 1, REASON(NUMBER_INVALID)},
    };

    (void)state;
    for (size_t at = 0; at < sizeof(rows) / sizeof(rows[0]); at++) {
        struct story story;
        PB(CreateCallback) * create;

        story_open(&story);
        story_set_queue(&story, story_queue(&story, "sales"));
        create = story_create(&story, "i1", "sales");
        create->number = story_text(&story, "+1234567890123456789");
        create->number[1 + rows[at].digits] = '\0';
        story_ask(&story, "r1", create);
        assert_int_equal(story_reason(&story), rows[at].reason);
        story_close(&story);
    }
}

static void rule_14_1_priority_either_way(void **state)
{
    int64_t max = limit("PRIORITY_MAX");

    (void)state;
    for (int sign = -1; sign <= 1; sign += 2)
        for (int64_t by = -1; by <= 1; by++) {
            struct story story;
            PB(InteractionEvent) * entered;

            story_open(&story);
            entered = story_entered(&story, "i1", "sales");
            entered->entered->routing = story_needs(&story, (int32_t)(sign * (max + by)), "", "");
            story_tell(&story, entered);
            assert_int_equal(story.err, by == 1 ? ERR_BAD_EVENT : ERR_OK);
            story_close(&story);
        }
}

static void rule_14_1_thirty_in_queue_flows(void **state)
{
    int64_t max = limit("IN_QUEUE_FLOWS_MAX");
    struct story story;

    (void)state;
    story_open(&story);
    for (int64_t count = 1; count <= max + 1; count++) {
        PB(FlowEvent) event = RINGBACK__V1__FLOW_EVENT__INIT;
        PB(FlowEntered) flow = RINGBACK__V1__FLOW_ENTERED__INIT;

        story_now_on(&story);
        event.id = arena_format(&story.arena, "f%lld", (long long)count);
        event.event_case = RINGBACK__V1__FLOW_EVENT__EVENT_FLOW_ENTERED;
        event.flow_entered = &flow;
        flow.interaction_id = story_text(&story, "mail");
        flow.media = RINGBACK__V1__MEDIA__MEDIA_EMAIL;
        flow.flow_type = RINGBACK__V1__FLOW_TYPE__FLOW_TYPE_IN_QUEUE_EMAIL;
        story_flow(&story, &event);
        assert_int_equal(story.err, ERR_OK);
        assert_int_equal(story_count(&story, "results.callback_refused"), count > max);
        if (count > max)
            assert_int_equal(story_reason(&story), REASON(IN_QUEUE_FLOW_LIMIT));
    }
    story_close(&story);
}

/* --- times --- */

/* anna talks with i1 of "sales" since 10 s; it is 20 s. */
static void open_talk(struct story *story, PB(QueueSettings) * queue)
{
    story_set_queue(story, queue);
    story_ready(story, "anna", "sales");
    story_enter(story, "i1", "sales");
    story_at(story, 10000);
    story_connect(story, "i1", "anna");
    story_at(story, 20000);
}

static PB(QueueSettings) * owned_queue(struct story *story, uint32_t duration_s, uint32_t ahead_s)
{
    PB(QueueSettings) *queue = story_queue(story, "sales");

    queue->agent_owned = arena_alloc(&story->arena, sizeof(*queue->agent_owned));
    ringback__v1__agent_owned__init(queue->agent_owned);
    queue->agent_owned->enabled = true;
    queue->agent_owned->duration_s = duration_s;
    queue->agent_owned->ahead_s = ahead_s;
    queue->n_rings = 1;
    queue->rings = arena_alloc(&story->arena, sizeof(*queue->rings));
    queue->rings[0] = arena_alloc(&story->arena, sizeof(**queue->rings));
    ringback__v1__ring__init(queue->rings[0]);
    return queue;
}

static void rule_14_1_scheduling_ahead(void **state)
{
    int64_t ahead = limit("SCHEDULE_AHEAD_MS");
    int64_t owned_ahead = limit("OWNERSHIP_AHEAD_S_DEFAULT") * 1000;

    (void)state;
    for (int owned = 0; owned < 2; owned++)
        for (int64_t by = -1; by <= 1; by++) {
            struct story story;
            PB(Command) * command;

            story_open(&story);
            open_talk(&story, owned_queue(&story, 0, 0));
            command = story_schedule(&story, NULL, "anna", "i1",
                                     20000 + (owned ? owned_ahead : ahead) + by);
            command->schedule->take_ownership = owned;
            story_do(&story, command);
            assert_int_equal(story_reason(&story), by == 1 ? REASON(TOO_FAR_AHEAD) : NONE);
            story_close(&story);
        }
}

static void rule_14_1_a_schedule_left_out(void **state)
{
    int64_t left_out = limit("SCHEDULE_DEFAULT_MS");
    struct story story;

    (void)state;
    story_open(&story);
    open_talk(&story, story_queue(&story, "sales"));
    story_do(&story, story_schedule(&story, NULL, "anna", "i1", 0));
    assert_int_equal(story_callback(&story, story_made(&story))->due_ms,
                     STORY_START_MS + 20000 + left_out);
    story_close(&story);
}

static void rule_14_1_ownership_lasts_a_day(void **state)
{
    int64_t lasts = limit("OWNERSHIP_S_DEFAULT") * 1000;
    struct story story;
    PB(Command) * command;

    (void)state;
    story_open(&story);
    open_talk(&story, owned_queue(&story, 0, 0));
    command = story_schedule(&story, NULL, "anna", "i1", 3600000);
    command->schedule->take_ownership = true;
    story_do(&story, command);
    story_status(&story, "anna", STATUS(OFF_QUEUE));
    story_at(&story, 3600000 + lasts - 1);
    assert_int_equal(story_count(&story, "routing.callback_ended"), 0);
    story_at(&story, 3600000 + lasts);
    assert_int_equal(story_count(&story, "routing.callback_ended"), 1);
    story_close(&story);
}

static void rule_14_1_the_edit_lock(void **state)
{
    int64_t lock = limit("EDIT_LOCK_MS");

    (void)state;
    for (int64_t by = -1; by <= 1; by++) {
        struct story story;
        PB(Command) * command;

        story_open(&story);
        open_talk(&story, owned_queue(&story, 0, 0));
        command = story_schedule(&story, NULL, "anna", "i1", 7200000);
        command->schedule->take_ownership = true;
        story_do(&story, command);
        command = story_command(&story, NULL, "", story_made(&story));
        story_at(&story, 7200000 - lock - by);
        command->command_case = RINGBACK__V1__COMMAND__COMMAND_RESCHEDULE;
        command->reschedule = arena_alloc(&story.arena, sizeof(*command->reschedule));
        ringback__v1__reschedule__init(command->reschedule);
        command->reschedule->due_ms = STORY_START_MS + 10800000;
        story_do(&story, command);
        assert_int_equal(story_reason(&story), by == 1 ? NONE : REASON(EDIT_LOCKED));
        story_close(&story);
    }
}

/* A callback of i1 is asked for at 20 s and offered to anna at once. */
static void open_offer(struct story *story, PB(QueueSettings) * queue)
{
    story_set_queue(story, queue);
    story_ready(story, "anna", "sales");
    story_at(story, 20000);
    story_ask(story, "r1", story_create(story, "i1", "sales"));
    assert_int_equal(story_count(story, "routing.offer"), 1);
}

static void rule_14_1_an_offer_alerts_30_seconds(void **state)
{
    int64_t alerts = limit("ALERTING_S_DEFAULT") * 1000, pause = limit("MISSED_PAUSE_MS");
    struct story story;

    (void)state;
    story_open(&story);
    open_offer(&story, story_queue(&story, "sales"));
    story_at(&story, 20000 + alerts - 1);
    assert_int_equal(story_count(&story, "routing.revoke"), 0);
    story_at(&story, 20000 + alerts);
    assert_int_equal(story_count(&story, "routing.revoke"), 1);
    story_at(&story, 20000 + alerts + pause - 1);
    assert_int_equal(story_count(&story, "routing.offer"), 1);
    story_at(&story, 20000 + alerts + pause);
    assert_int_equal(story_count(&story, "routing.offer"), 2);
    story_close(&story);
}

static void rule_14_1_the_pause_after_declining(void **state)
{
    int64_t pause = limit("DECLINE_PAUSE_MS");
    struct story story;

    (void)state;
    story_open(&story);
    open_offer(&story, story_queue(&story, "sales"));
    story_decline(&story, "anna");
    story_at(&story, 20000 + pause - 1);
    assert_int_equal(story_count(&story, "routing.offer"), 1);
    story_at(&story, 20000 + pause);
    assert_int_equal(story_count(&story, "routing.offer"), 2);
    story_close(&story);
}

static void rule_14_1_the_grace_of_an_answer(void **state)
{
    int64_t grace = limit("ANSWER_GRACE_MS");
    struct story story;

    (void)state;
    story_open(&story);
    open_offer(&story, story_queue(&story, "sales"));
    story_status(&story, "anna", STATUS(INTERACTING));
    story_at(&story, 20000 + grace - 1);
    assert_int_equal(story_count(&story, "routing.revoke"), 0);
    story_at(&story, 20000 + grace);
    assert_int_equal(story_count(&story, "routing.revoke"), 1);
    story_close(&story);
}

static void rule_14_1_a_dial_without_an_outcome(void **state)
{
    int64_t ring = limit("RING_S_DEFAULT") * 1000, after = limit("OUTCOME_AFTER_RING_MS");
    struct story story;

    (void)state;
    story_open(&story);
    open_offer(&story, story_queue(&story, "sales"));
    story_accept(&story, "anna");
    story_dial(&story, "anna", story_made(&story));
    assert_int_equal(
        story_routing(&story, "routing.place_call", 0)->place_call->ring_timeout_s * 1000, ring);
    story_at(&story, 20000 + ring + after - 1);
    assert_int_equal(story_count(&story, "routing.hang_up"), 0);
    story_at(&story, 20000 + ring + after);
    assert_int_equal(story_count(&story, "routing.hang_up"), 1);
    story_close(&story);
}

static void rule_14_1_the_delay_of_retries(void **state)
{
    int64_t delay = limit("RETRY_DELAY_S_DEFAULT") * 1000;
    PB(QueueSettings) * queue;
    struct story story;

    (void)state;
    story_open(&story);
    queue = story_queue(&story, "sales");
    queue->agent_first_retries = 1;
    open_offer(&story, queue);
    story_accept(&story, "anna");
    story_dial(&story, "anna", story_made(&story));
    story_attempt_ended(&story, RINGBACK__V1__ATTEMPT_RESULT__ATTEMPT_RESULT_NO_ANSWER);
    story_at(&story, 20000 + delay - 1);
    assert_int_equal(story_count(&story, "routing.offer"), 1);
    story_at(&story, 20000 + delay);
    assert_int_equal(story_count(&story, "routing.offer"), 2);
    story_close(&story);
}

static void rule_14_1_gone_previewing_silent(void **state)
{
    int64_t gone = limit("RECLAIM_AFTER_MS"), preview = limit("PREVIEW_MAX_MS");
    int64_t after = limit("AFTER_CALL_MAX_MS");
    const struct {
        bool offline, dialled;
        int64_t lasts;
    } rows[] = {{true, false, gone}, {false, false, preview}, {false, true, after}};

    (void)state;
    for (size_t at = 0; at < sizeof(rows) / sizeof(rows[0]); at++) {
        struct story story;

        story_open(&story);
        open_offer(&story, story_queue(&story, "sales"));
        story_accept(&story, "anna");
        if (rows[at].offline)
            story_presence(&story, "anna", PRESENCE(OFFLINE));
        if (rows[at].dialled) {
            story_dial(&story, "anna", story_made(&story));
            story_attempt_ended(&story, RINGBACK__V1__ATTEMPT_RESULT__ATTEMPT_RESULT_BUSY);
        }
        story_at(&story, 20000 + rows[at].lasts - 1);
        assert_int_equal(story_count(&story, "routing.agent_released"), 0);
        story_at(&story, 20000 + rows[at].lasts);
        assert_int_equal(story_count(&story, "routing.agent_released"), 1);
        story_close(&story);
    }
}

static void rule_14_1_auto_dial_on_is_five_minutes(void **state)
{
    int64_t delay = limit("AUTO_DELAY_S_DEFAULT");
    struct settings settings;
    struct err_note note;
    const char text[] = "domains: {d: {queues: {q: {auto_dial: on, auto_end: on}}}}\n";

    (void)state;
    settings_init(&settings);
    assert_int_equal(settings_read_text(&settings, "f", text, sizeof(text) - 1, &note), ERR_OK);
    for (size_t at = 0; at < settings.item_count; at++) {
        const PB(QueueSettings) *queue = (const PB(QueueSettings) *)settings.items[at].message;

        if (settings.items[at].kind != SETTINGS_QUEUE)
            continue;
        assert_int_equal(queue->auto_dial->delay_s, delay);
        assert_int_equal(queue->auto_end->delay_s, delay);
        delay = -1;
    }
    assert_int_equal(delay, -1);
    settings_deinit(&settings);
}

static void rule_14_1_analytics_and_still_waiting(void **state)
{
    int64_t inactivity = limit("INACTIVITY_MS"), still = limit("STILL_WAITING_MS");
    struct story story;

    (void)state;
    story_open(&story);
    story_set_queue(&story, story_queue(&story, "sales"));
    story_ask(&story, "r1", story_create(&story, "i1", "sales"));
    story_at(&story, inactivity - 1);
    assert_int_equal(story_count(&story, "analytics.inactivity"), 0);
    story_at(&story, inactivity);
    assert_int_equal(story_count(&story, "analytics.inactivity"), 1);
    story_at(&story, 2 * still - 1);
    assert_int_equal(story_count(&story, "analytics.still_waiting"), 1);
    story_at(&story, 2 * still);
    assert_int_equal(story_count(&story, "analytics.still_waiting"), 2);
    story_close(&story);
}

static void rule_14_1_calls_of_which_nothing_is_heard(void **state)
{
    int64_t waits = limit("LIVE_WAIT_TTL_MS"), talks = limit("CALL_TTL_MS");

    (void)state;
    for (int talking = 0; talking < 2; talking++) {
        int64_t lasts = talking ? talks : waits;
        struct story story;

        story_open(&story);
        story_set_queue(&story, story_queue(&story, "sales"));
        story_ready(&story, "anna", "sales");
        story_enter(&story, "i1", "sales");
        if (talking)
            story_connect(&story, "i1", "anna");
        story_at(&story, lasts - 1);
        assert_int_equal(story_call(&story, "i1")->ended_ms, 0);
        story_at(&story, lasts);
        assert_int_equal(story_call(&story, "i1")->ended_ms, STORY_START_MS + lasts);
        story_close(&story);
    }
}

static void rule_14_1_late_requests_and_late_entries(void **state)
{
    int64_t request = limit("LATE_REQUEST_MS"), window = limit("LATE_WINDOW_MS");

    (void)state;
    for (int64_t by = -1; by <= 1; by++) {
        struct story story;

        story_open(&story);
        story_set_queue(&story, story_queue(&story, "sales"));
        story_enter(&story, "i1", "sales");
        story_end_call(&story, "i1");
        story_at(&story, request + by);
        story_ask(&story, "r1", story_create(&story, "i1", "sales"));
        assert_int_equal(story_reason(&story), by == 1 ? REASON(NOT_CONNECTED) : NONE);
        story_close(&story);
    }
    for (int64_t by = -1; by <= 1; by++) {
        struct story story;

        story_open(&story);
        story_set_queue(&story, story_queue(&story, "sales"));
        story_enter(&story, "i1", "sales");
        story_end_call(&story, "i1");
        story_at(&story, window + by);
        assert_int_equal(story_call(&story, "i1") == NULL, by >= 0);
        story_close(&story);
    }
}

/* boris, whom the first ring wants, is not there: anna, whom it does not, is offered it after it.
 */
static void rule_14_1_a_ring_lasts_five_seconds(void **state)
{
    int64_t wait = limit("RING_WAIT_MS_DEFAULT");
    struct story story;
    PB(CreateCallback) * create;
    PB(AgentScore) score = RINGBACK__V1__AGENT_SCORE__INIT, *scores = &score;

    (void)state;
    story_open(&story);
    story_set_queue(&story, owned_queue(&story, 0, 0));
    story_ready(&story, "anna", "sales");
    story_join(&story, "boris", "sales");
    score.agent_id = story_text(&story, "boris");
    score.score = 100;
    create = story_create(&story, "i1", "sales");
    create->facts->place = arena_alloc(&story.arena, sizeof(*create->facts->place));
    ringback__v1__place__init(create->facts->place);
    create->facts->place->queue_id = story_text(&story, "sales");
    create->facts->place->entry_ms = STORY_START_MS;
    create->facts->routing = story_needs(&story, 0, "", "");
    create->facts->routing->n_scores = 1;
    create->facts->routing->scores = &scores;
    story_ask(&story, "r1", create);
    story_at(&story, wait - 1);
    assert_int_equal(story_count(&story, "routing.offer"), 0);
    story_at(&story, wait);
    assert_int_equal(story_count(&story, "routing.offer"), 1);
    story_close(&story);
}

static void rule_14_1_an_agent_holds_one_callback(void **state)
{
    int64_t capacity = limit("CAPACITY_DEFAULT");
    struct story story;

    (void)state;
    story_open(&story);
    open_offer(&story, story_queue(&story, "sales"));
    story_accept(&story, "anna");
    story_ask(&story, "r2", story_create(&story, "i2", "sales"));
    assert_int_equal(story_count(&story, "routing.offer"), capacity);
    story_close(&story);
}

/* --- how much one decision does --- */

/* count callbacks that nobody has the skill for, and as many agents. */
static void open_rare(struct story *story, int64_t count)
{
    story_open(story);
    story->frozen = true;
    story_set_queue(story, story_queue(story, "sales"));
    story_domain(story, "", true);
    for (int64_t at = 0; at < count; at++) {
        PB(CreateCallback) *create =
            story_create(story, arena_format(&story->arena, "i%lld", (long long)at), "sales");

        create->facts->routing = story_needs(story, 0, "rare", "");
        story_ask(story, arena_format(&story->arena, "r%lld", (long long)at), create);
        story_ready(story, arena_format(&story->arena, "a%lld", (long long)at), "sales");
    }
    assert_int_equal(story_count(story, "routing.offer"), 0);
}

/* The skill is deleted: all may take one, at once. */
static void delete_rare(struct story *story)
{
    PB(SettingsEvent) event = RINGBACK__V1__SETTINGS_EVENT__INIT;
    PB(DomainSettings) domain = RINGBACK__V1__DOMAIN_SETTINGS__INIT;

    event.id = story_text(story, "deleted");
    event.event_case = RINGBACK__V1__SETTINGS_EVENT__EVENT_DOMAIN;
    event.domain = &domain;
    domain.version = 1000000;
    domain.inherit_routing_data = true;
    domain.n_skills = 1;
    domain.skills = many(story, 1, "other");
    story_send(story, INPUT_SETTINGS, &event.base);
}

static void rule_14_1_offers_of_one_decision(void **state)
{
    int64_t max = limit("WALK_OFFERS_MAX");

    (void)state;
    for (int64_t count = max - 1; count <= max + 1; count++) {
        struct story story;

        open_rare(&story, count);
        delete_rare(&story);
        assert_int_equal(story_count(&story, "routing.offer"), count > max ? max : count);
        story_at(&story, 1);
        assert_int_equal(story_count(&story, "routing.offer"), count);
        story_close(&story);
    }
}

/* The walk after the same event again goes on where the first one ended: those are other offers,
 * for whoever drops what he has seen. */
static void rule_12_8_a_repeated_events_walk_makes_ids_of_its_own(void **state)
{
    size_t max = (size_t)limit("WALK_OFFERS_MAX");
    struct story story;

    (void)state;
    open_rare(&story, 2 * (int64_t)max);
    delete_rare(&story);
    assert_int_equal(story_count(&story, "routing.offer"), max);
    delete_rare(&story);
    assert_int_equal(story_count(&story, "routing.offer"), 2 * max);
    for (size_t at = 0; at < max; at++) {
        const PB(RoutingEvent) *first = story_routing(&story, "routing.offer", at);

        for (size_t other = max; other < 2 * max; other++) {
            const PB(RoutingEvent) *second = story_routing(&story, "routing.offer", other);

            assert_string_not_equal(first->id, second->id);
            assert_string_not_equal(first->offer->offer_id, second->offer->offer_id);
        }
    }
    story_close(&story);
}

static void rule_14_1_callbacks_ended_in_one_decision(void **state)
{
    int64_t max = limit("FAN_OUT_MAX");

    (void)state;
    for (int64_t count = max - 1; count <= max + 1; count++) {
        const struct timer_limits limits = {STORY_START_MS + 1, INT64_MAX, INT64_MAX};
        struct story story;

        story_open(&story);
        story.frozen = true;
        story_set_queue(&story, story_queue(&story, "sales"));
        for (int64_t at = 0; at < count; at++)
            story_ask(
                &story, arena_format(&story.arena, "r%lld", (long long)at),
                story_create(&story, arena_format(&story.arena, "i%lld", (long long)at), "sales"));
        story_remove_queue(&story, "sales", true);
        machine_timer_fire(story.machine, &limits, STORY_START_MS, &story.effects);
        assert_int_equal(story_count(&story, "routing.callback_ended"), count > max ? max : count);
        story_at(&story, 1);
        assert_int_equal(story_count(&story, "routing.callback_ended"), count);
        story_close(&story);
    }
}

static void rule_14_1_window_overrun(void **state)
{
    int64_t most = limit("WINDOW_OVERRUN_MS");

    (void)state;
    for (int64_t past = -1; past <= 1; past++) {
        struct story story;
        PB(QueueSettings) * settings;

        story_open(&story);
        story_set_queue(&story, story_queue(&story, "sales"));
        story_ready(&story, "anna", "sales");
        story_ask(&story, "r1", story_create(&story, "i1", "sales"));
        story_accept(&story, "anna");
        settings = story_queue(&story, "sales");
        settings->serving = RINGBACK__V1__TOGGLE__TOGGLE_OFF;
        story_set_queue(&story, settings);
        story_at(&story, story.now_ms + most + past);
        story_dial(&story, "anna", story_made(&story));
        assert_int_equal(story_reason(&story),
                         past <= 0 ? REASON(UNSPECIFIED) : REASON(OUTSIDE_WINDOW));
        story_close(&story);
    }
}

/* --- customer-first --- */

static void set_first(struct story *story)
{
    PB(QueueSettings) *sales = story_queue(story, "sales");

    sales->dial_mode = RINGBACK__V1__DIAL_MODE__DIAL_MODE_CUSTOMER_FIRST;
    sales->agent_owned = arena_alloc(&story->arena, sizeof(*sales->agent_owned));
    ringback__v1__agent_owned__init(sales->agent_owned);
    sales->agent_owned->enabled = true;
    sales->n_rings = 1;
    sales->rings = arena_alloc(&story->arena, sizeof(*sales->rings));
    sales->rings[0] = arena_alloc(&story->arena, sizeof(**sales->rings));
    ringback__v1__ring__init(sales->rings[0]);
    story_set_queue(story, sales);
}

static void rule_14_1_pacing_by_default(void **state)
{
    int64_t for_two = 2000 / limit("PACING_HUNDREDTHS_DEFAULT");

    (void)state;
    for (int64_t agents = for_two - 1; agents <= for_two + 1; agents++) {
        struct story story;

        story_open(&story);
        story.frozen = true;
        set_first(&story);
        for (int64_t at = 0; at < agents; at++)
            story_ready(&story, arena_format(&story.arena, "a%lld", (long long)at), "sales");
        for (int64_t at = 0; at < 5; at++)
            story_ask(
                &story, arena_format(&story.arena, "r%lld", (long long)at),
                story_create(&story, arena_format(&story.arena, "i%lld", (long long)at), "sales"));
        assert_int_equal(story_count(&story, "routing.place_call"), agents < for_two ? 1 : 2);
        story_close(&story);
    }
}

static void rule_14_1_an_owner_has_20_seconds_for_the_customer(void **state)
{
    int64_t answer = limit("OWNER_ANSWER_MS");
    struct story story;
    PB(Command) * command;

    (void)state;
    story_open(&story);
    set_first(&story);
    story_ready(&story, "anna", "sales");
    story_enter(&story, "i1", "sales");
    story_connect(&story, "i1", "anna");
    command = story_schedule(&story, "r1", "anna", "i1", 60000);
    command->schedule->take_ownership = true;
    story_do(&story, command);
    assert_int_equal(story_reason(&story), NONE);
    story_at(&story, 1000);
    story_end_call(&story, "i1");
    story_status(&story, "anna", STATUS(IDLE));
    story_at(&story, 60000);
    story_answered(&story, RINGBACK__V1__ANSWER_KIND__ANSWER_KIND_PERSON);
    story_at(&story, 60000 + answer - 1);
    assert_int_equal(story_count(&story, "routing.callback_notice"), 0);
    story_at(&story, 60000 + answer);
    assert_int_equal(story_count(&story, "routing.callback_notice"), 1);
    story_close(&story);
}

/* --- the daemon's options --- */

static void rule_14_1_options_have_the_same_defaults(void **state)
{
    static struct options options;
    struct machine_options made, core;

    (void)state;
    options_init(&options);
    options_machine(&options, &made);
    machine_options_default(&core);
    assert_int_equal(made.dedupe_window_ms, core.dedupe_window_ms);
    assert_int_equal(made.retention_ms, core.retention_ms);
    assert_int_equal(made.late_window_ms, core.late_window_ms);
    assert_int_equal(made.late_request_ms, core.late_request_ms);
    assert_int_equal(made.answer_grace_ms, core.answer_grace_ms);
    assert_int_equal(made.missed_pause_ms, core.missed_pause_ms);
    assert_int_equal(made.decline_pause_ms, core.decline_pause_ms);
    assert_int_equal(made.owner_answer_ms, core.owner_answer_ms);
    assert_int_equal(made.reclaim_after_ms, core.reclaim_after_ms);
    assert_int_equal(made.preview_max_ms, core.preview_max_ms);
    assert_int_equal(made.after_call_max_ms, core.after_call_max_ms);
    assert_int_equal(made.window_overrun_ms, core.window_overrun_ms);
    assert_int_equal(made.contact_min_ms, core.contact_min_ms);
    assert_int_equal(made.presence_ttl_ms, core.presence_ttl_ms);
    assert_int_equal(made.call_ttl_ms, core.call_ttl_ms);
    assert_int_equal(made.live_wait_ttl_ms, core.live_wait_ttl_ms);
    assert_int_equal(made.inactivity_ms, core.inactivity_ms);
    assert_int_equal(made.still_waiting_ms, core.still_waiting_ms);
    assert_int_equal(made.idle_reset, core.idle_reset);
    assert_int_equal(made.holds_line, core.holds_line);
    assert_int_equal(made.callback_beside, core.callback_beside);
    options_deinit(&options);
}

static PB(Reason) snooze(struct story *story, const char *callback, int64_t minutes)
{
    PB(Command) *command = story_command(story, NULL, "", callback);

    command->command_case = RINGBACK__V1__COMMAND__COMMAND_SNOOZE;
    command->snooze = arena_alloc(&story->arena, sizeof(*command->snooze));
    ringback__v1__snooze__init(command->snooze);
    command->snooze->minutes = (uint32_t)minutes;
    story_do(story, command);
    return story_reason(story);
}

static void rule_14_1_snooze(void **state)
{
    int64_t least = limit("SNOOZE_MINUTES_MIN"), most = limit("SNOOZE_MINUTES_MAX");
    int64_t times = limit("SNOOZES_DEFAULT");
    struct story story;
    const char *callback;

    (void)state;
    story_open(&story);
    story_set_queue(&story, story_queue(&story, "sales"));
    story_ask(&story, "r1", story_create(&story, "i1", "sales"));
    callback = story_text(&story, story_made(&story));
    assert_int_equal(snooze(&story, callback, least - 1), REASON(SNOOZE_RANGE));
    assert_int_equal(snooze(&story, callback, most + 1), REASON(SNOOZE_RANGE));
    for (int64_t done = 0; done < times; done++) {
        int64_t minutes = done % 2 == 0 ? least : most;

        assert_int_equal(snooze(&story, callback, minutes), REASON(UNSPECIFIED));
        story_at(&story, story.now_ms + minutes * MINUTE_MS - 1);
        assert_int_equal(story_state(&story, callback), STATE(SNOOZED));
        story_at(&story, story.now_ms + 1);
        assert_int_equal(story_state(&story, callback), STATE(WAITING));
    }
    assert_int_equal(snooze(&story, callback, least), REASON(SNOOZE_LIMIT));
    story_close(&story);
}

/* One below it and at it in time, one above it not (10.6). */
static void rule_14_1_service_level(void **state)
{
    int64_t level_ms = limit("SERVICE_LEVEL_S_DEFAULT") * SECOND_MS;

    (void)state;
    for (int64_t more = -1; more <= 1; more++) {
        struct story story;
        size_t count;

        story_open(&story);
        story_set_queue(&story, story_queue(&story, "sales"));
        story_ask(&story, "r1", story_create(&story, "i1", "sales"));
        story_ready(&story, "anna", "sales");
        story_at(&story, level_ms + more);
        story_now_on(&story);
        story_accept(&story, "anna");
        assert_int_equal(story_metric(&story, METRIC(O_SERVICE_LEVEL), "sales", &count),
                         more <= 0 ? 1000000 : 0);
        assert_int_equal(story_metric(&story, METRIC(N_OVER_SLA), "sales", &count), more > 0);
        story_close(&story);
    }
}

/* A ms less does not serve the customer, and that serves him (12.2). */
static void rule_14_1_contact_min(void **state)
{
    int64_t talk_ms = limit("CONTACT_MIN_MS");
    struct story story;
    PB(SettingsEvent) event = RINGBACK__V1__SETTINGS_EVENT__INIT;
    PB(DomainSettings) domain = RINGBACK__V1__DOMAIN_SETTINGS__INIT;
    PB(CreateCallback) * create;
    const char *callback;

    (void)state;
    story_open(&story);
    story_set_queue(&story, story_queue(&story, "sales"));
    event.id = story_text(&story, "domain");
    event.event_case = RINGBACK__V1__SETTINGS_EVENT__EVENT_DOMAIN;
    event.domain = &domain;
    domain.version = ++story.version;
    domain.on_customer_contact = RINGBACK__V1__CUSTOMER_CONTACT__CUSTOMER_CONTACT_CANCEL;
    story_send(&story, INPUT_SETTINGS, &event.base);
    create = story_create(&story, "i1", "sales");
    create->number = story_text(&story, "+97235551234");
    story_ask(&story, "r1", create);
    callback = story_text(&story, story_made(&story));
    story_enter(&story, "i2", "sales");
    story_connect(&story, "i2", "anna");
    story_at(&story, talk_ms - 1);
    assert_int_equal(story_state(&story, callback), STATE(WAITING));
    story_at(&story, talk_ms);
    assert_int_equal(story_state(&story, callback), STATE(ENDED));
    story_close(&story);
}

/* The last place that is told, and the one behind it; by the time that holds until then. */
static void rule_14_1_positions_and_handling_time(void **state)
{
    int64_t last = limit("POSITIONS_TOLD"), aht_ms = limit("AHT_S_DEFAULT") * SECOND_MS;
    struct story story;
    PB(QueueSettings) * settings;
    const PB(CustomerPosition) * told;

    (void)state;
    story_open(&story);
    story.frozen = true;
    settings = story_queue(&story, "sales");
    settings->position_step = 1;
    story_set_queue(&story, settings);
    for (int64_t at = 1; at <= last + 1; at++) {
        const char *id = arena_format(&story.arena, "i%d", (int)at);

        story_at(&story, at);
        story_ask(&story, id, story_create(&story, id, "sales"));
    }
    assert_int_equal(story_count(&story, "routing.customer_position"), last);
    told = story_routing(&story, "routing.customer_position", (size_t)last - 1)->customer_position;
    assert_int_equal(told->position, last);
    assert_int_equal(told->estimate_ms, last * aht_ms);
    story_close(&story);
}

/* So many more conversations, created then. */
static void export_more(struct exporter *exporter, int64_t count, int64_t created_ms)
{
    static int64_t last;

    for (; count > 0; count--) {
        PB(AnalyticsEvent) event = RINGBACK__V1__ANALYTICS_EVENT__INIT;
        PB(SessionStarted) started = RINGBACK__V1__SESSION_STARTED__INIT;
        char id[32];

        (void)snprintf(id, sizeof(id), "%lld", (long long)++last);
        event.callback_id = event.conversation_id = id;
        event.time_ms = created_ms;
        event.event_case = RINGBACK__V1__ANALYTICS_EVENT__EVENT_SESSION_STARTED;
        event.session_started = &started;
        export_add(exporter, slice_text("acme"), &event);
    }
}

/* What is written, of which there must be none when it is refused. */
static void assert_written(struct exporter *exporter, enum err want)
{
    struct err_note note;
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);

    assert_int_equal(export_write(exporter, out, &note), want);
    (void)fclose(out);
    assert_int_equal(bytes != 0, want == ERR_OK);
    free(text);
}

static void rule_14_1_exports_of_so_many_conversations(void **state)
{
    const int64_t line_ms = 100 * DAY_MS - limit("EXPORT_RECENT_MS");
    const struct export_plan plan = {
        .now_ms = 100 * DAY_MS, .from_ms = INT64_MIN, .to_ms = INT64_MAX};
    struct exporter *recent = export_create(&plan), *both = export_create(&plan);
    struct err_note note;

    (void)state;
    export_more(recent, limit("EXPORT_RECENT_MAX") - 1, line_ms);
    assert_int_equal(export_check(recent, &note), ERR_OK);
    export_more(recent, 1, line_ms);
    assert_written(recent, ERR_OK);
    export_more(recent, 1, line_ms);
    assert_written(recent, ERR_TOO_MANY);
    assert_int_equal(export_check(recent, &note), ERR_TOO_MANY);
    assert_non_null(strstr(note.text, "10001 conversations of the last 12 hours, "));
    assert_non_null(strstr(note.text, "at most 10000;"));
    export_more(both, limit("EXPORT_RECENT_MAX"), line_ms); /* each part has its own */
    export_more(both, limit("EXPORT_OLDER_MAX") - 1, line_ms - 1);
    assert_int_equal(export_check(both, &note), ERR_OK);
    export_more(both, 1, line_ms - 1);
    assert_int_equal(export_check(both, &note), ERR_OK);
    export_more(both, 1, line_ms - 1);
    assert_int_equal(export_check(both, &note), ERR_TOO_MANY);
    assert_non_null(strstr(note.text, "1000001 conversations older than 12 hours, "));
    export_more(both, 2, line_ms);
    assert_int_equal(export_check(both, &note), ERR_TOO_MANY);
    assert_non_null(strstr(note.text, "10002 conversations of the last 12 hours and 1000001 older "
                                      "ones, where an export has at most 10000 and 1000000;"));
    assert_written(both, ERR_TOO_MANY);
    export_destroy(recent);
    export_destroy(both);
}

/* Runs last: what the tests above asked for. */
static void rule_14_1_every_limit_is_tested(void **state)
{
    (void)state;
    for (size_t at = 0; at < sizeof(limit_rows) / sizeof(limit_rows[0]); at++)
        if (!tested[at])
            fail_msg("%s: is not tested", limit_rows[at].name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_14_1_the_table_says_what_the_book_says),
        cmocka_unit_test(rule_14_1_settings_hold_up_to_the_limit),
        cmocka_unit_test(rule_14_1_lists_hold_up_to_the_limit),
        cmocka_unit_test(rule_14_1_the_highest_100_scores_count),
        cmocka_unit_test(rule_14_1_names_and_ids_by_their_bytes),
        cmocka_unit_test(rule_14_1_numbers_by_their_digits),
        cmocka_unit_test(rule_14_1_priority_either_way),
        cmocka_unit_test(rule_14_1_thirty_in_queue_flows),
        cmocka_unit_test(rule_14_1_scheduling_ahead),
        cmocka_unit_test(rule_14_1_a_schedule_left_out),
        cmocka_unit_test(rule_14_1_ownership_lasts_a_day),
        cmocka_unit_test(rule_14_1_the_edit_lock),
        cmocka_unit_test(rule_14_1_an_offer_alerts_30_seconds),
        cmocka_unit_test(rule_14_1_the_pause_after_declining),
        cmocka_unit_test(rule_14_1_the_grace_of_an_answer),
        cmocka_unit_test(rule_14_1_a_dial_without_an_outcome),
        cmocka_unit_test(rule_14_1_the_delay_of_retries),
        cmocka_unit_test(rule_14_1_gone_previewing_silent),
        cmocka_unit_test(rule_14_1_window_overrun),
        cmocka_unit_test(rule_14_1_auto_dial_on_is_five_minutes),
        cmocka_unit_test(rule_14_1_analytics_and_still_waiting),
        cmocka_unit_test(rule_14_1_calls_of_which_nothing_is_heard),
        cmocka_unit_test(rule_14_1_late_requests_and_late_entries),
        cmocka_unit_test(rule_14_1_a_ring_lasts_five_seconds),
        cmocka_unit_test(rule_14_1_an_agent_holds_one_callback),
        cmocka_unit_test(rule_14_1_offers_of_one_decision),
        cmocka_unit_test(rule_12_8_a_repeated_events_walk_makes_ids_of_its_own),
        cmocka_unit_test(rule_14_1_callbacks_ended_in_one_decision),
        cmocka_unit_test(rule_14_1_pacing_by_default),
        cmocka_unit_test(rule_14_1_an_owner_has_20_seconds_for_the_customer),
        cmocka_unit_test(rule_14_1_options_have_the_same_defaults),
        cmocka_unit_test(rule_14_1_positions_and_handling_time),
        cmocka_unit_test(rule_14_1_contact_min),
        cmocka_unit_test(rule_14_1_snooze),
        cmocka_unit_test(rule_14_1_service_level),
        cmocka_unit_test(rule_14_1_exports_of_so_many_conversations),
        cmocka_unit_test(rule_14_1_every_limit_is_tested),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
