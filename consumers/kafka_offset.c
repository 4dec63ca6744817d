#include "consumers/kafka_offset.h"

#include <unistd.h>

#include "base/clock.h"

enum { again_ms = 50, try_ms_min = 1000 };

void kafka_offset_leaders(rd_kafka_t *kafka, const char *topic, int timeout_ms)
{
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_topic_t *handle = rd_kafka_topic_new(kafka, topic, NULL);

    if (handle == NULL)
        return;
    if (rd_kafka_metadata(kafka, 0, handle, &metadata, timeout_ms) == RD_KAFKA_RESP_ERR_NO_ERROR)
        rd_kafka_metadata_destroy(metadata);
    rd_kafka_topic_destroy(handle);
}

static rd_kafka_resp_err_t ask(rd_kafka_t *kafka, const char *topic, int32_t partition,
                               int64_t which, int timeout_ms, int64_t *offset)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t *one = rd_kafka_topic_partition_list_add(list, topic, partition);
    rd_kafka_resp_err_t code;

    one->offset = which;
    code = rd_kafka_offsets_for_times(kafka, list, timeout_ms);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        code = one->err;
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR && one->offset < 0)
        code = RD_KAFKA_RESP_ERR__NOENT;
    *offset = one->offset;
    rd_kafka_topic_partition_list_destroy(list);
    return code;
}

/* A topic that was just made, or whose leader moves, has none for some moments; one that is gone
 * does not answer. */
static bool is_passing(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION ||
           code == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE ||
           code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
           code == RD_KAFKA_RESP_ERR__TIMED_OUT || code == RD_KAFKA_RESP_ERR__TRANSPORT;
}

rd_kafka_resp_err_t kafka_offset_ask(rd_kafka_t *kafka, const char *topic, int32_t partition,
                                     int64_t which, int64_t until_ms, int64_t *offset)
{
    for (;;) {
        int64_t left_ms = until_ms - clock_monotonic_ms();
        int64_t try_ms = left_ms / 2 > try_ms_min ? left_ms / 2 : left_ms;
        rd_kafka_resp_err_t code =
            ask(kafka, topic, partition, which, try_ms > 1 ? (int)try_ms : 1, offset);

        left_ms = until_ms - clock_monotonic_ms();
        if (!is_passing(code) || left_ms <= again_ms)
            return code;
        (void)usleep(again_ms * 1000);
        kafka_offset_leaders(kafka, topic, (int)(left_ms - again_ms));
    }
}
