#include "daemon/room.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "base/metrics.h"
#include "state/machine.h"

enum {
    queued_bytes_default = 256 * 1024 * 1024,
    share = 8, /* of the limit, for each kind; a batch is twice in memory: here and in librdkafka */
    batch_bytes_min = 64 * 1024,
    batch_records_min = 100,
    record_bytes = 8 * 1024, /* measured with requests for callbacks: event, changes, messages */
    look_ms = 1000,
    tell_ms = 60 * 1000
};

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

void room_share(const struct options *options, int32_t partitions, struct room *room)
{
    int64_t each = options->memory_limit / share / (partitions == 0 ? 1 : partitions);

    *room = (struct room){queued_bytes_default, options->batch_bytes_max,
                          options->batch_records_max, options->redis_backlog};
    if (options->memory_limit == 0)
        return;
    room->queued_bytes = least(room->queued_bytes, options->memory_limit / share);
    room->batch_bytes = least(room->batch_bytes, most(each, batch_bytes_min));
    room->batch_records = least(room->batch_records, most(each / record_bytes, batch_records_min));
    room->backlog_bytes = least(room->backlog_bytes, each);
}

/* Of the process, in RAM; 0: not known. */
static int64_t resident(void)
{
    long long pages = 0, in_ram = 0;
    FILE *file = fopen("/proc/self/statm", "r");

    if (file == NULL)
        return 0;
    if (fscanf(file, "%lld %lld", &pages, &in_ram) != 2)
        in_ram = 0;
    (void)fclose(file);
    return in_ram * sysconf(_SC_PAGESIZE);
}

/* What the rules hold, over all partitions. */
static uint64_t callbacks_bytes(void)
{
    uint64_t bytes = 0;

    for (int purpose = 0; purpose < MACHINE_MEMORY_END; purpose++)
        bytes += metrics_total(METRIC_memory, purpose);
    return bytes;
}

void room_look(struct room_watch *watch, int64_t now_ms)
{
    int64_t bytes;
    bool over;

    if (now_ms - watch->looked_ms < look_ms)
        return;
    watch->looked_ms = now_ms;
    bytes = resident();
    over = watch->limit != 0 && bytes > watch->limit;
    metrics_set(metrics_of(-1), METRIC_memory_resident, 0, bytes);
    metrics_set(metrics_of(-1), METRIC_memory_over, 0, over);
    if (over && (!watch->over || now_ms - watch->told_ms >= tell_ms)) {
        log_error("memory is over memory_limit: callbacks and agents take most of what cannot wait;"
                  " raise the limit, or share the partitions among more processes",
                  LOG_INT("resident", bytes), LOG_INT("limit", watch->limit),
                  LOG_UINT("callbacks_bytes", callbacks_bytes()));
        watch->told_ms = now_ms;
    } else if (!over && watch->over) {
        log_info("memory is within memory_limit again", LOG_INT("resident", bytes),
                 LOG_INT("limit", watch->limit));
    }
    watch->over = over;
}
