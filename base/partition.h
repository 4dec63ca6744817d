/* Which partition a key belongs to, bit for bit as Kafka clients decide it. */
#ifndef RINGBACK_BASE_PARTITION_H
#define RINGBACK_BASE_PARTITION_H

#include "base/slice.h"

enum partitioner {
    PARTITIONER_MURMUR2, /* Java clients */
    PARTITIONER_CRC32,   /* librdkafka's default */
};

/* partitions > 0. */
int32_t partition_of(enum partitioner partitioner, struct slice key, int32_t partitions);

uint32_t partition_murmur2(struct slice key);
uint32_t partition_crc32(struct slice key);

#endif
