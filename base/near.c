#include "base/near.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

int near_distance(const char *a, const char *b)
{
    int rows[3][near_word_bytes_max + 1];
    int *before = rows[0], *last = rows[1], *now = rows[2];
    int a_size = (int)strnlen(a, near_word_bytes_max);
    int b_size = (int)strnlen(b, near_word_bytes_max);

    for (int j = 0; j <= b_size; j++)
        before[j] = last[j] = j;
    for (int i = 1; i <= a_size; i++) {
        int *spare = before;

        now[0] = i;
        for (int j = 1; j <= b_size; j++) {
            now[j] = last[j - 1] + (a[i - 1] != b[j - 1]);
            now[j] = smaller(now[j], smaller(last[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = smaller(now[j], before[j - 2] + 1);
        }
        before = last;
        last = now;
        now = spare;
    }
    return last[b_size];
}

void near_init(struct near *near, const char *word)
{
    *near = (struct near){.word = word};
}

/* Near: at most a third of the word's letters differ, or one begins with the other. */
void near_offer(struct near *near, const char *name)
{
    int size = (int)strnlen(near->word, near_word_bytes_max);
    int distance = near_distance(near->word, name);
    int allowed = size < 6 ? 2 : size / 3;
    int at;

    if (size >= 3 && strncmp(near->word, name, (size_t)size) == 0)
        distance = smaller(distance, 1);
    if (size == 0 || distance > allowed || distance >= size)
        return;
    for (at = near->count; at > 0 && near->distances[at - 1] > distance; at--) {
        if (at == near_count_max)
            continue;
        near->names[at] = near->names[at - 1];
        near->distances[at] = near->distances[at - 1];
    }
    if (at == near_count_max)
        return;
    near->names[at] = name;
    near->distances[at] = distance;
    if (near->count < near_count_max)
        near->count++;
}

const char *near_hint(const struct near *near, const char *dashes, char *text, size_t size)
{
    size_t used = 0;

    if (size > 0)
        text[0] = '\0';
    for (int i = 0; i < near->count && used < size; i++) {
        const char *join = i == 0 ? " (did you mean " : i + 1 == near->count ? " or " : ", ";
        const char *end = i + 1 == near->count ? "?)" : "";

        used += (size_t)snprintf(text + used, size - used, "%s\"%s%s\"%s", join, dashes,
                                 near->names[i], end);
    }
    return text;
}
