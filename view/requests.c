#include "view/requests.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <xxhash.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/partition.h"
#include "base/pool.h"
#include "base/random.h"
#include "base/table.h"
#include "daemon/feed.h"
#include "state/reasons.h"
#include "view/model.h"

#include "ringback/v1/commands.pb-c.h"

enum { kept_ms = 10 * 60 * 1000, kept_max = 100000, slice_ms = 50 };

/* A request that was sent, by its id. Its domain is part of the key: ids are one domain's. */
struct request {
    int64_t sent_ms; /* monotonic */
    enum request_status status;
    const char *reason, *text;
    char domain[request_id_bytes], callback[request_id_bytes], user[request_id_bytes];
    char id[request_id_bytes];
};

struct requests {
    const struct options *options;
    pthread_mutex_t send_lock; /* of feed */
    struct feed *feed;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t came;
    struct pool pool; /* of struct request */
    struct table table;
    uint32_t *ring; /* handles in the order of sending, kept_max at most */
    size_t first, count;
};

const char *requests_edit_name(enum machine_edit edit)
{
    static const char *const names[MACHINE_EDIT_COUNT] = {"cancel", "reschedule", "reassign"};

    return (unsigned)edit < MACHINE_EDIT_COUNT ? names[edit] : "";
}

enum machine_edit requests_edit_find(const char *name)
{
    for (int i = 0; i < MACHINE_EDIT_COUNT; i++) {
        if (strcmp(name, requests_edit_name((enum machine_edit)i)) == 0)
            return (enum machine_edit)i;
    }
    return MACHINE_EDIT_COUNT;
}

const char *requests_status_name(enum request_status status)
{
    return status == REQUEST_DONE ? "done" : status == REQUEST_REFUSED ? "refused" : "unanswered";
}

static uint64_t request_hash(const void *user, uint32_t handle)
{
    const struct requests *requests = user;
    const struct request *request = pool_at(&requests->pool, handle);

    return XXH3_64bits(request->id, strlen(request->id));
}

static bool request_equals(const void *user, uint32_t handle, const void *key)
{
    const struct requests *requests = user;
    const struct request *request = pool_at(&requests->pool, handle);

    return strcmp(request->id, key) == 0;
}

enum err requests_create(const struct options *options, struct requests **out,
                         struct err_note *note)
{
    struct requests *requests = memory_zalloc(sizeof(*requests), "requests");
    pthread_condattr_t clock;
    enum err err;

    requests->options = options;
    requests->ring = memory_alloc(kept_max * sizeof(*requests->ring), "requests");
    pool_init(&requests->pool, sizeof(struct request));
    table_init(&requests->table, request_hash, requests);
    pthread_mutex_init(&requests->send_lock, NULL);
    pthread_mutex_init(&requests->lock, NULL);
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&requests->came, &clock);
    pthread_condattr_destroy(&clock);
    err = feed_create(options, "ringback-view", &requests->feed, note);
    if (err != ERR_OK) {
        requests_destroy(requests);
        requests = NULL;
    }
    *out = requests;
    return err;
}

void requests_destroy(struct requests *requests)
{
    if (requests == NULL)
        return;
    table_deinit(&requests->table);
    pool_deinit(&requests->pool);
    free(requests->ring);
    feed_destroy(requests->feed);
    pthread_mutex_destroy(&requests->send_lock);
    pthread_mutex_destroy(&requests->lock);
    pthread_cond_destroy(&requests->came);
    free(requests);
}

/* --- answers --- */

static struct request *find(const struct requests *requests, const char *id)
{
    uint32_t handle = table_find(&requests->table, XXH3_64bits(id, strlen(id)), request_equals, id);

    return handle == 0 ? NULL : pool_at(&requests->pool, handle);
}

void requests_on_result(void *context, struct slice domain, const Ringback__V1__Result *result)
{
    struct requests *requests = context;
    struct request *request;

    pthread_mutex_lock(&requests->lock);
    request = find(requests, result->request_id);
    if (request != NULL && slice_equal(slice_text(request->domain), domain)) {
        if (result->answer_case == RINGBACK__V1__RESULT__ANSWER_COMMAND_ACCEPTED) {
            request->status = REQUEST_DONE;
            request->reason = request->text = NULL;
        } else if (result->answer_case == RINGBACK__V1__RESULT__ANSWER_COMMAND_REFUSED) {
            request->status = REQUEST_REFUSED;
            request->reason = reason_name(result->command_refused->reason);
            request->text = reason_text(result->command_refused->reason);
        }
        pthread_cond_broadcast(&requests->came);
    }
    pthread_mutex_unlock(&requests->lock);
}

/* What is too old, or too much, goes. */
static void make_room(struct requests *requests, int64_t now_ms)
{
    while (requests->count > 0) {
        uint32_t handle = requests->ring[requests->first];
        const struct request *request = pool_at(&requests->pool, handle);

        if (now_ms - request->sent_ms <= kept_ms && requests->count < kept_max)
            return;
        (void)table_remove(&requests->table, request_hash(requests, handle), handle);
        pool_give(&requests->pool, handle);
        requests->first = (requests->first + 1) % kept_max;
        requests->count--;
    }
}

static void remember(struct requests *requests, const struct request_ask *ask,
                     const struct request_item *item)
{
    struct request *request;
    int64_t now_ms = clock_monotonic_ms();

    pthread_mutex_lock(&requests->lock);
    make_room(requests, now_ms);
    request = find(requests, item->request_id);
    if (request == NULL) {
        uint32_t handle = pool_take(&requests->pool);

        request = pool_at(&requests->pool, handle);
        request->status = REQUEST_UNANSWERED;
        request->sent_ms = now_ms;
        memcpy(request->id, item->request_id, request_id_bytes);
        (void)snprintf(request->domain, sizeof(request->domain), "%s", item->domain);
        (void)snprintf(request->callback, sizeof(request->callback), "%s", item->id);
        (void)snprintf(request->user, sizeof(request->user), "%s", ask->user);
        table_put(&requests->table, request_hash(requests, handle), handle);
        requests->ring[(requests->first + requests->count++) % kept_max] = handle;
    }
    pthread_mutex_unlock(&requests->lock);
}

static void take_answer(const struct request *request, struct request_item *item)
{
    item->status = request->status;
    item->reason = request->reason;
    item->text = request->text;
    if (item->status == REQUEST_UNANSWERED)
        item->text = "No answer came yet; it may still be done: ask for the request again.";
}

bool requests_find(struct requests *requests, const char *request_id, const char *user,
                   struct request_item *item, char *domain, char *id)
{
    struct request *request;
    bool found;

    pthread_mutex_lock(&requests->lock);
    make_room(requests, clock_monotonic_ms());
    request = find(requests, request_id);
    found = request != NULL && strcmp(request->user, user) == 0;
    if (found) {
        memcpy(domain, request->domain, request_id_bytes);
        memcpy(id, request->callback, request_id_bytes);
        *item = (struct request_item){.domain = domain, .id = id};
        memcpy(item->request_id, request->id, request_id_bytes);
        take_answer(request, item);
    }
    pthread_mutex_unlock(&requests->lock);
    return found;
}

/* --- requests --- */

static void add_text(XXH3_state_t *hash, const char *text)
{
    XXH3_128bits_update(hash, text, strlen(text) + 1);
}

void requests_request_id(const struct request_ask *ask, const struct request_item *item,
                         char id[request_id_bytes])
{
    uint8_t bytes[16];

    if (ask->request_key == NULL || ask->request_key[0] == '\0') {
        random_bytes(bytes, sizeof(bytes));
    } else {
        XXH3_state_t *hash = XXH3_createState();
        XXH128_canonical_t made;

        if (hash == NULL)
            abort();
        XXH3_128bits_reset(hash);
        add_text(hash, "view");
        add_text(hash, ask->user);
        add_text(hash, ask->request_key);
        add_text(hash, requests_edit_name(ask->edit));
        add_text(hash, item->domain);
        add_text(hash, item->id);
        XXH128_canonicalFromHash(&made, XXH3_128bits_digest(hash));
        XXH3_freeState(hash);
        memcpy(bytes, made.digest, sizeof(bytes));
    }
    bytes[6] = (uint8_t)((bytes[6] & 0x0f) | 0x80); /* a UUID of one's own making (RFC 9562) */
    bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
    (void)view_id_text(bytes, id);
}

static size_t pack(const struct request_ask *ask, const struct request_item *item, uint8_t **bytes)
{
    Ringback__V1__Command command = RINGBACK__V1__COMMAND__INIT;
    Ringback__V1__Cancel cancel = RINGBACK__V1__CANCEL__INIT;
    Ringback__V1__Reschedule reschedule = RINGBACK__V1__RESCHEDULE__INIT;
    Ringback__V1__Reassign reassign = RINGBACK__V1__REASSIGN__INIT;
    Ringback__V1__LocalTime local = RINGBACK__V1__LOCAL_TIME__INIT;
    char callback[view_id_size];
    uint8_t id[16];
    size_t size;

    command.request_id = (char *)(uintptr_t)item->request_id;
    command.callback_id = (char *)(uintptr_t)item->id;
    if (view_id_parse(slice_text(item->id), id)) /* in small letters, as ids are */
        command.callback_id = (char *)(uintptr_t)view_id_text(id, callback);
    command.user_id = (char *)(uintptr_t)ask->user;
    switch (ask->edit) {
    case MACHINE_EDIT_CANCEL:
        command.command_case = RINGBACK__V1__COMMAND__COMMAND_CANCEL;
        command.cancel = &cancel;
        break;
    case MACHINE_EDIT_RESCHEDULE:
        command.command_case = RINGBACK__V1__COMMAND__COMMAND_RESCHEDULE;
        command.reschedule = &reschedule;
        reschedule.due_ms = ask->due_ms;
        if (ask->local_zone != NULL && ask->local_zone[0] != '\0') {
            local.zone = (char *)(uintptr_t)ask->local_zone;
            local.local_ms = ask->local_ms;
            reschedule.local_due = &local;
        }
        break;
    case MACHINE_EDIT_REASSIGN:
        command.command_case = RINGBACK__V1__COMMAND__COMMAND_REASSIGN;
        command.reassign = &reassign;
        if (ask->queue_id != NULL)
            reassign.queue_id = (char *)(uintptr_t)ask->queue_id;
        if (ask->owner_agent_id != NULL)
            reassign.owner_agent_id = (char *)(uintptr_t)ask->owner_agent_id;
        break;
    case MACHINE_EDIT_COUNT: break;
    }
    size = ringback__v1__command__get_packed_size(&command);
    *bytes = memory_alloc(size, "a command");
    return ringback__v1__command__pack(&command, *bytes);
}

static enum err send_one(struct requests *requests, const struct request_ask *ask,
                         const struct request_item *item, int32_t partitions, struct err_note *note)
{
    uint8_t *bytes;
    size_t size = pack(ask, item, &bytes);
    struct record record = {.topic = TOPIC_COMMANDS, .timestamp_ms = clock_wall_ms()};
    enum err err;

    record.key = slice_text(item->domain);
    record.value = slice_make(bytes, size);
    record.partition =
        partition_of((enum partitioner)requests->options->partitioner, record.key, partitions);
    pthread_mutex_lock(&requests->send_lock);
    err = feed_send(requests->feed, &record, note);
    if (err == ERR_OK && feed_poll(requests->feed, 0, note) != ERR_OK)
        log_warn("a command was not taken by the broker", LOG_ERR(note));
    pthread_mutex_unlock(&requests->send_lock);
    free(bytes);
    return err;
}

/* True: each has its answer. */
static bool gather(struct requests *requests, struct request_item *items, size_t count)
{
    bool all = true;

    for (size_t i = 0; i < count; i++) {
        const struct request *request =
            items[i].refused ? NULL : find(requests, items[i].request_id);

        if (request != NULL)
            take_answer(request, &items[i]);
        all = all && items[i].status != REQUEST_UNANSWERED;
    }
    return all;
}

static void wait_for(struct requests *requests, struct request_item *items, size_t count,
                     int64_t wait_ms)
{
    int64_t until_ms = clock_monotonic_ms() + wait_ms;
    struct err_note note;

    pthread_mutex_lock(&requests->lock);
    while (!gather(requests, items, count)) {
        int64_t now_ms = clock_monotonic_ms(), to_ms = now_ms + slice_ms;
        const struct timespec to = {to_ms / 1000, to_ms % 1000 * 1000000};

        if (now_ms >= until_ms || command_stopped())
            break;
        (void)pthread_cond_timedwait(&requests->came, &requests->lock, &to);
        pthread_mutex_unlock(&requests->lock); /* deliveries are served here too */
        pthread_mutex_lock(&requests->send_lock);
        if (feed_poll(requests->feed, 0, &note) != ERR_OK)
            log_debug("a command was not taken by the broker", LOG_ERR(&note));
        pthread_mutex_unlock(&requests->send_lock);
        pthread_mutex_lock(&requests->lock);
    }
    pthread_mutex_unlock(&requests->lock);
}

enum err requests_ask(struct requests *requests, struct follower *follow,
                      const struct request_ask *ask, struct request_item *items, size_t count,
                      int64_t wait_ms, struct err_note *note)
{
    int32_t partitions = follower_partitions(follow, TOPIC_COMMANDS);
    struct follower_status status;

    follower_status(follow, &status);
    if (partitions == 0 || !status.reachable || !follower_hears(follow))
        return FAIL(note, ERR_BUS_DOWN, "Kafka cannot be reached; nothing was sent: try again");
    for (size_t i = 0; i < count; i++) {
        if (items[i].refused) {
            items[i].status = REQUEST_REFUSED;
            continue;
        }
        items[i].status = REQUEST_UNANSWERED;
        requests_request_id(ask, &items[i], items[i].request_id);
        remember(requests, ask, &items[i]);
        if (send_one(requests, ask, &items[i], partitions, note) != ERR_OK)
            log_warn("a command cannot be sent", LOG_ERR(note));
    }
    wait_for(requests, items, count, wait_ms);
    return ERR_OK;
}

void requests_render(struct out *out, const struct request_item *item)
{
    out_text(out, "{\"domain\":");
    out_json(out, item->domain, strlen(item->domain));
    out_text(out, ",\"id\":");
    out_json(out, item->id, strlen(item->id));
    out_format(out, ",\"status\":\"%s\",\"reason\":", requests_status_name(item->status));
    out_json_or_null(out, item->reason);
    out_text(out, ",\"text\":");
    out_json_or_null(out, item->text);
    out_text(out, ",\"request_id\":");
    out_json_or_null(out, item->request_id);
    out_char(out, '}');
}
