/* What was not mapped, by event type and reason. Foreign texts stand in both, so it is bounded. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/memory.h"
#include "daemon/adapt_table.h"

static void copy(char room[adapt_count_text_bytes], const char *text)
{
    size_t size = strlen(text);

    if (size >= adapt_count_text_bytes)
        size = adapt_count_text_bytes - 1;
    memcpy(room, text, size);
    room[size] = '\0';
}

static bool begins(const char *kept, const char *text)
{
    return strncmp(kept, text, adapt_count_text_bytes - 1) == 0;
}

bool adapt_tally_add(struct adapt_tally *tally, const char *type, const char *reason, bool fault,
                     uint64_t number)
{
    struct adapt_count_row *row;

    for (size_t i = 0; i < tally->count; i++) {
        row = &tally->rows[i];
        if (begins(row->type, type) && begins(row->reason, reason)) {
            row->count++;
            return false;
        }
    }
    if (tally->count == adapt_count_rows_max) {
        tally->others++;
        return false;
    }
    if (tally->rows == NULL)
        tally->rows = memory_zalloc(adapt_count_rows_max * sizeof(*tally->rows), "counts");
    row = &tally->rows[tally->count++];
    copy(row->type, type);
    copy(row->reason, reason);
    row->fault = fault;
    row->count = 1;
    row->first = number;
    return true;
}

void adapt_tally_deinit(struct adapt_tally *tally)
{
    free(tally->rows);
}

void adapt_tally_print(const struct adapt_tally *tally, FILE *out)
{
    for (size_t i = 0; i < tally->count; i++) {
        const struct adapt_count_row *row = &tally->rows[i];

        fprintf(out, "%8" PRIu64 "  %s: %s (first: line %" PRIu64 ")%s\n", row->count, row->type,
                row->reason, row->first, row->fault ? " !" : "");
    }
    if (tally->others > 0)
        fprintf(out, "%8" PRIu64 "  for further reasons\n", tally->others);
}

json_t *adapt_tally_json(const struct adapt_tally *tally)
{
    json_t *list = json_array();

    for (size_t i = 0; i < tally->count; i++) {
        const struct adapt_count_row *row = &tally->rows[i];

        (void)json_array_append_new(list, json_pack("{s:s, s:s, s:I, s:I, s:b}", "type", row->type,
                                                    "reason", row->reason, "count",
                                                    (json_int_t)row->count, "first_line",
                                                    (json_int_t)row->first, "fault", row->fault));
    }
    if (tally->others > 0)
        (void)json_array_append_new(list, json_pack("{s:s, s:s, s:I}", "type", "?", "reason",
                                                    "further reasons", "count",
                                                    (json_int_t)tally->others));
    return list;
}
