#include "daemon/health.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "base/version.h"

/* Workers that end are waited for without a turn: as long as a commit and a look-up may take. */
enum { still_ms_max = 60 * 1000 };

enum kind { REASON, WARNING };

struct row {
    const char *name;
    enum kind kind;
    const char *text;
};

static const struct row rows[HEALTH_COUNT] = {
#define ROW_(name_, kind_, text_) [HEALTH_##name_] = {#name_, kind_, text_},
    HEALTH_MAP(ROW_)
#undef ROW_
};

void health_init(struct health *health, int64_t behind_max_ms, int64_t now_ms)
{
    memset(health, 0, sizeof(*health));
    (void)pthread_mutex_init(&health->lock, NULL);
    health->view.behind_max_ms = behind_max_ms;
    health->seen_ms = now_ms;
}

void health_deinit(struct health *health)
{
    free(health->view.partitions);
    (void)pthread_mutex_destroy(&health->lock);
}

void health_see(struct health *health, const struct health_view *view, int64_t now_ms)
{
    size_t size = view->count * sizeof(*view->partitions);

    pthread_mutex_lock(&health->lock);
    if (view->count > health->view.count) {
        free(health->view.partitions);
        health->view.partitions = memory_alloc(size, "the partitions' health");
    }
    if (size > 0)
        memcpy(health->view.partitions, view->partitions, size);
    health->view.count = view->count;
    health->view.started = view->started;
    health->view.stopping = view->stopping;
    health->view.memory_over = view->memory_over;
    health->seen_ms = now_ms;
    pthread_mutex_unlock(&health->lock);
}

/* --- what is said --- */

struct saying {
    json_t *reasons;
    json_t *warnings;
    json_t *partitions;
};

static void say(struct saying *saying, enum health_what what, int32_t partition)
{
    const struct row *row = &rows[what];
    json_t *item = json_pack("{s:s}", "code", row->name);

    if (partition >= 0)
        json_object_set_new(item, "partition", json_integer(partition));
    json_object_set_new(item, "text", json_string(row->text));
    json_array_append_new(row->kind == REASON ? saying->reasons : saying->warnings, item);
}

static void say_partition(struct saying *saying, const struct health_partition *partition,
                          int64_t behind_max_ms)
{
    int32_t number = partition->partition;

    if (partition->state == WORKER_STATE_TAKING_OVER || partition->state == WORKER_STATE_STOPPED)
        say(saying, HEALTH_TAKING_OVER, number);
    if (partition->state == WORKER_STATE_BACKING_OFF)
        say(saying, HEALTH_BACKING_OFF, number);
    if (partition->state == WORKER_STATE_REFUSED)
        say(saying, HEALTH_REFUSED, number);
    if (partition->behind_ms > behind_max_ms)
        say(saying, HEALTH_BEHIND, number);
    if (partition->redis_behind_ms > behind_max_ms)
        say(saying, HEALTH_REDIS_BEHIND, number);
    if (partition->clock_slow)
        say(saying, HEALTH_CLOCK_SLOW, number);
    if (partition->input_unread)
        say(saying, HEALTH_INPUT_UNREAD, number);
    if (partition->hangs)
        say(saying, HEALTH_TRANSACTION_HANGS, number);
}

static char *dump(json_t *root)
{
    char *text = json_dumps(root, JSON_INDENT(2)), *line;
    size_t size;

    json_decref(root);
    if (text == NULL)
        return NULL;
    size = strlen(text);
    line = memory_alloc(size + 2, "an answer");
    memcpy(line, text, size);
    memcpy(line + size, "\n", 2);
    free(text);
    return line;
}

static struct saying saying_of(struct health *health, int64_t now_ms)
{
    struct saying saying = {json_array(), json_array(), json_array()};
    const struct health_view *view = &health->view;

    pthread_mutex_lock(&health->lock);
    if (!view->started)
        say(&saying, HEALTH_STARTING, -1);
    if (now_ms - health->seen_ms > still_ms_max)
        say(&saying, HEALTH_HANGS, -1);
    if (view->stopping)
        say(&saying, HEALTH_STOPPING, -1);
    if (view->started && view->count == 0)
        say(&saying, HEALTH_NO_PARTITION, -1);
    for (size_t i = 0; i < view->count; i++) {
        const struct health_partition *partition = &view->partitions[i];

        say_partition(&saying, partition, view->behind_max_ms);
        json_array_append_new(saying.partitions,
                              json_pack("{s:i, s:s, s:f, s:f}", "partition",
                                        (int)partition->partition, "state",
                                        worker_state_name(partition->state), "behind_seconds",
                                        (double)partition->behind_ms / 1000, "redis_behind_seconds",
                                        (double)partition->redis_behind_ms / 1000));
    }
    if (view->memory_over)
        say(&saying, HEALTH_MEMORY_OVER, -1);
    pthread_mutex_unlock(&health->lock);
    return saying;
}

static const char *word_of(const struct saying *saying)
{
    if (json_array_size(saying->reasons) > 0)
        return "not ready";
    return json_array_size(saying->warnings) > 0 ? "degraded" : "ready";
}

unsigned health_ready(struct health *health, int64_t now_ms, char **body)
{
    struct saying saying = saying_of(health, now_ms);
    bool ready = json_array_size(saying.reasons) == 0;

    *body = dump(json_pack("{s:s, s:o, s:o, s:o, s:s}", "status", word_of(&saying), "reasons",
                           saying.reasons, "warnings", saying.warnings, "partitions",
                           saying.partitions, "version", RINGBACK_VERSION));
    return ready ? 200 : 503;
}

/* The first of what is wrong, its place, and how much else is. */
static void print_first(const json_t *items, const char *word, char *line, size_t size)
{
    const json_t *first = json_array_get(items, 0);
    const json_t *partition = json_object_get(first, "partition");
    char place[40] = "", more[40] = "";

    if (partition != NULL)
        snprintf(place, sizeof(place), " on partition %d", (int)json_integer_value(partition));
    if (json_array_size(items) > 1)
        snprintf(more, sizeof(more), ", and %zu more", json_array_size(items) - 1);
    snprintf(line, size, "%s: %s%s: %s%s", word, json_string_value(json_object_get(first, "code")),
             place, json_string_value(json_object_get(first, "text")), more);
}

bool health_line(struct health *health, int64_t now_ms, char *line, size_t size)
{
    struct saying saying = saying_of(health, now_ms);
    size_t count = json_array_size(saying.partitions);
    bool ready = json_array_size(saying.reasons) == 0;

    if (!ready)
        print_first(saying.reasons, word_of(&saying), line, size);
    else if (json_array_size(saying.warnings) > 0)
        print_first(saying.warnings, word_of(&saying), line, size);
    else
        snprintf(line, size, "ready: decides on %zu partition%s", count, count == 1 ? "" : "s");
    json_decref(saying.reasons);
    json_decref(saying.warnings);
    json_decref(saying.partitions);
    return ready;
}

unsigned health_live(struct health *health, int64_t now_ms, char **body)
{
    int64_t still_ms;
    bool live;

    pthread_mutex_lock(&health->lock);
    still_ms = now_ms - health->seen_ms;
    pthread_mutex_unlock(&health->lock);
    live = still_ms <= still_ms_max;
    *body = dump(json_pack("{s:s, s:f, s:s}", "status", live ? "live" : "hangs", "still_seconds",
                           (double)still_ms / 1000, "version", RINGBACK_VERSION));
    return live ? 200 : 503;
}

static void say_metrics(struct http_answer *answer)
{
    FILE *out = open_memstream(&answer->body, &answer->size);

    if (out == NULL)
        return;
    if (metrics_write(out) != 0 || fclose(out) != 0) {
        http_say(answer, 500, "text/plain; charset=utf-8", "no memory\n");
        return;
    }
    answer->status = 200;
    answer->type = "text/plain; version=0.0.4; charset=utf-8";
}

void health_handle(void *context, const char *path, struct http_answer *answer)
{
    struct health *health = context;
    int64_t now_ms = clock_monotonic_ms();

    if (strcmp(path, "/metrics") == 0) {
        say_metrics(answer);
        return;
    }
    if (strcmp(path, "/livez") == 0)
        answer->status = health_live(health, now_ms, &answer->body);
    else if (strcmp(path, "/readyz") == 0)
        answer->status = health_ready(health, now_ms, &answer->body);
    answer->type = "application/json";
    if (answer->body != NULL)
        answer->size = strlen(answer->body);
}
