/* base/partition: where keys go. The values of murmur2 are those of the Java client's
 * Utils.murmur2, as its tests and librdkafka's quote them; those of crc32 are zlib's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/partition.h"

struct vector {
    const char *key;
    uint32_t murmur2;
    uint32_t crc32;
};

static const struct vector vectors[] = {
    {"kafka", 0xd067cf64, 0x5bbc7517},
    {"giberish123456789", 0x8f552b0c, 0x7b3a8e3f},
    {"1234", 0x9fc97b14, 0x9be3e0a3},
    {"234", 0xe7c009ca, 0x0d717969},
    {"34", 0x873930da, 0x9406837a},
    {"4", 0x5a4b5ca1, 0xf3b61b38},
    {"PreAmbleWillBeRemoved,ThePrePartThatIs", 0x78424f1c, 0xddcba83a},
    {"reAmbleWillBeRemoved,ThePrePartThatIs", 0x4a62b377, 0x6f0978f7},
    {"", 0x106e08d9, 0x00000000},
};

static void partition_hashes_equal_those_of_kafka_clients(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        assert_int_equal(partition_murmur2(slice_text(vectors[i].key)), vectors[i].murmur2);
        assert_int_equal(partition_crc32(slice_text(vectors[i].key)), vectors[i].crc32);
    }
}

static void partition_of_a_key_is_below_the_count(void **state)
{
    (void)state;
    assert_int_equal(partition_of(PARTITIONER_MURMUR2, slice_text("kafka"), 1), 0);
    assert_int_equal(partition_of(PARTITIONER_MURMUR2, slice_text("kafka"), 8), 4);
    /* the sign bit is dropped, not negated: 0xd067cf64 & 0x7fffffff = 1348980580 */
    assert_int_equal(partition_of(PARTITIONER_MURMUR2, slice_text("kafka"), 1000), 580);
    /* crc32 is unsigned and taken whole */
    assert_int_equal(partition_of(PARTITIONER_CRC32, slice_text("4"), 1000),
                     (int)(0xf3b61b38u % 1000u));
    assert_int_equal(partition_of(PARTITIONER_CRC32, slice_text("giberish123456789"), 50), 21);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(partition_hashes_equal_those_of_kafka_clients),
        cmocka_unit_test(partition_of_a_key_is_below_the_count),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
