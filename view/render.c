#include "view/render.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "state/machine.h"
#include "state/reasons.h"

/* By their numbers in the contract: names without prefix, small. */
static const char *const state_names[] = {
    "unspecified", "scheduled", "waiting", "delayed", "snoozed", "offered",
    "with_agent",  "dialling",  "talking", "wrap_up", "ended",
};
static const char *const kind_names[] = {"unspecified", "in_queue", "scheduled", "campaign",
                                         "voicemail"};

enum {
    state_count = sizeof(state_names) / sizeof(state_names[0]),
    kind_count = sizeof(kind_names) / sizeof(kind_names[0])
};

_Static_assert((int)state_count == RINGBACK__V1__CALLBACK_STATE__CALLBACK_STATE_ENDED + 1,
               "a name a state");
_Static_assert((int)kind_count == RINGBACK__V1__CALLBACK_KIND__CALLBACK_KIND_VOICEMAIL + 1,
               "a name a kind");

const char *render_state_name(int state)
{
    return state >= 0 && state < state_count ? state_names[state] : state_names[0];
}

const char *render_kind_name(int kind)
{
    return kind >= 0 && kind < kind_count ? kind_names[kind] : kind_names[0];
}

static int find(const char *const *names, int count, const char *name)
{
    for (int i = 1; i < count; i++) {
        if (strcmp(names[i], name) == 0)
            return i;
    }
    return 0;
}

int render_state_find(const char *name)
{
    return find(state_names, state_count, name);
}

int render_kind_find(const char *name)
{
    return find(kind_names, kind_count, name);
}

const char *render_local_time(int64_t local_ms, char text[24])
{
    char full[clock_text_size];

    (void)clock_format(local_ms, full);
    (void)snprintf(text, 24, "%.16s", full);
    return text;
}

unsigned render_allowed(const struct view_model *model, uint32_t handle,
                        const struct viewer *viewer, int64_t now_ms)
{
    static const enum view_permission needed[MACHINE_EDIT_COUNT] = {
        [MACHINE_EDIT_CANCEL] = VIEW_PERMISSION_CANCEL,
        [MACHINE_EDIT_RESCHEDULE] = VIEW_PERMISSION_EDIT,
        [MACHINE_EDIT_REASSIGN] = VIEW_PERMISSION_EDIT,
    };
    const struct view_row *row = model_row(model, handle);
    bool owned = model_owned(model, handle);
    unsigned allowed = 0;

    for (int i = 0; i < MACHINE_EDIT_COUNT; i++) {
        if (viewer_may(viewer, needed[i]) &&
            machine_edit_refusal((enum machine_edit)i, (Ringback__V1__CallbackState)row->state,
                                 owned, row->due_ms == INT64_MAX ? 0 : row->due_ms,
                                 now_ms) == RINGBACK__V1__REASON__REASON_UNSPECIFIED)
            allowed |= 1u << i;
    }
    return allowed;
}

/* --- JSON --- */

static void name_field(struct out *out, const char *name)
{
    out_text(out, ",\"");
    out_text(out, name);
    out_text(out, "\":");
}

static void text_field(struct out *out, const char *name, const char *text)
{
    name_field(out, name);
    out_json_or_null(out, text);
}

static void time_field(struct out *out, const char *name, int64_t ms)
{
    name_field(out, name);
    out_json_time(out, ms == INT64_MAX ? 0 : ms);
}

static void int_field(struct out *out, const char *name, int64_t value)
{
    name_field(out, name);
    out_int(out, value);
}

static void string_field(struct out *out, const struct view_model *model, const char *name,
                         uint32_t string)
{
    text_field(out, name, model_string(model, string));
}

static void due_fields(struct out *out, const struct view_model *model, uint32_t handle)
{
    const struct view_rest *rest = model_rest(model, handle);
    char text[24];

    time_field(out, "due", model_row(model, handle)->due_ms);
    if (rest->zone == 0) {
        out_text(out, ",\"local_due\":null");
        return;
    }
    out_format(out, ",\"local_due\":{\"time\":\"%s\"", render_local_time(rest->local_ms, text));
    string_field(out, model, "zone", rest->zone);
    out_char(out, '}');
}

static void place_fields(struct out *out, const struct view_model *model, uint32_t handle,
                         const char *const texts[VIEW_TEXT_COUNT])
{
    const struct view_row *row = model_row(model, handle);
    const char *id = model_string(model, model->queues[row->queue].id);
    const char *name = model_queue_name(model, row->queue);

    out_text(out, ",\"queue\":{\"id\":");
    out_json(out, id, strlen(id));
    out_text(out, ",\"name\":");
    out_json(out, name, strlen(name));
    out_text(out, "},\"customer\":{\"name\":");
    out_json_or_null(out, texts[VIEW_TEXT_NAME]);
    text_field(out, "callee_name", texts[VIEW_TEXT_CALLEE]);
    text_field(out, "number", texts[VIEW_TEXT_NUMBER]);
    out_char(out, '}');
}

static void campaign_field(struct out *out, const struct view_model *model, uint32_t handle,
                           const struct viewer *viewer, const char *contact)
{
    const char *id = model_string(model, model_row(model, handle)->campaign);

    if (id[0] == '\0' || !viewer_may(viewer, VIEW_PERMISSION_CAMPAIGNS)) {
        out_text(out, ",\"campaign\":null");
        return;
    }
    out_text(out, ",\"campaign\":{\"id\":");
    out_json(out, id, strlen(id));
    text_field(out, "contact_id", contact);
    out_char(out, '}');
}

static void end_field(struct out *out, const struct view_model *model, uint32_t handle)
{
    const struct view_row *row = model_row(model, handle);

    if (row->state != RINGBACK__V1__CALLBACK_STATE__CALLBACK_STATE_ENDED) {
        out_text(out, ",\"end\":null");
        return;
    }
    out_format(out, ",\"end\":{\"reason\":\"%s\"",
               row->reason == 0 ? "UNSPECIFIED" : reason_name((Ringback__V1__Reason)row->reason));
    time_field(out, "time", model_rest(model, handle)->ended_ms);
    out_char(out, '}');
}

static void allowed_field(struct out *out, unsigned allowed)
{
    static const char *const names[MACHINE_EDIT_COUNT] = {"cancel", "reschedule", "reassign"};
    const char *comma = "";

    out_text(out, ",\"allowed\":[");
    for (int i = 0; i < MACHINE_EDIT_COUNT; i++) {
        if ((allowed >> i & 1) == 0)
            continue;
        out_format(out, "%s\"%s\"", comma, names[i]);
        comma = ",";
    }
    out_char(out, ']');
}

void render_callback(struct out *out, const struct view_model *model, uint32_t handle,
                     const struct viewer *viewer, int64_t now_ms)
{
    const struct view_row *row = model_row(model, handle);
    const struct view_rest *rest = model_rest(model, handle);
    const char *texts[VIEW_TEXT_COUNT];
    char id[view_id_size];

    model_texts(model, handle, texts);
    out_text(out, "{\"domain\":");
    out_json_or_null(out, model_string(model, model->domains[row->domain].id));
    text_field(out, "id", view_id_text(rest->id, id));
    text_field(out, "kind", render_kind_name(row->kind));
    text_field(out, "state", render_state_name(row->state));
    due_fields(out, model, handle);
    place_fields(out, model, handle, texts);
    string_field(out, model, "scheduled_by", row->scheduled_by);
    string_field(out, model, "owner", row->owner);
    time_field(out, "owner_until", rest->owner_end_ms);
    string_field(out, model, "agent", row->agent);
    campaign_field(out, model, handle, viewer, texts[VIEW_TEXT_CONTACT]);
    text_field(out, "conversation_id", texts[VIEW_TEXT_CONVERSATION]);
    text_field(out, "interaction_id", texts[VIEW_TEXT_INTERACTION]);
    time_field(out, "created", row->created_ms);
    time_field(out, "updated", row->updated_ms);
    time_field(out, "since", rest->since_ms);
    time_field(out, "entry", rest->entry_ms);
    int_field(out, "attempts", rest->attempts);
    int_field(out, "retries", rest->retries);
    int_field(out, "snoozes", rest->snoozes);
    time_field(out, "resume", rest->resume_ms);
    end_field(out, model, handle);
    string_field(out, model, "script", rest->script);
    text_field(out, "caller_id", texts[VIEW_TEXT_CALLER_ID]);
    allowed_field(out, render_allowed(model, handle, viewer, now_ms));
    out_char(out, '}');
}

/* --- CSV --- */

static const char csv_columns[] =
    "part,domain,id,kind,state,due,local_due,zone,queue,queue_name,name,callee_name,number,"
    "scheduled_by,owner,owner_until,agent,campaign,contact,conversation,interaction,created,"
    "updated,"
    "attempts,retries,snoozes,end_reason,ended,script,caller_id\n";

void render_csv_header(struct out *out)
{
    out_text(out, csv_columns);
}

static void csv_text(struct out *out, const char *text)
{
    out_char(out, ',');
    out_csv(out, text);
}

static void csv_time(struct out *out, int64_t ms)
{
    char text[clock_text_size];

    out_char(out, ',');
    if (ms != 0 && ms != INT64_MAX)
        out_text(out, clock_format(ms, text));
}

static void csv_int(struct out *out, int64_t value)
{
    out_char(out, ',');
    out_int(out, value);
}

static void csv_people(struct out *out, const struct view_model *model, uint32_t handle,
                       const struct viewer *viewer, const char *const texts[VIEW_TEXT_COUNT])
{
    const struct view_row *row = model_row(model, handle);
    bool campaigns = viewer_may(viewer, VIEW_PERMISSION_CAMPAIGNS);

    csv_text(out, model_string(model, model->queues[row->queue].id));
    csv_text(out, model_queue_name(model, row->queue));
    csv_text(out, texts[VIEW_TEXT_NAME]);
    csv_text(out, texts[VIEW_TEXT_CALLEE]);
    csv_text(out, texts[VIEW_TEXT_NUMBER]);
    csv_text(out, model_string(model, row->scheduled_by));
    csv_text(out, model_string(model, row->owner));
    csv_time(out, model_rest(model, handle)->owner_end_ms);
    csv_text(out, model_string(model, row->agent));
    csv_text(out, campaigns ? model_string(model, row->campaign) : "");
    csv_text(out, campaigns ? texts[VIEW_TEXT_CONTACT] : "");
}

void render_csv(struct out *out, const struct view_model *model, uint32_t handle,
                const struct viewer *viewer, const char *part)
{
    const struct view_row *row = model_row(model, handle);
    const struct view_rest *rest = model_rest(model, handle);
    const char *texts[VIEW_TEXT_COUNT];
    char id[view_id_size], local[24];
    bool ended = row->state == RINGBACK__V1__CALLBACK_STATE__CALLBACK_STATE_ENDED;

    model_texts(model, handle, texts);
    out_text(out, part);
    csv_text(out, model_string(model, model->domains[row->domain].id));
    csv_text(out, view_id_text(rest->id, id));
    csv_text(out, render_kind_name(row->kind));
    csv_text(out, render_state_name(row->state));
    csv_time(out, row->due_ms);
    csv_text(out, rest->zone == 0 ? "" : render_local_time(rest->local_ms, local));
    csv_text(out, model_string(model, rest->zone));
    csv_people(out, model, handle, viewer, texts);
    csv_text(out, texts[VIEW_TEXT_CONVERSATION]);
    csv_text(out, texts[VIEW_TEXT_INTERACTION]);
    csv_time(out, row->created_ms);
    csv_time(out, row->updated_ms);
    csv_int(out, rest->attempts);
    csv_int(out, rest->retries);
    csv_int(out, rest->snoozes);
    csv_text(out, ended ? reason_name((Ringback__V1__Reason)row->reason) : "");
    csv_time(out, rest->ended_ms);
    csv_text(out, model_string(model, rest->script));
    csv_text(out, texts[VIEW_TEXT_CALLER_ID]);
    out_char(out, '\n');
}

/* --- how old it is --- */

static void count_or_null(struct out *out, const char *name, int64_t count)
{
    name_field(out, name);
    if (count < 0)
        out_text(out, "null");
    else
        out_int(out, count);
}

void render_data(struct out *out, const struct follower_status *status)
{
    out_text(out, "\"data\":{\"time\":");
    out_json_time(out, status->clock_ms);
    name_field(out, "behind_seconds");
    out_json_seconds(out, status->behind_ms);
    count_or_null(out, "behind_records", status->behind_records);
    count_or_null(out, "undecided_records", status->undecided);
    out_format(out, ",\"complete\":%s,\"loaded_percent\":%.1f,\"warnings\":[",
               status->complete ? "true" : "false", status->loaded_percent);
    for (size_t i = 0; i < status->warning_count; i++) {
        if (i > 0)
            out_char(out, ',');
        out_json(out, status->warnings[i], strlen(status->warnings[i]));
    }
    out_text(out, "]}");
}
