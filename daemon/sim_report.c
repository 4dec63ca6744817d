#include "daemon/sim_report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include <jansson.h>

#include "base/memory.h"
#include "daemon/sim_say.h"

enum { cell_bytes = 32, story_lines_max = 10, story_bytes = 200 };

double sim_share(int64_t part, int64_t whole)
{
    return whole == 0 ? 0 : (double)part / (double)whole;
}

static int compare_times(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

struct sim_spread sim_spread_of(int64_t *values, size_t count)
{
    if (count == 0)
        return (struct sim_spread){-1, -1, -1};
    qsort(values, count, sizeof(*values), compare_times);
    return (struct sim_spread){values[(count + 1) / 2 - 1], values[(count * 9 + 9) / 10 - 1],
                               values[count - 1]};
}

static void count_recorded(const struct sim_report *report, struct sim_figures *figures)
{
    const struct sim_model *model = report->model;
    int64_t *waits = memory_alloc((model->caller_count + 1) * sizeof(*waits), "figures");
    size_t domains = (size_t)report->options->domains;

    *figures = (struct sim_figures){.callers = model->caller_count};
    for (size_t i = 0; i < model->caller_count; i++) {
        const struct sim_row *row = model->callers[i].row;

        if (row->use == SIM_USE_SERVED)
            waits[figures->served++] = row->wait_ms;
        else
            figures->abandoned++;
    }
    figures->wait = sim_spread_of(waits, figures->served);
    for (size_t i = 0; i < model->agent_count; i++) {
        for (size_t span = 0; span < model->agents[i].span_count; span++)
            figures->present_ms +=
                model->agents[i].spans[span].to_ms - model->agents[i].spans[span].from_ms;
    }
    for (size_t i = 0; i < model->calls->count; i++) {
        const struct sim_row *row = &model->calls->rows[i];

        if (row->use != SIM_USE_OUT && row->agent >= 0 && row->talk_start_ms >= 0)
            figures->busy_ms += row->talk_ms + sim_wrap_ms;
    }
    figures->callers *= domains;
    figures->served *= domains;
    figures->abandoned *= domains;
    free(waits);
}

static void count_run(const struct sim_outcome_of_run *run, struct sim_figures *figures)
{
    int64_t *waits = memory_alloc((run->count + 1) * sizeof(*waits), "figures");
    int64_t *returns = memory_alloc((run->count + 1) * sizeof(*returns), "figures");
    int64_t *alone = memory_alloc((run->count + 1) * sizeof(*alone), "figures");
    size_t reached = 0;

    *figures = (struct sim_figures){
        .callers = run->count, .busy_ms = run->busy_ms, .present_ms = run->present_ms};
    for (size_t i = 0; i < run->count; i++) {
        const struct sim_call *call = &run->calls[i];

        switch (call->fate) {
        case SIM_FATE_WAITING: figures->waiting++; break;
        case SIM_FATE_SERVED: waits[figures->served++] = call->wait_ms; break;
        case SIM_FATE_ABANDONED: figures->abandoned++; break;
        case SIM_FATE_CALLBACK: figures->open++; break;
        case SIM_FATE_KEPT: figures->kept++; break;
        case SIM_FATE_FAILED: figures->failed++; break;
        }
        if (call->reached_ms > 0)
            returns[reached++] = call->reached_ms - call->asked_ms;
        figures->answered += call->answered_ms > 0;
        figures->alone_hung_up += call->alone && call->reached_ms == 0 && call->ended_ms > 0;
        if (call->alone)
            alone[figures->alone++] = call->reached_ms > 0 || call->ended_ms > 0
                                          ? call->line_wait_ms
                                          : run->end_ms - call->answered_ms;
    }
    figures->made = figures->open + figures->kept + figures->failed;
    figures->wait = sim_spread_of(waits, figures->served);
    figures->to_callback = sim_spread_of(returns, reached);
    figures->alone_wait = sim_spread_of(alone, figures->alone);
    free(alone);
    free(waits);
    free(returns);
}

void sim_report_make(struct sim_report *report)
{
    count_recorded(report, &report->figures_recorded);
    count_run(report->without, &report->figures_without);
    count_run(report->with, &report->figures_with);
    report->lost = report->lost_called = report->lost_on_line = 0;
    for (size_t i = 0; i < report->without->count; i++) {
        if (report->without->calls[i].fate != SIM_FATE_ABANDONED)
            continue;
        report->lost++;
        report->lost_called += report->with->calls[i].fate == SIM_FATE_KEPT;
        report->lost_on_line += report->with->calls[i].fate == SIM_FATE_SERVED;
    }
}

/* "1:02:03", "2:03"; "-" for nobody. */
static const char *format_span(int64_t ms, char text[cell_bytes])
{
    int64_t s = (ms + 500) / 1000;

    if (ms < 0)
        snprintf(text, cell_bytes, "-");
    else if (s >= 3600)
        snprintf(text, cell_bytes, "%" PRId64 ":%02d:%02d", s / 3600, (int)(s / 60 % 60),
                 (int)(s % 60));
    else
        snprintf(text, cell_bytes, "%d:%02d", (int)(s / 60), (int)(s % 60));
    return text;
}

static void print_row(FILE *out, const char *name, const char *a, const char *b, const char *c)
{
    fprintf(out, "%-38s %11s %11s %11s\n", name, a, b, c);
}

static void print_counts(FILE *out, const char *name, size_t a, size_t b, size_t c)
{
    char x[cell_bytes], y[cell_bytes], z[cell_bytes];

    snprintf(x, sizeof(x), "%zu", a);
    snprintf(y, sizeof(y), "%zu", b);
    snprintf(z, sizeof(z), "%zu", c);
    print_row(out, name, x, y, z);
}

static void print_shares(FILE *out, const char *name, double a, double b, double c)
{
    char x[cell_bytes], y[cell_bytes], z[cell_bytes];

    snprintf(x, sizeof(x), "%.1f %%", a * 100);
    snprintf(y, sizeof(y), "%.1f %%", b * 100);
    snprintf(z, sizeof(z), "%.1f %%", c * 100);
    print_row(out, name, x, y, z);
}

static void print_spans(FILE *out, const char *name, int64_t a, int64_t b, int64_t c)
{
    char x[cell_bytes], y[cell_bytes], z[cell_bytes];

    print_row(out, name, format_span(a, x), format_span(b, y), format_span(c, z));
}

/* Figures that only the day with callbacks has. */
static void print_with(FILE *out, const char *name, size_t count)
{
    char text[cell_bytes];

    snprintf(text, sizeof(text), "%zu", count);
    print_row(out, name, "", "", text);
}

static void print_with_span(FILE *out, const char *name, int64_t ms)
{
    char text[cell_bytes];

    print_row(out, name, "", "", format_span(ms, text));
}

static double abandoned_share(const struct sim_figures *figures)
{
    return sim_share((int64_t)figures->abandoned, (int64_t)figures->callers);
}

static double off_recorded(const struct sim_report *report)
{
    return sim_share((int64_t)report->figures_without.abandoned,
                     (int64_t)report->figures_recorded.abandoned) -
           1;
}

static const char *format_day(int64_t ms, char text[cell_bytes])
{
    time_t time = (time_t)(ms / 1000);
    struct tm tm;

    localtime_r(&time, &tm);
    strftime(text, cell_bytes, "%Y-%m-%d", &tm);
    return text;
}

/* What calling the customer first costs him (7.2): nobody there when he answers. */
static void print_nuisance(const struct sim_figures *figures, FILE *out)
{
    char share[cell_bytes];

    print_with(out, "called first and answered", figures->answered);
    print_with(out, "  with no agent free", figures->alone);
    snprintf(share, sizeof(share), "%.1f %%",
             sim_share((int64_t)figures->alone, (int64_t)figures->answered) * 100);
    print_row(out, "    of those who answered", "", "", share);
    print_with_span(out, "    their wait, p50", figures->alone_wait.p50_ms);
    print_with_span(out, "      p90", figures->alone_wait.p90_ms);
    print_with_span(out, "      longest", figures->alone_wait.max_ms);
    print_with(out, "    hung up before an agent came", figures->alone_hung_up);
}

static void print_rows(const struct sim_report *report, FILE *out)
{
    const struct sim_figures *a = &report->figures_recorded, *b = &report->figures_without,
                             *c = &report->figures_with;

    print_row(out, "", "recorded", "without", "with");
    print_row(out, "", "", "callbacks", "callbacks");
    print_counts(out, "callers", a->callers, b->callers, c->callers);
    print_counts(out, "served on the line", a->served, b->served, c->served);
    print_counts(out, "hung up", a->abandoned, b->abandoned, c->abandoned);
    print_shares(out, "  of all callers", abandoned_share(a), abandoned_share(b),
                 abandoned_share(c));
    print_spans(out, "wait of the served, p50", a->wait.p50_ms, b->wait.p50_ms, c->wait.p50_ms);
    print_spans(out, "  p90", a->wait.p90_ms, b->wait.p90_ms, c->wait.p90_ms);
    print_spans(out, "  longest", a->wait.max_ms, b->wait.max_ms, c->wait.max_ms);
    print_counts(out, "still in the line at the end", a->waiting, b->waiting, c->waiting);
    print_with(out, "callbacks made", c->made);
    print_with(out, "  kept (talked)", c->kept);
    print_with(out, "  failed", c->failed);
    print_with(out, "  still waiting at the end", c->open);
    print_with_span(out, "time to callback, p50", c->to_callback.p50_ms);
    print_with_span(out, "  p90", c->to_callback.p90_ms);
    print_with_span(out, "  longest", c->to_callback.max_ms);
    if (report->options->customer_first)
        print_nuisance(c, out);
    print_shares(out, "agents busy while there", sim_share(a->busy_ms, a->present_ms),
                 sim_share(b->busy_ms, b->present_ms), sim_share(c->busy_ms, c->present_ms));
}

void sim_report_table(const struct sim_report *report, FILE *out)
{
    const struct sim_model *model = report->model;
    double off = off_recorded(report);
    char from[cell_bytes], to[cell_bytes];
    bool first = true;

    format_day(model->callers[0].arrive_ms, from);
    format_day(model->callers[model->caller_count - 1].arrive_ms, to);
    fprintf(out, "%s: %zu callers, %zu agents, %zu services; %s%s%s, %s", report->file,
            model->caller_count, model->agent_count, model->service_count, from,
            strcmp(from, to) == 0 ? "" : " to ", strcmp(from, to) == 0 ? "" : to, report->zone);
    if (report->options->domains > 1)
        fprintf(out, "; %" PRId64 " times", report->options->domains);
    fprintf(out, "; seed %" PRId64, report->options->seed);
    if (report->options->customer_first)
        fprintf(out, "; customer first, pacing %g%s", report->options->pacing_hundredths / 100.0,
                report->options->reserve ? ", agents reserved" : "");
    fputs("\n\n", out);
    print_rows(report, out);
    fprintf(out,
            "\nOf the %zu who hung up without callbacks, %zu now talked with an agent: %zu were"
            " called back,\n%zu were served on the line.\n",
            report->lost, report->lost_called + report->lost_on_line, report->lost_called,
            report->lost_on_line);
    fprintf(out, "Without callbacks the model has %.1f %% %s hang-ups than were recorded.\n",
            off < 0 ? -off * 100 : off * 100, off < 0 ? "fewer" : "more");
    for (int odd = 0; odd < SIM_ODD_COUNT; odd++) {
        size_t count = model->calls->odd[odd];

        if (count == 0)
            continue;
        fprintf(out, "%s%6zu %s%s\n", first ? "Rows:\n" : "", count,
                sim_odd_text((enum sim_odd)odd),
                sim_odd_is_out((enum sim_odd)odd) ? " (counted out)" : "");
        first = false;
    }
}

/* One line of a story. */
struct line {
    int64_t time_ms;
    char text[story_bytes];
};

struct story {
    struct line lines[story_lines_max];
    size_t count;
};

static __attribute__((format(printf, 3, 4))) void tell(struct story *story, int64_t time_ms,
                                                       const char *format, ...)
{
    struct line line = {.time_ms = time_ms};
    size_t at = story->count++;
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(line.text, sizeof(line.text), format, arguments);
    va_end(arguments);
    for (; at > 0 && story->lines[at - 1].time_ms > time_ms; at--)
        story->lines[at] = story->lines[at - 1];
    story->lines[at] = line;
}

static const char *format_clock(int64_t ms, char text[cell_bytes])
{
    time_t time = (time_t)(ms / 1000);
    struct tm tm;

    localtime_r(&time, &tm);
    strftime(text, cell_bytes, "%H:%M:%S", &tm);
    return text;
}

struct candidate {
    int64_t took_ms;
    uint32_t caller;
};

static int compare_candidates(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;

    if (x->took_ms != y->took_ms)
        return x->took_ms < y->took_ms ? -1 : 1;
    return x->caller < y->caller ? -1 : 1;
}

/* Of those in the first domain who hung up without callbacks and talked with them, the one with the
 * median time to his callback; -1: there is none. */
static int64_t pick_caller(const struct sim_report *report)
{
    size_t count = 0, room = report->model->caller_count;
    struct candidate *found = memory_alloc(room * sizeof(*found), "a story");
    int64_t picked;

    for (uint32_t i = 0; i < room; i++) {
        const struct sim_call *call = &report->with->calls[i];

        if (report->without->calls[i].fate == SIM_FATE_ABANDONED && call->fate == SIM_FATE_KEPT)
            found[count++] = (struct candidate){call->reached_ms - call->asked_ms, i};
    }
    if (count > 0)
        qsort(found, count, sizeof(*found), compare_candidates);
    picked = count == 0 ? -1 : (int64_t)found[count / 2].caller;
    free(found);
    return picked;
}

static void tell_waiting(struct story *story, const struct sim_report *report, uint32_t who)
{
    const struct sim_caller *caller = &report->model->callers[who];
    const struct sim_call *with = &report->with->calls[who];
    const struct sim_call *without = &report->without->calls[who];
    const char *service = report->model->calls->services.items[caller->row->service];
    bool known = caller->row->customer[0] != '\0';
    char number[sim_number_bytes], clock[cell_bytes], span[cell_bytes];

    sim_number(caller->row, number);
    tell(story, caller->arrive_ms, "%s%.60s calls from %s and waits in the line of %.60s.",
         known ? "Customer " : "Somebody unknown", known ? caller->row->customer : "", number,
         service);
    tell(story, with->asked_ms,
         "%" PRId64 " s later, with %u callers and %u callbacks ahead, a voice offers to call back;"
         " the answer is yes.",
         (with->asked_ms - caller->arrive_ms) / 1000, with->live_ahead, with->callbacks_ahead);
    tell(story, with->asked_ms + 1,
         "The promise is kept on file, and so is the place in the line: that of %s.",
         format_clock(caller->entry_ms, clock));
    tell(story, with->asked_ms + sim_confirm_ms,
         "\"We call you back\": the telephone is put down, the line is free.");
    tell(story, caller->arrive_ms + without->wait_ms,
         "Without the callback, this is when patience ended, after %s in the line.",
         format_span(without->wait_ms, span));
}

static void tell_call(struct story *story, const struct sim_report *report, uint32_t who)
{
    const struct sim_call *with = &report->with->calls[who];
    const char *agent = report->model->agents[with->agent].name;
    char number[sim_number_bytes], a[cell_bytes], b[cell_bytes];

    sim_number(report->model->callers[who].row, number);
    tell(story, with->offered_ms, "The turn has come: the callback is offered to %.60s.", agent);
    tell(story, with->assigned_ms, "%.60s accepts it and sees whom to call.", agent);
    tell(story, with->dialled_ms, "The switch dials %s%s.", number,
         with->attempts > 1 ? " once more" : "");
    tell(story, with->reached_ms, "The customer answers and talks with %.60s, %s after asking.",
         agent, format_span(with->reached_ms - with->asked_ms, a));
    tell(story, with->ended_ms,
         "All said in %s; the callback ends as completed. On the telephone waited: %s.",
         format_span(with->talked_ms - with->reached_ms, a),
         format_span(with->asked_ms - report->model->callers[who].arrive_ms, b));
}

/* The same where the customer is called first: nobody has it before he is on the line. */
static void tell_called(struct story *story, const struct sim_report *report, uint32_t who)
{
    const struct sim_call *with = &report->with->calls[who];
    const char *agent = report->model->agents[with->agent].name;
    char number[sim_number_bytes], a[cell_bytes], b[cell_bytes];

    sim_number(report->model->callers[who].row, number);
    tell(story, with->dialled_ms, "The turn has come, and somebody is idle: the switch dials %s%s.",
         number, with->attempts > 1 ? " once more" : "");
    tell(story, with->dialled_ms + sim_ring_ms, "It rings; no agent has it yet.");
    tell(story, with->answered_ms,
         "The customer answers and stands in the line, at the old place%s.",
         with->alone ? "; nobody is free" : "");
    tell(story, with->reached_ms, "%.60s is there after %s on the line, %s after asking.", agent,
         format_span(with->line_wait_ms, a), format_span(with->reached_ms - with->asked_ms, b));
    tell(story, with->ended_ms,
         "All said in %s; the callback ends as completed. On the telephone waited: %s.",
         format_span(with->talked_ms - with->reached_ms, a),
         format_span(with->asked_ms - report->model->callers[who].arrive_ms + with->line_wait_ms,
                     b));
}

static void make_story(const struct sim_report *report, struct story *story)
{
    int64_t who = pick_caller(report);

    story->count = 0;
    if (who < 0)
        return;
    tell_waiting(story, report, (uint32_t)who);
    if (report->options->customer_first)
        tell_called(story, report, (uint32_t)who);
    else
        tell_call(story, report, (uint32_t)who);
}

void sim_report_story(const struct sim_report *report, FILE *out)
{
    struct story story;
    char clock[cell_bytes];

    make_story(report, &story);
    if (story.count == 0)
        fputs("No story: nobody who hung up without callbacks was called back.\n", out);
    for (size_t i = 0; i < story.count; i++)
        fprintf(out, "%s  %s\n", format_clock(story.lines[i].time_ms, clock), story.lines[i].text);
}

/* Seconds to the millisecond; null for nobody. */
static json_t *json_span(int64_t ms)
{
    return ms < 0 ? json_null() : json_real((double)ms / 1000);
}

static json_t *json_spread(const struct sim_spread *spread)
{
    return json_pack("{s:o, s:o, s:o}", "p50_s", json_span(spread->p50_ms), "p90_s",
                     json_span(spread->p90_ms), "max_s", json_span(spread->max_ms));
}

/* first: of a day on which customers are called first. */
static json_t *json_figures(const struct sim_figures *figures, bool with, bool first)
{
    json_t *json = json_pack("{s:I, s:I, s:I, s:f, s:o, s:I, s:f}", "callers",
                             (json_int_t)figures->callers, "served", (json_int_t)figures->served,
                             "abandoned", (json_int_t)figures->abandoned, "abandoned_share",
                             abandoned_share(figures), "wait", json_spread(&figures->wait),
                             "waiting_at_end", (json_int_t)figures->waiting, "occupancy",
                             sim_share(figures->busy_ms, figures->present_ms));

    if (with && first)
        json_object_set_new(
            json, "nuisance",
            json_pack("{s:I, s:I, s:f, s:o, s:I}", "answered", (json_int_t)figures->answered,
                      "no_agent_free", (json_int_t)figures->alone, "no_agent_free_share",
                      sim_share((int64_t)figures->alone, (int64_t)figures->answered), "wait",
                      json_spread(&figures->alone_wait), "hung_up",
                      (json_int_t)figures->alone_hung_up));
    if (with)
        json_object_set_new(json, "callbacks",
                            json_pack("{s:I, s:I, s:I, s:I, s:o}", "made",
                                      (json_int_t)figures->made, "kept", (json_int_t)figures->kept,
                                      "failed", (json_int_t)figures->failed, "waiting_at_end",
                                      (json_int_t)figures->open, "time_to_callback",
                                      json_spread(&figures->to_callback)));
    return json;
}

static json_t *json_rows(const struct sim_calls *calls)
{
    json_t *rows = json_object();

    for (int odd = 0; odd < SIM_ODD_COUNT; odd++)
        json_object_set_new(rows, sim_odd_name((enum sim_odd)odd),
                            json_integer((json_int_t)calls->odd[odd]));
    return rows;
}

void sim_report_json(const struct sim_report *report, bool story, FILE *out)
{
    const struct sim_model *model = report->model;
    json_t *file = json_string(report->file); /* NULL: not UTF-8 */
    json_t *json = json_pack(
        "{s:o*, s:s, s:I, s:I, s:I, s:I}", "file", file, "zone", report->zone, "seed",
        (json_int_t)report->options->seed, "domains", (json_int_t)report->options->domains,
        "agents", (json_int_t)model->agent_count, "services", (json_int_t)model->service_count);

    if (report->options->customer_first)
        json_object_set_new(json, "customer_first",
                            json_pack("{s:f, s:b}", "pacing",
                                      report->options->pacing_hundredths / 100.0, "reserve",
                                      (int)report->options->reserve));
    json_object_set_new(json, "recorded", json_figures(&report->figures_recorded, false, false));
    json_object_set_new(json, "without", json_figures(&report->figures_without, false, false));
    json_object_set_new(json, "with",
                        json_figures(&report->figures_with, true, report->options->customer_first));
    json_object_set_new(json, "lost_without",
                        json_pack("{s:I, s:I, s:I}", "hung_up", (json_int_t)report->lost,
                                  "called_back_now", (json_int_t)report->lost_called,
                                  "served_on_the_line_now", (json_int_t)report->lost_on_line));
    json_object_set_new(json, "abandonment_off_recorded", json_real(off_recorded(report)));
    json_object_set_new(json, "odd_rows", json_rows(model->calls));
    if (story) {
        json_t *lines = json_array();
        struct story told;
        char clock[cell_bytes];

        make_story(report, &told);
        for (size_t i = 0; i < told.count; i++)
            json_array_append_new(lines,
                                  json_sprintf("%s  %s", format_clock(told.lines[i].time_ms, clock),
                                               told.lines[i].text));
        json_object_set_new(json, "story", lines);
    }
    json_dumpf(json, out, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    fputc('\n', out);
    json_decref(json);
}
