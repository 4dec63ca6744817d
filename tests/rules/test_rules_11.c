/* Chapter 11: commands; what is asked twice, what is unknown, the table of 11.3. Reasons (11.4) are
 * in test_reasons.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "state/internal.h"
#include "tests/support/story.h"

#define NONE         REASON(UNSPECIFIED)
#define ANSWER(name) RINGBACK__V1__ANSWER_KIND__ANSWER_KIND_##name
#define ENDED(name)  RINGBACK__V1__ATTEMPT_RESULT__ATTEMPT_RESULT_##name
#define AT(ms)       (STORY_START_MS + (ms))

static const char unknown_callback[] = "0123abcd-4567-8567-89ab-0123456789ab";

static PB(QueueSettings) * sales_of(struct story *story)
{
    PB(QueueSettings) *sales = story_queue(story, "sales");

    sales->agent_first_retries = 1;
    sales->agent_first_retry_delay_s = 60;
    return sales;
}

/* "sales"; ben and anna are known, anna is ready. */
static void open_sales(struct story *story)
{
    story_open(story);
    story_set_queue(story, sales_of(story));
    story_set_queue(story, story_queue(story, "support"));
    story_set_agent(story, story_agent(story, "ben"));
    story_ready(story, "anna", "sales");
}

static void ask(struct story *story, const char *request, const char *interaction)
{
    story_ask(story, request, story_create(story, interaction, "sales"));
}

/* Any command about a callback; accept and decline are about the last offer. */
static PB(Command) * prepare(struct story *story, const char *request,
                             PB(Command__CommandCase) kind, const char *agent, const char *callback)
{
    static PB(Cancel) cancel = RINGBACK__V1__CANCEL__INIT;
    static PB(Reschedule) reschedule = RINGBACK__V1__RESCHEDULE__INIT;
    static PB(Reassign) reassign = RINGBACK__V1__REASSIGN__INIT;
    static PB(Accept) accept = RINGBACK__V1__ACCEPT__INIT;
    static PB(Decline) decline = RINGBACK__V1__DECLINE__INIT;
    static PB(Dial) dial = RINGBACK__V1__DIAL__INIT;
    static PB(End) end = RINGBACK__V1__END__INIT;
    static PB(Transfer) transfer = RINGBACK__V1__TRANSFER__INIT;
    static PB(Snooze) snooze = RINGBACK__V1__SNOOZE__INIT;
    PB(Command) *command = story_command(story, request, agent, callback);
    size_t offers = story_count(story, "routing.offer");
    char *offer = story_text(
        story,
        offers == 0 ? "none" : story_routing(story, "routing.offer", offers - 1)->offer->offer_id);

    command->command_case = kind;
    switch (kind) {
    case RINGBACK__V1__COMMAND__COMMAND_CANCEL: command->cancel = &cancel; break;
    case RINGBACK__V1__COMMAND__COMMAND_RESCHEDULE:
        reschedule.due_ms = AT(story->now_ms + 7200000);
        command->reschedule = &reschedule;
        break;
    case RINGBACK__V1__COMMAND__COMMAND_REASSIGN:
        reassign.queue_id = story_text(story, "support");
        command->reassign = &reassign;
        break;
    case RINGBACK__V1__COMMAND__COMMAND_ACCEPT:
        accept.offer_id = offer;
        command->accept = &accept;
        break;
    case RINGBACK__V1__COMMAND__COMMAND_DECLINE:
        decline.offer_id = offer;
        command->decline = &decline;
        break;
    case RINGBACK__V1__COMMAND__COMMAND_DIAL: command->dial = &dial; break;
    case RINGBACK__V1__COMMAND__COMMAND_END: command->end = &end; break;
    case RINGBACK__V1__COMMAND__COMMAND_TRANSFER:
        transfer.queue_id = story_text(story, "support");
        command->transfer = &transfer;
        break;
    case RINGBACK__V1__COMMAND__COMMAND_SNOOZE:
        snooze.minutes = 5;
        command->snooze = &snooze;
        break;
    case RINGBACK__V1__COMMAND__COMMAND_SCHEDULE:
    case RINGBACK__V1__COMMAND__COMMAND__NOT_SET:
    case _RINGBACK__V1__COMMAND__COMMAND__CASE_IS_INT_SIZE: fail_msg("no such command"); break;
    }
    return command;
}

#define DO(name) RINGBACK__V1__COMMAND__COMMAND_##name

/* --- bringing a callback somewhere --- */

enum column {
    SCHEDULED,
    WAITING,
    DELAYED,
    OFFERED,
    WITH_AGENT,
    DIALLING,
    TALKING,
    WRAP_UP,
    COLUMNS
};

static const PB(CallbackState) states[COLUMNS] = {
    [SCHEDULED] = STATE(SCHEDULED), [WAITING] = STATE(WAITING),       [DELAYED] = STATE(DELAYED),
    [OFFERED] = STATE(OFFERED),     [WITH_AGENT] = STATE(WITH_AGENT), [DIALLING] = STATE(DIALLING),
    [TALKING] = STATE(TALKING),     [WRAP_UP] = STATE(WRAP_UP)};

/* A story with a callback in that state, anna its agent if it has one. */
static const char *open_in(struct story *story, enum column column)
{
    const char *callback;

    open_sales(story);
    if (column == SCHEDULED) {
        story_enter(story, "i1", "sales");
        story_connect(story, "i1", "anna");
        story_do(story, story_schedule(story, NULL, "anna", "i1", 3600000));
        callback = story_made(story);
    } else {
        if (column == WAITING)
            story_presence(story, "anna", PRESENCE(AWAY));
        story_at(story, 1000);
        ask(story, "r1", "i1");
        callback = story_made(story);
        if (column > OFFERED || column == DELAYED)
            story_accept(story, "anna");
        if (column > WITH_AGENT || column == DELAYED)
            story_dial(story, "anna", callback);
        if (column == DELAYED)
            story_attempt_ended(story, ENDED(BUSY));
        if (column == TALKING || column == WRAP_UP)
            story_answered(story, ANSWER(PERSON));
        if (column == WRAP_UP)
            story_attempt_ended(story, ENDED(HUNG_UP));
    }
    assert_int_equal(story_state(story, callback), states[column]);
    story_at(story, 5000);
    return callback;
}

/* --- 11.1 --- */

static void rule_11_1_create_asked_again_gives_the_same_answer_and_no_second_life(void **state)
{
    struct story story;
    const PB(Result) * first;
    const char *callback;

    (void)state;
    open_sales(&story);
    ask(&story, "r1", "i1");
    first = story_result(&story);
    callback = story_made(&story);
    story_at(&story, 20000);
    story_now_on(&story);
    ask(&story, "r1", "i1");
    assert_int_equal(story.effects.count - story.seen, 1); /* the answer alone */
    assert_string_equal(story_result(&story)->id, first->id);
    assert_string_equal(story_result(&story)->request_id, "r1");
    assert_string_equal(story_result(&story)->callback_accepted->callback_id, callback);
    ask(&story, "r1", "i2"); /* whatever it says */
    assert_string_equal(story_made(&story), callback);
    assert_int_equal(machine_callbacks(story.machine), 1);
    story_cancel(&story, callback);
    story_at(&story, 7 * DAY_MS);
    story_now_on(&story);
    ask(&story, "r1", "i1"); /* ended: the same answer still */
    assert_int_equal(story.effects.count - story.seen, 1);
    assert_string_equal(story_result(&story)->id, first->id);
    assert_string_equal(story_result(&story)->callback_accepted->callback_id, callback);
    assert_int_equal(machine_callbacks(story.machine), 0);
    story_close(&story);
}

static void rule_11_1_schedule_asked_again_gives_the_same_answer(void **state)
{
    struct story story;
    const char *callback;
    PB(Command) * command;

    (void)state;
    open_sales(&story);
    story_enter(&story, "i1", "sales");
    story_connect(&story, "i1", "anna");
    command = story_schedule(&story, "s1", "anna", "i1", 3600000);
    story_do(&story, command);
    callback = story_made(&story);
    story_now_on(&story);
    story_do(&story, command);
    assert_int_equal(story.effects.count - story.seen, 1);
    assert_string_equal(story_result(&story)->command_accepted->callback_id, callback);
    story_cancel(&story, callback);
    story_do(&story, command);
    assert_int_equal(story_reason(&story), NONE); /* not ALREADY_SCHEDULED, not a new one */
    assert_string_equal(story_result(&story)->command_accepted->callback_id, callback);
    assert_int_equal(machine_callbacks(story.machine), 0);
    story_close(&story);
}

/* Who asks again in other words is answered as the first was: to a flow, or to a desktop. */
static void rule_11_1_the_answer_repeated_is_of_the_kind_of_the_first(void **state)
{
    struct story story;
    const char *callback;
    PB(Command) * command;

    (void)state;
    open_sales(&story);
    ask(&story, "r1", "i1");
    callback = story_made(&story);
    command = prepare(&story, "r1", DO(CANCEL), "", callback);
    for (int round = 0; round < 2; round++) { /* alive, then ended */
        const char *first = story_result(&story)->id;

        story_now_on(&story);
        story_do(&story, command);
        assert_int_equal(story.effects.count - story.seen, 1);
        if (round == 0)
            assert_string_equal(story_result(&story)->id, first);
        assert_int_equal(story_result(&story)->answer_case,
                         RINGBACK__V1__RESULT__ANSWER_CALLBACK_ACCEPTED);
        assert_string_equal(story_result(&story)->callback_accepted->callback_id, callback);
        assert_int_equal(machine_callbacks(story.machine), round == 0 ? 1 : 0);
        if (round == 0)
            story_cancel(&story, callback);
    }
    story_close(&story);
}

static void rule_11_1_a_create_under_the_id_of_a_schedule_is_answered_as_that(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    open_sales(&story);
    story_enter(&story, "i1", "sales");
    story_connect(&story, "i1", "anna");
    story_do(&story, story_schedule(&story, "s1", "anna", "i1", 3600000));
    callback = story_made(&story);
    for (int round = 0; round < 2; round++) {
        story_now_on(&story);
        ask(&story, "s1", "i2");
        assert_int_equal(story.effects.count - story.seen, 1);
        assert_int_equal(story_result(&story)->answer_case,
                         RINGBACK__V1__RESULT__ANSWER_COMMAND_ACCEPTED);
        assert_string_equal(story_result(&story)->command_accepted->callback_id, callback);
        assert_int_equal(machine_callbacks(story.machine), round == 0 ? 1 : 0);
        if (round == 0)
            story_cancel(&story, callback);
    }
    story_close(&story);
}

static void rule_11_1_refused_stays_refused_for_the_dedupe_window(void **state)
{
    struct story story;
    const char *first;
    static const int64_t window = 7 * DAY_MS;

    (void)state;
    story_open(&story);
    story_at(&story, 1000);
    ask(&story, "r1", "i1"); /* no queue yet */
    assert_int_equal(story_reason(&story), REASON(QUEUE_UNKNOWN));
    first = story_result(&story)->id;
    story_set_queue(&story, sales_of(&story));
    ask(&story, "r1", "i1");
    assert_int_equal(story_reason(&story), REASON(QUEUE_UNKNOWN));
    assert_string_equal(story_result(&story)->id, first);
    story_at(&story, 1000 + window - 1);
    ask(&story, "r1", "i1");
    assert_int_equal(story_reason(&story), REASON(QUEUE_UNKNOWN));
    story_at(&story, 1000 + window); /* asking again did not make it last longer */
    ask(&story, "r1", "i1");
    assert_int_equal(story_reason(&story), NONE);
    story_close(&story);
}

static void rule_11_1_refused_names_the_first_again(void **state)
{
    struct story story;
    const char *callback, *first;

    (void)state;
    open_sales(&story);
    ask(&story, "r1", "i1");
    callback = story_made(&story);
    ask(&story, "r2", "i1");
    first = story_result(&story)->id;
    ask(&story, "r2", "i1");
    assert_int_equal(story_reason(&story), REASON(ALREADY_REQUESTED));
    assert_string_equal(story_result(&story)->callback_refused->callback_id, callback);
    assert_string_equal(story_result(&story)->id, first);
    story_close(&story);
}

static void rule_11_1_too_large_stays_so(void **state)
{
    struct story story;

    (void)state;
    open_sales(&story);
    story.refuse = REASON(TOO_LARGE);
    ask(&story, "r1", "i1");
    assert_int_equal(story_reason(&story), REASON(TOO_LARGE));
    ask(&story, "r1", "i1");
    assert_int_equal(story_reason(&story), REASON(TOO_LARGE));
    story.refuse = REASON(TOO_LARGE);
    story_do(&story, prepare(&story, "c1", DO(CANCEL), "", unknown_callback));
    assert_int_equal(story_reason(&story), REASON(TOO_LARGE));
    story_do(&story, prepare(&story, "c1", DO(CANCEL), "", unknown_callback));
    assert_int_equal(story_reason(&story), REASON(TOO_LARGE));
    ask(&story, "r2", "i1");
    assert_int_equal(story_reason(&story), NONE);
    story_close(&story);
}

static void rule_11_1_too_large_is_no_answer_to_what_was_answered(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    open_sales(&story);
    ask(&story, "r1", "i1");
    callback = story_made(&story);
    story.refuse = REASON(TOO_LARGE);
    ask(&story, "r1", "i1");
    assert_int_equal(story_reason(&story), NONE);
    assert_string_equal(story_result(&story)->callback_accepted->callback_id, callback);
    story_close(&story);
}

static void rule_11_1_broken_limits_stay_so(void **state)
{
    struct story story;
    PB(Command) * command;
    char longest[130];

    (void)state;
    open_sales(&story);
    memset(longest, 'x', sizeof(longest));
    longest[129] = '\0';
    story_do(&story, prepare(&story, "c1", DO(CANCEL), "", longest));
    assert_int_equal(story_reason(&story), REASON(LIMIT));
    story_do(&story, prepare(&story, "c1", DO(CANCEL), "", unknown_callback));
    assert_int_equal(story_reason(&story), REASON(LIMIT));
    command = prepare(&story, "c2", DO(CANCEL), "", unknown_callback);
    command->user_id = story_text(&story, longest);
    story_do(&story, command);
    assert_int_equal(story_reason(&story), REASON(LIMIT));
    story_close(&story);
}

/* A request without an id that could be remembered is answered, each time by itself. */
static void rule_11_1_without_a_good_id_nothing_is_decided(void **state)
{
    struct story story;
    const char *first;
    char longest[130];

    (void)state;
    open_sales(&story);
    memset(longest, 'x', sizeof(longest));
    longest[129] = '\0';
    ask(&story, "", "i1");
    assert_int_equal(story_reason(&story), REASON(LIMIT));
    assert_string_equal(story_result(&story)->request_id, "");
    first = story_result(&story)->id;
    ask(&story, "", "i1");
    assert_int_equal(story_reason(&story), REASON(LIMIT));
    assert_string_not_equal(story_result(&story)->id, first);
    ask(&story, "not an id", "i1");
    assert_int_equal(story_reason(&story), REASON(LIMIT));
    assert_string_equal(story_result(&story)->request_id, "not an id");
    ask(&story, longest, "i1");
    assert_int_equal(story_reason(&story), REASON(LIMIT));
    assert_int_equal(strlen(story_result(&story)->request_id), 128);
    story_do(&story, prepare(&story, longest, DO(CANCEL), "", unknown_callback));
    assert_int_equal(story_reason(&story), REASON(LIMIT));
    assert_int_equal(machine_callbacks(story.machine), 0);
    story_close(&story);
}

/* An id cut at 128 bytes is still text: 127 bytes and a letter of two. */
static void rule_11_1_id_too_long_is_cut_between_letters(void **state)
{
    struct story story;
    char longest[200];

    (void)state;
    open_sales(&story);
    memset(longest, 'x', sizeof(longest));
    longest[127] = '\xc3';
    longest[128] = '\xa9';
    longest[129] = '\0';
    ask(&story, longest, "i1");
    assert_int_equal(story_reason(&story), REASON(LIMIT));
    assert_int_equal(strlen(story_result(&story)->request_id), 127);
    story_close(&story);
}

/* Each command that was done, sent again later: the same answer, and nothing happens. */
static void rule_11_1_commands_done_are_done_once(void **state)
{
    static const struct {
        PB(Command__CommandCase) kind;
        enum column from;
        const char *agent;
    } rows[] = {
        {DO(ACCEPT), OFFERED, "anna"},  {DO(DECLINE), OFFERED, "anna"},
        {DO(DIAL), WITH_AGENT, "anna"}, {DO(END), WITH_AGENT, "anna"},
        {DO(CANCEL), WAITING, ""},      {DO(CANCEL), DIALLING, ""},
    };

    (void)state;
    for (size_t at = 0; at < sizeof(rows) / sizeof(rows[0]); at++) {
        struct story story;
        const char *callback = open_in(&story, rows[at].from);
        PB(Command) *command = prepare(&story, "c1", rows[at].kind, rows[at].agent, callback);
        const PB(Result) * first;

        story_do(&story, command);
        assert_int_equal(story_reason(&story), NONE);
        first = story_result(&story);
        if (rows[at].kind == DO(DIAL))
            assert_string_not_equal(first->command_accepted->attempt_id, "");
        story_at(&story, 5001);
        story_now_on(&story);
        story_do(&story, command);
        assert_int_equal(story.effects.count - story.seen, 1);
        assert_string_equal(story_result(&story)->id, first->id);
        assert_int_equal(story_result(&story)->answer_case, first->answer_case);
        assert_string_equal(story_result(&story)->command_accepted->callback_id, callback);
        assert_string_equal(story_result(&story)->command_accepted->attempt_id,
                            first->command_accepted->attempt_id);
        story_close(&story);
    }
}

static void rule_11_1_commands_refused_are_refused_again(void **state)
{
    struct story story;
    const char *callback, *first;
    PB(Command) * command;

    (void)state;
    callback = open_in(&story, OFFERED);
    command = prepare(&story, "c1", DO(DIAL), "anna", callback);
    story_do(&story, command);
    assert_int_equal(story_reason(&story), REASON(NOT_WITH_AGENT));
    first = story_result(&story)->id;
    story_accept(&story, "anna");
    story_do(&story, command); /* it could be done now */
    assert_int_equal(story_reason(&story), REASON(NOT_WITH_AGENT));
    assert_string_equal(story_result(&story)->id, first);
    assert_string_equal(story_result(&story)->command_refused->callback_id, callback);
    assert_int_equal(story_state(&story, callback), STATE(WITH_AGENT));
    story_close(&story);
}

static void rule_11_1_ids_are_a_domains_own(void **state)
{
    struct story story;
    const char *first;

    (void)state;
    open_sales(&story);
    ask(&story, "r1", "i1");
    first = story_made(&story);
    story.domain = "other";
    ask(&story, "r1", "i1");
    assert_int_equal(story_reason(&story), REASON(QUEUE_UNKNOWN));
    story.domain = "other";
    story_do(&story, prepare(&story, "c1", DO(CANCEL), "", first));
    assert_int_equal(story_reason(&story), REASON(CALLBACK_UNKNOWN));
    assert_int_equal(story_state(&story, first), STATE(OFFERED));
    story_close(&story);
}

static void rule_11_1_answers_derive_from_their_request(void **state)
{
    struct story one, two;

    (void)state;
    open_sales(&one);
    ask(&one, "r1", "i1");
    story_open(&two);
    story_set_queue(&two, story_queue(&two, "sales"));
    story_at(&two, 99000);
    ask(&two, "r1", "i7");
    assert_string_equal(story_result(&one)->id, story_result(&two)->id);
    assert_string_equal(story_made(&one), story_made(&two));
    ask(&two, "r2", "i8");
    assert_string_not_equal(story_result(&one)->id, story_result(&two)->id);
    assert_string_not_equal(story_made(&one), story_made(&two));
    story_close(&one);
    story_close(&two);
}

static void rule_11_1_nothing_asked_is_not_supported(void **state)
{
    struct story story;
    PB(FlowEvent) event = RINGBACK__V1__FLOW_EVENT__INIT;

    (void)state;
    open_sales(&story);
    story_do(&story, story_command(&story, "c1", "anna", unknown_callback));
    assert_int_equal(story_reason(&story), REASON(NOT_SUPPORTED));
    event.id = story_text(&story, "f1");
    story_flow(&story, &event);
    assert_int_equal(story_reason(&story), REASON(NOT_SUPPORTED));
    assert_int_equal(story_result(&story)->answer_case,
                     RINGBACK__V1__RESULT__ANSWER_CALLBACK_REFUSED);
    story_close(&story);
}

static void rule_11_1_done_is_forgotten_after_the_window(void **state)
{
    struct story story;
    const char *callback = open_in(&story, WAITING); /* it is 5 s */
    PB(Command) *command = prepare(&story, "c1", DO(CANCEL), "", callback);

    (void)state;
    story_do(&story, command);
    assert_int_equal(story_reason(&story), NONE);
    story_at(&story, 5000 + 7 * DAY_MS - 1);
    story_now_on(&story);
    story_do(&story, command);
    assert_int_equal(story_reason(&story), NONE);
    assert_int_equal(story.effects.count - story.seen, 1);
    story_at(&story, 5000 + 7 * DAY_MS);
    story_do(&story, command);
    assert_int_equal(story_reason(&story), REASON(CALLBACK_ENDED));
    story_close(&story);
}

static void rule_11_1_window_is_an_option(void **state)
{
    struct story story;

    (void)state;
    story_open(&story);
    story.options.dedupe_window_ms = 60000;
    story_at(&story, 1000);
    ask(&story, "r1", "i1");
    assert_int_equal(story_reason(&story), REASON(QUEUE_UNKNOWN));
    story_set_queue(&story, sales_of(&story));
    story_at(&story, 60999);
    ask(&story, "r1", "i1");
    assert_int_equal(story_reason(&story), REASON(QUEUE_UNKNOWN));
    story_at(&story, 61000);
    ask(&story, "r1", "i1");
    assert_int_equal(story_reason(&story), NONE);
    story_close(&story);
}

/* However short the retention is, what was made is not made a second time within the window. */
static void rule_11_1_made_once_though_retention_is_shorter(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    story_open(&story);
    story.options.retention_ms = DAY_MS;
    story_set_queue(&story, sales_of(&story));
    ask(&story, "r1", "i1");
    callback = story_made(&story);
    story_cancel(&story, callback);
    story_at(&story, 7 * DAY_MS - 1);
    story_now_on(&story);
    ask(&story, "r1", "i1");
    assert_string_equal(story_made(&story), callback);
    assert_int_equal(story.effects.count - story.seen, 1);
    assert_int_equal(machine_callbacks(story.machine), 0);
    story_cancel(&story, callback);
    assert_int_equal(story_reason(&story), REASON(CALLBACK_ENDED));
    story_at(&story, 7 * DAY_MS);
    ask(&story, "r1", "i1");
    assert_int_equal(story_reason(&story), NONE);
    assert_int_equal(machine_callbacks(story.machine), 1);
    story_close(&story);
}

/* --- 11.2 --- */

static const PB(Command__CommandCase) every_command[] = {DO(CANCEL), DO(RESCHEDULE), DO(REASSIGN),
                                                         DO(ACCEPT), DO(DECLINE),    DO(DIAL),
                                                         DO(END),    DO(TRANSFER),   DO(SNOOZE)};

enum { COMMANDS = sizeof(every_command) / sizeof(every_command[0]) };

static void rule_11_2_unknown_callback(void **state)
{
    static const char *const unknown[] = {unknown_callback, "", "what"};
    struct story story;

    (void)state;
    open_sales(&story);
    for (size_t at = 0; at < COMMANDS; at++)
        for (size_t id = 0; id < 3; id++) {
            story_do(&story, prepare(&story, NULL, every_command[at], "anna", unknown[id]));
            assert_int_equal(story_reason(&story), REASON(CALLBACK_UNKNOWN));
            assert_string_equal(story_result(&story)->command_refused->text,
                                reason_text(REASON(CALLBACK_UNKNOWN)));
        }
    story_close(&story);
}

static void rule_11_2_ended_callback(void **state)
{
    struct story story;
    const char *callback;

    (void)state;
    callback = open_in(&story, OFFERED);
    story_cancel(&story, callback);
    for (size_t at = 0; at < COMMANDS; at++) {
        story_do(&story, prepare(&story, NULL, every_command[at], "anna", callback));
        assert_int_equal(story_reason(&story), REASON(CALLBACK_ENDED));
        assert_string_equal(story_result(&story)->command_refused->callback_id, callback);
    }
    story_at(&story, 5000 + 30 * DAY_MS - 1); /* as long as it stays on `state` */
    story_cancel(&story, callback);
    assert_int_equal(story_reason(&story), REASON(CALLBACK_ENDED));
    story_at(&story, 5000 + 30 * DAY_MS);
    story_cancel(&story, callback);
    assert_int_equal(story_reason(&story), REASON(CALLBACK_UNKNOWN));
    story_close(&story);
}

/* --- 11.3 --- */

#define STAYS(name)                                                                                \
    {                                                                                              \
        REASON(name), STATE(UNSPECIFIED)                                                           \
    }
#define BECOMES(name)                                                                              \
    {                                                                                              \
        REASON(UNSPECIFIED), STATE(name)                                                           \
    }
#define ALL(name)                                                                                  \
    {                                                                                              \
        STAYS(name), STAYS(name), STAYS(name), STAYS(name), STAYS(name), STAYS(name), STAYS(name), \
            STAYS(name)                                                                            \
    }

struct outcome {
    PB(Reason) reason;
    PB(CallbackState) after; /* UNSPECIFIED: as before */
};

struct table_row {
    PB(Command__CommandCase) kind;
    const char *agent;
    struct outcome cells[COLUMNS]; /* in the order of enum column */
};

/* clang-format off */
static const struct table_row table[] = {
    {DO(CANCEL), "", {
        BECOMES(ENDED), BECOMES(ENDED), BECOMES(ENDED), BECOMES(ENDED),
        BECOMES(ENDED), BECOMES(ENDED), STAYS(IN_CALL), STAYS(IN_CALL)}},
    {DO(CANCEL), "ben", {
        BECOMES(ENDED), BECOMES(ENDED), BECOMES(ENDED), BECOMES(ENDED),
        BECOMES(ENDED), BECOMES(ENDED), STAYS(IN_CALL), STAYS(IN_CALL)}},
    {DO(DIAL), "anna", {
        STAYS(NOT_WITH_AGENT), STAYS(NOT_WITH_AGENT), STAYS(NOT_WITH_AGENT), STAYS(NOT_WITH_AGENT),
        BECOMES(DIALLING), STAYS(IN_CALL), STAYS(IN_CALL), STAYS(IN_CALL)}},
    {DO(DIAL), "ben", {
        STAYS(NOT_WITH_AGENT), STAYS(NOT_WITH_AGENT), STAYS(NOT_WITH_AGENT), STAYS(NOT_WITH_AGENT),
        STAYS(NOT_YOURS), STAYS(IN_CALL), STAYS(IN_CALL), STAYS(IN_CALL)}},
    {DO(DIAL), "", {
        STAYS(NOT_WITH_AGENT), STAYS(NOT_WITH_AGENT), STAYS(NOT_WITH_AGENT), STAYS(NOT_WITH_AGENT),
        STAYS(NOT_YOURS), STAYS(IN_CALL), STAYS(IN_CALL), STAYS(IN_CALL)}},
    {DO(END), "anna", {
        STAYS(NOT_WITH_AGENT), STAYS(NOT_WITH_AGENT), STAYS(NOT_WITH_AGENT), STAYS(NOT_WITH_AGENT),
        BECOMES(ENDED), BECOMES(ENDED), STAYS(IN_CALL), BECOMES(ENDED)}},
    {DO(END), "ben", {
        STAYS(NOT_WITH_AGENT), STAYS(NOT_WITH_AGENT), STAYS(NOT_WITH_AGENT), STAYS(NOT_WITH_AGENT),
        STAYS(NOT_YOURS), STAYS(NOT_YOURS), STAYS(IN_CALL), STAYS(NOT_YOURS)}},
    {DO(END), "", {
        STAYS(NOT_WITH_AGENT), STAYS(NOT_WITH_AGENT), STAYS(NOT_WITH_AGENT), STAYS(NOT_WITH_AGENT),
        STAYS(NOT_YOURS), STAYS(NOT_YOURS), STAYS(IN_CALL), STAYS(NOT_YOURS)}},
    {DO(ACCEPT), "anna", {
        STAYS(OFFER_GONE), STAYS(OFFER_GONE), STAYS(OFFER_GONE), BECOMES(WITH_AGENT),
        STAYS(OFFER_GONE), STAYS(OFFER_GONE), STAYS(OFFER_GONE), STAYS(OFFER_GONE)}},
    {DO(DECLINE), "anna", {
        STAYS(OFFER_GONE), STAYS(OFFER_GONE), STAYS(OFFER_GONE), BECOMES(WAITING),
        STAYS(OFFER_GONE), STAYS(OFFER_GONE), STAYS(OFFER_GONE), STAYS(OFFER_GONE)}},
    {DO(ACCEPT), "ben", ALL(OFFER_GONE)},
    {DO(ACCEPT), "", ALL(OFFER_GONE)},
    {DO(DECLINE), "ben", ALL(OFFER_GONE)},
    {DO(DECLINE), "", ALL(OFFER_GONE)},
    {DO(RESCHEDULE), "", {
        BECOMES(SCHEDULED), BECOMES(SCHEDULED), BECOMES(SCHEDULED), BECOMES(SCHEDULED),
        STAYS(WITH_AGENT), STAYS(IN_CALL), STAYS(IN_CALL), STAYS(IN_CALL)}},
    {DO(RESCHEDULE), "ben", {
        BECOMES(SCHEDULED), BECOMES(SCHEDULED), BECOMES(SCHEDULED), BECOMES(SCHEDULED),
        STAYS(WITH_AGENT), STAYS(IN_CALL), STAYS(IN_CALL), STAYS(IN_CALL)}},
    {DO(RESCHEDULE), "anna", {
        BECOMES(SCHEDULED), BECOMES(SCHEDULED), BECOMES(SCHEDULED), BECOMES(SCHEDULED),
        BECOMES(SCHEDULED), STAYS(IN_CALL), STAYS(IN_CALL), STAYS(IN_CALL)}},
    {DO(REASSIGN), "", {
        BECOMES(SCHEDULED), BECOMES(WAITING), BECOMES(DELAYED), BECOMES(WAITING),
        STAYS(WITH_AGENT), STAYS(IN_CALL), STAYS(IN_CALL), STAYS(IN_CALL)}},
    {DO(REASSIGN), "anna", {
        BECOMES(SCHEDULED), BECOMES(WAITING), BECOMES(DELAYED), BECOMES(WAITING),
        STAYS(WITH_AGENT), STAYS(IN_CALL), STAYS(IN_CALL), STAYS(IN_CALL)}},
    {DO(TRANSFER), "anna", {
        STAYS(NOT_WITH_AGENT), STAYS(NOT_WITH_AGENT), STAYS(NOT_WITH_AGENT), STAYS(NOT_WITH_AGENT),
        BECOMES(WAITING), STAYS(IN_CALL), BECOMES(TALKING), BECOMES(WAITING)}},
    {DO(TRANSFER), "ben", {
        STAYS(NOT_WITH_AGENT), STAYS(NOT_WITH_AGENT), STAYS(NOT_WITH_AGENT), STAYS(NOT_WITH_AGENT),
        STAYS(NOT_YOURS), STAYS(IN_CALL), STAYS(NOT_YOURS), STAYS(NOT_YOURS)}},
    {DO(TRANSFER), "", {
        STAYS(NOT_WITH_AGENT), STAYS(NOT_WITH_AGENT), STAYS(NOT_WITH_AGENT), STAYS(NOT_WITH_AGENT),
        STAYS(NOT_YOURS), STAYS(IN_CALL), STAYS(NOT_YOURS), STAYS(NOT_YOURS)}},
    {DO(SNOOZE), "", {
        STAYS(NOT_WAITING), BECOMES(SNOOZED), BECOMES(SNOOZED), BECOMES(SNOOZED),
        STAYS(WITH_AGENT), BECOMES(SNOOZED), STAYS(IN_CALL), STAYS(IN_CALL)}},
    {DO(SNOOZE), "anna", {
        STAYS(NOT_WAITING), BECOMES(SNOOZED), BECOMES(SNOOZED), BECOMES(SNOOZED),
        STAYS(WITH_AGENT), BECOMES(SNOOZED), STAYS(IN_CALL), STAYS(IN_CALL)}},
    /* Whoever nobody has heard of. */
    {DO(RESCHEDULE), "nobody", ALL(AGENT_UNKNOWN)},
    {DO(REASSIGN), "nobody", ALL(AGENT_UNKNOWN)},
    {DO(TRANSFER), "nobody", ALL(AGENT_UNKNOWN)},
    {DO(DIAL), "nobody", ALL(AGENT_UNKNOWN)},
    {DO(END), "nobody", ALL(AGENT_UNKNOWN)},
    {DO(ACCEPT), "nobody", ALL(AGENT_UNKNOWN)},
    {DO(DECLINE), "nobody", ALL(AGENT_UNKNOWN)},
};
/* clang-format on */

static void rule_11_3_table_of_commands_by_state(void **state)
{
    (void)state;
    for (size_t row = 0; row < sizeof(table) / sizeof(table[0]); row++)
        for (enum column at = 0; at < COLUMNS; at++) {
            const struct outcome *wanted = &table[row].cells[at];
            struct story story;
            const char *callback = open_in(&story, at);
            PB(Reason) reason;
            PB(CallbackState) after;

            story_do(&story, prepare(&story, NULL, table[row].kind, table[row].agent, callback));
            reason = story_reason(&story);
            after = story_state(&story, callback);
            if (reason != wanted->reason ||
                after != (wanted->after == STATE(UNSPECIFIED) ? states[at] : wanted->after))
                fail_msg("row %zu (command %d by \"%s\"), column %d: \"%s\", state %d", row,
                         (int)table[row].kind, table[row].agent, (int)at, reason_name(reason),
                         (int)after);
            story_close(&story);
        }
}

/* What a cancel does besides, by state. */
static void rule_11_3_cancel_leaves_nobody_behind(void **state)
{
    static const struct {
        enum column column;
        size_t revokes, releases, hang_ups;
    } rows[] = {{SCHEDULED, 0, 0, 0}, {WAITING, 0, 0, 0},    {DELAYED, 0, 0, 0},
                {OFFERED, 1, 0, 0},   {WITH_AGENT, 0, 1, 0}, {DIALLING, 0, 1, 1}};

    (void)state;
    for (size_t at = 0; at < sizeof(rows) / sizeof(rows[0]); at++) {
        struct story story;
        const char *callback = open_in(&story, rows[at].column);
        const PB(RoutingEvent) * ended;

        story_now_on(&story);
        story_cancel(&story, callback);
        assert_int_equal(story_count(&story, "routing.revoke"), rows[at].revokes);
        assert_int_equal(story_count(&story, "routing.agent_released"), rows[at].releases);
        assert_int_equal(story_count(&story, "routing.hang_up"), rows[at].hang_ups);
        assert_int_equal(story_count(&story, "routing.callback_ended"), 1);
        ended = story_routing(&story, "routing.callback_ended", 0);
        assert_string_equal(ended->callback_id, callback);
        assert_int_equal(ended->callback_ended->reason, REASON(CANCELLED));
        assert_string_equal(ended->callback_ended->text, reason_text(REASON(CANCELLED)));
        if (rows[at].revokes == 1)
            assert_string_equal(story_routing(&story, "routing.revoke", 0)->revoke->agent_id,
                                "anna");
        if (rows[at].hang_ups == 1) /* the late outcome changes nothing */
            story_attempt_ended(&story, ENDED(NO_ANSWER));
        story_at(&story, 6000);
        story_presence(&story, "anna", PRESENCE(ON_QUEUE));
        story_status(&story, "anna", STATUS(IDLE)); /* she is free: the next one goes to her */
        ask(&story, "r9", "i9");
        assert_string_equal(story_offered_to(&story), "anna");
        assert_string_equal(story_callback(&story, story_made(&story))->agent_id, "anna");
        story_close(&story);
    }
}

/* The stay that a cancel finds ends with it, and none is begun for it. */
static void rule_11_3_cancel_ends_the_stay(void **state)
{
    static const struct {
        enum column column;
        uint64_t offered, answered, abandoned;
    } rows[] = {{SCHEDULED, 1, 1, 0}, /* of the call that it was made in */
                {WAITING, 1, 0, 1},    {DELAYED, 2, 1, 1}, {OFFERED, 1, 0, 1},
                {WITH_AGENT, 1, 1, 0}, {DIALLING, 1, 1, 0}};

    (void)state;
    for (size_t at = 0; at < sizeof(rows) / sizeof(rows[0]); at++) {
        struct story story;
        const char *callback = open_in(&story, rows[at].column);
        const PB(CountersEntity) * counters;
        const PB(StayCounts) * counts;

        story_cancel(&story, callback);
        counters = story_counters(&story, "sales");
        assert_non_null(counters);
        counts = rows[at].column == SCHEDULED ? counters->live : counters->callbacks;
        assert_non_null(counts);
        if (rows[at].column == SCHEDULED && counters->callbacks != NULL)
            assert_int_equal(counters->callbacks->offered, 0);
        assert_int_equal(counts->offered, rows[at].offered);
        assert_int_equal(counts->answered, rows[at].answered);
        assert_int_equal(counts->abandoned, rows[at].abandoned);
        story_close(&story);
    }
}

/* With the agent again after a call that nobody took (6.2): the same column. */
static void rule_11_3_with_agent_after_an_unanswered_call(void **state)
{
    static const struct {
        PB(Command__CommandCase) kind;
        const char *agent;
        struct outcome outcome;
    } rows[] = {
        {DO(DIAL), "anna", BECOMES(DIALLING)}, {DO(DIAL), "ben", STAYS(NOT_YOURS)},
        {DO(END), "anna", BECOMES(ENDED)},     {DO(END), "ben", STAYS(NOT_YOURS)},
        {DO(CANCEL), "", BECOMES(ENDED)},      {DO(ACCEPT), "anna", STAYS(OFFER_GONE)},
    };

    (void)state;
    for (size_t at = 0; at < sizeof(rows) / sizeof(rows[0]); at++) {
        struct story story;
        const char *callback = open_in(&story, DIALLING);
        PB(CallbackState) after = rows[at].outcome.after;

        story_set_queue(&story, story_queue(&story, "sales")); /* no retries */
        story_attempt_ended(&story, ENDED(NO_ANSWER));
        assert_int_equal(story_state(&story, callback), STATE(WITH_AGENT));
        story_do(&story, prepare(&story, NULL, rows[at].kind, rows[at].agent, callback));
        assert_int_equal(story_reason(&story), rows[at].outcome.reason);
        assert_int_equal(story_state(&story, callback),
                         after == STATE(UNSPECIFIED) ? STATE(WITH_AGENT) : after);
        if (rows[at].kind == DO(END) && after == STATE(ENDED))
            assert_int_equal(
                story_routing(&story, "routing.callback_ended", 0)->callback_ended->reason,
                REASON(NOT_REACHED));
        story_close(&story);
    }
}

static void rule_11_3_end_while_dialling_hangs_up(void **state)
{
    struct story story;
    const char *callback = open_in(&story, DIALLING);

    (void)state;
    story_now_on(&story);
    story_end(&story, "anna", callback);
    assert_int_equal(story_count(&story, "routing.hang_up"), 1);
    assert_int_equal(story_count(&story, "routing.agent_released"), 1);
    assert_int_equal(story_routing(&story, "routing.callback_ended", 0)->callback_ended->reason,
                     REASON(NOT_REACHED));
    story_answered(&story, ANSWER(PERSON)); /* answered all the same: hung up again */
    assert_int_equal(story_count(&story, "routing.hang_up"), 2);
    story_close(&story);
}

static void rule_11_3_dial_takes_another_number(void **state)
{
    static const struct {
        const char *given;
        PB(Reason) reason;
    } rows[] = {
        {"+97235550000", NONE}, {"12", REASON(NUMBER_INVALID)}, {"none", REASON(NUMBER_MISSING)}};

    (void)state;
    for (size_t at = 0; at < 3; at++) {
        struct story story;
        const char *callback = open_in(&story, WITH_AGENT);
        PB(Command) *command = prepare(&story, NULL, DO(DIAL), "anna", callback);
        PB(Dial) dial = RINGBACK__V1__DIAL__INIT;

        dial.number = story_text(&story, rows[at].given);
        command->dial = &dial;
        story_do(&story, command);
        assert_int_equal(story_reason(&story), rows[at].reason);
        if (rows[at].reason == REASON(UNSPECIFIED))
            assert_string_equal(story_routing(&story, "routing.place_call", 0)->place_call->number,
                                "+97235550000");
        story_close(&story);
    }
}

/* Somebody who is only named, as in scores, and of whom nothing is known, is unknown: else the
 * answer would depend on who happened to be remembered. */
static void rule_11_3_agent_only_named_is_unknown(void **state)
{
    struct story story;
    const char *callback = open_in(&story, WITH_AGENT);
    PB(InteractionEvent) * event;

    (void)state;
    event = story_entered(&story, "i2", "sales");
    event->entered->last_agent_id = story_text(&story, "carl");
    story_tell(&story, event);
    story_end(&story, "carl", callback);
    assert_int_equal(story_reason(&story), REASON(AGENT_UNKNOWN));
    story_close(&story);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_11_1_create_asked_again_gives_the_same_answer_and_no_second_life),
        cmocka_unit_test(rule_11_1_schedule_asked_again_gives_the_same_answer),
        cmocka_unit_test(rule_11_1_the_answer_repeated_is_of_the_kind_of_the_first),
        cmocka_unit_test(rule_11_1_a_create_under_the_id_of_a_schedule_is_answered_as_that),
        cmocka_unit_test(rule_11_1_refused_stays_refused_for_the_dedupe_window),
        cmocka_unit_test(rule_11_1_refused_names_the_first_again),
        cmocka_unit_test(rule_11_1_too_large_stays_so),
        cmocka_unit_test(rule_11_1_too_large_is_no_answer_to_what_was_answered),
        cmocka_unit_test(rule_11_1_broken_limits_stay_so),
        cmocka_unit_test(rule_11_1_without_a_good_id_nothing_is_decided),
        cmocka_unit_test(rule_11_1_id_too_long_is_cut_between_letters),
        cmocka_unit_test(rule_11_1_commands_done_are_done_once),
        cmocka_unit_test(rule_11_1_commands_refused_are_refused_again),
        cmocka_unit_test(rule_11_1_ids_are_a_domains_own),
        cmocka_unit_test(rule_11_1_answers_derive_from_their_request),
        cmocka_unit_test(rule_11_1_nothing_asked_is_not_supported),
        cmocka_unit_test(rule_11_1_done_is_forgotten_after_the_window),
        cmocka_unit_test(rule_11_1_window_is_an_option),
        cmocka_unit_test(rule_11_1_made_once_though_retention_is_shorter),
        cmocka_unit_test(rule_11_2_unknown_callback),
        cmocka_unit_test(rule_11_2_ended_callback),
        cmocka_unit_test(rule_11_3_table_of_commands_by_state),
        cmocka_unit_test(rule_11_3_cancel_leaves_nobody_behind),
        cmocka_unit_test(rule_11_3_cancel_ends_the_stay),
        cmocka_unit_test(rule_11_3_with_agent_after_an_unanswered_call),
        cmocka_unit_test(rule_11_3_end_while_dialling_hangs_up),
        cmocka_unit_test(rule_11_3_dial_takes_another_number),
        cmocka_unit_test(rule_11_3_agent_only_named_is_unknown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
