#include "tests/support/chance.h"

#include <stdlib.h>

struct chance chance_start(void)
{
    const char *text = getenv("RINGBACK_TEST_SEED");
    uint64_t seed = text == NULL ? 1 : strtoull(text, NULL, 10);

    return (struct chance){.seed = seed, .state = seed};
}

/* SplitMix64: a counter through a mixer, so every seed is as good as another. */
uint64_t chance_next(struct chance *chance)
{
    uint64_t mixed = chance->state += 0x9e3779b97f4a7c15u;

    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
    return mixed ^ (mixed >> 31);
}

uint64_t chance_below(struct chance *chance, uint64_t bound)
{
    return chance_next(chance) % bound;
}
