#include "daemon/dead_letters.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/partition.h"
#include "consumers/decode.h"
#include "daemon/bus_kafka.h"
#include "daemon/topic_walk.h"
#include "producers/kafka.h"

#define MARK_HEADER   "ringback-resent"
#define ERRORS_HEADER "__connect.errors."

enum { batch_records_max = 500, batch_bytes_max = 4 << 20, timeout_ms = 10000 };

static const uint64_t dead_topics = ((UINT64_C(1) << INPUT_COUNT) - 1) << TOPIC_DLQ_FIRST;

/* --- headers --- */

/* Behind the record's own, from the topic on; the record's own may be such, too. */
static size_t own_headers(const struct record *record)
{
    for (size_t at = record->header_count; at-- > 0;) {
        if (strcmp(record->headers[at].name, ERRORS_HEADER "topic") == 0)
            return at;
    }
    return record->header_count;
}

/* The record with those headers alone that were added when it became a dead letter. */
static struct record added_headers(const struct record *record)
{
    size_t own = own_headers(record);
    struct record added = *record;

    added.headers += own;
    added.header_count -= own;
    return added;
}

static int64_t header_number(const struct record *record, const char *name, int64_t absent)
{
    struct slice value = decode_header(record, name);
    char text[24];

    if (value.data == NULL || value.size == 0 || value.size >= sizeof(text))
        return absent;
    memcpy(text, value.data, value.size);
    text[value.size] = '\0';
    return strspn(text, "0123456789") == value.size ? strtoll(text, NULL, 10) : absent;
}

/* --- places --- */

enum err dead_place_parse(const char *text, struct dead_place *place, struct err_note *note)
{
    size_t size = strcspn(text, "/");
    char *end;

    for (int input = 0; input < INPUT_COUNT; input++) {
        const char *name = topic_short_name((enum topic)input);

        if (strlen(name) != size || strncmp(name, text, size) != 0 || text[size] != '/')
            continue;
        place->input = (enum input)input;
        place->partition = (int32_t)strtol(text + size + 1, &end, 10);
        if (end == text + size + 1 || *end != '/' || end[1] == '\0')
            break;
        place->offset = strtoll(end + 1, &end, 10);
        if (*end == '\0' && place->partition >= 0 && place->offset >= 0)
            return ERR_OK;
        break;
    }
    return FAIL(note, ERR_USAGE,
                "\"%s\" is no place of a dead letter; write INPUT/PARTITION/OFFSET, as `dlq show`"
                " prints it: flows/0/17",
                text);
}

static int compare_places(const void *a, const void *b)
{
    const struct dead_place *left = a, *right = b;

    if (left->input != right->input)
        return left->input < right->input ? -1 : 1;
    if (left->partition != right->partition)
        return left->partition < right->partition ? -1 : 1;
    return left->offset < right->offset ? -1 : left->offset > right->offset;
}

bool dead_letter_chosen(const struct dead_letter *letter, const struct dead_choice *choice)
{
    bool there = choice->place_count == 0;

    for (size_t at = 0; at < choice->place_count && !there; at++)
        there = compare_places(&choice->places[at], &letter->place) == 0;
    return there && (choice->inputs >> letter->place.input & 1) != 0 &&
           (choice->resent || !letter->resent) &&
           (choice->reason == NULL || strcmp(choice->reason, letter->reason) == 0);
}

/* --- reading --- */

static void add_mark(struct dead_letters *letters, const struct dead_place *mark)
{
    if (letters->mark_count == letters->mark_capacity) {
        letters->mark_capacity = 2 * letters->mark_capacity + 64;
        letters->marks = memory_grow(
            letters->marks, letters->mark_capacity * sizeof(*letters->marks), "dead letters");
    }
    letters->marks[letters->mark_count++] = *mark;
}

static void add_letter(struct dead_letters *letters, const struct dead_letter *letter)
{
    if (letters->count == letters->capacity) {
        letters->capacity = 2 * letters->capacity + 64;
        letters->items = memory_grow(letters->items, letters->capacity * sizeof(*letters->items),
                                     "dead letters");
    }
    letters->items[letters->count++] = *letter;
}

static enum err take_letter(void *context, enum topic topic, const char *name,
                            const struct record *record, struct err_note *note)
{
    struct dead_letters *letters = context;
    struct record added = added_headers(record);
    struct slice reason = decode_header(&added, ERRORS_HEADER "exception.class.name");
    int64_t marked = header_number(record, MARK_HEADER, -1);
    struct dead_letter letter = {
        .place = {(enum input)(topic - TOPIC_DLQ_FIRST), record->partition, record->offset},
        .timestamp_ms = record->timestamp_ms,
        .keyed = record->key.size > 0,
        .whole = header_number(&added, ERRORS_HEADER "value.bytes", -1) < 0,
    };

    (void)name;
    (void)note;
    /* A record that was sent again and died again has the header, too, from its own. */
    if (marked >= 0 && reason.data == NULL) {
        letter.place.offset = marked;
        add_mark(letters, &letter.place);
        return ERR_OK;
    }
    snprintf(letter.reason, sizeof(letter.reason), "%.*s", (int)reason.size,
             reason.data == NULL ? "" : (const char *)reason.data);
    add_letter(letters, &letter);
    return ERR_OK;
}

static void mark_letters(struct dead_letters *letters)
{
    if (letters->mark_count == 0)
        return;
    qsort(letters->marks, letters->mark_count, sizeof(*letters->marks), compare_places);
    for (size_t at = 0; at < letters->count; at++) {
        letters->items[at].resent =
            bsearch(&letters->items[at].place, letters->marks, letters->mark_count,
                    sizeof(*letters->marks), compare_places) != NULL;
    }
}

enum err dead_letters_read(struct dead_letters *letters, const struct options *options,
                           struct err_note *note)
{
    const struct topic_walk_plan plan = {
        .topics = dead_topics, .partition = -1, .on_record = take_letter, .context = letters};
    struct topic_walk *walk;
    enum err err;

    *letters = (struct dead_letters){.options = options};
    TRY(topic_walk_open(options, &plan, &walk, note));
    err = topic_walk_run(walk, note);
    topic_walk_close(walk);
    mark_letters(letters);
    return err;
}

void dead_letters_deinit(struct dead_letters *letters)
{
    free(letters->items);
    free(letters->marks);
}

/* --- the chosen ones again --- */

struct content_walk {
    const struct dead_letters *letters;
    const struct dead_choice *choice;
    enum err (*on_letter)(void *context, const struct dead_content *content, struct err_note *note);
    void *context;
    struct arena arena; /* of one letter */
};

static char *slice_words(struct slice slice, struct arena *arena)
{
    return arena_text(arena, slice.data == NULL ? slice_text("") : slice);
}

static enum err take_content(void *context, enum topic topic, const char *name,
                             const struct record *record, struct err_note *note)
{
    struct content_walk *walk = context;
    struct dead_place place = {(enum input)(topic - TOPIC_DLQ_FIRST), record->partition,
                               record->offset};
    const struct dead_letters *letters = walk->letters;
    const struct dead_letter *letter = /* its place stands first in it */
        letters->count == 0 ? NULL
                            : bsearch(&place, letters->items, letters->count,
                                      sizeof(*letters->items), compare_places);
    struct record added = added_headers(record);
    struct dead_content content = {.letter = letter, .record = *record};

    (void)name;
    if (letter == NULL || !dead_letter_chosen(letter, walk->choice))
        return ERR_OK; /* a mark; or it came meanwhile */
    arena_reset(&walk->arena);
    content.message =
        slice_words(decode_header(&added, ERRORS_HEADER "exception.message"), &walk->arena);
    content.from =
        arena_format(&walk->arena, "%s/%" PRId64 "/%" PRId64,
                     slice_words(decode_header(&added, ERRORS_HEADER "topic"), &walk->arena),
                     header_number(&added, ERRORS_HEADER "partition", -1),
                     header_number(&added, ERRORS_HEADER "offset", -1));
    content.bytes =
        (uint64_t)header_number(&added, ERRORS_HEADER "value.bytes", (int64_t)record->value.size);
    content.record.topic = (enum topic)place.input;
    content.record.header_count -= added.header_count;
    return walk->on_letter(walk->context, &content, note);
}

enum err dead_letters_walk(const struct dead_letters *letters, const struct dead_choice *choice,
                           enum err (*on_letter)(void *context, const struct dead_content *content,
                                                 struct err_note *note),
                           void *context, struct err_note *note)
{
    struct content_walk content = {letters, choice, on_letter, context, {0}};
    const struct topic_walk_plan plan = {.topics = dead_topics & choice->inputs << TOPIC_DLQ_FIRST,
                                         .partition = -1,
                                         .on_record = take_content,
                                         .context = &content};
    struct topic_walk *walk;
    enum err err;

    TRY(topic_walk_open(letters->options, &plan, &walk, note));
    arena_init(&content.arena);
    err = topic_walk_run(walk, note);
    arena_deinit(&content.arena);
    topic_walk_close(walk);
    return err;
}

/* --- resending --- */

struct resending {
    const struct options *options;
    const char *key;
    bool dry;
    struct dead_resent *resent;
    struct topics topics;
    struct kafka_setting items[option_kafka_count_max];
    char id[220];
    struct kafka_outputs *outputs;
    struct arena arena;                           /* of a batch */
    struct record records[2 * batch_records_max]; /* a record and its mark, each */
    size_t count;
    size_t bytes;
};

static bool stopped(void *context)
{
    (void)context;
    return command_stopped();
}

static enum err commit(struct resending *resending, struct err_note *note)
{
    struct kafka_committed committed = {0};
    enum err err;

    if (resending->count == 0)
        return ERR_OK;
    err = kafka_outputs_commit(resending->outputs, resending->records, resending->count, stopped,
                               NULL, &committed, note);
    if (err == ERR_TXN_UNKNOWN || err == ERR_UNCOMMITTABLE)
        return err_prefix(note,
                          "%zu letters were sent before, these may have been: do it again, "
                          "nothing is sent twice: ",
                          resending->resent->sent);
    TRY(err);
    resending->resent->sent += resending->count / 2;
    resending->count = resending->bytes = 0;
    arena_reset(&resending->arena);
    return ERR_OK;
}

static void copy_record(struct resending *resending, const struct dead_content *content,
                        struct record *record)
{
    const struct record *from = &content->record;
    struct arena *arena = &resending->arena;
    struct header *headers = arena_alloc(arena, (from->header_count + 1) * sizeof(*headers));

    for (size_t at = 0; at < from->header_count; at++)
        headers[at] = (struct header){arena_text(arena, slice_text(from->headers[at].name)),
                                      from->headers[at].value.data == NULL
                                          ? from->headers[at].value
                                          : arena_slice(arena, from->headers[at].value)};
    *record = *from;
    record->offset = -1;
    record->key = from->key.size > 0 ? arena_slice(arena, from->key)
                                     : arena_slice(arena, slice_text(resending->key));
    record->value = from->value.data == NULL ? from->value : arena_slice(arena, from->value);
    record->headers = headers;
    record->partition = partition_of((enum partitioner)resending->options->partitioner, record->key,
                                     resending->topics.items[record->topic].partitions);
}

static void make_mark(struct resending *resending, const struct dead_letter *letter,
                      struct record *record)
{
    struct arena *arena = &resending->arena;
    struct header *header = arena_alloc(arena, sizeof(*header));

    *header = (struct header){MARK_HEADER,
                              slice_text(arena_format(arena, "%" PRId64, letter->place.offset))};
    *record = (struct record){.topic = (enum topic)(TOPIC_DLQ_FIRST + (int)letter->place.input),
                              .partition = letter->place.partition,
                              .offset = -1,
                              .timestamp_ms = letter->timestamp_ms,
                              .headers = header,
                              .header_count = 1};
}

static enum err resend_one(void *context, const struct dead_content *content, struct err_note *note)
{
    struct resending *resending = context;

    if (!content->letter->whole) {
        resending->resent->cut++;
        return ERR_OK;
    }
    if (!content->letter->keyed && resending->key == NULL) {
        resending->resent->keyless++;
        return ERR_OK;
    }
    if (resending->dry) {
        resending->resent->sent++;
        return ERR_OK;
    }
    copy_record(resending, content, &resending->records[resending->count++]);
    make_mark(resending, content->letter, &resending->records[resending->count++]);
    resending->bytes += content->record.value.size;
    return resending->count == 2 * batch_records_max || resending->bytes >= batch_bytes_max
               ? commit(resending, note)
               : ERR_OK;
}

/* From then on nobody else resends, and what others sent is marked, for all to see. */
static enum err open_outputs(struct resending *resending, struct err_note *note)
{
    struct kafka_outputs_options options = {
        .settings = bus_kafka_settings(resending->options, resending->items),
        .transactional_id = resending->id,
        .transaction_timeout_ms = resending->options->transaction_timeout_ms,
        .inputs = true,
    };
    rd_kafka_t *client = NULL;
    enum err err;

    snprintf(resending->id, sizeof(resending->id), "%s-dlq", resending->options->group);
    memcpy(options.topics, resending->options->topic_names, sizeof(options.topics));
    TRY(topics_client(resending->options, &client, note));
    err = topics_read(client, resending->options, false, timeout_ms, &resending->topics, note);
    rd_kafka_destroy(client);
    TRY(err);
    for (int input = 0; input < INPUT_COUNT; input++) {
        if (!resending->topics.items[input].present)
            return FAIL(note, ERR_BUS_REFUSED, "topic %s is missing: `ringback topics` makes it",
                        resending->options->topic_names[input]);
    }
    resending->outputs = kafka_outputs_create(&options);
    return kafka_outputs_open(resending->outputs, false, stopped, NULL, note);
}

enum err dead_letters_resend(const struct options *options, const struct dead_choice *choice,
                             const char *key, bool dry, struct dead_resent *resent,
                             struct err_note *note)
{
    struct resending *resending = memory_zalloc(sizeof(*resending), "dead letters to send");
    struct dead_letters letters = {.items = NULL};
    struct dead_choice open = *choice;
    enum err err = ERR_OK;

    *resent = (struct dead_resent){0};
    open.resent = false;
    resending->options = options;
    resending->key = key;
    resending->dry = dry;
    resending->resent = resent;
    arena_init(&resending->arena);
    if (!dry)
        err = open_outputs(resending, note);
    if (err == ERR_OK)
        err = dead_letters_read(&letters, options, note);
    if (err == ERR_OK)
        err = dead_letters_walk(&letters, &open, resend_one, resending, note);
    if (err == ERR_OK)
        err = commit(resending, note);
    dead_letters_deinit(&letters);
    kafka_outputs_destroy(resending->outputs);
    arena_deinit(&resending->arena);
    free(resending);
    return err;
}
