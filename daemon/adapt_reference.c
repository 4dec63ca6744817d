/* docs/adapters.md, from the tables. */
#include "daemon/adapt_table.h"

static const char head[] =
    "# Adapters\n"
    "\n"
    "Made from the program's own tables by `ringback adapt reference`; do not edit.\n"
    "\n"
    "`ringback adapt` turns events of three platforms into the inputs `interactions`, `presence` "
    "and\n"
    "`flows`. It reads JSON lines from a file, from standard input or from a Kafka topic, and "
    "writes\n"
    "a topic log, for a look and for `ringback replay`, or sends to the topics:\n"
    "\n"
    "```\n"
    "ringback adapt genesys events.jsonl --log inputs.log      # a file, to a log\n"
    "ringback adapt twilio events.jsonl --json                 # only what would not be mapped\n"
    "ringback adapt connect --from-topic connect.events --follow --to-topics --config "
    "ringback.yaml\n"
    "```\n"
    "\n"
    "What brings the platform's events there is the platform's own: a rule of EventBridge, a "
    "Kinesis\n"
    "consumer, an HTTP endpoint or a Kafka connector. Contact and agent events of Connect may be\n"
    "mixed in one stream. A line may also be a list of events.\n"
    "\n"
    "## What it does not do\n"
    "\n"
    "- **Requests.** Create Callback, LeaveVoicemail and the like have answers: the flow sends "
    "them to\n"
    "  `flows` itself, with the ids of its platform for queue, interaction and conversation, in "
    "the\n"
    "  domain that the adapter gives, and reads `results`.\n"
    "- **Attempts.** Whoever places our calls reports them by attempt id. Outbound calls of agents "
    "are\n"
    "  no live interactions; calls that a campaign or an API brings into a queue are.\n"
    "- **Settings.** Queues and agents, by the platform's ids, are named in the settings file\n"
    "  ([settings.md](settings.md)); their skills and capacity too.\n"
    "\n"
    "## What holds\n"
    "\n"
    "- **Nothing is remembered.** A message is made of one event alone. Its id is the event's id "
    "and\n"
    "  what of it the message is (`...:entered`), so a repeated event is a repeated message. The\n"
    "  version of an interaction is 8 x its time in ms + a rank: within a millisecond Left,\n"
    "  Entered, Alerting, Connected, WrapUpStarted, WrapUpEnded, Ended. Presence has no versions: "
    "times\n"
    "  of changes are compared (rule 5.7).\n"
    "- So it may be killed, started anew, or run twice: what is repeated, or comes after newer "
    "news\n"
    "  of the same interaction or fact, changes nothing. With `--from-topic` and `--to-topics` it "
    "is\n"
    "  at least once: the group's position is told when what was made is with the broker. With\n"
    "  `--log` every run reads the topic from its beginning.\n"
    "- **Not held:** two changes of one kind of one interaction within one millisecond count as\n"
    "  one. What a platform does not deliver is missing; `call_ttl`, `live_wait_ttl` and\n"
    "  `presence_ttl` bound what that does (rule 12.7). Times are the platform's.\n"
    "- A `traceparent` of the event (CloudEvents), or of its Kafka record, is passed on.\n"
    "- Of a telephone number `tel:`, or `sip:` and what follows `@`, is taken off; what is then "
    "no\n"
    "  number counts as withheld.\n"
    "- The key is the domain, partitions are those of the option `partitioner`, timestamps are "
    "the\n"
    "  event's. A broker deletes what is older than its topics are kept: for events of long ago "
    "make\n"
    "  them by `ringback topics --for-replay`.\n"
    "- **Nothing is silent.** What is not mapped is counted by type and reason: known types that "
    "are\n"
    "  nothing here, types that are not known, values that are not known. Lines that cannot be "
    "read\n"
    "  (cut, no UTF-8, too deep, over 1 MiB) and events that lack what their row needs are named "
    "with\n"
    "  their line and make the exit code 1 at the end; all the rest is done. An optional field "
    "that\n"
    "  cannot be used is left out, and counted.\n";

static void cell(FILE *out, const char *text)
{
    for (; *text != '\0'; text++)
        fprintf(out, *text == '|' ? "\\|" : "%c", *text);
}

/* "`a`, else `b`" */
static void print_paths(FILE *out, const char *paths)
{
    for (;;) {
        size_t size = strcspn(paths, "|");

        fprintf(out, "`%.*s`", (int)size, paths);
        if (paths[size] == '\0')
            return;
        fputs(", else ", out);
        paths += size + 1;
    }
}

/* "`A`, `B`" */
static void print_texts(FILE *out, const char *texts)
{
    for (;;) {
        size_t size = strcspn(texts, "|");

        if (size == 0)
            fputs("missing", out);
        else if (strncmp(texts, "*", size) == 0)
            fputs("any other", out);
        else
            fprintf(out, "`%.*s`", (int)size, texts);
        if (texts[size] == '\0')
            return;
        fputs(", ", out);
        texts += size + 1;
    }
}

static void print_when(FILE *out, const struct adapt_when *when)
{
    if (when->holds != NULL) {
        cell(out, when->said);
        return;
    }
    print_paths(out, when->path);
    if (when->there || (when->is_not != NULL && when->is_not[0] == '\0')) {
        fputs(" is there", out);
        return;
    }
    fputs(when->is != NULL ? " is " : " is not ", out);
    print_texts(out, when->is != NULL ? when->is : when->is_not);
}

static void print_whens(FILE *out, const struct adapt_row *row)
{
    const char *between = "";

    if (row->each != NULL) {
        fprintf(out, "for each of `%s`", row->each);
        between = "; ";
    }
    for (size_t i = 0; i < adapt_whens_max; i++) {
        if (row->when[i].path == NULL && row->when[i].holds == NULL)
            continue;
        fputs(between, out);
        print_when(out, &row->when[i]);
        between = "; ";
    }
    if (between[0] == '\0')
        fputs("always", out);
}

static bool one_value(const struct adapt_field *field)
{
    return field->values != NULL && strcmp(field->values[0].text, "*") == 0;
}

static bool used(const struct adapt_field *field)
{
    return field->from != NULL || field->make != NULL || field->said != NULL;
}

static void print_field(FILE *out, const struct adapt_field *field)
{
    fprintf(out, "`%s`: ", adapt_to_said[field->to]);
    if (one_value(field)) {
        fputs(field->values[0].said, out);
        return;
    }
    if (field->said != NULL)
        cell(out, field->said);
    else
        print_paths(out, field->from);
    if (field->tail)
        fputs(", after its last `/`", out);
}

static void print_row(FILE *out, const struct adapt_row *row)
{
    const char *between = "";

    fprintf(out, "| `%s` | ", row->event);
    print_whens(out, row);
    fprintf(out, " | %s | ", adapt_kind_said[row->kind]);
    for (size_t i = 0; i < adapt_fields_max && used(&row->fields[i]); i++) {
        fputs(between, out);
        print_field(out, &row->fields[i]);
        between = "<br>";
    }
    if (row->why != NULL) {
        fputs("<br>", out);
        cell(out, row->why);
    }
    fputs(" |\n", out);
}

static void print_mapped(FILE *out, const struct adapt_platform *platform)
{
    fputs("\n| Event | When | Becomes | Field by field |\n|---|---|---|---|\n", out);
    for (const struct adapt_row *row = platform->rows; row->event != NULL; row++)
        if (row->kind != ADAPT_NOTHING)
            print_row(out, row);
}

static void print_unmapped(FILE *out, const struct adapt_platform *platform)
{
    fputs("\nNot mapped, and counted with this reason:\n\n| Event | Why |\n|---|---|\n", out);
    for (const struct adapt_row *row = platform->rows; row->event != NULL; row++) {
        if (row->kind != ADAPT_NOTHING)
            continue;
        fprintf(out, "| `%s`%s | ", row->event, row->otherwise ? ", else" : "");
        cell(out, row->why);
        fputs(" |\n", out);
    }
}

/* A map is printed where it is used first. */
static bool seen_before(const struct adapt_platform *platform, const struct adapt_row *until,
                        size_t until_field)
{
    const struct adapt_field *wanted = &until->fields[until_field];

    for (const struct adapt_row *row = platform->rows;; row++)
        for (size_t i = 0; i < adapt_fields_max; i++) {
            if (row == until && i == until_field)
                return false;
            if (row->fields[i].values == wanted->values && row->fields[i].to == wanted->to)
                return true;
        }
}

static void print_map(FILE *out, const struct adapt_field *field)
{
    for (const struct adapt_value *value = field->values; value->text != NULL; value++) {
        fprintf(out, "| `%s` | ", adapt_to_said[field->to]);
        print_texts(out, value->text);
        fprintf(out, " | %s |\n", value->said);
    }
}

static void print_values(FILE *out, const struct adapt_platform *platform)
{
    fputs("\nValues; texts are compared without case, `_`, `-` and spaces:\n\n"
          "| Field | Theirs | Ours |\n|---|---|---|\n",
          out);
    for (const struct adapt_row *row = platform->rows; row->event != NULL; row++)
        for (size_t i = 0; i < adapt_fields_max; i++) {
            const struct adapt_field *field = &row->fields[i];

            if (field->values != NULL && !one_value(field) && !seen_before(platform, row, i))
                print_map(out, field);
        }
}

void adapt_print_reference(FILE *out)
{
    fputs(head, out);
    for (size_t i = 0; adapt_platforms[i] != NULL; i++) {
        const struct adapt_platform *platform = adapt_platforms[i];

        fprintf(out, "\n## %s\n\n`ringback adapt %s`. The domain is %s: ", platform->title,
                platform->name, platform->domain_said);
        print_paths(out, platform->domain_from);
        fprintf(out, ".\nPublished: %s.\n\n%s", platform->published, platform->intro);
        print_mapped(out, platform);
        print_values(out, platform);
        print_unmapped(out, platform);
    }
}
