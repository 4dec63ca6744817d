/* A partition's first or next offset, asked of its leader. For consumers/kafka*.c. */
#ifndef RINGBACK_CONSUMERS_KAFKA_OFFSET_H
#define RINGBACK_CONSUMERS_KAFKA_OFFSET_H

#include "base/kafka.h"

/* which: RD_KAFKA_OFFSET_BEGINNING, or RD_KAFKA_OFFSET_END: the last stable offset if kafka reads
 * committed records, else the high watermark. Asks again while the partition has no leader, until
 * until_ms of clock_monotonic_ms().
 * Not rd_kafka_query_watermark_offsets(): it asks for both at once, and when the first is answered
 * with an error and the second is not, librdkafka 2.0.2 returns no error and the end as both. A log
 * with records then looks empty. */
rd_kafka_resp_err_t kafka_offset_ask(rd_kafka_t *kafka, const char *topic, int32_t partition,
                                     int64_t which, int64_t until_ms, int64_t *offset);

/* Ask the brokers who leads the topic's partitions. librdkafka 2.0.2 asks a leader that it knows
 * for offsets whatever that one answers, until its metadata are 15 minutes old; a handle that
 * fetches nothing, as that of a take-over, learns of a new one by this alone. */
void kafka_offset_leaders(rd_kafka_t *kafka, const char *topic, int timeout_ms);

#endif
