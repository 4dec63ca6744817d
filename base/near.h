/* Near matches: which known names a mistyped one may have meant. Nothing here allocates. */
#ifndef RINGBACK_BASE_NEAR_H
#define RINGBACK_BASE_NEAR_H

#include <stddef.h>

enum { near_count_max = 3, near_word_bytes_max = 64 };

/* Names offered are borrowed until the last use of the struct. */
struct near {
    const char *word;
    const char *names[near_count_max];
    int distances[near_count_max];
    int count;
};

void near_init(struct near *near, const char *word);
void near_offer(struct near *near, const char *name);

/* ` (did you mean "a", "b" or "c"?)`, or "" when nothing is near. Returns text. */
const char *near_hint(const struct near *near, const char *dashes, char *text, size_t size);

/* Edits (insert, delete, change, swap of two neighbours) from a to b; words longer than
 * near_word_bytes_max are compared by their beginnings. */
int near_distance(const char *a, const char *b);

#endif
