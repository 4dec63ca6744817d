/* Settings: taken whole, by version, checked against the limits (12.15, 14.1). */
#include "state/internal.h"

#include <assert.h>

#include "base/memory.h"

/* What a settings event is about, and the answer to it. */
struct setting {
    const char *request;
    const char *kind;
    const char *key;
    uint64_t version;
};

static void accept_setting(struct machine *m, const struct setting *setting)
{
    PB(Result) *result = emit_result(m, "results.settings_accepted", setting->request);
    PB(SettingsAccepted) *accepted = EMIT_NEW(m, SettingsAccepted, ringback__v1__settings_accepted);

    accepted->kind = arena_text(m->step.arena, slice_text(setting->kind));
    accepted->key = arena_text(m->step.arena, slice_text(setting->key));
    accepted->version = setting->version;
    result->answer_case = RINGBACK__V1__RESULT__ANSWER_SETTINGS_ACCEPTED;
    result->settings_accepted = accepted;
}

static void refuse_setting(struct machine *m, const struct setting *setting, PB(Reason) reason,
                           uint64_t holds, const char *text)
{
    PB(Result) *result = emit_result(m, "results.settings_refused", setting->request);
    PB(SettingsRefused) *refused = EMIT_NEW(m, SettingsRefused, ringback__v1__settings_refused);

    count(m, MACHINE_COUNT_REFUSALS);
    refused->reason = reason;
    refused->text =
        arena_text(m->step.arena, slice_text(text == NULL ? reason_text(reason) : text));
    refused->kind = arena_text(m->step.arena, slice_text(setting->kind));
    refused->key = arena_text(m->step.arena, slice_text(setting->key));
    refused->version = holds;
    result->answer_case = RINGBACK__V1__RESULT__ANSWER_SETTINGS_REFUSED;
    result->settings_refused = refused;
}

/* Two values of a setting, NULL: it is removed. Packed the same they say the same. */
static bool same_value(struct machine *m, const ProtobufCMessage *a, const ProtobufCMessage *b)
{
    size_t size;
    uint8_t *bytes;

    if (a == NULL || b == NULL)
        return a == b;
    size = protobuf_c_message_get_packed_size(a);
    if (size != protobuf_c_message_get_packed_size(b))
        return false;
    bytes = arena_alloc(m->step.arena, 2 * size);
    protobuf_c_message_pack(a, bytes);
    protobuf_c_message_pack(b, bytes + size);
    return memcmp(bytes, bytes + size, size) == 0;
}

/* Whether the version is new; else it is answered: the one that holds is accepted again if it says
 * what holds. held and sent: the values, NULL: removed. */
static bool version_new(struct machine *m, const struct setting *setting, uint64_t holds,
                        const ProtobufCMessage *held, const ProtobufCMessage *sent)
{
    const char *text = NULL;

    if (setting->version > holds)
        return true;
    count(m, MACHINE_COUNT_OLD_FACTS);
    if (setting->version == holds && holds != 0) {
        if (same_value(m, held, sent)) {
            accept_setting(m, setting);
            return false;
        }
        text =
            arena_format(m->step.arena,
                         "Version %llu holds with other content: send this with a higher version.",
                         (unsigned long long)holds);
    }
    refuse_setting(m, setting, REASON(OLD_VERSION), holds, text);
    return false;
}

#define VALUE(message) ((message) == NULL ? NULL : &(message)->base)

static void replace(void *holder, void *message)
{
    void *old;

    memcpy(&old, holder, sizeof(old));
    if (old != NULL)
        protobuf_c_message_free_unpacked(old, NULL);
    memcpy(holder, &message, sizeof(message));
}

/* --- what queues say --- */

int64_t queue_alerting_ms(const struct queue *queue)
{
    uint32_t seconds = queue->settings == NULL ? 0 : queue->settings->alerting_timeout_s;

    return (seconds == 0 ? LIMIT_ALERTING_S_DEFAULT : seconds) * SECOND_MS;
}

int64_t queue_ring_s(const struct queue *queue)
{
    uint32_t seconds = queue->settings == NULL ? 0 : queue->settings->ring_timeout_s;

    return seconds == 0 ? LIMIT_RING_S_DEFAULT : seconds;
}

int64_t queue_retry_delay_ms(const struct queue *queue)
{
    uint32_t seconds = queue->settings == NULL ? 0 : queue->settings->agent_first_retry_delay_s;

    return (seconds == 0 ? LIMIT_RETRY_DELAY_S_DEFAULT : seconds) * SECOND_MS;
}

int64_t owned_duration_ms(const struct queue *queue)
{
    uint32_t seconds = queue->settings == NULL || queue->settings->agent_owned == NULL
                           ? 0
                           : queue->settings->agent_owned->duration_s;

    return (seconds == 0 ? LIMIT_OWNERSHIP_S_DEFAULT : seconds) * SECOND_MS;
}

int64_t owned_ahead_ms(const struct queue *queue)
{
    uint32_t seconds = queue->settings == NULL || queue->settings->agent_owned == NULL
                           ? 0
                           : queue->settings->agent_owned->ahead_s;

    return (seconds == 0 ? LIMIT_OWNERSHIP_AHEAD_S_DEFAULT : seconds) * SECOND_MS;
}

bool queue_assigns(const struct queue *queue)
{
    return queue->settings != NULL && queue->settings->agent_owned != NULL &&
           queue->settings->agent_owned->assign_to_queue;
}

PB(Reason) queue_owned_refusal(const struct queue *queue)
{
    if (queue->settings == NULL || queue->settings->agent_owned == NULL ||
        !queue->settings->agent_owned->enabled)
        return REASON(OWNERSHIP_OFF);
    return queue->settings->n_rings == 0 ? REASON(NO_PREFERRED_AGENT_RULE) : REASON(UNSPECIFIED);
}

bool queue_inherits(const struct machine *m, const struct queue *queue)
{
    const PB(DomainSettings) *domain = domain_at(m, queue->domain)->settings;

    if (queue->settings != NULL &&
        queue->settings->inherit_routing_data != RINGBACK__V1__TOGGLE__TOGGLE_UNSPECIFIED)
        return queue->settings->inherit_routing_data == RINGBACK__V1__TOGGLE__TOGGLE_ON;
    return domain != NULL && domain->inherit_routing_data;
}

struct slice country_code(const struct machine *m, uint32_t domain)
{
    const PB(DomainSettings) *settings = domain_at(m, domain)->settings;

    return slice_text(settings == NULL ? NULL : settings->country_code);
}

const PB(ZoneTable) * zone_table(const struct machine *m, uint32_t domain, const char *zone)
{
    uint32_t handle = entity_find(m, KIND_ZONE, domain, slice_text(zone));

    return handle == 0 ? NULL : zone_at(m, handle)->table;
}

void queue_ani(const struct machine *m, const struct queue *queue, int64_t accepted_ms,
               struct slice *ani, struct slice *ani_name)
{
    for (uint32_t at = 0; at < queue->past_count; at++)
        if (accepted_ms < queue->past[at].until_ms) {
            *ani = text_at(&m->texts, queue->past[at].ani);
            *ani_name = text_at(&m->texts, queue->past[at].ani_name);
            return;
        }
    *ani = slice_text(queue->settings == NULL ? NULL : queue->settings->ani);
    *ani_name = slice_text(queue->settings == NULL ? NULL : queue->settings->ani_name);
}

void queue_past_add(struct machine *m, struct queue *queue, int64_t until_ms, struct slice ani,
                    struct slice ani_name)
{
    if (queue->past == NULL)
        queue->past = memory_zalloc(PAST_ANI_MAX * sizeof(*queue->past), "caller IDs of a queue");
    if (queue->past_count == PAST_ANI_MAX) {
        text_drop(&m->texts, queue->past[0].ani);
        text_drop(&m->texts, queue->past[0].ani_name);
        memmove(queue->past, queue->past + 1, (PAST_ANI_MAX - 1) * sizeof(*queue->past));
        queue->past_count--;
    }
    queue->past[queue->past_count++] =
        (struct past_ani){until_ms, text_put(&m->texts, ani), text_put(&m->texts, ani_name)};
}

void queue_past_clear(struct machine *m, struct queue *queue)
{
    for (uint32_t at = 0; at < queue->past_count; at++) {
        text_drop(&m->texts, queue->past[at].ani);
        text_drop(&m->texts, queue->past[at].ani_name);
    }
    queue->past_count = 0;
}

/* --- checks: NULL, or what is wrong, in the step's arena --- */

struct bound {
    const char *field;
    int64_t value, min, max;
    bool zero; /* 0 stands for the default */
};

static const char *check_bounds(struct machine *m, const struct bound *bounds, size_t count)
{
    for (size_t at = 0; at < count; at++) {
        const struct bound *bound = &bounds[at];

        if (bound->zero && bound->value == 0)
            continue;
        if (bound->value < bound->min || bound->value > bound->max)
            return arena_format(m->step.arena, "%s is %lld; it must be %lld to %lld", bound->field,
                                (long long)bound->value, (long long)bound->min,
                                (long long)bound->max);
    }
    return NULL;
}

static const char *check_owned(struct machine *m, const PB(AgentOwned) * owned)
{
    const struct bound bounds[] = {
        {"agent_owned.duration_s", owned->duration_s, LIMIT_OWNERSHIP_S_MIN, LIMIT_OWNERSHIP_S_MAX,
         true},
        {"agent_owned.ahead_s", owned->ahead_s, LIMIT_OWNERSHIP_S_MIN, LIMIT_OWNERSHIP_S_MAX, true},
    };

    return check_bounds(m, bounds, 2);
}

static const char *check_customer_first(struct machine *m, const PB(CustomerFirst) * first)
{
    const struct bound bounds[] = {
        {"customer_first.pacing_hundredths", first->pacing_hundredths, LIMIT_PACING_HUNDREDTHS_MIN,
         LIMIT_PACING_HUNDREDTHS_MAX, true},
        {"customer_first.max_retries", first->max_retries, 0, LIMIT_RETRIES_MAX, false},
        {"customer_first.retry_delay_s", first->retry_delay_s, LIMIT_RETRY_DELAY_S_MIN,
         LIMIT_RETRY_DELAY_S_MAX, true},
        {"customer_first.live_voice", first->live_voice, 0,
         RINGBACK__V1__ANSWER_REACTION__ANSWER_REACTION_HANG_UP, false},
        {"customer_first.answering_machine", first->answering_machine, 0,
         RINGBACK__V1__ANSWER_REACTION__ANSWER_REACTION_HANG_UP, false},
    };

    if (first->site_id[0] != '\0' && first->edge_group_id[0] != '\0')
        return "customer_first has a site and an edge group; it must be one of them";
    if ((first->live_voice == RINGBACK__V1__ANSWER_REACTION__ANSWER_REACTION_FLOW ||
         first->answering_machine == RINGBACK__V1__ANSWER_REACTION__ANSWER_REACTION_FLOW) &&
        !ident_valid(slice_text(first->flow_id)))
        return "customer_first sends calls to a flow, and flow_id is no id";
    if (!text_fits(first->site_id, LIMIT_ID_BYTES_MAX) ||
        !text_fits(first->edge_group_id, LIMIT_ID_BYTES_MAX))
        return "customer_first.site_id or edge_group_id is too long";
    return check_bounds(m, bounds, sizeof(bounds) / sizeof(bounds[0]));
}

static const char *check_rings(struct machine *m, const PB(QueueSettings) * queue)
{
    if (queue->n_rings > (size_t)LIMIT_RINGS_MAX)
        return arena_format(m->step.arena, "%zu rings; there may be %d", queue->n_rings,
                            (int)LIMIT_RINGS_MAX);
    for (size_t at = 0; at < queue->n_rings; at++) {
        const struct bound bounds[] = {
            {"rings.threshold", queue->rings[at]->threshold, 0, LIMIT_SCORE_MAX, false},
            {"rings.wait_ms", queue->rings[at]->wait_ms, LIMIT_RING_WAIT_MS_MIN,
             LIMIT_RING_WAIT_MS_MAX, true},
        };
        const char *fault = check_bounds(m, bounds, 2);

        if (fault != NULL)
            return fault;
    }
    return NULL;
}

static const char *check_window(struct machine *m, const PB(Window) * window)
{
    if (window->n_hours > (size_t)LIMIT_LIST_MAX || window->n_holidays > (size_t)LIMIT_LIST_MAX)
        return "window: too many hours or holidays";
    if (zone_table(m, m->step.domain, window->zone) == NULL)
        return "window.zone: the domain has no table of that zone; send it first";
    for (size_t at = 0; at < window->n_hours; at++) {
        const struct bound bounds[] = {
            {"window.hours.weekday", window->hours[at]->weekday, 1, 7, false},
            {"window.hours.from_minute", window->hours[at]->from_minute, 0, 1439, false},
            {"window.hours.to_minute", window->hours[at]->to_minute,
             (int64_t)window->hours[at]->from_minute + 1, 1440, false},
        };
        const char *fault = check_bounds(m, bounds, 3);

        if (fault != NULL)
            return fault;
    }
    return NULL;
}

static const char *check_queue(struct machine *m, const PB(QueueSettings) * queue)
{
    const struct bound bounds[] = {
        {"alerting_timeout_s", queue->alerting_timeout_s, LIMIT_ALERTING_S_MIN,
         LIMIT_ALERTING_S_MAX, true},
        {"ring_timeout_s", queue->ring_timeout_s, LIMIT_RING_S_MIN, LIMIT_RING_S_MAX, true},
        {"agent_first_retries", queue->agent_first_retries, 0, LIMIT_RETRIES_MAX, false},
        {"agent_first_retry_delay_s", queue->agent_first_retry_delay_s, LIMIT_RETRY_DELAY_S_MIN,
         LIMIT_RETRY_DELAY_S_MAX, true},
        {"auto_dial.delay_s", queue->auto_dial == NULL ? 0 : queue->auto_dial->delay_s, 0,
         LIMIT_AUTO_DELAY_S_MAX, false},
        {"auto_end.delay_s", queue->auto_end == NULL ? 0 : queue->auto_end->delay_s, 0,
         LIMIT_AUTO_DELAY_S_MAX, false},
        {"service_level_permille", queue->service_level_permille, 0, 1000, false},
        {"ranking", queue->ranking, 0, RINGBACK__V1__RANKING__RANKING_PRIORITY_ONLY, false},
        {"outside_window", queue->outside_window, 0,
         RINGBACK__V1__OUTSIDE_WINDOW__OUTSIDE_WINDOW_REFUSE, false},
        {"dial_mode", queue->dial_mode, 0, RINGBACK__V1__DIAL_MODE__DIAL_MODE_CUSTOMER_FIRST,
         false},
    };
    const char *fault = check_bounds(m, bounds, sizeof(bounds) / sizeof(bounds[0]));

    if (fault == NULL && queue->agent_owned != NULL)
        fault = check_owned(m, queue->agent_owned);
    if (fault == NULL && queue->customer_first != NULL)
        fault = check_customer_first(m, queue->customer_first);
    if (fault == NULL)
        fault = check_rings(m, queue);
    if (fault == NULL && queue->window != NULL)
        fault = check_window(m, queue->window);
    if (fault == NULL && (!text_fits(queue->name, LIMIT_NAME_BYTES_MAX) ||
                          !text_fits(queue->ani, LIMIT_ID_BYTES_MAX) ||
                          !text_fits(queue->ani_name, LIMIT_NAME_BYTES_MAX)))
        fault = "name, ani or ani_name is too long";
    if (fault == NULL && queue->default_script_id[0] != '\0' &&
        !ident_valid(slice_text(queue->default_script_id)))
        fault = "default_script_id is no id";
    return fault;
}

static const char *check_names(char **names, size_t count)
{
    if (count > (size_t)LIMIT_SKILLS_MAX)
        return "too many skills or languages";
    for (size_t at = 0; at < count; at++)
        if (names[at][0] == '\0' || !text_fits(names[at], LIMIT_ID_BYTES_MAX))
            return "a skill or language is empty or too long";
    return NULL;
}

static const char *check_agent(struct machine *m, const PB(AgentSettings) * agent)
{
    const struct bound capacity = {
        "callback_capacity",
        agent->callback_capacity == NULL ? 0 : agent->callback_capacity->callbacks, 0,
        LIMIT_CAPACITY_MAX, false};
    const char *fault = check_bounds(m, &capacity, 1);

    if (fault == NULL)
        fault = check_names(agent->skills, agent->n_skills);
    if (fault == NULL)
        fault = check_names(agent->languages, agent->n_languages);
    if (fault == NULL && !text_fits(agent->name, LIMIT_NAME_BYTES_MAX))
        fault = "name is too long";
    return fault;
}

static const char *check_domain(const PB(DomainSettings) * domain)
{
    size_t digits = strspn(domain->country_code, "0123456789");

    if (domain->country_code[digits] != '\0' || digits > 4)
        return "country_code must be up to 4 digits without +";
    if (domain->n_skills > (size_t)LIMIT_LIST_MAX || domain->n_languages > (size_t)LIMIT_LIST_MAX ||
        domain->n_blocked_numbers > (size_t)LIMIT_LIST_MAX)
        return "a list is too long";
    if ((unsigned)domain->duplicate_number >
            RINGBACK__V1__DUPLICATE_NUMBER__DUPLICATE_NUMBER_MERGE ||
        (unsigned)domain->on_customer_contact >
            RINGBACK__V1__CUSTOMER_CONTACT__CUSTOMER_CONTACT_TAKE_OVER)
        return "duplicate_number or on_customer_contact is unknown";
    return NULL;
}

/* --- queues --- */

/* Whether the queue takes over from removed owners decides when they wake (3.7). */
static void touch_removed_owners(struct machine *m, uint32_t queue)
{
    struct by_id owners = {.count = 0};
    size_t cursor = 0;
    uint32_t class, owner;

    while ((class = table_next(&m->classes, &cursor)) != 0) {
        owner = class_at(m, class)->kind == CLASS_OWNER ? class_at(m, class)->owner : 0;
        if (owner != 0 && class_at(m, class)->queue == queue && !agent_known(agent_at(m, owner)))
            by_id_add(m, &owners, KIND_AGENT, owner);
    }
    for (size_t at = 0; at < owners.count; at++)
        touch(m, ref_make(KIND_AGENT, owners.handles[at]));
}

/* Others can take what waits there now (5.2). */
static void mode_changed(struct machine *m, uint32_t queue)
{
    agents_free_to_dial(m, queue);
    classes_recount_all(m, queue);
}

static void set_queue(struct machine *m, const struct setting *setting,
                      const PB(QueueSettings) * settings)
{
    uint32_t handle = entity_get(m, KIND_QUEUE, m->step.domain, slice_text(settings->queue_id));
    struct queue *queue = queue_at(m, handle);
    uint64_t holds = queue->settings != NULL ? queue->settings->version : queue->removed_version;
    bool priority_only = queue_priority_only(queue), assigns = queue_assigns(queue);
    bool same_rings = rings_same(queue->settings, settings);
    uint32_t expires_s = queue->settings == NULL ? 0 : queue->settings->expire_after_s;
    bool first = queue_customer_first(queue);
    const char *fault;

    if (!version_new(m, setting, holds, VALUE(queue->settings), &settings->base))
        return;
    fault = check_queue(m, settings);
    if (fault != NULL || queue->removing_ms != 0) {
        refuse_setting(m, setting, REASON(SETTINGS_INVALID), holds,
                       fault != NULL ? fault : "the queue is being removed");
        return;
    }
    touch(m, ref_make(KIND_QUEUE, handle));
    if (queue->settings != NULL && (strcmp(queue->settings->ani, settings->ani) != 0 ||
                                    strcmp(queue->settings->ani_name, settings->ani_name) != 0))
        queue_past_add(m, queue, m->step.now, slice_text(queue->settings->ani),
                       slice_text(queue->settings->ani_name));
    replace(&queue->settings, message_keep(&settings->base, m->step.arena));
    queue->removed_version = 0;
    if (priority_only != queue_priority_only(queue))
        queue_rebuild(m, handle);
    if (assigns != queue_assigns(queue))
        touch_removed_owners(m, handle);
    if (!same_rings)
        rings_changed(m, handle);
    if (expires_s != settings->expire_after_s)
        queue_wakes_refresh(m, handle);
    queue_open_refresh(m, handle, m->step.now);
    if (first != queue_customer_first(queue))
        mode_changed(m, handle);
    accept_setting(m, setting);
}

static size_t queue_callbacks(const struct queue *queue)
{
    return order_count(&queue->parked) + order_count(&queue->busy) + queue->callback_tree;
}

static void remove_queue(struct machine *m, const struct setting *setting,
                         const PB(QueueRemoval) * removal)
{
    uint32_t handle = entity_find(m, KIND_QUEUE, m->step.domain, slice_text(removal->queue_id));
    struct queue *queue = handle == 0 ? NULL : queue_at(m, handle);
    bool priority_only, rings, first;

    if (queue == NULL || (queue->settings == NULL && queue->removed_version == 0)) {
        refuse_setting(m, setting, REASON(QUEUE_UNKNOWN), 0, NULL);
        return;
    }
    if (!version_new(m, setting,
                     queue->settings != NULL ? queue->settings->version : queue->removed_version,
                     VALUE(queue->settings), NULL))
        return;
    if (queue->settings == NULL) {
        refuse_setting(m, setting, REASON(QUEUE_UNKNOWN), queue->removed_version, NULL);
        return;
    }
    if (queue_callbacks(queue) > 0 && !removal->force) {
        refuse_setting(m, setting, REASON(QUEUE_IN_USE), queue->settings->version,
                       arena_format(m->step.arena,
                                    "The queue has %u callbacks waiting, %zu scheduled or delayed "
                                    "and %zu with agents.",
                                    queue->callback_tree, order_count(&queue->parked),
                                    order_count(&queue->busy)));
        return;
    }
    priority_only = queue_priority_only(queue);
    rings = queue->settings->n_rings > 0;
    first = queue_customer_first(queue);
    touch(m, ref_make(KIND_QUEUE, handle));
    replace(&queue->settings, NULL);
    if (rings)
        rings_changed(m, handle);
    if (priority_only)
        queue_rebuild(m, handle);
    queue_open_refresh(m, handle, m->step.now);
    if (first)
        mode_changed(m, handle);
    queue_past_clear(m, queue);
    touch_removed_owners(m, handle);
    queue->removed_version = removal->version;
    queue->removing_ms = queue_callbacks(queue) > 0 ? m->step.now : 0;
    accept_setting(m, setting);
}

/* The callback that a removed queue ends next, the same whatever the order in memory; calls that
 * are up finish first. 0: none. */
static uint32_t next_to_end(struct machine *m, const struct queue *queue)
{
    struct order_cursor cursor;
    uint32_t best = 0;

    if (order_first(&queue->parked, &m->nodes, &cursor))
        return order_at(&cursor);
    for (uint32_t at = queue->classes; at != 0; at = class_at(m, at)->next)
        if (!class_at(m, at)->live && order_first(&class_at(m, at)->tree, &m->nodes, &cursor) &&
            (best == 0 || place_compare(m, order_at(&cursor), false, best, false) < 0))
            best = order_at(&cursor);
    if (best != 0)
        return best;
    if (order_first(&queue->busy, &m->nodes, &cursor))
        do {
            uint8_t state = callback_at(m, order_at(&cursor))->head.state;

            if (state != STATE(TALKING) && state != STATE(WRAP_UP))
                return order_at(&cursor);
        } while (order_next(&m->nodes, &cursor));
    return 0;
}

/* One that waits for its owner alone, by agent and place. */
static uint32_t next_owned(struct machine *m, uint32_t queue)
{
    size_t cursor = 0;
    uint32_t class, best = 0;
    struct order_cursor place;

    while ((class = table_next(&m->classes, &cursor)) != 0)
        if (class_at(m, class)->queue == queue && class_at(m, class)->kind == CLASS_OWNER &&
            !class_at(m, class)->live &&
            order_first(&class_at(m, class)->tree, &m->nodes, &place) &&
            (best == 0 || place_compare(m, order_at(&place), false, best, false) < 0))
            best = order_at(&place);
    return best;
}

void queue_fire(struct machine *m, uint32_t handle)
{
    struct queue *queue = queue_at(m, handle);
    struct callback_input input = {.reason = REASON(QUEUE_REMOVED)};

    if (queue->status.wake_ms != 0 && queue->status.wake_ms <= m->step.now)
        queue_stir(m, handle);
    if (queue->edge_ms == 0 && queue->removing_ms == 0)
        return;
    touch(m, ref_make(KIND_QUEUE, handle));
    queue_edge(m, handle);
    if (queue->removing_ms == 0)
        return;
    for (int64_t done = 0; done < LIMIT_FAN_OUT_MAX; done++) {
        uint32_t callback = next_to_end(m, queue);

        if (callback == 0 && queue->callback_tree > 0)
            callback = next_owned(m, handle);
        if (callback == 0) {
            queue->removing_ms = 0; /* those in calls end with QUEUE_REMOVED if they come back */
            return;
        }
        callback_step(m, callback, CB_QUEUE_REMOVED, &input);
    }
}

/* --- agents, scripts, domains, zones --- */

static void set_agent(struct machine *m, const struct setting *setting,
                      const PB(AgentSettings) * settings)
{
    uint32_t handle = entity_get(m, KIND_AGENT, m->step.domain, slice_text(settings->agent_id));
    struct agent *agent = agent_at(m, handle);
    uint64_t holds = agent->settings != NULL ? agent->settings->version : agent->removed_version;
    const char *fault;

    if (!version_new(m, setting, holds, VALUE(agent->settings), &settings->base))
        return;
    fault = check_agent(m, settings);
    if (fault != NULL) {
        refuse_setting(m, setting, REASON(SETTINGS_INVALID), holds, fault);
        return;
    }
    touch(m, ref_make(KIND_AGENT, handle));
    agent_unindex(m, handle);
    replace(&agent->settings, message_keep(&settings->base, m->step.arena));
    agent->removed_version = 0;
    agent->removed_ms = 0;
    agent->skills = skillset_get(m, agent->domain, settings->skills, settings->n_skills);
    agent->languages = skillset_get(m, agent->domain, settings->languages, settings->n_languages);
    agent_gone(m, handle);
    accept_setting(m, setting);
}

static void remove_agent(struct machine *m, const struct setting *setting,
                         const PB(AgentRemoval) * removal)
{
    uint32_t handle = entity_find(m, KIND_AGENT, m->step.domain, slice_text(removal->agent_id));
    struct agent *agent = handle == 0 ? NULL : agent_at(m, handle);

    if (agent == NULL || (agent->settings == NULL && agent->removed_version == 0)) {
        refuse_setting(m, setting, REASON(AGENT_UNKNOWN), 0, NULL);
        return;
    }
    if (!version_new(m, setting,
                     agent->settings != NULL ? agent->settings->version : agent->removed_version,
                     VALUE(agent->settings), NULL))
        return;
    touch(m, ref_make(KIND_AGENT, handle));
    agent_unindex(m, handle);
    replace(&agent->settings, NULL);
    agent->skills = agent->languages = 0;
    agent->removed_version = removal->version;
    agent->removed_ms = m->step.now;
    agent_gone(m, handle);
    agent_tell_owned(m, handle);
    agent_check_offer(m, handle);
    accept_setting(m, setting);
}

static void set_script(struct machine *m, const struct setting *setting,
                       const PB(ScriptSettings) * settings)
{
    uint32_t handle = entity_get(m, KIND_SCRIPT, m->step.domain, slice_text(settings->script_id));
    struct script *script = script_at(m, handle);
    uint64_t holds = script->settings != NULL ? script->settings->version : script->removed_version;

    if (!version_new(m, setting, holds, VALUE(script->settings), &settings->base))
        return;
    if (!text_fits(settings->name, LIMIT_NAME_BYTES_MAX)) {
        refuse_setting(m, setting, REASON(SETTINGS_INVALID), holds, "name is too long");
        return;
    }
    touch(m, ref_make(KIND_SCRIPT, handle));
    replace(&script->settings, message_keep(&settings->base, m->step.arena));
    script->removed_version = 0;
    accept_setting(m, setting);
}

static void remove_script(struct machine *m, const struct setting *setting,
                          const PB(ScriptRemoval) * removal)
{
    uint32_t handle = entity_find(m, KIND_SCRIPT, m->step.domain, slice_text(removal->script_id));
    struct script *script = handle == 0 ? NULL : script_at(m, handle);

    if (script == NULL || (script->settings == NULL && script->removed_version == 0)) {
        refuse_setting(m, setting, REASON(SCRIPT_UNKNOWN), 0, NULL);
        return;
    }
    if (!version_new(m, setting,
                     script->settings != NULL ? script->settings->version : script->removed_version,
                     VALUE(script->settings), NULL))
        return;
    touch(m, ref_make(KIND_SCRIPT, handle));
    replace(&script->settings, NULL);
    script->removed_version = removal->version;
    accept_setting(m, setting);
}

static void set_domain(struct machine *m, const struct setting *setting,
                       const PB(DomainSettings) * settings)
{
    struct domain *domain = domain_at(m, m->step.domain);
    uint64_t holds = domain->settings != NULL ? domain->settings->version : 0;
    const char *fault;
    size_t cursor = 0;
    uint32_t handle;
    bool asked;

    if (!version_new(m, setting, holds, VALUE(domain->settings), &settings->base))
        return;
    fault = check_domain(settings);
    if (fault != NULL) {
        refuse_setting(m, setting, REASON(SETTINGS_INVALID), holds, fault);
        return;
    }
    asked = domain_asks_numbers(m, m->step.domain);
    touch(m, ref_make(KIND_DOMAIN, m->step.domain));
    replace(&domain->settings, message_keep(&settings->base, m->step.arena));
    names_refresh(m, m->step.domain);
    blocked_refresh(m, m->step.domain);
    if (asked) /* while they can be found */
        contacts_refresh(m, m->step.domain);
    if (asked != domain_asks_numbers(m, m->step.domain))
        numbers_refresh(m, m->step.domain);
    if (!asked)
        contacts_refresh(m, m->step.domain);
    while ((handle = table_next(&m->tables[KIND_QUEUE], &cursor)) != 0)
        if (queue_at(m, handle)->domain == m->step.domain)
            classes_recount(m, handle);
    accept_setting(m, setting);
}

static void set_zone(struct machine *m, const struct setting *setting, const PB(ZoneTable) * table)
{
    uint32_t handle = entity_get(m, KIND_ZONE, m->step.domain, slice_text(table->zone));
    struct zone *zone = zone_at(m, handle);
    uint64_t holds = zone->table != NULL ? zone->table->version : zone->removed_version;

    if (!version_new(m, setting, holds, VALUE(zone->table), &table->base))
        return;
    for (size_t at = 0; at < table->n_offsets; at++)
        if (at >= (size_t)LIMIT_LIST_MAX || table->offsets[at]->offset_s > 86400 ||
            table->offsets[at]->offset_s < -86400 ||
            (at > 0 && table->offsets[at]->from_ms <= table->offsets[at - 1]->from_ms)) {
            refuse_setting(m, setting, REASON(SETTINGS_INVALID), holds,
                           "offsets must rise in time, within a day, at most 5000");
            return;
        }
    touch(m, ref_make(KIND_ZONE, handle));
    replace(&zone->table, message_keep(&table->base, m->step.arena));
    zone->removed_version = 0;
    accept_setting(m, setting);
    zone_apply(m, handle, INT64_MIN);
    windows_refresh(m, table->zone);
}

static void remove_zone(struct machine *m, const struct setting *setting,
                        const PB(ZoneRemoval) * removal)
{
    uint32_t handle = entity_find(m, KIND_ZONE, m->step.domain, slice_text(removal->zone));
    struct zone *zone = handle == 0 ? NULL : zone_at(m, handle);
    uint32_t user;

    if (zone == NULL || (zone->table == NULL && zone->removed_version == 0)) {
        refuse_setting(m, setting, REASON(ZONE_UNKNOWN), 0, NULL);
        return;
    }
    if (!version_new(m, setting, zone->table != NULL ? zone->table->version : zone->removed_version,
                     VALUE(zone->table), NULL))
        return;
    user = zone->table == NULL ? 0 : window_in_zone(m, removal->zone);
    if (user != 0) {
        refuse_setting(m, setting, REASON(SETTINGS_INVALID), zone->table->version,
                       arena_format(m->step.arena, "The window of queue %s is in this zone.",
                                    text_string(m, queue_at(m, user)->id)));
        return;
    }
    touch(m, ref_make(KIND_ZONE, handle));
    replace(&zone->table, NULL);
    zone->removed_version = removal->version;
    accept_setting(m, setting);
}

/* --- events --- */

#define SETTINGS_CASE(NAME) RINGBACK__V1__SETTINGS_EVENT__EVENT_##NAME

static bool setting_of(const PB(SettingsEvent) * event, struct setting *setting)
{
    setting->request = event->id;
    switch (event->event_case) {
    case SETTINGS_CASE(QUEUE):
        *setting =
            (struct setting){event->id, "queue", event->queue->queue_id, event->queue->version};
        return true;
    case SETTINGS_CASE(QUEUE_REMOVAL):
        *setting = (struct setting){event->id, "queue", event->queue_removal->queue_id,
                                    event->queue_removal->version};
        return true;
    case SETTINGS_CASE(AGENT):
        *setting =
            (struct setting){event->id, "agent", event->agent->agent_id, event->agent->version};
        return true;
    case SETTINGS_CASE(AGENT_REMOVAL):
        *setting = (struct setting){event->id, "agent", event->agent_removal->agent_id,
                                    event->agent_removal->version};
        return true;
    case SETTINGS_CASE(SCRIPT):
        *setting =
            (struct setting){event->id, "script", event->script->script_id, event->script->version};
        return true;
    case SETTINGS_CASE(SCRIPT_REMOVAL):
        *setting = (struct setting){event->id, "script", event->script_removal->script_id,
                                    event->script_removal->version};
        return true;
    case SETTINGS_CASE(DOMAIN):
        *setting = (struct setting){event->id, "domain", "", event->domain->version};
        return true;
    case SETTINGS_CASE(ZONE):
        *setting = (struct setting){event->id, "zone", event->zone->zone, event->zone->version};
        return true;
    case SETTINGS_CASE(ZONE_REMOVAL):
        *setting = (struct setting){event->id, "zone", event->zone_removal->zone,
                                    event->zone_removal->version};
        return true;
    case SETTINGS_CASE(_NOT_SET):
    case _RINGBACK__V1__SETTINGS_EVENT__EVENT__CASE_IS_INT_SIZE: break;
    }
    return false;
}

enum err settings_event(struct machine *m, const struct input_event *input,
                        PB(UndecidedReason) * why, struct err_note *note)
{
    const PB(SettingsEvent) *event = (const PB(SettingsEvent) *)input->event;
    struct setting setting;

    if (!setting_of(event, &setting)) {
        *why = RINGBACK__V1__UNDECIDED_REASON__UNDECIDED_REASON_UNKNOWN_KIND;
        return FAIL(note, ERR_BAD_EVENT, "a settings event of an unknown kind");
    }
    if (event->event_case != SETTINGS_CASE(DOMAIN) && !ident_valid(slice_text(setting.key))) {
        *why = RINGBACK__V1__UNDECIDED_REASON__UNDECIDED_REASON_LIMIT;
        return FAIL(note, ERR_BAD_EVENT, "the %s has no valid id", setting.kind);
    }
    switch (event->event_case) {
    case SETTINGS_CASE(QUEUE): set_queue(m, &setting, event->queue); break;
    case SETTINGS_CASE(QUEUE_REMOVAL): remove_queue(m, &setting, event->queue_removal); break;
    case SETTINGS_CASE(AGENT): set_agent(m, &setting, event->agent); break;
    case SETTINGS_CASE(AGENT_REMOVAL): remove_agent(m, &setting, event->agent_removal); break;
    case SETTINGS_CASE(SCRIPT): set_script(m, &setting, event->script); break;
    case SETTINGS_CASE(SCRIPT_REMOVAL): remove_script(m, &setting, event->script_removal); break;
    case SETTINGS_CASE(DOMAIN): set_domain(m, &setting, event->domain); break;
    case SETTINGS_CASE(ZONE): set_zone(m, &setting, event->zone); break;
    case SETTINGS_CASE(ZONE_REMOVAL): remove_zone(m, &setting, event->zone_removal); break;
    case SETTINGS_CASE(_NOT_SET):
    case _RINGBACK__V1__SETTINGS_EVENT__EVENT__CASE_IS_INT_SIZE: break;
    }
    return ERR_OK;
}
