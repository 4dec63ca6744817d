#include "daemon/batch.h"

#include <stdio.h>
#include <stdlib.h>

enum { batch_first_capacity = 256 };

void batch_init(struct batch *batch)
{
    *batch = (struct batch){.number = 0};
    arena_init(&batch->arena);
}

void batch_deinit(struct batch *batch)
{
    arena_deinit(&batch->arena);
    free(batch->records);
    free(batch->causes);
    free(batch->spans);
    batch->records = NULL;
    batch->spans = NULL;
    batch->span_count = batch->span_capacity = 0;
    batch->causes = NULL;
    batch->count = batch->capacity = 0;
}

void batch_reset(struct batch *batch)
{
    struct batch kept = *batch;

    arena_reset(&kept.arena);
    *batch = (struct batch){.arena = kept.arena,
                            .records = kept.records,
                            .causes = kept.causes,
                            .capacity = kept.capacity,
                            .spans = kept.spans,
                            .span_capacity = kept.span_capacity};
    /* The allocator points to its own arena: this one has not moved. */
}

static void *grow(void *items, size_t bytes)
{
    void *grown = realloc(items, bytes);

    if (grown == NULL) {
        fprintf(stderr, "ringback: out of memory: %zu bytes for the records of a batch\n", bytes);
        abort();
    }
    return grown;
}

struct record *batch_add(struct batch *batch, const struct record *record, struct batch_cause cause)
{
    if (batch->count == batch->capacity) {
        batch->capacity = batch->capacity == 0 ? batch_first_capacity : 2 * batch->capacity;
        batch->records = grow(batch->records, batch->capacity * sizeof(*batch->records));
        batch->causes = grow(batch->causes, batch->capacity * sizeof(*batch->causes));
    }
    batch->bytes += record->key.size + record->value.size;
    for (size_t i = 0; i < record->header_count; i++)
        batch->bytes += strlen(record->headers[i].name) + record->headers[i].value.size;
    batch->causes[batch->count] = cause;
    batch->records[batch->count] = *record;
    return &batch->records[batch->count++];
}

struct span *batch_add_span(struct batch *batch)
{
    struct span *span;

    if (batch->span_count == batch->span_capacity) {
        batch->span_capacity =
            batch->span_capacity == 0 ? batch_first_capacity : 2 * batch->span_capacity;
        batch->spans = grow(batch->spans, batch->span_capacity * sizeof(*batch->spans));
    }
    span = &batch->spans[batch->span_count++];
    *span = (struct span){.name = {NULL, 0}};
    return span;
}
