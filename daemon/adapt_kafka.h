/* Events of a platform from a Kafka topic, for `ringback adapt`: values are lines. At least once:
 * where it goes on is told to the group only after what was made of it is with the broker. */
#ifndef RINGBACK_DAEMON_ADAPT_KAFKA_H
#define RINGBACK_DAEMON_ADAPT_KAFKA_H

#include "daemon/adapt.h"
#include "daemon/options.h"

struct adapt_kafka_plan {
    const char *topic;
    const char *group;
    bool follow; /* go on with what comes until command_stopped(); else up to the ends */
    /* Whatever was made is safe; then positions are told. NULL: they are not, and each run begins
     * at the beginning. */
    enum err (*keep)(void *context, struct err_note *note);
    void *context;
};

/* Errors: ERR_BUS_DOWN, ERR_BUS_REFUSED (no such topic), ERR_BAD_OPTION, those of the sink and of
 * keep; ERR_CANCELLED: command_stopped() without follow. */
MUST_CHECK enum err adapt_kafka_read(struct adapt *adapt, const struct options *options,
                                     const struct adapt_kafka_plan *plan, struct err_note *note);

#endif
