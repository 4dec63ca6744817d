/* Memory from malloc that is never NULL: running out of it ends the process by abort with a
 * message, since no part of a decision may be skipped. */
#ifndef RINGBACK_BASE_MEMORY_H
#define RINGBACK_BASE_MEMORY_H

#include <stddef.h>

/* what: for the message, as "a pool". Given back by free. */
void *memory_alloc(size_t bytes, const char *what) __attribute__((malloc, returns_nonnull));
void *memory_zalloc(size_t bytes, const char *what) __attribute__((malloc, returns_nonnull));
/* 64-byte aligned (a cache line), zeroed; bytes is a multiple of 64. */
void *memory_zalloc_lines(size_t bytes, const char *what) __attribute__((malloc, returns_nonnull));
void *memory_grow(void *pointer, size_t bytes, const char *what) __attribute__((returns_nonnull));

#endif
