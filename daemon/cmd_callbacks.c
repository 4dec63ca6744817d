/* ringback callbacks: what the Scheduled Callbacks view does (rules, chapter 9), on a command line.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "daemon/args.h"
#include "view/exports.h"
#include "view/params.h"
#include "view/render.h"
#include "view/requests.h"
#include "view/timeline.h"

enum { filters_count = 17, look_ms = 20, reach_ms = 30000, items_max = 10000 };

/* Flags that are parameters of the API; lists are comma-separated. */
struct filter {
    const char *name;
    bool list;
    const char *value;
};

struct flags {
    struct filter filters[filters_count];
    int64_t limit;
    const char *output;
    const char *user, *request_key, *due, *local, *zone, *to_queue, *to_agent;
};

struct session {
    struct command_context *context;
    const struct options *options;
    struct flags *flags;
    struct requests *requests;
    struct follower *follower;
    struct viewer viewer;
    const struct args *args;
};

/* --- filters --- */

static void add_param(struct params *params, struct arena *arena, const char *name,
                      const char *value, size_t size)
{
    struct param *param = &params->items[params->count];

    if (params->count == params_max)
        return;
    params->count++;
    param->name = name;
    param->name_size = strlen(name);
    param->value = arena_text(arena, slice_make(value, size));
    param->value_size = size;
}

static void add_filter(struct params *params, struct arena *arena, const struct filter *filter)
{
    const char *at = filter->value;
    char *name = arena_text(arena, slice_text(filter->name));

    for (char *dash = name; (dash = strchr(dash, '-')) != NULL;)
        *dash = '_';
    if (!filter->list) {
        add_param(params, arena, name, at, strlen(at));
        return;
    }
    for (;;) {
        size_t size = strcspn(at, ",");

        add_param(params, arena, name, at, size);
        if (at[size] == '\0')
            return;
        at += size + 1;
    }
}

/* Texts are in the viewer's arena. */
static enum err read_filters(struct session *session, unsigned more, struct params_list *list,
                             struct err_note *note)
{
    struct params *params = memory_zalloc(sizeof(*params), "filters");
    struct params_faults faults = {.count = 0};
    enum err err = ERR_OK;

    for (size_t i = 0; i < filters_count; i++) {
        if (session->flags->filters[i].value != NULL)
            add_filter(params, &session->viewer.arena, &session->flags->filters[i]);
    }
    if (!params_list(params, more, list, &faults))
        err = FAIL(note, ERR_USAGE, "filters are wrong: %s", out_end(&faults.out));
    out_deinit(&faults.out);
    free(params);
    list->query.sight = session->viewer.sight;
    return err;
}

/* --- the model --- */

static enum err wait_complete(struct session *session, struct err_note *note)
{
    int64_t until_ms = clock_monotonic_ms() + reach_ms;
    struct follower_status status;

    for (;;) {
        struct err_note trouble = {.err = ERR_OK};

        follower_status(session->follower, &status);
        if (status.complete && (session->requests == NULL || follower_hears(session->follower)))
            break;
        if (command_stopped())
            return ERR_CANCELLED;
        if (follower_trouble(session->follower, &trouble) == ERR_BUS_REFUSED ||
            (!status.reachable && clock_monotonic_ms() > until_ms)) {
            *note = trouble;
            return note->err != ERR_OK ? note->err
                                       : FAIL(note, ERR_BUS_DOWN, "Kafka cannot be reached");
        }
        if (session->context->err_terminal)
            fprintf(session->context->err, "\rreading topic state: %.0f %% ",
                    status.loaded_percent);
        (void)poll(NULL, 0, look_ms);
    }
    if (session->context->err_terminal)
        fprintf(session->context->err, "\r                               \r");
    for (size_t i = 0; i < status.warning_count; i++)
        fprintf(session->context->err, "warning: %s\n", status.warnings[i]);
    return ERR_OK;
}

/* --- list --- */

static const char *local_text(int64_t ms, char text[40])
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm parts;

    if (ms == 0 || ms == INT64_MAX || localtime_r(&seconds, &parts) == NULL ||
        strftime(text, 40, "%Y-%m-%d %H:%M %z", &parts) == 0)
        (void)snprintf(text, 40, "-");
    return text;
}

static const char *or_dash(const char *text)
{
    return text[0] == '\0' ? "-" : text;
}

/* Texts of others may have bytes that a terminal obeys. */
static void print_text(FILE *out, const char *text, int width)
{
    int printed = 0;

    for (text = or_dash(text); *text != '\0'; text++) {
        fputc((unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text, out);
        printed += ((unsigned char)*text & 0xc0) != 0x80;
    }
    for (; printed < width; printed++)
        fputc(' ', out);
    fputc(' ', out);
}

static void print_row(FILE *out, const struct view_model *model, uint32_t handle)
{
    const struct view_row *row = model_row(model, handle);
    const char *texts[VIEW_TEXT_COUNT];
    char id[view_id_size], due[40];

    model_texts(model, handle, texts);
    fprintf(out, "%s ", view_id_text(model_rest(model, handle)->id, id));
    print_text(out, model_string(model, model->domains[row->domain].id), 10);
    fprintf(out, "%-9s %-10s %-22s ", render_kind_name(row->kind), render_state_name(row->state),
            local_text(row->due_ms, due));
    print_text(out, model_queue_name(model, row->queue), 12);
    print_text(out, texts[VIEW_TEXT_NUMBER], 16);
    print_text(out, texts[texts[VIEW_TEXT_CALLEE][0] != '\0' ? VIEW_TEXT_CALLEE : VIEW_TEXT_NAME],
               20);
    fprintf(out, "%s\n", or_dash(model_string(model, row->owner)));
}

static void print_page(struct session *session, const struct view_model *model,
                       const struct query_page *page, size_t already)
{
    FILE *file = session->context->out;

    for (size_t i = 0; i < page->count; i++) {
        struct out out = {.data = NULL};

        if (!session->context->json) {
            print_row(file, model, page->handles[i]);
            continue;
        }
        render_callback(&out, model, page->handles[i], &session->viewer, clock_wall_ms());
        fprintf(file, "%s\n  %s", already + i == 0 ? "" : ",", out_end(&out));
        out_deinit(&out);
    }
}

static enum err list(struct session *session, struct err_note *note)
{
    struct query_anchor anchor = {.given = false};
    FILE *file = session->context->out;
    size_t left = (size_t)session->flags->limit, done = 0;
    struct params_list list;
    struct query_page page;

    TRY(read_filters(session, PARAMS_PAGE, &list, note));
    TRY(wait_complete(session, note));
    session->context->json_printed = true;
    if (session->context->json)
        fprintf(file, "{\"items\": [");
    else
        fprintf(file, "%-36s %-10s %-9s %-10s %-22s %-12s %-16s %-20s %s\n", "ID", "DOMAIN", "KIND",
                "STATE", "DUE", "QUEUE", "NUMBER", "NAME", "OWNER");
    do {
        const struct view_model *model = follower_lock(session->follower);

        query_page(model, &list.query, &anchor, left < query_page_max ? left : query_page_max,
                   &page);
        print_page(session, model, &page, done);
        if (page.count > 0)
            query_anchor_of(model, &list.query, page.handles[page.count - 1], false, &anchor);
        follower_unlock(session->follower);
        done += page.count;
        left -= page.count;
    } while (page.more && left > 0 && page.count > 0);
    if (session->context->json)
        fprintf(file, "\n], \"total\": %zu}\n", page.total);
    else
        fprintf(file, "%zu of %zu callbacks%s\n", done, page.total,
                done < page.total ? "; more with --limit" : "");
    return ERR_OK;
}

/* --- items --- */

/* DOMAIN/ID; a domain may have slashes. */
static enum err read_item(const struct session *session, const char *text,
                          struct request_item *item, struct err_note *note)
{
    const char *slash = strrchr(text, '/');
    uint8_t id[16];

    if (slash == NULL || slash == text || !view_id_parse(slice_text(slash + 1), id))
        return FAIL(note, ERR_USAGE,
                    "\"%s\": a callback is named DOMAIN/ID, as `list` prints domain and id", text);
    item->domain = arena_text((struct arena *)(uintptr_t)&session->viewer.arena,
                              slice_make(text, (size_t)(slash - text)));
    item->id = slash + 1;
    return params_id(item->domain) ? ERR_OK
                                   : FAIL(note, ERR_USAGE, "\"%s\" is no domain", item->domain);
}

static void print_timeline(struct session *session, const struct timeline *timeline)
{
    FILE *file = session->context->out;
    char time[clock_text_size];

    for (size_t i = 0; i < timeline->count; i++) {
        const struct timeline_event *event = &timeline->events[i];

        fprintf(file, "  %s  %-13s", clock_format(event->time_ms, time), event->what);
        if (event->duration_ms >= 0)
            fprintf(file, " %.1f s", (double)event->duration_ms / 1000);
        if (event->agent[0] != '\0')
            fprintf(file, "  agent %s", event->agent);
        if (event->reason[0] != '\0')
            fprintf(file, "  %s", event->reason);
        if (event->detail[0] != '\0')
            fprintf(file, "  (%s)", event->detail);
        fputc('\n', file);
    }
    if (timeline->note != NULL)
        fprintf(file, "  %s\n", timeline->note);
}

static enum err show_one(struct session *session, struct timelines *timelines,
                         const struct request_item *item, struct err_note *note)
{
    int32_t partitions = follower_partitions(session->follower, TOPIC_ANALYTICS);
    FILE *file = session->context->out;
    struct out out = {.data = NULL};
    struct timeline_subject subject;
    struct timeline timeline;
    const struct view_model *model;
    uint32_t handle;
    uint8_t id[16];
    enum err err;

    (void)view_id_parse(slice_text(item->id), id);
    model = follower_lock(session->follower);
    handle = model_find(model, slice_text(item->domain), id);
    if (handle != 0) {
        render_callback(&out, model, handle, &session->viewer, clock_wall_ms());
        timeline_subject_of(model, handle, partitions, &subject);
    }
    follower_unlock(session->follower);
    if (handle == 0)
        return FAIL(note, ERR_REFUSED, "there is no callback %s in %s", item->id, item->domain);
    timeline_init(&timeline);
    err = timelines_read(timelines, &subject, &timeline, note);
    if (err == ERR_OK && session->context->json) {
        timeline_render(&out, &timeline);
        fprintf(file, "{\"callback\": %s}\n", out_end(&out));
    } else if (err == ERR_OK) {
        fprintf(file, "%s\n", out_end(&out));
        print_timeline(session, &timeline);
    }
    timeline_deinit(&timeline);
    out_deinit(&out);
    return err;
}

static enum err show(struct session *session, struct err_note *note)
{
    struct timelines *timelines;
    enum err err = ERR_OK;

    TRY(wait_complete(session, note));
    timelines = timelines_create(session->options);
    for (int i = 0; err == ERR_OK && i < session->args->count; i++) {
        struct request_item item = {.refused = false};

        err = read_item(session, session->args->values[i], &item, note);
        if (err == ERR_OK)
            err = show_one(session, timelines, &item, note);
    }
    timelines_destroy(timelines);
    return err;
}

/* --- actions --- */

static enum err read_ask(const struct flags *flags, enum machine_edit edit, struct request_ask *ask,
                         struct err_note *note)
{
    bool moves = edit == MACHINE_EDIT_RESCHEDULE, gives = edit == MACHINE_EDIT_REASSIGN;

    *ask = (struct request_ask){.edit = edit, .user = flags->user};
    ask->request_key = flags->request_key;
    ask->queue_id = flags->to_queue;
    ask->owner_agent_id = flags->to_agent;
    ask->local_zone = flags->zone;
    if (flags->user == NULL || flags->user[0] == '\0' || strlen(flags->user) > 128)
        return FAIL(note, ERR_USAGE, "--user: who asks? 1 to 128 bytes; it stands in the command");
    if (moves != (flags->due != NULL || flags->local != NULL) ||
        (flags->due != NULL && flags->local != NULL))
        return FAIL(note, ERR_USAGE,
                    "reschedule, and it alone, takes --due or --local with --zone");
    if ((flags->local != NULL) != (flags->zone != NULL))
        return FAIL(note, ERR_USAGE, "--local and --zone go together");
    if (gives != (flags->to_queue != NULL || flags->to_agent != NULL))
        return FAIL(note, ERR_USAGE, "reassign, and it alone, takes --to-queue or --to-agent");
    if (flags->due != NULL && clock_parse(flags->due, &ask->due_ms, note) != ERR_OK)
        return err_prefix(note, "--due: ");
    if (flags->local != NULL && !params_local_time(flags->local, &ask->local_ms))
        return FAIL(note, ERR_USAGE, "--local: a time is wanted as 2026-11-30T09:00");
    return ERR_OK;
}

static void print_item(struct session *session, const struct request_item *item, bool first)
{
    FILE *file = session->context->out;
    struct out out = {.data = NULL};

    if (!session->context->json) {
        fprintf(file, "%s/%s  %s", item->domain, item->id, requests_status_name(item->status));
        if (item->reason != NULL)
            fprintf(file, "  %s", item->reason);
        if (item->text != NULL)
            fprintf(file, "  %s", item->text);
        if (item->status == REQUEST_UNANSWERED)
            fprintf(file, "  request %s", item->request_id);
        fputc('\n', file);
        return;
    }
    requests_render(&out, item);
    fprintf(file, "%s\n  %s", first ? "" : ",", out_end(&out));
    out_deinit(&out);
}

static enum err ask_all(struct session *session, const struct request_ask *ask,
                        struct request_item *items, size_t count, struct err_note *note)
{
    size_t failed = 0;

    session->context->json_printed = true;
    if (session->context->json)
        fputc('[', session->context->out);
    for (size_t at = 0; at < count; at += request_items_max) {
        size_t some = count - at < request_items_max ? count - at : request_items_max;

        TRY(requests_ask(session->requests, session->follower, ask, items + at, some,
                         session->options->view_answer_wait, note));
        for (size_t i = at; i < at + some; i++) {
            print_item(session, &items[i], i == 0);
            failed += items[i].status != REQUEST_DONE;
        }
    }
    if (session->context->json)
        fputs("\n]\n", session->context->out);
    if (failed == 0)
        return ERR_OK;
    return FAIL(note, ERR_REFUSED, "%zu of %zu were refused or not answered", failed, count);
}

static enum err act(struct session *session, enum machine_edit edit, struct err_note *note)
{
    size_t count = (size_t)session->args->count;
    struct request_item *items;
    struct request_ask ask;
    enum err err = ERR_OK;

    TRY(read_ask(session->flags, edit, &ask, note));
    items = memory_zalloc(count * sizeof(*items), "items of an action");
    for (size_t i = 0; err == ERR_OK && i < count; i++)
        err = read_item(session, session->args->values[i], &items[i], note);
    if (err == ERR_OK)
        err = wait_complete(session, note);
    if (err == ERR_OK)
        err = ask_all(session, &ask, items, count, note);
    free(items);
    return err;
}

/* --- export --- */

static enum err copy_file(int fd, FILE *file, const char *name, struct err_note *note)
{
    char bytes[65536];
    ssize_t size;

    while ((size = read(fd, bytes, sizeof(bytes))) > 0) {
        if (fwrite(bytes, 1, (size_t)size, file) != (size_t)size)
            return FAIL(note, ERR_IO, "%s cannot be written: %s", name, strerror(errno));
    }
    return size == 0 ? ERR_OK
                     : FAIL(note, ERR_IO, "the export cannot be read: %s", strerror(errno));
}

/* A file appears under its name when it is whole. */
static enum err write_output(int fd, const char *path, struct err_note *note)
{
    char partial[4096];
    FILE *file;
    enum err err;

    if (snprintf(partial, sizeof(partial), "%s.partial", path) >= (int)sizeof(partial))
        return FAIL(note, ERR_USAGE, "--output: the name is too long");
    file = fopen(partial, "w");
    if (file == NULL)
        return FAIL(note, ERR_IO, "--output: %s cannot be made: %s", partial, strerror(errno));
    err = copy_file(fd, file, partial, note);
    if (fclose(file) != 0 && err == ERR_OK)
        err = FAIL(note, ERR_IO, "%s cannot be written: %s", partial, strerror(errno));
    if (err == ERR_OK && rename(partial, path) != 0)
        err = FAIL(note, ERR_IO, "%s cannot be renamed: %s", partial, strerror(errno));
    if (err != ERR_OK)
        (void)unlink(partial);
    return err;
}

static enum err export(struct session *session, struct err_note *note) {
    struct exports_counts counts; struct params_list list; struct exports_plan plan;
    const char *path = session->flags->output;
    uint64_t size;
    enum err err;
    int fd;

    TRY(read_filters(session, PARAMS_FORMAT, &list, note));
    TRY(wait_complete(session, note));
    plan =
        (struct exports_plan){
            .follower = session->follower,
            .query = &list.query,
            .viewer = &session->viewer,
            .now_ms = clock_wall_ms(),
            .recent_max = (uint64_t)session->options->view_export_recent_max,
            .older_max = (uint64_t)session->options->view_export_older_max,
            .json = list.json,
        };
    TRY(exports_make(&plan, &fd, &size, &counts, note));
    if (path == NULL) err = copy_file(fd, session->context->out, "standard output", note);
    else err = write_output(fd, path, note);
    (void)close(fd);
    if (err == ERR_OK) fprintf(session->context->err, "%" PRIu64 " callbacks\n", counts.rows);
    return err;
}

/* --- the command --- */

enum task {
    TASK_CANCEL = MACHINE_EDIT_CANCEL,
    TASK_RESCHEDULE = MACHINE_EDIT_RESCHEDULE,
    TASK_REASSIGN = MACHINE_EDIT_REASSIGN,
    TASK_LIST,
    TASK_SHOW,
    TASK_EXPORT
};

#define ITEMS .positional = "DOMAIN/ID...", .positional_min = 1, .positional_max = items_max

static const struct arg_task tasks[] = {
    [TASK_CANCEL] = {.name = "cancel", .help = "Cancel one or many", ITEMS, .json = ARGS_JSON},
    [TASK_RESCHEDULE] = {.name = "reschedule",
                         .help = "Move them to --due, or to --local time in --zone",
                         ITEMS,
                         .json = ARGS_JSON},
    [TASK_REASSIGN] = {.name = "reassign",
                       .help = "Give them to another queue, or if owned to another agent",
                       ITEMS,
                       .json = ARGS_JSON},
    [TASK_LIST] = {.name = "list",
                   .help = "Scheduled ones that live, those of agents and campaigns",
                   .json = ARGS_JSON},
    [TASK_SHOW] = {.name = "show",
                   .help = "Some, with their time lines",
                   ITEMS,
                   .json = ARGS_JSON_LINES},
    [TASK_EXPORT] = {.name = "export",
                     .help =
                         "All of the filters as CSV or JSON lines, within the limits of rule 9.5"},
    {.name = NULL},
};

#undef ITEMS

static const struct arg_exit exits[] = {
    {3, "an item is not there, was refused or not answered"},
    {0, NULL},
};

static const struct arg_example examples[] = {
    {"callbacks list --queue sales --due-to 2026-12-01T00:00:00Z", "What is due in one queue."},
    {"callbacks cancel acme/cb-1 acme/cb-2 --user anna", "Two of them, in somebody's name."},
    {NULL, NULL},
};

static enum err do_task(struct session *session, int task, struct err_note *note)
{
    switch ((enum task)task) {
    case TASK_LIST: return list(session, note);
    case TASK_SHOW: return show(session, note);
    case TASK_EXPORT: return export(session, note);
    case TASK_CANCEL:
    case TASK_RESCHEDULE:
    case TASK_REASSIGN: return act(session, (enum machine_edit)task, note);
    }
    return ERR_OK;
}

static enum err run(struct command_context *context, const struct options *options,
                    struct flags *flags, const struct args *args, int task, struct err_note *note)
{
    struct session session = {context, options, flags, NULL, NULL, {0}, args};
    struct follower_options follower = {options, NULL, NULL};
    enum err err = ERR_OK;

    viewer_init_all(&session.viewer, "");
    if (task < TASK_LIST) {
        err = requests_create(options, &session.requests, note);
        follower.on_result = requests_on_result;
        follower.context = session.requests;
    }
    if (err == ERR_OK)
        err = follower_start(&follower, &session.follower, note);
    if (err == ERR_OK)
        err = do_task(&session, task, note);
    follower_stop(session.follower);
    requests_destroy(session.requests);
    viewer_deinit(&session.viewer);
    return err;
}

static const char help[] =
    "What is shown is read from topic state anew each time: for many questions there is\n"
    "`ringback view`. Lists are comma-separated, times are RFC 3339.\n";

#define FILTER(index, name, shown, help_) ARGS_TEXT(name, shown, &flags.filters[index].value, help_)

enum err cmd_callbacks(struct command_context *context, int argc, char **argv,
                       struct err_note *note)
{
    static struct options options;
    static struct flags flags;
    const struct arg_flag table[] = {
        ARGS_OF("list|export"),
        FILTER(0, "domain", "LIST", "only of these domains"),
        FILTER(1, "queue", "LIST", "only of these queues"),
        FILTER(2, "state", "LIST", "only in these states: scheduled,waiting,offered,..."),
        FILTER(3, "kind", "LIST", "scheduled, campaign, in_queue, voicemail or any"),
        FILTER(4, "owner", "LIST", "only owned by these agents; - is not owned, * by anybody"),
        FILTER(5, "scheduled-by", "LIST", "only scheduled by these agents"),
        FILTER(6, "campaign", "LIST", "only of these campaigns"),
        FILTER(7, "agent", "LIST", "only with these agents, or offered to them"),
        FILTER(8, "number", "DIGITS", "part of the number"),
        FILTER(9, "q", "TEXT", "part of name or number, or an id"),
        FILTER(10, "due-from", "TIME", "due then or later"),
        FILTER(11, "due-to", "TIME", "due before then"),
        FILTER(12, "created-from", "TIME", "created then or later"),
        FILTER(13, "created-to", "TIME", "created before then"),
        FILTER(14, "ended", "no|yes|any", "those that ended too, or alone"),
        FILTER(15, "sort", "ORDER", "of list: due, -due, created, updated, queue, name, ..."),
        FILTER(16, "format", "csv|jsonl", "of export: csv unless given"),
        ARGS_OF("list"),
        ARGS_INT("limit", "N", &flags.limit, 1, 1000000, "at most so many"),
        ARGS_OF("export"),
        ARGS_FILE("output", "FILE", &flags.output, "to this file, when it is whole"),
        ARGS_OF("cancel|reschedule|reassign"),
        ARGS_TEXT("user", "ID", &flags.user, "who asks; needed"),
        ARGS_TEXT("request-key", "KEY", &flags.request_key,
                  "the same key again changes nothing and answers alike"),
        ARGS_OF("reschedule"),
        ARGS_TEXT("due", "TIME", &flags.due, "to then"),
        ARGS_TEXT("local", "TIME", &flags.local, "to 2026-11-30T09:00 of --zone"),
        ARGS_TEXT("zone", "ZONE", &flags.zone, "of --local: Europe/Berlin"),
        ARGS_OF("reassign"),
        ARGS_TEXT("to-queue", "ID", &flags.to_queue, "to this queue"),
        ARGS_TEXT("to-agent", "ID", &flags.to_agent, "to this agent, if owned"),
        ARGS_END,
    };
    const struct args_spec spec = {
        .text = help,
        .flags = table,
        .tasks = tasks,
        .exits = exits,
        .examples = examples,
        .options = true,
    };
    struct args args;
    enum err err;

    flags = (struct flags){.limit = 50};
    TRY(args_parse(&spec, context, argc, argv, &args, note));
    for (int i = 0; i < filters_count; i++) {
        flags.filters[i].name = table[i + 1].name; /* behind ARGS_OF */
        flags.filters[i].list = i < 8;
    }
    command_option_first(context, "log.level", "error");
    err = options_load(&options, context, note);
    if (err == ERR_OK) {
        options_log(&options);
        command_catch_signals();
        err = run(context, &options, &flags, &args, args.task, note);
    }
    options_deinit(&options);
    return err;
}
