/* What the commit protocol needs of brokers and of librdkafka, asked of whatever is linked: the
 * real ones (suite_kafka.c), or the simulated ones (sim --suite). Both must pass. TAP. */
#ifndef RINGBACK_TESTS_SIM_SUITE_H
#define RINGBACK_TESTS_SIM_SUITE_H

/* state and journal: names of two topics with a partition 0. Returns how many tests failed. */
int suite_run(const char *servers, const char *state, const char *journal);

#endif
