#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *memory_checked(void *pointer, size_t bytes, const char *what)
{
    if (pointer == NULL) {
        fprintf(stderr, "ringback: out of memory: %zu bytes for %s\n", bytes, what);
        abort();
    }
    return pointer;
}

void *memory_alloc(size_t bytes, const char *what)
{
    return memory_checked(malloc(bytes), bytes, what);
}

void *memory_zalloc(size_t bytes, const char *what)
{
    return memory_checked(calloc(1, bytes), bytes, what);
}

void *memory_zalloc_lines(size_t bytes, const char *what)
{
    return memset(memory_checked(aligned_alloc(64, bytes), bytes, what), 0, bytes);
}

void *memory_grow(void *pointer, size_t bytes, const char *what)
{
    return memory_checked(realloc(pointer, bytes), bytes, what);
}
