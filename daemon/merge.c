#include "daemon/merge.h"

#include <assert.h>

/* A record's timestamp where time can be reckoned with: from 1970 to the year 9999. */
static int64_t stamp_of(const struct record *record)
{
    const int64_t last_ms = 253402300799999;

    if (record->timestamp_ms < 0)
        return 0;
    return record->timestamp_ms > last_ms ? last_ms : record->timestamp_ms;
}

bool merge_is_marker(const struct record *record)
{
    if (record->key.data != NULL || record->header_count == 0)
        return false;
    for (size_t i = 0; i < record->header_count; i++) {
        if (strcmp(record->headers[i].name, "ringback-end") == 0)
            return true;
    }
    return false;
}

/* Clock: event: nothing from candidate `index` on counts before the end. */
static bool at_end_from(const struct merge *merge, int i, size_t index)
{
    const struct engine_input *input = &merge->inputs[i];
    int64_t fixed_end = merge->positions[i].fixed_end;

    if (index < input->count)
        return merge_is_marker(&input->records[index]) ||
               (fixed_end >= 0 && input->records[index].offset >= fixed_end);
    if (input->at_end || merge->follow)
        return true;
    if (fixed_end < 0)
        return false;
    if (index == merge->at[i])
        return merge->positions[i].next_offset >= fixed_end;
    return input->records[index - 1].offset + 1 >= fixed_end;
}

/* The next candidate that counts, NULL: none, and *missing is whether one must be waited for. */
static const struct record *head_of(const struct merge *merge, int i, bool *missing)
{
    const struct engine_input *input = &merge->inputs[i];
    size_t at = merge->at[i];

    *missing = false;
    if (!merge->clock_event)
        return at < input->count ? &input->records[at] : NULL;
    if (at < input->count && input->records[at].offset < merge->positions[i].next_offset)
        return &input->records[at];
    if (at_end_from(merge, i, at))
        return NULL;
    *missing = at == input->count;
    return *missing ? NULL : &input->records[at];
}

static int64_t time_of(const struct merge *merge, int i, const struct record *record)
{
    int64_t so_far_ms = merge->positions[i].merge_ms;
    int64_t time_ms = stamp_of(record);

    if (!merge->clock_event && time_ms > merge->clock_ms)
        time_ms = merge->clock_ms;
    return time_ms > so_far_ms ? time_ms : so_far_ms;
}

static bool near(int64_t a_ms, int64_t b_ms, int64_t within_ms)
{
    return (a_ms > b_ms ? a_ms - b_ms : b_ms - a_ms) <= within_ms;
}

enum jump { JUMP_NONE, JUMP_LATER, JUMP_NOW, JUMP_MISSING };

/* Head i is far ahead of the clock. It stands if a head of another input, or the next record of its
 * own, is near it. If its own input then goes back, it is dropped now: the records behind it must
 * not wait until all others came to its time. Else it may be the next of a quiet input, and is
 * dropped only if the clock is still far behind when its turn comes. */
static enum jump jump_of(const struct merge *merge, const struct record *const heads[], int i)
{
    const struct engine_input *input = &merge->inputs[i];
    size_t next = merge->at[i] + 1;
    int64_t time_ms = stamp_of(heads[i]);

    for (int other = 0; other < INPUT_COUNT; other++) {
        if (other != i && heads[other] != NULL &&
            near(stamp_of(heads[other]), time_ms, merge->event_jump_max_ms))
            return JUMP_NONE;
    }
    if (at_end_from(merge, i, next))
        return JUMP_LATER;
    if (next == input->count)
        return JUMP_MISSING;
    if (near(stamp_of(&input->records[next]), time_ms, merge->event_jump_max_ms))
        return JUMP_NONE;
    return stamp_of(&input->records[next]) < time_ms ? JUMP_NOW : JUMP_LATER;
}

/* Whether, before the record of *step, a head must be dropped or waited for: then *step is that.
 * The clock before anything was decided is the earliest head's time. */
static void find_jump(const struct merge *merge, const struct record *const heads[],
                      int64_t event_ms, struct merge_step *step)
{
    int64_t clock_ms = event_ms;

    if (step->kind != MERGE_RECORD)
        return;
    if (event_ms <= 0)
        clock_ms = step->time_ms;
    for (int i = 0; i < INPUT_COUNT; i++) {
        enum jump jump;

        if (heads[i] == NULL || stamp_of(heads[i]) <= clock_ms ||
            near(stamp_of(heads[i]), clock_ms, merge->event_jump_max_ms))
            continue;
        jump = jump_of(merge, heads, i);
        if (jump == JUMP_NONE || (jump == JUMP_LATER && i != (int)step->input))
            continue;
        *step = (struct merge_step){jump == JUMP_MISSING ? MERGE_MISSING : MERGE_JUMP,
                                    (enum input)i, heads[i], merge->positions[i].merge_ms};
        return;
    }
}

/* `play --end` writes a marker to every input. Where one has come, the ends that were fixed without
 * markers are not the last: a marker left behind would end the next log before it began. The input
 * whose marker is to come, INPUT_COUNT: none. */
static enum input find_marker_missing(const struct merge *merge)
{
    enum input missing = INPUT_COUNT;
    bool any = false;

    for (int i = 0; i < INPUT_COUNT; i++) {
        const struct engine_input *input = &merge->inputs[i];

        if (merge->at[i] < input->count)
            any |= merge_is_marker(&input->records[merge->at[i]]);
        else if (merge->positions[i].fixed_end >= 0)
            missing = (enum input)i;
    }
    return any ? missing : INPUT_COUNT;
}

struct merge_step merge_next(const struct merge *merge, int64_t event_ms)
{
    const struct record *heads[INPUT_COUNT];
    struct merge_step step = {.kind = MERGE_END, .input = INPUT_COUNT};
    int missing_input = -1;

    for (int i = 0; i < INPUT_COUNT; i++) {
        bool missing;

        heads[i] = head_of(merge, i, &missing);
        if (missing && missing_input < 0)
            missing_input = i;
        if (heads[i] != NULL && heads[i]->offset < merge->positions[i].next_offset)
            return (struct merge_step){MERGE_REPEATED, (enum input)i, heads[i],
                                       merge->positions[i].merge_ms};
    }
    if (missing_input >= 0)
        return (struct merge_step){.kind = MERGE_MISSING, .input = (enum input)missing_input};
    for (int i = 0; i < INPUT_COUNT; i++) {
        int64_t time_ms;

        if (heads[i] == NULL)
            continue;
        time_ms = time_of(merge, i, heads[i]);
        if (step.kind != MERGE_RECORD || time_ms < step.time_ms)
            step = (struct merge_step){MERGE_RECORD, (enum input)i, heads[i], time_ms};
    }
    if (merge->clock_event && step.kind == MERGE_END) {
        step.input = find_marker_missing(merge);
        step.kind = step.input == INPUT_COUNT ? MERGE_END : MERGE_MISSING;
    } else if (merge->clock_event) {
        find_jump(merge, heads, event_ms, &step);
    }
    return step;
}

void merge_take(struct merge *merge, const struct merge_step *step)
{
    struct engine_position *position = &merge->positions[step->input];

    assert(step->kind <= MERGE_JUMP);
    merge->at[step->input]++;
    if (step->kind == MERGE_REPEATED)
        return;
    position->next_offset = step->record->offset + 1;
    position->last_timestamp_ms = step->record->timestamp_ms;
    if (step->kind == MERGE_RECORD)
        position->merge_ms = step->time_ms;
}

size_t merge_take_markers(struct merge *merge)
{
    size_t taken = 0;

    for (int i = 0; i < INPUT_COUNT; i++) {
        const struct engine_input *input = &merge->inputs[i];
        const struct record *marker;

        if (merge->at[i] == input->count)
            continue;
        marker = &input->records[merge->at[i]];
        if (!merge_is_marker(marker))
            continue;
        merge->at[i]++;
        merge->positions[i].next_offset = marker->offset + 1;
        merge->positions[i].last_timestamp_ms = marker->timestamp_ms;
        merge->positions[i].fixed_end = -1;
        taken++;
    }
    return taken;
}
