/* Chance for tests: numbers that follow from a seed. The seed is RINGBACK_TEST_SEED if that is set,
 * else 1; a failing test prints it. */
#ifndef RINGBACK_TESTS_SUPPORT_CHANCE_H
#define RINGBACK_TESTS_SUPPORT_CHANCE_H

#include <stddef.h>
#include <stdint.h>

struct chance {
    uint64_t seed;
    uint64_t state;
    const uint8_t *bytes; /* borrowed; not NULL: chance_below() draws from these (fuzzing) */
    size_t left;          /* of them */
};

struct chance chance_start(void);
uint64_t chance_next(struct chance *chance);
uint64_t chance_below(struct chance *chance, uint64_t bound); /* bound > 0 */

static inline unsigned long long chance_seed(const struct chance *chance)
{
    return chance->seed;
}

#endif
