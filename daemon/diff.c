#include "daemon/diff.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/memory.h"
#include "consumers/log_file.h"
#include "daemon/batch.h"
#include "daemon/log_json.h"
#include "daemon/log_topics.h"

/* A record of a log: where it is, and what it is sorted by. Key and value lie in the file. */
struct place {
    enum topic topic;
    int32_t partition;
    size_t byte;
    struct slice key; /* of state */
    struct slice value;
};

struct side {
    const char *path;
    struct log_reader *reader;
    struct place *places;
    size_t count;
    size_t capacity;
    struct arena arena; /* of one record */
};

struct diff {
    struct side sides[2];
    struct diff_result *result;
    struct arena *arena;
    const struct diff_plan *plan;
    int64_t first_ms; /* time of the difference found, INT64_MAX: none */
};

static void add_place(struct side *side, const struct place *place)
{
    if (side->count == side->capacity) {
        side->capacity = side->capacity == 0 ? 1024 : 2 * side->capacity;
        side->places = memory_grow(side->places, side->capacity * sizeof(*side->places),
                                   "the places of records in a log");
    }
    side->places[side->count++] = *place;
}

/* By topic, partition, of state by key, and then by place in the file. */
static int compare_places(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    int order;

    if (x->topic != y->topic)
        return x->topic < y->topic ? -1 : 1;
    if (x->partition != y->partition)
        return x->partition < y->partition ? -1 : 1;
    order = x->topic == TOPIC_STATE ? slice_compare(x->key, y->key) : 0;
    if (order != 0)
        return order;
    return x->byte < y->byte ? -1 : x->byte > y->byte;
}

/* Of each key of state the last value alone; removed keys are as if they had never been. */
static void keep_last_values(struct side *side)
{
    size_t kept = 0;

    for (size_t i = 0; i < side->count; i++) {
        const struct place *place = &side->places[i], *next = place + 1;

        if (place->topic == TOPIC_STATE &&
            (place->value.data == NULL ||
             (i + 1 < side->count && next->topic == TOPIC_STATE &&
              next->partition == place->partition && slice_equal(next->key, place->key))))
            continue;
        side->places[kept++] = *place;
    }
    side->count = kept;
}

static enum err open_side(struct diff *diff, struct side *side, struct err_note *note)
{
    struct log_strangers strangers = {.count = 0};
    char text[log_strangers_text_bytes];
    struct log_entry entry;
    enum err err;

    TRY(log_reader_open(side->path, &side->reader, note));
    for (;;) {
        struct place place;

        arena_reset(&side->arena);
        err = log_reader_next(side->reader, &side->arena, &entry, note);
        if (err != ERR_OK)
            break;
        place = (struct place){log_topics_find(diff->plan->names, entry.topic, NULL),
                               entry.record.partition, entry.byte, entry.record.key,
                               entry.record.value};
        if (place.topic == TOPIC_COUNT)
            log_strangers_add(&strangers, entry.topic);
        if (place.topic == TOPIC_COUNT || (diff->plan->topics >> place.topic & 1) == 0)
            continue;
        if (place.topic == TOPIC_STATE && slice_equal(place.key, slice_text(META_KEY)))
            continue;
        add_place(side, &place);
    }
    if (err != ERR_END)
        return err;
    if (side->count == 0 && strangers.records > 0)
        return FAIL(note, ERR_BAD_FILE,
                    "%s has no record of the topics to compare, but of %s: " LOG_STRANGERS_ADVICE,
                    side->path, log_strangers_text(&strangers, text));
    if (side->count > 0)
        qsort(side->places, side->count, sizeof(*side->places), compare_places);
    keep_last_values(side);
    return ERR_OK;
}

static void read_place(struct side *side, const struct place *place, struct log_entry *entry)
{
    struct err_note note;
    enum err err;

    arena_reset(&side->arena);
    log_reader_seek(side->reader, place->byte);
    err = log_reader_next(side->reader, &side->arena, entry, &note);
    assert(err == ERR_OK);
}

static bool same(struct slice a, struct slice b)
{
    if (a.data == NULL || b.data == NULL)
        return a.data == b.data;
    return slice_equal(a, b);
}

/* What differs, NULL: nothing. */
static const char *compare_records(enum topic topic, const struct record *a, const struct record *b)
{
    if (!same(a->key, b->key))
        return "key";
    if (!same(a->value, b->value))
        return "value";
    if (topic == TOPIC_STATE)
        return NULL;
    if (a->timestamp_ms != b->timestamp_ms)
        return "timestamp";
    if (a->header_count != b->header_count)
        return "headers";
    for (size_t i = 0; i < a->header_count; i++) {
        if (strcmp(a->headers[i].name, b->headers[i].name) != 0 ||
            !same(a->headers[i].value, b->headers[i].value))
            return "headers";
    }
    return NULL;
}

/* Remembers a difference if it is the first; entries NULL: that side has none. */
static void found(struct diff *diff, const struct place *place, uint64_t index, const char *what,
                  const struct log_entry *entries[2])
{
    struct diff_result *result = diff->result;
    int64_t time_ms = INT64_MAX - 1;

    for (int i = 0; i < 2; i++) {
        if (entries[i] != NULL && place->topic != TOPIC_STATE &&
            entries[i]->record.timestamp_ms < time_ms)
            time_ms = entries[i]->record.timestamp_ms;
    }
    if (time_ms >= diff->first_ms)
        return;
    diff->first_ms = time_ms;
    result->identical = false;
    result->topic = place->topic;
    result->partition = place->partition;
    result->index = index;
    result->what = what;
    result->callback = "";
    for (int i = 0; i < 2; i++) {
        json_decref(result->sides[i]);
        result->sides[i] = NULL;
        if (entries[i] == NULL)
            continue;
        result->sides[i] = log_json_record(diff->plan->framing, entries[i]->topic, place->topic,
                                           &entries[i]->record, diff->arena);
        if (result->callback[0] == '\0')
            result->callback = log_json_callback(diff->plan->framing, place->topic,
                                                 &entries[i]->record, diff->arena);
    }
}

/* Whether both places are of one topic and partition (state: and key) or which comes first. */
static int compare_heads(const struct place *a, const struct place *b)
{
    struct place x, y;

    if (a == NULL || b == NULL)
        return a == NULL ? 1 : -1;
    x = *a;
    y = *b;
    x.byte = y.byte = 0;
    return compare_places(&x, &y);
}

static bool same_run(const struct place *a, const struct place *b)
{
    return a != NULL && b != NULL && a->topic == b->topic && a->partition == b->partition;
}

static const struct place *place_at(const struct side *side, size_t at)
{
    return at < side->count ? &side->places[at] : NULL;
}

/* Skips the rest of a topic and partition: one difference a run is enough. */
static size_t skip_run(const struct side *side, size_t at, const struct place *of)
{
    while (same_run(place_at(side, at), of))
        at++;
    return at;
}

static void compare_sides(struct diff *diff)
{
    struct side *sides = diff->sides;
    const struct place *run = NULL;
    size_t at[2] = {0, 0};
    uint64_t index = 0;

    while (at[0] < sides[0].count || at[1] < sides[1].count) {
        const struct place *a = place_at(&sides[0], at[0]), *b = place_at(&sides[1], at[1]);
        int order = compare_heads(a, b);
        const struct place *head = order <= 0 ? a : b;
        struct log_entry entries[2];
        const struct log_entry *given[2] = {NULL, NULL};
        const char *what = order == 0 ? NULL : order < 0 ? "only in A" : "only in B";

        index = same_run(run, head) ? index + 1 : 0;
        run = head;
        if (order <= 0)
            read_place(&sides[0], a, &entries[0]);
        if (order >= 0)
            read_place(&sides[1], b, &entries[1]);
        given[0] = order <= 0 ? &entries[0] : NULL;
        given[1] = order >= 0 ? &entries[1] : NULL;
        if (order == 0 && head->topic != TOPIC_JOURNAL)
            what = compare_records(head->topic, &entries[0].record, &entries[1].record);
        if (head->topic == TOPIC_JOURNAL || (order < 0 && diff->plan->a_goes_on))
            what = NULL;
        if (what != NULL) {
            found(diff, head, index, what, given);
            at[0] = skip_run(&sides[0], at[0], head);
            at[1] = skip_run(&sides[1], at[1], head);
            continue;
        }
        diff->result->records[head->topic] += order == 0;
        at[0] += order <= 0;
        at[1] += order >= 0;
    }
}

static bool journals_join(const Ringback__V1__JournalRecord *before,
                          const Ringback__V1__JournalRecord *journal)
{
    if (journal->number != before->number + 1 || journal->n_ranges != before->n_ranges)
        return false;
    for (size_t i = 0; i < journal->n_ranges; i++) {
        if (journal->ranges[i]->from_offset != before->ranges[i]->to_offset)
            return false;
    }
    return true;
}

/* Each journal record must go on where the one before it ended. */
static void check_journal(struct diff *diff, int side_index)
{
    struct side *side = &diff->sides[side_index];
    const Ringback__V1__JournalRecord *before = NULL;
    const struct place *run = NULL;
    uint64_t index = 0;
    struct arena arenas[2]; /* of this record and the one before */

    arena_init(&arenas[0]);
    arena_init(&arenas[1]);
    for (size_t i = 0; i < side->count; i++) {
        const struct place *place = &side->places[i];
        struct arena *arena = &arenas[i % 2];
        const Ringback__V1__JournalRecord *journal;
        const struct log_entry *given[2] = {NULL, NULL};
        struct log_entry entry;

        if (place->topic != TOPIC_JOURNAL)
            continue;
        arena_reset(arena);
        read_place(side, place, &entry);
        journal = ringback__v1__journal_record__unpack(&arena->allocator, entry.record.value.size,
                                                       entry.record.value.data);
        index = same_run(run, place) ? index + 1 : 0;
        given[side_index] = &entry;
        if (journal == NULL || (index > 0 && before != NULL && !journals_join(before, journal)))
            found(diff, place, index,
                  side_index == 0 ? "the ranges of A's journal do not join"
                                  : "the ranges of B's journal do not join",
                  given);
        run = place;
        before = journal;
    }
    arena_deinit(&arenas[0]);
    arena_deinit(&arenas[1]);
}

enum err diff_logs(const char *path_a, const char *path_b, const struct diff_plan *plan,
                   struct arena *arena, struct diff_result *result, struct err_note *note)
{
    struct diff diff = {.sides = {{.path = path_a}, {.path = path_b}},
                        .result = result,
                        .arena = arena,
                        .plan = plan,
                        .first_ms = INT64_MAX};
    enum err err = ERR_OK;

    *result = (struct diff_result){.identical = true, .what = "", .callback = ""};
    for (int i = 0; i < 2; i++)
        arena_init(&diff.sides[i].arena);
    for (int i = 0; i < 2 && err == ERR_OK; i++)
        err = open_side(&diff, &diff.sides[i], note);
    if (err == ERR_OK) {
        compare_sides(&diff);
        check_journal(&diff, 0);
        check_journal(&diff, 1);
    }
    for (int i = 0; i < 2; i++) {
        log_reader_close(diff.sides[i].reader);
        free(diff.sides[i].places);
        arena_deinit(&diff.sides[i].arena);
    }
    return err;
}
