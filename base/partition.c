#include "base/partition.h"

#include <assert.h>

static uint32_t load_le32(const uint8_t *data)
{
    return (uint32_t)data[0] | (uint32_t)data[1] << 8 | (uint32_t)data[2] << 16 |
           (uint32_t)data[3] << 24;
}

/* MurmurHash2 of 32 bits with the seed that the Java client fixed. */
uint32_t partition_murmur2(struct slice key)
{
    const uint32_t factor = 0x5bd1e995u;
    uint32_t hash = 0x9747b28cu ^ (uint32_t)key.size;
    size_t at = 0;

    for (; at + 4 <= key.size; at += 4) {
        uint32_t word = load_le32(key.data + at) * factor;

        word = (word ^ word >> 24) * factor;
        hash = hash * factor ^ word;
    }
    if (at < key.size) {
        for (size_t tail = key.size; tail > at; tail--)
            hash ^= (uint32_t)key.data[tail - 1] << 8 * (tail - 1 - at);
        hash *= factor;
    }
    hash = (hash ^ hash >> 13) * factor;
    return hash ^ hash >> 15;
}

/* CRC-32 (polynomial 0xEDB88320), four bits a step: keys are short, a table of 64 bytes stays in
 * the cache. */
uint32_t partition_crc32(struct slice key)
{
    static const uint32_t steps[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
        0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
        0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
    };
    uint32_t crc = ~0u;

    for (size_t i = 0; i < key.size; i++) {
        crc ^= key.data[i];
        crc = crc >> 4 ^ steps[crc & 15];
        crc = crc >> 4 ^ steps[crc & 15];
    }
    return ~crc;
}

int32_t partition_of(enum partitioner partitioner, struct slice key, int32_t partitions)
{
    assert(partitions > 0);
    switch (partitioner) {
    case PARTITIONER_MURMUR2:
        return (int32_t)((partition_murmur2(key) & 0x7fffffffu) % (uint32_t)partitions);
    case PARTITIONER_CRC32: return (int32_t)(partition_crc32(key) % (uint32_t)partitions);
    }
    return 0;
}
