/* Trace contexts (W3C Trace Context, the header `traceparent`): what a cause carries and what its
 * effects do. Pure: the same decision gives the same bytes, live and in replay.
 *
 * A decision is a span of its cause's trace: its effects carry the cause's trace id and flags, and
 * as parent the decision's own id, a hash of what was decided. A cause without a header, or with
 * one that breaks the standard, begins a trace, if that is wanted: of the callback that the first
 * effect names, so that all that befalls a callback is one trace; else of the decision itself. */
#ifndef RINGBACK_DAEMON_TRACE_H
#define RINGBACK_DAEMON_TRACE_H

#include "base/slice.h"
#include "state/machine.h"

enum { trace_text_bytes = 55, trace_id_digits = 32, trace_span_digits = 16 };

/* What effects carry when their cause has no trace. */
enum trace_begin { TRACE_BEGIN_NO, TRACE_BEGIN_UNSAMPLED, TRACE_BEGIN_SAMPLED };

/* text is "00-<trace id>-<span id>-<flags>", in lower-case hexadecimal digits, without a zero
 * byte. */
struct trace {
    char text[trace_text_bytes];
    char parent[trace_span_digits]; /* the cause's span; only of a trace that came with it */
    bool came;                      /* with the cause; else it begins here */
    bool sampled;
};

static inline const char *trace_id(const struct trace *trace)
{
    return trace->text + 3;
}

static inline const char *trace_span(const struct trace *trace)
{
    return trace->text + 3 + trace_id_digits + 1;
}

/* Of a header as it came. false: it is no valid one, and trace is left as it is. Then text has the
 * cause's span where trace_make() puts the decision's. */
bool trace_read(struct slice header, struct trace *trace);

/* The id of the callback that the effect is about; "": of none. */
const char *trace_callback(const struct effect *effect);

/* The decision's: domain is that of the record, empty of a timer. Returns whether its effects carry
 * text. */
bool trace_make(struct slice header, struct slice domain, const struct effects *effects,
                enum trace_begin begin, struct trace *trace);

#endif
