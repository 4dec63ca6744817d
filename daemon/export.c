#include "daemon/export.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/memory.h"
#include "daemon/export_parts.h"
#include "state/limits.h"

static struct export_key key_of(struct slice domain, const char *id)
{
    XXH64_hash_t seed = XXH3_64bits(domain.data, domain.size);
    XXH128_hash_t hash = XXH3_128bits_withSeed(id, strlen(id), seed);

    return (struct export_key){hash.low64, hash.high64};
}

static uint64_t conversation_hash(const void *user, uint32_t handle)
{
    const struct exporter *exporter = user;

    return exporter->conversations[handle - 1].key.low;
}

static uint64_t callback_hash(const void *user, uint32_t handle)
{
    const struct exporter *exporter = user;

    return exporter->callbacks[handle - 1].key.low;
}

static bool same_key(const struct export_key *a, const struct export_key *b)
{
    return a->low == b->low && a->high == b->high;
}

static bool is_conversation(const void *user, uint32_t handle, const void *key)
{
    const struct exporter *exporter = user;

    return same_key(&exporter->conversations[handle - 1].key, key);
}

static bool is_callback(const void *user, uint32_t handle, const void *key)
{
    const struct exporter *exporter = user;

    return same_key(&exporter->callbacks[handle - 1].key, key);
}

struct exporter *export_create(const struct export_plan *plan)
{
    struct exporter *exporter = memory_zalloc(sizeof(*exporter), "an export");

    exporter->plan = *plan;
    arena_init(&exporter->arena);
    table_init(&exporter->conversation_table, conversation_hash, exporter);
    table_init(&exporter->callback_table, callback_hash, exporter);
    return exporter;
}

void export_destroy(struct exporter *exporter)
{
    if (exporter == NULL)
        return;
    table_deinit(&exporter->conversation_table);
    table_deinit(&exporter->callback_table);
    arena_deinit(&exporter->arena);
    free(exporter->conversations);
    free(exporter->callbacks);
    free(exporter);
}

static const char *keep(struct exporter *exporter, const char *text)
{
    return text[0] == '\0' ? "" : arena_text(&exporter->arena, slice_text(text));
}

/* Of the part that a time of creation is in: counted, and whether there is room. */
static bool count_in(struct exporter *exporter, int64_t created_ms)
{
    bool recent = created_ms >= exporter->plan.now_ms - LIMIT_EXPORT_RECENT_MS;
    uint64_t *count = recent ? &exporter->counts.recent : &exporter->counts.older;

    ++*count;
    return *count <= (uint64_t)(recent ? LIMIT_EXPORT_RECENT_MAX : LIMIT_EXPORT_OLDER_MAX);
}

/* The one of the event, made if it is the first time that it is heard of. */
static struct export_conversation *conversation_get(struct exporter *exporter, struct slice domain,
                                                    const char *id, int64_t created_ms)
{
    struct export_key key = key_of(domain, id);
    uint32_t handle = table_find(&exporter->conversation_table, key.low, is_conversation, &key);
    struct export_conversation *found;

    if (handle != 0)
        return &exporter->conversations[handle - 1];
    if (exporter->conversation_count == exporter->conversation_room) {
        exporter->conversation_room =
            exporter->conversation_room == 0 ? 1024 : exporter->conversation_room * 2;
        exporter->conversations = memory_grow(
            exporter->conversations, exporter->conversation_room * sizeof(*exporter->conversations),
            "an export");
    }
    found = &exporter->conversations[exporter->conversation_count++];
    *found = (struct export_conversation){.key = key, .created_ms = created_ms};
    if (created_ms >= exporter->plan.from_ms && created_ms < exporter->plan.to_ms &&
        created_ms != INT64_MIN && count_in(exporter, created_ms)) {
        found->id = keep(exporter, id);
        found->domain = arena_text(&exporter->arena, domain);
    }
    table_put(&exporter->conversation_table, key.low, (uint32_t)exporter->conversation_count);
    return found;
}

static struct export_callback *callback_find(struct exporter *exporter,
                                             const struct export_key *key)
{
    uint32_t handle = table_find(&exporter->callback_table, key->low, is_callback, key);

    return handle == 0 ? NULL : &exporter->callbacks[handle - 1];
}

static struct export_callback *callback_make(struct exporter *exporter,
                                             const struct export_key *key)
{
    struct export_callback *made;

    if (exporter->callback_count == exporter->callback_room) {
        exporter->callback_room = exporter->callback_room == 0 ? 1024 : exporter->callback_room * 2;
        exporter->callbacks =
            memory_grow(exporter->callbacks, exporter->callback_room * sizeof(*exporter->callbacks),
                        "an export");
    }
    made = &exporter->callbacks[exporter->callback_count++];
    *made = (struct export_callback){.key = *key};
    table_put(&exporter->callback_table, key->low, (uint32_t)exporter->callback_count);
    return made;
}

static struct export_session *session_make(struct exporter *exporter,
                                           const Ringback__V1__AnalyticsEvent *event)
{
    const Ringback__V1__SessionStarted *started = event->session_started;
    struct export_session *session = arena_zalloc(&exporter->arena, sizeof(*session));

    session->callback = keep(exporter, event->callback_id);
    session->queue = session->agent = "";
    session->from_interaction = keep(exporter, started->from_interaction_id);
    session->owner = keep(exporter, started->owner_agent_id);
    session->campaign = keep(exporter, started->campaign_id);
    session->contact = keep(exporter, started->contact_id);
    session->recording = keep(exporter, started->recording_id);
    session->from_agent = keep(exporter, started->from_agent_id);
    session->kind = started->kind;
    session->began_ms = event->time_ms;
    session->due_ms = started->due_ms;
    session->segments_end = &session->segments;
    return session;
}

static void begin(struct exporter *exporter, struct slice domain, const struct export_key *key,
                  const Ringback__V1__AnalyticsEvent *event)
{
    struct export_conversation *conversation =
        conversation_get(exporter, domain, event->conversation_id, event->time_ms);
    struct export_callback *callback = callback_make(exporter, key);

    if (conversation->id == NULL)
        return;
    callback->session = session_make(exporter, event);
    if (conversation->end == NULL)
        conversation->first = callback->session;
    else
        *conversation->end = callback->session;
    conversation->end = &callback->session->next;
}

static void add_metric(struct exporter *exporter, struct export_session *session,
                       const Ringback__V1__Metric *metric)
{
    if ((unsigned)metric->name >= export_metrics_max)
        return; /* of a newer version */
    if (session->metrics == NULL)
        session->metrics = arena_zalloc(&exporter->arena, sizeof(*session->metrics));
    session->metrics->sum[metric->name] += metric->value;
    session->metrics->count[metric->name]++;
}

static void add_segment(struct exporter *exporter, struct export_session *session,
                        const Ringback__V1__AnalyticsEvent *event)
{
    struct export_segment *segment;

    if (exporter->plan.format != EXPORT_JSON)
        return; /* CSV has none */
    segment = arena_zalloc(&exporter->arena, sizeof(*segment));
    segment->type = event->segment->type;
    segment->start_ms = event->segment->start_ms;
    segment->end_ms = event->segment->end_ms;
    segment->agent = keep(exporter, event->agent_id);
    *session->segments_end = segment;
    session->segments_end = &segment->next;
}

static void go_on(struct exporter *exporter, struct export_session *session,
                  const Ringback__V1__AnalyticsEvent *event)
{
    if (event->queue_id[0] != '\0' && strcmp(event->queue_id, session->queue) != 0)
        session->queue = keep(exporter, event->queue_id);
    if (event->agent_id[0] != '\0' && strcmp(event->agent_id, session->agent) != 0)
        session->agent = keep(exporter, event->agent_id);
    switch (event->event_case) {
    case RINGBACK__V1__ANALYTICS_EVENT__EVENT_SEGMENT: add_segment(exporter, session, event); break;
    case RINGBACK__V1__ANALYTICS_EVENT__EVENT_METRIC:
        add_metric(exporter, session, event->metric);
        break;
    case RINGBACK__V1__ANALYTICS_EVENT__EVENT_SESSION_ENDED:
        session->ended_ms = event->time_ms;
        session->reason = event->session_ended->reason;
        break;
    case RINGBACK__V1__ANALYTICS_EVENT__EVENT_INACTIVITY: session->inactive = true; break;
    case RINGBACK__V1__ANALYTICS_EVENT__EVENT_RESUMED: session->inactive = false; break;
    case RINGBACK__V1__ANALYTICS_EVENT__EVENT_SESSION_STARTED:
    case RINGBACK__V1__ANALYTICS_EVENT__EVENT_STILL_WAITING:
    case RINGBACK__V1__ANALYTICS_EVENT__EVENT__NOT_SET:
    case _RINGBACK__V1__ANALYTICS_EVENT__EVENT__CASE_IS_INT_SIZE: break;
    }
}

void export_add(struct exporter *exporter, struct slice domain,
                const Ringback__V1__AnalyticsEvent *event)
{
    struct export_callback *callback;
    struct export_key key;

    if (event->callback_id[0] == '\0') /* a live interaction's: no session of a conversation */
        return;
    if (exporter->plan.domain != NULL && !slice_equal(slice_text(exporter->plan.domain), domain))
        return;
    key = key_of(domain, event->callback_id);
    callback = callback_find(exporter, &key);
    if (callback == NULL &&
        event->event_case == RINGBACK__V1__ANALYTICS_EVENT__EVENT_SESSION_STARTED) {
        begin(exporter, domain, &key, event);
        callback = callback_find(exporter, &key);
    } else if (callback == NULL) {
        (void)conversation_get(exporter, domain, event->conversation_id, INT64_MIN);
        callback = callback_make(exporter, &key);
        exporter->counts.headless++;
    }
    if (callback->session != NULL)
        go_on(exporter, callback->session, event);
}

struct export_counts export_counts(const struct exporter *exporter)
{
    return exporter->counts;
}
