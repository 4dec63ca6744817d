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
                                   .json = true,
                                   .options = probe_options};

    TRY(args_parse(&spec, context, argc, argv, &probe_rest, note));
    if (probe_result == ERR_IO)
        return FAIL(note, ERR_IO, "disk full");
    return probe_result;
}

static const struct command table[] = {
    {"probe", COMMAND_FILES, "Probe things", probe_main},
    {"replay", COMMAND_FILES, "Another", probe_main},
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
    fclose(context.out);
    fclose(context.err);
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
    assert_non_null(strstr(out_text, "--json"));
    assert_null(strstr(out_text, "--config"));
    assert_string_equal(error_text, "");
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
    assert_string_equal(context.config_path, "f.yaml");
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
