#include "state/text.h"

#include <assert.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "state/limits.h"

static const uint16_t class_bytes[TEXT_CLASSES] = {16,  32,  64,   96,
                                                   160, 320, 1024, TEXT_BYTES_MAX + 16};

enum { handle_bits = 28 };

void texts_init(struct texts *texts)
{
    for (int class = 0; class < TEXT_CLASSES; class ++)
        pool_init(&texts->pools[class], class_bytes[class]);
}

void texts_deinit(struct texts *texts)
{
    for (int class = 0; class < TEXT_CLASSES; class ++)
        pool_deinit(&texts->pools[class]);
}

size_t texts_bytes(const struct texts *texts)
{
    size_t bytes = 0;

    for (int class = 0; class < TEXT_CLASSES; class ++)
        bytes += pool_bytes(&texts->pools[class]);
    return bytes;
}

uint32_t text_put(struct texts *texts, struct slice slice)
{
    uint32_t class = 0, handle;
    uint32_t size = (uint32_t)slice.size;
    uint8_t *item;

    assert(slice.size <= TEXT_BYTES_MAX);
    if (slice.size == 0)
        return 0;
    while (class_bytes[class] < slice.size + 4)
        class ++;
    handle = pool_take(&texts->pools[class]);
    assert(handle < 1u << handle_bits);
    item = pool_at(&texts->pools[class], handle);
    memcpy(item, &size, 4);
    memcpy(item + 4, slice.data, slice.size);
    return class << handle_bits | handle;
}

void text_drop(struct texts *texts, uint32_t handle)
{
    if (handle != 0)
        pool_give(&texts->pools[handle >> handle_bits], handle & ((1u << handle_bits) - 1));
}

struct slice text_at(const struct texts *texts, uint32_t handle)
{
    const uint8_t *item;
    uint32_t size;

    if (handle == 0)
        return slice_make("", 0);
    item = pool_at(&texts->pools[handle >> handle_bits], handle & ((1u << handle_bits) - 1));
    memcpy(&size, item, 4);
    return slice_make(item + 4, size);
}

uint32_t text_set(struct texts *texts, uint32_t old, struct slice slice)
{
    if (slice_equal(text_at(texts, old), slice))
        return old;
    text_drop(texts, old);
    return text_put(texts, slice);
}

/* Of each byte: 0 = not in an id, 1 = in one, 2 + n = in one and the hex digit n of a UUID. */
static const uint8_t letters[256] = {
    ['0'] = 2,  ['1'] = 3,  ['2'] = 4,  ['3'] = 5,  ['4'] = 6,  ['5'] = 7,  ['6'] = 8,  ['7'] = 9,
    ['8'] = 10, ['9'] = 11, ['a'] = 12, ['b'] = 13, ['c'] = 14, ['d'] = 15, ['e'] = 16, ['f'] = 17,
    ['g'] = 1,  ['h'] = 1,  ['i'] = 1,  ['j'] = 1,  ['k'] = 1,  ['l'] = 1,  ['m'] = 1,  ['n'] = 1,
    ['o'] = 1,  ['p'] = 1,  ['q'] = 1,  ['r'] = 1,  ['s'] = 1,  ['t'] = 1,  ['u'] = 1,  ['v'] = 1,
    ['w'] = 1,  ['x'] = 1,  ['y'] = 1,  ['z'] = 1,  ['A'] = 1,  ['B'] = 1,  ['C'] = 1,  ['D'] = 1,
    ['E'] = 1,  ['F'] = 1,  ['G'] = 1,  ['H'] = 1,  ['I'] = 1,  ['J'] = 1,  ['K'] = 1,  ['L'] = 1,
    ['M'] = 1,  ['N'] = 1,  ['O'] = 1,  ['P'] = 1,  ['Q'] = 1,  ['R'] = 1,  ['S'] = 1,  ['T'] = 1,
    ['U'] = 1,  ['V'] = 1,  ['W'] = 1,  ['X'] = 1,  ['Y'] = 1,  ['Z'] = 1,  ['.'] = 1,  ['_'] = 1,
    ['@'] = 1,  [':'] = 1,  ['/'] = 1,  ['+'] = 1,  ['-'] = 1,
};

bool ident_valid(struct slice text)
{
    uint8_t worst = 1;

    if (text.size == 0 || text.size > (size_t)LIMIT_ID_BYTES_MAX)
        return false;
    for (size_t at = 0; at < text.size; at++)
        worst = letters[text.data[at]] == 0 ? 0 : worst;
    return worst != 0;
}

/* Where the 16 bytes of a UUID stand in its text. */
static const uint8_t uuid_at[16] = {0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34};

bool ident_uuid(struct slice text, uint8_t bytes[16])
{
    const uint8_t *data = text.data;

    if (text.size != 36 || data[8] != '-' || data[13] != '-' || data[18] != '-' || data[23] != '-')
        return false;
    for (int byte = 0; byte < 16; byte++) {
        unsigned high = letters[data[uuid_at[byte]]], low = letters[data[uuid_at[byte] + 1]];

        if (high < 2 || low < 2)
            return false;
        bytes[byte] = (uint8_t)((high - 2) << 4 | (low - 2));
    }
    return (bytes[8] & 0xc0) == 0x80;
}

struct ident ident_hashed(const uint8_t *bytes, size_t size)
{
    XXH128_hash_t hash = XXH3_128bits(bytes, size);
    XXH128_canonical_t canonical;
    struct ident ident;

    XXH128_canonicalFromHash(&canonical, hash);
    memcpy(ident.bytes, canonical.digest, 16);
    ident.bytes[6] = (uint8_t)((ident.bytes[6] & 0x0f) | 0x80);
    ident.bytes[8] = (uint8_t)((ident.bytes[8] & 0x3f) | 0x80);
    return ident;
}

struct ident ident_put(struct texts *texts, struct slice text)
{
    struct ident ident = {{0}};
    uint32_t handle;

    if (ident_uuid(text, ident.bytes))
        return ident;
    memset(&ident, 0, sizeof(ident));
    handle = text_put(texts, text);
    memcpy(ident.bytes, &handle, sizeof(handle));
    return ident;
}

static uint32_t ident_handle(const struct ident *ident)
{
    uint32_t handle;

    memcpy(&handle, ident->bytes, sizeof(handle));
    return handle;
}

void ident_drop(struct texts *texts, struct ident *ident)
{
    if (!ident_is_uuid(ident))
        text_drop(texts, ident_handle(ident));
    memset(ident, 0, sizeof(*ident));
}

struct ident ident_copy(struct texts *texts, const struct ident *ident)
{
    struct ident copy = {{0}};
    uint32_t handle;
    uint8_t buffer[TEXT_BYTES_MAX];
    struct slice text;

    if (ident_is_uuid(ident) || ident_is_none(ident))
        return *ident;
    text = text_at(texts, ident_handle(ident));
    memcpy(buffer, text.data, text.size);
    handle = text_put(texts, slice_make(buffer, text.size));
    memcpy(copy.bytes, &handle, sizeof(handle));
    return copy;
}

bool ident_equal(const struct texts *texts, const struct ident *ident, struct slice text)
{
    uint8_t bytes[16];

    if (ident_is_uuid(ident))
        return ident_uuid(text, bytes) && memcmp(bytes, ident->bytes, 16) == 0;
    return slice_equal(text_at(texts, ident_handle(ident)), text);
}

bool ident_same(const struct texts *texts, const struct ident *a, const struct ident *b)
{
    if (ident_is_uuid(a) || ident_is_uuid(b))
        return memcmp(a, b, sizeof(*a)) == 0;
    return slice_equal(text_at(texts, ident_handle(a)), text_at(texts, ident_handle(b)));
}

struct slice ident_text(const struct texts *texts, const struct ident *ident,
                        char buffer[IDENT_TEXT_BYTES])
{
    static const char hex[] = "0123456789abcdef";

    if (!ident_is_uuid(ident))
        return text_at(texts, ident_handle(ident));
    buffer[8] = buffer[13] = buffer[18] = buffer[23] = '-';
    for (int byte = 0; byte < 16; byte++) {
        buffer[uuid_at[byte]] = hex[ident->bytes[byte] >> 4];
        buffer[uuid_at[byte] + 1] = hex[ident->bytes[byte] & 15];
    }
    buffer[36] = '\0';
    return slice_make(buffer, 36);
}

char *ident_string(const struct texts *texts, const struct ident *ident, struct arena *arena)
{
    char buffer[IDENT_TEXT_BYTES];

    return arena_text(arena, ident_text(texts, ident, buffer));
}

int ident_compare(const struct texts *texts, const struct ident *a, const struct ident *b)
{
    char buffer_a[IDENT_TEXT_BYTES], buffer_b[IDENT_TEXT_BYTES];

    if (ident_is_uuid(a) && ident_is_uuid(b))
        return memcmp(a->bytes, b->bytes, 16);
    return slice_compare(ident_text(texts, a, buffer_a), ident_text(texts, b, buffer_b));
}

uint64_t ident_hash(struct slice text, uint64_t seed)
{
    uint8_t bytes[16];

    if (ident_uuid(text, bytes))
        return XXH3_64bits_withSeed(bytes, 16, seed);
    return XXH3_64bits_withSeed(text.data, text.size, seed);
}

uint64_t ident_hash_of(const struct texts *texts, const struct ident *ident, uint64_t seed)
{
    struct slice text;

    if (ident_is_uuid(ident))
        return XXH3_64bits_withSeed(ident->bytes, 16, seed);
    text = text_at(texts, ident_handle(ident));
    return XXH3_64bits_withSeed(text.data, text.size, seed);
}

/* Half bytes from the highest: 0xA is +, 0xF the end. */
static uint64_t number_pack(const char *text, size_t size)
{
    uint64_t number = 0;

    for (size_t at = 0; at < 16; at++) {
        uint64_t half = 0xf;

        if (at < size)
            half = text[at] == '+' ? 0xa : (uint64_t)(text[at] - '0');
        number = number << 4 | half;
    }
    return number;
}

/* Digits and a leading + of text without what 1.2 takes off, into out (32 bytes); -1: something
 * else is in it. *digits counts the digits. */
static int number_clean(struct slice text, char out[32], int *digits)
{
    int used = 0;
    bool bad = false;

    *digits = 0;
    if (text.size >= 4 && (memcmp(text.data, "tel:", 4) == 0 || memcmp(text.data, "sip:", 4) == 0))
        text = slice_make(text.data + 4, text.size - 4);
    for (size_t at = 0; at < text.size && text.data[at] != '@'; at++) {
        char c = (char)text.data[at];

        if (c == ' ' || c == '-' || c == '.' || c == '(' || c == ')' || c == '/')
            continue;
        if (c >= '0' && c <= '9')
            (*digits)++;
        else if (c != '+' || used > 0)
            bad = true;
        if (used < 31)
            out[used++] = c;
        else
            bad = true;
    }
    out[used] = '\0';
    return bad ? -1 : used;
}

enum number_result number_parse(struct slice text, struct slice country_code, uint64_t *number)
{
    char clean[32], full[64];
    int digits, used = number_clean(text, clean, &digits);
    size_t size;

    *number = 0;
    if (digits == 0)
        return NUMBER_NONE;
    if (used < 0 || digits < LIMIT_NUMBER_DIGITS_MIN)
        return NUMBER_BAD; /* a country code makes no number of "0" */
    size = (size_t)used;
    memcpy(full, clean, size);
    if (country_code.size > 0 && country_code.size < 8 && clean[0] == '0') {
        size_t skip = clean[1] == '0' ? 2 : 1, prefix = skip == 2 ? 0 : country_code.size;

        full[0] = '+';
        memcpy(full + 1, country_code.data, prefix);
        memcpy(full + 1 + prefix, clean + skip, size - skip);
        size = size - skip + prefix + 1;
    }
    digits = (int)size - (full[0] == '+');
    if (digits < LIMIT_NUMBER_DIGITS_MIN || digits > LIMIT_NUMBER_DIGITS_MAX)
        return NUMBER_BAD;
    *number = number_pack(full, size);
    return NUMBER_OK;
}

char *number_string(uint64_t number, struct arena *arena)
{
    char *text = arena_alloc(arena, 17);
    int used = 0;

    for (int at = 15; number != 0 && at >= 0; at--) {
        unsigned half = (unsigned)(number >> (4 * at)) & 15;

        if (half == 0xf)
            break;
        text[used++] = half == 0xa ? '+' : (char)('0' + half);
    }
    text[used] = '\0';
    return text;
}
