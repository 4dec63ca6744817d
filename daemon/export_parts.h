/* What export.c gathers and export_write.c writes. */
#ifndef RINGBACK_DAEMON_EXPORT_PARTS_H
#define RINGBACK_DAEMON_EXPORT_PARTS_H

#include "base/arena.h"
#include "base/table.h"
#include "daemon/export.h"

enum { export_metrics_max = 64 };

/* 128 bits of (domain, id) stand for it: of all there ever are, no two are the same. */
struct export_key {
    uint64_t low, high;
};

struct export_segment {
    struct export_segment *next;
    int64_t start_ms, end_ms;
    const char *agent;
    Ringback__V1__SegmentType type;
};

/* By number of the metric. */
struct export_metrics {
    int64_t sum[export_metrics_max];
    uint32_t count[export_metrics_max];
};

/* A callback. Texts are in the arena, "": none. */
struct export_session {
    struct export_session *next; /* of the conversation */
    const char *callback, *queue, *agent, *from_interaction, *owner, *campaign, *contact,
        *recording, *from_agent;
    Ringback__V1__CallbackKind kind;
    Ringback__V1__Reason reason; /* UNSPECIFIED: has not ended */
    bool inactive;
    int64_t began_ms, due_ms, ended_ms;
    struct export_metrics *metrics; /* NULL: none */
    struct export_segment *segments, **segments_end;
};

struct export_conversation {
    struct export_key key;
    int64_t created_ms; /* INT64_MIN: before what was given */
    const char *id;     /* NULL: not in the span, or beyond the limit: counted only */
    const char *domain;
    struct export_session *first, **end;
};

struct export_callback {
    struct export_key key;
    struct export_session *session; /* NULL: not to be written */
};

struct exporter {
    struct export_plan plan;
    struct arena arena;
    struct table conversation_table, callback_table; /* handles are index + 1 */
    struct export_conversation *conversations;
    struct export_callback *callbacks;
    size_t conversation_count, conversation_room, callback_count, callback_room;
    struct export_counts counts;
};

#endif
