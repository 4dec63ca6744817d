/* The bus on Kafka: consumers/ and producers/ joined for one partition. */
#ifndef RINGBACK_DAEMON_BUS_KAFKA_H
#define RINGBACK_DAEMON_BUS_KAFKA_H

#include "consumers/kafka.h"
#include "daemon/bus.h"
#include "daemon/options.h"

/* options, group and log are borrowed. The partition must be assigned to group now and until
 * bus_destroy(); group NULL: the inputs are not to be used (recover). Never NULL. */
struct bus *bus_kafka_create(const struct options *options, struct kafka_group *group,
                             struct kafka_log *log, int32_t partition);

/* The options kafka.* as every handle takes them; items has room for option_kafka_count_max. */
struct kafka_settings bus_kafka_settings(const struct options *options,
                                         struct kafka_setting *items);

#endif
