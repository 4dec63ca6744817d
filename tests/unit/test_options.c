/* daemon/options: defaults, file, environment, flags, what is refused and where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/log.h"
#include "base/partition.h"
#include "daemon/engine.h"
#include "daemon/options.h"
#include "state/machine.h"

static struct options options;
static struct err_note note;

static enum err load_text(const char *text)
{
    options_init(&options);
    note.text[0] = '\0';
    return options_text(&options, "f.yaml", slice_text(text), &note);
}

static void assert_refused(const char *text, const char *message)
{
    enum err err = load_text(text);

    if (err == ERR_OK)
        err = options_check(&options, &note);
    assert_int_equal(err, ERR_BAD_OPTION);
    assert_int_equal(note.err, ERR_BAD_OPTION);
    if (strstr(note.text, message) == NULL)
        fail_msg("%s\nsays: %s\nnot: %s", text, note.text, message);
    options_deinit(&options);
}

static void options_defaults_are_those_of_the_rule_book(void **state)
{
    struct machine_options machine, expected;
    struct engine_options engine;

    (void)state;
    options_init(&options);
    assert_int_equal(options_check(&options, &note), ERR_OK);
    options_machine(&options, &machine);
    machine_options_default(&expected);
    assert_int_equal(machine.dedupe_window_ms, expected.dedupe_window_ms);
    assert_int_equal(machine.retention_ms, expected.retention_ms);
    assert_int_equal(machine.late_window_ms, expected.late_window_ms);
    assert_int_equal(machine.late_request_ms, expected.late_request_ms);
    assert_int_equal(machine.answer_grace_ms, expected.answer_grace_ms);
    assert_int_equal(machine.missed_pause_ms, expected.missed_pause_ms);
    assert_int_equal(machine.decline_pause_ms, expected.decline_pause_ms);
    assert_int_equal(machine.owner_answer_ms, expected.owner_answer_ms);
    assert_int_equal(machine.reclaim_after_ms, expected.reclaim_after_ms);
    assert_int_equal(machine.preview_max_ms, expected.preview_max_ms);
    assert_int_equal(machine.after_call_max_ms, expected.after_call_max_ms);
    assert_int_equal(machine.window_overrun_ms, expected.window_overrun_ms);
    assert_int_equal(machine.presence_ttl_ms, expected.presence_ttl_ms);
    assert_int_equal(machine.call_ttl_ms, expected.call_ttl_ms);
    assert_int_equal(machine.live_wait_ttl_ms, expected.live_wait_ttl_ms);
    assert_int_equal(machine.inactivity_ms, expected.inactivity_ms);
    assert_int_equal(machine.still_waiting_ms, expected.still_waiting_ms);
    assert_int_equal(machine.idle_reset, expected.idle_reset);
    assert_int_equal(machine.holds_line, expected.holds_line);
    assert_int_equal(machine.callback_beside, expected.callback_beside);
    engine_options_default(&engine);
    assert_int_equal(options.batch_records_max, engine.records_max);
    assert_int_equal(options.batch_timers_max, engine.timers_max);
    assert_int_equal(options.batch_bytes_max, engine.bytes_max);
    assert_int_equal(options.dlq_bytes_max, engine.dlq_bytes_max);
    assert_int_equal(options.event_jump_max, engine.event_jump_max_ms);
    assert_int_equal(options.partitioner, engine.partitioner);
    assert_string_equal(options.topic_names[TOPIC_STATE], "ringback.state");
    assert_string_equal(options.topic_names[TOPIC_DLQ_FIRST + INPUT_FLOWS], "ringback.flows.dlq");
    assert_int_equal(options.log_level, LOG_LEVEL_INFO);
    options_deinit(&options);
}

static void options_file_is_read_nested_dotted_and_as_lists(void **state)
{
    (void)state;
    assert_int_equal(
        load_text("# mine\n"
                  "group: east\n"
                  "redis: {url: 'redis://cache:7000', enabled: off}\n"
                  "topics.prefix: \"east.\"\n"
                  "topics:\n"
                  "  flows: ivr\n"
                  "batch:\n"
                  "  # bytes_max: 1MiB\n"
                  "holds_line: [voice, chat]\n"
                  "callback_beside: none\n"
                  "commit_interval_ms: 1s\n"
                  "late_request: 1m30s\n"
                  "partitioner: crc32\n"
                  "kafka:\n"
                  "  bootstrap.servers: [a:1, b:2]\n"
                  "  sasl: {username: me, mechanism: PLAIN, password_file: /nowhere/x}\n"
                  "  security: {protocol: SASL_SSL}\n"),
        ERR_OK);
    assert_int_equal(options_check(&options, &note), ERR_OK);
    assert_string_equal(options.group, "east");
    assert_string_equal(options.redis_url, "redis://cache:7000");
    assert_false(options.redis_enabled);
    assert_string_equal(options.topic_names[TOPIC_FLOWS], "ivr");
    assert_string_equal(options.topic_names[TOPIC_DLQ_FIRST + INPUT_FLOWS], "ivr.dlq");
    assert_string_equal(options.topic_names[TOPIC_JOURNAL], "east.journal");
    assert_int_equal(options.holds_line, 1U << RINGBACK__V1__MEDIA__MEDIA_VOICE |
                                             1U << RINGBACK__V1__MEDIA__MEDIA_CHAT);
    assert_int_equal(options.callback_beside, 0);
    assert_int_equal(options.commit_interval_ms, 1000);
    assert_int_equal(options.late_request, 90000);
    assert_int_equal(options.partitioner, PARTITIONER_CRC32);
    assert_string_equal(options_kafka_get(&options, "bootstrap.servers"), "a:1,b:2");
    assert_string_equal(options_kafka_get(&options, "sasl.username"), "me");
    assert_null(options_kafka_get(&options, "sasl.password"));
    assert_string_equal(options.kafka_sasl_password_file, "/nowhere/x");
    assert_int_equal(options.origins[OPTION_group].line, 2);
    assert_int_equal(options.origins[OPTION_topics_flows].line, 6);
    assert_int_equal(options.origins[OPTION_late_request].source, OPTION_SOURCE_FILE);
    assert_int_equal(options.origins[OPTION_retention].source, OPTION_SOURCE_DEFAULT);
    options_deinit(&options);
}

static void options_file_errors_name_line_key_reason(void **state)
{
    (void)state;
    assert_refused("group: a\nredis:\n  ulr: x\n",
                   "f.yaml:3: redis.ulr: unknown option (did you mean \"redis.url\"?)");
    assert_refused("a: 1", "f.yaml:1: a: unknown option;");
    assert_refused("\n\nmax_partitions: 0\n",
                   "f.yaml:3: max_partitions: 0 is out of range; allowed: 1 to 1024");
    assert_refused("late_request: 60", "f.yaml:1: late_request: \"60\" has no unit; allowed");
    assert_refused("merge_wait_ms: 5001",
                   "merge_wait_ms: 5001 is out of range; allowed: 0 to 5000");
    assert_refused("clock: moon", "clock: \"moon\" is none of wall|event");
    assert_refused("holds_line: [voice, fax]", "holds_line: \"voice,fax\" is no list of media");
    assert_refused("redis.enabled: perhaps", "redis.enabled: \"perhaps\" is neither true nor");
    assert_refused("group: a\n\ngroup: b\n", "f.yaml:3: group: given twice, first in line 1");
    assert_refused("log: {level: info}\nlog.level: warn\n",
                   "f.yaml:2: log.level: given twice, first in line 1");
    assert_refused("kafka: {debug: all}\nkafka.debug: all\n",
                   "f.yaml:2: kafka.debug: given twice, first in line 1");
    assert_refused("group:\n", "f.yaml:1: group: no value is given");
    assert_refused("group: ''\n", "f.yaml:1: group: the value is empty");
    assert_refused("group: \"a\\tb\"", "group: the value has a control character at 2");
    assert_refused("group: [a]", "f.yaml:1: group: one value is needed, no list");
    assert_refused("kafka: {nonsense: 1}", "f.yaml:1: kafka.nonsense: No such configuration");
    assert_refused("group: a\nkafka: {fetch.min.bytes: many}", "f.yaml:2: kafka.fetch.min.bytes: ");
    assert_refused("kafka: {group.id: x}",
                   "kafka.group.id: this is set by ringback itself: use the option group");
    assert_refused("topics: {prefix: 'a b'}", "the topic name \"a bsettings\" is not one");
    assert_refused("group: x\ntopics: {state: t, journal: t}",
                   "f.yaml:2: topics.journal: the topic t would be both state and journal");
    assert_refused("redis.url: http://me:hush@h", "f.yaml:1: redis.url: this is no address");
    assert_refused("horizon_wait_stop_ms: 10", "horizon_wait_stop_ms: 10 is less than horizon");
}

static void options_file_of_rubbish_is_refused_with_its_line(void **state)
{
    char deep[2000] = "";

    (void)state;
    assert_refused("group: a\n\tb: c", "f.yaml:2: column 1: this is no YAML");
    assert_refused("{{{{", "f.yaml:1: ");
    assert_refused("- a\n- b", "f.yaml:1: options are needed, as KEY: VALUE");
    assert_refused("hello", "f.yaml:1: options are needed, as KEY: VALUE");
    assert_refused("group: &a b\ntopics.prefix: *a", "f.yaml:2: topics.prefix: aliases");
    assert_refused("group: a\n---\ngroup: b", "f.yaml:2: a second document begins");
    assert_refused("? [a]\n: b", "f.yaml:1: a key must be plain text");
    assert_refused("group: \"\\0\"", "f.yaml:1: group: a zero byte");
    assert_refused("group: \xff\xfe", "f.yaml:1: byte ");
    for (int i = 0; i < 20; i++)
        strcat(deep, "{kafka: ");
    assert_refused(deep, "more than 8 levels");
    assert_int_equal(load_text(""), ERR_OK);
    options_deinit(&options);
    assert_int_equal(load_text("# only words\n"), ERR_OK);
    options_deinit(&options);
    assert_int_equal(load_text("kafka:\nredis:\n"), ERR_OK);
    options_deinit(&options);
}

/* Every cut and many changed bytes of a good file: an answer, never a crash or a leak. */
static void options_file_damaged_anywhere_never_crashes(void **state)
{
    static const char good[] = "group: east\nredis: {url: 'redis://c:7', enabled: off}\n"
                               "holds_line: [voice, \"chat\"]\nkafka: {a.b: |\n  x}\n# \xc3\xa4\n";
    uint32_t seed = 3;

    (void)state;
    for (size_t i = 0; i < 6000; i++) {
        char text[sizeof(good)];
        size_t size = sizeof(good) - 1;

        memcpy(text, good, sizeof(good));
        if (i < size)
            size = i;
        for (int j = 0; i >= sizeof(good) && j < 3; j++) {
            seed = seed * 1664525 + 1013904223;
            text[(seed >> 8) % size] = (char)(seed >> 24);
        }
        options_init(&options);
        note.text[0] = '\0';
        if (options_text(&options, "f", slice_make(text, size), &note) != ERR_OK)
            assert_true(strncmp(note.text, "f:", 2) == 0);
        options_deinit(&options);
    }
}

static enum err load_environment(const char *variable)
{
    char text[300];
    char *environment[] = {text, NULL};

    snprintf(text, sizeof(text), "%s", variable);
    options_init(&options);
    return options_environment(&options, environment, &note);
}

static void options_environment_names_every_key(void **state)
{
    (void)state;
    assert_int_equal(load_environment("RINGBACK_REDIS_URL=redis://e"), ERR_OK);
    assert_string_equal(options.redis_url, "redis://e");
    assert_string_equal(options.origins[OPTION_redis_url].name, "RINGBACK_REDIS_URL");
    options_deinit(&options);
    assert_int_equal(load_environment("RINGBACK_BATCH_RECORDS_MAX=7"), ERR_OK);
    assert_int_equal(options.batch_records_max, 7);
    options_deinit(&options);
    assert_int_equal(load_environment("RINGBACK_KAFKA__BOOTSTRAP_SERVERS=k:1"), ERR_OK);
    assert_string_equal(options_kafka_get(&options, "bootstrap.servers"), "k:1");
    options_deinit(&options);
    assert_int_equal(load_environment("RINGBACK_PORT_80_TCP=x"), ERR_OK);
    options_deinit(&options);
    assert_int_equal(load_environment("RINGBACK_TEST_X=x"), ERR_OK);
    options_deinit(&options);
    assert_int_equal(load_environment("RINGBACK_REDIS_ULR=x"), ERR_BAD_OPTION);
    assert_string_equal(note.text, "RINGBACK_REDIS_ULR: no option is named so (did you mean"
                                   " \"redis.url\"?); `ringback config` lists all");
    options_deinit(&options);
    assert_int_equal(load_environment("RINGBACK_CLOCK=late"), ERR_BAD_OPTION);
    assert_string_equal(note.text, "RINGBACK_CLOCK: \"late\" is none of wall|event");
    options_deinit(&options);
}

/* Each key, written as a variable, must lead back to itself: no two may collide. */
static void options_environment_keys_do_not_collide(void **state)
{
    (void)state;
    for (int i = 0; i < OPTION_COUNT; i++) {
        char variable[200], value[100];

        snprintf(variable, sizeof(variable), "RINGBACK_%s=%s", option_rows[i].key,
                 option_rows[i].fallback);
        for (char *at = variable; *at != '='; at++)
            *at = *at == '.' ? '_' : (char)(*at >= 'a' && *at <= 'z' ? *at - 32 : *at);
        assert_int_equal(load_environment(variable), ERR_OK);
        assert_int_equal(options.origins[i].source, OPTION_SOURCE_ENVIRONMENT);
        assert_true(strlen(options_value(&options, (enum option)i, value, sizeof(value))) < 99);
        assert_true(options_known(option_rows[i].key));
        assert_true(strlen(option_rows[i].help) > 20);
        options_deinit(&options);
    }
}

static void options_flag_wins_over_environment_over_file(void **state)
{
    char path[] = "/tmp/ringback-options-XXXXXX";
    static struct command_context context;
    FILE *file = fdopen(mkstemp(path), "w");

    (void)state;
    fputs("group: file\ncall_ttl: 5h\nretention: 40d\n", file);
    (void)fclose(file);
    setenv("RINGBACK_GROUP", "environment", 1);
    setenv("RINGBACK_CALL_TTL", "6h", 1);
    context.config_paths[context.config_count++] = path;
    context.options[context.option_count++] = (struct command_option){"group=x", 5, "flag"};
    assert_int_equal(options_load(&options, &context, &note), ERR_OK);
    assert_string_equal(options.group, "flag");
    assert_int_equal(options.call_ttl, 6 * 3600000);
    assert_int_equal(options.retention, 40LL * 86400000);
    options_deinit(&options);
    context.options[context.option_count++] = (struct command_option){"clock=x", 5, "moon"};
    assert_int_equal(options_load(&options, &context, &note), ERR_BAD_OPTION);
    assert_string_equal(note.text, "--clock: \"moon\" is none of wall|event");
    options_deinit(&options);
    unsetenv("RINGBACK_GROUP");
    unsetenv("RINGBACK_CALL_TTL");
    (void)remove(path);
    context.option_count = 0;
    assert_int_equal(options_load(&options, &context, &note), ERR_BAD_OPTION);
    assert_non_null(strstr(note.text, ": the configuration file cannot be read: No such file"));
    options_deinit(&options);
}

/* As secrets are, beside what everyone may read. */
static void options_of_several_files_are_put_together(void **state)
{
    static const char *const texts[] = {"group: g\nkafka: {client.id: me}\n", "# nothing yet\n",
                                        "redis.url: redis://:s@h\n",
                                        "call_ttl: 5h\nkafka.client.id: you\n"};
    char paths[4][40], wanted[200];
    struct command_context context = {.config_count = 3};

    (void)state;
    for (int i = 0; i < 4; i++) {
        FILE *file;

        snprintf(paths[i], sizeof(paths[i]), "/tmp/ringback-options-XXXXXX");
        file = fdopen(mkstemp(paths[i]), "w");
        fputs(texts[i], file);
        (void)fclose(file);
        context.config_paths[i] = paths[i];
    }
    assert_int_equal(options_load(&options, &context, &note), ERR_OK);
    assert_string_equal(options.group, "g");
    assert_string_equal(options.redis_url, "redis://:s@h");
    options_deinit(&options);
    context.config_count = 4;
    assert_int_equal(options_load(&options, &context, &note), ERR_BAD_OPTION);
    snprintf(wanted, sizeof(wanted), "%s:2: kafka.client.id: given twice, first in %s:2", paths[3],
             paths[0]);
    assert_string_equal(note.text, wanted);
    options_deinit(&options);
    for (int i = 0; i < 4; i++)
        (void)remove(paths[i]);
}

static void options_kafka_settings_reach_librdkafka(void **state)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char value[100];
    size_t size = sizeof(value);

    (void)state;
    assert_int_equal(load_text("kafka: {client.id: me, linger.ms: 7}"), ERR_OK);
    assert_int_equal(options_kafka_apply(&options, conf, &note), ERR_OK);
    assert_int_equal(rd_kafka_conf_get(conf, "client.id", value, &size), RD_KAFKA_CONF_OK);
    assert_string_equal(value, "me");
    rd_kafka_conf_destroy(conf);
    options_deinit(&options);
}

static void options_secrets_are_hidden(void **state)
{
    static const char *const rows[][2] = {
        {"redis://h:1/2", "redis://h:1/2"},
        {"redis://me:hush@h", "redis://me:***@h"},
        {"redis://:hu@s/h@h", "redis://:***@h"},
        {"redis://token@h", "redis://***@h"},
        {"me:hush@h", "me:***@h"},
    };
    char text[100];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_string_equal(options_hide_password(rows[i][0], text, sizeof(text)), rows[i][1]);
    assert_true(options_kafka_secret("sasl.password"));
    assert_true(options_kafka_secret("ssl.key.password"));
    assert_true(options_kafka_secret("sasl.oauthbearer.client.secret"));
    assert_false(options_kafka_secret("sasl.username"));
    assert_int_equal(load_text("redis.url: redis://me:hush@h"), ERR_OK);
    assert_string_equal(options_value(&options, OPTION_redis_url, text, sizeof(text)),
                        "redis://me:***@h");
    options_deinit(&options);
}

static void options_that_decide_are_one_sorted_text(void **state)
{
    struct options read;
    struct arena arena;
    const char *text, *again, *before = NULL;

    (void)state;
    arena_init(&arena);
    assert_int_equal(load_text("late_request: 90s\nholds_line: [chat, voice]\nclock: event"),
                     ERR_OK);
    text = options_decides_text(&options, &arena);
    assert_non_null(strstr(text, "\nlate_request=90000\n"));
    assert_non_null(strstr(text, "\nholds_line=voice,chat\n"));
    assert_non_null(strstr(text, "\nclock=event\n"));
    assert_non_null(strstr(text, "\ndlq_bytes_max=900000\n"));
    assert_null(strstr(text, "redis"));
    assert_null(strstr(text, "group"));
    for (const char *at = text; *at != '\0'; at = strchr(at, '\n') + 1) {
        assert_true(before == NULL || strcmp(before, at) < 0);
        before = at;
    }
    options_init(&read);
    again = options_decides_text(&read, &arena);
    assert_true(options_decides_hash(again) != options_decides_hash(text));
    assert_int_equal(options_decides_read(&read, slice_text(text), &note), ERR_OK);
    again = options_decides_text(&read, &arena);
    assert_string_equal(again, text);
    assert_int_equal(options_decides_hash(again), options_decides_hash(text));
    assert_int_equal(options_decides_read(&read, slice_text("group=x\n"), &note), ERR_BAD_STATE);
    assert_int_equal(options_decides_read(&read, slice_text("late_request=1m"), &note),
                     ERR_BAD_STATE);
    assert_non_null(strstr(note.text, "options of the journal: late_request: "));
    assert_int_equal(options_decides_read(&read, slice_text("rubbish"), &note), ERR_BAD_STATE);
    options_deinit(&read);
    options_deinit(&options);
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_defaults_are_those_of_the_rule_book),
        cmocka_unit_test(options_file_is_read_nested_dotted_and_as_lists),
        cmocka_unit_test(options_file_errors_name_line_key_reason),
        cmocka_unit_test(options_file_of_rubbish_is_refused_with_its_line),
        cmocka_unit_test(options_file_damaged_anywhere_never_crashes),
        cmocka_unit_test(options_environment_names_every_key),
        cmocka_unit_test(options_environment_keys_do_not_collide),
        cmocka_unit_test(options_flag_wins_over_environment_over_file),
        cmocka_unit_test(options_of_several_files_are_put_together),
        cmocka_unit_test(options_kafka_settings_reach_librdkafka),
        cmocka_unit_test(options_secrets_are_hidden),
        cmocka_unit_test(options_that_decide_are_one_sorted_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
