/* What the first release wrote is read by every later one (tests/data/versions/README.md); what a
 * newer one wrote is refused with what is not known, and nothing of it is lost.
 *
 *     test_versions --make LOG STORY...     writes such a log; tests/data/versions/make calls it */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/memory.h"
#include "consumers/log_file.h"
#include "daemon/check_live.h"
#include "daemon/check_run.h"
#include "daemon/diff.h"
#include "daemon/format.h"
#include "daemon/log_topics.h"
#include "daemon/replay.h"
#include "producers/log_file.h"
#include "tests/support/chance.h"

#include "ringback/v1/state.pb-c.h"

#define LOG "tests/data/versions/0.1.0.log"

enum { inputs_max = 4096, entities_max = 65536, batches_max = 8192, field_unknown = 999 };

static struct arena arena;
static struct err_note note;
static struct engine_options engine_options;
static struct machine_options machine_options;
static struct options decide;

/* The log's state topic. */
static struct record entities[entities_max];
static size_t entity_count;
static struct record metas[batches_max];
static size_t meta_count;
static size_t meta_entities[batches_max]; /* how many came before it */

static void must(enum err err)
{
    if (err != ERR_OK) {
        fprintf(stderr, "%s: %s\n", err_name(err), note.text);
        abort();
    }
}

static void set_options(void)
{
    arena_init(&arena);
    options_init(&decide);
    decide.presence_ttl = INT64_C(86400000);
    must(options_check(&decide, &note));
    options_machine(&decide, &machine_options);
    engine_options_default(&engine_options);
    engine_options.machine = &machine_options;
    engine_options.decides = options_decides_text(&decide, &arena);
}

/* --- the log is made --- */

static struct record given[INPUT_COUNT][inputs_max];
static size_t counts[INPUT_COUNT], taken[INPUT_COUNT];
static int64_t offsets[TOPIC_COUNT];

static struct slice kept(struct slice slice)
{
    return slice.data == NULL ? slice : arena_slice(&arena, slice);
}

static void add_input(const struct check_story *story, enum topic topic, int64_t at_ms,
                      struct slice value)
{
    assert_true(counts[topic] < inputs_max);
    given[topic][counts[topic]++] = (struct record){.topic = topic,
                                                    .timestamp_ms = at_ms,
                                                    .key = kept(slice_text(story->domain)),
                                                    .value = kept(value)};
}

/* When a story is over its agents go home: else they would decline until the last one is over. */
static void go_home(const struct check_story *story, struct slice value)
{
    Ringback__V1__PresenceEvent *event =
        ringback__v1__presence_event__unpack(&arena.allocator, value.size, value.data);
    uint8_t *packed;

    if (event->event_case != RINGBACK__V1__PRESENCE_EVENT__EVENT_PRESENCE)
        return;
    event->id = arena_format(&arena, "home-%zu", counts[INPUT_PRESENCE]);
    event->version += UINT64_C(1) << 40;
    event->change_ms = story->until_ms + 1;
    event->presence->presence = RINGBACK__V1__PRESENCE__PRESENCE_OFFLINE;
    packed = arena_alloc(&arena, ringback__v1__presence_event__get_packed_size(event));
    add_input(story, TOPIC_PRESENCE, event->change_ms,
              slice_make(packed, ringback__v1__presence_event__pack(event, packed)));
}

static void add_story(const char *path, size_t nth)
{
    struct check_result result;
    struct check_story story;

    must(check_story_read(&story, path, &note));
    check_live_domain(&story, nth);
    check_run(&story, &result);
    for (size_t at = 0; at < result.input_count; at++) {
        const struct check_input *input = &result.inputs[at];

        add_input(&story, input->topic, input->at_ms, input->value);
        if (input->topic == TOPIC_PRESENCE)
            go_home(&story, input->value);
    }
    check_result_deinit(&result);
    check_story_deinit(&story);
}

static int compare_records(const void *a, const void *b)
{
    const struct record *left = a, *right = b;

    if (left->timestamp_ms != right->timestamp_ms)
        return left->timestamp_ms < right->timestamp_ms ? -1 : 1;
    return left->offset < right->offset ? -1 : 1;
}

static void take_over(struct engine **engine, struct chance *chance)
{
    uint8_t writer[writer_bytes];
    size_t end = meta_count == 0 ? 0 : meta_entities[meta_count - 1];

    engine_destroy(*engine);
    *engine = engine_create(&engine_options);
    for (size_t at = 0; at < end; at++)
        must(engine_load_entity(*engine, entities[at].key, entities[at].value, &note));
    if (meta_count > 0)
        must(engine_load_meta(*engine, metas[meta_count - 1].value, &note));
    must(engine_ready(*engine, &note));
    for (size_t at = 0; at < writer_bytes; at++)
        writer[at] = (uint8_t)chance_next(chance);
    engine_writer(*engine, writer, writer);
}

static void commit(struct batch *batch, struct log_writer *writer)
{
    for (size_t at = 0; at < batch->count; at++) {
        struct record *record = &batch->records[at];

        record->offset = offsets[record->topic]++;
        must(log_writer_add(writer, engine_options.topics[record->topic], record, &note));
    }
    for (size_t at = 0; at < batch->state_count; at++) {
        const struct record *record = &batch->records[batch->state_first + at];

        assert_true(entity_count < entities_max);
        entities[entity_count].key = kept(record->key);
        entities[entity_count++].value = kept(record->value);
    }
    if (batch->count > 0) {
        assert_true(meta_count < batches_max);
        meta_entities[meta_count] = entity_count;
        metas[meta_count++].value = kept(batch->records[batch->count - 1].value);
    }
    for (int input = 0; input < INPUT_COUNT; input++)
        taken[input] += batch->taken[input];
}

/* When something happens next; INT64_MAX: never. */
static int64_t next_ms(struct engine *engine)
{
    int64_t next = engine_due(engine);

    for (int input = 0; input < INPUT_COUNT; input++) {
        if (taken[input] < counts[input] && given[input][taken[input]].timestamp_ms < next)
            next = given[input][taken[input]].timestamp_ms;
    }
    return next;
}

/* A daemon on the wall clock, which is a little late and is taken over now and then. */
static void decide_all(struct log_writer *writer, int64_t until_ms)
{
    struct chance chance = chance_start();
    struct engine *engine = NULL;
    struct batch batch;

    batch_init(&batch);
    take_over(&engine, &chance);
    for (size_t loop = 1; next_ms(engine) < until_ms; loop++) {
        int64_t clock_ms = next_ms(engine) + (int64_t)chance_below(&chance, 500);
        struct engine_time time = {clock_ms, clock_ms, clock_ms, 0, false, 0};
        struct engine_input inputs[INPUT_COUNT];

        for (int input = 0; input < INPUT_COUNT; input++) {
            size_t end = taken[input];

            while (end < counts[input] && given[input][end].timestamp_ms <= clock_ms)
                end++;
            inputs[input] =
                (struct engine_input){&given[input][taken[input]], end - taken[input], false};
        }
        engine_decide(engine, inputs, &time, &batch);
        commit(&batch, writer);
        if (loop % 100 == 0)
            take_over(&engine, &chance);
    }
    engine_destroy(engine);
    batch_deinit(&batch);
}

static int make(int argc, char **argv)
{
    struct log_writer *writer;
    int64_t last_ms = 0;

    set_options();
    for (int at = 1; at < argc; at++)
        add_story(argv[at], (size_t)at);
    for (int input = 0; input < INPUT_COUNT; input++) {
        for (size_t at = 0; at < counts[input]; at++)
            given[input][at].offset = (int64_t)at;
        qsort(given[input], counts[input], sizeof(given[input][0]), compare_records);
        for (size_t at = 0; at < counts[input]; at++)
            given[input][at].offset = (int64_t)at;
        if (counts[input] > 0 && given[input][counts[input] - 1].timestamp_ms > last_ms)
            last_ms = given[input][counts[input] - 1].timestamp_ms;
    }
    must(log_writer_create(argv[0], &writer, &note));
    decide_all(writer, last_ms + INT64_C(3600000));
    for (int input = 0; input < INPUT_COUNT; input++) {
        for (size_t at = 0; at < counts[input]; at++)
            must(log_writer_add(writer, engine_options.topics[input], &given[input][at], &note));
    }
    must(log_writer_close(writer, &note));
    return 0;
}

/* --- the log is read --- */

static struct log_reader *reader;

static int set_up(void **state)
{
    struct log_entry entry;
    enum err err;

    (void)state;
    set_options();
    entity_count = meta_count = 0;
    must(log_reader_open(LOG, &reader, &note));
    while ((err = log_reader_next(reader, &arena, &entry, &note)) == ERR_OK) {
        if (log_topics_find(NULL, entry.topic, NULL) != TOPIC_STATE)
            continue;
        if (!slice_equal(entry.record.key, slice_text(META_KEY))) {
            entities[entity_count++] = entry.record;
            continue;
        }
        meta_entities[meta_count] = entity_count;
        metas[meta_count++] = entry.record;
    }
    assert_int_equal(err, ERR_END);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    log_reader_close(reader);
    options_deinit(&decide);
    arena_deinit(&arena);
    return 0;
}

/* The state as it was at that meta. */
static struct engine *loaded(size_t meta)
{
    struct engine *engine = engine_create(&engine_options);

    must(engine_load_meta(engine, metas[meta].value, &note));
    for (size_t at = 0; at < meta_entities[meta]; at++)
        must(engine_load_entity(engine, entities[at].key, entities[at].value, &note));
    return engine;
}

static struct engine *goes_on(struct engine *engine)
{
    static const uint8_t writer[writer_bytes] = {1};
    const struct engine_time time = {.clock_ms = engine_due(engine) + 1000,
                                     .horizon_ms = engine_due(engine),
                                     .horizon_stop_ms = engine_due(engine)};
    struct engine_input inputs[INPUT_COUNT] = {{NULL, 0, false}};
    uint64_t number = engine_meta(engine)->number;
    struct batch batch;

    batch_init(&batch);
    engine_writer(engine, writer, writer);
    if (engine_due(engine) != INT64_MAX) {
        engine_decide(engine, inputs, &time, &batch);
        assert_int_equal(engine_meta(engine)->number, number + 1);
        assert_true(batch.timers > 0);
    }
    batch_deinit(&batch);
    return engine;
}

static void versions_state_is_loaded_as_it_was_at_any_batch_and_goes_on(void **state)
{
    (void)state;
    assert_true(meta_count > 300);
    for (size_t meta = meta_count % 7; meta < meta_count; meta += 7) {
        struct engine *engine = loaded(meta);

        if (engine_ready(engine, &note) != ERR_OK)
            fail_msg("meta %zu: %s", meta, note.text);
        engine_destroy(goes_on(engine));
    }
}

static void versions_state_has_every_kind_of_entity_and_callback(void **state)
{
    unsigned kinds = 0, callback_kinds = 0, callback_states = 0, call_states = 0;

    (void)state;
    for (size_t at = 0; at < entity_count; at++) {
        Ringback__V1__StateRecord *record;

        if (entities[at].value.data == NULL)
            continue;
        record = ringback__v1__state_record__unpack(NULL, entities[at].value.size,
                                                    entities[at].value.data);
        assert_non_null(record);
        kinds |= 1U << record->entity_case;
        if (record->entity_case == RINGBACK__V1__STATE_RECORD__ENTITY_CALLBACK) {
            callback_kinds |= 1U << record->callback->kind;
            callback_states |= 1U << record->callback->state;
        } else if (record->entity_case == RINGBACK__V1__STATE_RECORD__ENTITY_CALL) {
            call_states |= 1U << record->call->state;
        }
        ringback__v1__state_record__free_unpacked(record, NULL);
    }
    assert_int_equal(kinds, 0xffc);           /* 2 to 11 */
    assert_int_equal(callback_kinds, 0x1e);   /* 1 to 4 */
    assert_int_equal(callback_states, 0x7fe); /* 1 to 10 */
    assert_int_equal(call_states & 0xb, 0xb); /* heard of, in line, connected */
}

/* Headers of outputs that 0.1.0 did not have yet are no difference to it. */
static bool header_is_new(const char *name)
{
    return strcmp(name, "ce_partitionkey") == 0 || strcmp(name, "content-type") == 0;
}

static void leave_out_new_headers(const char *path, const char *to)
{
    struct log_reader *replayed;
    struct log_writer *writer;
    struct log_entry entry;

    must(log_reader_open(path, &replayed, &note));
    must(log_writer_create(to, &writer, &note));
    while (log_reader_next(replayed, &arena, &entry, &note) == ERR_OK) {
        enum topic topic = log_topics_find(NULL, entry.topic, NULL);
        struct header headers[20];
        size_t count = 0;

        for (size_t i = 0; i < entry.record.header_count; i++) {
            assert_true(count < sizeof(headers) / sizeof(headers[0]));
            if (!header_is_new(entry.record.headers[i].name))
                headers[count++] = entry.record.headers[i];
        }
        entry.record.headers = headers;
        entry.record.header_count = count;
        must(log_writer_add(writer, engine_options.topics[topic], &entry.record, &note));
    }
    log_reader_close(replayed);
    must(log_writer_close(writer, &note));
}

static void versions_journal_is_followed_to_the_same_bytes(void **state)
{
    char path[] = "/tmp/ringback-versions-XXXXXX", without[] = "/tmp/ringback-versions-XXXXXX";
    struct options options;
    struct replay_options replay = {
        .log = LOG, .out = path, .records_max = 1, .journal = true, .options = &options};
    struct replay_counts told;
    struct diff_result result;

    (void)state;
    close(mkstemp(path));
    close(mkstemp(without));
    options_init(&options);
    must(options_check(&options, &note));
    if (replay_run(&replay, &told, &note) != ERR_OK)
        fail_msg("%s", note.text);
    options_deinit(&options);
    leave_out_new_headers(path, without);
    must(diff_logs(LOG, without, &(struct diff_plan){.topics = UINT32_MAX << INPUT_COUNT}, &arena,
                   &result, &note));
    unlink(path);
    unlink(without);
    if (!result.identical)
        fail_msg("%s record %d: %s; if outputs were changed on purpose: README.md beside the log",
                 topic_short_name(result.topic), (int)result.index, result.what);
    assert_int_equal(result.records[TOPIC_JOURNAL], meta_count);
}

/* --- a newer version --- */

/* The bytes with one more field behind them: its number, an integer 1. */
static struct slice with_field(struct slice bytes, unsigned field)
{
    uint8_t *longer = arena_alloc(&arena, bytes.size + 3);
    size_t size = bytes.size;

    if (size > 0)
        memcpy(longer, bytes.data, size);
    if (field < 16) {
        longer[size++] = (uint8_t)(field << 3);
    } else {
        longer[size++] = (uint8_t)(0x80 | (field << 3 & 0x7f));
        longer[size++] = (uint8_t)(field >> 4);
    }
    longer[size++] = 1;
    return slice_make(longer, size);
}

/* It is refused, and the note says all of these. */
static void assert_refused(enum err err, enum err wanted, const char *const *words)
{
    assert_int_equal(err, wanted);
    for (; *words != NULL; words++) {
        if (strstr(note.text, *words) == NULL)
            fail_msg("\"%s\" is not in \"%s\"", *words, note.text);
    }
}

static enum err load(struct slice key, struct slice value)
{
    struct engine *engine = engine_create(&engine_options);
    enum err err = engine_load_entity(engine, key, value, &note);

    engine_destroy(engine);
    return err;
}

static enum err load_meta(Ringback__V1__Meta *meta, struct slice bytes)
{
    struct engine *engine = engine_create(&engine_options);
    enum err err;

    if (meta != NULL) {
        uint8_t *packed = arena_alloc(&arena, ringback__v1__meta__get_packed_size(meta));

        bytes = slice_make(packed, ringback__v1__meta__pack(meta, packed));
    }
    err = engine_load_meta(engine, bytes, &note);
    engine_destroy(engine);
    return err;
}

static void versions_a_newer_meta_is_refused(void **state)
{
    struct slice value = metas[meta_count - 1].value;
    Ringback__V1__Meta *meta = ringback__v1__meta__unpack(&arena.allocator, value.size, value.data);

    (void)state;
    assert_int_equal(meta->format, state_format);
    assert_int_equal(load_meta(meta, value), ERR_OK);
    meta->format++;
    assert_refused(load_meta(meta, value), ERR_BAD_STATE,
                   (const char *const[]){"meta record", "state [0]", "has format 2",
                                         "this version reads 1", "use the version that wrote it",
                                         NULL});
    assert_refused(load_meta(NULL, with_field(value, 11)), ERR_BAD_STATE,
                   (const char *const[]){"meta record", "a Meta with field 11", "does not know",
                                         "Use the version that wrote it", NULL});
}

/* The last entity of that kind. */
static struct record *last_of(const char *kind)
{
    for (size_t at = entity_count; at-- > 0;) {
        if (entities[at].value.data != NULL && entities[at].key.size > strlen(kind) &&
            memcmp(entities[at].key.data, kind, strlen(kind)) == 0)
            return &entities[at];
    }
    fail_msg("no %s", kind);
    return NULL;
}

static Ringback__V1__StateRecord *record_of(const struct record *record)
{
    return ringback__v1__state_record__unpack(&arena.allocator, record->value.size,
                                              record->value.data);
}

static struct slice pack(const Ringback__V1__StateRecord *record)
{
    uint8_t *packed = arena_alloc(&arena, ringback__v1__state_record__get_packed_size(record));

    return slice_make(packed, ringback__v1__state_record__pack(record, packed));
}

static void add_unknown(ProtobufCMessage *message)
{
    static uint8_t one = 1;
    static ProtobufCMessageUnknownField field = {field_unknown, PROTOBUF_C_WIRE_TYPE_VARINT, 1,
                                                 &one};

    message->n_unknown_fields = 1;
    message->unknown_fields = &field;
}

static void versions_a_newer_entity_is_refused(void **state)
{
    const struct record *callback = last_of("callback|"), *call = last_of("call|");
    Ringback__V1__StateRecord *record;

    (void)state;
    assert_refused(load(callback->key, with_field(callback->value, 12)), ERR_BAD_STATE,
                   (const char *const[]){"the entity \"callback|", "a StateRecord with field 12",
                                         "this version does not know",
                                         "Use the version that wrote it", NULL});
    record = record_of(callback);
    add_unknown(&record->callback->base);
    assert_refused(load(callback->key, pack(record)), ERR_BAD_STATE,
                   (const char *const[]){"a CallbackEntity with field 999", NULL});
    record = record_of(callback);
    add_unknown(&record->callback->place->base);
    assert_refused(load(callback->key, pack(record)), ERR_BAD_STATE,
                   (const char *const[]){"a Place with field 999", NULL});
    record = record_of(callback);
    record->callback->end_reason = (Ringback__V1__Reason)field_unknown;
    assert_refused(load(callback->key, pack(record)), ERR_BAD_STATE,
                   (const char *const[]){"end_reason is 999", NULL});
    record = record_of(call);
    record->call->state = (Ringback__V1__CallState)field_unknown;
    assert_refused(load(call->key, pack(record)), ERR_BAD_STATE,
                   (const char *const[]){"the entity \"call|", "state is 999", NULL});
    assert_refused(
        load(slice_text("novelty|d|x"), call->value), ERR_BAD_STATE,
        (const char *const[]){"'novelty|d|x'", "of a kind that this version knows", NULL});
}

/* A sender of settings may know more than we: what we do not know stays in them. */
static void versions_settings_keep_what_is_not_known(void **state)
{
    const struct record *queue = last_of("queue|");
    const Ringback__V1__StateRecord *saved;
    Ringback__V1__StateRecord *record = record_of(queue);
    struct engine *engine = engine_create(&engine_options);
    struct slice value;

    (void)state;
    assert_non_null(record->queue->settings);
    add_unknown(&record->queue->settings->base);
    value = pack(record);
    must(engine_load_entity(engine, queue->key, value, &note));
    saved = machine_entity(engine_machine(engine), queue->key, &arena);
    assert_int_equal(saved->queue->settings->base.n_unknown_fields, 1);
    assert_int_equal(saved->queue->settings->base.unknown_fields[0].tag, field_unknown);
    engine_destroy(engine);
}

/* The log with the journal's records changed, followed. */
static enum err follow_changed(unsigned format, unsigned field)
{
    char changed[] = "/tmp/ringback-versions-XXXXXX";
    struct options options;
    struct replay_options replay = {
        .log = changed, .records_max = 1, .journal = true, .options = &options};
    struct replay_counts told;
    struct log_writer *writer;
    struct log_entry entry;
    enum err err;

    close(mkstemp(changed));
    must(log_writer_create(changed, &writer, &note));
    log_reader_seek(reader, 0);
    while (log_reader_next(reader, &arena, &entry, &note) == ERR_OK) {
        enum topic topic = log_topics_find(NULL, entry.topic, NULL);

        if (topic == TOPIC_JOURNAL) {
            Ringback__V1__JournalRecord *journal = ringback__v1__journal_record__unpack(
                &arena.allocator, entry.record.value.size, entry.record.value.data);
            uint8_t *packed;

            journal->format = format;
            packed = arena_alloc(&arena, ringback__v1__journal_record__get_packed_size(journal));
            entry.record.value =
                slice_make(packed, ringback__v1__journal_record__pack(journal, packed));
            if (field != 0)
                entry.record.value = with_field(entry.record.value, field);
        }
        must(log_writer_add(writer, engine_options.topics[topic], &entry.record, &note));
    }
    must(log_writer_close(writer, &note));
    options_init(&options);
    must(options_check(&options, &note));
    err = replay_run(&replay, &told, &note);
    options_deinit(&options);
    unlink(changed);
    return err;
}

static void versions_a_newer_journal_is_refused(void **state)
{
    (void)state;
    assert_refused(follow_changed(2, 0), ERR_BAD_FILE,
                   (const char *const[]){"journal [0] offset 0", "has format 2",
                                         "this version reads 1", "use the version that wrote it",
                                         NULL});
    assert_refused(follow_changed(1, 15), ERR_BAD_FILE,
                   (const char *const[]){"journal [0] offset 0", "a JournalRecord with field 15",
                                         "Use the version that wrote it", NULL});
}

/* A log file of one record, with one more field. */
static enum err read_log(unsigned field, unsigned value)
{
    static const uint8_t record[] = {0, 1 << 3 | 2, 1, 't'};
    char path[] = "/tmp/ringback-versions-XXXXXX";
    struct slice bytes = with_field(slice_make(record, sizeof(record)), field);
    struct log_reader *changed;
    struct log_entry entry;
    uint8_t copy[16];
    FILE *file;
    enum err err;

    close(mkstemp(path));
    memcpy(copy, bytes.data, bytes.size);
    copy[0] = (uint8_t)(bytes.size - 1);
    copy[bytes.size - 1] = (uint8_t)value;
    file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(copy, 1, bytes.size, file), bytes.size);
    (void)fclose(file);
    must(log_reader_open(path, &changed, &note));
    err = log_reader_next(changed, &arena, &entry, &note);
    log_reader_close(changed);
    unlink(path);
    return err;
}

static void versions_a_newer_log_file_is_refused(void **state)
{
    (void)state;
    assert_int_equal(read_log(8, 1), ERR_OK);
    assert_refused(read_log(8, 2), ERR_BAD_FILE,
                   (const char *const[]){"the record at byte 0 has format 2",
                                         "this version reads up to 1",
                                         "use the version that wrote it", NULL});
    assert_refused(read_log(9, 1), ERR_BAD_FILE,
                   (const char *const[]){"the record at byte 0 has a field 9",
                                         "this version does not know",
                                         "Use the version that wrote it", NULL});
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(versions_state_is_loaded_as_it_was_at_any_batch_and_goes_on,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(versions_state_has_every_kind_of_entity_and_callback,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(versions_journal_is_followed_to_the_same_bytes, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(versions_a_newer_meta_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(versions_a_newer_entity_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(versions_settings_keep_what_is_not_known, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(versions_a_newer_journal_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(versions_a_newer_log_file_is_refused, set_up, tear_down),
    };

    if (argc > 2 && strcmp(argv[1], "--make") == 0)
        return make(argc - 2, argv + 2);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
