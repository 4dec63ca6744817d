#include "daemon/check_run.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "daemon/check_say.h"
#include "daemon/engine.h"
#include "daemon/log_json.h"

#include "ringback/v1/analytics.pb-c.h"
#include "ringback/v1/results.pb-c.h"
#include "ringback/v1/routing.pb-c.h"

/* Ids of one event's requests: settings may be several. */
struct request {
    const char *id;
    size_t event; /* SIZE_MAX: the settings of the story's head */
};

struct check_run {
    const struct check_story *story;
    struct check_result *result;
    struct arena *arena; /* the result's */
    const struct check_event *event;
    size_t event_index;
    int64_t now_ms;
    uint64_t version;
    struct engine *engine;
    struct machine_options machine_options;
    struct engine_options engine_options;
    int64_t offsets[INPUT_COUNT];
    struct batch batch;
};

/* What a comparison needs to know of the run; in the result's arena. */
struct check_known {
    struct check_name *names;
    size_t name_count;
    struct check_caller *callers;
    size_t caller_count;
    struct request *requests;
    size_t request_count;
};

/* --- faults --- */

void check_fault(struct check_result *result, int64_t at_ms, int line, const char *text)
{
    result->faults = memory_grow(
        result->faults, (result->fault_count + 1) * sizeof(*result->faults), "faults of a story");
    result->faults[result->fault_count++] = (struct check_fault){at_ms, line, text};
}

void check_cannot(struct check_run *run, const char *why)
{
    check_fault(run->result, run->now_ms, run->event->is.line,
                arena_format(run->arena, "cannot happen: %s: %s", run->event->is.text, why));
}

/* --- who is known --- */

static struct check_name *name_by_id(const struct check_known *known, const char *id)
{
    for (size_t at = 0; at < known->name_count; at++) {
        if (known->names[at].id != NULL && strcmp(known->names[at].id, id) == 0)
            return &known->names[at];
    }
    return NULL;
}

struct check_name *check_name(struct check_run *run, const char *name)
{
    struct check_known *known = run->result->known;

    for (size_t at = 0; at < known->name_count; at++) {
        if (strcmp(known->names[at].name, name) == 0)
            return &known->names[at];
    }
    return NULL;
}

struct check_caller *check_caller(struct check_run *run, const char *name)
{
    struct check_known *known = run->result->known;

    for (size_t at = 0; at < known->caller_count; at++) {
        if (strcmp(known->callers[at].name, name) == 0)
            return &known->callers[at];
    }
    return NULL;
}

static void meet_everybody(struct check_run *run)
{
    const struct check_story *story = run->story;
    struct check_known *known = arena_zalloc(run->arena, sizeof(*known));

    run->result->known = known;
    known->names = arena_zalloc(run->arena, (story->event_count + 1) * sizeof(*known->names));
    known->callers = arena_zalloc(run->arena, (story->event_count + 1) * sizeof(*known->callers));
    for (size_t at = 0; at < story->event_count; at++) {
        const struct check_event *event = &story->events[at];
        const char *name = check_text(&event->is, "callback", event->is.subject);

        if (event->verb->creates && check_name(run, name) == NULL)
            known->names[known->name_count++].name = name;
        if (event->verb->subject == CHECK_CALLER && check_caller(run, event->is.subject) == NULL)
            known->callers[known->caller_count++] = (struct check_caller){
                .name = event->is.subject, .media = RINGBACK__V1__MEDIA__MEDIA_VOICE};
    }
}

/* --- what comes out --- */

static const char *oneof_field(const ProtobufCMessage *message)
{
    const ProtobufCMessageDescriptor *type = message->descriptor;

    for (unsigned at = 0; at < type->n_fields; at++) {
        const ProtobufCFieldDescriptor *field = &type->fields[at];
        uint32_t chosen;

        if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) == 0)
            continue;
        memcpy(&chosen, (const char *)message + field->quantifier_offset, sizeof(chosen));
        if (chosen == field->id)
            return field->name;
    }
    return "";
}

static void learn(struct check_known *known, const ProtobufCMessage *message)
{
    const Ringback__V1__RoutingEvent *routing = (const Ringback__V1__RoutingEvent *)message;
    struct check_name *name = name_by_id(known, routing->callback_id);

    if (name == NULL)
        return;
    if (routing->event_case == RINGBACK__V1__ROUTING_EVENT__EVENT_OFFER)
        name->offer_id = routing->offer->offer_id;
    if (routing->event_case == RINGBACK__V1__ROUTING_EVENT__EVENT_PLACE_CALL)
        name->attempt_id = routing->place_call->attempt_id;
}

static void learn_made(struct check_known *known, const Ringback__V1__Result *result)
{
    const char *id = NULL;

    if (result->answer_case == RINGBACK__V1__RESULT__ANSWER_CALLBACK_ACCEPTED)
        id = result->callback_accepted->callback_id;
    if (result->answer_case == RINGBACK__V1__RESULT__ANSWER_COMMAND_ACCEPTED)
        id = result->command_accepted->callback_id;
    for (size_t at = 0; id != NULL && at < known->name_count; at++) {
        struct check_name *name = &known->names[at];

        if (name->request != NULL && strcmp(name->request, result->request_id) == 0)
            name->id = id;
    }
}

static void add_output(struct check_result *result, const struct check_output *output)
{
    if ((result->output_count & (result->output_count + 1)) == 0) /* 0, 1, 3, 7, ... */
        result->outputs = memory_grow(
            result->outputs, (2 * result->output_count + 1) * sizeof(*result->outputs), "outputs");
    result->outputs[result->output_count++] = *output;
}

const char *check_dead_letter(const struct record *record, struct arena *arena)
{
    const char *text = "it is a dead letter";

    for (size_t at = 0; at < record->header_count; at++)
        text = arena_format(arena, "%s, %s=%.*s", text, record->headers[at].name,
                            (int)record->headers[at].value.size,
                            (const char *)record->headers[at].value.data);
    return text;
}

bool check_output_read(struct check_output *output, const struct framing *framing,
                       struct slice value, struct arena *arena)
{
    struct record record = {.topic = output->topic};
    struct slice message = framing_message(framing, output->topic, value);

    output->value = record.value = arena_slice(arena, message.data == NULL ? value : message);
    output->message =
        message.data == NULL ? NULL : log_json_unpack(NULL, output->topic, &record, arena);
    if (output->message != NULL)
        output->type = oneof_field(output->message);
    return output->message != NULL;
}

static void take_batch(struct check_run *run)
{
    for (size_t at = 0; at < run->batch.state_first; at++) {
        const struct record *record = &run->batch.records[at];
        struct check_output output = {.at_ms = record->timestamp_ms, .topic = record->topic};
        bool readable;

        if (record->topic >= TOPIC_DLQ_FIRST) {
            check_cannot(run, check_dead_letter(record, run->arena));
            continue;
        }
        readable = check_output_read(&output, NULL, record->value, run->arena);
        assert(readable);
        add_output(run->result, &output);
        if (record->topic == TOPIC_ROUTING)
            learn(run->result->known, output.message);
        if (record->topic == TOPIC_RESULTS)
            learn_made(run->result->known, (const Ringback__V1__Result *)output.message);
    }
}

/* --- what is said --- */

struct check_voice check_voice(struct check_run *run)
{
    return (struct check_voice){run->story, run->arena, run->event, run->now_ms, &run->version};
}

char *check_request_id(struct check_run *run)
{
    struct check_known *known = run->result->known;
    const char *given = run->event->request;
    char *id = given != NULL ? arena_text(run->arena, slice_text(given))
                             : arena_format(run->arena, "request-%zu-%zu", run->event_index + 1,
                                            known->request_count);

    known->requests = memory_grow(
        known->requests, (known->request_count + 1) * sizeof(*known->requests), "requests");
    known->requests[known->request_count++] = (struct request){id, run->event_index};
    if (run->event->verb->creates)
        check_name(run, check_text(&run->event->is, "callback", run->event->is.subject))->request =
            id;
    return id;
}

static void decide(struct check_run *run, const struct record *record, int64_t before_ms)
{
    struct engine_input inputs[INPUT_COUNT];
    const struct engine_time time = {.quiet_until_ms = before_ms};

    for (int at = 0; at < INPUT_COUNT; at++)
        inputs[at] = (struct engine_input){.at_end = true};
    if (record != NULL)
        inputs[record->topic] = (struct engine_input){record, 1, true};
    engine_decide(run->engine, inputs, &time, &run->batch);
    take_batch(run);
}

void check_send(struct check_run *run, enum input input, const ProtobufCMessage *message)
{
    struct check_result *result = run->result;
    uint8_t *bytes = arena_alloc(run->arena, protobuf_c_message_get_packed_size(message));
    struct record record = {.topic = (enum topic)input,
                            .offset = run->offsets[input]++,
                            .timestamp_ms = run->now_ms,
                            .key = slice_text(run->story->domain),
                            .value = {bytes, protobuf_c_message_pack(message, bytes)}};

    result->inputs =
        memory_grow(result->inputs, (result->input_count + 1) * sizeof(*result->inputs), "inputs");
    result->inputs[result->input_count++] =
        (struct check_input){record.topic, record.timestamp_ms, record.value};
    do {
        decide(run, &record, run->now_ms);
    } while (run->batch.taken[input] == 0 && run->batch.timers > 0);
    assert(run->batch.taken[input] == 1);
}

/* Timers due before then. */
static void pass_time(struct check_run *run, int64_t before_ms)
{
    do {
        decide(run, NULL, before_ms);
    } while (run->batch.count > 0);
}

static void open_engine(struct check_run *run)
{
    const uint8_t writer[writer_bytes] = "check";
    struct err_note note;
    enum err err;

    options_machine(&run->story->options, &run->machine_options);
    engine_options_default(&run->engine_options);
    run->engine_options.machine = &run->machine_options;
    run->engine_options.clock_event = true;
    run->engine_options.records_max = 1;
    run->engine_options.timers_max = 1;
    run->engine_options.event_jump_max_ms = INT64_MAX / 4;
    run->engine = engine_create(&run->engine_options);
    err = engine_ready(run->engine, &note);
    assert(err == ERR_OK);
    engine_writer(run->engine, writer, writer);
}

static void tell_settings(struct check_run *run)
{
    const struct check_verb *verb = check_verbs;
    struct check_event event = {.is = {.line = 1, .text = "settings"}};

    while (verb->maker != check_say_change)
        verb++;
    event.verb = verb;
    run->event = &event;
    run->event_index = SIZE_MAX - 1;
    run->now_ms = run->story->start_ms;
    check_say_settings(run, &run->story->settings);
}

static void tell_events(struct check_run *run)
{
    const struct check_story *story = run->story;

    for (size_t at = 0; at < story->event_count; at++) {
        run->event = &story->events[at];
        run->event_index = at;
        run->now_ms = run->event->is.at_ms;
        pass_time(run, run->now_ms);
        run->result->decided[at] = run->result->output_count;
        run->event->verb->maker(run, run->event);
    }
}

/* --- comparing --- */

static const ProtobufCMessage *submessage(const ProtobufCMessage *message, const char *name)
{
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);
    const ProtobufCMessage *inner;

    assert(field != NULL);
    memcpy(&inner, (const char *)message + field->offset, sizeof(inner));
    return inner;
}

bool check_field(const struct check_output *output, const struct check_param *param,
                 struct check_field *found)
{
    const ProtobufCMessage *message = output->message;
    const char *name = param->field, *dot = strchr(name, '.');
    char outer[40];

    if (name[0] == '^') {
        name++;
    } else {
        message = submessage(message, output->type);
        if (dot != NULL) {
            snprintf(outer, sizeof(outer), "%.*s", (int)(dot - name), name);
            message = submessage(message, outer);
            name = dot + 1;
        }
    }
    if (message == NULL)
        return false;
    found->type = protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);
    assert(found->type != NULL);
    found->at = (const char *)message + found->type->offset;
    found->message = message;
    return true;
}

int64_t check_field_number(const struct check_field *field)
{
    int64_t wide;
    int32_t narrow;
    uint32_t count;

    if (field->type->type == PROTOBUF_C_TYPE_INT64 || field->type->type == PROTOBUF_C_TYPE_UINT64) {
        memcpy(&wide, field->at, sizeof(wide));
        return wide;
    }
    if (field->type->type == PROTOBUF_C_TYPE_UINT32) {
        memcpy(&count, field->at, sizeof(count));
        return count;
    }
    memcpy(&narrow, field->at, sizeof(narrow)); /* an enum, a bool, a signed number */
    return narrow;
}

const char *check_field_text(const struct check_field *field)
{
    const char *text;

    memcpy(&text, field->at, sizeof(text));
    return text;
}

char **check_field_list(const struct check_field *field, size_t *count)
{
    char **list;

    memcpy(&list, field->at, sizeof(list));
    memcpy(count, (const char *)field->message + field->type->quantifier_offset, sizeof(*count));
    return list;
}

static bool value_is(const struct check_output *output, const struct check_value *value)
{
    struct check_field field;
    char **list;
    size_t count;

    if (!check_field(output, value->param, &field))
        return false;
    if (value->param->type == CHECK_TYPE_IDS) {
        list = check_field_list(&field, &count);
        if (count != value->item_count)
            return false;
        for (size_t at = 0; at < count; at++) {
            if (strcmp(list[at], value->items[at]) != 0)
                return false;
        }
        return true;
    }
    if (field.type->type == PROTOBUF_C_TYPE_STRING)
        return strcmp(check_field_text(&field),
                      strcmp(value->text, "none") == 0 ? "" : value->text) == 0;
    if (value->param->type == CHECK_TYPE_DURATION && value->param->unit != 0)
        return check_field_number(&field) * value->param->unit == value->number;
    return check_field_number(&field) == value->number;
}

const char *check_about(const struct check_result *result, enum check_subject subject,
                        const struct check_output *output)
{
    const Ringback__V1__RoutingEvent *routing = (const Ringback__V1__RoutingEvent *)output->message;
    const Ringback__V1__AnalyticsEvent *analytics =
        (const Ringback__V1__AnalyticsEvent *)output->message;
    bool is_routing = output->topic == TOPIC_ROUTING;
    const char *id = is_routing ? routing->callback_id : analytics->callback_id;
    const struct check_name *name;

    if (subject == CHECK_QUEUE)
        return is_routing ? routing->queue_id : analytics->queue_id;
    if (subject == CHECK_CALLBACK) {
        name = name_by_id(result->known, id);
        return name != NULL ? name->name : id;
    }
    if (!is_routing)
        return analytics->interaction_id;
    return routing->event_case == RINGBACK__V1__ROUTING_EVENT__EVENT_PREFER_AGENTS
               ? routing->prefer_agents->interaction_id
               : "";
}

static bool is_word(const struct check_output *output, const struct check_word *word)
{
    return output->topic == word->topic && strcmp(output->type, word->event) == 0;
}

static bool matches(const struct check_result *result, const struct check_expect *expect,
                    const struct check_output *output)
{
    if (!is_word(output, expect->word) ||
        strcmp(check_about(result, expect->word->subject, output), expect->is.subject) != 0)
        return false;
    for (size_t at = 0; at < expect->is.value_count; at++) {
        if (!value_is(output, &expect->is.values[at]))
            return false;
    }
    return true;
}

static bool find_expected(struct check_result *result, const struct check_expect *expect)
{
    for (size_t at = 0; at < result->output_count; at++) {
        struct check_output *output = &result->outputs[at];

        if (!output->expected && output->at_ms == expect->is.at_ms &&
            matches(result, expect, output)) {
            output->expected = true;
            return true;
        }
    }
    return false;
}

static void compare_never(struct check_result *result, const struct check_expect *expect)
{
    for (size_t at = 0; at < result->output_count; at++) {
        const struct check_output *output = &result->outputs[at];

        if (output->at_ms >= expect->from_ms && output->at_ms <= expect->to_ms &&
            matches(result, expect, output))
            check_fault(result, output->at_ms, expect->is.line,
                        arena_format(&result->arena, "came, must not: %s", expect->is.text));
    }
}

/* Those with many words first: they can be met by fewer. */
static void compare_expects(const struct check_story *story, struct check_result *result)
{
    size_t most = 0;

    for (size_t at = 0; at < story->expect_count; at++)
        most = story->expects[at].is.value_count > most ? story->expects[at].is.value_count : most;
    for (size_t words = most + 1; words-- > 0;) {
        for (size_t at = 0; at < story->expect_count; at++) {
            const struct check_expect *expect = &story->expects[at];

            if (expect->is.value_count != words)
                continue;
            if (expect->never)
                compare_never(result, expect);
            else if (!find_expected(result, expect))
                check_fault(
                    result, expect->is.at_ms, expect->is.line,
                    arena_format(&result->arena, "expected, did not come: %s", expect->is.text));
        }
    }
}

const struct check_word *check_word_of(const struct check_output *output)
{
    for (const struct check_word *word = check_words; word->word != NULL; word++) {
        const Ringback__V1__AnalyticsEvent *analytics =
            (const Ringback__V1__AnalyticsEvent *)output->message;

        if (!is_word(output, word))
            continue;
        if (output->topic == TOPIC_ANALYTICS &&
            (analytics->callback_id[0] == '\0') != (word->subject == CHECK_CALLER))
            continue;
        return word;
    }
    return NULL;
}

static void compare_strict(const struct check_story *story, struct check_result *result)
{
    for (size_t at = 0; at < result->output_count; at++) {
        const struct check_output *output = &result->outputs[at];
        const struct check_word *word = check_word_of(output);

        if (!output->expected && word != NULL && story->strict[word - check_words])
            check_fault(result, output->at_ms, 0,
                        arena_format(&result->arena, "came, not expected: %s",
                                     check_output_text(story, result, output, &result->arena)));
    }
}

/* --- answers --- */

static int answer_reason(const Ringback__V1__Result *result)
{
    if (result->answer_case == RINGBACK__V1__RESULT__ANSWER_CALLBACK_REFUSED)
        return (int)result->callback_refused->reason;
    if (result->answer_case == RINGBACK__V1__RESULT__ANSWER_COMMAND_REFUSED)
        return (int)result->command_refused->reason;
    if (result->answer_case == RINGBACK__V1__RESULT__ANSWER_SETTINGS_REFUSED)
        return (int)result->settings_refused->reason;
    return 0;
}

static const char *answer_words(const Ringback__V1__Result *result, struct arena *arena)
{
    const char *text = "";
    int reason = answer_reason(result);

    if (reason == 0)
        return "done";
    if (result->answer_case == RINGBACK__V1__RESULT__ANSWER_CALLBACK_REFUSED)
        text = result->callback_refused->text;
    else if (result->answer_case == RINGBACK__V1__RESULT__ANSWER_COMMAND_REFUSED)
        text = result->command_refused->text;
    else
        text = result->settings_refused->text;
    return arena_format(arena, "%s (%s)", check_reason_name(reason), text);
}

const char *check_reason_name(int reason)
{
    const ProtobufCEnumValue *value =
        protobuf_c_enum_descriptor_get_value(&ringback__v1__reason__descriptor, reason);

    return value == NULL ? "?" : value->name + strlen("REASON_");
}

/* One event's answers: each must be as it says; of several requests one that is refused so is
 * enough. */
static void compare_answer(const struct check_story *story, struct check_result *result,
                           size_t index)
{
    const struct check_event *event = index < story->event_count ? &story->events[index] : NULL;
    int wanted = event == NULL ? 0 : event->answer;
    const char *text = event == NULL ? "the settings" : event->is.text;
    int line = event == NULL ? 1 : event->is.line;
    int64_t at_ms = event == NULL ? story->start_ms : event->is.at_ms;
    const struct check_known *known = result->known;
    size_t asked = 0, answered = 0;
    bool met = wanted == 0;

    for (size_t at = 0; at < known->request_count; at++) {
        if (known->requests[at].event != index)
            continue;
        asked++;
        for (size_t other = 0; other < result->output_count; other++) {
            const struct check_output *output = &result->outputs[other];
            const Ringback__V1__Result *answer = (const Ringback__V1__Result *)output->message;
            int reason;

            if (output->topic != TOPIC_RESULTS || output->at_ms != at_ms ||
                strcmp(answer->request_id, known->requests[at].id) != 0)
                continue;
            reason = answer_reason(answer);
            answered++;
            met |= reason == wanted;
            if (reason != 0 && reason != wanted)
                check_fault(result, output->at_ms, line,
                            arena_format(&result->arena, "%s: answered %s, expected %s", text,
                                         answer_words(answer, &result->arena),
                                         wanted == 0 ? "done" : check_reason_name(wanted)));
        }
    }
    if (answered < asked && (event == NULL || event->verb->asks || wanted != 0))
        check_fault(result, at_ms, line, arena_format(&result->arena, "%s: no answer came", text));
    else if (!met)
        check_fault(result, at_ms, line,
                    arena_format(&result->arena, "%s: answered done, expected %s", text,
                                 check_reason_name(wanted)));
}

static int compare_faults(const void *a, const void *b)
{
    const struct check_fault *left = a, *right = b;

    if (left->at_ms != right->at_ms)
        return left->at_ms < right->at_ms ? -1 : 1;
    return left->line - right->line;
}

static void compare(const struct check_story *story, struct check_result *result)
{
    compare_answer(story, result, SIZE_MAX - 1);
    for (size_t at = 0; at < story->event_count; at++) {
        if (story->events[at].verb->asks || story->events[at].verb->may_ask)
            compare_answer(story, result, at);
    }
    compare_expects(story, result);
    compare_strict(story, result);
    if (result->fault_count > 1)
        qsort(result->faults, result->fault_count, sizeof(*result->faults), compare_faults);
}

/* The next output of that topic from `at` on; count: there is none. */
static size_t next_of(const struct check_output *outputs, size_t count, size_t at, enum topic topic)
{
    while (at < count && outputs[at].topic != topic)
        at++;
    return at;
}

/* The first record of a topic that is another one than before is told; the rest follows from it. */
static void compare_topic(const struct check_story *story, struct check_result *result,
                          const struct check_output *before, size_t before_count, enum topic topic)
{
    const struct check_output *outputs = result->outputs;
    size_t count = result->output_count;
    size_t was = next_of(before, before_count, 0, topic), is = next_of(outputs, count, 0, topic);
    const char *was_text = "nothing", *is_text = "nothing";

    while (was < before_count && is < count && outputs[is].at_ms == before[was].at_ms &&
           slice_equal(outputs[is].value, before[was].value)) {
        was = next_of(before, before_count, was + 1, topic);
        is = next_of(outputs, count, is + 1, topic);
    }
    if (was == before_count && is == count)
        return;
    if (was < before_count)
        was_text = check_output_text(story, result, &before[was], &result->arena);
    if (is < count)
        is_text = check_output_text(story, result, &outputs[is], &result->arena);
    check_fault(
        result, is < count ? outputs[is].at_ms : before[was].at_ms, 0,
        arena_format(&result->arena, "%s: \"%s\" came, from the engine alone \"%s\"%s",
                     topic_short_name(topic), is_text, was_text,
                     strcmp(is_text, was_text) == 0 ? ": they differ in other fields" : ""));
}

/* What came before each event: of the same moment only those that are no answer to it. */
static void place_events(const struct check_story *story, struct check_result *result)
{
    size_t output = 0;

    for (size_t at = 0; at < story->event_count; at++) {
        while (output < result->output_count &&
               result->outputs[output].at_ms < story->events[at].is.at_ms)
            output++;
        result->decided[at] = output;
    }
}

void check_compare(const struct check_story *story, struct check_result *result,
                   const struct check_output *outputs, size_t count)
{
    struct check_output *before = result->outputs;
    size_t before_count = result->output_count;

    result->output_count = result->fault_count = 0;
    result->outputs = NULL;
    for (size_t at = 0; at < count; at++) {
        struct check_output output = outputs[at];

        output.expected = false;
        if (output.at_ms <= story->until_ms)
            add_output(result, &output);
    }
    place_events(story, result);
    compare_topic(story, result, before, before_count, TOPIC_ROUTING);
    compare_topic(story, result, before, before_count, TOPIC_ANALYTICS);
    compare_topic(story, result, before, before_count, TOPIC_RESULTS);
    free(before);
    compare(story, result);
}

void check_run(const struct check_story *story, struct check_result *result)
{
    struct check_run run = {.story = story, .result = result, .arena = &result->arena};

    *result = (struct check_result){.outputs = NULL};
    arena_init(&result->arena);
    batch_init(&run.batch);
    result->decided =
        arena_zalloc(&result->arena, (story->event_count + 1) * sizeof(*result->decided));
    meet_everybody(&run);
    open_engine(&run);
    tell_settings(&run);
    tell_events(&run);
    run.now_ms = story->until_ms;
    pass_time(&run, story->until_ms + 1);
    compare(story, result);
    engine_destroy(run.engine);
    batch_deinit(&run.batch);
}

void check_result_deinit(struct check_result *result)
{
    if (result->known != NULL)
        free(result->known->requests);
    free(result->outputs);
    free(result->inputs);
    free(result->faults);
    arena_deinit(&result->arena);
}
