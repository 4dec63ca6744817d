#include "base/metrics.h"

#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct metrics {
    int partition;
    atomic_bool known; /* its gauges are written */
    _Atomic uint64_t cells[METRIC_CELL_COUNT];
};

struct row {
    const char *name;
    enum metric_type type;
    enum metric_unit unit;
    enum metric_label label;
    int first;
    const char *help;
};

static const struct row rows[METRIC_COUNT] = {
#define METRIC(name_, type_, unit_, label_, help_)                                                 \
    [METRIC_##name_] = {#name_,                                                                    \
                        METRIC_TYPE_##type_,                                                       \
                        METRIC_UNIT_##unit_,                                                       \
                        METRIC_LABEL_##label_,                                                     \
                        METRIC_AT_##name_,                                                         \
                        help_},
#include "base/metric_list.h"
#undef METRIC
};

struct label {
    const char *name;
    const char *values;
    int count;
    enum metric_label first, second; /* a pair's; none: it is none */
};

static const struct label labels[METRIC_LABEL_COUNT] = {
#define LABEL_(set_, name_, values_, count_)                                                       \
    [METRIC_LABEL_##set_] = {.name = name_, .values = values_, .count = count_},
#define PAIR_(set_, first_, second_)                                                               \
    [METRIC_LABEL_##set_] = {.count = METRIC_LABEL_SIZE_##set_,                                    \
                             .first = METRIC_LABEL_##first_,                                       \
                             .second = METRIC_LABEL_##second_},
    METRIC_LABEL_MAP(LABEL_) METRIC_PAIR_MAP(PAIR_)
#undef LABEL_
#undef PAIR_
};

/* Upper bounds. Seconds from 0.1 ms, where a batch is decided, to 100 s, where everything has been
 * given up; numbers from 1 to batch.records_max's highest. */
static const int64_t bounds[][metric_bucket_count] = {
    [METRIC_UNIT_SECONDS] = {100, 250, 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000,
                             500000, 1000000, 2500000, 5000000, 10000000, 30000000, 100000000},
    [METRIC_UNIT_ONE] = {1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 40000,
                         60000, 80000, 100000},
    [METRIC_UNIT_BYTES] = {1 << 8, 1 << 10, 1 << 11, 1 << 12, 1 << 13, 1 << 14, 1 << 15, 1 << 16,
                           1 << 17, 1 << 18, 1 << 19, 1 << 20, 1 << 21, 1 << 22, 1 << 23, 1 << 24,
                           1 << 25, 1 << 26},
};

/* Of more values than these, what was never counted is not written. */
enum { written_whole_max = 100 };

/* Slot 0 is the process, slot n + 1 partition n. Those from blocks_end on are empty. */
static _Atomic(struct metrics *) blocks[metrics_workers_max + 1];
static atomic_int blocks_end;
static struct {
    char version[64];
    char group[512];
} info;
static pthread_mutex_t create_lock = PTHREAD_MUTEX_INITIALIZER;

struct metrics *metrics_of(int partition)
{
    struct metrics *block;

    assert(partition >= -1);
    assert(partition < metrics_workers_max);
    pthread_mutex_lock(&create_lock);
    block = atomic_load(&blocks[partition + 1]);
    if (block == NULL) {
        block = calloc(1, sizeof(*block));
        if (block == NULL) {
            fprintf(stderr, "ringback: out of memory: %zu bytes for metrics\n", sizeof(*block));
            abort();
        }
        block->partition = partition;
        atomic_store(&blocks[partition + 1], block);
        if (atomic_load(&blocks_end) < partition + 2)
            atomic_store(&blocks_end, partition + 2);
    }
    atomic_store(&block->known, true);
    pthread_mutex_unlock(&create_lock);
    return block;
}

static _Atomic uint64_t *cell_of(struct metrics *metrics, enum metric metric, int label)
{
    const struct row *row = &rows[metric];
    int cells = row->type == METRIC_TYPE_HISTOGRAM ? metric_histogram_cells : 1;

    assert(label >= 0);
    assert(label < labels[row->label].count);
    return &metrics->cells[row->first + label * cells];
}

static void add(_Atomic uint64_t *cell, uint64_t count)
{
    atomic_fetch_add_explicit(cell, count, memory_order_relaxed);
}

static uint64_t get(const _Atomic uint64_t *cell)
{
    return atomic_load_explicit(cell, memory_order_relaxed);
}

void metrics_add(struct metrics *metrics, enum metric metric, int label, uint64_t count)
{
    assert(rows[metric].type == METRIC_TYPE_COUNTER);
    add(cell_of(metrics, metric, label), count);
}

void metrics_set(struct metrics *metrics, enum metric metric, int label, int64_t value)
{
    assert(rows[metric].type == METRIC_TYPE_GAUGE || rows[metric].type == METRIC_TYPE_WORKER_GAUGE);
    atomic_store_explicit(cell_of(metrics, metric, label), (uint64_t)value, memory_order_relaxed);
    if (!atomic_load_explicit(&metrics->known, memory_order_relaxed))
        atomic_store_explicit(&metrics->known, true, memory_order_relaxed);
}

void metrics_observe(struct metrics *metrics, enum metric metric, int label, int64_t value)
{
    _Atomic uint64_t *cells = cell_of(metrics, metric, label);
    const int64_t *upper = bounds[rows[metric].unit];
    int at = 0;

    assert(rows[metric].type == METRIC_TYPE_HISTOGRAM);
    value = value < 0 ? 0 : value;
    while (at < metric_bucket_count && value > upper[at])
        at++;
    add(&cells[at], 1);
    add(&cells[metric_bucket_count + 1], (uint64_t)value);
}

static bool is_gauge(const struct row *row)
{
    return row->type == METRIC_TYPE_GAUGE || row->type == METRIC_TYPE_WORKER_GAUGE;
}

void metrics_leave(struct metrics *metrics)
{
    atomic_store(&metrics->known, false);
    for (int i = 0; i < METRIC_COUNT; i++) {
        for (int label = 0; is_gauge(&rows[i]) && label < labels[rows[i].label].count; label++)
            atomic_store(cell_of(metrics, (enum metric)i, label), 0);
    }
}

static uint64_t sum_cell(int cell)
{
    uint64_t sum = 0;
    int end = atomic_load(&blocks_end);

    for (int i = 0; i < end; i++) {
        const struct metrics *block = atomic_load(&blocks[i]);

        if (block != NULL)
            sum += get(&block->cells[cell]);
    }
    return sum;
}

/* Exact: microseconds as seconds with six digits, whatever the size. */
static void write_value(FILE *out, const struct row *row, int64_t value)
{
    if (row->unit != METRIC_UNIT_SECONDS)
        fprintf(out, "%" PRId64, value);
    else
        fprintf(out, "%s%" PRId64 ".%06" PRId64, value < 0 ? "-" : "",
                (int64_t)llabs(value / 1000000), (int64_t)llabs(value % 1000000));
}

static void write_name(FILE *out, const struct row *row, const char *tail)
{
    static const char *const units[] = {"", "_bytes", "_seconds"};

    fprintf(out, "ringback_%s%s%s%s", row->name, units[row->unit],
            row->type == METRIC_TYPE_COUNTER ? "_total" : "", tail);
}

static void write_bound(FILE *out, const struct row *row, int64_t bound)
{
    if (bound == INT64_MAX)
        fputs("le=\"+Inf\"", out);
    else if (row->unit == METRIC_UNIT_SECONDS)
        fprintf(out, "le=\"%g\"", (double)bound / 1e6);
    else
        fprintf(out, "le=\"%" PRId64 "\"", bound);
}

/* name="value", of no label nothing. Returns whether it wrote. */
static bool write_label(FILE *out, const struct label *label, int index, const char *join)
{
    const char *value = label->values;

    if (label->name == NULL)
        return false;
    for (; index > 0; index--)
        value = strchr(value, '|') + 1;
    fprintf(out, "%s%s=\"%.*s\"", join, label->name, (int)strcspn(value, "|"), value);
    return true;
}

/* {label="value",partition="3",le="0.5"}, as much of it as there is: partition -1 and bound 0 are
 * none, bound INT64_MAX is the last bucket. */
static void write_labels(FILE *out, const struct row *row, int index, int partition, int64_t bound)
{
    const struct label *label = &labels[row->label];
    const char *join = "{";

    if (label->second != METRIC_LABEL_none) {
        const struct label *second = &labels[label->second];

        write_label(out, &labels[label->first], index / second->count, join);
        write_label(out, second, index % second->count, ",");
        join = ",";
    } else if (write_label(out, label, index, join)) {
        join = ",";
    }
    if (partition >= 0) {
        fprintf(out, "%spartition=\"%d\"", join, partition);
        join = ",";
    }
    if (bound != 0) {
        fputs(join, out);
        write_bound(out, row, bound);
        join = ",";
    }
    fputs(join[0] == ',' ? "} " : " ", out);
}

/* Cells are read once: buckets that rise and a count equal to the last one are what readers are
 * promised, also while others count. */
static void write_histogram(FILE *out, const struct row *row, int index)
{
    int first = row->first + index * metric_histogram_cells;
    uint64_t count = 0;

    for (int i = 0; i <= metric_bucket_count; i++) {
        count += sum_cell(first + i);
        write_name(out, row, "_bucket");
        write_labels(out, row, index, -1,
                     i == metric_bucket_count ? INT64_MAX : bounds[row->unit][i]);
        fprintf(out, "%" PRIu64 "\n", count);
    }
    write_name(out, row, "_sum");
    write_labels(out, row, index, -1, 0);
    write_value(out, row, (int64_t)sum_cell(first + metric_bucket_count + 1));
    fputs("\n", out);
    write_name(out, row, "_count");
    write_labels(out, row, index, -1, 0);
    fprintf(out, "%" PRIu64 "\n", count);
}

static void write_sample(FILE *out, const struct row *row, int index, int partition, int64_t value)
{
    write_name(out, row, "");
    write_labels(out, row, index, partition, 0);
    write_value(out, row, value);
    fputs("\n", out);
}

static void write_workers(FILE *out, const struct row *row, int index)
{
    for (int i = 0; i + 1 < atomic_load(&blocks_end); i++) {
        const struct metrics *block = atomic_load(&blocks[i + 1]);

        if (block != NULL && atomic_load(&block->known))
            write_sample(out, row, index, i, (int64_t)get(&block->cells[row->first + index]));
    }
}

static void write_sum(FILE *out, const struct row *row, int index)
{
    int64_t sum = (int64_t)sum_cell(row->first + index);

    if (sum != 0 || labels[row->label].count <= written_whole_max)
        write_sample(out, row, index, -1, sum);
}

/* \, " and line feeds in a label's value are escaped. */
static void escape(char *to, size_t size, const char *from)
{
    size_t used = 0;

    for (; *from != '\0' && used + 3 < size; from++) {
        if (*from == '\\' || *from == '"' || *from == '\n')
            to[used++] = '\\';
        to[used++] = *from == '\n' ? 'n' : *from;
    }
    to[used] = '\0';
}

void metrics_name(const char *version, const char *group)
{
    escape(info.version, sizeof(info.version), version);
    escape(info.group, sizeof(info.group), group);
}

static void write_info(FILE *out)
{
    fprintf(out,
            "# HELP ringback_info 1; its labels say which version this is and of which group.\n"
            "# TYPE ringback_info gauge\n"
            "ringback_info{version=\"%s\",group=\"%s\"} 1\n",
            info.version, info.group);
}

int metrics_write(FILE *out)
{
    static const char *const types[] = {"counter", "gauge", "gauge", "histogram"};

    write_info(out);
    for (int i = 0; i < METRIC_COUNT; i++) {
        const struct row *row = &rows[i];

        fputs("# HELP ", out);
        write_name(out, row, "");
        fprintf(out, " %s\n# TYPE ", row->help);
        write_name(out, row, "");
        fprintf(out, " %s\n", types[row->type]);
        for (int index = 0; index < labels[row->label].count; index++) {
            if (row->type == METRIC_TYPE_HISTOGRAM)
                write_histogram(out, row, index);
            else if (row->type == METRIC_TYPE_WORKER_GAUGE)
                write_workers(out, row, index);
            else
                write_sum(out, row, index);
        }
    }
    return ferror(out) != 0 || fflush(out) != 0 ? -1 : 0;
}

uint64_t metrics_total(enum metric metric, int label)
{
    const struct row *row = &rows[metric];
    uint64_t sum = 0;
    int cells = row->type == METRIC_TYPE_HISTOGRAM ? metric_histogram_cells : 1;

    assert(label >= 0);
    assert(label < labels[row->label].count);
    for (int i = 0; i < (cells == 1 ? 1 : metric_bucket_count + 1); i++)
        sum += sum_cell(row->first + label * cells + i);
    return sum;
}

void metrics_reset(void)
{
    for (int i = 0; i <= metrics_workers_max; i++) {
        struct metrics *block = atomic_load(&blocks[i]);

        for (int cell = 0; block != NULL && cell < METRIC_CELL_COUNT; cell++)
            atomic_store(&block->cells[cell], 0);
        if (block != NULL)
            atomic_store(&block->known, false);
    }
}
