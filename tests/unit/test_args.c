/* daemon/args, daemon/value, daemon/command, base/near: the command line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/near.h"
#include "base/version.h"
#include "daemon/args.h"
#include "daemon/command.h"

enum { hour_ms = 3600000 };

struct probe_args {
    bool dry_run;
    bool follow;
    const char *file;
    int64_t count;
    double factor;
    int64_t after_ms;
    int64_t buffer_bytes;
    struct value_rate speed;
    int mode;
};

static struct probe_args probe;
static struct args probe_rest;
static bool probe_options;
static enum err probe_result;

static enum err probe_main(struct command_context *context, int argc, char **argv,
                           struct err_note *note)
{
    const struct arg_flag flags[] = {
        ARGS_SWITCH("dry-run", &probe.dry_run, "change nothing"),
        ARGS_SWITCH("follow", &probe.follow, "go on at the end"),
        ARGS_TEXT("file", "FILE", &probe.file, "where to write"),
        ARGS_INT("count", "N", &probe.count, 1, 20, "how many"),
        ARGS_DOUBLE("factor", "X", &probe.factor, 0, 1, "how much"),
        ARGS_DURATION("after", "TIME", &probe.after_ms, 0, hour_ms, "how late"),
        ARGS_SIZE("buffer", "SIZE", &probe.buffer_bytes, 1024, 1 << 30, "how large"),
        ARGS_RATE("speed", "SPEED", &probe.speed, "how fast"),
        ARGS_CHOICE("mode", "wall|event", &probe.mode, "which clock"),
        ARGS_END,
    };
    const struct args_spec spec = {.positional = "IN [OUT]",
                                   .text = "More words.\n",
                                   .flags = flags,
                                   .positional_min = 1,
                                   .positional_max = 2,
                                   .json = ARGS_JSON,
                                   .options = probe_options};

    TRY(args_parse(&spec, context, argc, argv, &probe_rest, note));
    if (probe_result == ERR_IO)
        return FAIL(note, ERR_IO, "disk full");
    return probe_result;
}

static struct args jobs_rest;
static const char *jobs_name;

static enum err jobs_main(struct command_context *context, int argc, char **argv,
                          struct err_note *note)
{
    static const struct arg_task tasks[] = {
        {.name = "list", .help = "List them", .json = ARGS_JSON},
        {.name = "show",
         .help = "Show one",
         .text = "Every line of it.\n",
         .positional = "ID",
         .positional_min = 1,
         .positional_max = 1,
         .json = ARGS_JSON_LINES},
        {.name = "wipe", .help = "Wipe all"},
        {.name = NULL},
    };
    static const struct arg_exit exits[] = {{3, "there is none"}, {0, NULL}};
    static const struct arg_example examples[] = {
        {"jobs list", "All of them."},
        {"jobs show j1", "One of them."},
        {NULL, NULL},
    };
    bool all = false, loud = false, yes = false;
    const struct arg_flag flags[] = {
        ARGS_TEXT("name", "NAME", &jobs_name, "whose"), ARGS_OF("list|show"),
        ARGS_SWITCH("all", &all, "ended ones too"),     ARGS_OF("show"),
        ARGS_SWITCH("loud", &loud, "in capitals"),      ARGS_OF("wipe"),
        ARGS_SWITCH("yes", &yes, "without asking"),     ARGS_END,
    };
    const struct args_spec spec = {.text = "What holds for all.\n",
                                   .flags = flags,
                                   .tasks = tasks,
                                   .exits = exits,
                                   .examples = examples};

    jobs_name = NULL;
    TRY(args_parse(&spec, context, argc, argv, &jobs_rest, note));
    if (probe_result == ERR_DIFFERENT)
        command_print_json(context, json_pack("{s:i}", "left", 1));
    return probe_result == ERR_OK ? ERR_OK : FAIL(note, probe_result, "no \"job\"");
}

static const struct command table[] = {
    {"probe", COMMAND_FILES, "Probe things", probe_main},
    {"replay", COMMAND_FILES, "Another", probe_main},
    {"jobs", COMMAND_OPERATE, "Several things", jobs_main},
    {"help", COMMAND_HELP, "Help", cmd_help},
    {NULL, COMMAND_LIVE, NULL, NULL},
};

static struct command_context context;
static char *out_text, *error_text;

/* Runs `ringback WORDS...` (cut at blanks) and keeps what it prints. */
static int run(const char *words)
{
    static char line[500];
    static char program[] = "ringback";
    static char *argv[40] = {program};
    int argc = 1, code;
    size_t out_size, err_size;

    free(out_text);
    free(error_text);
    context = (struct command_context){.out = open_memstream(&out_text, &out_size),
                                       .err = open_memstream(&error_text, &err_size)};
    probe = (struct probe_args){.follow = true, .count = 7, .factor = 0.5, .after_ms = 60000};
    snprintf(line, sizeof(line), "%s", words);
    for (char *word = strtok(line, " "); word != NULL; word = strtok(NULL, " "))
        argv[argc++] = word;
    code = command_run(&context, table, argc, argv);
    (void)fclose(context.out);
    (void)fclose(context.err);
    return code;
}

static void assert_error(const char *words, const char *text)
{
    assert_int_equal(run(words), 2);
    if (strstr(error_text, text) == NULL)
        fail_msg("`ringback %s` says:\n%s\nnot: %s", words, error_text, text);
    assert_string_equal(out_text, "");
}

static void args_flags_are_read_in_all_spellings(void **state)
{
    (void)state;
    assert_int_equal(run("probe in --dry-run --no-follow --file f.log --count=12 --factor 0.25"
                         " --after=1m30s --buffer 16MiB --speed 10x --mode=event --json out"),
                     0);
    assert_string_equal(error_text, "");
    assert_true(probe.dry_run);
    assert_false(probe.follow);
    assert_string_equal(probe.file, "f.log");
    assert_int_equal(probe.count, 12);
    assert_true(probe.factor == 0.25);
    assert_int_equal(probe.after_ms, 90000);
    assert_int_equal(probe.buffer_bytes, 16 * 1024 * 1024);
    assert_int_equal(probe.speed.kind, VALUE_RATE_TIMES);
    assert_true(probe.speed.value == 10);
    assert_int_equal(probe.mode, 1);
    assert_true(context.json);
    assert_int_equal(probe_rest.count, 2);
    assert_string_equal(probe_rest.values[0], "in");
    assert_string_equal(probe_rest.values[1], "out");
}

static void args_two_dashes_end_the_flags(void **state)
{
    (void)state;
    assert_int_equal(run("probe -- --dry-run -"), 0);
    assert_false(probe.dry_run);
    assert_int_equal(probe_rest.count, 2);
    assert_string_equal(probe_rest.values[0], "--dry-run");
    assert_string_equal(probe_rest.values[1], "-");
    assert_int_equal(run("probe -- --help"), 0);
    assert_false(context.help_shown);
}

static void args_errors_name_flag_value_reason_and_what_is_allowed(void **state)
{
    (void)state;
    assert_error("probe in --count=21", "ringback probe: --count: 21 is out of range; allowed: 1"
                                        " to 20\nTry `ringback probe --help`.\n");
    assert_error("probe in --count=x", "--count: \"x\" is not a whole number; allowed: 1 to 20");
    assert_error("probe in --count=99999999999999999999", "is not a whole number");
    assert_error("probe in --factor=1.5", "--factor: 1.5 is out of range; allowed: 0 to 1");
    assert_error("probe in --factor=nan", "--factor: \"nan\" is not a number");
    assert_error("probe in --after 60",
                 "--after: \"60\" has no unit; allowed: 0 to 1h, written as 250ms, 60s");
    assert_error("probe in --after 2h", "--after: \"2h\" is out of range; allowed: 0 to 1h");
    assert_error("probe in --after 2x", "--after: \"2x\" is not a duration");
    assert_error("probe in --buffer 1", "\"1\" is out of range; allowed: 1KiB to 1GiB");
    assert_error("probe in --speed fast", "--speed: \"fast\" is not a speed");
    assert_error("probe in --mode tea", "--mode: \"tea\" is none of wall|event");
    assert_error("probe in --file=", "--file: the value is empty; FILE is needed");
    assert_error("probe in --file", "--file needs a value: --file FILE");
    assert_error("probe in --dry-run=perhaps", "--dry-run: \"perhaps\" is neither true nor false");
    assert_error("probe in --cuont=3", "unknown option --cuont (did you mean \"--count\"?)");
    assert_error("probe in -n", "unknown option -n");
    assert_error("probe", "IN [OUT] is missing");
    assert_error("probe a b c", "one argument too many: \"c\"");
}

static void args_help_is_printed_from_the_table(void **state)
{
    (void)state;
    assert_int_equal(run("probe --nonsense --help"), 0);
    assert_non_null(strstr(out_text, "usage: ringback probe IN [OUT] [OPTIONS]\n\nProbe things.\n"
                                     "\nMore words.\n\nOptions:\n"));
    assert_non_null(strstr(out_text, "  --count N                how many (default 7)\n"));
    assert_non_null(strstr(out_text, "  --after TIME             how late (default 1m)\n"));
    assert_non_null(strstr(out_text, "  --mode wall|event        which clock (default wall)\n"));
    assert_non_null(strstr(out_text, "go on at the end (default on; --no-follow turns it off)"));
    assert_non_null(strstr(out_text, "  --json                   JSON for machines\n"));
    assert_non_null(strstr(out_text, "  --color auto|always|never\n"));
    assert_null(strstr(out_text, "--config"));
    assert_string_equal(error_text, "");
}

static void args_tasks_are_taken_off_the_arguments(void **state)
{
    (void)state;
    assert_int_equal(run("jobs show j1 --loud --all --name n"), 0);
    assert_int_equal(jobs_rest.task, 1);
    assert_int_equal(jobs_rest.count, 1);
    assert_string_equal(jobs_rest.values[0], "j1");
    assert_string_equal(jobs_name, "n");
    assert_int_equal(run("jobs --all list"), 0);
    assert_int_equal(jobs_rest.task, 0);
    assert_int_equal(jobs_rest.count, 0);
}

static void args_tasks_refuse_what_belongs_to_others(void **state)
{
    (void)state;
    assert_error("jobs", "ringback jobs: which task? Give list, show or wipe\n");
    assert_error("jobs lsit", "unknown task \"lsit\" (did you mean \"list\"?)\n");
    assert_error("jobs list --loud", "--loud belongs to show, not to list\n");
    assert_error("jobs wipe --all", "--all belongs to list|show, not to wipe\n");
    assert_error("jobs wipe --no-all", "--all belongs to list|show, not to wipe\n");
    assert_error("jobs show", "ID is missing\n");
    assert_error("jobs list x", "one argument too many: \"x\"\n");
    assert_error("jobs show a --lodu", "unknown option --lodu (did you mean \"--loud\"?)\n");
    assert_int_equal(run("jobs wipe --json"), 2);
    assert_non_null(strstr(error_text, "wipe has no --json\n"));
}

static void args_help_of_a_task_has_its_flags_alone(void **state)
{
    (void)state;
    assert_int_equal(run("jobs --help"), 0);
    assert_non_null(strstr(out_text, "usage: ringback jobs list [OPTIONS]\n"
                                     "       ringback jobs show ID [OPTIONS]\n"
                                     "       ringback jobs wipe [OPTIONS]\n\nSeveral things.\n"));
    assert_non_null(strstr(out_text, "\nOptions of list, show:\n  --all  "));
    assert_non_null(strstr(out_text, "\nOptions of wipe:\n  --yes  "));
    assert_non_null(strstr(out_text, "\nExit codes:\n  3    there is none\n"));
    assert_non_null(strstr(out_text, "  ringback jobs list\n      All of them.\n"));
    assert_int_equal(run("jobs show --help"), 0);
    assert_non_null(strstr(out_text, "usage: ringback jobs show ID [OPTIONS]\n\nShow one.\n\n"
                                     "Every line of it.\n\nWhat holds for all.\n\nOptions:\n"));
    assert_non_null(strstr(out_text, "--loud"));
    assert_non_null(strstr(out_text, "an object a line"));
    assert_null(strstr(out_text, "--yes"));
    assert_null(strstr(out_text, "ringback jobs list"));
    assert_int_equal(run("help jobs wipe"), 0);
    assert_non_null(strstr(out_text, "--yes"));
    assert_null(strstr(out_text, "--json"));
}

static void json_is_one_document_also_when_it_fails(void **state)
{
    (void)state;
    probe_result = ERR_BUS_DOWN;
    assert_int_equal(run("jobs list --json"), 4);
    assert_string_equal(out_text,
                        "{\n  \"error\": {\n    \"err\": \"BUS_DOWN\",\n    \"text\": \"no"
                        " \\\"job\\\"\",\n    \"exit\": 4\n  }\n}\n");
    assert_string_equal(error_text, "ringback jobs: no \"job\"\n");
    assert_int_equal(run("jobs show j --json"), 4);
    assert_string_equal(out_text, "");
    probe_result = ERR_DIFFERENT;
    assert_int_equal(run("jobs list --json"), 3);
    assert_string_equal(out_text, "{\n  \"left\": 1\n}\n");
    probe_result = ERR_OK;
}

static void errors_are_json_lines_with_log_format_json(void **state)
{
    (void)state;
    probe_options = true;
    probe_result = ERR_IO;
    assert_int_equal(run("probe in --log.format=json"), 1);
    assert_non_null(strstr(error_text,
                           "\"level\":\"error\",\"msg\":\"command failed\",\"command\":"
                           "\"probe\",\"err\":\"IO\",\"error\":\"disk full\",\"exit\":1}\n"));
    assert_int_equal(run("probe --log.format json"), 2);
    assert_true(error_text[0] == '{' && strchr(error_text, '\n')[1] == '\0');
    assert_int_equal(run("probe in --log.format=json --log.format=text"), 1);
    assert_string_equal(error_text, "ringback probe: disk full\n");
    assert_int_equal(setenv("RINGBACK_LOG_FORMAT", "json", 1), 0);
    assert_int_equal(run("nonsense"), 2);
    assert_true(error_text[0] == '{');
    assert_int_equal(unsetenv("RINGBACK_LOG_FORMAT"), 0);
    probe_options = false;
    probe_result = ERR_OK;
}

static void colour_is_asked_for_before_or_behind_the_command(void **state)
{
    static const char *const coloured[] = {"--color=always probe --cuont=3",
                                           "--color always probe --cuont=3",
                                           "probe --color=always --cuont=3"};

    (void)state;
    for (size_t i = 0; i < sizeof(coloured) / sizeof(coloured[0]); i++) {
        assert_int_equal(run(coloured[i]), 2);
        assert_non_null(strstr(error_text, "ringback probe: \033[1;31munknown option"));
    }
    assert_error("probe --cuont=3 --color=always", "ringback probe: \033[1;31munknown option");
    assert_error("--color=always --color=never x", "unknown option \"--color=never\"");
    assert_error("--color=blue probe", "--color: \"blue\" is none of auto|always|never");
    assert_error("probe --color=blue", "--color: \"blue\" is none of auto|always|never");
    assert_error("probe --color", "--color needs a value");
    assert_int_equal(run("probe --help --color=always"), 0);
    assert_non_null(strstr(out_text, "\033[1mOptions:\033[0m\n"));
}

static void args_options_of_the_daemon_are_collected(void **state)
{
    (void)state;
    probe_options = true;
    assert_int_equal(run("probe in --redis.url=redis://h:1 --group g --config f.yaml"), 0);
    assert_int_equal(context.option_count, 2);
    assert_int_equal(context.options[0].key_size, strlen("redis.url"));
    assert_memory_equal(context.options[0].key, "redis.url", strlen("redis.url"));
    assert_string_equal(context.options[0].value, "redis://h:1");
    assert_string_equal(context.options[1].value, "g");
    assert_string_equal(context.config_paths[0], "f.yaml");
    assert_int_equal(run("probe in --config a --config=b"), 0);
    assert_int_equal(context.config_count, 2);
    assert_string_equal(context.config_paths[1], "b");
    assert_error("probe in --config 1 --config 2 --config 3 --config 4 --config 5",
                 "--config is given more than 4 times");
    assert_int_equal(probe_rest.count, 1);
    assert_error("probe in --group", "--group needs a value: --group=VALUE");
    probe_options = false;
    assert_error("probe in --group=g", "unknown option --group");
}

static void command_help_lists_commands_and_exit_codes(void **state)
{
    (void)state;
    assert_int_equal(run("--help"), 0);
    assert_non_null(strstr(out_text, "\nOn files alone:\n  probe       Probe things\n"));
    assert_non_null(strstr(out_text, "  130  interrupted\n"));
    assert_null(strstr(out_text, "Topic logs"));
    assert_int_equal(run("help probe"), 0);
    assert_non_null(strstr(out_text, "usage: ringback probe"));
    assert_int_equal(run("--version"), 0);
    assert_string_equal(out_text, "ringback " RINGBACK_VERSION "\n");
}

static void command_unknown_names_near_ones(void **state)
{
    (void)state;
    assert_error("porbe", "ringback: unknown command \"porbe\" (did you mean \"probe\"?)\n"
                          "Try `ringback --help`.\n");
    assert_error("xyzzy", "ringback: unknown command \"xyzzy\"\n");
    assert_error("--verbose", "ringback: unknown option \"--verbose\"\n");
    assert_error("--verison", "unknown option \"--verison\" (did you mean \"--version\"?)\n");
    assert_error("help prboe", "unknown command \"prboe\" (did you mean \"probe\"?)\n");
    assert_error("", "ringback: no command given\n");
}

static void command_errors_become_exit_codes(void **state)
{
    static const struct {
        enum err err;
        int code;
        const char *text;
    } rows[] = {
        {ERR_OK, 0, ""},
        {ERR_IO, 1, "ringback probe: disk full\n"},
        {ERR_END, 1, "ringback probe: nothing more to read\n"},
        {ERR_BAD_OPTION, 2, "ringback probe: an option is unknown or its value is wrong\n"},
        {ERR_BUS_DOWN, 4, "ringback probe: the broker cannot be reached\n"},
        {ERR_STORE_DOWN, 4, "ringback probe: the store cannot be reached\n"},
        {ERR_DIFFERENT, 3, ""},
        {ERR_CANCELLED, 130, ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        probe_result = rows[i].err;
        assert_int_equal(run("probe in"), rows[i].code);
        assert_string_equal(error_text, rows[i].text);
    }
    probe_result = ERR_OK;
}

static void value_durations_and_sizes_are_read_and_written_alike(void **state)
{
    static const int64_t durations[] = {0, 1, 250, 60000, 5400000, 86400000, 694861001};
    static const int64_t sizes[] = {0, 1, 1023, 1024, 1536, 1 << 20, 3LL << 30};
    int64_t value;
    char text[80];

    (void)state;
    for (size_t i = 0; i < sizeof(durations) / sizeof(durations[0]); i++) {
        value_format_duration(durations[i], text, sizeof(text));
        assert_int_equal(value_duration(text, 0, INT64_MAX, &value, NULL), ERR_OK);
        assert_int_equal(value, durations[i]);
        value_format_size(sizes[i], text, sizeof(text));
        assert_int_equal(value_size(text, 0, INT64_MAX, &value, NULL), ERR_OK);
        assert_int_equal(value, sizes[i]);
    }
    assert_string_equal(value_format_duration(694861001, text, sizeof(text)), "8d1h1m1s1ms");
    assert_int_equal(value_duration("off", 0, 9, &value, NULL), ERR_OK);
    assert_int_equal(value, 0);
    assert_int_equal(value_duration("", 0, 9, &value, NULL), ERR_BAD_OPTION);
    assert_int_equal(value_duration("-5s", 0, 9999, &value, NULL), ERR_BAD_OPTION);
    assert_int_equal(value_duration("9223372036854775807d", 0, 9, &value, NULL), ERR_BAD_OPTION);
    assert_int_equal(value_size("64kB", 0, 99999, &value, NULL), ERR_OK);
    assert_int_equal(value, 64000);
    assert_int_equal(value_size("9223372036854775807GiB", 0, 9, &value, NULL), ERR_BAD_OPTION);
    assert_int_equal(value_size("MiB", 0, 9, &value, NULL), ERR_BAD_OPTION);
}

static void value_numbers_refuse_what_is_only_nearly_one(void **state)
{
    static const char *const bad[] = {"", "-", "1 ", " 1", "1e3", "0x10", "1_", "_1", "1__0"};
    struct value_rate rate = {VALUE_RATE_TIMES, 3};
    int64_t value = 5;
    double number = 5;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(value_int(bad[i], -100, 100000, &value, NULL), ERR_BAD_OPTION);
    assert_int_equal(value, 5);
    assert_int_equal(value_int("-25_000", -100000, 0, &value, NULL), ERR_OK);
    assert_int_equal(value, -25000);
    assert_int_equal(value_double("inf", 0, 9, &number, NULL), ERR_BAD_OPTION);
    assert_int_equal(value_double("1e", 0, 9, &number, NULL), ERR_BAD_OPTION);
    assert_int_equal(value_double("", 0, 9, &number, NULL), ERR_BAD_OPTION);
    assert_true(number == 5);
    assert_int_equal(value_rate("0x", &rate, NULL), ERR_BAD_OPTION);
    assert_int_equal(value_rate("/s", &rate, NULL), ERR_BAD_OPTION);
    assert_int_equal(value_rate("500/s", &rate, NULL), ERR_OK);
    assert_int_equal(rate.kind, VALUE_RATE_PER_SECOND);
    assert_true(rate.value == 500);
    assert_int_equal(value_rate("max", &rate, NULL), ERR_OK);
    assert_int_equal(rate.kind, VALUE_RATE_MAX);
}

static void near_finds_swaps_and_beginnings_nearest_first(void **state)
{
    struct near near;
    char text[200];

    (void)state;
    assert_int_equal(near_distance("kitten", "sitting"), 3);
    assert_int_equal(near_distance("ab", "ba"), 1);
    assert_int_equal(near_distance("", "abc"), 3);
    near_init(&near, "repaly");
    near_offer(&near, "relay");
    near_offer(&near, "replay");
    near_offer(&near, "sandbox");
    assert_string_equal(near_hint(&near, "", text, sizeof(text)),
                        " (did you mean \"replay\" or \"relay\"?)");
    near_init(&near, "sand");
    near_offer(&near, "sandbox");
    assert_int_equal(near.count, 1);
    near_init(&near, "abcd");
    near_offer(&near, "abxy");
    near_offer(&near, "abcx");
    near_offer(&near, "abcd");
    near_offer(&near, "abdc");
    assert_string_equal(near_hint(&near, "", text, sizeof(text)),
                        " (did you mean \"abcd\", \"abcx\" or \"abdc\"?)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(args_flags_are_read_in_all_spellings),
        cmocka_unit_test(args_two_dashes_end_the_flags),
        cmocka_unit_test(args_errors_name_flag_value_reason_and_what_is_allowed),
        cmocka_unit_test(args_help_is_printed_from_the_table),
        cmocka_unit_test(args_tasks_are_taken_off_the_arguments),
        cmocka_unit_test(args_tasks_refuse_what_belongs_to_others),
        cmocka_unit_test(args_help_of_a_task_has_its_flags_alone),
        cmocka_unit_test(json_is_one_document_also_when_it_fails),
        cmocka_unit_test(errors_are_json_lines_with_log_format_json),
        cmocka_unit_test(colour_is_asked_for_before_or_behind_the_command),
        cmocka_unit_test(args_options_of_the_daemon_are_collected),
        cmocka_unit_test(command_help_lists_commands_and_exit_codes),
        cmocka_unit_test(command_unknown_names_near_ones),
        cmocka_unit_test(command_errors_become_exit_codes),
        cmocka_unit_test(value_durations_and_sizes_are_read_and_written_alike),
        cmocka_unit_test(value_numbers_refuse_what_is_only_nearly_one),
        cmocka_unit_test(near_finds_swaps_and_beginnings_nearest_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
