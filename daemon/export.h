/* What `ringback export` makes of the analytics topic (rule 9.5): conversations by their creation,
 * in two parts at the line of 12 hours ago, each under its own limit. All is gathered before a byte
 * is written, so that an export is whole or refused. Reads and writes no topic or file itself. */
#ifndef RINGBACK_DAEMON_EXPORT_H
#define RINGBACK_DAEMON_EXPORT_H

#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "base/slice.h"

#include "ringback/v1/analytics.pb-c.h"

struct exporter; /* opaque */

enum export_format { EXPORT_CSV, EXPORT_JSON };

/* Times are UTC ms; conversations created from from_ms on, before to_ms. */
struct export_plan {
    int64_t now_ms, from_ms, to_ms;
    const char *domain; /* borrowed; NULL: all */
    enum export_format format;
};

struct export_counts {
    uint64_t recent, older; /* conversations in the span, by part */
    uint64_t headless;      /* callbacks whose beginning was not given: in no part */
};

struct exporter *export_create(const struct export_plan *plan);
void export_destroy(struct exporter *exporter); /* NULL is fine */

/* Each conversation's events in their order, as they stand in their partition; borrowed. Times
 * within it do not matter. An event that is given again counts again, but for beginnings. */
void export_add(struct exporter *exporter, struct slice domain,
                const Ringback__V1__AnalyticsEvent *event);

struct export_counts export_counts(const struct exporter *exporter);

/* Whether each part is within its limit. Error: ERR_TOO_MANY, says how many there are of what. */
MUST_CHECK enum err export_check(const struct exporter *exporter, struct err_note *note);

/* All in the span, in order of creation, so the older part first. Errors: of export_check(),
 * nothing is written; ERR_IO. */
MUST_CHECK enum err export_write(struct exporter *exporter, FILE *out, struct err_note *note);

/* A metric's usual name, "tFlowOut"; in text, which is returned. */
const char *export_metric_name(const ProtobufCEnumValue *metric, char text[40]);

#endif
