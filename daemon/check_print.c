/* A story and what came of it in words; and the page of the format. */
#include <inttypes.h>
#include <string.h>

#include "daemon/check_run.h"
#include "daemon/value.h"

#include "ringback/v1/results.pb-c.h"

/* Whether the field says anything: what has its default is not told. */
static bool is_said(const struct check_field *field)
{
    size_t count;

    if (field->type->label == PROTOBUF_C_LABEL_REPEATED) {
        check_field_list(field, &count);
        return count > 0;
    }
    if (field->type->type == PROTOBUF_C_TYPE_STRING)
        return check_field_text(field)[0] != '\0';
    return check_field_number(field) != 0;
}

/* The nth of "a|b|c", from 1. */
static const char *choice_text(const char *choices, int64_t nth, struct arena *arena)
{
    for (; nth > 1 && strchr(choices, '|') != NULL; nth--)
        choices = strchr(choices, '|') + 1;
    return arena_format(arena, "%.*s", (int)strcspn(choices, "|"), choices);
}

static const char *list_text(const struct check_field *field, struct arena *arena)
{
    size_t count;
    char **list = check_field_list(field, &count);
    const char *text = "[";

    for (size_t at = 0; at < count; at++)
        text = arena_format(arena, "%s%s%s", text, at == 0 ? "" : ", ", list[at]);
    return arena_format(arena, "%s]", text);
}

static const char *field_text(const struct check_story *story, const struct check_param *param,
                              const struct check_field *field, struct arena *arena)
{
    char text[60];
    int64_t number;

    if (param->type == CHECK_TYPE_IDS)
        return list_text(field, arena);
    if (field->type->type == PROTOBUF_C_TYPE_STRING)
        return check_field_text(field);
    number = check_field_number(field);
    if (param->type == CHECK_TYPE_TIME)
        return check_time_text(story, number, arena);
    if (param->type == CHECK_TYPE_SWITCH)
        return number != 0 ? "on" : "off";
    if (param->type == CHECK_TYPE_REASON)
        return check_reason_name((int)number);
    if (param->type == CHECK_TYPE_CHOICE)
        return choice_text(param->choices, number, arena);
    if (param->type == CHECK_TYPE_DURATION)
        return arena_format(arena, "%s",
                            value_format_duration(param->unit == 0 ? number : number * param->unit,
                                                  text, sizeof(text)));
    return arena_format(arena, "%" PRId64, number);
}

static const char *answer_text(const Ringback__V1__Result *result, struct arena *arena)
{
    int reason = 0;
    const char *text = "";

    if (result->answer_case == RINGBACK__V1__RESULT__ANSWER_CALLBACK_REFUSED) {
        reason = (int)result->callback_refused->reason;
        text = result->callback_refused->text;
    } else if (result->answer_case == RINGBACK__V1__RESULT__ANSWER_COMMAND_REFUSED) {
        reason = (int)result->command_refused->reason;
        text = result->command_refused->text;
    } else if (result->answer_case == RINGBACK__V1__RESULT__ANSWER_SETTINGS_REFUSED) {
        reason = (int)result->settings_refused->reason;
        text = result->settings_refused->text;
    }
    if (reason == 0)
        return "answer: done";
    return arena_format(arena, "answer: %s: %s", check_reason_name(reason), text);
}

/* tAnswered and its like are times, nOffered counts: only one of the two words fits. */
static bool is_other_kind(const struct check_word *word, const struct check_output *output,
                          const struct check_param *param, struct arena *arena)
{
    struct check_field field;
    const struct check_param *metric = word->params;

    if (strcmp(word->event, "metric") != 0 || strcmp(param->field, "value") != 0)
        return false;
    if (!check_field(output, metric, &field))
        return false;
    return (choice_text(metric->choices, check_field_number(&field), arena)[0] == 't') !=
           (param->type == CHECK_TYPE_DURATION);
}

const char *check_output_text(const struct check_story *story, const struct check_result *result,
                              const struct check_output *output, struct arena *arena)
{
    const struct check_word *word = check_word_of(output);
    const char *text;

    if (output->topic == TOPIC_RESULTS)
        return answer_text((const Ringback__V1__Result *)output->message, arena);
    if (word == NULL)
        return output->type;
    text = arena_format(arena, "%s %s: %s", check_subject_word(word->subject),
                        check_about(result, word->subject, output), word->word);
    for (const struct check_param *param = word->params; param->key != NULL; param++) {
        struct check_field field;

        if (check_field(output, param, &field) && is_said(&field) &&
            !is_other_kind(word, output, param, arena))
            text = arena_format(arena, "%s, %s %s", text, param->key,
                                field_text(story, param, &field, arena));
    }
    return text;
}

/* --- the time line --- */

struct printer {
    const struct check_story *story;
    const struct check_result *result;
    FILE *out;
    struct arena arena;
    size_t fault;  /* the next */
    size_t output; /* the next */
};

static void line(struct printer *printer, int64_t at_ms, const char *mark, const char *text)
{
    fprintf(printer->out, "  %-16s %-8s %s\n",
            check_time_text(printer->story, at_ms, &printer->arena), mark, text);
}

/* Faults of what did not come have no output to stand at: they stand at their time. */
static void faults_before(struct printer *printer, int64_t at_ms)
{
    const struct check_result *result = printer->result;
    char text[700];

    for (; printer->fault < result->fault_count; printer->fault++) {
        const struct check_fault *fault = &result->faults[printer->fault];

        if (fault->at_ms >= at_ms)
            return;
        if (fault->line > 0)
            snprintf(text, sizeof(text), "%s (line %d)", fault->text, fault->line);
        else
            snprintf(text, sizeof(text), "%s", fault->text);
        line(printer, fault->at_ms, "WRONG", text);
    }
}

/* What is of no interest to a reader of the story: segments and metrics that nobody asked for. */
static bool is_told(const struct check_output *output)
{
    return output->expected || output->topic != TOPIC_ANALYTICS;
}

static void outputs_until(struct printer *printer, size_t end)
{
    const struct check_result *result = printer->result;

    for (; printer->output < end && printer->output < result->output_count; printer->output++) {
        const struct check_output *output = &result->outputs[printer->output];

        faults_before(printer, output->at_ms);
        if (is_told(output) && output->at_ms > printer->story->start_ms)
            line(printer, output->at_ms, output->expected ? "  ok" : "  came",
                 check_output_text(printer->story, result, output, &printer->arena));
    }
}

void check_print_story(const struct check_story *story, const struct check_result *result,
                       FILE *out)
{
    struct printer printer = {.story = story, .result = result, .out = out};

    arena_init(&printer.arena);
    for (size_t at = 0; at < story->event_count; at++) {
        outputs_until(&printer, result->decided[at]);
        faults_before(&printer, story->events[at].is.at_ms);
        line(&printer, story->events[at].is.at_ms, ">", story->events[at].is.text);
    }
    outputs_until(&printer, result->output_count);
    faults_before(&printer, INT64_MAX);
    arena_deinit(&printer.arena);
}

/* --- docs/scenarios.md --- */

static void print_type(const struct check_param *param, FILE *out)
{
    static const char *const types[] = {
        [CHECK_TYPE_ID] = "id",
        [CHECK_TYPE_TEXT] = "text",
        [CHECK_TYPE_NAME] = "name of a callback",
        [CHECK_TYPE_CALLER] = "name of a caller or callback",
        [CHECK_TYPE_IDS] = "list of ids",
        [CHECK_TYPE_SCORES] = "agents with their scores",
        [CHECK_TYPE_TIME] = "time",
        [CHECK_TYPE_LOCAL] = "local time",
        [CHECK_TYPE_DURATION] = "duration",
        [CHECK_TYPE_COUNT] = "number",
        [CHECK_TYPE_SWITCH] = "on, off",
        [CHECK_TYPE_REASON] = "code of [reasons](reasons.md)",
        [CHECK_TYPE_SETTINGS] = "as in [the settings file](settings.md)",
    };

    if (param->type != CHECK_TYPE_CHOICE) {
        fputs(types[param->type], out);
        return;
    }
    for (const char *at = param->choices; *at != '\0'; at++) {
        if (*at == '|')
            fputs(", ", out);
        else
            fputc(*at, out);
    }
}

static void print_params(const struct check_param *params, FILE *out)
{
    for (; params->key != NULL; params++) {
        fprintf(out, "| | `%s` | ", params->key);
        print_type(params, out);
        fprintf(out, "%s | %s |\n", params->required ? ", required" : "", params->help);
    }
}

static const char intro[] =
    "# Stories\n\n"
    "Made from the program's own tables by `ringback check --reference`; do not edit.\n\n"
    "A story is a YAML file that says how a call centre is set up, what happens when, and what\n"
    "must come out and when. `ringback check FILE.yaml...` tells it to the real engine, in the\n"
    "time of the story, without any server, and says whether everything came as expected. With it\n"
    "you can test your own settings before customers do. Those of the project are in\n"
    "[tests/scenarios](../tests/scenarios): one for each thing that the study note and the rules\n"
    "promise.\n\n"
    "```yaml\n"
    "story: A caller who will not wait is called back at her place in the line\n"
    "rules: [1.6, 1.9, 6.1]\n"
    "settings:\n"
    "  queues:\n"
    "    sales: {ani: \"+4930555000\", alerting_timeout: 20s}\n"
    "  agents:\n"
    "    anna: {}\n"
    "events:\n"
    "  - {at: 09:00:00, caller: dora, does: enter, queue: sales, number: \"+4917012345\"}\n"
    "  - {at: 09:02:00, caller: dora, does: ask_callback, queue: sales}\n"
    "  - {at: 09:05:00, agent: anna, does: ready, queues: [sales]}\n"
    "  - {at: 09:05:10, agent: anna, does: accept, callback: dora}\n"
    "  - {at: 09:05:30, agent: anna, does: dial, callback: dora}\n"
    "expect:\n"
    "  - {at: 09:05:00, callback: dora, is: offered, agent: anna, entered: 09:00:00}\n"
    "  - {at: 09:05:30, callback: dora, is: dialled, number: \"+4917012345\","
    " caller_id: \"+4930555000\"}\n"
    "```\n\n"
    "## The file\n\n"
    "| Key | What it is |\n"
    "|---|---|\n"
    "| `story` | What it shows, in one sentence. Required. |\n"
    "| `about` | More words, for readers. |\n"
    "| `rules` | List of the numbers in [the rule book](rules.md) that it shows. |\n"
    "| `date` | Day 1 of the story, `2026-03-02`. Without it 2026-01-05, a Monday. |\n"
    "| `zone` | IANA time zone of its times. Without it UTC. |\n"
    "| `domain` | The domain. Without it `shop`; needed where `settings` names a file. |\n"
    "| `options` | Options of the daemon that decide, as in [the configuration](CONFIG.md). |\n"
    "| `settings` | What stands under a domain in [the settings file](settings.md), or the name of"
    " such a file, seen from the story. Required. |\n"
    "| `events` | What happens: a list, see below. Required. |\n"
    "| `expect` | What must come out: a list, see below; `[]` if nothing. Required. |\n"
    "| `complete` | Words of which all must be expected; without it those marked * below:"
    " one that comes and is not in `expect` is wrong. `[]` for none. |\n"
    "| `until` | How long the story goes on; without it to the last time that it names. |\n\n"
    "Times are `09:01:30`, `09:01:30.250`, `day 3 09:01:30` or `2026-03-04 09:01:30`. What "
    "happens\n"
    "at one time is decided in the order settings, interactions, presence, flows, commands, and "
    "in\n"
    "each as it is written; deadlines of that time come last. The settings hold from a second\n"
    "before the first event.\n\n"
    "## What happens\n\n"
    "Each event has `at`, who it is with an id (`agent: anna`), `does`, and the words below it.\n"
    "Agents and queues are those of the settings; a caller or a callback is whatever the story\n"
    "calls it. A request (marked ?) may say which `answer` must come: `done` (without it) or a "
    "code\n"
    "of [reasons](reasons.md); and its own `request` id, to ask twice.\n\n"
    "| Who does what | Word | Value | What it is |\n"
    "|---|---|---|---|\n";

static const char outro[] =
    "\n## What comes out\n\n"
    "Each has `at`, whom it is about (`callback: dora`), `is`, and those of the words below that\n"
    "matter: what is not named may be anything; `none` is an empty text. `never` instead of `is`\n"
    "says what must not come, at any time, or `from` and `to`.\n\n"
    "| Who is what | Word | Value | What it is |\n"
    "|---|---|---|---|\n";

static const char servers[] =
    "\n## On real servers\n\n"
    "`ringback check --live FILE.yaml...` tells the same inputs to the real daemon. On the Kafka "
    "of\n"
    "`kafka.bootstrap.servers` it makes topics for them, runs the daemon in the same process with\n"
    "`clock: event` and its copy in the Redis of `redis.url`, stops and starts it on the way\n"
    "(`--restarts N`), and reads what it wrote: that must be as the story expects, and as the\n"
    "engine alone said, byte for byte. All stories of one command stand on the same topics, each\n"
    "with a domain of its own. Topics and keys are removed afterwards, nothing else is touched.\n"
    "The options of the servers are given as for `ringback run`; those that decide stand in the\n"
    "story.\n";

static const char failing[] =
    "\n## When a story fails\n\n"
    "The whole time line is printed: `>` what happened, `ok` what came as expected, `came` what\n"
    "else came, `WRONG` what did not come, came and should not, or was answered otherwise, with\n"
    "the line of the file. The exit code is 3; 1 if a file cannot be read. `--verbose` prints the\n"
    "time line of stories that hold, too; `--json` prints everything for machines.\n";

void check_print_reference(FILE *out)
{
    fputs(intro, out);
    for (const struct check_verb *verb = check_verbs; verb->word != NULL; verb++) {
        fprintf(out, "| `%s` does `%s`%s | | | %s |\n", check_subject_word(verb->subject),
                verb->word, verb->asks || verb->may_ask ? " ?" : "", verb->help);
        print_params(verb->params, out);
    }
    fputs(outro, out);
    for (const struct check_word *word = check_words; word->word != NULL; word++) {
        fprintf(out, "| `%s` is `%s`%s | | | %s |\n", check_subject_word(word->subject), word->word,
                word->strict ? " *" : "", word->help);
        print_params(word->params, out);
    }
    fputs(servers, out);
    fputs(failing, out);
}
