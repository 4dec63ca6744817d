/* daemon/settings_file, settings_table, settings_zone: the settings file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "daemon/settings_file.h"
#include "daemon/settings_zone.h"
#include "state/limits.h"

static struct settings settings;
static struct err_note note;

static int setup(void **state)
{
    (void)state;
    settings_init(&settings);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    settings_deinit(&settings);
    return 0;
}

static enum err read_text(const char *text)
{
    settings_deinit(&settings);
    settings_init(&settings);
    return settings_read_text(&settings, "f.yaml", text, strlen(text), &note);
}

/* The queue `q` of domain `d` with these lines, each of which is indented here. */
static enum err read_queue(const char *lines)
{
    char text[4000] = "domains:\n  d:\n    scripts: {s: {callback_enabled: on}}\n"
                      "    queues:\n      q:\n        ani: \"+4971112\"\n"
                      "        window: {zone: UTC, hours: [mon-sun 00:00-24:00]}\n";

    for (const char *at = lines; *at != '\0';) {
        size_t size = strcspn(at, "\n");

        snprintf(text + strlen(text), sizeof(text) - strlen(text), "        %.*s\n", (int)size, at);
        at += size + (at[size] == '\n');
    }
    return read_text(text);
}

static void *item(enum settings_kind kind, const char *id)
{
    for (size_t i = 0; i < settings.item_count; i++) {
        if (settings.items[i].kind == kind && strcmp(settings.items[i].id, id) == 0)
            return settings.items[i].message;
    }
    fail_msg("no %s \"%s\"", settings_kind_name(kind), id);
    return NULL;
}

/* All problems as they are printed. */
static const char *printed(void)
{
    static char *text;
    size_t size;
    FILE *out;

    free(text);
    out = open_memstream(&text, &size);
    for (size_t i = 0; i < settings.problem_count; i++)
        settings_problem_print(&settings, &settings.problems[i], out);
    fclose(out);
    return text;
}

static void assert_says(const char *words)
{
    if (strstr(printed(), words) == NULL)
        fail_msg("it says:\n%s\nnot: %s", printed(), words);
}

static void settings_every_field_of_the_contract_has_a_key(void **state)
{
    static const ProtobufCMessageDescriptor *const messages[] = {
        &ringback__v1__queue_settings__descriptor,  &ringback__v1__customer_first__descriptor,
        &ringback__v1__agent_owned__descriptor,     &ringback__v1__ring__descriptor,
        &ringback__v1__window__descriptor,          &ringback__v1__agent_settings__descriptor,
        &ringback__v1__script_settings__descriptor, &ringback__v1__domain_settings__descriptor,
    };

    (void)state;
    for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
        for (unsigned at = 0; at < messages[i]->n_fields; at++) {
            const char *name = messages[i]->fields[at].name;

            if (strcmp(name, "version") == 0 || strcmp(name, "queue_id") == 0 ||
                strcmp(name, "agent_id") == 0 || strcmp(name, "script_id") == 0)
                continue;
            if (!settings_sets_field(messages[i], name))
                fail_msg("no key of the settings file sets %s.%s", messages[i]->short_name, name);
        }
    }
    assert_false(settings_sets_field(&ringback__v1__queue_settings__descriptor, "version"));
}

static void settings_example_is_read_without_a_warning(void **state)
{
    const Ringback__V1__QueueSettings *loans;

    (void)state;
    settings_deinit(&settings);
    settings_init(&settings);
    assert_int_equal(settings_read(&settings, "deploy/example-settings.yaml", &note), ERR_OK);
    assert_string_equal(printed(), "");
    assert_int_equal(settings.item_count, 2 + 1 + 1 + 2 + 2);
    assert_int_equal(settings.items[0].kind, SETTINGS_ZONE);
    assert_int_equal(settings.items[7].kind, SETTINGS_QUEUE);
    loans = item(SETTINGS_QUEUE, "loans");
    assert_string_equal(loans->queue_id, "loans");
    assert_string_equal(loans->default_script_id, "callback-standard");
    assert_int_equal(loans->n_rings, 2);
    assert_int_equal(loans->rings[0]->threshold, 80);
    assert_int_equal(loans->rings[0]->wait_ms, 30000);
    assert_true(loans->rings[1]->any);
    assert_int_equal(loans->agent_owned->ahead_s, 30 * 86400);
    assert_int_equal(loans->window->n_hours, 6);
    assert_int_equal(loans->window->hours[5]->weekday, 6);
    assert_int_equal(loans->window->hours[5]->from_minute, 540);
    assert_int_equal(loans->window->n_holidays, 3);
    assert_int_equal(loans->window->holidays[2], 20270101);
    assert_null(loans->auto_dial);
    assert_int_equal(((Ringback__V1__AgentSettings *)item(SETTINGS_AGENT, "boris"))
                         ->callback_capacity->callbacks,
                     2);
    assert_true(
        ((Ringback__V1__DomainSettings *)item(SETTINGS_DOMAIN, ""))->blocked_numbers[0]->prefix);
}

static void settings_values_become_the_contracts_units(void **state)
{
    const Ringback__V1__QueueSettings *queue;

    (void)state;
    assert_int_equal(read_queue("alerting_timeout: 1m\nring_timeout: 10s\nauto_dial: on\n"
                                "auto_end: 0\naccepting: off\nserving: yes\nsnooze_max: 0\n"
                                "service_level_ratio: 0.955\nranking: priority_only\n"
                                "dial_mode: customer_first\nlast_agent: any\n"
                                "customer_first: {pacing: 2.29, live_voice: hang_up}\n"
                                "default_script: s\nexpire_after: 2d\n"),
                     ERR_OK);
    queue = item(SETTINGS_QUEUE, "q");
    assert_int_equal(queue->alerting_timeout_s, 60);
    assert_int_equal(queue->ring_timeout_s, 10);
    assert_int_equal(queue->auto_dial->delay_s, 300);
    assert_int_equal(queue->auto_end->delay_s, 0);
    assert_int_equal(queue->accepting, RINGBACK__V1__TOGGLE__TOGGLE_OFF);
    assert_int_equal(queue->serving, RINGBACK__V1__TOGGLE__TOGGLE_ON);
    assert_int_equal(queue->inherit_routing_data, RINGBACK__V1__TOGGLE__TOGGLE_UNSPECIFIED);
    assert_int_equal(queue->snooze_limit->times, 0);
    assert_int_equal(queue->service_level_permille, 955);
    assert_int_equal(queue->ranking, RINGBACK__V1__RANKING__RANKING_PRIORITY_ONLY);
    assert_int_equal(queue->last_agent, RINGBACK__V1__LAST_AGENT__LAST_AGENT_ANY);
    assert_int_equal(queue->customer_first->pacing_hundredths, 229);
    assert_int_equal(queue->customer_first->live_voice,
                     RINGBACK__V1__ANSWER_REACTION__ANSWER_REACTION_HANG_UP);
    assert_int_equal(queue->expire_after_s, 2 * 86400);
}

static void settings_spans_past_midnight_and_the_weeks_end_are_split(void **state)
{
    static const uint32_t expected[][3] = {
        {7, 1320, 1440}, {1, 0, 120}, {1, 1320, 1440}, {2, 0, 120}};
    const Ringback__V1__Window *window;

    (void)state;
    assert_int_equal(read_text("domains: {d: {queues: {q: {window: {zone: UTC, hours:"
                               " [sun-mon 22:00-02:00]}}}}}"),
                     ERR_OK);
    window = ((Ringback__V1__QueueSettings *)item(SETTINGS_QUEUE, "q"))->window;
    assert_int_equal(window->n_hours, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(window->hours[i]->weekday, expected[i][0]);
        assert_int_equal(window->hours[i]->from_minute, expected[i][1]);
        assert_int_equal(window->hours[i]->to_minute, expected[i][2]);
    }
}

static void settings_all_errors_are_listed_with_line_and_column(void **state)
{
    (void)state;
    assert_int_equal(read_text("domains:\n"
                               "  d:\n"
                               "    queues:\n"
                               "      q:\n"
                               "        alertng_timeout: 30s\n"
                               "        ring_timeout: 5s\n"
                               "        auto_answer: perhaps\n"
                               "        rings: 7\n"
                               "        default_script: standrad\n"
                               "        ring_timeout: 20s\n"
                               "      \"q 2\": {}\n"
                               "    scripts: {standard: {}}\n"
                               "domain: 1\n"),
                     ERR_BAD_SETTINGS);
    assert_string_equal(
        printed(),
        "f.yaml:4:7: warning: d: queues: q: no ANI: callbacks show whatever number the trunk has"
        " (rule 1.5)\n"
        "f.yaml:4:7: warning: d: queues: q: no window: customers are called at any hour"
        " (rule 12.3)\n"
        "f.yaml:5:9: error: d: queues: q: unknown key \"alertng_timeout\" (did you mean"
        " \"alerting_timeout\" or \"ring_timeout\"?)\n"
        "f.yaml:6:23: error: d: queues: q: ring_timeout: \"5s\" is out of range; allowed: 10s to"
        " 2m, written as 250ms, 60s, 5m, 1h30m or 7d (rule 6.1)\n"
        "f.yaml:7:22: error: d: queues: q: auto_answer: \"perhaps\" is neither true nor false"
        " (rule 6.1)\n"
        "f.yaml:8:16: error: d: queues: q: rings: a list is expected here, not a plain value"
        " (rule 4.1)\n"
        "f.yaml:9:25: error: d: queues: q: default_script: there is no script \"standrad\" (did"
        " you mean \"standard\"?) (rule 1.3)\n"
        "f.yaml:10:9: error: d: queues: q: \"ring_timeout\" is there already, in line 6\n"
        "f.yaml:11:7: error: d: queues: \"q 2\" is no id; allowed: 1 to 128 of letters, digits and"
        " ._@:/+-\n"
        "f.yaml:13:1: error: unknown key \"domain\" (did you mean \"domains\"?)\n");
    assert_int_equal(settings.error_count, 8);
    assert_string_equal(note.text, "f.yaml:5:9: d: queues: q: unknown key \"alertng_timeout\" (did"
                                   " you mean \"alerting_timeout\" or \"ring_timeout\"?)");
}

static void settings_values_at_their_limits_pass_and_beyond_fail(void **state)
{
    static const struct {
        const char *good, *bad;
    } rows[] = {
        {"alerting_timeout: 7s", "alerting_timeout: 6s"},
        {"alerting_timeout: 15m", "alerting_timeout: 901s"},
        {"ring_timeout: 2m", "ring_timeout: 121s"},
        {"auto_dial: 20m", "auto_dial: 1201s"},
        {"auto_end: 1200s", "auto_end: soon"},
        {"agent_first_retries: 20", "agent_first_retries: 21"},
        {"agent_first_retry_delay: 24h", "agent_first_retry_delay: 59s"},
        {"customer_first: {pacing: 10}", "customer_first: {pacing: 10.01}"},
        {"customer_first: {pacing: 1.25}", "customer_first: {pacing: 1.255}"},
        {"customer_first: {max_retries: 20}", "customer_first: {max_retries: 21}"},
        {"customer_first: {site: s}", "customer_first: {site: s, edge_group: e}"},
        {"customer_first: {live_voice: flow, flow: f}", "customer_first: {live_voice: flow}"},
        {"agent_owned: {duration: 1h}", "agent_owned: {duration: 59m}"},
        {"agent_owned: {ahead: 30d}", "agent_owned: {ahead: 31d}"},
        {"rings: [{threshold: 100, wait: 2s}]", "rings: [{threshold: 101}]"},
        {"rings: [{threshold: any, wait: 72h}]", "rings: [{threshold: any, wait: 1999ms}]"},
        {"rings: [{threshold: 0}]", "rings: [{wait: 5s}]"},
        {"rings: []", "rings: [{threshold: 1}, {threshold: 1}, {threshold: 1}, {threshold: 1},"
                      " {threshold: 1}, {threshold: 1}, {threshold: 1}]"},
        {"ani_name: x", "ani_name: [x]"},
        {"expire_after: off", "expire_after: 1500ms"},
        {"snooze_max: 2", "snooze_max: -1"},
        {"name: x", "name:"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (read_queue(rows[i].good) != ERR_OK)
            fail_msg("%s: %s", rows[i].good, note.text);
        if (read_queue(rows[i].bad) != ERR_BAD_SETTINGS)
            fail_msg("%s: accepted", rows[i].bad);
        assert_int_equal(settings.error_count, 1);
        assert_int_equal(settings.problems[settings.problem_count - 1].line == 0, 0);
    }
}

static void settings_of_a_domain_are_checked(void **state)
{
    static const struct {
        const char *bad, *says;
    } rows[] = {
        {"country_code: +49", "is no country code"},
        {"blocked_numbers: [ab]", "is no number"},
        {"blocked_numbers: [\"*\"]", "is no beginning of a number"},
        {"zones: [Europe/Berlln]", "is no time zone"},
        {"zones: [../passwd]", "is no time zone"},
        {"agents: {a: {callback_capacity: 26}}", "26 is out of range; allowed: 0 to 25"},
        {"agents: {a: {skills: [x, x]}}", "\"x\" is there twice"},
        {"agents: [a]", "a mapping of ids is expected here, not a list"},
        {"queues: {q: {window: {hours: [mon 08:00-09:00]}}}", "`zone` is missing"},
        {"queues: {q: {window: }}", "`zone` is missing"},
        {"queues: {q: {window: {zone: UTC, hours: [mo 08:00-09:00]}}}", "are no opening hours"},
        {"queues: {q: {window: {zone: UTC, hours: [mon 08:00-24:01]}}}", "are no opening hours"},
        {"queues: {q: {window: {zone: UTC, hours: [mon 08:00-08:00]}}}", "are no opening hours"},
        {"queues: {q: {window: {zone: UTC, holidays: [2026-02-29]}}}", "is no day"},
        {"queues: {q: {name: a}, q: {name: b}}", "is there already, in line 1"},
        {"duplicate_number: deny", "is none of allow|refuse|replace|merge"},
    };
    char text[300];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        snprintf(text, sizeof(text), "domains: {d: {%s}}", rows[i].bad);
        if (read_text(text) != ERR_BAD_SETTINGS)
            fail_msg("%s: accepted", text);
        assert_int_equal(settings.error_count, 1);
        assert_says(rows[i].says);
    }
}

static void settings_what_is_no_yaml_is_said_with_its_line(void **state)
{
    (void)state;
    assert_int_equal(read_text("domains:\n  d: [1\n"), ERR_BAD_SETTINGS);
    assert_says("f.yaml:3:1: error: this is no YAML: ");
    assert_int_equal(read_text(""), ERR_BAD_SETTINGS);
    assert_says("f.yaml:1:1: error: the file is empty\n");
    assert_int_equal(read_text("- 1\n"), ERR_BAD_SETTINGS);
    assert_says("a mapping with the key `domains` is expected, not a list");
    assert_int_equal(settings_read(&settings, "tests/no-such-file", &note), ERR_IO);
    assert_string_equal(note.text, "tests/no-such-file cannot be opened: No such file or"
                                   " directory");
}

static void settings_a_list_that_is_there_twice_is_said(void **state)
{
    (void)state;
    assert_int_equal(read_text("domains: {d: {skills: [a, b], skills: [c, d], agents: {x: {skills:"
                               " [c]}}}}"),
                     ERR_BAD_SETTINGS);
    assert_says("error: d: \"skills\" is there already, in line 1");
    assert_int_equal(read_text("domains: {d: {skills: [a, b]}, d: {skills: [c], agents: {x: {"
                               "skills: [c]}}}}"),
                     ERR_BAD_SETTINGS);
}

static void settings_order_of_keys_does_not_matter(void **state)
{
    (void)state;
    assert_int_equal(read_text("domains: {d: {agents: {a: {skills: [x]}}, queues: {q:"
                               " {default_script: s}}, skills: [x],"
                               " scripts: {s: {callback_enabled: on}}}}"),
                     ERR_OK);
    assert_null(strstr(printed(), "skill"));
    assert_null(strstr(printed(), "script"));
    assert_int_equal(read_text("domains: {d: {agents: {a: {skills: [z]}}, skills: [x]}}"), ERR_OK);
    assert_says("warning: d: agents: a: skill \"z\" is not in the domain's `skills` (rule 12.15)");
}

static void rule_13_1_lint_warns_with_the_rules_number(void **state)
{
    static const struct {
        const char *lines, *rule, *says;
    } rows[] = {
        {"agent_owned: {enabled: on, assign_to_queue: on}", "3.1", "NO_PREFERRED_AGENT_RULE"},
        {"agent_owned: {enabled: on}\nrings: [{threshold: 1}]", "3.4", "`assign_to_queue` is off"},
        {"agent_owned: {enabled: on, assign_to_queue: on, duration: 8d}\n"
         "rings: [{threshold: 1}]",
         "3.2", "longer than 7 days"},
        {"dial_mode: customer_first\ncustomer_first: {pacing: 2.5}", "7.2", "fractional pacing"},
        {"dial_mode: customer_first\nring_timeout: 90s\n"
         "customer_first: {max_retries: 1, retry_delay: 60s}",
         "7.5", "retries come sooner"},
        {"ring_timeout: 90s\nagent_first_retries: 1\nagent_first_retry_delay: 60s", "6.2",
         "retries come sooner"},
        {"customer_first: {pacing: 2}", "7", "`dial_mode` is agent_first"},
        {"last_agent: any\nrings: [{threshold: 1}]", "4.2", "`rings` override it"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(read_queue(rows[i].lines), ERR_OK);
        if (settings.problem_count != 1)
            fail_msg("%s:\n%s", rows[i].lines, printed());
        assert_string_equal(settings.problems[0].rule, rows[i].rule);
        assert_says(rows[i].says);
    }
    assert_int_equal(read_queue("agent_owned: {enabled: off}"), ERR_OK);
    assert_int_equal(settings.problem_count, 0);
    assert_int_equal(read_queue("default_script: s"), ERR_OK);
    assert_int_equal(settings.problem_count, 0);
    assert_int_equal(read_text("domains: {d: {scripts: {s: }, queues: {q: {default_script: s}}}}"),
                     ERR_OK);
    assert_says("SCRIPT_NOT_CALLBACK (rule 1.3)");
    assert_says("no window: customers are called at any hour (rule 12.3)");
    assert_says("no ANI: callbacks show whatever number the trunk has (rule 1.5)");
}

static void settings_events_have_ids_made_of_what_they_say(void **state)
{
    const char *first, *again, *next;
    struct slice bytes;
    Ringback__V1__SettingsEvent *event;
    struct arena arena;

    (void)state;
    arena_init(&arena);
    assert_int_equal(read_queue("name: x"), ERR_OK);
    bytes = settings_item_event(&settings.items[settings.item_count - 1], 3, &arena, &first);
    event = ringback__v1__settings_event__unpack(NULL, bytes.size, bytes.data);
    assert_non_null(event);
    assert_string_equal(event->id, first);
    assert_int_equal(event->event_case, RINGBACK__V1__SETTINGS_EVENT__EVENT_QUEUE);
    assert_int_equal(event->queue->version, 3);
    assert_string_equal(event->queue->name, "x");
    ringback__v1__settings_event__free_unpacked(event, NULL);
    (void)settings_item_event(&settings.items[settings.item_count - 1], 3, &arena, &again);
    (void)settings_item_event(&settings.items[settings.item_count - 1], 4, &arena, &next);
    assert_string_equal(first, again);
    assert_string_not_equal(first, next);
    arena_deinit(&arena);
}

/* The offset at an instant, as the core looks it up. */
static int32_t offset_at(const Ringback__V1__ZoneTable *table, int64_t ms)
{
    size_t at = 0;

    while (at + 1 < table->n_offsets && table->offsets[at + 1]->from_ms <= ms)
        at++;
    return table->offsets[at]->offset_s;
}

static void settings_zone_tables_hold_every_clock_change(void **state)
{
    Ringback__V1__ZoneTable table;
    struct arena arena;
    const int64_t change_ms = INT64_C(1774746000000); /* 2026-03-29 01:00 UTC */

    (void)state;
    arena_init(&arena);
    ringback__v1__zone_table__init(&table);
    setenv("TZ", "Asia/Tokyo", 1);
    assert_true(settings_zone_table("Europe/Berlin", &table, &arena));
    assert_string_equal(getenv("TZ"), "Asia/Tokyo");
    unsetenv("TZ");
    assert_string_equal(table.zone, "Europe/Berlin");
    assert_int_equal(offset_at(&table, change_ms - 1), 3600);
    assert_int_equal(offset_at(&table, change_ms), 7200);
    assert_int_equal(offset_at(&table, INT64_C(2129328000000)), 7200); /* 2037-06-23 */
    assert_int_equal(offset_at(&table, INT64_C(2492985600000)), 3600); /* 2048-12-30 */
    assert_int_equal(table.n_offsets, 1 + 2 * 60);
    for (size_t i = 1; i < table.n_offsets; i++)
        assert_true(table.offsets[i]->from_ms > table.offsets[i - 1]->from_ms);
    ringback__v1__zone_table__init(&table);
    assert_true(settings_zone_table("UTC", &table, &arena));
    assert_int_equal(table.n_offsets, 1);
    assert_int_equal(table.offsets[0]->offset_s, 0);
    assert_false(settings_zone_table("Mars/Olympus", &table, &arena));
    assert_false(settings_zone_table("", &table, &arena));
    assert_false(settings_zone_table("/etc/localtime", &table, &arena));
    arena_deinit(&arena);
}

static void settings_page_names_every_range(void **state)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    (void)state;
    settings_print_reference(out);
    fclose(out);
    assert_non_null(strstr(text, "| `alerting_timeout` | 7s to 15m | 30s |"));
    assert_non_null(strstr(text, "| `pacing` | 1 to 10 | 1 |"));
    assert_non_null(strstr(text, "| `wait` | 2s to 3d | 5s |"));
    assert_non_null(strstr(text, "| `duration` | 1h to 30d | 24h |"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_every_field_of_the_contract_has_a_key),
        cmocka_unit_test(settings_example_is_read_without_a_warning),
        cmocka_unit_test(settings_values_become_the_contracts_units),
        cmocka_unit_test(settings_spans_past_midnight_and_the_weeks_end_are_split),
        cmocka_unit_test(settings_all_errors_are_listed_with_line_and_column),
        cmocka_unit_test(settings_values_at_their_limits_pass_and_beyond_fail),
        cmocka_unit_test(settings_of_a_domain_are_checked),
        cmocka_unit_test(settings_what_is_no_yaml_is_said_with_its_line),
        cmocka_unit_test(settings_a_list_that_is_there_twice_is_said),
        cmocka_unit_test(settings_order_of_keys_does_not_matter),
        cmocka_unit_test(rule_13_1_lint_warns_with_the_rules_number),
        cmocka_unit_test(settings_events_have_ids_made_of_what_they_say),
        cmocka_unit_test(settings_zone_tables_hold_every_clock_change),
        cmocka_unit_test(settings_page_names_every_range),
    };

    return cmocka_run_group_tests_name("settings_file", tests, setup, teardown);
}
