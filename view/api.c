#include "view/api.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "base/version.h"
#include "view/api_parts.h"
#include "view/assets.h"
#include "view/overview.h"
#include "view/render.h"

/* --- answers --- */

void api_answer_init(struct api_answer *answer)
{
    memset(answer, 0, sizeof(*answer));
    answer->fd = -1;
    answer->status = 200;
    answer->type = "application/json";
    answer->route = "other";
}

void api_answer_deinit(struct api_answer *answer)
{
    out_deinit(&answer->out);
    if (answer->fd >= 0)
        (void)close(answer->fd);
    answer->fd = -1;
}

void api_header_add(struct api_answer *answer, const char *name, const char *format, ...)
{
    struct api_header *header = &answer->headers[answer->header_count];
    va_list list;

    if (answer->header_count == api_headers_max)
        return;
    answer->header_count++;
    header->name = name;
    va_start(list, format);
    (void)vsnprintf(header->value, sizeof(header->value), format, list);
    va_end(list);
}

static const char *title_of(unsigned status)
{
    switch (status) {
    case 400: return "Bad request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not found";
    case 405: return "Method not allowed";
    case 413: return "Body too large";
    case 415: return "Unsupported media type";
    case 422: return "Over the limit";
    case 429: return "Too many requests";
    case 503: return "Not available now";
    default: return "Error";
    }
}

static void problem_head(struct api_answer *answer, unsigned status, const char *code,
                         const char *detail)
{
    struct out *out = &answer->out;

    out->size = 0;
    answer->status = status;
    answer->type = "application/problem+json";
    out_format(out, "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%u,\"detail\":",
               title_of(status), status);
    if (detail == NULL)
        detail = title_of(status);
    out_json(out, detail, strlen(detail));
    if (code != NULL)
        out_format(out, ",\"code\":\"%s\"", code);
}

void api_problem(struct api_answer *answer, unsigned status, const char *code, const char *detail)
{
    problem_head(answer, status, code, detail);
    out_char(&answer->out, '}');
}

void api_faults(struct api_answer *answer, struct params_faults *faults)
{
    char detail[80];

    (void)snprintf(detail, sizeof(detail), "%zu %s wrong; errors names %s", faults->count,
                   faults->count == 1 ? "thing is" : "things are",
                   faults->count == 1 ? "it" : "them");
    problem_head(answer, 400, NULL, detail);
    out_text(&answer->out, ",\"errors\":[");
    out_bytes(&answer->out, faults->out.data, faults->out.size);
    out_text(&answer->out, "]}");
    out_deinit(&faults->out);
}

void api_data(struct api_call *call)
{
    struct follower_status status;

    follower_status(call->api->follower, &status);
    render_data(&call->answer->out, &status);
}

bool api_faulty(struct api_call *call, struct params_faults *faults)
{
    if (faults->count == 0)
        return false;
    api_faults(call->answer, faults);
    return true;
}

/* --- lists --- */

/* A filter by what the viewer may not see would tell of it. */
static bool campaigns_hidden(const struct api_call *call, const struct view_query *query)
{
    return (query->campaigns.count > 0 || query->sort == VIEW_SORT_CAMPAIGN) &&
           !viewer_may(&call->viewer, VIEW_PERMISSION_CAMPAIGNS);
}

bool api_read_list(struct api_call *call, unsigned more, struct params_list *list)
{
    struct params_faults faults = {.count = 0};

    (void)params_list(&call->request->params, more, list, &faults);
    if (api_faulty(call, &faults))
        return false;
    list->query.sight = call->viewer.sight;
    if (campaigns_hidden(call, &list->query)) {
        api_problem(call->answer, 403, "PERMISSION",
                    "outbound:campaign:view is needed to filter or sort by campaign");
        return false;
    }
    return true;
}

static void cursor_field(struct out *out, const char *name, const struct view_model *model,
                         const struct view_query *query, uint32_t handle, bool backward)
{
    char text[query_cursor_bytes_max];
    struct query_anchor anchor;

    out_format(out, ",\"%s\":", name);
    if (handle == 0) {
        out_text(out, "null");
        return;
    }
    query_anchor_of(model, query, handle, backward, &anchor);
    query_cursor_write(query, &anchor, text);
    out_json(out, text, strlen(text));
}

static void render_page(struct api_call *call, const struct view_model *model,
                        const struct view_query *query, const struct query_page *page)
{
    struct out *out = &call->answer->out;

    out_format(out, ",\"total\":%zu,\"first_index\":%zu,\"items\":[", page->total,
               page->first_index);
    for (size_t i = 0; i < page->count; i++) {
        if (i > 0)
            out_char(out, ',');
        render_callback(out, model, page->handles[i], &call->viewer, call->now_ms);
    }
    out_char(out, ']');
    cursor_field(out, "next", model, query,
                 page->more && page->count > 0 ? page->handles[page->count - 1] : 0, false);
    cursor_field(out, "previous", model, query,
                 page->first_index > 0 && page->count > 0 ? page->handles[0] : 0, true);
    out_char(out, '}');
}

static void list_callbacks(struct api_call *call)
{
    struct params_faults faults = {.count = 0};
    struct query_anchor anchor = {.given = false};
    const struct view_model *model;
    struct params_list list;
    struct query_page page;

    if (!api_read_list(call, PARAMS_PAGE, &list))
        return;
    if (list.cursor != NULL && !query_cursor_read(&list.query, list.cursor, &anchor))
        params_fault(&faults, "cursor", "this is no cursor of these filters and this order");
    if (api_faulty(call, &faults))
        return;
    out_char(&call->answer->out, '{');
    api_data(call);
    model = follower_lock(call->api->follower);
    query_page(model, &list.query, &anchor, list.limit, &page);
    render_page(call, model, &list.query, &page);
    follower_unlock(call->api->follower);
}

/* --- one callback --- */

uint32_t api_find(const struct api_call *call, const struct view_model *model)
{
    const struct view_row *row;
    uint32_t handle =
        model_find(model, slice_make(call->domain, call->domain_size), call->callback);

    if (handle == 0)
        return 0;
    row = model_row(model, handle);
    return query_may_see(model, &call->viewer.sight, row->domain, row->queue) ? handle : 0;
}

void api_unknown(struct api_call *call)
{
    api_problem(call->answer, 404, "CALLBACK_UNKNOWN",
                "there is no such callback, or it is not to be seen");
}

static void show_callback(struct api_call *call)
{
    struct out *out = &call->answer->out;
    struct params_faults faults = {.count = 0};
    const struct view_model *model;
    uint32_t handle;

    (void)params_none(&call->request->params, &faults);
    if (api_faulty(call, &faults))
        return;
    out_char(out, '{');
    api_data(call);
    out_text(out, ",\"callback\":");
    model = follower_lock(call->api->follower);
    handle = api_find(call, model);
    if (handle != 0)
        render_callback(out, model, handle, &call->viewer, call->now_ms);
    follower_unlock(call->api->follower);
    out_char(out, '}');
    if (handle == 0)
        api_unknown(call);
}

/* --- actions --- */

static bool sees_domain(const struct view_sight *sight, const char *domain)
{
    for (size_t i = 0; !sight->domains_all && i < sight->domain_count; i++) {
        if (strcmp(sight->domains[i], domain) == 0)
            return true;
    }
    return sight->domains_all;
}

static void refuse(struct request_item *item, const char *reason, const char *text)
{
    item->refused = true;
    item->reason = reason;
    item->text = text;
}

/* Each item by itself: who may not see it learns nothing of it, nor is anything sent. */
static void check_items(struct api_call *call, struct params_action *action)
{
    const struct view_model *model = follower_lock(call->api->follower);

    for (size_t i = 0; i < action->count; i++) {
        struct request_item *item = &action->items[i];

        (void)view_id_parse(slice_text(item->id), call->callback);
        call->domain = item->domain;
        call->domain_size = strlen(item->domain);
        if (!sees_domain(&call->viewer.sight, item->domain))
            refuse(item, "FORBIDDEN", "The domain is not among those of the token.");
        else if (api_find(call, model) == 0)
            refuse(item, "CALLBACK_UNKNOWN", "There is no such callback, or it is not to be seen.");
        for (size_t before = 0; before < i && !item->refused; before++) {
            const struct request_item *other = &action->items[before];

            if (strcasecmp(other->id, item->id) == 0 && strcmp(other->domain, item->domain) == 0)
                refuse(item, "REPEATED", "It is named before in the same request.");
        }
    }
    follower_unlock(call->api->follower);
}

/* A queue that the viewer may not see is none to give callbacks to. */
static void check_target(struct api_call *call, struct params_action *action)
{
    const struct view_model *model;

    if (action->ask.queue_id == NULL || call->viewer.sight.queues_all)
        return;
    model = follower_lock(call->api->follower);
    for (size_t i = 0; i < action->count; i++) {
        struct request_item *item = &action->items[i];
        uint32_t domain = model_find_domain(model, slice_text(item->domain));
        uint32_t id = strings_find(&model->strings, slice_text(action->ask.queue_id));
        uint32_t queue = domain == 0 || id == 0 ? 0 : model_find_queue(model, domain, id);

        if (!item->refused &&
            (queue == 0 || !query_may_see(model, &call->viewer.sight, domain, queue)))
            refuse(item, "FORBIDDEN", "Callbacks may not be given to that queue.");
    }
    follower_unlock(call->api->follower);
}

static void render_results(struct out *out, const struct params_action *action)
{
    size_t counts[3] = {0, 0, 0};

    out_text(out, "{\"results\":[");
    for (size_t i = 0; i < action->count; i++) {
        counts[action->items[i].status]++;
        if (i > 0)
            out_char(out, ',');
        requests_render(out, &action->items[i]);
    }
    out_format(out, "],\"done\":%zu,\"refused\":%zu,\"unanswered\":%zu}", counts[REQUEST_DONE],
               counts[REQUEST_REFUSED], counts[REQUEST_UNANSWERED]);
}

static void do_action(struct api_call *call, struct params_action *action)
{
    enum view_permission needed =
        action->ask.edit == MACHINE_EDIT_CANCEL ? VIEW_PERMISSION_CANCEL : VIEW_PERMISSION_EDIT;
    struct err_note note = {.err = ERR_OK};
    char detail[100];

    if (!viewer_may(&call->viewer, needed)) {
        (void)snprintf(detail, sizeof(detail), "%s is needed", view_permission_name(needed));
        api_problem(call->answer, 403, "PERMISSION", detail);
        return;
    }
    action->ask.user = call->viewer.user;
    check_items(call, action);
    check_target(call, action);
    if (requests_ask(call->api->requests, call->api->follower, &action->ask, action->items,
                     action->count, call->api->options->view_answer_wait, &note) != ERR_OK) {
        api_problem(call->answer, 503, "BUS_DOWN", note.text);
        api_header_add(call->answer, "Retry-After", "5");
        return;
    }
    render_results(&call->answer->out, action);
}

static void act(struct api_call *call)
{
    const struct api_request *request = call->request;
    struct params_faults faults = {.count = 0};
    struct params_action action;
    size_t type = request->content_type == NULL ? 0 : strcspn(request->content_type, " ;");

    if (request->too_large) {
        api_problem(call->answer, 413, NULL, "a body has 1 MiB at most");
        return;
    }
    if (type != strlen("application/json") ||
        strncasecmp(request->content_type, "application/json", type) != 0) {
        api_problem(call->answer, 415, NULL, "the body is to be application/json");
        return;
    }
    (void)params_none(&request->params, &faults);
    (void)params_action(request->body, request->body_size, &action, &faults);
    if (!api_faulty(call, &faults))
        do_action(call, &action);
    params_action_deinit(&action);
}

static void show_request(struct api_call *call)
{
    char domain[request_id_bytes], id[request_id_bytes];
    struct params_faults faults = {.count = 0};
    struct request_item item;

    (void)params_none(&call->request->params, &faults);
    if (api_faulty(call, &faults))
        return;
    if (requests_find(call->api->requests, call->rest, call->viewer.user, &item, domain, id))
        requests_render(&call->answer->out, &item);
    else
        api_problem(call->answer, 404, NULL,
                    "no request of yours has this id; they are kept for ten minutes");
}

/* --- the small ones --- */

static bool read_small(struct api_call *call, bool searched, struct params_small *small,
                       struct view_query *query)
{
    struct params_faults faults = {.count = 0};

    (void)params_small(&call->request->params, searched, small, &faults);
    if (api_faulty(call, &faults))
        return false;
    query_init(query);
    query->domains = small->domains;
    query->sight = call->viewer.sight;
    return true;
}

static void show_overview(struct api_call *call)
{
    struct out *out = &call->answer->out;
    const struct view_model *model;
    struct params_small small;
    struct overview overview;
    struct view_query query;

    if (!read_small(call, false, &small, &query))
        return;
    out_char(out, '{');
    api_data(call);
    out_char(out, ',');
    model = follower_lock(call->api->follower);
    overview_init(&overview, model, &query, call->now_ms);
    overview_render(out, &overview, model, &query);
    overview_deinit(&overview);
    follower_unlock(call->api->follower);
    out_char(out, '}');
}

/* A queue or an agent of a list, with what it is sorted by. */
struct named {
    const char *domain, *name;
    uint32_t handle;
};

static int compare_named(const void *left, const void *right)
{
    const struct named *a = left, *b = right;
    int order = strcmp(a->domain, b->domain);

    if (order == 0)
        order = view_compare_small(a->name, b->name);
    return order != 0 ? order : (a->handle > b->handle) - (a->handle < b->handle);
}

static void render_named(struct out *out, const struct named *named, const char *id)
{
    out_text(out, "{\"domain\":");
    out_json(out, named->domain, strlen(named->domain));
    out_text(out, ",\"id\":");
    out_json(out, id, strlen(id));
    out_text(out, ",\"name\":");
    out_json(out, named->name, strlen(named->name));
}

static void list_queues(struct api_call *call)
{
    struct out *out = &call->answer->out;
    const struct view_model *model;
    struct params_small small;
    struct view_query query;
    struct named *items;
    size_t count = 0;

    if (!read_small(call, false, &small, &query))
        return;
    model = follower_lock(call->api->follower);
    items = memory_alloc(model->queue_count * sizeof(*items), "a list of queues");
    for (uint32_t at = 1; at < model->queue_count; at++) {
        const struct view_queue *queue = &model->queues[at];
        const char *domain = model_string(model, model->domains[queue->domain].id);

        if ((queue->there || queue->live > 0) && query_has(&query.domains, domain) &&
            query_may_see(model, &query.sight, queue->domain, at))
            items[count++] = (struct named){domain, model_queue_name(model, at), at};
    }
    qsort(items, count, sizeof(*items), compare_named);
    out_char(out, '[');
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            out_char(out, ',');
        render_named(out, &items[i], model_string(model, model->queues[items[i].handle].id));
        out_format(out, ",\"callbacks\":%u}", model->queues[items[i].handle].live);
    }
    follower_unlock(call->api->follower);
    out_char(out, ']');
    free(items);
}

static bool holds(const char *text, const char *part)
{
    for (; *text != '\0'; text++) {
        size_t at = 0;

        while (part[at] != '\0' && view_small(text[at]) == view_small(part[at]))
            at++;
        if (part[at] == '\0')
            return true;
    }
    return part[0] == '\0';
}

static void list_agents(struct api_call *call)
{
    struct out *out = &call->answer->out;
    const struct view_model *model;
    struct params_small small;
    struct view_query query;
    struct named *items;
    size_t count = 0;

    if (!read_small(call, true, &small, &query))
        return;
    model = follower_lock(call->api->follower);
    items = memory_alloc(model->agent_count * sizeof(*items), "a list of agents");
    for (uint32_t at = 1; at < model->agent_count; at++) {
        const struct view_agent *agent = &model->agents[at];
        const char *domain = model_string(model, model->domains[agent->domain].id);
        const char *id = model_string(model, agent->id);
        const char *name = agent->name != 0 ? model_string(model, agent->name) : id;

        if (!agent->there || agent->removed || !query_has(&query.domains, domain) ||
            !sees_domain(&query.sight, domain))
            continue;
        if (small.q == NULL || holds(id, small.q) || holds(name, small.q))
            items[count++] = (struct named){domain, name, at};
    }
    qsort(items, count, sizeof(*items), compare_named);
    out_char(out, '[');
    for (size_t i = 0; i < count && i < small.limit; i++) {
        if (i > 0)
            out_char(out, ',');
        render_named(out, &items[i], model_string(model, model->agents[items[i].handle].id));
        out_char(out, '}');
    }
    follower_unlock(call->api->follower);
    out_char(out, ']');
    free(items);
}

static void render_texts(struct out *out, const char *const *texts, size_t count)
{
    out_char(out, '[');
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            out_char(out, ',');
        out_json(out, texts[i], strlen(texts[i]));
    }
    out_char(out, ']');
}

/* Domains that a viewer of all may see are those that there are. */
static void render_domains(struct api_call *call)
{
    const struct view_sight *sight = &call->viewer.sight;
    const struct view_model *model;
    const char **names;

    if (!sight->domains_all) {
        render_texts(&call->answer->out, sight->domains, sight->domain_count);
        return;
    }
    model = follower_lock(call->api->follower);
    names = memory_alloc(model->domain_count * sizeof(*names), "domains");
    for (uint32_t at = 1; at < model->domain_count; at++)
        names[at - 1] = model_string(model, model->domains[at].id);
    render_texts(&call->answer->out, names, model->domain_count - 1);
    follower_unlock(call->api->follower);
    free(names);
}

static void show_me(struct api_call *call)
{
    const struct viewer *viewer = &call->viewer;
    struct params_faults faults = {.count = 0};
    struct out *out = &call->answer->out;
    const char *names[VIEW_PERMISSION_COUNT];
    size_t count = 0;

    (void)params_none(&call->request->params, &faults);
    if (api_faulty(call, &faults))
        return;
    for (int i = 0; i < VIEW_PERMISSION_COUNT; i++) {
        if (viewer_may(viewer, (enum view_permission)i))
            names[count++] = view_permission_name((enum view_permission)i);
    }
    out_text(out, "{\"user\":");
    out_json(out, viewer->user, strlen(viewer->user));
    out_text(out, ",\"name\":");
    out_json_or_null(out, viewer->name);
    out_text(out, ",\"domains\":");
    render_domains(call);
    out_text(out, ",\"queues\":");
    if (viewer->sight.queues_all)
        out_text(out, "null");
    else
        render_texts(out, viewer->sight.queues, viewer->sight.queue_count);
    out_text(out, ",\"permissions\":");
    render_texts(out, names, count);
    out_format(out,
               ",\"may\":{\"view\":%s,\"cancel\":%s,\"edit\":%s,\"campaign\":%s},"
               "\"development\":%s,\"expires\":",
               viewer_sees(viewer) ? "true" : "false",
               viewer_may(viewer, VIEW_PERMISSION_CANCEL) ? "true" : "false",
               viewer_may(viewer, VIEW_PERMISSION_EDIT) ? "true" : "false",
               viewer_may(viewer, VIEW_PERMISSION_CAMPAIGNS) ? "true" : "false",
               viewer->development ? "true" : "false");
    out_json_time(out, viewer->expires_ms);
    out_char(out, '}');
}

/* --- which operation --- */

enum path_kind { PATH_EXACT, PATH_CALLBACK, PATH_TIMELINE, PATH_REQUEST };

struct operation {
    const char *method, *route;
    enum path_kind path;
    bool open; /* who may see nothing may ask too: whoever has a good token */
    void (*run)(struct api_call *call);
};

static const struct operation operations[] = {
    {"GET", "/callbacks", PATH_EXACT, false, list_callbacks},
    {"GET", "/callbacks/{domain}/{id}", PATH_CALLBACK, false, show_callback},
    {"GET", "/callbacks/{domain}/{id}/timeline", PATH_TIMELINE, false, api_timeline},
    {"POST", "/actions", PATH_EXACT, false, act},
    {"GET", "/requests/{request_id}", PATH_REQUEST, false, show_request},
    {"GET", "/export", PATH_EXACT, false, api_export},
    {"GET", "/overview", PATH_EXACT, false, show_overview},
    {"GET", "/queues", PATH_EXACT, false, list_queues},
    {"GET", "/agents", PATH_EXACT, false, list_agents},
    {"GET", "/me", PATH_EXACT, true, show_me},
};

/* "/callbacks/DOMAIN/ID" or with "/timeline"; a domain may have slashes. */
static bool callback_path(struct api_call *call, const char *path, bool timeline)
{
    const char *begin = path + strlen("/callbacks/");
    size_t size = strlen(path), tail = timeline ? strlen("/timeline") : 0;
    const char *end, *slash;

    if (strncmp(path, "/callbacks/", strlen("/callbacks/")) != 0)
        return false;
    if (timeline && (size < tail || strcmp(path + size - tail, "/timeline") != 0))
        return false;
    end = path + size - tail;
    if (end <= begin)
        return false;
    slash = memrchr(begin, '/', (size_t)(end - begin));
    if (slash == NULL || slash == begin || slash + 1 == end)
        return false;
    call->domain = begin;
    call->domain_size = (size_t)(slash - begin);
    return view_id_parse(slice_make(slash + 1, (size_t)(end - slash - 1)), call->callback);
}

static bool path_fits(struct api_call *call, const struct operation *operation, const char *path)
{
    size_t size;

    switch (operation->path) {
    case PATH_EXACT: return strcmp(path, operation->route) == 0;
    case PATH_CALLBACK: return callback_path(call, path, false);
    case PATH_TIMELINE: return callback_path(call, path, true);
    case PATH_REQUEST: break;
    }
    size = strlen("/requests/");
    call->rest = path + size;
    return strncmp(path, "/requests/", size) == 0 && params_id(call->rest);
}

static bool method_fits(const char *asked, const char *method)
{
    return strcmp(asked, method) == 0 || (strcmp(asked, "HEAD") == 0 && strcmp(method, "GET") == 0);
}

static const struct operation *find_operation(struct api_call *call, const char *path)
{
    for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
        if (path_fits(call, &operations[i], path))
            return &operations[i];
    }
    return NULL;
}

/* --- who asks --- */

static bool too_many(struct api_call *call, char kind, const char *key)
{
    int64_t wait_ms;

    if (limits_take(&call->api->limits, kind, key, clock_monotonic_ms(), &wait_ms))
        return false;
    api_problem(call->answer, 429, NULL, "too many requests: fewer a second (view.rate)");
    api_header_add(call->answer, "Retry-After", "%" PRId64, (wait_ms + 999) / 1000);
    return true;
}

static bool is_known(struct api_call *call)
{
    char why[auth_why_bytes];
    enum auth_answer answer =
        auth_check(call->api->auth, call->request->authorization, call->now_ms, &call->viewer, why);

    if (answer == AUTH_OK) {
        (void)snprintf(call->answer->user, sizeof(call->answer->user), "%s", call->viewer.user);
        return !too_many(call, 'u',
                         call->viewer.development ? call->request->address : call->viewer.user);
    }
    viewer_init_all(&call->viewer, ""); /* to be deinitialised like any */
    if (too_many(call, 'a', call->request->address))
        return false;
    api_problem(call->answer, 401, NULL, why);
    api_header_add(call->answer, "WWW-Authenticate", "%s",
                   answer == AUTH_NO_TOKEN ? "Bearer realm=\"ringback\""
                                           : "Bearer realm=\"ringback\", error=\"invalid_token\"");
    return false;
}

static void run_operation(struct api_call *call, const struct operation *operation)
{
    if (!is_known(call))
        return;
    if (!operation->open && !viewer_sees(&call->viewer)) {
        api_problem(call->answer, 403, "PERMISSION",
                    "analytics:conversationDetail:view, routing:queue:view and "
                    "ui:supervisorScheduledCallbacks:view are needed");
        return;
    }
    operation->run(call);
}

static void handle_api(struct api *api, const struct api_request *request,
                       struct api_answer *answer)
{
    struct api_call call = {.api = api, .request = request, .answer = answer};
    const char *path = request->path + strlen(API_PREFIX);
    const struct operation *operation;

    call.now_ms = clock_wall_ms();
    operation = find_operation(&call, path);
    if (operation == NULL) {
        api_problem(answer, 404, NULL, "there is nothing here: /api/v1/openapi.yaml says what is");
        return;
    }
    answer->route = operation->route;
    if (!method_fits(request->method, operation->method)) {
        api_problem(answer, 405, NULL, NULL);
        api_header_add(answer, "Allow", "%s",
                       strcmp(operation->method, "GET") == 0 ? "GET, HEAD" : operation->method);
        return;
    }
    if (request->malformed) {
        api_problem(answer, 400, NULL, "the address cannot be read");
        return;
    }
    run_operation(&call, operation);
    viewer_deinit(&call.viewer);
}

/* --- the page, health --- */

/* A file of the folder that --assets names: what is being worked on. */
static void serve_folder(struct api *api, const char *name, struct api_answer *answer)
{
    char path[4096];
    off_t size;

    if (snprintf(path, sizeof(path), "%s/%s", api->assets, name) >= (int)sizeof(path))
        return;
    answer->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    size = answer->fd < 0 ? -1 : lseek(answer->fd, 0, SEEK_END);
    if (size < 0) {
        api_problem(answer, 404, NULL, "there is no such file");
        return;
    }
    answer->size = (uint64_t)size;
    answer->type = assets_type(name);
}

/* Of a file in the program: all of it, or that what the browser kept is still good. */
static void serve_embedded(const struct asset *asset, const char *known, struct api_answer *answer)
{
    char tag[32];

    (void)snprintf(tag, sizeof(tag), "\"%016" PRIx64 "\"", XXH3_64bits(asset->data, asset->size));
    api_header_add(answer, "ETag", "%s", tag);
    answer->type = asset->type;
    answer->kept = true;
    if (known != NULL && strstr(known, tag) != NULL)
        answer->status = 304;
    else
        out_bytes(&answer->out, asset->data, asset->size);
}

static void serve_file(struct api *api, const char *name, const char *known,
                       struct api_answer *answer)
{
    const struct asset *asset = assets_find(name);

    if (assets_type(name) == NULL) {
        api_problem(answer, 404, NULL, "there is nothing here");
    } else if (api->assets != NULL && strcmp(name, "openapi.yaml") != 0) {
        serve_folder(api, name, answer);
    } else if (asset == NULL) {
        api_problem(answer, 404, NULL, "there is nothing here");
    } else {
        serve_embedded(asset, known, answer);
    }
}

static void say_ready(struct api *api, struct api_answer *answer)
{
    struct follower_status status;

    follower_status(api->follower, &status);
    answer->status = status.complete && status.reachable ? 200 : 503;
    out_format(&answer->out, "{\"status\":\"%s\",",
               answer->status != 200      ? "not ready"
               : status.warning_count > 0 ? "degraded"
                                          : "ready");
    render_data(&answer->out, &status);
    out_text(&answer->out, ",\"version\":\"" RINGBACK_VERSION "\"}");
}

static void say_metrics(struct api *api, struct api_answer *answer)
{
    struct metrics *metrics = metrics_of(-1);
    struct follower_status status;
    const struct view_model *model;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    follower_status(api->follower, &status);
    model = follower_lock(api->follower);
    metrics_set(metrics, METRIC_view_callbacks, 0, (int64_t)model->row_count);
    metrics_set(metrics, METRIC_view_memory, 0, (int64_t)model_bytes(model));
    follower_unlock(api->follower);
    metrics_set(metrics, METRIC_view_behind, 0, status.behind_ms < 0 ? 0 : status.behind_ms * 1000);
    answer->type = "text/plain; version=0.0.4; charset=utf-8";
    if (out == NULL || metrics_write(out) != 0 || fclose(out) != 0) {
        answer->status = 500;
        return;
    }
    out_bytes(&answer->out, text, size);
    free(text);
}

static const char *const page_routes[][2] = {
    {"/", "index.html"},
    {"/overview", "overview.html"},
    {API_PREFIX "/openapi.yaml", "openapi.yaml"},
};

/* The rest: for everybody, and nothing of anybody. */
static void handle_rest(struct api *api, const struct api_request *request,
                        struct api_answer *answer)
{
    const char *path = request->path;

    for (size_t i = 0; i < sizeof(page_routes) / sizeof(page_routes[0]); i++) {
        if (strcmp(path, page_routes[i][0]) == 0) {
            answer->route = page_routes[i][0];
            serve_file(api, page_routes[i][1], request->if_none_match, answer);
            return;
        }
    }
    if (strncmp(path, "/assets/", strlen("/assets/")) == 0) {
        answer->route = "/assets/{name}";
        serve_file(api, path + strlen("/assets/"), request->if_none_match, answer);
    } else if (strcmp(path, "/livez") == 0) {
        answer->route = "/livez";
        out_text(&answer->out, "{\"status\":\"live\",\"version\":\"" RINGBACK_VERSION "\"}");
    } else if (strcmp(path, "/readyz") == 0) {
        answer->route = "/readyz";
        say_ready(api, answer);
    } else if (strcmp(path, "/metrics") == 0) {
        answer->route = "/metrics";
        say_metrics(api, answer);
    } else {
        api_problem(answer, 404, NULL, "there is nothing here");
    }
}

/* Without tokens any page that the same browser has open could ask: only our own may (DNS
 * rebinding and foreign origins). */
static bool is_foreign(const struct api_request *request)
{
    static const char *const hosts[] = {"127.0.0.1", "localhost", "[::1]"};
    const char *host = request->host == NULL ? "" : request->host;
    bool ours = false;

    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        size_t size = strlen(hosts[i]);

        ours = ours || (strncasecmp(host, hosts[i], size) == 0 &&
                        (host[size] == '\0' || host[size] == ':'));
    }
    if (!ours)
        return true;
    if (request->fetch_site != NULL && strcmp(request->fetch_site, "same-origin") != 0 &&
        strcmp(request->fetch_site, "none") != 0)
        return true;
    return request->origin != NULL && (strncmp(request->origin, "http://", 7) != 0 ||
                                       strcasecmp(request->origin + 7, host) != 0);
}

void api_handle(struct api *api, const struct api_request *request, struct api_answer *answer)
{
    bool get = method_fits(request->method, "GET");
    size_t size = strlen(API_PREFIX);

    api_answer_init(answer);
    if (api->options->view_development && is_foreign(request)) {
        api_problem(answer, 403, "FOREIGN",
                    "in development mode only requests of this machine and this page are answered");
        return;
    }
    if (strncmp(request->path, API_PREFIX "/", size + 1) == 0 &&
        strcmp(request->path, API_PREFIX "/openapi.yaml") != 0) {
        handle_api(api, request, answer);
        return;
    }
    if (get) {
        handle_rest(api, request, answer);
        return;
    }
    api_problem(answer, 405, NULL, NULL);
    api_header_add(answer, "Allow", "GET, HEAD");
}
