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

void number_drop(struct machine *m, uint32_t handle)
{
    struct callback *cb = callback_at(m, handle);

    if (cb->flags & CB_NUMBERED)
        table_remove(&m->numbers, number_hash(m, handle), handle);
    cb->flags &= (uint16_t)~CB_NUMBERED;
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
