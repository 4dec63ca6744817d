/* Operations of the API that take longer: export and time line. */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "view/api_parts.h"
#include "view/exports.h"
#include "view/render.h"
#include "view/timeline.h"

/* --- export --- */

static void say_over(struct api_call *call, const struct exports_counts *counts, const char *text)
{
    struct out *out = &call->answer->out;

    api_problem(call->answer, 422, "TOO_MANY", text);
    out->size--; /* more members come */
    out_format(out, ",\"recent\":%" PRIu64 ",\"older\":%" PRIu64 "}", counts->recent,
               counts->older);
}

static void export_list(struct api_call *call, const struct params_list *list)
{
    const struct options *options = call->api->options;
    const struct exports_plan plan = {
        .follower = call->api->follower,
        .query = &list->query,
        .viewer = &call->viewer,
        .now_ms = call->now_ms,
        .recent_max = (uint64_t)options->view_export_recent_max,
        .older_max = (uint64_t)options->view_export_older_max,
        .json = list->json,
    };
    struct api_answer *answer = call->answer;
    struct err_note note = {.err = ERR_OK};
    struct exports_counts counts;
    char now[clock_text_size];
    enum err err = exports_make(&plan, &answer->fd, &answer->size, &counts, &note);

    if (err == ERR_TOO_MANY) {
        say_over(call, &counts, note.text);
    } else if (err != ERR_OK) {
        api_problem(answer, 503, "NO_ROOM", note.text);
        api_header_add(answer, "Retry-After", "60");
    } else {
        answer->type = list->json ? "application/jsonl" : "text/csv; charset=utf-8";
        api_header_add(answer, "Content-Disposition", "attachment; filename=\"callbacks-%.10s.%s\"",
                       clock_format(call->now_ms, now), list->json ? "jsonl" : "csv");
    }
}

void api_export(struct api_call *call)
{
    struct follower_status status;
    struct params_list list;

    if (!api_read_list(call, PARAMS_FORMAT, &list))
        return;
    follower_status(call->api->follower, &status);
    if (!status.complete) {
        api_problem(call->answer, 503, "LOADING",
                    "topic state is still being read: a file would lack some");
        api_header_add(call->answer, "Retry-After", "5");
        return;
    }
    if (atomic_fetch_add(&call->api->exports, 1) < api_exports_max) {
        export_list(call, &list);
    } else {
        api_problem(call->answer, 503, "BUSY", "other exports are being made: try again");
        api_header_add(call->answer, "Retry-After", "5");
    }
    atomic_fetch_sub(&call->api->exports, 1);
}

/* --- time line --- */

void api_timeline(struct api_call *call)
{
    int32_t partitions = follower_partitions(call->api->follower, TOPIC_ANALYTICS);
    struct params_faults faults = {.count = 0};
    struct err_note note = {.err = ERR_OK};
    struct out *out = &call->answer->out;
    struct timeline_subject subject;
    const struct view_model *model;
    struct timeline timeline;
    uint32_t handle;

    (void)params_none(&call->request->params, &faults);
    if (api_faulty(call, &faults))
        return;
    out_char(out, '{');
    api_data(call);
    out_text(out, ",\"callback\":");
    model = follower_lock(call->api->follower);
    handle = api_find(call, model);
    if (handle != 0) {
        render_callback(out, model, handle, &call->viewer, call->now_ms);
        timeline_subject_of(model, handle, partitions, &subject);
    }
    follower_unlock(call->api->follower);
    if (handle == 0) {
        api_unknown(call);
        return;
    }
    timeline_init(&timeline);
    if (timelines_read(call->api->timelines, &subject, &timeline, &note) == ERR_OK) {
        timeline_render(out, &timeline);
        out_char(out, '}');
    } else {
        api_problem(call->answer, 503, note.err == ERR_TOO_MANY ? "BUSY" : "BUS_DOWN", note.text);
        api_header_add(call->answer, "Retry-After", "5");
    }
    timeline_deinit(&timeline);
}
