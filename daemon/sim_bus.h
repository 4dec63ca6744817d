/* The simulator's bus: one engine a partition in event time. A record that is sent is decided at
 * once, and what the engine answers is heard before the next one. Optionally all inputs, and all
 * outputs, go to recorded topic logs. */
#ifndef RINGBACK_DAEMON_SIM_BUS_H
#define RINGBACK_DAEMON_SIM_BUS_H

#include "base/err.h"
#include "base/record.h"

#include "ringback/v1/results.pb-c.h"
#include "ringback/v1/routing.pb-c.h"

/* What the world hears; messages are lent for the call. It must not send while it hears. */
struct sim_ears {
    void (*routing)(void *user, uint32_t domain, const Ringback__V1__RoutingEvent *event);
    void (*result)(void *user, uint32_t domain, const Ringback__V1__Result *result);
    void *user;
};

struct sim_bus_options {
    const char *topic_prefix; /* "ringback." */
    int64_t partitions;
    uint32_t domains;
    const char *inputs_path;  /* NULL: not recorded */
    const char *outputs_path; /* routing, analytics, results; NULL: not recorded */
};

struct sim_bus;

/* Error: ERR_IO (a log cannot be written). options is borrowed. */
MUST_CHECK enum err sim_bus_create(const struct sim_bus_options *options, struct sim_bus **bus,
                                   struct err_note *note);
void sim_bus_destroy(struct sim_bus *bus); /* NULL is fine */

void sim_bus_listen(struct sim_bus *bus, const struct sim_ears *ears);

/* "bank-0001" of domain 0; in a static buffer of the bus. */
const char *sim_bus_domain(const struct sim_bus *bus, uint32_t domain);

/* Send a record and have it decided. Times must not fall. After an error everything is ignored
 * until sim_bus_error() is asked. */
void sim_bus_send(struct sim_bus *bus, uint32_t domain, enum input input, int64_t time_ms,
                  const ProtobufCMessage *message);

/* The earliest timer of all engines, INT64_MAX: none. */
int64_t sim_bus_due(const struct sim_bus *bus);

/* Fire that timer; before_ms is later than it, and the time of what comes next. */
void sim_bus_fire(struct sim_bus *bus, int64_t before_ms);

/* The day is over: timers due up to the last record, logs written out. */
MUST_CHECK enum err sim_bus_finish(struct sim_bus *bus, struct err_note *note);

/* The first error since the beginning, ERR_OK if there was none. */
enum err sim_bus_error(const struct sim_bus *bus, struct err_note *note);

struct sim_bus_counts {
    uint64_t inputs, outputs;
};
struct sim_bus_counts sim_bus_counts(const struct sim_bus *bus);

#endif
