/* Callbacks by the number that they call (12.1, 12.2): those in line or being served, of domains
 * that turned a rule on which asks for them. Voicemails are none; nor is one whose talk is over. */
#include "state/internal.h"

#include <assert.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define CONTACT(name) RINGBACK__V1__CUSTOMER_CONTACT__CUSTOMER_CONTACT_##name

PB(DuplicateNumber) domain_duplicates(const struct machine *m, uint32_t domain)
{
    const PB(DomainSettings) *settings = domain_at(m, domain)->settings;

    return settings == NULL || settings->duplicate_number ==
                                   RINGBACK__V1__DUPLICATE_NUMBER__DUPLICATE_NUMBER_UNSPECIFIED
               ? RINGBACK__V1__DUPLICATE_NUMBER__DUPLICATE_NUMBER_ALLOW
               : settings->duplicate_number;
}

bool domain_asks_numbers(const struct machine *m, uint32_t domain)
{
    const PB(DomainSettings) *settings = domain_at(m, domain)->settings;

    return domain_duplicates(m, domain) != RINGBACK__V1__DUPLICATE_NUMBER__DUPLICATE_NUMBER_ALLOW ||
           (settings != NULL && settings->on_customer_contact > CONTACT(KEEP));
}

static uint64_t hash_of(uint32_t domain, uint64_t number)
{
    return XXH3_64bits_withSeed(&number, sizeof(number), domain);
}

uint64_t number_hash(const struct machine *m, uint32_t handle)
{
    const struct callback *cb = callback_at(m, handle);

    return hash_of(queue_at(m, cb->queue)->domain, cb->number);
}

static bool is_live(const struct callback *cb)
{
    return cb->number != 0 &&
           cb->head.kind != RINGBACK__V1__CALLBACK_KIND__CALLBACK_KIND_VOICEMAIL &&
           cb->head.state >= STATE(WAITING) && cb->head.state <= STATE(TALKING);
}

bool number_asked(const struct machine *m, const struct callback *cb)
{
    return is_live(cb) && domain_asks_numbers(m, queue_at(m, cb->queue)->domain);
}

/* Refreshes every one: never the one. */
static bool refresh_wake(const void *user, uint32_t handle, const void *key)
{
    struct machine *m = *(struct machine *const *)key;

    (void)user;
    wake_refresh(m, ref_make(KIND_CALL, handle));
    return false;
}

void contacts_wake_refresh(struct machine *m, uint32_t handle)
{
    struct machine *key = m;

    (void)table_find(&m->contacts, number_hash(m, handle), refresh_wake, &key);
}

void number_drop(struct machine *m, uint32_t handle)
{
    struct callback *cb = callback_at(m, handle);

    if ((cb->flags & CB_NUMBERED) == 0)
        return;
    table_remove(&m->numbers, number_hash(m, handle), handle);
    cb->flags &= (uint16_t)~CB_NUMBERED;
    contacts_wake_refresh(m, handle);
}

void number_refresh(struct machine *m, uint32_t handle)
{
    struct callback *cb = callback_at(m, handle);
    bool wanted = number_asked(m, cb);

    if (wanted == ((cb->flags & CB_NUMBERED) != 0))
        return;
    if (!wanted) {
        number_drop(m, handle);
        return;
    }
    cb->flags |= CB_NUMBERED;
    table_put(&m->numbers, number_hash(m, handle), handle);
}

void numbers_refresh(struct machine *m, uint32_t domain)
{
    size_t cursor = 0;
    uint32_t handle;

    while ((handle = table_next(&m->tables[KIND_CALLBACK], &cursor)) != 0)
        if (queue_at(m, callback_at(m, handle)->queue)->domain == domain)
            number_refresh(m, handle);
}

bool callback_served(const struct callback *cb)
{
    return cb->head.state >= STATE(WITH_AGENT);
}

struct search {
    uint32_t domain;
    uint64_t number;
    uint32_t best, but;
};

/* Looks at every one: never the one. */
static bool look(const void *user, uint32_t handle, const void *key)
{
    const struct machine *m = user;
    struct search *search = *(struct search *const *)key;
    const struct callback *cb = callback_at(m, handle), *best;
    bool better;

    if (handle == search->but || cb->number != search->number ||
        queue_at(m, cb->queue)->domain != search->domain)
        return false;
    if (search->best != 0) {
        best = callback_at(m, search->best);
        better = callback_served(cb) != callback_served(best)
                     ? callback_served(cb)
                     : place_compare(m, handle, false, search->best, false) < 0;
    } else {
        better = true;
    }
    if (better)
        search->best = handle;
    return false;
}

static uint32_t find(const struct machine *m, uint32_t domain, uint64_t number, uint32_t but)
{
    struct search search = {.domain = domain, .number = number, .but = but}, *key = &search;

    (void)table_find(&m->numbers, hash_of(domain, number), look, &key);
    return search.best;
}

uint32_t number_find(const struct machine *m, uint32_t domain, uint64_t number)
{
    return find(m, domain, number, 0);
}

uint32_t number_other(const struct machine *m, uint32_t domain, uint64_t number, uint32_t but)
{
    uint32_t best = find(m, domain, number, but);

    return best != 0 && callback_served(callback_at(m, best)) ? 0 : best;
}

/* --- the customer gets through himself (12.2) --- */

static bool domain_contacts(const struct machine *m, uint32_t domain)
{
    const PB(DomainSettings) *settings = domain_at(m, domain)->settings;

    return settings != NULL && settings->on_customer_contact > CONTACT(KEEP);
}

uint64_t contact_hash(const struct machine *m, uint32_t handle)
{
    const struct call *call = call_at(m, handle);

    return hash_of(call->domain, call->number);
}

/* Of a call that is in line or with an agent; 0: it is no contact. */
static uint64_t contact_number(const struct machine *m, const struct call *call)
{
    uint64_t number;

    if (!domain_contacts(m, call->domain) || call->head.kind != RINGBACK__V1__MEDIA__MEDIA_VOICE ||
        (call->head.state != CALL(WAITING) && call->head.state != CALL(ALERTING) &&
         call->head.state != CALL(CONNECTED)))
        return 0;
    return number_parse(text_at(&m->texts, call->outbound ? call->dialled : call->ani),
                        country_code(m, call->domain), &number) == NUMBER_OK
               ? number
               : 0;
}

/* Not the interaction that asked for it. */
static bool is_contact(const void *user, uint32_t handle, const void *key)
{
    const struct machine *m = user;
    const struct call *call = call_at(m, handle);
    const struct callback *cb = key;

    return call->number == cb->number && call->domain == queue_at(m, cb->queue)->domain &&
           !ident_same(&m->texts, &call->id, &cb->interaction);
}

bool number_contacted(const struct machine *m, const struct callback *cb)
{
    uint32_t domain = queue_at(m, cb->queue)->domain;

    return is_live(cb) && domain_contacts(m, domain) &&
           table_find(&m->contacts, hash_of(domain, cb->number), is_contact, cb) != 0;
}

struct gathered {
    uint32_t domain, count, room;
    uint64_t number;
    uint32_t *callbacks;
    struct arena *arena;
};

/* Gathers every one: never the one. */
static bool gather(const void *user, uint32_t handle, const void *key)
{
    const struct machine *m = user;
    struct gathered *all = *(struct gathered *const *)key;
    const struct callback *cb = callback_at(m, handle);
    uint32_t *more;

    if (cb->number != all->number || queue_at(m, cb->queue)->domain != all->domain)
        return false;
    if (all->count == all->room) {
        all->room = all->room == 0 ? 8 : 2 * all->room;
        more = arena_alloc(all->arena, all->room * sizeof(*more));
        if (all->count > 0)
            memcpy(more, all->callbacks, all->count * sizeof(*more));
        all->callbacks = more;
    }
    all->callbacks[all->count++] = handle;
    return false;
}

/* The same order whatever the memory. */
static void sort_by_id(const struct machine *m, struct gathered *all)
{
    for (uint32_t at = 1; at < all->count; at++)
        for (uint32_t to = at; to > 0 && memcmp(&callback_at(m, all->callbacks[to])->id,
                                                &callback_at(m, all->callbacks[to - 1])->id,
                                                sizeof(struct ident)) < 0;
             to--) {
            uint32_t swap = all->callbacks[to];

            all->callbacks[to] = all->callbacks[to - 1];
            all->callbacks[to - 1] = swap;
        }
}

static struct gathered callbacks_of(struct machine *m, uint32_t domain, uint64_t number)
{
    struct gathered all = {.domain = domain, .number = number, .arena = m->step.arena}, *key = &all;

    (void)table_find(&m->numbers, hash_of(domain, number), gather, &key);
    sort_by_id(m, &all);
    return all;
}

static void number_moved(struct machine *m, uint32_t domain, uint64_t number)
{
    struct gathered all = callbacks_of(m, domain, number);

    for (uint32_t at = 0; at < all.count; at++) {
        const struct callback *cb = callback_at(m, all.callbacks[at]);

        if (cb->head.state != STATE(WAITING) ||
            number_contacted(m, cb) == ((cb->flags & CB_CONTACT) != 0))
            continue;
        callback_unplace(m, all.callbacks[at]);
        callback_place(m, all.callbacks[at]);
    }
}

static void contact_put(struct machine *m, uint32_t handle, uint64_t number)
{
    call_at(m, handle)->number = number;
    if (number != 0)
        table_put(&m->contacts, contact_hash(m, handle), handle);
}

void contact_ready(struct machine *m, uint32_t handle)
{
    contact_put(m, handle, contact_number(m, call_at(m, handle)));
}

void contact_drop(struct machine *m, uint32_t handle)
{
    struct call *call = call_at(m, handle);
    uint64_t number = call->number;

    if (number == 0)
        return;
    table_remove(&m->contacts, contact_hash(m, handle), handle);
    call->number = 0;
    number_moved(m, call->domain, number);
}

void contact_refresh(struct machine *m, uint32_t handle)
{
    struct call *call = call_at(m, handle);
    uint64_t number = contact_number(m, call);

    if (number == call->number)
        return;
    contact_drop(m, handle);
    contact_put(m, handle, number);
    if (number != 0)
        number_moved(m, call->domain, number);
    wake_refresh(m, ref_make(KIND_CALL, handle));
}

void contacts_refresh(struct machine *m, uint32_t domain)
{
    size_t cursor = 0;
    uint32_t handle;

    while ((handle = table_next(&m->tables[KIND_CALL], &cursor)) != 0)
        if (call_at(m, handle)->domain == domain)
            contact_refresh(m, handle);
}

/* When that callback is ended by that talk; INT64_MAX: never. A talk may serve a request only from
 * when both are there: what was asked for later, or came due later, is counted from then. */
static int64_t served_ms(const struct machine *m, const struct call *call,
                         const struct callback *cb)
{
    int64_t from_ms = cb->stay_ms > call->connected_ms ? cb->stay_ms : call->connected_ms;

    return cb->head.state >= STATE(TALKING) || ident_same(&m->texts, &call->id, &cb->interaction)
               ? INT64_MAX
               : from_ms + m->options.contact_min_ms;
}

struct earliest {
    const struct call *call;
    int64_t at_ms;
};

/* Looks at every one: never the one. */
static bool look_served(const void *user, uint32_t handle, const void *key)
{
    const struct machine *m = user;
    struct earliest *search = *(struct earliest *const *)key;
    const struct callback *cb = callback_at(m, handle);
    int64_t at_ms = served_ms(m, search->call, cb);

    if (cb->number == search->call->number &&
        queue_at(m, cb->queue)->domain == search->call->domain && at_ms < search->at_ms)
        search->at_ms = at_ms;
    return false;
}

int64_t contact_wake(const struct machine *m, const struct call *call)
{
    struct earliest search = {call, INT64_MAX}, *key = &search;

    if (call->number != 0 && call->head.state == CALL(CONNECTED) && call->agent != 0)
        (void)table_find(&m->numbers, hash_of(call->domain, call->number), look_served, &key);
    return search.at_ms;
}

void contact_talked(struct machine *m, uint32_t handle)
{
    const struct call *call = call_at(m, handle);
    struct gathered all = callbacks_of(m, call->domain, call->number);

    for (uint32_t at = 0; at < all.count; at++)
        if (served_ms(m, call, callback_at(m, all.callbacks[at])) <= m->step.now)
            callback_step(m, all.callbacks[at], CB_CUSTOMER_SERVED,
                          &(struct callback_input){.agent = call->agent});
}

/* --- requests of a day (12.4) --- */

/* Of queue and number, as text in buffer. */
static struct slice requests_id(const struct machine *m, uint32_t queue, uint64_t number,
                                char buffer[IDENT_TEXT_BYTES])
{
    struct slice name = text_at(&m->texts, queue_at(m, queue)->id);
    uint8_t bytes[256];
    struct ident id;

    assert(name.size + sizeof(number) <= sizeof(bytes)); /* an id has at most 128 */
    memcpy(bytes, name.data, name.size);
    for (size_t at = 0; at < sizeof(number); at++)
        bytes[name.size + at] = (uint8_t)(number >> 8 * at);
    id = ident_hashed(bytes, name.size + sizeof(number));
    return ident_text(&m->texts, &id, buffer);
}

static uint32_t requests_max(const struct queue *queue)
{
    return queue->settings == NULL ? 0 : queue->settings->requests_per_number_max;
}

PB(Reason) requests_refusal(const struct machine *m, uint32_t queue, uint64_t number)
{
    uint32_t max = requests_max(queue_at(m, queue)), handle;
    char buffer[IDENT_TEXT_BYTES];
    const struct requests *requests;
    int64_t end_ms;

    if (max == 0)
        return REASON(UNSPECIFIED);
    handle = entity_find(m, KIND_REQUESTS, m->step.domain, requests_id(m, queue, number, buffer));
    if (handle == 0)
        return REASON(UNSPECIFIED);
    requests = requests_at(m, handle);
    /* One of yesterday that is read today counts for today, which is all that is kept. */
    return requests->count >= max &&
                   queue_day(m, queue_at(m, queue), m->step.when, &end_ms) <= requests->day
               ? REASON(TOO_MANY_REQUESTS)
               : REASON(UNSPECIFIED);
}

void requests_count(struct machine *m, uint32_t queue, uint64_t number)
{
    char buffer[IDENT_TEXT_BYTES];
    struct requests *requests;
    int64_t day, end_ms;
    uint32_t handle;

    if (requests_max(queue_at(m, queue)) == 0)
        return;
    day = queue_day(m, queue_at(m, queue), m->step.when, &end_ms);
    handle = entity_get(m, KIND_REQUESTS, m->step.domain, requests_id(m, queue, number, buffer));
    requests = requests_at(m, handle);
    touch(m, ref_make(KIND_REQUESTS, handle));
    if (requests->count == 0 || day > requests->day) {
        requests->queue = queue;
        requests->number = number;
        requests->day = day;
        requests->until_ms = end_ms;
        requests->count = 0;
    }
    requests->count++;
}
