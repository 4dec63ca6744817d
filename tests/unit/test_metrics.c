/* base/metrics. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/metrics.h"
#include "daemon/kind.h"
#include "daemon/spans.h"
#include "daemon/worker.h"

#include "ringback/v1/results.pb-c.h"
#include "ringback/v1/routing.pb-c.h"

static char *text;

static const char *written(void)
{
    size_t size;
    FILE *out;

    free(text);
    out = open_memstream(&text, &size);
    assert_int_equal(metrics_write(out), 0);
    fclose(out);
    return text;
}

static void assert_line(const char *line)
{
    const char *at = strstr(text, line);

    if (at == NULL || (at != text && at[-1] != '\n'))
        fail_msg("no line %s in\n%s", line, text);
}

static void metrics_counters_are_the_sum_of_the_workers(void **state)
{
    (void)state;
    metrics_reset();
    metrics_add(metrics_of(0), METRIC_records_read, 1, 5);
    metrics_add(metrics_of(7), METRIC_records_read, 1, 6);
    metrics_add(metrics_of(-1), METRIC_batches, 0, 1);
    metrics_leave(metrics_of(7));
    assert_int_equal(metrics_total(METRIC_records_read, 1), 11);
    assert_int_equal(metrics_total(METRIC_records_read, 0), 0);
    written();
    assert_line("# HELP ringback_records_read_total Records read from an input.\n"
                "# TYPE ringback_records_read_total counter\n"
                "ringback_records_read_total{input=\"settings\"} 0\n"
                "ringback_records_read_total{input=\"interactions\"} 11\n");
    assert_line("ringback_batches_total 1\n");
}

static void metrics_gauges_are_one_a_worker_and_leave_with_it(void **state)
{
    (void)state;
    metrics_reset();
    metrics_set(metrics_of(3), METRIC_callbacks, 0, 12);
    metrics_set(metrics_of(4), METRIC_callbacks, 0, -1);
    metrics_set(metrics_of(4), METRIC_input_waiting, 2, 9);
    metrics_set(metrics_of(4), METRIC_timers_late, 0, -1500000);
    metrics_set(metrics_of(-1), METRIC_partitions, 0, 2);
    written();
    assert_line("# TYPE ringback_callbacks gauge\n"
                "ringback_callbacks{partition=\"3\"} 12\n"
                "ringback_callbacks{partition=\"4\"} -1\n"
                "# HELP");
    assert_line("ringback_input_waiting{input=\"presence\",partition=\"4\"} 9\n");
    assert_line("ringback_timers_late_seconds{partition=\"4\"} -1.500000\n");
    assert_line("ringback_partitions 2\n");
    metrics_leave(metrics_of(4));
    written();
    assert_line("ringback_callbacks{partition=\"3\"} 12\n# HELP");
    assert_null(strstr(text, "partition=\"4\""));
    metrics_set(metrics_of(4), METRIC_entities, 0, 1);
    written();
    assert_line("ringback_callbacks{partition=\"4\"} 0\n");
}

static void metrics_histograms_have_rising_buckets_count_and_sum(void **state)
{
    struct metrics *metrics = metrics_of(0);

    (void)state;
    metrics_reset();
    metrics_observe(metrics, METRIC_commit, 0, 100);
    metrics_observe(metrics, METRIC_commit, 0, 101);
    metrics_observe(metrics_of(1), METRIC_commit, 0, 7000);
    metrics_observe(metrics, METRIC_commit, 0, 200000000);
    metrics_observe(metrics, METRIC_commit, 0, -5);
    assert_int_equal(metrics_total(METRIC_commit, 0), 5);
    metrics_observe(metrics, METRIC_batch_records, 0, 20000);
    written();
    assert_line("# TYPE ringback_commit_seconds histogram\n"
                "ringback_commit_seconds_bucket{le=\"0.0001\"} 2\n"
                "ringback_commit_seconds_bucket{le=\"0.00025\"} 3\n");
    assert_line("ringback_commit_seconds_bucket{le=\"0.005\"} 3\n"
                "ringback_commit_seconds_bucket{le=\"0.01\"} 4\n");
    assert_line("ringback_commit_seconds_bucket{le=\"100\"} 4\n"
                "ringback_commit_seconds_bucket{le=\"+Inf\"} 5\n"
                "ringback_commit_seconds_sum 200.007201\n"
                "ringback_commit_seconds_count 5\n");
    assert_line("ringback_batch_records_bucket{le=\"10000\"} 0\n"
                "ringback_batch_records_bucket{le=\"20000\"} 1\n");
    assert_line("ringback_batch_records_sum 20000\n");
}

/* Every line is a comment or `name{labels} number`, each metric's lines stand together, HELP and
 * TYPE first, no sample twice. */
static void metrics_text_is_prometheus_by_the_book(void **state)
{
    char family[100] = "", seen[20000] = "";

    (void)state;
    metrics_reset();
    metrics_name("0.1", "a \"b\" \\c\nd");
    metrics_set(metrics_of(2), METRIC_callbacks, 0, 1);
    written();
    assert_line("# TYPE ringback_info gauge\n"
                "ringback_info{version=\"0.1\",group=\"a \\\"b\\\" \\\\c\\nd\"} 1\n");
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        char sample[200], *end;

        if (strncmp(line, "# HELP ", 7) == 0) {
            snprintf(family, sizeof(family), "%.*s", (int)strcspn(line + 7, " "), line + 7);
            snprintf(sample, sizeof(sample), "[%s]", family);
            assert_null(strstr(seen, sample));
            strcat(seen, sample);
            continue;
        }
        if (strncmp(line, "# TYPE ", 7) == 0) {
            assert_memory_equal(line + 7, family, strlen(family));
            continue;
        }
        assert_memory_equal(line, family, strlen(family));
        snprintf(sample, sizeof(sample), "<%.*s>", (int)(strrchr(line, ' ') - line), line);
        assert_null(strstr(seen, sample));
        strcat(seen, sample);
        strtod(strrchr(line, ' ') + 1, &end);
        assert_string_equal(end, "");
        assert_true(strlen(seen) < sizeof(seen) - 300);
    }
    assert_non_null(strstr(seen, "<ringback_records_sent_total{output=\"state\"}>"));
}

/* The lists of label values are what others number. */
static void metrics_labels_follow_their_enums(void **state)
{
    static const char *const machine[] = {
#define NAME_(name, help) #name,
        MACHINE_COUNT_MAP(NAME_)
#undef NAME_
    };
    const ProtobufCEnumDescriptor *reasons = &ringback__v1__undecided_reason__descriptor;
    char expected[200], name[100];

    (void)state;
    assert_int_equal(sizeof(machine) / sizeof(machine[0]), METRIC_LABEL_SIZE_machine);
    assert_int_equal(reasons->n_values, METRIC_LABEL_SIZE_undecided);
    assert_int_equal(INPUT_COUNT, METRIC_LABEL_SIZE_input);
    metrics_reset();
    for (int i = 0; i < METRIC_LABEL_SIZE_machine; i++)
        metrics_add(metrics_of(0), METRIC_machine, i, (uint64_t)i + 1);
    for (int i = 0; i < METRIC_LABEL_SIZE_undecided; i++)
        metrics_add(metrics_of(0), METRIC_records_undecided, i, (uint64_t)i + 1);
    for (int i = 0; i < INPUT_COUNT; i++)
        metrics_add(metrics_of(0), METRIC_records_decided, i, (uint64_t)i + 1);
    for (int i = 0; i < 5; i++)
        metrics_add(metrics_of(0), METRIC_records_sent, i, (uint64_t)i + 1);
    written();
    for (int i = 0; i < METRIC_LABEL_SIZE_machine + METRIC_LABEL_SIZE_undecided; i++) {
        bool first = i < METRIC_LABEL_SIZE_machine;
        int at = first ? i : i - METRIC_LABEL_SIZE_machine;

        snprintf(name, sizeof(name), "%s",
                 first ? machine[at] : reasons->values[at].name + strlen("UNDECIDED_REASON_"));
        for (char *letter = name; *letter != '\0'; letter++)
            *letter = (char)(*letter >= 'A' && *letter <= 'Z' ? *letter + 32 : *letter);
        snprintf(expected, sizeof(expected), "ringback_%s=\"%s\"} %d\n",
                 first ? "machine_total{what" : "records_undecided_total{reason", name, at + 1);
        assert_line(expected);
    }
    for (int i = 0; i < 5; i++) {
        snprintf(expected, sizeof(expected), "ringback_records_decided_total{input=\"%s\"} %d\n",
                 topic_short_name((enum topic)i), i + 1);
        assert_line(expected);
        snprintf(expected, sizeof(expected), "ringback_records_sent_total{output=\"%s\"} %d\n",
                 topic_short_name((enum topic)(TOPIC_ROUTING + i)), i + 1);
        assert_line(expected);
    }
}

static void assert_name(const char *names, const char *name)
{
    char wanted[100];

    snprintf(wanted, sizeof(wanted), "|%s|", name);
    for (char *letter = wanted; *letter != '\0'; letter++)
        *letter = (char)(*letter >= 'A' && *letter <= 'Z' ? *letter + 32 : *letter);
    assert_string_equal(names, wanted);
}

/* The value of that index in a set, as |value|, in small letters. */
static const char *value_at(const char *values, int index)
{
    static char found[100];

    for (; index > 0; index--)
        values = strchr(values, '|') + 1;
    snprintf(found, sizeof(found), "|%.*s|", (int)strcspn(values, "|"), values);
    for (char *letter = found; *letter != '\0'; letter++)
        *letter = (char)(*letter >= 'A' && *letter <= 'Z' ? *letter + 32 : *letter);
    return found;
}

#define VALUES_(set, label, values, count) [METRIC_LABEL_##set] = (values),
static const char *const sets[] = {METRIC_LABEL_MAP(VALUES_)};
#undef VALUES_

/* Kinds, commands, reasons, memory, faults and states are those of the contract and the code. */
static void metrics_labels_of_decisions_follow_the_contract(void **state)
{
    static const char *const memory[] = {
#define NAME_(name, text) #name,
        MACHINE_MEMORY_MAP(NAME_)
#undef NAME_
    };
    static const char *const states[] = {
#define NAME_(name, text) #name,
        WORKER_STATE_MAP(NAME_)
#undef NAME_
    };
    const ProtobufCEnumDescriptor *reasons = &ringback__v1__reason__descriptor;

    (void)state;
    for (uint8_t kind = 0; kind < METRIC_LABEL_SIZE_kind; kind++)
        assert_name(value_at(sets[METRIC_LABEL_kind], kind), kind_name(kind));
    assert_int_equal(kind_count, METRIC_LABEL_SIZE_kind);
    assert_int_equal(reasons->n_values, METRIC_LABEL_SIZE_reason);
    for (unsigned i = 1; i < reasons->n_values; i++) {
        const char *name =
            protobuf_c_enum_descriptor_get_value(reasons, (int)i)->name + strlen("REASON_");

        assert_name(value_at(sets[METRIC_LABEL_reason], (int)i), name);
        assert_name(value_at(sets[METRIC_LABEL_answer], (int)i), name);
    }
    assert_string_equal(value_at(sets[METRIC_LABEL_answer], 0), "|accepted|");
    for (unsigned i = 1; i < METRIC_LABEL_SIZE_command; i++) {
        unsigned field = RINGBACK__V1__COMMAND__COMMAND_SCHEDULE + i - 1;

        assert_name(
            value_at(sets[METRIC_LABEL_command], (int)i),
            protobuf_c_message_descriptor_get_field(&ringback__v1__command__descriptor, field)
                ->name);
    }
    assert_null(protobuf_c_message_descriptor_get_field(&ringback__v1__command__descriptor,
                                                        RINGBACK__V1__COMMAND__COMMAND_SCHEDULE +
                                                            METRIC_LABEL_SIZE_command - 1));
    for (int i = 0; i < MACHINE_MEMORY_END; i++)
        assert_name(value_at(sets[METRIC_LABEL_memory], i), memory[i]);
    for (int i = 0; i < WORKER_STATE_COUNT; i++)
        assert_name(value_at(sets[METRIC_LABEL_state], i), states[i]);
    assert_int_equal(SPANS_LOST_COUNT, METRIC_LABEL_SIZE_lost);
}

/* Every kind and reason that the contract knows finds its cell. */
static void metrics_kinds_are_those_of_effects(void **state)
{
    Ringback__V1__RoutingEvent routing = RINGBACK__V1__ROUTING_EVENT__INIT;
    Ringback__V1__CallbackEnded ended = RINGBACK__V1__CALLBACK_ENDED__INIT;
    Ringback__V1__Result result = RINGBACK__V1__RESULT__INIT;
    Ringback__V1__CommandRefused refused = RINGBACK__V1__COMMAND_REFUSED__INIT;
    struct kind kind;

    (void)state;
    routing.event_case = RINGBACK__V1__ROUTING_EVENT__EVENT_CALLBACK_ENDED;
    routing.callback_ended = &ended;
    ended.reason = RINGBACK__V1__REASON__REASON_SHORT_WAIT;
    kind = kind_of(&(struct effect){.topic = TOPIC_ROUTING, .message = &routing.base});
    assert_string_equal(kind_name(kind.kind), "callback_ended");
    assert_int_equal(kind.reason, RINGBACK__V1__REASON__REASON_SHORT_WAIT);
    result.answer_case = RINGBACK__V1__RESULT__ANSWER_COMMAND_REFUSED;
    result.command_refused = &refused;
    refused.reason = RINGBACK__V1__REASON__REASON_NOT_YOURS;
    kind = kind_of(&(struct effect){.topic = TOPIC_RESULTS, .message = &result.base});
    assert_string_equal(kind_name(kind.kind), "command_refused");
    assert_int_equal(kind.reason, RINGBACK__V1__REASON__REASON_NOT_YOURS);
}

/* Two labels; of many values only what was counted is written. */
static void metrics_of_pairs_have_both_labels(void **state)
{
    (void)state;
    metrics_reset();
    metrics_add(metrics_of(0), METRIC_decisions, METRIC_PAIR(decision, 22, 41), 3);
    metrics_add(metrics_of(0), METRIC_commands, METRIC_PAIR(answered, 5, 0), 2);
    metrics_add(metrics_of(0), METRIC_dead_letters, METRIC_PAIR(dead_letter, INPUT_FLOWS, 1), 1);
    written();
    assert_line(
        "# TYPE ringback_decisions_total counter\n"
        "ringback_decisions_total{kind=\"callback_refused\",reason=\"DUPLICATE_NUMBER\"} 3\n"
        "# HELP ");
    assert_line("ringback_commands_total{kind=\"accept\",answer=\"ACCEPTED\"} 2\n# HELP ");
    assert_line("ringback_dead_letters_total{input=\"flows\",reason=\"undecodable\"} 1\n");
    assert_line("ringback_dead_letters_total{input=\"commands\",reason=\"no_domain\"} 0\n");
    assert_int_equal(metrics_total(METRIC_decisions, METRIC_PAIR(decision, 22, 41)), 3);
}

enum { thread_count = 4, thread_adds = 20000 };

static void *count_much(void *block)
{
    for (int i = 0; i < thread_adds; i++) {
        metrics_add(block, METRIC_batches, 0, 1);
        metrics_observe(metrics_of(-1), METRIC_decide, 0, i);
    }
    return NULL;
}

static void metrics_threads_lose_nothing(void **state)
{
    pthread_t threads[thread_count];

    (void)state;
    metrics_reset();
    for (int i = 0; i < thread_count; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_much, metrics_of(i % 2)), 0);
    written();
    for (int i = 0; i < thread_count; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(metrics_total(METRIC_batches, 0), thread_count * thread_adds);
    assert_int_equal(metrics_total(METRIC_decide, 0), thread_count * thread_adds);
}

static void metrics_write_reports_a_full_disk(void **state)
{
    FILE *full = fopen("/dev/full", "w");

    (void)state;
    assert_non_null(full);
    assert_int_equal(metrics_write(full), -1);
    fclose(full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metrics_counters_are_the_sum_of_the_workers),
        cmocka_unit_test(metrics_gauges_are_one_a_worker_and_leave_with_it),
        cmocka_unit_test(metrics_histograms_have_rising_buckets_count_and_sum),
        cmocka_unit_test(metrics_text_is_prometheus_by_the_book),
        cmocka_unit_test(metrics_labels_follow_their_enums),
        cmocka_unit_test(metrics_labels_of_decisions_follow_the_contract),
        cmocka_unit_test(metrics_kinds_are_those_of_effects),
        cmocka_unit_test(metrics_of_pairs_have_both_labels),
        cmocka_unit_test(metrics_threads_lose_nothing),
        cmocka_unit_test(metrics_write_reports_a_full_disk),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
