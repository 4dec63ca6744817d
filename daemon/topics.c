#include "daemon/topics.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/memory.h"
#include "daemon/bus_kafka.h"
#include "daemon/security.h"

enum {
    admin_timeout_ms = 20000,
    min_compaction_lag_ms = 3600 * 1000,

    name_count_max = 12
};
#define DAY_MS     (24 * 3600 * 1000LL)
#define UNKNOWN_MS (-2)

enum err topics_client(const struct options *options, rd_kafka_t **client, struct err_note *note)
{
    rd_kafka_conf_t *conf;
    struct kafka_setting items[option_kafka_count_max];
    struct kafka_settings settings = bus_kafka_settings(options, items);
    const char *const ours[] = {"client.id", "ringback-admin", NULL};

    if (options_kafka_get(options, "bootstrap.servers") == NULL)
        return FAIL(note, ERR_BAD_OPTION,
                    "where is Kafka? kafka.bootstrap.servers is not set: give "
                    "--kafka.bootstrap.servers HOST:PORT, or --config FILE");
    kafka_fault_forget();
    TRY(kafka_conf_create(&settings, ours, &conf, note));
    return kafka_create(RD_KAFKA_PRODUCER, conf, "a client", client, note);
}

/* --- reading --- */

static void read_metadata(const rd_kafka_metadata_t *metadata, struct topics *topics)
{
    topics->broker_count = metadata->broker_cnt;
    for (int i = 0; i < metadata->topic_cnt; i++) {
        const rd_kafka_metadata_topic_t *found = &metadata->topics[i];

        if (found->err != RD_KAFKA_RESP_ERR_NO_ERROR || found->partition_cnt == 0)
            continue;
        for (int topic = 0; topic < TOPIC_COUNT; topic++) {
            struct topic_info *info = &topics->items[topic];

            if (strcmp(info->name, found->topic) != 0)
                continue;
            info->present = true;
            info->partitions = found->partition_cnt;
            info->replication = found->partitions[0].replica_cnt;
        }
    }
}

static void read_entry(struct topic_info *info, const char *name, const char *value)
{
    const struct {
        const char *name;
        int64_t *value;
    } numbers[] = {
        {"retention.ms", &info->retention_ms},
        {"min.compaction.lag.ms", &info->min_compaction_lag_ms},
        {"delete.retention.ms", &info->delete_retention_ms},
        {"max.message.bytes", &info->message_bytes_max},
        {"min.insync.replicas", &info->insync_min},
        {"message.timestamp.before.max.ms", &info->before_ms_max},
        {"message.timestamp.after.max.ms", &info->after_ms_max},
    };

    if (value == NULL)
        return;
    if (strcmp(name, "cleanup.policy") == 0)
        snprintf(info->cleanup, sizeof(info->cleanup), "%s", value);
    if (strcmp(name, "message.timestamp.type") == 0)
        snprintf(info->timestamp_type, sizeof(info->timestamp_type), "%s", value);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        if (strcmp(name, numbers[i].name) == 0)
            *numbers[i].value = strtoll(value, NULL, 10);
    }
}

/* Wait for the one answer that queue will get. NULL: none in time, note says what was asked. */
static rd_kafka_event_t *wait_answer(rd_kafka_queue_t *queue, const char *what,
                                     struct err_note *note)
{
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, admin_timeout_ms + 5000);

    if (event == NULL) {
        (void)FAIL(note, ERR_BUS_DOWN, "%s: the broker did not answer within %d s", what,
                   admin_timeout_ms / 1000);
        return NULL;
    }
    if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        (void)FAIL(note, ERR_BUS_DOWN, "%s: %s", what, rd_kafka_event_error_string(event));
        rd_kafka_event_destroy(event);
        return NULL;
    }
    return event;
}

static rd_kafka_AdminOptions_t *admin_options(rd_kafka_t *client, rd_kafka_admin_op_t operation)
{
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(client, operation);
    char why[200];

    (void)rd_kafka_AdminOptions_set_request_timeout(options, admin_timeout_ms, why, sizeof(why));
    return options;
}

static struct topic_info *info_by_name(struct topics *topics, const char *name)
{
    for (int i = 0; i < TOPIC_COUNT; i++) {
        if (strcmp(topics->items[i].name, name) == 0)
            return &topics->items[i];
    }
    return NULL;
}

static bool any_present(const struct topics *topics)
{
    bool any = false;

    for (int i = 0; i < TOPIC_COUNT; i++)
        any |= topics->items[i].present;
    return any;
}

/* At least one must be there. */
static rd_kafka_event_t *describe(rd_kafka_t *client, const struct topics *topics,
                                  struct err_note *note)
{
    rd_kafka_AdminOptions_t *options = admin_options(client, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_ConfigResource_t *resources[TOPIC_COUNT];
    rd_kafka_event_t *event;
    size_t count = 0;

    for (int i = 0; i < TOPIC_COUNT; i++) {
        if (topics->items[i].present)
            resources[count++] =
                rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topics->items[i].name);
    }
    rd_kafka_DescribeConfigs(client, resources, count, options, queue);
    event = wait_answer(queue, "describe topics", note);
    rd_kafka_ConfigResource_destroy_array(resources, count);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_queue_destroy(queue);
    return event;
}

static enum err read_settings(rd_kafka_t *client, struct topics *topics, struct err_note *note)
{
    rd_kafka_event_t *event = describe(client, topics, note);
    const rd_kafka_ConfigResource_t **resources;
    size_t count = 0;

    if (event == NULL)
        return ERR_BUS_DOWN;
    resources = rd_kafka_DescribeConfigs_result_resources(
        rd_kafka_event_DescribeConfigs_result(event), &count);
    for (size_t i = 0; i < count; i++) {
        struct topic_info *info = info_by_name(topics, rd_kafka_ConfigResource_name(resources[i]));
        size_t entry_count = 0;
        const rd_kafka_ConfigEntry_t **entries =
            rd_kafka_ConfigResource_configs(resources[i], &entry_count);

        /* Not allowed to look (ACL): what is not told is not checked. */
        if (info == NULL || rd_kafka_ConfigResource_error(resources[i]) != 0)
            continue;
        for (size_t j = 0; j < entry_count; j++)
            read_entry(info, rd_kafka_ConfigEntry_name(entries[j]),
                       rd_kafka_ConfigEntry_value(entries[j]));
    }
    rd_kafka_event_destroy(event);
    return ERR_OK;
}

/* librdkafka tries on until the time is over, also where the broker will never let it in: look
 * after a second, and after three, whether that is so. */
static rd_kafka_resp_err_t read_brokers(rd_kafka_t *client, int timeout_ms,
                                        const struct rd_kafka_metadata **metadata)
{
    static const int slices_ms[] = {1000, 2000};
    rd_kafka_resp_err_t code;

    for (size_t i = 0; i < sizeof(slices_ms) / sizeof(slices_ms[0]); i++) {
        if (timeout_ms <= slices_ms[i])
            break;
        code = rd_kafka_metadata(client, 1, NULL, metadata, slices_ms[i]);
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR || security_refused())
            return code;
        timeout_ms -= slices_ms[i];
    }
    return rd_kafka_metadata(client, 1, NULL, metadata, timeout_ms);
}

enum err topics_read(rd_kafka_t *client, const struct options *options, bool described,
                     int timeout_ms, struct topics *topics, struct err_note *note)
{
    const struct rd_kafka_metadata *metadata;
    rd_kafka_resp_err_t code;
    char *cluster_id;

    *topics = (struct topics){0};
    for (int i = 0; i < TOPIC_COUNT; i++)
        topics->items[i] = (struct topic_info){.name = options->topic_names[i],
                                               .retention_ms = UNKNOWN_MS,
                                               .min_compaction_lag_ms = UNKNOWN_MS,
                                               .delete_retention_ms = UNKNOWN_MS,
                                               .message_bytes_max = UNKNOWN_MS,
                                               .insync_min = UNKNOWN_MS,
                                               .before_ms_max = UNKNOWN_MS,
                                               .after_ms_max = UNKNOWN_MS};
    code = read_brokers(client, timeout_ms, &metadata);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return security_explain(options, code, note);
    read_metadata(metadata, topics);
    rd_kafka_metadata_destroy(metadata);
    cluster_id = rd_kafka_clusterid(client, timeout_ms);
    snprintf(topics->cluster_id, sizeof(topics->cluster_id), "%s",
             cluster_id == NULL ? "" : cluster_id);
    if (cluster_id != NULL)
        rd_kafka_mem_free(client, cluster_id);
    return any_present(topics) && described ? read_settings(client, topics, note) : ERR_OK;
}

/* --- checking --- */

static void add(struct topics_report *report, enum topics_severity severity, int topic,
                const char *format, ...) __attribute__((format(printf, 4, 5)));

static void add(struct topics_report *report, enum topics_severity severity, int topic,
                const char *format, ...)
{
    struct topics_problem *problem = &report->items[report->count];
    va_list arguments;

    if (report->count == topics_problem_count_max)
        return;
    report->count++;
    problem->severity = severity;
    problem->topic = (enum topic)topic;
    va_start(arguments, format);
    vsnprintf(problem->text, sizeof(problem->text), format, arguments);
    va_end(arguments);
}

static bool shorter(int64_t ms, int64_t than_ms)
{
    if (ms == UNKNOWN_MS || than_ms == UNKNOWN_MS || ms == -1)
        return false;
    return than_ms == -1 || ms < than_ms;
}

static int64_t longest_input_ms(const struct topics *topics)
{
    int64_t longest_ms = UNKNOWN_MS;

    for (int i = 0; i < INPUT_COUNT; i++) {
        int64_t ms = topics->items[i].retention_ms;

        if (ms == -1)
            return -1;
        if (ms > longest_ms)
            longest_ms = ms;
    }
    return longest_ms;
}

static void check_counts(const struct topics *topics, const struct options *options,
                         struct topics_report *report)
{
    const struct topic_info *state = &topics->items[TOPIC_STATE];

    for (int i = 0; i < TOPIC_COUNT; i++) {
        const struct topic_info *info = &topics->items[i];

        if (!info->present)
            add(report, TOPICS_REFUSED, i,
                "is missing: `ringback topics` makes it, with the right settings");
        else if ((i < INPUT_COUNT || i == TOPIC_JOURNAL) && state->present &&
                 info->partitions != state->partitions)
            add(report, TOPICS_REFUSED, i,
                "has %" PRId32 " partitions, but %s has %" PRId32
                ": inputs, state and journal need the same count (add partitions to the one with "
                "fewer only while nothing is on it; domains move to other partitions)",
                info->partitions, state->name, state->partitions);
    }
    if (state->present && state->partitions > options->max_partitions)
        add(report, TOPICS_REFUSED, TOPIC_STATE,
            "has %" PRId32 " partitions, more than max_partitions (%" PRId64
            "): each costs a thread and its share of the transactions; with so many expect a "
            "commit "
            "only every %" PRId32 " ms. Raise max_partitions if that is meant",
            state->partitions, options->max_partitions, 4 + state->partitions * 4);
}

static void check_one(const struct topics *topics, int i, struct topics_report *report)
{
    const struct topic_info *info = &topics->items[i];

    if (i < INPUT_COUNT && strstr(info->cleanup, "compact") != NULL)
        add(report, TOPICS_REFUSED, i,
            "is compacted (cleanup.policy=%s): records would vanish unread; set it to delete",
            info->cleanup);
    if (i == TOPIC_STATE && info->cleanup[0] != '\0' && strcmp(info->cleanup, "compact") != 0)
        add(report, TOPICS_REFUSED, i,
            "has cleanup.policy=%s: callbacks would be deleted; set it to compact, alone",
            info->cleanup);
    if (i == TOPIC_STATE && info->min_compaction_lag_ms != UNKNOWN_MS &&
        info->min_compaction_lag_ms < min_compaction_lag_ms)
        add(report, TOPICS_REFUSED, i,
            "has min.compaction.lag.ms=%" PRId64
            ": a take-over needs the last hour whole; set it to %d or more",
            info->min_compaction_lag_ms, min_compaction_lag_ms);
    if (i == TOPIC_JOURNAL && strstr(info->cleanup, "compact") != NULL)
        add(report, TOPICS_REFUSED, i,
            "is compacted: its records have no keys to keep; set it to delete");
    if (i == TOPIC_JOURNAL && shorter(info->retention_ms, longest_input_ms(topics)))
        add(report, TOPICS_WARNED, i,
            "keeps records for %" PRId64
            " ms, less than an input: what was decided of the rest cannot be replayed",
            info->retention_ms);
    if (info->replication > 1 && info->insync_min == 1)
        add(report, TOPICS_WARNED, i,
            "has min.insync.replicas=1 with %d replicas: a broker that dies can lose what was "
            "committed; set it to 2",
            info->replication);
    if (info->message_bytes_max != UNKNOWN_MS && info->message_bytes_max < 1000 * 1000)
        add(report, TOPICS_WARNED, i,
            "takes records up to %" PRId64 " bytes only, ours can have 900,000: raise "
            "max.message.bytes to 1048588",
            info->message_bytes_max);
    if (strcmp(info->timestamp_type, "LogAppendTime") == 0)
        add(report, TOPICS_WARNED, i,
            "has message.timestamp.type=LogAppendTime: what people did counts by their clients' "
            "time; set it to CreateTime");
}

static void check_replay(const struct topics *topics, int i, struct topics_report *report)
{
    const struct topic_info *info = &topics->items[i];

    if (i != TOPIC_STATE && info->retention_ms >= 0)
        add(report, TOPICS_REFUSED, i,
            "deletes what is older than %" PRId64
            " ms, recorded stamps are: `ringback topics --for-replay` lifts that",
            info->retention_ms);
    if (info->before_ms_max >= 0 && info->before_ms_max != INT64_MAX)
        add(report, TOPICS_REFUSED, i,
            "takes no stamps older than %" PRId64 " ms: `ringback topics --for-replay` lifts that",
            info->before_ms_max);
}

void topics_check(const struct topics *topics, const struct options *options, bool for_replay,
                  struct topics_report *report)
{
    report->count = 0;
    check_counts(topics, options, report);
    for (int i = 0; i < TOPIC_COUNT; i++) {
        if (!topics->items[i].present)
            continue;
        check_one(topics, i, report);
        if (for_replay)
            check_replay(topics, i, report);
        else if (i < INPUT_COUNT && shorter(options->dedupe_window, topics->items[i].retention_ms))
            add(report, TOPICS_WARNED, i,
                "keeps records longer than dedupe_window (%" PRId64
                " ms): read again from its beginning, old requests would be new ones",
                options->dedupe_window);
    }
}

enum err topics_refused(const struct topics *topics, const struct topics_report *report,
                        struct err_note *note)
{
    size_t more = 0;
    const struct topics_problem *first = NULL;

    for (size_t i = 0; i < report->count; i++) {
        if (report->items[i].severity != TOPICS_REFUSED)
            continue;
        if (first == NULL)
            first = &report->items[i];
        else
            more++;
    }
    if (first == NULL)
        return ERR_OK;
    if (more == 0)
        return FAIL(note, ERR_BUS_REFUSED, "topic %s %s", topics->items[first->topic].name,
                    first->text);
    return FAIL(note, ERR_BUS_REFUSED, "topic %s %s (and %zu more: `ringback topics` lists all)",
                topics->items[first->topic].name, first->text, more);
}

/* --- creating --- */

struct topic_settings {
    const char *names[name_count_max];
    char values[name_count_max][32];
    size_t count;
};

static void set(struct topic_settings *settings, const char *name, const char *value)
{
    settings->names[settings->count] = name;
    snprintf(settings->values[settings->count++], sizeof(settings->values[0]), "%s", value);
}

static void set_number(struct topic_settings *settings, const char *name, int64_t value)
{
    char text[24];

    snprintf(text, sizeof(text), "%" PRId64, value);
    set(settings, name, text);
}

static void set_for_replay(struct topic_settings *settings, int topic)
{
    if (topic != TOPIC_STATE) {
        set_number(settings, "retention.ms", -1);
        set_number(settings, "retention.bytes", -1);
    }
    set_number(settings, "message.timestamp.before.max.ms", INT64_MAX);
    set_number(settings, "message.timestamp.after.max.ms", INT64_MAX);
}

static void settings_of(int topic, const struct topics *topics, int replication, bool for_replay,
                        struct topic_settings *settings)
{
    int64_t inputs_ms = longest_input_ms(topics);

    settings->count = 0;
    set(settings, "cleanup.policy", topic == TOPIC_STATE ? "compact" : "delete");
    set(settings, "message.timestamp.type", "CreateTime");
    set_number(settings, "max.message.bytes", 1048588);
    if (replication > 2)
        set_number(settings, "min.insync.replicas", 2);
    if (topic == TOPIC_STATE) {
        set_number(settings, "min.compaction.lag.ms", min_compaction_lag_ms);
        set_number(settings, "delete.retention.ms", 7 * DAY_MS);
    } else if (!for_replay) {
        int64_t ms = 7 * DAY_MS;

        if (topic == TOPIC_JOURNAL && shorter(ms, inputs_ms))
            ms = inputs_ms;
        set_number(settings, "retention.ms", ms);
    }
    if (for_replay)
        set_for_replay(settings, topic);
}

static enum err create_results(rd_kafka_event_t *event, struct err_note *note)
{
    size_t count = 0;
    const rd_kafka_topic_result_t **results =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);

    for (size_t i = 0; i < count; i++) {
        rd_kafka_resp_err_t code = rd_kafka_topic_result_error(results[i]);

        if (code != RD_KAFKA_RESP_ERR_NO_ERROR && code != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
            return FAIL(note, ERR_BUS_REFUSED, "cannot create topic %s: %s",
                        rd_kafka_topic_result_name(results[i]),
                        rd_kafka_topic_result_error_string(results[i]));
    }
    return ERR_OK;
}

static rd_kafka_NewTopic_t *new_topic(const struct topics *topics, int topic, int32_t partitions,
                                      int replication, bool for_replay)
{
    struct topic_settings settings;
    char why[200];
    rd_kafka_NewTopic_t *made =
        rd_kafka_NewTopic_new(topics->items[topic].name, partitions, replication, why, sizeof(why));

    settings_of(topic, topics, replication, for_replay, &settings);
    for (size_t i = 0; made != NULL && i < settings.count; i++)
        (void)rd_kafka_NewTopic_set_config(made, settings.names[i], settings.values[i]);
    return made;
}

enum err topics_create(rd_kafka_t *client, const struct topics *topics, int32_t partitions,
                       int replication, bool for_replay, struct err_note *note)
{
    rd_kafka_NewTopic_t *wanted[TOPIC_COUNT];
    rd_kafka_AdminOptions_t *options;
    rd_kafka_event_t *event;
    rd_kafka_queue_t *queue;
    size_t count = 0;
    enum err err = ERR_BUS_DOWN;

    for (int i = 0; partitions == 0 && i < INPUT_COUNT; i++)
        partitions = topics->items[i].present ? topics->items[i].partitions : 0;
    for (int i = 0; i < TOPIC_COUNT; i++) {
        if (topics->items[i].present)
            continue;
        wanted[count] =
            new_topic(topics, i, partitions == 0 ? 1 : partitions, replication, for_replay);
        if (wanted[count] != NULL)
            count++;
    }
    if (count == 0)
        return ERR_OK;
    options = admin_options(client, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    queue = rd_kafka_queue_new(client);
    rd_kafka_CreateTopics(client, wanted, count, options, queue);
    event = wait_answer(queue, "create topics", note);
    if (event != NULL) {
        err = create_results(event, note);
        rd_kafka_event_destroy(event);
    }
    rd_kafka_NewTopic_destroy_array(wanted, count);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_queue_destroy(queue);
    return err;
}

/* What was created or changed is not at once in the answer of every broker. */
static enum err read_after_create(rd_kafka_t *client, const struct options *options,
                                  bool for_replay, struct topics *topics, struct err_note *note)
{
    static struct topics_report report;

    for (int attempt = 0;; attempt++) {
        enum err err = topics_read(client, options, true, admin_timeout_ms, topics, note);

        topics_check(topics, options, for_replay, &report);
        if (err != ERR_OK || topics_refused(topics, &report, NULL) == ERR_OK || attempt == 20)
            return err;
        (void)rd_kafka_poll(client, 100);
    }
}

enum err topics_make(rd_kafka_t *client, const struct options *options, int32_t partitions,
                     int replication, bool for_replay, struct topics *topics, struct err_note *note)
{
    if (replication == 0)
        replication = topics->broker_count < 3 ? topics->broker_count : 3;
    TRY(topics_create(client, topics, partitions, replication, for_replay, note));
    return read_after_create(client, options, for_replay, topics, note);
}

enum err topics_delete(rd_kafka_t *client, const struct topics *topics, struct err_note *note)
{
    rd_kafka_DeleteTopic_t *wanted[TOPIC_COUNT];
    rd_kafka_AdminOptions_t *options = admin_options(client, RD_KAFKA_ADMIN_OP_DELETETOPICS);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    const rd_kafka_topic_result_t **results;
    rd_kafka_event_t *event = NULL;
    size_t count = 0;
    enum err err = ERR_OK;

    for (int i = 0; i < TOPIC_COUNT; i++) {
        if (topics->items[i].present)
            wanted[count++] = rd_kafka_DeleteTopic_new(topics->items[i].name);
    }
    if (count > 0) {
        rd_kafka_DeleteTopics(client, wanted, count, options, queue);
        rd_kafka_DeleteTopic_destroy_array(wanted, count);
        event = wait_answer(queue, "delete topics", note);
        err = event == NULL ? ERR_BUS_DOWN : ERR_OK;
    }
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_queue_destroy(queue);
    if (event == NULL)
        return err;
    results =
        rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event), &count);
    for (size_t i = 0; i < count && err == ERR_OK; i++) {
        rd_kafka_resp_err_t code = rd_kafka_topic_result_error(results[i]);

        if (code != RD_KAFKA_RESP_ERR_NO_ERROR && code != RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
            err = FAIL(note, ERR_BUS_REFUSED, "cannot delete topic %s: %s",
                       rd_kafka_topic_result_name(results[i]), rd_kafka_err2str(code));
    }
    rd_kafka_event_destroy(event);
    return err;
}

static bool is_set(const rd_kafka_ConfigEntry_t *entry, const struct topic_settings *ours)
{
    for (size_t i = 0; i < ours->count; i++) {
        if (strcmp(ours->names[i], rd_kafka_ConfigEntry_name(entry)) == 0)
            return false;
    }
    return rd_kafka_ConfigEntry_source(entry) == RD_KAFKA_CONFIG_SOURCE_DYNAMIC_TOPIC_CONFIG &&
           rd_kafka_ConfigEntry_value(entry) != NULL;
}

/* librdkafka 2.0.2 can only replace all settings of a topic: the others are sent again as they
 * are. */
static rd_kafka_ConfigResource_t *replay_resource(const rd_kafka_ConfigResource_t *now, int topic)
{
    const char *name = rd_kafka_ConfigResource_name(now);
    rd_kafka_ConfigResource_t *made = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, name);
    struct topic_settings ours = {.count = 0};
    size_t count = 0;
    const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(now, &count);

    set_for_replay(&ours, topic);
    for (size_t i = 0; i < ours.count; i++)
        (void)rd_kafka_ConfigResource_set_config(made, ours.names[i], ours.values[i]);
    for (size_t i = 0; i < count; i++) {
        if (is_set(entries[i], &ours))
            (void)rd_kafka_ConfigResource_set_config(made, rd_kafka_ConfigEntry_name(entries[i]),
                                                     rd_kafka_ConfigEntry_value(entries[i]));
    }
    return made;
}

static enum err alter(rd_kafka_t *client, rd_kafka_ConfigResource_t **resources, size_t count,
                      struct err_note *note)
{
    rd_kafka_AdminOptions_t *options = admin_options(client, RD_KAFKA_ADMIN_OP_ALTERCONFIGS);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    const rd_kafka_ConfigResource_t **results;
    rd_kafka_event_t *event;
    enum err err = ERR_OK;

    rd_kafka_AlterConfigs(client, resources, count, options, queue);
    event = wait_answer(queue, "change topics", note);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_queue_destroy(queue);
    if (event == NULL)
        return ERR_BUS_DOWN;
    results =
        rd_kafka_AlterConfigs_result_resources(rd_kafka_event_AlterConfigs_result(event), &count);
    for (size_t i = 0; i < count; i++) {
        if (err == ERR_OK && rd_kafka_ConfigResource_error(results[i]) != 0)
            err = FAIL(note, ERR_BUS_REFUSED, "cannot change topic %s: %s",
                       rd_kafka_ConfigResource_name(results[i]),
                       rd_kafka_ConfigResource_error_string(results[i]));
    }
    rd_kafka_event_destroy(event);
    return err;
}

enum err topics_open_for_replay(rd_kafka_t *client, const struct topics *topics,
                                struct err_note *note)
{
    rd_kafka_ConfigResource_t *wanted[TOPIC_COUNT];
    const rd_kafka_ConfigResource_t **resources;
    rd_kafka_event_t *event;
    size_t count = 0, wanted_count = 0;
    enum err err = ERR_OK;

    if (!any_present(topics))
        return ERR_OK;
    event = describe(client, topics, note);
    if (event == NULL)
        return ERR_BUS_DOWN;
    resources = rd_kafka_DescribeConfigs_result_resources(
        rd_kafka_event_DescribeConfigs_result(event), &count);
    for (size_t i = 0; i < count && i < TOPIC_COUNT; i++) {
        const char *name = rd_kafka_ConfigResource_name(resources[i]);

        for (int topic = 0; topic < TOPIC_COUNT; topic++) {
            if (strcmp(topics->items[topic].name, name) == 0)
                wanted[wanted_count++] = replay_resource(resources[i], topic);
        }
    }
    if (wanted_count > 0)
        err = alter(client, wanted, wanted_count, note);
    rd_kafka_ConfigResource_destroy_array(wanted, wanted_count);
    rd_kafka_event_destroy(event);
    return err;
}
