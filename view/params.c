#include "view/params.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "consumers/decode.h"
#include "view/render.h"

enum { faults_max = 20, id_bytes_max = 128, q_bytes_max = 200, key_bytes_max = 64 };

void params_fault(struct params_faults *faults, const char *field, const char *format, ...)
{
    char message[300];
    va_list list;

    if (faults->count++ >= faults_max)
        return;
    va_start(list, format);
    (void)vsnprintf(message, sizeof(message), format, list);
    va_end(list);
    if (faults->count > 1)
        out_char(&faults->out, ',');
    out_text(&faults->out, "{\"field\":");
    out_json(&faults->out, field, strlen(field));
    out_text(&faults->out, ",\"message\":");
    out_json(&faults->out, message, strlen(message));
    out_char(&faults->out, '}');
}

bool params_id(const char *text)
{
    return decode_id_valid(slice_text(text));
}

/* --- query parameters --- */

struct reading {
    struct params_list *list;
    struct params_faults *faults;
};

/* Lists of texts. */
static struct query_values *values_of(struct view_query *query, const char *name)
{
    return strcmp(name, "domain") == 0         ? &query->domains
           : strcmp(name, "queue") == 0        ? &query->queues
           : strcmp(name, "owner") == 0        ? &query->owners
           : strcmp(name, "scheduled_by") == 0 ? &query->scheduled_by
           : strcmp(name, "campaign") == 0     ? &query->campaigns
           : strcmp(name, "agent") == 0        ? &query->agents
                                               : NULL;
}

static void add_value(struct query_values *values, const struct param *param,
                      struct params_faults *faults)
{
    if (param->value_size == 0 || param->value_size > id_bytes_max)
        params_fault(faults, param->name, "1 to %d bytes", id_bytes_max);
    else if (values->count == query_values_max)
        params_fault(faults, param->name, "at most %d values", query_values_max);
    else
        values->items[values->count++] = param->value;
}

static void read_state(struct view_query *query, const char *value, struct params_faults *faults)
{
    int state = render_state_find(value);

    if (state == 0)
        params_fault(faults, "state", "there is no state of that name");
    else
        query->states |= 1u << state;
}

static void read_kind(struct view_query *query, const char *value, struct params_faults *faults)
{
    int kind = render_kind_find(value);

    if (strcmp(value, "any") == 0)
        query->kinds |= ~1u;
    else if (kind == 0)
        params_fault(faults, "kind", "there is no kind of that name");
    else
        query->kinds |= 1u << kind;
}

static void read_sort(struct view_query *query, const char *value, struct params_faults *faults)
{
    int sort = 0;

    query->descending = value[0] == '-';
    value += query->descending;
    while (sort < VIEW_SORT_COUNT && strcmp(value, view_sort_name(sort)) != 0)
        sort++;
    if (sort == VIEW_SORT_COUNT)
        params_fault(faults, "sort", "there is no such order");
    else
        query->sort = (enum view_sort)sort;
}

static bool read_count(const char *value, size_t max, size_t *count)
{
    size_t read = 0;

    if (value[0] == '\0' || strlen(value) > 9)
        return false;
    for (; *value != '\0'; value++) {
        if (*value < '0' || *value > '9')
            return false;
        read = 10 * read + (size_t)(*value - '0');
    }
    *count = read;
    return read >= 1 && read <= max;
}

static bool read_time(const char *name, const char *value, int64_t *ms,
                      struct params_faults *faults)
{
    struct err_note note;

    if (clock_parse(value, ms, &note) == ERR_OK)
        return true;
    params_fault(faults, name, "a time is wanted as 2026-11-30T12:00:00Z");
    return false;
}

static int64_t *time_of(struct view_query *query, const char *name)
{
    return strcmp(name, "due_from") == 0       ? &query->due_from_ms
           : strcmp(name, "due_to") == 0       ? &query->due_to_ms
           : strcmp(name, "created_from") == 0 ? &query->created_from_ms
           : strcmp(name, "created_to") == 0   ? &query->created_to_ms
                                               : NULL;
}

static void read_ended(struct view_query *query, const char *value, struct params_faults *faults)
{
    static const char *const names[] = {"no", "yes", "any"};

    for (int i = 0; i < 3; i++) {
        if (strcmp(value, names[i]) == 0) {
            query->ended = (enum view_ended)i;
            return;
        }
    }
    params_fault(faults, "ended", "no, yes or any");
}

static void read_text(const struct param *param, const char **to, struct params_faults *faults)
{
    size_t digits = strspn(param->value, "0123456789");

    if (strcmp(param->name, "q") == 0) {
        if (param->value_size < 1 || param->value_size > q_bytes_max)
            params_fault(faults, "q", "1 to %d bytes", q_bytes_max);
    } else if (digits < 1 || digits > 15 || digits != param->value_size) {
        params_fault(faults, param->name, "1 to 15 digits");
    }
    *to = param->value;
}

static bool read_more(const struct param *param, unsigned more, struct params_list *list,
                      struct params_faults *faults)
{
    const char *name = param->name, *value = param->value;

    if (strcmp(name, "sort") == 0 && (more & PARAMS_PAGE) != 0) {
        read_sort(&list->query, value, faults);
    } else if (strcmp(name, "limit") == 0 && (more & PARAMS_PAGE) != 0) {
        if (!read_count(value, query_page_max, &list->limit))
            params_fault(faults, name, "1 to %d", query_page_max);
    } else if (strcmp(name, "cursor") == 0 && (more & PARAMS_PAGE) != 0) {
        list->cursor = value;
    } else if (strcmp(name, "format") == 0 && (more & PARAMS_FORMAT) != 0) {
        list->json = strcmp(value, "jsonl") == 0;
        if (!list->json && strcmp(value, "csv") != 0)
            params_fault(faults, name, "csv or jsonl");
    } else {
        return false;
    }
    return true;
}

/* Those that are lists may be repeated, nothing else. */
static bool is_list(const char *name)
{
    struct view_query none;

    return values_of(&none, name) != NULL || strcmp(name, "state") == 0 ||
           strcmp(name, "kind") == 0;
}

static void read_param(const struct param *param, unsigned more, struct params_list *list,
                       struct params_faults *faults)
{
    struct view_query *query = &list->query;
    const char *name = param->name, *value = param->value;
    struct query_values *values = values_of(query, name);

    if (values != NULL)
        add_value(values, param, faults);
    else if (strcmp(name, "state") == 0)
        read_state(query, value, faults);
    else if (strcmp(name, "kind") == 0)
        read_kind(query, value, faults);
    else if (time_of(query, name) != NULL)
        (void)read_time(name, value, time_of(query, name), faults);
    else if (strcmp(name, "ended") == 0)
        read_ended(query, value, faults);
    else if (strcmp(name, "number") == 0)
        read_text(param, &query->number, faults);
    else if (strcmp(name, "q") == 0)
        read_text(param, &query->q, faults);
    else if (!read_more(param, more, list, faults))
        params_fault(faults, name, "this is not known here");
}

/* Bytes that no text has, and what is given twice. False: it is to be passed over. */
static bool param_holds(const struct params *params, size_t index, struct params_faults *faults)
{
    const struct param *param = &params->items[index];

    if (memchr(param->value, '\0', param->value_size) != NULL ||
        memchr(param->name, '\0', param->name_size) != NULL ||
        !out_is_utf8(param->value, param->value_size) ||
        !out_is_utf8(param->name, param->name_size)) {
        params_fault(faults, param->name, "this is no text: UTF-8 is wanted");
        return false;
    }
    for (size_t i = 0; !is_list(param->name) && i < index; i++) {
        if (strcmp(params->items[i].name, param->name) == 0) {
            params_fault(faults, param->name, "this is given twice");
            return false;
        }
    }
    return true;
}

bool params_list(const struct params *params, unsigned more, struct params_list *list,
                 struct params_faults *faults)
{
    memset(list, 0, sizeof(*list));
    query_init(&list->query);
    list->limit = 50;
    if ((more & PARAMS_PAGE) == 0)
        list->query.sort = VIEW_SORT_CREATED;
    for (size_t i = 0; i < params->count; i++) {
        if (param_holds(params, i, faults))
            read_param(&params->items[i], more, list, faults);
    }
    return faults->count == 0;
}

bool params_small(const struct params *params, bool searched, struct params_small *small,
                  struct params_faults *faults)
{
    memset(small, 0, sizeof(*small));
    small->limit = 50;
    for (size_t i = 0; i < params->count; i++) {
        const struct param *param = &params->items[i];

        if (!param_holds(params, i, faults))
            continue;
        if (strcmp(param->name, "domain") == 0)
            add_value(&small->domains, param, faults);
        else if (searched && strcmp(param->name, "q") == 0 && param->value_size <= q_bytes_max)
            small->q = param->value;
        else if (!searched || strcmp(param->name, "limit") != 0 ||
                 !read_count(param->value, query_page_max, &small->limit))
            params_fault(faults, param->name, "this is not known here, or out of range");
    }
    return faults->count == 0;
}

bool params_none(const struct params *params, struct params_faults *faults)
{
    for (size_t i = 0; i < params->count; i++) {
        if (param_holds(params, i, faults))
            params_fault(faults, params->items[i].name, "this is not known here");
    }
    return faults->count == 0;
}

/* --- the body of an action --- */

bool params_local_time(const char *text, int64_t *local_ms)
{
    char full[40];
    struct err_note note;

    if (strlen(text) != 16)
        return false;
    (void)snprintf(full, sizeof(full), "%s:00Z", text);
    return clock_parse(full, local_ms, &note) == ERR_OK;
}

/* A member that is a text without NUL; NULL, and a fault where it is another thing. */
static const char *text_member(const json_t *object, const char *name, size_t max,
                               struct params_faults *faults)
{
    const json_t *value = json_object_get(object, name);

    if (value == NULL)
        return NULL;
    if (!json_is_string(value) || json_string_length(value) == 0 ||
        json_string_length(value) > max ||
        strlen(json_string_value(value)) != json_string_length(value)) {
        params_fault(faults, name, "a text of 1 to %zu bytes is wanted", max);
        return NULL;
    }
    return json_string_value(value);
}

static void only(const json_t *object, const char *const *names, const char *where,
                 struct params_faults *faults)
{
    void *at = json_object_iter((json_t *)(uintptr_t)object);

    for (; at != NULL; at = json_object_iter_next((json_t *)(uintptr_t)object, at)) {
        const char *key = json_object_iter_key(at);
        bool known = false;

        for (size_t i = 0; names[i] != NULL; i++)
            known = known || strcmp(names[i], key) == 0;
        if (!known)
            params_fault(faults, key, "this is not known in %s", where);
    }
}

static void read_item(const json_t *value, size_t index, struct request_item *item,
                      struct params_faults *faults)
{
    static const char *const names[] = {"domain", "id", NULL};
    char field[40];
    uint8_t id[16];

    (void)snprintf(field, sizeof(field), "items[%zu]", index);
    if (!json_is_object(value)) {
        params_fault(faults, field, "an object with domain and id is wanted");
        return;
    }
    only(value, names, "an item", faults);
    item->domain = text_member(value, "domain", id_bytes_max, faults);
    item->id = text_member(value, "id", id_bytes_max, faults);
    if (item->domain == NULL || !params_id(item->domain))
        params_fault(faults, field, "domain: 1 to 128 bytes of A-Z a-z 0-9 . _ @ : / + -");
    if (item->id == NULL || !view_id_parse(slice_text(item->id), id))
        params_fault(faults, field, "id: that of a callback is wanted, a UUID");
}

static void read_items(const json_t *list, struct params_action *action,
                       struct params_faults *faults)
{
    size_t count = json_array_size(list);

    if (!json_is_array(list) || count < 1 || count > request_items_max) {
        params_fault(faults, "items", "a list of 1 to %d is wanted", request_items_max);
        return;
    }
    action->items = memory_zalloc(count * sizeof(*action->items), "items of an action");
    action->count = count;
    for (size_t i = 0; i < count; i++)
        read_item(json_array_get(list, i), i, &action->items[i], faults);
}

static void read_local(const json_t *local, struct request_ask *ask, struct params_faults *faults)
{
    static const char *const names[] = {"time", "zone", NULL};
    const char *time;

    if (!json_is_object(local)) {
        params_fault(faults, "local_due", "an object with time and zone is wanted");
        return;
    }
    only(local, names, "local_due", faults);
    time = text_member(local, "time", 16, faults);
    ask->local_zone = text_member(local, "zone", id_bytes_max, faults);
    if (time == NULL || !params_local_time(time, &ask->local_ms))
        params_fault(faults, "local_due", "time: as 2026-11-30T09:00");
    if (ask->local_zone == NULL)
        params_fault(faults, "local_due", "zone: as Europe/Berlin");
}

static void read_targets(const json_t *body, struct request_ask *ask, struct params_faults *faults)
{
    const char *due = text_member(body, "due", 40, faults);
    const json_t *local = json_object_get(body, "local_due");

    if (due != NULL && read_time("due", due, &ask->due_ms, faults) && ask->due_ms <= 0)
        params_fault(faults, "due", "a time from 1970 on is wanted");
    if (local != NULL)
        read_local(local, ask, faults);
    ask->queue_id = text_member(body, "queue_id", id_bytes_max, faults);
    ask->owner_agent_id = text_member(body, "owner_agent_id", id_bytes_max, faults);
    if ((ask->queue_id != NULL && !params_id(ask->queue_id)) ||
        (ask->owner_agent_id != NULL && !params_id(ask->owner_agent_id)))
        params_fault(faults, "queue_id", "ids are 1 to 128 bytes of A-Z a-z 0-9 . _ @ : / + -");
    if ((ask->edit == MACHINE_EDIT_RESCHEDULE) != (due != NULL || local != NULL) ||
        (due != NULL && local != NULL))
        params_fault(faults, "due", "reschedule, and it alone, takes due or local_due");
    if ((ask->edit == MACHINE_EDIT_REASSIGN) !=
        (ask->queue_id != NULL || ask->owner_agent_id != NULL))
        params_fault(faults, "queue_id",
                     "reassign, and it alone, takes queue_id or owner_agent_id or both");
}

static void read_body(const json_t *body, struct params_action *action,
                      struct params_faults *faults)
{
    static const char *const names[] = {"action",   "items",          "due",         "local_due",
                                        "queue_id", "owner_agent_id", "request_key", NULL};
    const char *name;

    if (!json_is_object(body)) {
        params_fault(faults, "", "an object is wanted");
        return;
    }
    only(body, names, "an action", faults);
    name = text_member(body, "action", 20, faults);
    action->ask.edit = name == NULL ? MACHINE_EDIT_COUNT : requests_edit_find(name);
    if (action->ask.edit == MACHINE_EDIT_COUNT)
        params_fault(faults, "action", "cancel, reschedule or reassign");
    action->ask.request_key = text_member(body, "request_key", key_bytes_max, faults);
    read_items(json_object_get(body, "items"), action, faults);
    read_targets(body, &action->ask, faults);
}

bool params_action(const char *body, size_t size, struct params_action *action,
                   struct params_faults *faults)
{
    json_error_t where;
    json_t *json = json_loadb(body, size, JSON_REJECT_DUPLICATES, &where);

    memset(action, 0, sizeof(*action));
    action->body = json;
    if (json == NULL)
        params_fault(faults, "", "no JSON: line %d, column %d: %s", where.line, where.column,
                     where.text);
    else
        read_body(json, action, faults);
    return faults->count == 0;
}

void params_action_deinit(struct params_action *action)
{
    free(action->items);
    json_decref(action->body);
}
