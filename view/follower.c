#include "view/follower.h"

#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "consumers/kafka.h"
#include "daemon/batch.h"
#include "daemon/bus_kafka.h"
#include "daemon/topics.h"

enum {
    broker_ms = 5000,
    ends_ms = 1000, /* between two looks at the ends, and how long one may take */
    idle_ms = 10,
    retry_ms = 1000, /* until what failed is tried again */
    burst = 500,     /* records that are taken under one lock */
    stale_ms = 10000,
    warn_behind_ms = 5000,
    warn_undecided_ms = 10000
};

struct part {
    struct kafka_reader *reader; /* NULL: to be opened at again_at_ms */
    int64_t again_at_ms;
    /* under follow.status_lock from here on */
    int64_t next;
    int64_t next_asked;        /* it, when the ends were last asked for */
    int64_t stable;            /* the last end that was asked; -1: none was */
    int64_t first_stable;      /* the first */
    int64_t wanted, wanted_ms; /* when next comes to wanted, all of wanted_ms is shown */
    int64_t fresh_ms;          /* monotonic: all that was decided then is shown; 0: never */
    uint64_t number;           /* of the last meta */
    int64_t clock_ms;          /* its */
    int64_t positions[INPUT_COUNT];
    int64_t input_ends[INPUT_COUNT];
    int64_t decided, waiting_ms; /* their sum when last looked, and since when it stands still */
    uint8_t incarnation[16];
    bool has_meta;
    bool recreated; /* the log is shorter than what was read of it */
};

struct follower {
    struct follower_options options;
    pthread_t reader_thread, ends_thread;
    bool reading, asking; /* the threads run */
    atomic_bool stop;
    pthread_rwlock_t lock; /* of model */
    struct view_model model;
    struct arena arena;
    struct topics topics;
    struct kafka_log *log;
    pthread_mutex_t status_lock;
    bool ready; /* topics are known; parts have their number */
    bool hears;
    struct part *parts;
    int32_t part_count;
    struct kafka_reader **results;
    int64_t *results_again_ms, *results_next;
    int32_t result_count;
    int64_t answered_ms; /* monotonic: when the broker last answered */
    struct err_note trouble;
};

/* --- one record of state --- */

static void take_meta(struct follower *follow, struct part *part, const struct record *record,
                      bool *other)
{
    Ringback__V1__Meta *meta;

    arena_reset(&follow->arena);
    meta = ringback__v1__meta__unpack(&follow->arena.allocator, record->value.size,
                                      record->value.data);
    if (meta == NULL)
        return;
    *other = part->has_meta && meta->incarnation.len == sizeof(part->incarnation) &&
             memcmp(part->incarnation, meta->incarnation.data, sizeof(part->incarnation)) != 0;
    pthread_mutex_lock(&follow->status_lock);
    part->number = meta->number;
    part->clock_ms = meta->clock_ms;
    for (size_t i = 0; i < INPUT_COUNT && i < meta->n_positions; i++)
        part->positions[i] = meta->positions[i]->next_offset;
    if (meta->incarnation.len == sizeof(part->incarnation))
        memcpy(part->incarnation, meta->incarnation.data, sizeof(part->incarnation));
    part->has_meta = true;
    pthread_mutex_unlock(&follow->status_lock);
}

static void set_next(struct follower *follow, struct part *part, int64_t next)
{
    pthread_mutex_lock(&follow->status_lock);
    if (next > part->next)
        part->next = next;
    if (part->wanted >= 0 && part->next >= part->wanted) {
        part->fresh_ms = part->wanted_ms;
        part->wanted = -1;
    }
    pthread_mutex_unlock(&follow->status_lock);
}

/* The partition is read anew from its beginning: it is another one than before. */
static void start_over(struct follower *follow, int32_t index, const char *why)
{
    struct part *part = &follow->parts[index];

    log_warn("topic state is another one: it is read anew", LOG_INT("partition", index),
             LOG_TEXT("why", why));
    kafka_reader_close(part->reader);
    part->reader = NULL;
    part->again_at_ms = 0;
    pthread_rwlock_wrlock(&follow->lock);
    model_forget(&follow->model, index);
    pthread_rwlock_unlock(&follow->lock);
    pthread_mutex_lock(&follow->status_lock);
    *part = (struct part){.stable = -1, .first_stable = -1, .wanted = -1};
    pthread_mutex_unlock(&follow->status_lock);
}

static void reader_failed(struct follower *follow, struct kafka_reader **reader, int64_t *again_ms,
                          const struct err_note *note)
{
    if (follow->trouble.err == ERR_OK)
        log_warn("topics cannot be read: tried again", LOG_ERR(note));
    pthread_mutex_lock(&follow->status_lock);
    follow->trouble = *note;
    pthread_mutex_unlock(&follow->status_lock);
    kafka_reader_close(*reader);
    *reader = NULL;
    *again_ms = clock_monotonic_ms() + retry_ms;
}

/* Up to a burst under one lock. False: nothing was there. */
static bool read_part(struct follower *follow, int32_t index)
{
    struct part *part = &follow->parts[index];
    struct err_note note = {.err = ERR_OK};
    int64_t next = -1, end = -1;
    bool locked = false, other = false;
    struct record record;
    enum err err = ERR_OK;

    for (int i = 0; i < burst && !other; i++) {
        err = kafka_reader_next(part->reader, 0, &record, &end, &note);
        if (err != ERR_OK)
            break;
        if (!locked)
            pthread_rwlock_wrlock(&follow->lock);
        locked = true;
        next = record.offset + 1;
        if (slice_equal(record.key, slice_text(META_KEY)))
            take_meta(follow, part, &record, &other);
        else
            model_apply(&follow->model, index, record.key, record.value, &follow->arena);
    }
    if (locked)
        pthread_rwlock_unlock(&follow->lock);
    if (end > next)
        next = end;
    if (next >= 0)
        set_next(follow, part, next);
    if (other)
        start_over(follow, index, "its history is another one");
    else if (err == ERR_INPUT_LOST)
        start_over(follow, index, note.text);
    else if (err != ERR_OK && err != ERR_END)
        reader_failed(follow, &part->reader, &part->again_at_ms, &note);
    return locked;
}

static void open_part(struct follower *follow, int32_t index)
{
    struct part *part = &follow->parts[index];
    struct err_note note = {.err = ERR_OK};

    if (clock_monotonic_ms() < part->again_at_ms)
        return;
    if (kafka_reader_open(follow->log, follow->topics.items[TOPIC_STATE].name, TOPIC_STATE, index,
                          part->next, &part->reader, &note) != ERR_OK)
        reader_failed(follow, &part->reader, &part->again_at_ms, &note);
}

/* --- results --- */

static void take_result(struct follower *follow, const struct record *record)
{
    Ringback__V1__Result *result;

    if (record->value.data == NULL)
        return;
    arena_reset(&follow->arena);
    result = ringback__v1__result__unpack(&follow->arena.allocator, record->value.size,
                                          record->value.data);
    if (result != NULL)
        follow->options.on_result(follow->options.context, record->key, result);
}

/* From the end that it has now: answers to what is asked later come behind it. */
static bool open_results(struct follower *follow, int32_t index)
{
    struct err_note note = {.err = ERR_OK};
    const char *name = follow->topics.items[TOPIC_RESULTS].name;
    int64_t begin, stable, high;

    if (clock_monotonic_ms() < follow->results_again_ms[index])
        return false;
    if (follow->results_next[index] < 0) {
        if (kafka_log_ends(follow->log, name, index, broker_ms, &begin, &stable, &high, &note) !=
            ERR_OK) {
            reader_failed(follow, &follow->results[index], &follow->results_again_ms[index], &note);
            return false;
        }
        follow->results_next[index] = stable;
    }
    if (kafka_reader_open(follow->log, name, TOPIC_RESULTS, index, follow->results_next[index],
                          &follow->results[index], &note) == ERR_OK)
        return true;
    reader_failed(follow, &follow->results[index], &follow->results_again_ms[index], &note);
    return false;
}

static bool read_results(struct follower *follow, int32_t index)
{
    struct err_note note = {.err = ERR_OK};
    struct record record;
    int64_t end;
    bool any = false;
    enum err err = ERR_OK;

    for (int i = 0; i < burst; i++) {
        err = kafka_reader_next(follow->results[index], 0, &record, &end, &note);
        if (err != ERR_OK)
            break;
        any = true;
        follow->results_next[index] = record.offset + 1;
        take_result(follow, &record);
    }
    if (err == ERR_INPUT_LOST)
        follow->results_next[index] = -1;
    if (err != ERR_OK && err != ERR_END)
        reader_failed(follow, &follow->results[index], &follow->results_again_ms[index], &note);
    return any;
}

/* --- the thread that reads --- */

static enum err find_topics(struct follower *follow, struct err_note *note)
{
    const struct options *options = follow->options.options;
    struct kafka_setting items[option_kafka_count_max];
    struct kafka_settings settings = bus_kafka_settings(options, items);
    rd_kafka_t *client = NULL;
    enum err err;

    TRY(topics_client(options, &client, note));
    err = topics_read(client, options, false, broker_ms, &follow->topics, note);
    rd_kafka_destroy(client);
    TRY(err);
    for (int i = 0; i < TOPIC_DLQ_FIRST; i++) {
        if (!follow->topics.items[i].present)
            return FAIL(note, ERR_BUS_REFUSED,
                        "topic %s is missing: is topics.prefix right? `ringback topics` makes them",
                        options->topic_names[i]);
    }
    if (follow->log == NULL)
        TRY(kafka_log_create(&settings, &follow->log, note));
    return ERR_OK;
}

static void prepare(struct follower *follow)
{
    int32_t parts = follow->topics.items[TOPIC_STATE].partitions;
    int32_t results =
        follow->options.on_result == NULL ? 0 : follow->topics.items[TOPIC_RESULTS].partitions;

    pthread_mutex_lock(&follow->status_lock);
    follow->parts = memory_zalloc((size_t)parts * sizeof(*follow->parts), "partitions");
    follow->results =
        memory_zalloc((size_t)(results + 1) * sizeof(struct kafka_reader *), "readers");
    follow->results_again_ms = memory_zalloc((size_t)(results + 1) * sizeof(int64_t), "readers");
    follow->results_next = memory_zalloc((size_t)(results + 1) * sizeof(int64_t), "readers");
    for (int32_t i = 0; i < parts; i++)
        follow->parts[i] = (struct part){.stable = -1, .first_stable = -1, .wanted = -1};
    for (int32_t i = 0; i < results; i++)
        follow->results_next[i] = -1;
    follow->part_count = parts;
    follow->result_count = results;
    follow->ready = true;
    follow->trouble.err = ERR_OK;
    pthread_mutex_unlock(&follow->status_lock);
    log_info("topics are read", LOG_INT("partitions", parts));
}

static bool stopping(const struct follower *follow)
{
    return atomic_load_explicit(&follow->stop, memory_order_relaxed);
}

static bool is_recreated(struct follower *follow, int32_t index)
{
    bool recreated;

    pthread_mutex_lock(&follow->status_lock);
    recreated = follow->parts[index].recreated;
    pthread_mutex_unlock(&follow->status_lock);
    return recreated;
}

static void turn(struct follower *follow)
{
    bool any = false, hears = true;

    for (int32_t i = 0; i < follow->result_count; i++) {
        if (follow->results[i] != NULL || open_results(follow, i))
            any = read_results(follow, i) || any;
        hears = hears && follow->results[i] != NULL;
    }
    for (int32_t i = 0; i < follow->part_count; i++) {
        if (is_recreated(follow, i))
            start_over(follow, i, "it ends before what was read of it");
        if (follow->parts[i].reader == NULL)
            open_part(follow, i);
        if (follow->parts[i].reader != NULL)
            any = read_part(follow, i) || any;
    }
    if (hears != follow->hears) {
        pthread_mutex_lock(&follow->status_lock);
        follow->hears = hears;
        pthread_mutex_unlock(&follow->status_lock);
    }
    if (!any)
        (void)poll(NULL, 0, idle_ms);
}

static void *read_all(void *context)
{
    struct follower *follow = context;
    struct err_note note = {.err = ERR_OK};

    while (!stopping(follow) && !follow->ready) {
        if (find_topics(follow, &note) == ERR_OK) {
            prepare(follow);
            break;
        }
        if (follow->trouble.err == ERR_OK || strcmp(follow->trouble.text, note.text) != 0)
            log_warn("Kafka is not there yet: tried again", LOG_ERR(&note));
        pthread_mutex_lock(&follow->status_lock);
        follow->trouble = note;
        pthread_mutex_unlock(&follow->status_lock);
        for (int i = 0; i < retry_ms / idle_ms && !stopping(follow); i++)
            (void)poll(NULL, 0, idle_ms);
    }
    while (!stopping(follow))
        turn(follow);
    return NULL;
}

/* --- the thread that asks for ends --- */

/* Of state by partition, then of the inputs by partition. */
static size_t list_ends(const struct follower *follow, struct kafka_end *ends)
{
    size_t count = 0;

    for (int32_t i = 0; i < follow->part_count; i++)
        ends[count++] = (struct kafka_end){follow->topics.items[TOPIC_STATE].name, i, -1, -1};
    for (int input = 0; input < INPUT_COUNT; input++) {
        for (int32_t i = 0; i < follow->part_count && i < follow->topics.items[input].partitions;
             i++)
            ends[count++] = (struct kafka_end){follow->topics.items[input].name, i, -1, -1};
    }
    return count;
}

static void see_state_end(struct part *part, int64_t stable, int64_t asked_ms)
{
    part->stable = stable;
    if (part->first_stable < 0)
        part->first_stable = stable;
    if (part->next >= stable) {
        part->fresh_ms = asked_ms;
        part->wanted = -1;
    } else if (part->wanted < 0) {
        part->wanted = stable;
        part->wanted_ms = asked_ms;
    }
}

/* What the last meta had not read of the inputs, as far as their ends are known. */
static int64_t undecided_of(const struct part *part)
{
    int64_t waiting = 0;

    for (int i = 0; i < INPUT_COUNT; i++) {
        if (part->input_ends[i] > part->positions[i])
            waiting += part->input_ends[i] - part->positions[i];
    }
    return waiting;
}

/* Since when it waits without one of them being decided. */
static void see_waiting(struct part *part, int64_t now_ms)
{
    int64_t sum = 0;

    for (int i = 0; i < INPUT_COUNT; i++)
        sum += part->positions[i];
    if (undecided_of(part) == 0 || sum != part->decided || part->waiting_ms == 0)
        part->waiting_ms = now_ms;
    part->decided = sum;
}

static int input_of(const struct follower *follower, const char *topic)
{
    int input = 0;

    while (input < INPUT_COUNT - 1 && follower->topics.items[input].name != topic)
        input++;
    return input;
}

static void see_ends(struct follower *follower, const struct kafka_end *ends, size_t count,
                     int64_t asked_ms)
{
    size_t parts = (size_t)follower->part_count;

    for (size_t at = parts; at < count; at++) {
        if (ends[at].stable >= 0)
            follower->parts[ends[at].partition].input_ends[input_of(follower, ends[at].topic)] =
                ends[at].stable;
    }
    for (size_t i = 0; i < parts; i++) {
        struct part *part = &follower->parts[i];

        see_waiting(part, asked_ms);
        if (ends[i].stable < 0)
            continue;
        part->recreated = ends[i].high >= 0 && part->next_asked > ends[i].high;
        see_state_end(part, ends[i].stable, asked_ms);
        follower->answered_ms = asked_ms;
    }
}

static void ask_once(struct follower *follow, struct kafka_end *ends)
{
    struct err_note note = {.err = ERR_OK};
    size_t count = list_ends(follow, ends);
    int64_t asked_ms = clock_monotonic_ms();
    enum err err;

    pthread_mutex_lock(&follow->status_lock);
    for (int32_t i = 0; i < follow->part_count; i++)
        follow->parts[i].next_asked = follow->parts[i].next;
    pthread_mutex_unlock(&follow->status_lock);
    err = kafka_log_many_ends(follow->log, ends, count, ends_ms, &note);

    pthread_mutex_lock(&follow->status_lock);
    if (err == ERR_OK) {
        see_ends(follow, ends, count, asked_ms);
        follow->trouble.err = ERR_OK;
    } else {
        follow->trouble = note;
    }
    pthread_mutex_unlock(&follow->status_lock);
}

static bool is_ready(struct follower *follow)
{
    bool ready;

    pthread_mutex_lock(&follow->status_lock);
    ready = follow->ready;
    pthread_mutex_unlock(&follow->status_lock);
    return ready;
}

static void *ask_ends(void *context)
{
    struct follower *follow = context;
    struct kafka_end *ends = NULL;
    int64_t next_ms = 0;

    while (!stopping(follow)) {
        if (!is_ready(follow) || clock_monotonic_ms() < next_ms) {
            (void)poll(NULL, 0, idle_ms);
            continue;
        }
        if (ends == NULL) {
            ends = memory_zalloc((size_t)follow->part_count * (1 + INPUT_COUNT) * sizeof(*ends),
                                 "ends");
        }
        ask_once(follow, ends);
        next_ms = clock_monotonic_ms() + ends_ms;
    }
    free(ends);
    return NULL;
}

/* --- for others --- */

enum err follower_start(const struct follower_options *options, struct follower **out,
                        struct err_note *note)
{
    struct follower *follow = memory_zalloc(sizeof(*follow), "a follower");
    pthread_rwlockattr_t prefer;

    follow->options = *options;
    arena_init(&follow->arena);
    model_init(&follow->model);
    pthread_rwlockattr_init(&prefer);
    /* Else readers that come one after the other would keep the writer out. */
    pthread_rwlockattr_setkind_np(&prefer, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&follow->lock, &prefer);
    pthread_rwlockattr_destroy(&prefer);
    pthread_mutex_init(&follow->status_lock, NULL);
    follow->reading = pthread_create(&follow->reader_thread, NULL, read_all, follow) == 0;
    follow->asking =
        follow->reading && pthread_create(&follow->ends_thread, NULL, ask_ends, follow) == 0;
    if (!follow->asking) {
        follower_stop(follow);
        return FAIL(note, ERR_IO, "no thread can be started");
    }
    *out = follow;
    return ERR_OK;
}

void follower_stop(struct follower *follow)
{
    if (follow == NULL)
        return;
    atomic_store(&follow->stop, true);
    if (follow->reading)
        pthread_join(follow->reader_thread, NULL);
    if (follow->asking)
        pthread_join(follow->ends_thread, NULL);
    for (int32_t i = 0; i < follow->part_count; i++)
        kafka_reader_close(follow->parts[i].reader);
    for (int32_t i = 0; i < follow->result_count; i++)
        kafka_reader_close(follow->results[i]);
    kafka_log_destroy(follow->log);
    free(follow->parts);
    free(follow->results);
    free(follow->results_again_ms);
    free(follow->results_next);
    model_deinit(&follow->model);
    arena_deinit(&follow->arena);
    pthread_rwlock_destroy(&follow->lock);
    pthread_mutex_destroy(&follow->status_lock);
    free(follow);
}

const struct view_model *follower_lock(struct follower *follow)
{
    pthread_rwlock_rdlock(&follow->lock);
    return &follow->model;
}

void follower_unlock(struct follower *follow)
{
    pthread_rwlock_unlock(&follow->lock);
}

static void warn(struct follower_status *status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void warn(struct follower_status *status, const char *format, ...)
{
    va_list list;

    if (status->warning_count == follower_warnings_max)
        return;
    va_start(list, format);
    (void)vsnprintf(status->warnings[status->warning_count++], follower_warning_bytes, format,
                    list);
    va_end(list);
}

static void sum_up(const struct follower *follow, struct follower_status *status, int64_t now_ms)
{
    int64_t oldest_ms = INT64_MAX, stuck_ms = 0, total = 0, done = 0;

    status->behind_records = status->undecided = 0;
    status->complete = true;
    for (int32_t i = 0; i < follow->part_count; i++) {
        const struct part *part = &follow->parts[i];

        if (part->clock_ms > status->clock_ms)
            status->clock_ms = part->clock_ms;
        if (part->fresh_ms < oldest_ms)
            oldest_ms = part->fresh_ms;
        status->complete = status->complete && part->fresh_ms != 0;
        status->undecided += undecided_of(part);
        if (undecided_of(part) > 0 && now_ms - part->waiting_ms > stuck_ms)
            stuck_ms = now_ms - part->waiting_ms;
        total += part->first_stable < 0 ? 1 : part->first_stable;
        if (part->stable < 0)
            continue;
        done += part->next < part->first_stable ? part->next : part->first_stable;
        status->behind_records += part->next < part->stable ? part->stable - part->next : 0;
    }
    status->behind_ms = status->complete ? now_ms - oldest_ms : -1;
    status->loaded_percent =
        status->complete || total == 0 ? 100 : 100 * (double)done / (double)total;
    if (stuck_ms > warn_undecided_ms)
        warn(status,
             "%" PRId64 " records wait for a decision, the oldest for %" PRId64
             " s at least: is `ringback run` there?",
             status->undecided, stuck_ms / 1000);
}

void follower_status(struct follower *follow, struct follower_status *status)
{
    int64_t now_ms = clock_monotonic_ms();

    memset(status, 0, sizeof(*status));
    status->behind_ms = status->behind_records = status->undecided = -1;
    pthread_mutex_lock(&follow->status_lock);
    if (follow->ready)
        sum_up(follow, status, now_ms);
    status->reachable =
        follow->ready && follow->answered_ms != 0 && now_ms - follow->answered_ms < stale_ms;
    if (!status->complete)
        warn(status, "topic state is still being read: callbacks may be missing");
    else if (status->behind_ms > warn_behind_ms)
        warn(status, "what is shown is %" PRId64 " s behind", status->behind_ms / 1000);
    if (follow->trouble.err != ERR_OK)
        warn(status, "Kafka: %s", follow->trouble.text);
    pthread_mutex_unlock(&follow->status_lock);
}

int32_t follower_partitions(struct follower *follow, enum topic topic)
{
    return is_ready(follow) ? follow->topics.items[topic].partitions : 0;
}

bool follower_hears(struct follower *follow)
{
    bool hears;

    pthread_mutex_lock(&follow->status_lock);
    hears = follow->ready && follow->hears;
    pthread_mutex_unlock(&follow->status_lock);
    return hears;
}

enum err follower_trouble(struct follower *follow, struct err_note *note)
{
    pthread_mutex_lock(&follow->status_lock);
    *note = follow->trouble;
    pthread_mutex_unlock(&follow->status_lock);
    return note->err;
}
