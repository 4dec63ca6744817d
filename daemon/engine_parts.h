/* Inside the engine: shared by engine.c (life, loading) and decide.c (batches), nobody else. */
#ifndef RINGBACK_DAEMON_ENGINE_PARTS_H
#define RINGBACK_DAEMON_ENGINE_PARTS_H

#include "daemon/engine.h"
#include "producers/encode.h"

/* A record whose outputs the broker refuses. */
struct engine_refusal {
    enum input input;
    int64_t offset;
    int times; /* the second time its dead letter was refused: it goes out without key and value */
};

/* A key behind the last meta. */
struct engine_mend {
    struct slice key;
    struct slice value;
    bool written; /* by the batch under way */
};

struct engine {
    struct engine_options options;
    struct machine *machine;
    struct engine_meta meta;
    bool meta_loaded;
    bool writer_new; /* the next batch is the writer's first */
    uint8_t previous_writer[writer_bytes];
    uint64_t options_hash;
    struct encoder encoder;
    struct arena scratch; /* of one decision: event, effects */
    struct arena kept;    /* mends and the cluster's id */
    struct engine_refusal *refusals;
    size_t refusal_count;
    struct engine_mend *mends; /* sorted by key when the batch under way ends */
    size_t mend_count;
};

#endif
