/* A librdkafka message as a record. For consumers/kafka*.c. */
#ifndef RINGBACK_CONSUMERS_KAFKA_MESSAGE_H
#define RINGBACK_CONSUMERS_KAFKA_MESSAGE_H

#include "base/kafka.h"
#include "base/record.h"

/* record borrows from message, except its headers: malloc'd, free(headers) ends them. */
void kafka_message_record(const rd_kafka_message_t *message, enum topic topic,
                          struct record *record);

#endif
