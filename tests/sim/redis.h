/* Redis, simulated behind state/store/store.h: one copy a partition that all daemons share. A call
 * takes time there and back; a connection may be cut with the call done or not, the server be away,
 * slow, emptied, or brought back from an older dump. That Redis does what a call says is tested on
 * the real one (tests/integration.d/43-redis). */
#ifndef RINGBACK_TESTS_SIM_REDIS_H
#define RINGBACK_TESTS_SIM_REDIS_H

#include <stdint.h>

#include "state/store/store.h"
#include "tests/sim/world.h"

void redis_begin(int32_t partitions);
void redis_end(void);
struct store_world *redis_world(int32_t partition);

/* The next call's connection breaks: it is done before, or not. */
void redis_cut(bool done);
/* No answer until then; connections break after the store's time-out. */
void redis_away(int64_t until_us);
void redis_wipe(int32_t partition);
/* A dump is taken now; brought back later. */
void redis_dump(int32_t partition);
void redis_bring_back(int32_t partition);
/* One entity is lost behind everybody's back. false: there is none. */
bool redis_lose(int32_t partition);

#endif
