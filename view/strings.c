#include "view/strings.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/memory.h"

static uint64_t hash_of(const void *user, uint32_t handle)
{
    const struct strings *strings = user;
    const char *text = strings->texts[handle];

    return XXH3_64bits(text, strlen(text));
}

static bool equals(const void *user, uint32_t handle, const void *key)
{
    const struct strings *strings = user;
    const struct slice *text = key;

    return slice_equal(slice_text(strings->texts[handle]), *text);
}

void strings_init(struct strings *strings)
{
    *strings = (struct strings){.count = 1, .room = 64};
    strings->texts = memory_zalloc(strings->room * sizeof(*strings->texts), "texts");
    strings->texts[0] = "";
    arena_init(&strings->arena);
    table_init(&strings->table, hash_of, strings);
    pthread_mutex_init(&strings->lock, NULL);
}

static void free_ranks(struct string_ranks *ranks)
{
    if (ranks != NULL)
        free(ranks->sorted);
    free(ranks);
}

void strings_deinit(struct strings *strings)
{
    free_ranks(strings->ranks);
    pthread_mutex_destroy(&strings->lock);
    table_deinit(&strings->table);
    arena_deinit(&strings->arena);
    free(strings->texts);
}

uint32_t strings_find(const struct strings *strings, struct slice text)
{
    if (text.size == 0)
        return 0;
    return table_find(&strings->table, XXH3_64bits(text.data, text.size), equals, &text);
}

uint32_t strings_put(struct strings *strings, struct slice text)
{
    uint32_t handle = strings_find(strings, text);

    if (handle != 0 || text.size == 0)
        return handle;
    if (strings->count == strings->room) {
        strings->room *= 2;
        strings->texts =
            memory_grow(strings->texts, strings->room * sizeof(*strings->texts), "texts");
    }
    handle = strings->count++;
    strings->texts[handle] = arena_text(&strings->arena, text);
    table_put(&strings->table, XXH3_64bits(text.data, text.size), handle);
    return handle;
}

size_t strings_bytes(const struct strings *strings)
{
    size_t bytes = strings->room * sizeof(*strings->texts) + table_bytes(&strings->table);

    for (uint32_t i = 1; i < strings->count; i++)
        bytes += (strlen(strings->texts[i]) + 16) & ~(size_t)15;
    return bytes;
}

static int compare_texts(const void *left, const void *right, void *user)
{
    const struct strings *strings = user;

    return strcmp(strings->texts[*(const uint32_t *)left],
                  strings->texts[*(const uint32_t *)right]);
}

static struct string_ranks *make_ranks(struct strings *strings)
{
    struct string_ranks *ranks =
        memory_zalloc(sizeof(*ranks) + strings->count * sizeof(ranks->by[0]), "ranks");

    ranks->count = strings->count;
    ranks->sorted = memory_alloc(strings->count * sizeof(*ranks->sorted), "ranks");
    for (uint32_t i = 0; i < strings->count; i++)
        ranks->sorted[i] = i;
    qsort_r(ranks->sorted, strings->count, sizeof(*ranks->sorted), compare_texts, strings);
    for (uint32_t i = 0; i < strings->count; i++)
        ranks->by[ranks->sorted[i]] = 2 * i;
    return ranks;
}

struct string_ranks *strings_ranks(struct strings *strings)
{
    struct string_ranks *ranks;

    pthread_mutex_lock(&strings->lock);
    ranks = strings->ranks;
    if (ranks == NULL || ranks->count != strings->count) {
        if (ranks != NULL && ranks->uses == 0)
            free_ranks(ranks);
        strings->ranks = ranks = make_ranks(strings);
    }
    ranks->uses++;
    pthread_mutex_unlock(&strings->lock);
    return ranks;
}

void strings_ranks_done(struct strings *strings, struct string_ranks *ranks)
{
    if (ranks == NULL)
        return;
    pthread_mutex_lock(&strings->lock);
    if (--ranks->uses == 0 && ranks != strings->ranks)
        free_ranks(ranks);
    pthread_mutex_unlock(&strings->lock);
}

int64_t strings_rank_of(const struct strings *strings, const struct string_ranks *ranks,
                        const char *text)
{
    uint32_t low = 0, high = ranks->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (strcmp(strings->texts[ranks->sorted[middle]], text) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < ranks->count && strcmp(strings->texts[ranks->sorted[low]], text) == 0)
        return 2 * (int64_t)low;
    return 2 * (int64_t)low - 1;
}
