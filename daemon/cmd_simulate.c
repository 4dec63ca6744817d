/* `ringback simulate`: what callbacks would have done to one's own call records. */
#include <inttypes.h>
#include <math.h>

#include "daemon/args.h"
#include "daemon/sim_report.h"
#include "state/limits.h"

static const char model_text[] =
    "CALLS.csv is played twice, by the same switch, agents and customers: without callbacks, and\n"
    "with them, decided by the same engine as `run`. Columns, found by their names:\n\n";

static const char more_text[] =
    "\n--map renames them, and the words AGENT, HANG, PHANTOM, TT (a service: returned calls) and "
    "2\n"
    "(a priority: high): `--map queue_enter=Arrival,AGENT=answered`. Times are local to --zone.\n"
    "\n"
    "The model:\n"
    "  - who was served talks as long as recorded; who hung up has the recorded patience, and a\n"
    "    talk drawn from those of his service;\n"
    "  - the patience of the served is drawn from his service's Kaplan-Meier curve beyond what he\n"
    "    waited; who outlasts the curve does not hang up;\n"
    "  - an agent serves the services he served, is absent in gaps of over 120 s between his\n"
    "    talks, finishes what he has when he goes, and works 5 s after each talk;\n"
    "  - rows served without a queue join it at service start; returned calls (TT) only occupy\n"
    "    their agent; phantoms, who hung up before a queue, and incomplete rows are counted out;\n"
    "  - the next call of an agent is the one that waits longest (high priority: as if 90 s\n"
    "    longer); the switch holds a freed agent 200 ms, so that callbacks have their turn;\n"
    "  - whoever still waits after --offer-after is asked, and a part --accept of them takes the\n"
    "    callback; an agent accepts it 2 s after it is offered and dials 1 s later; a dial takes\n"
    "    20 s, a part --answer of them is answered; nobody answers: it has failed, or is tried\n"
    "    again --retries times, 300 s apart; customers do not call again by themselves;\n"
    "  - with --mode customer_first the switch dials the customer as soon as the engine says so, "
    "and\n"
    "    keeps no agent for him but with --reserve; who answers stands in the line at his old "
    "place,\n"
    "    and hangs up after a patience drawn anew from his service's curve; of those who find no\n"
    "    agent free it is said how many, and how long they waited;\n"
    "  - numbers are made up: +972 and the customer's id padded, else line and call.\n"
    "Both runs draw the same patience and talk for a caller; one seed gives one result. It claims\n"
    "nothing else: on an overloaded day callbacks move waiting, they do not make agents.\n";

struct choices {
    struct sim_options options;
    const char *zone, *map, *record, *outputs;
    int64_t partitions;
    double pacing; /* 0: not given */
    int mode;
    bool story;
};

enum { MODE_AGENT_FIRST, MODE_CUSTOMER_FIRST };

enum { bar_width = 40 };

/* A bar on a terminal. */
struct bar {
    FILE *out;
    const struct sim_model *model;
    const char *name;
    int shown;
};

static void show_progress(void *user, int64_t now_ms)
{
    struct bar *bar = user;
    double done =
        sim_share(now_ms - bar->model->first_ms, bar->model->last_ms - bar->model->first_ms + 1);
    int width = done <= 0 ? 0 : done >= 1 ? bar_width : (int)(done * bar_width);

    if (width == bar->shown)
        return;
    bar->shown = width;
    fprintf(bar->out, "\r%-18s [%.*s%*s]", bar->name, width,
            "########################################", bar_width - width, "");
    (void)fflush(bar->out);
}

static enum err run_once(const struct choices *choices, const struct sim_model *model,
                         struct sim_bus *bus, struct bar *bar, struct arena *arena,
                         struct sim_outcome_of_run *outcome, struct err_note *note)
{
    const struct sim_progress progress = {bar->out == NULL ? NULL : show_progress, bar};
    enum err err;

    bar->name = bus == NULL ? "without callbacks" : "with callbacks";
    bar->shown = -1;
    err = sim_world_run(model, &choices->options, bus, &progress, arena, outcome, note);
    if (bar->out != NULL)
        fputs("\r\033[K", bar->out);
    return err;
}

static enum err run_both(struct command_context *context, const struct choices *choices,
                         const char *file, const struct sim_model *model, struct arena *arena,
                         struct err_note *note)
{
    struct sim_outcome_of_run without = {0}, with = {0};
    struct sim_report report = {.file = file,
                                .zone = choices->zone,
                                .model = model,
                                .options = &choices->options,
                                .without = &without,
                                .with = &with};
    struct sim_bus_options bus_options = {.topic_prefix = "ringback.",
                                          .partitions = choices->partitions,
                                          .domains = (uint32_t)choices->options.domains,
                                          .inputs_path = choices->record,
                                          .outputs_path = choices->outputs};
    struct bar bar = {.out = context->err_terminal ? context->err : NULL, .model = model};
    struct sim_bus *bus = NULL;
    enum err err;

    TRY(run_once(choices, model, NULL, &bar, arena, &without, note));
    TRY(sim_bus_create(&bus_options, &bus, note));
    err = run_once(choices, model, bus, &bar, arena, &with, note);
    sim_bus_destroy(bus);
    TRY(err);
    sim_report_make(&report);
    if (context->json) {
        sim_report_json(&report, choices->story, context->out);
        return ERR_OK;
    }
    sim_report_table(&report, context->out);
    if (choices->story) {
        fputs("\nOne of them:\n", context->out);
        sim_report_story(&report, context->out);
    }
    return ERR_OK;
}

static enum err simulate(struct command_context *context, const struct choices *choices,
                         const char *file, struct arena *arena, struct err_note *note)
{
    struct sim_mapping mapping;
    struct sim_calls calls;
    struct sim_model model;

    sim_mapping_default(&mapping);
    if (choices->map != NULL)
        TRY(sim_mapping_read(&mapping, choices->map, arena, note));
    TRY(sim_zone_set(choices->zone, note));
    TRY(sim_csv_read(file, &mapping, arena, &calls, note));
    if (sim_model_make(&model, &calls, sim_gap_ms, arena, note) != ERR_OK)
        return err_prefix(note, "%s: ", file);
    return run_both(context, choices, file, &model, arena, note);
}

static enum err choose_mode(struct choices *choices, struct err_note *note)
{
    double hundredths = round(choices->pacing * 100);

    choices->options.customer_first = choices->mode == MODE_CUSTOMER_FIRST;
    if (!choices->options.customer_first && (choices->pacing > 0 || choices->options.reserve))
        return FAIL(note, ERR_USAGE, "%s is of --mode customer_first; give that too",
                    choices->pacing > 0 ? "--pacing" : "--reserve");
    if (fabs(choices->pacing * 100 - hundredths) > 1e-6)
        return FAIL(note, ERR_USAGE, "--pacing %g has more than two decimals (rule 7.2)",
                    choices->pacing);
    choices->options.pacing_hundredths =
        hundredths > 0 ? (uint32_t)hundredths : (uint32_t)LIMIT_PACING_HUNDREDTHS_DEFAULT;
    return ERR_OK;
}

static const struct arg_example examples[] = {
    {"simulate calls.csv --offer-after 90s --accept 0.4 --story", "What it would have been like."},
    {"simulate calls.csv --record day.log --json", "The same day as a topic log, to replay."},
    {NULL, NULL},
};

enum err cmd_simulate(struct command_context *context, int argc, char **argv, struct err_note *note)
{
    struct choices choices = {
        .options = {.offer_after_ms = 60000, .accept = 0.5, .answer = 0.8, .seed = 1, .domains = 1},
        .zone = "UTC",
        .partitions = 1};
    const struct arg_flag flags[] = {
        ARGS_DURATION("offer-after", "TIME", &choices.options.offer_after_ms, 0, 86400000,
                      "in the queue until a callback is offered"),
        ARGS_DOUBLE("accept", "PART", &choices.options.accept, 0, 1, "of those asked who take it"),
        ARGS_DOUBLE("answer", "PART", &choices.options.answer, 0, 1, "of dials that are answered"),
        ARGS_INT("retries", "N", &choices.options.retries, 0, 20, "dials again if nobody answers"),
        ARGS_CHOICE("mode", "agent_first|customer_first", &choices.mode,
                    "who is called first (chapters 6 and 7)"),
        ARGS_DOUBLE("pacing", "X", &choices.pacing, 1, 10,
                    "customer first: dials at a time for ten agents, at least one; 1"),
        ARGS_SWITCH("reserve", &choices.options.reserve,
                    "customer first: keep the agent that a dial counts on (7.3)"),
        ARGS_INT("seed", "N", &choices.options.seed, 0, INT64_MAX, "of all draws"),
        ARGS_TEXT("zone", "ZONE", &choices.zone, "of the file's times, an IANA name"),
        ARGS_TEXT("map", "NAME=COLUMN,...", &choices.map, "what columns and words are called"),
        ARGS_SWITCH("story", &choices.story, "and one callback's life in ten lines"),
        ARGS_INT("domains", "N", &choices.options.domains, 1, 10000,
                 "the file N times, as domains bank-0001, ..., each with draws of its own"),
        ARGS_FILE("record", "LOG", &choices.record, "write the input topics as a topic log"),
        ARGS_FILE("outputs", "LOG", &choices.outputs, "write what the engine answered"),
        ARGS_INT("partitions", "P", &choices.partitions, 1, 1000, "of the recorded topics"),
        ARGS_END,
    };
    struct arena arena;
    struct args args;
    enum err err;

    arena_init(&arena);
    err = args_parse(&(struct args_spec){.positional = "CALLS.csv",
                                         .text = arena_format(&arena, "%s%s%s", model_text,
                                                              sim_csv_help(&arena), more_text),
                                         .flags = flags,
                                         .examples = examples,
                                         .positional_min = 1,
                                         .positional_max = 1,
                                         .offer = ARG_OFFER_FILES,
                                         .json = ARGS_JSON},
                     context, argc, argv, &args, note);
    command_catch_signals();
    if (err == ERR_OK)
        err = choose_mode(&choices, note);
    if (err == ERR_OK)
        err = simulate(context, &choices, args.values[0], &arena, note);
    arena_deinit(&arena);
    return err;
}
