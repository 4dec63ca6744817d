#include "view/timeline.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/memory.h"
#include "daemon/bus_kafka.h"
#include "state/reasons.h"

#include "ringback/v1/analytics.pb-c.h"

enum {
    events_max = 2000,
    turn_seconds = 8, /* until one waits no longer for others */
    window_ms = 3000, /* for the first stretch of analytics, and for the second */
    broker_ms = 3000,
    slack_ms = 2000, /* stamps are of the batch, events of the decision */
    before_due_ms = 60 * 1000
};

void timeline_init(struct timeline *timeline)
{
    *timeline = (struct timeline){.count = 0};
    arena_init(&timeline->arena);
}

void timeline_deinit(struct timeline *timeline)
{
    arena_deinit(&timeline->arena);
    free(timeline->events);
}

/* --- from the row, and as JSON --- */

static void copy(char to[129], const char *from)
{
    size_t size = strnlen(from, 128);

    memcpy(to, from, size);
    to[size] = '\0';
}

void timeline_subject_of(const struct view_model *model, uint32_t handle, int32_t partitions,
                         struct timeline_subject *subject)
{
    const struct view_row *row = model_row(model, handle);
    const struct view_rest *rest = model_rest(model, handle);

    memset(subject, 0, sizeof(*subject));
    (void)view_id_text(rest->id, subject->id);
    subject->partition = partitions == 0 ? 0 : rest->partition % partitions;
    subject->state = row->state;
    subject->reason = row->reason;
    subject->created_ms = row->created_ms;
    subject->due_ms = row->due_ms == INT64_MAX ? 0 : row->due_ms;
    subject->updated_ms = row->updated_ms;
    subject->since_ms = rest->since_ms;
    subject->ended_ms = rest->ended_ms;
    copy(subject->queue, model_string(model, model->queues[row->queue].id));
    copy(subject->agent, model_string(model, row->agent));
}

static void render_event(struct out *out, const struct timeline_event *event)
{
    out_text(out, "{\"time\":");
    out_json_time(out, event->time_ms);
    out_format(out, ",\"what\":\"%s\",\"agent\":", event->what);
    out_json_or_null(out, event->agent);
    out_text(out, ",\"queue\":");
    out_json_or_null(out, event->queue);
    out_text(out, ",\"reason\":");
    out_json_or_null(out, event->reason);
    out_text(out, ",\"detail\":");
    out_json_or_null(out, event->detail);
    out_text(out, ",\"duration_seconds\":");
    out_json_seconds(out, event->duration_ms);
    out_char(out, '}');
}

void timeline_render(struct out *out, const struct timeline *timeline)
{
    out_text(out, ",\"events\":[");
    for (size_t i = 0; i < timeline->count; i++) {
        if (i > 0)
            out_char(out, ',');
        render_event(out, &timeline->events[i]);
    }
    out_format(out, "],\"complete\":%s,\"note\":", timeline->complete ? "true" : "false");
    out_json_or_null(out, timeline->note);
}

/* --- events --- */

static struct timeline_event *add(struct timeline *timeline, int64_t time_ms, const char *what)
{
    struct timeline_event *event;

    if (timeline->count == timeline->room) {
        timeline->room = timeline->room == 0 ? 32 : 2 * timeline->room;
        timeline->events = memory_grow(timeline->events, timeline->room * sizeof(*timeline->events),
                                       "a time line");
    }
    event = &timeline->events[timeline->count++];
    *event = (struct timeline_event){time_ms, -1, what, "", "", "", ""};
    return event;
}

static const char *segment_name(Ringback__V1__SegmentType type)
{
    static const char *const names[] = {
        NULL,         "scheduled", "waiting", "delayed", "offered",   "with_agent",
        "contacting", "dialing",   "hold",    "wrap_up", "voicemail",
    };

    return type > 0 && (size_t)type < sizeof(names) / sizeof(names[0]) ? names[type] : NULL;
}

static void take_segment(struct timeline *timeline, const Ringback__V1__AnalyticsEvent *event)
{
    const Ringback__V1__Segment *segment = event->segment;
    const char *what = segment_name(segment->type);

    if (what != NULL)
        add(timeline, segment->start_ms, what)->duration_ms =
            segment->end_ms > segment->start_ms ? segment->end_ms - segment->start_ms : 0;
}

static void take_metric(struct timeline *timeline, const Ringback__V1__AnalyticsEvent *event)
{
    int64_t value = event->metric->value;

    if (event->metric->name == RINGBACK__V1__METRIC_NAME__METRIC_NAME_T_TALK && value >= 0)
        add(timeline, event->time_ms - value, "talk")->duration_ms = value;
}

#define EVENT(NAME) RINGBACK__V1__ANALYTICS_EVENT__EVENT_##NAME

static void take_event(struct timeline *timeline, const Ringback__V1__AnalyticsEvent *event)
{
    size_t before = timeline->count;
    struct timeline_event *added;

    switch (event->event_case) {
    case EVENT(SESSION_STARTED):
        timeline->begun = true;
        (void)add(timeline, event->time_ms, "created");
        break;
    case EVENT(SEGMENT): take_segment(timeline, event); break;
    case EVENT(METRIC): take_metric(timeline, event); break;
    case EVENT(SESSION_ENDED):
        timeline->ended = true;
        add(timeline, event->time_ms, "ended")->reason = reason_name(event->session_ended->reason);
        break;
    case EVENT(INACTIVITY): (void)add(timeline, event->time_ms, "inactive"); break;
    case EVENT(RESUMED): (void)add(timeline, event->time_ms, "resumed"); break;
    case EVENT(STILL_WAITING): (void)add(timeline, event->time_ms, "still_waiting"); break;
    case EVENT(_NOT_SET):
    case _RINGBACK__V1__ANALYTICS_EVENT__EVENT__CASE_IS_INT_SIZE: break;
    }
    if (timeline->count == before)
        return;
    added = &timeline->events[before];
    added->agent = arena_text(&timeline->arena, slice_text(event->agent_id));
    added->queue = arena_text(&timeline->arena, slice_text(event->queue_id));
}

void timeline_take(struct timeline *timeline, const struct timeline_subject *subject,
                   struct slice value)
{
    Ringback__V1__AnalyticsEvent *event;

    /* Most are others': that is seen without unpacking. */
    if (value.data == NULL || timeline->count >= events_max ||
        memmem(value.data, value.size, subject->id, strlen(subject->id)) == NULL)
        return;
    event = ringback__v1__analytics_event__unpack(NULL, value.size, value.data);
    if (event == NULL)
        return;
    if (strcmp(event->callback_id, subject->id) == 0)
        take_event(timeline, event);
    ringback__v1__analytics_event__free_unpacked(event, NULL);
}

/* The stretch that is not over is in no segment yet. */
static const char *state_word(uint8_t state)
{
    static const char *const words[] = {
        NULL,         "scheduled",  "waiting",    "delayed", "delayed", "offered",
        "with_agent", "contacting", "with_agent", "wrap_up", NULL,
    };

    return state < sizeof(words) / sizeof(words[0]) ? words[state] : NULL;
}

static int compare_events(const void *left, const void *right)
{
    const struct timeline_event *a = left, *b = right;

    if ((strcmp(a->what, "created") == 0) != (strcmp(b->what, "created") == 0))
        return strcmp(a->what, "created") == 0 ? -1 : 1;
    if (a->time_ms != b->time_ms)
        return a->time_ms < b->time_ms ? -1 : 1;
    if ((strcmp(a->what, "ended") == 0) != (strcmp(b->what, "ended") == 0))
        return strcmp(a->what, "ended") == 0 ? 1 : -1;
    return strcmp(a->what, b->what);
}

void timeline_finish(struct timeline *timeline, const struct timeline_subject *subject)
{
    const char *now = state_word(subject->state);

    if (!timeline->begun && subject->created_ms != 0)
        add(timeline, subject->created_ms, "created")->queue = subject->queue;
    if (subject->due_ms != 0)
        (void)add(timeline, subject->due_ms, "due");
    if (now != NULL && subject->since_ms != 0) {
        struct timeline_event *event = add(timeline, subject->since_ms, now);

        event->queue = subject->queue;
        event->agent = subject->agent;
        event->detail = "not over yet";
    }
    if (subject->ended_ms != 0 && !timeline->ended)
        add(timeline, subject->ended_ms, "ended")->reason =
            reason_name((Ringback__V1__Reason)subject->reason);
    qsort(timeline->events, timeline->count, sizeof(*timeline->events), compare_events);
    /* A stay counts from the request's stamp, a little before the decision that made it. */
    if (timeline->count > 1 && timeline->events[0].time_ms > timeline->events[1].time_ms)
        timeline->events[0].time_ms = timeline->events[1].time_ms;
    timeline->complete = timeline->begun && !timeline->cut && timeline->count < events_max &&
                         (subject->ended_ms == 0 || timeline->ended);
    if (timeline->cut)
        timeline->note = "Too much happened in between to be read now: a stretch is left out.";
    else if (!timeline->begun)
        timeline->note = "Its beginning is older than what topic analytics keeps.";
    else if (!timeline->complete)
        timeline->note = "Topic analytics has not all of it.";
}

/* --- reading --- */

struct timelines {
    const struct options *options;
    pthread_mutex_t turn;
    struct kafka_log *log; /* NULL: not needed yet */
};

struct timelines *timelines_create(const struct options *options)
{
    struct timelines *timelines = memory_zalloc(sizeof(*timelines), "time lines");

    timelines->options = options;
    pthread_mutex_init(&timelines->turn, NULL);
    return timelines;
}

void timelines_destroy(struct timelines *timelines)
{
    if (timelines == NULL)
        return;
    kafka_log_destroy(timelines->log);
    pthread_mutex_destroy(&timelines->turn);
    free(timelines);
}

/* From one offset to another, for window_ms at most; *at is where it ended. */
static enum err read_window(struct timelines *timelines, const struct timeline_subject *subject,
                            struct timeline *timeline, int64_t *at, int64_t end,
                            struct err_note *note)
{
    int64_t until_ms = clock_monotonic_ms() + window_ms;
    struct kafka_reader *reader = NULL;
    struct record record;
    enum err err;

    if (*at >= end)
        return ERR_OK;
    TRY(kafka_reader_open(timelines->log, timelines->options->topic_names[TOPIC_ANALYTICS],
                          TOPIC_ANALYTICS, subject->partition, *at, &reader, note));
    do {
        int64_t eof = -1;

        err = kafka_reader_next(reader, 100, &record, &eof, note);
        if (err == ERR_OK) {
            *at = record.offset + 1;
            timeline_take(timeline, subject, record.value);
        } else if (err == ERR_END) {
            *at = eof > *at ? eof : *at;
            err = ERR_OK;
        }
    } while (err == ERR_OK && *at < end && clock_monotonic_ms() < until_ms);
    kafka_reader_close(reader);
    return err;
}

static enum err read_all(struct timelines *timelines, const struct timeline_subject *subject,
                         struct timeline *timeline, struct err_note *note)
{
    const char *topic = timelines->options->topic_names[TOPIC_ANALYTICS];
    int64_t last_ms = subject->ended_ms != 0 ? subject->ended_ms : INT64_MAX / 2;
    int64_t begin, end, high, at, later, later_ms;

    TRY(kafka_log_ends(timelines->log, topic, subject->partition, broker_ms, &begin, &end, &high,
                       note));
    TRY(kafka_log_time(timelines->log, topic, subject->partition, subject->created_ms - slack_ms,
                       broker_ms, &at, note));
    if (subject->ended_ms != 0) {
        int64_t after;

        TRY(kafka_log_time(timelines->log, topic, subject->partition, last_ms + slack_ms, broker_ms,
                           &after, note));
        end = after < end ? after : end;
    }
    TRY(read_window(timelines, subject, timeline, &at, end, note));
    if (at >= end)
        return ERR_OK;
    /* What happens between creation and due is little; what follows due is what is looked for. */
    later_ms = subject->due_ms != 0 && subject->due_ms < subject->updated_ms ? subject->due_ms
                                                                             : subject->updated_ms;
    TRY(kafka_log_time(timelines->log, topic, subject->partition, later_ms - before_due_ms,
                       broker_ms, &later, note));
    timeline->cut = later > at;
    at = later > at ? later : at;
    TRY(read_window(timelines, subject, timeline, &at, end, note));
    timeline->cut = timeline->cut || at < end;
    return ERR_OK;
}

static enum err open_log(struct timelines *timelines, struct err_note *note)
{
    struct kafka_setting items[option_kafka_count_max];
    struct kafka_settings settings = bus_kafka_settings(timelines->options, items);

    return timelines->log != NULL ? ERR_OK : kafka_log_create(&settings, &timelines->log, note);
}

enum err timelines_read(struct timelines *timelines, const struct timeline_subject *subject,
                        struct timeline *timeline, struct err_note *note)
{
    struct timespec until;
    enum err err;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += turn_seconds;
    if (pthread_mutex_timedlock(&timelines->turn, &until) != 0)
        return FAIL(note, ERR_TOO_MANY, "other time lines are being read: try again");
    err = open_log(timelines, note);
    if (err == ERR_OK)
        err = read_all(timelines, subject, timeline, note);
    pthread_mutex_unlock(&timelines->turn);
    if (err == ERR_OK)
        timeline_finish(timeline, subject);
    return err;
}
