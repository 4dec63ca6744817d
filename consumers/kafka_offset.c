#include "consumers/kafka_offset.h"

#include <unistd.h>

#include "base/clock.h"

enum { again_ms = 50 };

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

/* A topic that was just made, or whose leader moves, has none for some moments. */
static bool is_passing(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION ||
           code == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE ||
           code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
}

rd_kafka_resp_err_t kafka_offset_ask(rd_kafka_t *kafka, const char *topic, int32_t partition,
                                     int64_t which, int64_t until_ms, int64_t *offset)
{
    for (;;) {
        int64_t left_ms = until_ms - clock_monotonic_ms();
        rd_kafka_resp_err_t code =
            ask(kafka, topic, partition, which, left_ms > 1 ? (int)left_ms : 1, offset);

        if (!is_passing(code) || clock_monotonic_ms() + again_ms >= until_ms)
            return code;
        (void)usleep(again_ms * 1000);
    }
}
