#include "daemon/settings_observed.h"

#include <stdlib.h>

#include "base/memory.h"
#include "consumers/decode.h"
#include "consumers/log_file.h"
#include "daemon/log_topics.h"

#include "ringback/v1/flows.pb-c.h"
#include "ringback/v1/interactions.pb-c.h"
#include "ringback/v1/results.pb-c.h"

#define FLOW(name)        RINGBACK__V1__FLOW_EVENT__EVENT_##name
#define INTERACTION(name) RINGBACK__V1__INTERACTION_EVENT__EVENT_##name

/* A Create Callback or a voicemail. */
struct request {
    const char *domain, *id, *interaction, *queue_id;
    const char *agent; /* who left it, of a voicemail; "": a customer */
    int64_t asked_ms, offset;
    bool voicemail, refused, went_on;
};

/* What was seen of one queue of the file. */
struct tally {
    const struct settings_item *item;
    size_t callbacks, refused, went_on, voicemails, internal;
    const char *agent; /* the first who left an internal one */
};

struct observer {
    struct log_reader *reader;
    const char *const *names;
    const struct framing *framing;
    struct arena kept, record;
    struct request *requests; /* later: in the order of domain, id */
    size_t request_count;
    struct request **refused; /* Create Callbacks, in the order of domain, interaction */
    size_t refused_count;
    size_t flow_records, result_records;
    struct log_strangers strangers;
    struct settings_observed *observed;
};

/* --- reading, topic by topic: a log need not be in the order of time --- */

typedef void on_record(struct observer *observer, enum topic topic, const struct record *record);

static enum err read_log(struct observer *observer, on_record *take, struct err_note *note)
{
    struct log_entry entry;
    enum err err;

    log_reader_seek(observer->reader, 0);
    for (;;) {
        enum topic topic;

        arena_reset(&observer->record);
        err = log_reader_next(observer->reader, &observer->record, &entry, note);
        if (err != ERR_OK)
            return err == ERR_END ? ERR_OK : err;
        topic = log_topics_find(observer->names, entry.topic, NULL);
        if (topic == TOPIC_COUNT)
            log_strangers_add(&observer->strangers, entry.topic);
        else
            take(observer, topic, &entry.record);
    }
}

/* NULL: it is none, or one that nothing can be done with. */
static const ProtobufCMessage *event_of(struct observer *observer, enum input input,
                                        const struct record *record)
{
    Ringback__V1__UndecidedReason why;
    struct decoded decoded;
    struct err_note note;

    if (!decode_id_valid(record->key) ||
        decode_event(observer->framing, input, record->value, &observer->record, &decoded, &why,
                     &note) != ERR_OK)
        return NULL;
    return decoded.refuse == RINGBACK__V1__REASON__REASON_UNSPECIFIED ? decoded.event : NULL;
}

static const char *keep(struct observer *observer, const char *text)
{
    return arena_text(&observer->kept, slice_text(text));
}

static struct request *add_request(struct observer *observer, const struct record *record,
                                   const char *id, const char *interaction, const char *queue)
{
    struct request *request;
    size_t count = observer->request_count;

    if ((count & (count - 1)) == 0) /* twice as many */
        observer->requests =
            memory_grow(observer->requests, (count == 0 ? 1 : 2 * count) * sizeof(*request),
                        "requests of a log");
    request = &observer->requests[observer->request_count++];
    *request = (struct request){.domain = arena_text(&observer->kept, record->key),
                                .id = keep(observer, id),
                                .interaction = keep(observer, interaction),
                                .queue_id = keep(observer, queue),
                                .agent = "",
                                .asked_ms = record->timestamp_ms,
                                .offset = record->offset};
    return request;
}

/* First: what is asked. */
static void take_request(struct observer *observer, enum topic topic, const struct record *record)
{
    const Ringback__V1__FlowEvent *event;

    if (topic != TOPIC_FLOWS)
        return;
    observer->flow_records++;
    event = (const Ringback__V1__FlowEvent *)event_of(observer, INPUT_FLOWS, record);
    if (event == NULL) {
        observer->observed->unreadable++;
        return;
    }
    if (event->event_case == FLOW(CREATE_CALLBACK)) {
        (void)add_request(observer, record, event->id, event->create_callback->interaction_id,
                          event->create_callback->queue_id);
    } else if (event->event_case == FLOW(LEAVE_VOICEMAIL)) {
        const Ringback__V1__LeaveVoicemail *left = event->leave_voicemail;
        struct request *request =
            add_request(observer, record, event->id, left->interaction_id, left->queue_id);

        request->voicemail = true;
        request->agent = keep(observer, left->from_agent_id);
    }
}

static int compare_keys(const struct request *a, const struct request *b)
{
    int order = strcmp(a->domain, b->domain);

    return order != 0 ? order : strcmp(a->id, b->id);
}

static int compare_requests(const void *a, const void *b)
{
    const struct request *left = a, *right = b;
    int order = compare_keys(left, right);

    if (order != 0)
        return order;
    return left->offset == right->offset ? 0 : left->offset < right->offset ? -1 : 1;
}

/* Sorted by what they are found by; of a repeated one the first stays. */
static void sort_requests(struct observer *observer)
{
    struct request *requests = observer->requests;
    size_t kept = 0;

    if (observer->request_count > 0)
        qsort(requests, observer->request_count, sizeof(*requests), compare_requests);
    for (size_t i = 0; i < observer->request_count; i++) {
        if (kept == 0 || compare_keys(&requests[kept - 1], &requests[i]) != 0)
            requests[kept++] = requests[i];
    }
    observer->request_count = kept;
}

static int compare_found(const void *key, const void *item)
{
    return compare_keys(key, item);
}

/* Second: what was refused. */
static void take_answer(struct observer *observer, enum topic topic, const struct record *record)
{
    const Ringback__V1__Result *result;
    struct request key, *found;
    struct slice value;

    if (topic != TOPIC_RESULTS)
        return;
    observer->result_records++;
    value = framing_message(observer->framing, topic, record->value);
    result = value.data == NULL ? NULL
                                : ringback__v1__result__unpack(&observer->record.allocator,
                                                               value.size, value.data);
    if (result == NULL) {
        observer->observed->unreadable++;
        return;
    }
    if (result->answer_case != RINGBACK__V1__RESULT__ANSWER_CALLBACK_REFUSED ||
        observer->request_count == 0)
        return;
    key.domain = arena_text(&observer->record, record->key);
    key.id = result->request_id;
    found = bsearch(&key, observer->requests, observer->request_count, sizeof(key), compare_found);
    if (found != NULL)
        found->refused = true;
}

static int compare_interactions(const struct request *a, const struct request *b)
{
    int order = strcmp(a->domain, b->domain);

    return order != 0 ? order : strcmp(a->interaction, b->interaction);
}

static int compare_refused(const void *a, const void *b)
{
    struct request *const *left = a, *const *right = b;

    return compare_interactions(*left, *right);
}

static void sort_refused(struct observer *observer)
{
    observer->refused = memory_alloc((observer->request_count + 1) * sizeof(*observer->refused),
                                     "refused requests of a log");
    for (size_t i = 0; i < observer->request_count; i++) {
        struct request *request = &observer->requests[i];

        if (request->refused && !request->voicemail)
            observer->refused[observer->refused_count++] = request;
    }
    if (observer->refused_count > 0)
        qsort(observer->refused, observer->refused_count, sizeof(*observer->refused),
              compare_refused);
}

/* The interaction goes on after that record. id: of the event in the topic flows; NULL: of another
 * topic, whose records of one millisecond come before (12.14). */
static void goes_on(struct observer *observer, const struct record *record, const char *interaction,
                    const char *id)
{
    struct request key = {.domain = arena_text(&observer->record, record->key),
                          .interaction = interaction};
    size_t low = 0, high = observer->refused_count;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (compare_interactions(observer->refused[middle], &key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < observer->refused_count && compare_interactions(observer->refused[low], &key) == 0;
         low++) {
        struct request *request = observer->refused[low];

        if (id != NULL && strcmp(id, request->id) == 0)
            continue; /* it itself, sent again */
        if (record->timestamp_ms > request->asked_ms ||
            (id != NULL && record->timestamp_ms == request->asked_ms &&
             record->offset > request->offset))
            request->went_on = true;
    }
}

/* The interaction that a flow does something with; NULL: none. */
static const char *flow_interaction(const Ringback__V1__FlowEvent *event)
{
    switch (event->event_case) {
    case FLOW(FLOW_ENTERED): return event->flow_entered->interaction_id;
    case FLOW(CALL_DATA): return event->call_data->interaction_id;
    case FLOW(CREATE_CALLBACK): return event->create_callback->interaction_id;
    case FLOW(LEAVE_VOICEMAIL): return event->leave_voicemail->interaction_id;
    case FLOW(SCHEDULE_CALLBACK):
    case FLOW(CUSTOMER_SNOOZE):
    case FLOW(_NOT_SET):
    case _RINGBACK__V1__FLOW_EVENT__EVENT__CASE_IS_INT_SIZE: break;
    }
    return NULL;
}

/* The interaction that a queue or an agent gets, or a flow; NULL: none does. */
static const char *served_interaction(const Ringback__V1__InteractionEvent *event)
{
    switch (event->event_case) {
    case INTERACTION(ENTERED):
    case INTERACTION(ALERTING):
    case INTERACTION(CONNECTED): break;
    case INTERACTION(LEFT):
        if (event->left->reason == RINGBACK__V1__LEFT_REASON__LEFT_REASON_FLOW_OUT)
            break;
        return NULL;
    case INTERACTION(ENDED):
    case INTERACTION(WRAP_UP_STARTED):
    case INTERACTION(WRAP_UP_ENDED):
    case INTERACTION(ATTEMPT_RINGING):
    case INTERACTION(ATTEMPT_ANSWERED):
    case INTERACTION(ATTEMPT_CONNECTED):
    case INTERACTION(ATTEMPT_ENDED):
    case INTERACTION(ATTEMPT_WRAP_UP_ENDED):
    case INTERACTION(ATTEMPT_HELD):
    case INTERACTION(_NOT_SET):
    case _RINGBACK__V1__INTERACTION_EVENT__EVENT__CASE_IS_INT_SIZE: return NULL;
    }
    return event->interaction == NULL ? NULL : event->interaction->interaction_id;
}

/* Third: what became of the refused ones. */
static void take_sequel(struct observer *observer, enum topic topic, const struct record *record)
{
    if (topic == TOPIC_FLOWS) {
        const Ringback__V1__FlowEvent *event =
            (const Ringback__V1__FlowEvent *)event_of(observer, INPUT_FLOWS, record);

        if (event != NULL && flow_interaction(event) != NULL)
            goes_on(observer, record, flow_interaction(event), event->id);
    } else if (topic == TOPIC_INTERACTIONS) {
        const Ringback__V1__InteractionEvent *event =
            (const Ringback__V1__InteractionEvent *)event_of(observer, INPUT_INTERACTIONS, record);

        if (event == NULL)
            observer->observed->unreadable++;
        else if (served_interaction(event) != NULL)
            goes_on(observer, record, served_interaction(event), NULL);
    }
}

/* --- what it comes to --- */

static void count_request(struct observer *observer, const struct request *request, bool strange,
                          struct tally *tally)
{
    struct settings_observed *observed = observer->observed;
    bool internal = request->agent[0] != '\0';

    observed->strange += strange;
    observed->callbacks += !request->voicemail;
    observed->refused += !request->voicemail && request->refused;
    observed->voicemails += request->voicemail;
    observed->internal += internal;
    tally->callbacks += !request->voicemail;
    tally->refused += !request->voicemail && request->refused;
    tally->went_on += request->went_on;
    tally->voicemails += request->voicemail;
    tally->internal += internal;
    if (internal && tally->agent == NULL)
        tally->agent = request->agent;
}

static int compare_tallies(const void *a, const void *b)
{
    const struct settings_item *left = ((const struct tally *)a)->item;
    const struct settings_item *right = ((const struct tally *)b)->item;
    int order = strcmp(left->domain, right->domain);

    return order != 0 ? order : strcmp(left->id, right->id);
}

/* The queues of the file, in the order of domain, id; *count of them. */
static struct tally *make_tallies(const struct settings *settings, size_t *count)
{
    struct tally *tallies =
        memory_zalloc((settings->item_count + 1) * sizeof(*tallies), "queues of a log");

    *count = 0;
    for (size_t i = 0; i < settings->item_count; i++)
        if (settings->items[i].kind == SETTINGS_QUEUE)
            tallies[(*count)++].item = &settings->items[i];
    qsort(tallies, *count, sizeof(*tallies), compare_tallies);
    return tallies;
}

/* Each request to the queue of the file that it is for, and to the totals. */
static void count_requests(struct observer *observer, struct tally *tallies, size_t count)
{
    for (size_t i = 0; i < observer->request_count; i++) {
        const struct request *request = &observer->requests[i];
        struct settings_item sought = {.domain = request->domain, .id = request->queue_id};
        struct tally key = {.item = &sought}, nowhere = {.item = NULL}, *tally;

        tally = bsearch(&key, tallies, count, sizeof(key), compare_tallies);
        count_request(observer, request, tally == NULL, tally == NULL ? &nowhere : tally);
    }
}

static void warn_failure_path(const struct observer *observer, struct settings *settings,
                              const struct tally *tally)
{
    struct arena *arena = &settings->arena;
    const char *text;

    if (tally->callbacks == 0 || tally->went_on > 0)
        return;
    if (tally->refused > 0)
        text = arena_format(arena,
                            "no failure path seen for Create Callback: %zu of %zu were refused,"
                            " and none of these callers came to a flow, a queue or an agent after"
                            " it",
                            tally->refused, tally->callbacks);
    else if (observer->result_records == 0)
        text = arena_format(arena,
                            "no failure path seen for Create Callback: the log has no answers"
                            " (topic results) to its %zu",
                            tally->callbacks);
    else
        text = arena_format(arena,
                            "no failure path seen for Create Callback: none of its %zu was"
                            " refused; see what the flow does then before customers do",
                            tally->callbacks);
    settings_warn(settings, tally->item, "1.9", text);
}

static void warn_queue(const struct observer *observer, struct settings *settings,
                       const struct tally *tally)
{
    const struct settings_item *item = tally->item;
    const Ringback__V1__QueueSettings *queue = (const Ringback__V1__QueueSettings *)item->message;
    struct arena *arena = &settings->arena;

    warn_failure_path(observer, settings, tally);
    if (tally->voicemails > 0 &&
        queue->dial_mode == RINGBACK__V1__DIAL_MODE__DIAL_MODE_CUSTOMER_FIRST)
        settings_warn(settings, item, "7.7",
                      arena_format(arena,
                                   "%zu voicemails were left to it, and `dial_mode` is"
                                   " customer_first: each is refused, NOT_IN_CUSTOMER_FIRST; the"
                                   " flow must take its failure path before it records",
                                   tally->voicemails));
    if (tally->internal > 0)
        settings_warn(settings, item, "8.2",
                      arena_format(arena,
                                   "%zu internal voicemails were left to it, one by \"%.60s\":"
                                   " each keeps that agent's callback capacity in use until it is"
                                   " resolved",
                                   tally->internal, tally->agent));
}

static enum err read_all(struct observer *observer, const char *log, struct err_note *note)
{
    char text[log_strangers_text_bytes];

    TRY(read_log(observer, take_request, note));
    if (observer->flow_records == 0 && observer->strangers.records > 0)
        return FAIL(note, ERR_BAD_FILE,
                    "%s has no record of the topic flows, but of %s: " LOG_STRANGERS_ADVICE, log,
                    log_strangers_text(&observer->strangers, text));
    if (observer->flow_records == 0)
        return FAIL(note, ERR_BAD_FILE,
                    "%s has no record of the topic flows: record it with `ringback capture`", log);
    sort_requests(observer);
    TRY(read_log(observer, take_answer, note));
    sort_refused(observer);
    return observer->refused_count == 0 ? ERR_OK : read_log(observer, take_sequel, note);
}

enum err settings_observe(struct settings *settings, const char *log, const char *const *names,
                          const struct framing *framing, struct settings_observed *observed,
                          struct err_note *note)
{
    struct observer observer = {.names = names, .framing = framing, .observed = observed};
    struct tally *tallies;
    size_t count;
    enum err err;

    memset(observed, 0, sizeof(*observed));
    TRY(log_reader_open(log, &observer.reader, note));
    arena_init(&observer.kept);
    arena_init(&observer.record);
    err = read_all(&observer, log, note);
    if (err == ERR_OK) {
        tallies = make_tallies(settings, &count);
        count_requests(&observer, tallies, count);
        for (size_t i = 0; i < count; i++)
            warn_queue(&observer, settings, &tallies[i]);
        free(tallies);
    }
    log_reader_close(observer.reader);
    free(observer.refused);
    free(observer.requests);
    arena_deinit(&observer.record);
    arena_deinit(&observer.kept);
    return err;
}
