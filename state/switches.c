/* The switches of chapter 12 that a domain or a queue turns: what is taken, what is blocked, when a
 * callback expires. */
#include "state/internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"

/* --- 12.10, 12.4 --- */

bool queue_accepting(const struct queue *queue)
{
    return queue->settings == NULL ||
           queue->settings->accepting != RINGBACK__V1__TOGGLE__TOGGLE_OFF;
}

bool queue_dials(const struct machine *m, const struct queue *queue)
{
    return queue->closed_ms == 0 || m->step.when <= queue->closed_ms + m->options.window_overrun_ms;
}

PB(Reason)
queue_refusal(const struct machine *m, const struct queue *queue, int64_t time_ms)
{
    return queue_accepting(queue) ? window_refusal(m, queue, time_ms) : REASON(NOT_ACCEPTING);
}

bool queue_full(const struct queue *queue)
{
    return queue->settings != NULL && queue->settings->waiting_max != 0 &&
           queue->callbacks.waiting >= queue->settings->waiting_max;
}

/* --- 12.11 --- */

/* The first at least as large; blocked_count: there is none. */
static size_t blocked_at(const struct domain *domain, uint64_t number)
{
    size_t low = 0, high = domain->blocked_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (domain->blocked[middle] < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void blocked_put(struct domain *domain, uint64_t number)
{
    size_t at = blocked_at(domain, number);

    memmove(&domain->blocked[at + 1], &domain->blocked[at],
            (domain->blocked_count - at) * sizeof(*domain->blocked));
    domain->blocked[at] = number;
    domain->blocked_count++;
}

/* How a number begins, in the form that numbers compare in (1.2). */
static void prefix_put(struct blocked_prefix *out, const char *text, struct slice country)
{
    const char *digits = text;

    if (strncmp(text, "00", 2) == 0) {
        snprintf(out->text, sizeof(out->text), "+%s", text + 2);
        return;
    }
    if (text[0] == '0' && country.size > 0)
        digits++;
    snprintf(out->text, sizeof(out->text), "%s%.*s%s", digits == text ? "" : "+",
             digits == text ? 0 : (int)country.size, (const char *)country.data, digits);
}

void blocked_refresh(struct machine *m, uint32_t domain)
{
    struct domain *entity = domain_at(m, domain);
    const PB(DomainSettings) *settings = entity->settings;
    size_t room = settings == NULL ? 0 : settings->n_blocked_numbers;

    blocked_clear(entity);
    if (room == 0)
        return;
    entity->blocked = memory_zalloc(room * sizeof(*entity->blocked), "blocked numbers");
    entity->prefixes = memory_zalloc(room * sizeof(*entity->prefixes), "blocked numbers");
    for (size_t at = 0; at < room; at++) {
        const PB(BlockedNumber) *blocked = settings->blocked_numbers[at];
        uint64_t number;

        if (blocked->prefix)
            prefix_put(&entity->prefixes[entity->prefix_count++], blocked->number,
                       country_code(m, domain));
        else if (number_parse(slice_text(blocked->number), country_code(m, domain), &number) ==
                 NUMBER_OK)
            blocked_put(entity, number);
    }
}

void blocked_clear(struct domain *domain)
{
    free(domain->blocked);
    free(domain->prefixes);
    domain->blocked = NULL;
    domain->prefixes = NULL;
    domain->blocked_count = domain->prefix_count = 0;
}

bool number_blocked(const struct machine *m, uint32_t domain, uint64_t number)
{
    const struct domain *entity = domain_at(m, domain);
    const char *text;
    size_t at;

    if (entity->blocked == NULL || number == 0)
        return false;
    at = blocked_at(entity, number);
    if (at < entity->blocked_count && entity->blocked[at] == number)
        return true;
    text = entity->prefix_count == 0 ? "" : number_string(number, m->step.arena);
    for (at = 0; at < entity->prefix_count; at++)
        if (strncmp(text, entity->prefixes[at].text, strlen(entity->prefixes[at].text)) == 0)
            return true;
    return false;
}

/* --- 12.13 --- */

int64_t callback_expiry(const struct machine *m, const struct callback *cb)
{
    const PB(QueueSettings) *settings = queue_at(m, cb->queue)->settings;

    if (settings == NULL || settings->expire_after_s == 0)
        return 0;
    return (cb->due_ms != 0 ? cb->due_ms : cb->created_ms) + settings->expire_after_s * SECOND_MS;
}

/* --- 12.12 --- */

PB(Reason)
snooze_until(const struct machine *m, const struct callback *cb, uint32_t minutes,
             int64_t owner_end_ms, int64_t *until_ms)
{
    const PB(QueueSettings) *settings = queue_at(m, cb->queue)->settings;
    uint32_t most = settings != NULL && settings->snooze_limit != NULL
                        ? settings->snooze_limit->times
                        : (uint32_t)LIMIT_SNOOZES_DEFAULT;
    int64_t expiry_ms = callback_expiry(m, cb);

    *until_ms = m->step.when + minutes * MINUTE_MS;
    if (minutes < (uint32_t)LIMIT_SNOOZE_MINUTES_MIN ||
        minutes > (uint32_t)LIMIT_SNOOZE_MINUTES_MAX ||
        (owner_end_ms != 0 && *until_ms > owner_end_ms) ||
        (expiry_ms != 0 && *until_ms > expiry_ms))
        return REASON(SNOOZE_RANGE);
    return cb->snoozes >= most ? REASON(SNOOZE_LIMIT) : REASON(UNSPECIFIED);
}

bool snooze_keeps_place(const struct queue *queue)
{
    return queue->settings == NULL ||
           queue->settings->snooze_keeps_place != RINGBACK__V1__TOGGLE__TOGGLE_OFF;
}
