/* Random draws of the simulator: SplitMix64 (Steele, Lea, Flood 2014) as a hash of what is drawn.
 * Every draw has its own key, so it is the same whatever was drawn before it: with and without
 * callbacks a caller has the same patience and the same talk (common random numbers). */
#ifndef RINGBACK_DAEMON_SIM_DRAW_H
#define RINGBACK_DAEMON_SIM_DRAW_H

#include <stdint.h>

/* What is drawn. The numbers are part of the results: never change one. */
enum sim_draw {
    SIM_DRAW_PATIENCE = 1,
    SIM_DRAW_TALK = 2,
    SIM_DRAW_ACCEPT = 3,
    SIM_DRAW_ANSWER = 4,
    SIM_DRAW_ON_LINE = 5,
};

static inline uint64_t sim_mix(uint64_t state)
{
    uint64_t z = state + 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* Uniform in [0, 1): 53 bits of the hash. domain, caller and count (of an attempt) from 0. */
static inline double sim_uniform(uint64_t seed, enum sim_draw what, uint32_t domain,
                                 uint32_t caller, uint32_t count)
{
    uint64_t hash = sim_mix(sim_mix(sim_mix(seed) ^ ((uint64_t)domain << 32 | caller)) ^
                            ((uint64_t)what << 32 | count));

    return (double)(hash >> 11) * 0x1p-53;
}

#endif
