/* What the platform sends, and hears: a random history (tests/support/history.h) that listens to
 * what the daemons have committed. */
#ifndef RINGBACK_TESTS_SIM_LOAD_H
#define RINGBACK_TESTS_SIM_LOAD_H

#include <stdint.h>

/* Events from the beginning until then, each_us apart on average. */
void load_begin(uint64_t seed, int64_t until_us, int64_t each_us);
void load_end(void);
uint64_t load_sent(void);

#endif
