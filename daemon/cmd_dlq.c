/* ringback dlq: dead letters counted, looked into, and sent again when what was wrong is mended. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "daemon/args.h"
#include "daemon/columns.h"
#include "daemon/dead_letters.h"
#include "daemon/log_json.h"
#include "daemon/topic_walk.h"

struct flags {
    const char *input;
    const char *reason;
    const char *key;
    bool all;
    bool resent;
    bool dry;
    int64_t max;
};

/* --- list --- */

struct group {
    enum input input;
    char reason[dead_reason_bytes];
    size_t open, resent;
    int64_t first_ms, last_ms; /* of the open ones; 0: none */
};

struct groups {
    struct group items[dead_choices_max];
    size_t count;
};

static struct group *group_of(struct groups *groups, const struct dead_letter *letter)
{
    struct group *group;

    for (size_t at = 0; at < groups->count; at++) {
        group = &groups->items[at];
        if (group->input == letter->place.input && strcmp(group->reason, letter->reason) == 0)
            return group;
    }
    if (groups->count == dead_choices_max) /* reasons are a handful; the rest goes with the last */
        return &groups->items[dead_choices_max - 1];
    group = &groups->items[groups->count++];
    *group = (struct group){.input = letter->place.input};
    snprintf(group->reason, sizeof(group->reason), "%s", letter->reason);
    return group;
}

static void count_letters(const struct dead_letters *letters, const struct dead_choice *choice,
                          struct groups *groups)
{
    struct dead_choice any = *choice;

    groups->count = 0;
    any.resent = true;
    for (size_t at = 0; at < letters->count; at++) {
        const struct dead_letter *letter = &letters->items[at];
        struct group *group;

        if (!dead_letter_chosen(letter, &any))
            continue;
        group = group_of(groups, letter);
        group->resent += letter->resent;
        group->open += !letter->resent;
        if (letter->resent)
            continue;
        if (group->first_ms == 0 || letter->timestamp_ms < group->first_ms)
            group->first_ms = letter->timestamp_ms;
        if (letter->timestamp_ms > group->last_ms)
            group->last_ms = letter->timestamp_ms;
    }
}

static const char *time_words(int64_t at_ms, char *text)
{
    return at_ms == 0 ? "-" : clock_format(at_ms, text);
}

static void print_groups(const struct command_context *context, const struct groups *groups)
{
    struct columns *table = columns_create(context, "INPUT|REASON|>OPEN|>RESENT|FIRST|LAST");
    char first[40], last[40];
    size_t open = 0, resent = 0;

    for (size_t at = 0; at < groups->count; at++) {
        const struct group *group = &groups->items[at];

        columns_add(table, TINT_PLAIN, topic_short_name((enum topic)group->input));
        columns_add(table, TINT_PLAIN, group->reason);
        columns_format(table, group->open > 0 ? TINT_BAD : TINT_PLAIN, "%zu", group->open);
        columns_format(table, TINT_PLAIN, "%zu", group->resent);
        columns_add(table, TINT_PLAIN, time_words(group->first_ms, first));
        columns_add(table, TINT_PLAIN, time_words(group->last_ms, last));
        open += group->open;
        resent += group->resent;
    }
    columns_print(table, false);
    fprintf(context->out, "%zu dead letters are open, %zu were sent again%s\n", open, resent,
            open > 0 ? "; `ringback dlq show` prints what is in them" : "");
}

static void print_groups_json(struct command_context *context, const struct groups *groups)
{
    json_t *list = json_array();

    for (size_t at = 0; at < groups->count; at++) {
        const struct group *group = &groups->items[at];

        json_array_append_new(list, json_pack("{s:s, s:s, s:I, s:I, s:I, s:I}", "input",
                                              topic_short_name((enum topic)group->input), "reason",
                                              group->reason, "open", (json_int_t)group->open,
                                              "resent", (json_int_t)group->resent, "first_ms",
                                              (json_int_t)group->first_ms, "last_ms",
                                              (json_int_t)group->last_ms));
    }
    command_print_json(context, list);
}

static enum err list(struct command_context *context, const struct options *options,
                     const struct dead_choice *choice, struct err_note *note)
{
    static struct groups groups;
    struct dead_letters letters;
    enum err err = dead_letters_read(&letters, options, note);

    if (err == ERR_OK) {
        count_letters(&letters, choice, &groups);
        if (context->json)
            print_groups_json(context, &groups);
        else
            print_groups(context, &groups);
    }
    dead_letters_deinit(&letters);
    return err;
}

/* --- show --- */

struct printer {
    struct command_context *context;
    const struct framing *framing;
    struct arena arena; /* of one letter */
    int64_t left;       /* so many more */
};

/* The varint at *at; false: it is none. */
static bool read_varint(struct slice bytes, size_t *at, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; shift < 64 && *at < bytes.size; shift += 7) {
        uint8_t byte = bytes.data[(*at)++];

        *value |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0)
            return true;
    }
    return false;
}

/* Where the field that begins at `at` ends; 0: it is not whole, or none. */
static size_t field_end(struct slice bytes, size_t at)
{
    uint64_t tag, size = 0;

    if (!read_varint(bytes, &at, &tag) || tag >> 3 == 0)
        return 0;
    switch (tag & 7) {
    case 0: return read_varint(bytes, &at, &size) ? at : 0;
    case 1: size = 8; break;
    case 2:
        if (!read_varint(bytes, &at, &size))
            return 0;
        break;
    case 5: size = 4; break;
    default: return 0;
    }
    return size <= bytes.size - at ? at + (size_t)size : 0;
}

/* The most of its fields, from the first on, that can be read as what they should be; how many
 * bytes that is. NULL: not even the first. */
static const ProtobufCMessage *read_prefix(const struct framing *framing,
                                           const struct record *record, struct arena *arena,
                                           size_t *read)
{
    enum { tries_max = 64 };
    size_t ends[tries_max], count = 0;
    struct slice bytes = framing_message(framing, record->topic, record->value);
    struct record part = {.value = bytes};

    if (bytes.data == NULL)
        return NULL;
    for (size_t end = 0; (end = field_end(bytes, end)) != 0;) {
        ends[count++ % tries_max] = end;
        if (end == bytes.size)
            break;
    }
    for (size_t tried = 0; tried < tries_max && tried < count; tried++) {
        const ProtobufCMessage *message;

        part.value.size = ends[(count - 1 - tried) % tries_max];
        message = log_json_unpack(NULL, record->topic, &part, arena);
        if (message != NULL) {
            *read = record->value.size - bytes.size + part.value.size;
            return message;
        }
    }
    return NULL;
}

static json_t *letter_json(const struct framing *framing, const struct dead_content *content,
                           struct arena *arena)
{
    const struct dead_letter *letter = content->letter;
    const struct record *record = &content->record;
    json_t *json = log_json_record(framing, slice_text(topic_short_name(record->topic)),
                                   record->topic, record, arena);
    const ProtobufCMessage *message;
    size_t read;

    /* Whose it is, and why, first; then the record as `decode` has it. */
    (void)json_object_set_new(
        json, "place",
        json_string(arena_format(arena, "%s/%" PRId32 "/%" PRId64,
                                 topic_short_name((enum topic)letter->place.input),
                                 letter->place.partition, letter->place.offset)));
    (void)json_object_set_new(json, "reason", json_string(letter->reason));
    (void)json_object_set_new(json, "message", json_string(content->message));
    (void)json_object_set_new(json, "from", json_string(content->from));
    (void)json_object_set_new(json, "resent", json_boolean(letter->resent));
    (void)json_object_set_new(json, "bytes", json_integer((json_int_t)content->bytes));
    if (json_is_object(json_object_get(json, "value")))
        return json;
    message = read_prefix(framing, record, arena, &read);
    if (message != NULL) {
        (void)json_object_set_new(json, "read_bytes", json_integer((json_int_t)read));
        (void)json_object_set_new(json, "read", log_json_message(message));
    }
    return json;
}

static void print_value(const struct dead_content *content, const json_t *json, FILE *out)
{
    const json_t *whole = json_object_get(json, "value"), *part = json_object_get(json, "read");
    const char *hex = json_string_value(json_object_get(json, "value_hex"));
    char *text = json_dumps(json_is_object(whole) ? whole : part, JSON_COMPACT);

    if (json_is_object(whole))
        fprintf(out, "  %s\n", text);
    else if (part != NULL)
        fprintf(out, "  %s\n  ... readable up to byte %lld of %" PRIu64 "; the rest: %s\n", text,
                (long long)json_integer_value(json_object_get(json, "read_bytes")), content->bytes,
                hex == NULL ? ""
                            : hex + 2 * json_integer_value(json_object_get(json, "read_bytes")));
    else if (hex != NULL)
        fprintf(out, "  %s\n", hex);
    else
        fprintf(out, "  no value\n");
    free(text);
}

static enum err print_letter(void *context, const struct dead_content *content,
                             struct err_note *note)
{
    struct printer *printer = context;
    FILE *out = printer->context->out;
    char time[40];
    json_t *json;

    if (printer->left-- == 0)
        return ERR_END;
    arena_reset(&printer->arena);
    json = letter_json(printer->framing, content, &printer->arena);
    if (printer->context->json) {
        (void)json_dumpf(json, out, JSON_COMPACT);
        (void)fputc('\n', out);
    } else {
        fprintf(out, "%s  %s  %s%s\n  %s\n  from %s, key %s, %zu headers, %" PRIu64 " bytes%s\n",
                json_string_value(json_object_get(json, "place")),
                clock_format(content->letter->timestamp_ms, time), content->letter->reason,
                content->letter->resent ? ", sent again" : "", content->message, content->from,
                json_is_string(json_object_get(json, "key"))
                    ? json_string_value(json_object_get(json, "key"))
                    : "none",
                content->record.header_count, content->bytes,
                content->letter->whole ? "" : ", cut");
        print_value(content, json, out);
    }
    json_decref(json);
    return ferror(out) ? FAIL(note, ERR_IO, "standard output cannot be written") : ERR_OK;
}

static enum err show(struct command_context *context, const struct options *options,
                     const struct dead_choice *choice, const struct flags *flags,
                     struct err_note *note)
{
    struct printer printer = {.context = context, .framing = &options->framing, .left = flags->max};
    struct dead_letters letters;
    enum err err = dead_letters_read(&letters, options, note);

    arena_init(&printer.arena);
    if (err == ERR_OK)
        err = dead_letters_walk(&letters, choice, print_letter, &printer, note);
    if (err == ERR_END)
        fprintf(context->err, "the first %" PRId64 "; more with --max\n", flags->max);
    arena_deinit(&printer.arena);
    dead_letters_deinit(&letters);
    return err == ERR_END ? ERR_OK : err;
}

/* --- resend --- */

static enum err resend(struct command_context *context, const struct options *options,
                       const struct dead_choice *choice, const struct flags *flags,
                       struct err_note *note)
{
    struct dead_resent resent = {0};
    enum err err;

    if (choice->place_count == 0 && flags->input == NULL && flags->reason == NULL && !flags->all)
        return FAIL(note, ERR_USAGE, "which ones? Give places, --input, --reason or --all");
    err = dead_letters_resend(options, choice, flags->key, flags->dry, &resent, note);
    if (context->json && (err == ERR_OK || resent.sent > 0))
        command_print_json(context, json_pack("{s:I, s:I, s:I}", "sent", (json_int_t)resent.sent,
                                              "cut", (json_int_t)resent.cut, "without_key",
                                              (json_int_t)resent.keyless));
    if (!context->json && (err == ERR_OK || resent.sent > 0))
        fprintf(context->out, "%zu dead letters %s again\n", resent.sent,
                flags->dry ? "would be sent" : "were sent");
    if (!context->json && resent.cut > 0)
        fprintf(context->out, "%zu were not: their values are cut (dlq_bytes_max)\n", resent.cut);
    if (!context->json && resent.keyless > 0)
        fprintf(context->out, "%zu were not: they have no domain; give it with --key\n",
                resent.keyless);
    return err;
}

/* --- the command --- */

static enum err choose(const struct args *args, const struct flags *flags,
                       struct dead_place *places, struct dead_choice *choice, struct err_note *note)
{
    *choice = (struct dead_choice){.reason = flags->reason,
                                   .inputs = (UINT64_C(1) << INPUT_COUNT) - 1,
                                   .places = places,
                                   .resent = flags->resent};
    if (flags->input != NULL)
        TRY(topic_walk_parse("--input", flags->input, &choice->inputs, note));
    if (choice->inputs >> INPUT_COUNT != 0)
        return FAIL(note, ERR_USAGE, "--input: \"%s\" names topics that are no inputs",
                    flags->input);
    for (int at = 0; at < args->count; at++)
        TRY(dead_place_parse(args->values[at], &places[choice->place_count++], note));
    return ERR_OK;
}

enum task { TASK_LIST, TASK_SHOW, TASK_RESEND };

static const struct arg_task tasks[] = {
    [TASK_LIST] = {.name = "list",
                   .help = "Count them by input and reason, open and sent again",
                   .positional = "[PLACE...]",
                   .positional_max = dead_choices_max,
                   .json = ARGS_JSON},
    [TASK_SHOW] =
        {.name = "show",
         .help = "Print them, with their values as far as they can be decoded",
         .text =
             "Prints reason, message, where the record was, its key, and its value decoded as far\n"
             "as it goes.\n",
         .positional = "[PLACE...]",
         .positional_max = dead_choices_max,
         .json = ARGS_JSON_LINES},
    [TASK_RESEND] =
        {.name = "resend",
         .help = "Send the records to their inputs once more",
         .text =
             "Sends the records with their own keys, times and headers, when what was wrong is\n"
             "mended: a newer program, the right partition, a larger max.message.bytes; each "
             "once,\n"
             "however often it is called and interrupted.\n",
         .positional = "[PLACE...]",
         .positional_max = dead_choices_max,
         .json = ARGS_JSON},
    {.name = NULL},
};

static const char help[] =
    "PLACE is INPUT/PARTITION/OFFSET of the dead letter, as show prints it: flows/0/17.\n"
    "Reasons: UNDECODABLE, NO_DOMAIN, WRONG_PARTITION, LIMIT, TIME, UNCOMMITTABLE, UNKNOWN_KIND.\n"
    "Which were sent again stands on the dead-letter topics themselves.\n";

static const struct arg_example examples[] = {
    {"dlq list", "How many there are, of which input and why."},
    {"dlq show --input flows --max 10", "The first ten of one input."},
    {"dlq resend --reason UNKNOWN_KIND --dry-run", "How many would be sent once more."},
    {NULL, NULL},
};

enum err cmd_dlq(struct command_context *context, int argc, char **argv, struct err_note *note)
{
    static struct options options;
    static struct dead_place places[dead_choices_max];
    struct flags flags = {.max = 100};
    const struct arg_flag table[] = {
        ARGS_WORDS("input", "NAME,...", "settings|interactions|presence|flows|commands",
                   &flags.input, "only of these inputs: flows,commands"),
        ARGS_WORDS("reason", "REASON",
                   "UNDECODABLE|NO_DOMAIN|WRONG_PARTITION|LIMIT|TIME|UNCOMMITTABLE|UNKNOWN_KIND",
                   &flags.reason, "only of this reason"),
        ARGS_OF("show"),
        ARGS_SWITCH("resent", &flags.resent, "also those that were sent again"),
        ARGS_INT("max", "N", &flags.max, 1, 1000000000, "at most so many"),
        ARGS_OF("resend"),
        ARGS_TEXT("key", "DOMAIN", &flags.key, "the domain of those that have none"),
        ARGS_SWITCH("all", &flags.all, "all that are open"),
        ARGS_SWITCH("dry-run", &flags.dry, "count what would be sent, send nothing"),
        ARGS_END,
    };
    const struct args_spec spec = {
        .text = help,
        .flags = table,
        .tasks = tasks,
        .examples = examples,
        .options = true,
    };
    struct dead_choice choice;
    struct args args;
    enum err err;

    TRY(args_parse(&spec, context, argc, argv, &args, note));
    TRY(choose(&args, &flags, places, &choice, note));
    command_option_first(context, "log.level", "error");
    err = options_load(&options, context, note);
    if (err == ERR_OK) {
        options_log(&options);
        command_catch_signals();
        if (args.task == TASK_LIST)
            err = list(context, &options, &choice, note);
        else if (args.task == TASK_SHOW)
            err = show(context, &options, &choice, &flags, note);
        else
            err = resend(context, &options, &choice, &flags, note);
    }
    options_deinit(&options);
    return err;
}
