/* Short texts and blobs by handle, in pools by size; ids of 16 bytes that hold a UUID or such a
 * handle; phone numbers in 8 bytes. */
#ifndef RINGBACK_STATE_TEXT_H
#define RINGBACK_STATE_TEXT_H

#include "base/arena.h"
#include "base/pool.h"
#include "base/slice.h"

enum { TEXT_CLASSES = 8, TEXT_BYTES_MAX = 4096 };

struct texts {
    struct pool pools[TEXT_CLASSES];
};

void texts_init(struct texts *texts);
void texts_deinit(struct texts *texts);
size_t texts_bytes(const struct texts *texts);

/* 0 for an empty slice; at most TEXT_BYTES_MAX bytes (asserted). */
uint32_t text_put(struct texts *texts, struct slice slice);
void text_drop(struct texts *texts, uint32_t handle); /* 0 is fine */
/* 0: empty. Good until text_drop; data is aligned to 4 bytes. */
struct slice text_at(const struct texts *texts, uint32_t handle);
/* Drops the old one, if another; returns the new handle. */
uint32_t text_set(struct texts *texts, uint32_t old, struct slice slice);

/* A UUID in canonical lower-case text with the RFC variant is kept as its 16 bytes; any other id as
 * a text. All zero: none. */
struct ident {
    uint8_t bytes[16];
};

enum { IDENT_TEXT_BYTES = 129 };

static inline bool ident_is_none(const struct ident *ident)
{
    static const struct ident none;

    return memcmp(ident, &none, sizeof(none)) == 0;
}

/* The RFC variant tells a UUID from a text. */
static inline bool ident_is_uuid(const struct ident *ident)
{
    return (ident->bytes[8] & 0xc0) == 0x80;
}

/* 1 to 128 bytes of [A-Za-z0-9._@:/+-]. */
bool ident_valid(struct slice text);

/* true and the bytes, if text is such a UUID. */
bool ident_uuid(struct slice text, uint8_t bytes[16]);

/* Made of what tells it from all others: version 8 of RFC 9562. */
struct ident ident_hashed(const uint8_t *bytes, size_t size);
struct ident ident_put(struct texts *texts, struct slice text);
void ident_drop(struct texts *texts, struct ident *ident); /* leaves it none */
struct ident ident_copy(struct texts *texts, const struct ident *ident);
bool ident_equal(const struct texts *texts, const struct ident *ident, struct slice text);
bool ident_same(const struct texts *texts, const struct ident *a, const struct ident *b);

/* The text, written into buffer for a UUID; a slice of it or of the pool. */
struct slice ident_text(const struct texts *texts, const struct ident *ident,
                        char buffer[IDENT_TEXT_BYTES]);
/* Terminated, in arena; "" for none. */
char *ident_string(const struct texts *texts, const struct ident *ident, struct arena *arena);

/* As the texts' bytes order. */
int ident_compare(const struct texts *texts, const struct ident *a, const struct ident *b);

/* The same for an id however it is kept. */
uint64_t ident_hash(struct slice text, uint64_t seed);
uint64_t ident_hash_of(const struct texts *texts, const struct ident *ident, uint64_t seed);

/* Numbers (1.2): an optional + and 3 to 15 digits in 16 half bytes; 0: none. */
enum number_result { NUMBER_OK, NUMBER_NONE, NUMBER_BAD };

/* Normalises text; country_code (digits, may be empty) makes 00 and a trunk 0 a +. */
enum number_result number_parse(struct slice text, struct slice country_code, uint64_t *number);
/* Terminated, in arena; "" for 0. */
char *number_string(uint64_t number, struct arena *arena);

#endif
