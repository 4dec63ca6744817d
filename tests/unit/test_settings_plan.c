/* daemon/settings_plan: what `queues apply` sends, with the machine itself answering. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/memory.h"
#include "daemon/settings_plan.h"
#include "state/machine.h"

enum { kept_max = 200 };

struct kept {
    struct record record;
    uint8_t *value;
    char key[20];
};

static struct machine *machine;
static struct kept kept[kept_max]; /* the settings and results topics, and state */
static size_t kept_count;
static struct settings settings;
static struct settings_known *known;
static struct settings_plan plan;
static struct arena arena;

static void keep(enum topic topic, struct slice key, const void *value, size_t size)
{
    struct kept *at = &kept[kept_count++];

    assert_true(kept_count < kept_max);
    assert_true(key.size < sizeof(at->key));
    memcpy(at->key, key.data, key.size);
    at->value = memory_alloc(size + 1, "a test");
    memcpy(at->value, value, size);
    at->record = (struct record){.topic = topic,
                                 .offset = (int64_t)kept_count,
                                 .key = slice_make(at->key, key.size),
                                 .value = slice_make(at->value, size)};
}

static int setup(void **state)
{
    struct machine_options options;

    (void)state;
    machine_options_default(&options);
    machine = machine_create(&options);
    machine_ready(machine);
    settings_init(&settings);
    arena_init(&arena);
    return 0;
}

static void end_plan(void)
{
    if (known != NULL)
        settings_plan_deinit(&plan);
    settings_known_destroy(known);
    known = NULL;
}

static void forget(void)
{
    while (kept_count > 0)
        free(kept[--kept_count].value);
}

static int teardown(void **state)
{
    (void)state;
    end_plan();
    machine_destroy(machine);
    settings_deinit(&settings);
    arena_deinit(&arena);
    forget();
    return 0;
}

/* Reads the file and plans by what is on these topics. */
static void make_plan(const char *text, bool from_state, bool prune, bool force)
{
    struct err_note note;

    end_plan();
    settings_deinit(&settings);
    settings_init(&settings);
    if (settings_read_text(&settings, "f.yaml", text, strlen(text), &note) != ERR_OK)
        fail_msg("%s", note.text);
    known = settings_known_create();
    for (size_t i = 0; i < kept_count; i++) {
        if ((kept[i].record.topic == TOPIC_STATE) == from_state)
            settings_known_record(known, &kept[i].record);
    }
    settings_plan_init(&plan, &settings, known, prune, force);
}

/* What the daemon would answer. */
static void decide(const struct settings_step *step)
{
    static int64_t now_ms = INT64_C(1770000000000);
    struct input_event input = {.input = INPUT_SETTINGS, .topic = "settings"};
    Ringback__V1__UndecidedReason why;
    struct effects effects;
    struct err_note note;
    uint8_t bytes[2000];
    size_t size;

    effects_init(&effects, &arena);
    input.domain = slice_text(step->domain);
    input.timestamp_ms = ++now_ms;
    input.event = protobuf_c_message_unpack(&ringback__v1__settings_event__descriptor,
                                            &arena.allocator, step->value.size, step->value.data);
    assert_int_equal(machine_event(machine, &input, now_ms, &effects, &why, &note), ERR_OK);
    for (size_t i = 0; i < effects.count; i++) {
        if (effects.items[i].topic != TOPIC_RESULTS)
            continue;
        assert_true(protobuf_c_message_get_packed_size(effects.items[i].message) < sizeof(bytes));
        size = protobuf_c_message_pack(effects.items[i].message, bytes);
        keep(TOPIC_RESULTS, input.domain, bytes, size);
        settings_plan_result(&plan, &kept[kept_count - 1].record);
    }
}

/* `apply`: sends, lets the machine decide, takes the answers. */
static void apply(void)
{
    for (size_t i = 0; i < plan.count; i++) {
        if (plan.steps[i].value.data == NULL)
            continue;
        keep(TOPIC_SETTINGS, slice_text(plan.steps[i].domain), plan.steps[i].value.data,
             plan.steps[i].value.size);
        decide(&plan.steps[i]);
    }
}

static const struct settings_step *step(enum settings_kind kind, const char *id)
{
    for (size_t i = 0; i < plan.count; i++) {
        if (plan.steps[i].kind == kind && strcmp(plan.steps[i].id, id) == 0)
            return &plan.steps[i];
    }
    fail_msg("no step for %s \"%s\"", settings_kind_name(kind), id);
    return NULL;
}

static void plan_sends_everything_first_and_nothing_again(void **state)
{
    (void)state;
    make_plan("domains: {d: {agents: {a: }, queues: {q: {name: one}}}}", false, false, false);
    assert_int_equal(plan.count, 3);
    assert_int_equal(plan.sent, 3);
    assert_int_equal(step(SETTINGS_QUEUE, "q")->action, SETTINGS_ACTION_NEW);
    assert_int_equal(step(SETTINGS_QUEUE, "q")->version, 1);
    apply();
    assert_int_equal(plan.waiting, 0);
    assert_int_equal(plan.refused, 0);
    assert_int_equal(step(SETTINGS_QUEUE, "q")->answer, SETTINGS_ACCEPTED);
    make_plan("domains: {d: {agents: {a: }, queues: {q: {name: one}}}}", false, false, false);
    assert_int_equal(plan.sent, 0);
    assert_int_equal(plan.waiting, 0);
    assert_int_equal(step(SETTINGS_DOMAIN, "")->action, SETTINGS_ACTION_SAME);
    assert_int_equal(step(SETTINGS_AGENT, "a")->action, SETTINGS_ACTION_SAME);
    assert_int_equal(step(SETTINGS_QUEUE, "q")->action, SETTINGS_ACTION_SAME);
}

static void plan_sends_what_changed_with_the_next_version(void **state)
{
    (void)state;
    make_plan("domains: {d: {agents: {a: }, queues: {q: {name: one}}}}", false, false, false);
    apply();
    make_plan("domains: {d: {agents: {a: }, queues: {q: {name: two}}}}", false, false, false);
    assert_int_equal(plan.sent, 1);
    assert_int_equal(step(SETTINGS_QUEUE, "q")->action, SETTINGS_ACTION_CHANGED);
    assert_int_equal(step(SETTINGS_QUEUE, "q")->version, 2);
    apply();
    assert_int_equal(step(SETTINGS_QUEUE, "q")->answer, SETTINGS_ACCEPTED);
    make_plan("domains: {d: {agents: {a: }, queues: {q: {name: one}}}}", false, false, false);
    assert_int_equal(step(SETTINGS_QUEUE, "q")->version, 3);
}

static void plan_removes_only_with_prune(void **state)
{
    (void)state;
    make_plan("domains: {d: {agents: {a: , b: }}, e: {agents: {c: }}}", false, false, false);
    apply();
    make_plan("domains: {d: {agents: {a: }}}", false, false, false);
    assert_int_equal(plan.sent, 0);
    assert_int_equal(plan.count, 3);
    assert_int_equal(step(SETTINGS_AGENT, "b")->action, SETTINGS_ACTION_EXTRA);
    make_plan("domains: {d: {agents: {a: }}}", false, true, false);
    assert_int_equal(plan.sent, 1);
    assert_int_equal(plan.count, 3); /* nothing of domain e, which the file does not name */
    assert_int_equal(step(SETTINGS_AGENT, "b")->action, SETTINGS_ACTION_REMOVED);
    assert_int_equal(step(SETTINGS_AGENT, "b")->version, 2);
    apply();
    assert_int_equal(step(SETTINGS_AGENT, "b")->answer, SETTINGS_ACCEPTED);
    make_plan("domains: {d: {agents: {a: }}}", false, true, false);
    assert_int_equal(plan.count, 2);
    make_plan("domains: {d: {agents: {a: , b: }}}", false, true, false);
    assert_int_equal(step(SETTINGS_AGENT, "b")->action, SETTINGS_ACTION_NEW);
    assert_int_equal(step(SETTINGS_AGENT, "b")->version, 3);
}

static void plan_waits_for_what_was_sent_and_not_answered(void **state)
{
    (void)state;
    make_plan("domains: {d: {agents: {a: {name: x}}}}", false, false, false);
    for (size_t i = 0; i < plan.count; i++)
        keep(TOPIC_SETTINGS, slice_text("d"), plan.steps[i].value.data, plan.steps[i].value.size);
    make_plan("domains: {d: {agents: {a: {name: x}}}}", false, false, false);
    assert_int_equal(plan.sent, 0);
    assert_int_equal(plan.waiting, 2);
    assert_int_equal(step(SETTINGS_AGENT, "a")->action, SETTINGS_ACTION_PENDING);
    make_plan("domains: {d: {agents: {a: {name: y}}}}", false, false, false);
    assert_int_equal(plan.sent, 1);
    assert_int_equal(step(SETTINGS_AGENT, "a")->version, 2);
}

/* The topics kept nothing, so the version is too low: the refusal names the one that holds. */
static void plan_tells_refusals_and_sends_again(void **state)
{
    (void)state;
    make_plan("domains: {d: {agents: {a: {name: x}}}}", false, false, false);
    apply();
    make_plan("domains: {d: {agents: {a: {name: y}}}}", false, false, false);
    apply();
    forget();
    make_plan("domains: {d: {agents: {a: {name: z}}}}", false, false, false);
    assert_int_equal(step(SETTINGS_AGENT, "a")->version, 1);
    apply();
    assert_int_equal(plan.waiting, 0);
    assert_int_equal(plan.refused, 1);
    assert_int_equal(step(SETTINGS_AGENT, "a")->answer, SETTINGS_REFUSED);
    assert_string_equal(step(SETTINGS_AGENT, "a")->reason, "OLD_VERSION");
    make_plan("domains: {d: {agents: {a: {name: z}}}}", false, false, false);
    assert_int_equal(step(SETTINGS_AGENT, "a")->version, 3);
    apply();
    assert_int_equal(plan.refused, 0);
    assert_int_equal(step(SETTINGS_AGENT, "a")->answer, SETTINGS_ACCEPTED);
}

static void plan_from_state_is_the_same(void **state)
{
    struct change *changes;
    uint8_t bytes[4000];
    size_t count, size;

    (void)state;
    make_plan("domains: {d: {country_code: \"49\", agents: {a: }, zones: [UTC],"
              " scripts: {s: }, queues: {q: {name: one}}}}",
              false, false, false);
    apply();
    assert_int_equal(plan.refused, 0);
    machine_changes(machine, &arena, &changes, &count);
    for (size_t i = 0; i < count; i++) {
        assert_true(protobuf_c_message_get_packed_size(&changes[i].value->base) < sizeof(bytes));
        size = protobuf_c_message_pack(&changes[i].value->base, bytes);
        keep(TOPIC_STATE, changes[i].key, bytes, size);
    }
    make_plan("domains: {d: {country_code: \"49\", agents: {a: }, zones: [UTC],"
              " scripts: {s: }, queues: {q: {name: two}}}}",
              true, false, false);
    assert_int_equal(plan.count, 5);
    assert_int_equal(plan.sent, 1);
    assert_int_equal(step(SETTINGS_QUEUE, "q")->version, 2);
    make_plan("domains: {d: }", true, true, true);
    assert_int_equal(plan.sent, 5);
    apply();
    assert_int_equal(plan.refused, 0);
    assert_int_equal(plan.waiting, 0);
}

static void plan_of_the_example_is_accepted_by_the_machine(void **state)
{
    struct err_note note;

    (void)state;
    assert_int_equal(settings_read(&settings, "deploy/example-settings.yaml", &note), ERR_OK);
    known = settings_known_create();
    settings_plan_init(&plan, &settings, known, false, false);
    apply();
    for (size_t i = 0; i < plan.count; i++) {
        if (plan.steps[i].answer != SETTINGS_ACCEPTED)
            fail_msg("%s: %s %s", plan.steps[i].id, plan.steps[i].reason, plan.steps[i].text);
    }
    assert_int_equal(plan.count, 8);
}

/* The file's limits are the machine's: at their ends all is accepted. */
static void plan_of_settings_at_their_limits_is_accepted(void **state)
{
    (void)state;
    make_plan(
        "domains:\n"
        "  d:\n"
        "    queues:\n"
        "      low: {alerting_timeout: 7s, ring_timeout: 10s, auto_dial: 0, auto_end: 0,\n"
        "        agent_first_retry_delay: 60s, agent_owned: {duration: 1h, ahead: 1h},\n"
        "        rings: [{threshold: 0, wait: 2s}], aht: 1s, service_level: 1s,\n"
        "        service_level_ratio: 0.001, snooze_max: 0, customer_first: {pacing: 1,\n"
        "        retry_delay: 60s}}\n"
        "      high: {alerting_timeout: 900s, ring_timeout: 120s, auto_dial: 1200s,\n"
        "        auto_end: 1200s, agent_first_retries: 20, agent_first_retry_delay: 24h,\n"
        "        agent_owned: {enabled: on, duration: 30d, ahead: 30d}, aht: 1d,\n"
        "        rings: [{threshold: 100, wait: 72h}, {threshold: any}], waiting_max: 10000000,\n"
        "        requests_per_number_max: 1000, position_step: 1000, offer_above: 1d,\n"
        "        status_interval: 1d, snooze_max: 1000, expire_after: 366d,\n"
        "        service_level: 1d, service_level_ratio: 1, customer_first: {pacing: 10,\n"
        "        max_retries: 20, retry_delay: 24h, live_voice: flow, flow: f, site: s},\n"
        "        window: {zone: UTC, hours: [mon-sun 00:00-24:00], holidays: [2026-12-25]}}\n"
        "    agents: {a: {callback_capacity: 25}, b: {callback_capacity: 0}}\n",
        false, false, false);
    apply();
    for (size_t i = 0; i < plan.count; i++) {
        if (plan.steps[i].answer != SETTINGS_ACCEPTED)
            fail_msg("%s: %s %s", plan.steps[i].id, plan.steps[i].reason, plan.steps[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(plan_sends_everything_first_and_nothing_again, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(plan_sends_what_changed_with_the_next_version, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(plan_removes_only_with_prune, setup, teardown),
        cmocka_unit_test_setup_teardown(plan_waits_for_what_was_sent_and_not_answered, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(plan_tells_refusals_and_sends_again, setup, teardown),
        cmocka_unit_test_setup_teardown(plan_from_state_is_the_same, setup, teardown),
        cmocka_unit_test_setup_teardown(plan_of_the_example_is_accepted_by_the_machine, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(plan_of_settings_at_their_limits_is_accepted, setup,
                                        teardown),
    };

    return cmocka_run_group_tests_name("settings_plan", tests, NULL, NULL);
}
