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

/* No more bytes than the bound needs, so that a changed byte changes one decision. Behind the last
 * one it is bound - 1: what is rare is asked for as 0. */
static uint64_t drawn_below(struct chance *chance, uint64_t bound)
{
    uint64_t value = 0;

    for (uint64_t reach = bound - 1; reach > 0; reach >>= 8) {
        if (chance->left == 0)
            return bound - 1;
        value = value << 8 | *chance->bytes++;
        chance->left--;
    }
    return value % bound;
}

uint64_t chance_below(struct chance *chance, uint64_t bound)
{
    if (chance->bytes != NULL)
        return drawn_below(chance, bound);
    return chance_next(chance) % bound;
}
