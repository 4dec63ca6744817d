/* What the group and the inputs of a partition share, inside consumers/. */
#ifndef RINGBACK_CONSUMERS_KAFKA_GROUP_H
#define RINGBACK_CONSUMERS_KAFKA_GROUP_H

#include "consumers/kafka.h"

/* Before rd_kafka_assign of the partition: cuts its five queues off the group's. bytes_max: held of
 * one input until they are decided; what is beyond waits in its queue, and then on the broker. */
struct kafka_inputs *kafka_inputs_create(rd_kafka_t *kafka, const char *const topics[INPUT_COUNT],
                                         int32_t partition, size_t bytes_max);
void kafka_inputs_destroy(struct kafka_inputs *inputs); /* NULL is fine */

/* Read again from the last position, at the next fetch; any thread. */
void kafka_inputs_rewind(struct kafka_inputs *inputs);

/* NULL: nothing is assigned. */
void kafka_group_assign(rd_kafka_t *kafka, const rd_kafka_topic_partition_list_t *list);

#endif
