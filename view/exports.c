#include "view/exports.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "state/limits.h"
#include "view/out.h"
#include "view/render.h"

enum { burst = 500 }; /* rows that are written under one lock */

/* One that matched. */
struct found {
    int64_t created_ms;
    uint64_t conversation; /* hash of it and its domain; of one that has none, of itself */
    uint8_t id[16];
    uint32_t handle;
};

struct exporting {
    const struct exports_plan *plan;
    const struct view_model *model;
    struct found *items;
    size_t count, room;
    size_t older; /* how many, when sorted */
};

static uint64_t mixed(uint64_t hash, uint32_t domain)
{
    return hash ^ domain * UINT64_C(0x9e3779b97f4a7c15);
}

static void take(void *context, uint32_t handle)
{
    struct exporting *exporting = context;
    const struct view_row *row = model_row(exporting->model, handle);
    const struct view_search *search = model_search(exporting->model, handle);
    struct found *found;
    uint64_t own;

    if (exporting->count == exporting->room) {
        exporting->room = exporting->room == 0 ? 1024 : 2 * exporting->room;
        exporting->items =
            memory_grow(exporting->items, exporting->room * sizeof(*found), "an export");
    }
    found = &exporting->items[exporting->count++];
    memcpy(found->id, model_rest(exporting->model, handle)->id, 16);
    memcpy(&own, found->id, sizeof(own));
    found->created_ms = row->created_ms;
    found->conversation = mixed(search->ids[0] != 0 ? search->ids[0] : own, row->domain);
    found->handle = handle;
}

static int compare_created(const void *left, const void *right)
{
    const struct found *a = left, *b = right;

    if (a->created_ms != b->created_ms)
        return a->created_ms < b->created_ms ? -1 : 1;
    return memcmp(a->id, b->id, sizeof(a->id));
}

static int compare_numbers(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

    return (a > b) - (a < b);
}

static uint64_t count_conversations(const struct found *items, size_t count)
{
    uint64_t *all = memory_alloc((count + 1) * sizeof(*all), "an export");
    uint64_t different = 0;

    for (size_t i = 0; i < count; i++)
        all[i] = items[i].conversation;
    qsort(all, count, sizeof(*all), compare_numbers);
    for (size_t i = 0; i < count; i++)
        different += i == 0 || all[i] != all[i - 1];
    free(all);
    return different;
}

static enum err check(struct exporting *exporting, struct exports_counts *counts,
                      struct err_note *note)
{
    const struct exports_plan *plan = exporting->plan;
    int64_t line_ms = plan->now_ms - LIMIT_EXPORT_RECENT_MS;

    qsort(exporting->items, exporting->count, sizeof(*exporting->items), compare_created);
    while (exporting->older < exporting->count &&
           exporting->items[exporting->older].created_ms < line_ms)
        exporting->older++;
    counts->older = count_conversations(exporting->items, exporting->older);
    counts->recent = count_conversations(exporting->items + exporting->older,
                                         exporting->count - exporting->older);
    counts->rows = exporting->count;
    if (counts->recent <= plan->recent_max && counts->older <= plan->older_max)
        return ERR_OK;
    return FAIL(note, ERR_TOO_MANY,
                "%" PRIu64 " conversations of the last 12 hours and %" PRIu64
                " older ones; an export has at most %" PRIu64 " and %" PRIu64
                " (9.5): a shorter time, or more filters",
                counts->recent, counts->older, plan->recent_max, plan->older_max);
}

/* --- the file --- */

static enum err open_file(int *fd, struct err_note *note)
{
    const char *folder = getenv("TMPDIR");

    if (folder == NULL || folder[0] == '\0')
        folder = "/tmp";
    *fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (*fd < 0) { /* a file system without such files */
        FILE *file = tmpfile();

        *fd = file == NULL ? -1 : fcntl(fileno(file), F_DUPFD_CLOEXEC, 3);
        if (file != NULL)
            (void)fclose(file);
    }
    if (*fd >= 0)
        return ERR_OK;
    return FAIL(note, ERR_IO, "no file for the export can be made in %s (TMPDIR): %s", folder,
                strerror(errno));
}

static enum err write_all(int fd, const struct out *out, struct err_note *note)
{
    size_t done = 0;

    while (done < out->size) {
        ssize_t size = write(fd, out->data + done, out->size - done);

        if (size < 0 && errno == EINTR)
            continue;
        if (size <= 0)
            return FAIL(note, ERR_IO, "the export's file cannot be written: %s", strerror(errno));
        done += (size_t)size;
    }
    return ERR_OK;
}

static void render(const struct exporting *exporting, const struct view_model *model, size_t index,
                   struct out *out)
{
    const struct exports_plan *plan = exporting->plan;
    const struct found *found = &exporting->items[index];
    const char *part = index < exporting->older ? "older" : "recent";

    /* A row that went meanwhile, its retention over, is none of the file's any more. */
    if (model_row(model, found->handle)->kind == 0 ||
        memcmp(model_rest(model, found->handle)->id, found->id, 16) != 0)
        return;
    if (!plan->json) {
        render_csv(out, model, found->handle, plan->viewer, part);
        return;
    }
    out_format(out, "{\"part\":\"%s\",\"callback\":", part);
    render_callback(out, model, found->handle, plan->viewer, plan->now_ms);
    out_text(out, "}\n");
}

static enum err write_rows(const struct exporting *exporting, int fd, uint64_t *size,
                           struct err_note *note)
{
    struct follower *follower = exporting->plan->follower;
    struct out out = {.data = NULL};
    enum err err = ERR_OK;

    *size = 0;
    if (!exporting->plan->json)
        render_csv_header(&out);
    for (size_t at = 0; err == ERR_OK && (at < exporting->count || out.size > 0);) {
        const struct view_model *model = follower_lock(follower);

        for (size_t i = 0; i < burst && at < exporting->count; i++)
            render(exporting, model, at++, &out);
        follower_unlock(follower);
        err = write_all(fd, &out, note);
        *size += out.size;
        out.size = 0;
    }
    out_deinit(&out);
    return err;
}

enum err exports_make(const struct exports_plan *plan, int *fd, uint64_t *size,
                      struct exports_counts *counts, struct err_note *note)
{
    struct exporting exporting = {.plan = plan};
    enum err err;

    *fd = -1;
    *counts = (struct exports_counts){0};
    exporting.model = follower_lock(plan->follower);
    query_each(exporting.model, plan->query, take, &exporting);
    follower_unlock(plan->follower);
    err = check(&exporting, counts, note);
    if (err == ERR_OK)
        err = open_file(fd, note);
    if (err == ERR_OK)
        err = write_rows(&exporting, *fd, size, note);
    if (err == ERR_OK && lseek(*fd, 0, SEEK_SET) != 0)
        err = FAIL(note, ERR_IO, "the export's file cannot be read: %s", strerror(errno));
    if (err != ERR_OK && *fd >= 0) {
        (void)close(*fd);
        *fd = -1;
    }
    free(exporting.items);
    return err;
}
