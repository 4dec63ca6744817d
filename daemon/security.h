/* The options that let us in: which of them belong together, what a refused connection to Kafka
 * comes from, in words that name the option. docs/security.md is for people. */
#ifndef RINGBACK_DAEMON_SECURITY_H
#define RINGBACK_DAEMON_SECURITY_H

#include "daemon/options.h"
#include "state/store/store.h"

/* What cannot work, or would be less safe than it looks: a login without its password, a password
 * or certificates where nobody asks for them, an address of Redis that is none. Opens no file.
 * Error: ERR_BAD_OPTION, with the place. */
MUST_CHECK enum err security_check(const struct options *options, struct err_note *note);

/* After librdkafka said code instead of an answer: which option, where, and what to do. Returns
 * ERR_BUS_DOWN. Needs kafka.bootstrap.servers. */
enum err security_explain(const struct options *options, rd_kafka_resp_err_t code,
                          struct err_note *note);

/* Whether trying on is of no use. */
bool security_refused(void);

/* The store's part of the options. */
struct store_redis_options security_redis(const struct options *options);

/* The same and its files: passwords and certificates can be read. Error: ERR_BAD_OPTION, with the
 * place. */
MUST_CHECK enum err security_check_redis(const struct options *options, struct err_note *note);

#endif
