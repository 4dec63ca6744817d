/* daemon/engine and decide, with a machine that says what it was given. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "daemon/engine.h"

#include "fake_machine.h"

enum { given_max = 2000 };

static const uint8_t writer_a[writer_bytes] = "writer-a-------";
static const uint8_t writer_b[writer_bytes] = "writer-b-------";
static const uint8_t incarnation[incarnation_bytes] = "incarnation----";

static struct arena arena; /* of the records given, and of what outputs() says */
static struct record given[INPUT_COUNT][given_max];
static size_t added[INPUT_COUNT];
static struct engine_input inputs[INPUT_COUNT];
static struct engine_options options;
static struct engine *engine;
static struct batch batch;
static struct err_note note;

static void restart(void)
{
    engine_destroy(engine);
    engine = engine_create(&options);
}

static void start_inputs(void)
{
    for (int i = 0; i < INPUT_COUNT; i++) {
        inputs[i] = (struct engine_input){given[i], 0, true};
        added[i] = 0;
    }
}

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena);
    batch_init(&batch);
    engine_options_default(&options);
    options.decides = "dlq=1\n";
    start_inputs();
    engine = NULL;
    restart();
    assert_int_equal(engine_ready(engine, &note), ERR_OK);
    engine_writer(engine, writer_a, incarnation);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    engine_destroy(engine);
    batch_deinit(&batch);
    arena_deinit(&arena);
    return 0;
}

/* An event of that id that the input knows. */
static struct slice event_bytes(enum input input, const char *id)
{
    Ringback__V1__SettingsEvent settings;
    Ringback__V1__InteractionEvent interaction;
    Ringback__V1__PresenceEvent presence;
    Ringback__V1__FlowEvent flow;
    Ringback__V1__Command command;
    Ringback__V1__ZoneRemoval zone_removal;
    Ringback__V1__InteractionEnded ended;
    Ringback__V1__PresenceChanged changed;
    Ringback__V1__CallData call_data;
    Ringback__V1__Cancel cancel;
    const ProtobufCMessage *const messages[INPUT_COUNT] = {
        &settings.base, &interaction.base, &presence.base, &flow.base, &command.base};
    struct slice slice;
    uint8_t *data;

    ringback__v1__settings_event__init(&settings);
    ringback__v1__interaction_event__init(&interaction);
    ringback__v1__presence_event__init(&presence);
    ringback__v1__flow_event__init(&flow);
    ringback__v1__command__init(&command);
    ringback__v1__zone_removal__init(&zone_removal);
    ringback__v1__interaction_ended__init(&ended);
    ringback__v1__presence_changed__init(&changed);
    ringback__v1__call_data__init(&call_data);
    ringback__v1__cancel__init(&cancel);
    settings.id = interaction.id = presence.id = flow.id = command.request_id =
        arena_text(&arena, slice_text(id));
    settings.event_case = RINGBACK__V1__SETTINGS_EVENT__EVENT_ZONE_REMOVAL;
    settings.zone_removal = &zone_removal;
    interaction.event_case = RINGBACK__V1__INTERACTION_EVENT__EVENT_ENDED;
    interaction.ended = &ended;
    presence.event_case = RINGBACK__V1__PRESENCE_EVENT__EVENT_PRESENCE;
    presence.presence = &changed;
    flow.event_case = RINGBACK__V1__FLOW_EVENT__EVENT_CALL_DATA;
    flow.call_data = &call_data;
    command.command_case = RINGBACK__V1__COMMAND__COMMAND_CANCEL;
    command.cancel = &cancel;
    slice.size = protobuf_c_message_get_packed_size(messages[input]);
    data = arena_alloc(&arena, slice.size);
    protobuf_c_message_pack(messages[input], data);
    slice.data = data;
    return slice;
}

/* One more candidate; offsets count from 0 on each input. */
static struct record *add(enum input input, int64_t timestamp_ms, const char *domain,
                          const char *id)
{
    size_t at = added[input]++;

    inputs[input].count++;
    assert_true(at < given_max);
    given[input][at] = (struct record){.topic = (enum topic)input,
                                       .offset = (int64_t)at,
                                       .timestamp_ms = timestamp_ms,
                                       .key = slice_text(domain),
                                       .value = event_bytes(input, id)};
    return &given[input][at];
}

/* Decides once and takes what was taken off the inputs. */
static void decide(const struct engine_time *time)
{
    engine_decide(engine, inputs, time, &batch);
    for (int i = 0; i < INPUT_COUNT; i++) {
        inputs[i].records += batch.taken[i];
        inputs[i].count -= batch.taken[i];
    }
}

static void decide_at(int64_t clock_ms, int64_t horizon_ms, int64_t horizon_stop_ms)
{
    const struct engine_time time = {
        .clock_ms = clock_ms, .horizon_ms = horizon_ms, .horizon_stop_ms = horizon_stop_ms};

    decide(&time);
}

static void decide_event(void)
{
    const struct engine_time time = {0};

    decide(&time);
}

static struct slice header(const struct record *record, const char *name)
{
    for (size_t i = 0; i < record->header_count; i++) {
        if (strcmp(record->headers[i].name, name) == 0)
            return record->headers[i].value;
    }
    return slice_make(NULL, 0);
}

static void assert_slice(struct slice slice, const char *text)
{
    assert_string_equal(arena_text(&arena, slice), text);
}

static void assert_header(const struct record *record, const char *name, const char *text)
{
    assert_non_null(header(record, name).data);
    assert_slice(header(record, name), text);
}

/* "id id ..." of the batch's outputs, and "!REASON" of its dead letters. */
static const char *outputs(void)
{
    const char *said = "";

    for (size_t i = 0; i < batch.state_first; i++) {
        const struct record *record = &batch.records[i];
        bool dead = record->topic >= TOPIC_DLQ_FIRST;
        struct slice id = header(record, dead ? "__connect.errors.exception.class.name" : "ce_id");

        said = arena_format(&arena, "%s%s%.*s ", said, dead ? "!" : "", (int)id.size,
                            (const char *)id.data);
    }
    return said;
}

static Ringback__V1__JournalRecord *journal(void)
{
    const struct record *record = &batch.records[batch.count - 2];
    Ringback__V1__JournalRecord *read;

    assert_true(batch.count >= 2);
    assert_int_equal(record->topic, TOPIC_JOURNAL);
    read = ringback__v1__journal_record__unpack(&arena.allocator, record->value.size,
                                                record->value.data);
    assert_non_null(read);
    return read;
}

static void engine_without_anything_to_do_makes_an_empty_batch(void **state)
{
    (void)state;
    decide_at(1000, 1000, 1000);
    assert_int_equal(batch.count, 0);
    assert_int_equal(batch.end, BATCH_END_ALL);
    assert_int_equal(engine_meta(engine)->number, 0);
    assert_int_equal(engine_due(engine), INT64_MAX);
}

static void engine_a_record_becomes_outputs_state_journal_and_meta(void **state)
{
    const struct header headers[] = {
        {"traceparent", slice_text("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")}};
    struct record *record = add(INPUT_PRESENCE, 900, "dom", "e1");
    Ringback__V1__Meta *meta;

    (void)state;
    record->headers = headers;
    record->header_count = 1;
    record->offset = 41;
    decide_at(1500, 1500, 1500);
    assert_int_equal(batch.count, 4);
    assert_int_equal(batch.number, 1);
    assert_int_equal(batch.taken[INPUT_PRESENCE], 1);
    assert_int_equal(batch.decided, 1);
    assert_int_equal(batch.records[0].topic, TOPIC_ROUTING);
    assert_slice(batch.records[0].key, "dom");
    assert_int_equal(batch.records[0].timestamp_ms, 1500);
    assert_header(&batch.records[0], "ce_id", "2-41-e1-1500-900-0");
    assert_header(&batch.records[0], "ce_type", "ringback.routing.event");
    assert_header(&batch.records[0], "ce_time", "1970-01-01T00:00:01.500Z");
    assert_header(&batch.records[0], "ce_source", "/ringback");
    assert_int_equal(header(&batch.records[0], "traceparent").size, trace_text_bytes);
    assert_memory_equal(header(&batch.records[0], "traceparent").data,
                        "00-0af7651916cd43dd8448eb211c80319c-", 36);
    assert_memory_not_equal(header(&batch.records[0], "traceparent").data + 36, "b7ad6b7169203331",
                            16);
    assert_int_equal(batch.causes[0].input, INPUT_PRESENCE);
    assert_int_equal(batch.causes[0].offset, 41);
    assert_int_equal(batch.state_first, 1);
    assert_int_equal(batch.state_count, 1);
    assert_slice(batch.records[1].key, "counters|dom|x");
    assert_int_equal(journal()->number, 1);
    assert_int_equal(journal()->ranges[INPUT_PRESENCE]->from_offset, 0);
    assert_int_equal(journal()->ranges[INPUT_PRESENCE]->to_offset, 42);
    assert_memory_equal(journal()->writer.data, writer_a, writer_bytes);
    assert_string_equal(journal()->options, "dlq=1\n");
    assert_int_equal(batch.records[3].topic, TOPIC_STATE);
    assert_slice(batch.records[3].key, META_KEY);
    meta = ringback__v1__meta__unpack(&arena.allocator, batch.records[3].value.size,
                                      batch.records[3].value.data);
    assert_non_null(meta);
    assert_int_equal(meta->number, 1);
    assert_int_equal(meta->clock_ms, 1500);
    assert_int_equal(meta->entity_count, 1);
    assert_int_equal(meta->positions[INPUT_PRESENCE]->next_offset, 42);
    assert_int_equal(meta->positions[INPUT_PRESENCE]->last_timestamp_ms, 900);
    assert_int_equal(meta->positions[INPUT_FLOWS]->last_timestamp_ms, -1);
}

static void engine_live_timers_fire_strictly_before_a_record_and_within_the_horizons(void **state)
{
    (void)state;
    add(INPUT_FLOWS, 100, "d", "ff");   /* due 120 */
    add(INPUT_FLOWS, 100, "d", "sss");  /* due 130, a record could stop it */
    add(INPUT_FLOWS, 100, "d", "ffff"); /* due 140 */
    decide_at(100, 100, 100);
    assert_string_equal(outputs(), "3-0-ff-100-100-0 3-1-sss-100-100-0 3-2-ffff-100-100-0 ");
    assert_int_equal(engine_due(engine), 120);
    add(INPUT_SETTINGS, 120, "d", "x");
    add(INPUT_SETTINGS, 121, "d", "y");
    decide_at(135, 110, 110); /* the horizon holds all back */
    assert_string_equal(outputs(), "0-0-x-135-120-0 0-1-y-135-121-0 ");
    add(INPUT_SETTINGS, 140, "d", "z");
    decide_at(200, 200, 125); /* the stoppable one waits */
    assert_string_equal(outputs(), "t-120-200 0-2-z-200-140-0 t-140-200 ");
    assert_int_equal(batch.timers, 2);
    assert_int_equal(journal()->timers_fired, 2);
    assert_int_equal(journal()->horizon_ms, 200);
    assert_int_equal(journal()->horizon_stop_ms, 125);
    decide_at(200, 200, 200);
    assert_string_equal(outputs(), "t-130-200 ");
}

static void engine_the_clock_never_goes_back(void **state)
{
    (void)state;
    add(INPUT_FLOWS, 100, "d", "a");
    decide_at(5000, 0, 0);
    add(INPUT_FLOWS, 100, "d", "b");
    decide_at(4000, 0, 0);
    assert_string_equal(outputs(), "3-1-b-5000-100-0 ");
    assert_int_equal(batch.clock_ms, 5000);
}

static void engine_limits_end_a_batch(void **state)
{
    (void)state;
    options.records_max = 2;
    options.timers_max = 1;
    restart();
    for (int i = 0; i < 3; i++)
        add(INPUT_FLOWS, 100, "d", "f");
    decide_at(100, 100, 100);
    assert_int_equal(batch.end, BATCH_END_RECORDS);
    assert_int_equal(batch.taken[INPUT_FLOWS], 2);
    decide_at(100, 100, 100);
    assert_int_equal(batch.end, BATCH_END_ALL);
    decide_at(200, 200, 200);
    assert_int_equal(batch.end, BATCH_END_TIMERS);
    assert_string_equal(outputs(), "t-110-200 ");
    options.records_max = 100;
    options.bytes_max = 1;
    restart();
    inputs[INPUT_FLOWS] = (struct engine_input){given[INPUT_FLOWS], 3, true};
    decide_at(100, 100, 100);
    assert_int_equal(batch.end, BATCH_END_BYTES);
    assert_int_equal(batch.taken[INPUT_FLOWS], 1);
}

/* Decides a record with that key and value on `input`, and says what came of it. */
static const char *decide_odd(enum input input, struct slice key, struct slice value)
{
    struct record *record = add(input, 900, "d", "x");

    record->key = key;
    record->value = value;
    decide_at(1000, 0, 0);
    return outputs();
}

static void engine_what_cannot_be_decided_becomes_a_dead_letter_with_its_reason(void **state)
{
    const struct slice null = {NULL, 0}, d = slice_text("d");
    struct slice unset = slice_text("\x0a\x01i"), wrong_utf8 = slice_text("\x0a\x01\xff");

    (void)state;
    assert_string_equal(decide_odd(INPUT_PRESENCE, null, unset), "!NO_DOMAIN ");
    assert_string_equal(decide_odd(INPUT_PRESENCE, slice_text(""), unset), "!NO_DOMAIN ");
    assert_string_equal(decide_odd(INPUT_COMMANDS, slice_text("a|b"), unset), "!NO_DOMAIN ");
    assert_string_equal(decide_odd(INPUT_PRESENCE, d, null), "!UNDECODABLE ");
    assert_string_equal(decide_odd(INPUT_COMMANDS, d, slice_text("\x0a\x05i")), "!UNDECODABLE ");
    assert_string_equal(decide_odd(INPUT_FLOWS, d, wrong_utf8), "!UNDECODABLE ");
    assert_string_equal(decide_odd(INPUT_PRESENCE, d, unset), "!UNKNOWN_KIND ");
    assert_string_equal(decide_odd(INPUT_PRESENCE, d, event_bytes(INPUT_PRESENCE, "bad")),
                        "!LIMIT ");
    assert_int_equal(batch.undecided[RINGBACK__V1__UNDECIDED_REASON__UNDECIDED_REASON_LIMIT], 1);
    assert_int_equal(batch.decided, 0);
    assert_int_equal(journal()->n_undecided, 1);
    assert_int_equal(journal()->undecided[0]->input, INPUT_PRESENCE);
    assert_int_equal(journal()->undecided[0]->offset, 4);
    assert_int_equal(journal()->undecided[0]->reason,
                     RINGBACK__V1__UNDECIDED_REASON__UNDECIDED_REASON_LIMIT);
}

static void engine_a_dead_letter_is_untouched_and_says_where_it_was(void **state)
{
    const struct header headers[] = {{"a", slice_text("1")}, {"b", {NULL, 0}}};
    struct record *record;

    (void)state;
    options.dlq_bytes_max = 20;
    options.partitions[TOPIC_DLQ_FIRST + INPUT_FLOWS] = 1;
    restart();
    record = add(INPUT_FLOWS, 900, "d", "x");
    record->value = slice_text("\xff\xff\xff rubbish");
    record->headers = headers;
    record->header_count = 2;
    record->offset = 17;
    decide_at(1000, 0, 0);
    record = &batch.records[0];
    assert_int_equal(record->topic, TOPIC_DLQ_FIRST + INPUT_FLOWS);
    assert_slice(record->key, "d");
    assert_slice(record->value, "\xff\xff\xff rubbish");
    assert_header(record, "a", "1");
    assert_string_equal(record->headers[1].name, "b");
    assert_null(record->headers[1].value.data);
    assert_header(record, "__connect.errors.topic", "flows");
    assert_header(record, "__connect.errors.partition", "0");
    assert_header(record, "__connect.errors.offset", "17");
    assert_header(record, "__connect.errors.exception.class.name", "UNDECODABLE");
    assert_header(record, "__connect.errors.exception.message",
                  "the value (11 bytes) is not a ringback.v1.FlowEvent");
    assert_null(header(record, "__connect.errors.value.bytes").data);
    assert_int_equal(batch.causes[0].offset, 17);
    assert_string_equal(
        decide_odd(INPUT_PRESENCE, slice_text("d"), slice_text("\xff 20 bytes are allowed")),
        "!UNDECODABLE ");
    assert_slice(batch.records[0].value, "\xff 20 bytes are allo");
    assert_header(&batch.records[0], "__connect.errors.value.bytes", "22");
}

static void engine_a_domain_of_another_partition_is_a_dead_letter(void **state)
{
    (void)state;
    for (int i = 0; i < TOPIC_COUNT; i++)
        options.partitions[i] = 8;
    options.partitions[TOPIC_ROUTING] = 3;
    options.partition = 4; /* murmur2("kafka") % 8 */
    restart();
    add(INPUT_PRESENCE, 1, "kafka", "x");
    add(INPUT_PRESENCE, 1, "4", "y");
    decide_at(10, 0, 0);
    assert_string_equal(outputs(), "2-0-x-10-1-0 !WRONG_PARTITION ");
    assert_int_equal(batch.records[0].partition, 1); /* 4 % 3 */
    assert_int_equal(batch.records[1].partition, 4);
    assert_int_equal(batch.records[batch.count - 1].partition, 4);
}

static void engine_requests_that_can_be_read_are_refused_not_parked(void **state)
{
    static char big[300 * 1024];
    const struct slice d = slice_text("d");
    char want[100];

    (void)state;
    snprintf(want, sizeof(want), "4-0-i-1000-900-%d ", RINGBACK__V1__REASON__REASON_NOT_SUPPORTED);
    assert_string_equal(decide_odd(INPUT_COMMANDS, d, slice_text("\x0a\x01i")), want);
    memset(big, 'x', sizeof(big));
    memcpy(big, "\x0a\x01i\x22\xf9\xdf\x12", 7); /* user_id: 307193 x; 7 + 307193 = all */
    snprintf(want, sizeof(want), "4-1-i-1000-900-%d ", RINGBACK__V1__REASON__REASON_LIMIT);
    assert_string_equal(decide_odd(INPUT_COMMANDS, d, slice_make(big, sizeof(big))), want);
    assert_string_equal(decide_odd(INPUT_PRESENCE, d, slice_make(big, sizeof(big))), "!LIMIT ");
}

static void engine_what_the_broker_refuses_is_parked_or_refused(void **state)
{
    char want[100];

    (void)state;
    engine_refuse(engine, INPUT_PRESENCE, 1);
    engine_refuse(engine, INPUT_COMMANDS, 0);
    add(INPUT_PRESENCE, 1, "d", "a");
    add(INPUT_PRESENCE, 1, "d", "b");
    add(INPUT_COMMANDS, 1, "d", "c");
    decide_at(1, 0, 0);
    snprintf(want, sizeof(want), "2-0-a-1-1-0 !UNCOMMITTABLE 4-0-c-1-1-%d ",
             RINGBACK__V1__REASON__REASON_TOO_LARGE);
    assert_string_equal(outputs(), want);
    assert_int_equal(journal()->n_undecided, 2);
    assert_int_equal(journal()->undecided[1]->input, INPUT_COMMANDS);
    assert_int_equal(journal()->undecided[1]->reason,
                     RINGBACK__V1__UNDECIDED_REASON__UNDECIDED_REASON_UNCOMMITTABLE);
}

static void engine_repeated_offsets_are_dropped_and_journaled(void **state)
{
    (void)state;
    add(INPUT_PRESENCE, 1, "d", "a");
    add(INPUT_PRESENCE, 2, "d", "b");
    decide_at(10, 0, 0);
    inputs[INPUT_PRESENCE] = (struct engine_input){given[INPUT_PRESENCE], 2, true};
    add(INPUT_PRESENCE, 3, "d", "c");
    decide_at(10, 0, 0);
    assert_string_equal(outputs(), "2-2-c-10-3-0 ");
    assert_int_equal(journal()->n_undecided, 2);
    assert_int_equal(journal()->undecided[0]->reason,
                     RINGBACK__V1__UNDECIDED_REASON__UNDECIDED_REASON_REPEATED);
    assert_int_equal(journal()->ranges[INPUT_PRESENCE]->from_offset, 2);
    assert_int_equal(journal()->ranges[INPUT_PRESENCE]->to_offset, 3);
}

static void event_clock(void)
{
    options.clock_event = true;
    restart();
    assert_int_equal(engine_ready(engine, &note), ERR_OK);
    engine_writer(engine, writer_a, incarnation);
}

static void engine_event_clock_fires_timers_at_their_due_and_at_the_end_up_to_the_last(void **state)
{
    (void)state;
    event_clock();
    add(INPUT_FLOWS, 100, "d", "a");  /* due 110 */
    add(INPUT_FLOWS, 100, "d", "bb"); /* due 120 */
    add(INPUT_FLOWS, 110, "d", "c");  /* due 120 */
    add(INPUT_SETTINGS, 120, "d", "e");
    decide_event();
    assert_string_equal(outputs(), "3-0-a-100-100-0 3-1-bb-100-100-0 3-2-c-110-110-0 t-110-110 "
                                   "0-0-e-120-120-0 t-120-120 t-120-120 ");
    assert_int_equal(batch.records[3].timestamp_ms, 110);
    assert_int_equal(batch.end, BATCH_END_ALL);
    assert_int_equal(journal()->clock_event, 1);
    decide_event();
    assert_int_equal(batch.count, 0);
}

static void engine_event_clock_waits_for_inputs_and_keeps_fixed_ends(void **state)
{
    Ringback__V1__Meta *meta;

    (void)state;
    event_clock();
    for (int i = 0; i < INPUT_COUNT; i++) {
        inputs[i].at_end = false;
        engine_begin_at(engine, (enum input)i, 0, i == INPUT_FLOWS ? 2 : 0);
    }
    add(INPUT_FLOWS, 100, "d", "a");
    decide_event();
    assert_int_equal(batch.end, BATCH_END_INPUT);
    assert_int_equal(batch.missing, INPUT_FLOWS);
    assert_string_equal(outputs(), "3-0-a-100-100-0 ");
    meta = ringback__v1__meta__unpack(&arena.allocator, batch.records[batch.count - 1].value.size,
                                      batch.records[batch.count - 1].value.data);
    assert_int_equal(meta->positions[INPUT_FLOWS]->fixed_end, 2);
    add(INPUT_FLOWS, 110, "d", "b");
    decide_event();
    assert_int_equal(batch.end, BATCH_END_ALL);
    assert_string_equal(outputs(), "3-1-b-110-110-0 t-110-110 ");
}

static void engine_quiet_mode_gives_one_timer_or_one_record_at_a_time(void **state)
{
    struct engine_time time = {.quiet_until_ms = 100};

    (void)state;
    options.timers_max = 1;
    event_clock();
    add(INPUT_FLOWS, 100, "d", "a"); /* due 110 */
    decide(&time);
    assert_string_equal(outputs(), "3-0-a-100-100-0 ");
    add(INPUT_SETTINGS, 110, "d", "b");
    time.quiet_until_ms = 110;
    decide(&time);
    assert_string_equal(outputs(), "0-0-b-110-110-0 "); /* not the timer: more may come at 110 */
    add(INPUT_SETTINGS, 150, "d", "c");
    time.quiet_until_ms = 150;
    decide(&time);
    assert_string_equal(outputs(), "t-110-110 ");
    assert_int_equal(batch.end, BATCH_END_TIMERS);
    decide(&time);
    assert_string_equal(outputs(), "0-1-c-150-150-0 ");
}

/* 600 records at random, some odd; the same for a seed. */
static void add_at_random(unsigned seed)
{
    static const char *const domains[] = {"d1", "d2", "d3", "bad domain"};
    static const char *const ids[] = {"a", "bb", "sss", "bad", "eeeee", "f", "g"};

    srand(seed);
    start_inputs();
    for (int n = 0; n < 600; n++) {
        struct record *record = add((enum input)(rand() % INPUT_COUNT), 1000 + n * 5 + rand() % 30,
                                    domains[rand() % 50 == 0 ? 3 : rand() % 3], ids[rand() % 7]);

        record->offset *= 2; /* gaps, as control records make them */
        if (rand() % 40 == 0)
            record->value = slice_text("\xff");
        if (rand() % 60 == 0)
            record->timestamp_ms = INT64_C(4000000000000);
    }
}

struct seen {
    XXH3_state_t *outputs;
    size_t output_count;
    struct slice keys[fake_domains_max];
    struct slice values[fake_domains_max];
    size_t entity_count;
};

static void hash_slice(XXH3_state_t *hash, struct slice slice)
{
    int64_t size = slice.data == NULL ? -1 : (int64_t)slice.size;

    XXH3_64bits_update(hash, &size, sizeof(size));
    XXH3_64bits_update(hash, slice.data, slice.size);
}

static void see_entity(struct seen *seen, const struct record *record)
{
    size_t i = 0;

    while (i < seen->entity_count && !slice_equal(seen->keys[i], record->key))
        i++;
    if (i == seen->entity_count)
        seen->keys[seen->entity_count++] = arena_slice(&arena, record->key);
    seen->values[i] = arena_slice(&arena, record->value);
}

/* What contract.md compares: outputs in order with all headers; the last value of each entity. */
static void see(struct seen *seen)
{
    for (size_t i = 0; i < batch.state_first; i++) {
        const struct record *record = &batch.records[i];

        XXH3_64bits_update(seen->outputs, &record->topic, sizeof(record->topic));
        XXH3_64bits_update(seen->outputs, &record->timestamp_ms, sizeof(record->timestamp_ms));
        hash_slice(seen->outputs, record->key);
        hash_slice(seen->outputs, record->value);
        for (size_t j = 0; j < record->header_count; j++) {
            hash_slice(seen->outputs, slice_text(record->headers[j].name));
            hash_slice(seen->outputs, record->headers[j].value);
        }
        seen->output_count++;
    }
    for (size_t i = 0; i < batch.state_count; i++)
        see_entity(seen, &batch.records[batch.state_first + i]);
}

/* Runs all that was added in event time. chunk 0: all is there at once; else that many candidates,
 * at random, come when they are missed. Returns the hash of the outputs. */
static uint64_t run_event(size_t records_max, size_t timers_max, size_t chunk, struct seen *seen)
{
    size_t left[INPUT_COUNT];
    uint64_t hash;

    options.records_max = records_max;
    options.timers_max = timers_max;
    event_clock();
    *seen = (struct seen){.outputs = XXH3_createState()};
    XXH3_64bits_reset(seen->outputs);
    for (int i = 0; i < INPUT_COUNT; i++) {
        left[i] = chunk == 0 ? 0 : inputs[i].count;
        inputs[i].records = given[i];
        inputs[i].count -= left[i];
        inputs[i].at_end = left[i] == 0;
    }
    do {
        decide_event();
        if (batch.count > 0)
            see(seen);
        if (batch.end == BATCH_END_INPUT) {
            size_t more = 1 + (size_t)rand() % chunk;

            assert_true(left[batch.missing] > 0);
            if (more > left[batch.missing])
                more = left[batch.missing];
            inputs[batch.missing].count += more;
            left[batch.missing] -= more;
            inputs[batch.missing].at_end = left[batch.missing] == 0;
        }
    } while (batch.end != BATCH_END_ALL);
    hash = XXH3_64bits_digest(seen->outputs);
    XXH3_freeState(seen->outputs);
    return hash;
}

static void assert_same_entities(const struct seen *a, const struct seen *b)
{
    assert_int_equal(a->entity_count, b->entity_count);
    for (size_t i = 0; i < a->entity_count; i++) {
        size_t j = 0;

        while (j < b->entity_count && !slice_equal(a->keys[i], b->keys[j]))
            j++;
        assert_true(j < b->entity_count);
        assert_true(slice_equal(a->values[i], b->values[j]));
    }
}

static void engine_outputs_do_not_depend_on_how_batches_are_cut(void **state)
{
    static const size_t cuts[][3] = {{1, 1000, 0},    {7, 1000, 0}, {7, 1, 0}, {1000, 3, 0},
                                     {1000, 1000, 9}, {7, 2, 40},   {1, 1, 1}};
    struct seen whole, seen;

    (void)state;
    for (unsigned seed = 1; seed <= 10; seed++) {
        uint64_t want;

        add_at_random(seed);
        want = run_event(1000, 1000, 0, &whole);
        assert_true(whole.output_count > 600);
        for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
            add_at_random(seed);
            srand(seed + (unsigned)i);
            if (run_event(cuts[i][0], cuts[i][1], cuts[i][2], &seen) != want)
                fail_msg("seed %u: batches of %zu records, %zu timers, chunks of %zu give other"
                         " outputs: %zu, not %zu",
                         seed, cuts[i][0], cuts[i][1], cuts[i][2], seen.output_count,
                         whole.output_count);
            assert_same_entities(&whole, &seen);
        }
    }
}

/* The last value of each entity of the batch, and its meta, into another engine. */
static enum err reload(struct engine *into, bool all)
{
    for (size_t i = all ? 0 : 1; i < batch.state_count; i++) {
        const struct record *record = &batch.records[batch.state_first + i];

        assert_int_equal(engine_load_entity(into, record->key, record->value, &note), ERR_OK);
    }
    assert_int_equal(engine_load_meta(into, batch.records[batch.count - 1].value, &note), ERR_OK);
    return engine_ready(into, &note);
}

static void engine_taken_over_goes_on_as_the_next_writer(void **state)
{
    struct engine *next;

    (void)state;
    add(INPUT_PRESENCE, 5, "d1", "a");
    add(INPUT_PRESENCE, 6, "d2", "b");
    decide_at(10, 0, 0);
    next = engine_create(&options);
    assert_int_equal(reload(next, true), ERR_OK);
    engine_destroy(engine);
    engine = next;
    engine_writer(engine, writer_b, writer_b);
    assert_int_equal(engine_meta(engine)->number, 1);
    assert_int_equal(engine_meta(engine)->positions[INPUT_PRESENCE].next_offset, 2);
    assert_memory_equal(engine_meta(engine)->incarnation, incarnation, incarnation_bytes);
    add(INPUT_PRESENCE, 7, "d1", "c");
    decide_at(9, 0, 0); /* below the floor */
    assert_string_equal(outputs(), "2-2-c-10-7-0 ");
    assert_int_equal(journal()->number, 2);
    assert_memory_equal(journal()->writer.data, writer_b, writer_bytes);
    assert_memory_equal(journal()->previous_writer.data, writer_a, writer_bytes);
    assert_string_equal(journal()->options, "dlq=1\n");
    add(INPUT_PRESENCE, 7, "d1", "d");
    decide_at(11, 0, 0);
    assert_memory_equal(journal()->previous_writer.data, writer_b, writer_bytes);
    assert_string_equal(journal()->options, "");
    assert_true(journal()->options_hash != 0);
}

static void engine_state_that_does_not_match_meta_is_torn(void **state)
{
    struct engine *next = engine_create(&options);

    (void)state;
    add(INPUT_PRESENCE, 5, "d1", "a");
    add(INPUT_PRESENCE, 6, "d2", "b");
    decide_at(10, 0, 0);
    assert_int_equal(reload(next, false), ERR_STATE_TORN);
    assert_non_null(strstr(note.text, "1 entities"));
    engine_destroy(next);
    next = engine_create(&options);
    assert_int_equal(engine_load_entity(next, batch.records[batch.state_first].key,
                                        batch.records[batch.state_first].value, &note),
                     ERR_OK);
    assert_int_equal(engine_ready(next, &note), ERR_STATE_TORN);
    assert_int_equal(engine_load_meta(next, slice_text("\xff"), &note), ERR_BAD_STATE);
    assert_int_equal(engine_load_meta(next, slice_text(""), &note), ERR_BAD_STATE);
    assert_int_equal(engine_load_entity(next, slice_text("k"), slice_text("\xff"), &note),
                     ERR_BAD_STATE);
    engine_destroy(next);
}

static void engine_mends_torn_keys_in_the_first_batch(void **state)
{
    (void)state;
    engine_mend(engine, slice_text("zone|d|gone"), slice_make(NULL, 0));
    engine_mend(engine, slice_text("counters|d1|x"), slice_text("old"));
    engine_mend(engine, slice_text("call|d|c"), slice_text("true"));
    add(INPUT_PRESENCE, 5, "d1", "a");
    decide_at(10, 0, 0);
    assert_int_equal(batch.state_count, 3);
    assert_slice(batch.records[batch.state_first].key, "counters|d1|x");
    assert_true(batch.records[batch.state_first].value.size != 3);
    assert_slice(batch.records[batch.state_first + 1].key, "call|d|c");
    assert_slice(batch.records[batch.state_first + 1].value, "true");
    assert_slice(batch.records[batch.state_first + 2].key, "zone|d|gone");
    assert_null(batch.records[batch.state_first + 2].value.data);
    engine_mend(engine, slice_text("call|d|c"), slice_text("again"));
    decide_at(10, 0, 0);
    assert_int_equal(batch.count, 3); /* though nothing was decided */
    decide_at(10, 0, 0);
    assert_int_equal(batch.count, 0);
}

static void engine_a_journal_can_be_followed(void **state)
{
    struct engine_time times[100];
    struct engine_input ranges[100][INPUT_COUNT];
    size_t batches = 0;
    const char *want = "", *got = "";

    (void)state;
    add_at_random(3);
    options.timers_max = 2;
    options.records_max = 40;
    restart();
    engine_writer(engine, writer_a, incarnation);
    for (int64_t clock_ms = 1000; clock_ms < 6000; clock_ms += 100) {
        int64_t horizon_ms = clock_ms - rand() % 300;

        for (int i = 0; i < INPUT_COUNT; i++)
            ranges[batches][i] = inputs[i];
        decide_at(clock_ms, horizon_ms, horizon_ms - 100);
        if (batch.count == 0)
            continue;
        for (int i = 0; i < INPUT_COUNT; i++)
            ranges[batches][i].count = batch.taken[i];
        want = arena_format(&arena, "%s%s| ", want, outputs());
        times[batches++] = (struct engine_time){.clock_ms = journal()->clock_ms,
                                                .horizon_ms = journal()->horizon_ms,
                                                .horizon_stop_ms = journal()->horizon_stop_ms,
                                                .follow = true,
                                                .timers = journal()->timers_fired};
    }
    restart();
    for (size_t i = 0; i < batches; i++) {
        engine_decide(engine, ranges[i], &times[i], &batch);
        got = arena_format(&arena, "%s%s| ", got, outputs());
    }
    assert_true(batches > 20);
    assert_string_equal(got, want);
}

/* A record without the header, the timer that it set, a dead letter: options say whether a trace
 * begins; spans are kept of what is sampled. */
static void engine_traces_begin_and_spans_are_kept_as_options_say(void **state)
{
    const struct header unsampled[] = {
        {"traceparent", slice_text("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00")}};
    struct record *record;

    (void)state;
    options.trace_begin = TRACE_BEGIN_SAMPLED;
    options.spans = true;
    restart();
    assert_int_equal(engine_ready(engine, &note), ERR_OK);
    engine_writer(engine, writer_a, incarnation);
    add(INPUT_FLOWS, 900, "dom", "e1");
    add(INPUT_COMMANDS, 901, "dom", "bad");
    record = add(INPUT_COMMANDS, 902, "dom", "e3");
    record->headers = unsampled;
    record->header_count = 1;
    decide_at(1000, 1000, 1000);
    assert_int_equal(header(&batch.records[0], "traceparent").size, trace_text_bytes);
    assert_int_equal(batch.span_count, 2);
    assert_memory_equal(batch.spans[0].trace.text, header(&batch.records[0], "traceparent").data,
                        trace_text_bytes);
    assert_slice(batch.spans[0].name, "call_data");
    assert_slice(batch.spans[0].domain, "dom");
    assert_int_equal(batch.spans[0].input, INPUT_FLOWS);
    assert_int_equal(batch.spans[0].start_ms, 900);
    assert_slice(batch.spans[1].name, "cancel");
    assert_int_equal(batch.spans[1].undecided,
                     RINGBACK__V1__UNDECIDED_REASON__UNDECIDED_REASON_LIMIT);
    decide_at(1100, 1100, 1100);
    assert_int_equal(batch.timers, 1);
    assert_int_equal(batch.span_count, 1);
    assert_int_equal(batch.spans[0].input, INPUT_COUNT);
    assert_int_equal(batch.spans[0].start_ms, 1020);
    assert_int_equal(header(&batch.records[0], "traceparent").size, trace_text_bytes);
    options.trace_begin = TRACE_BEGIN_NO;
    restart();
    start_inputs();
    assert_int_equal(engine_ready(engine, &note), ERR_OK);
    engine_writer(engine, writer_a, incarnation);
    add(INPUT_FLOWS, 900, "dom", "e1");
    decide_at(1000, 1000, 1000);
    assert_null(header(&batch.records[0], "traceparent").data);
    assert_int_equal(batch.span_count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(engine_without_anything_to_do_makes_an_empty_batch, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(engine_traces_begin_and_spans_are_kept_as_options_say,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(engine_a_record_becomes_outputs_state_journal_and_meta,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            engine_live_timers_fire_strictly_before_a_record_and_within_the_horizons, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(engine_the_clock_never_goes_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(engine_limits_end_a_batch, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            engine_what_cannot_be_decided_becomes_a_dead_letter_with_its_reason, set_up, tear_down),
        cmocka_unit_test_setup_teardown(engine_a_dead_letter_is_untouched_and_says_where_it_was,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(engine_a_domain_of_another_partition_is_a_dead_letter,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(engine_requests_that_can_be_read_are_refused_not_parked,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(engine_what_the_broker_refuses_is_parked_or_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(engine_repeated_offsets_are_dropped_and_journaled, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            engine_event_clock_fires_timers_at_their_due_and_at_the_end_up_to_the_last, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(engine_event_clock_waits_for_inputs_and_keeps_fixed_ends,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(engine_quiet_mode_gives_one_timer_or_one_record_at_a_time,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(engine_outputs_do_not_depend_on_how_batches_are_cut, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(engine_taken_over_goes_on_as_the_next_writer, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(engine_state_that_does_not_match_meta_is_torn, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(engine_mends_torn_keys_in_the_first_batch, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(engine_a_journal_can_be_followed, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
