/* Keys that tokens are signed with: a JWKS file (RFC 7517), as what libjwt wants. */
#ifndef RINGBACK_VIEW_KEYS_H
#define RINGBACK_VIEW_KEYS_H

#include <jwt.h>

#include "base/err.h"

enum { keys_count_max = 32 };

struct key {
    jwt_alg_t algorithm;
    char *id;             /* kid; "": it has none */
    unsigned char *bytes; /* PEM, or the secret */
    size_t size;
};

struct keys {
    struct key items[keys_count_max];
    size_t count;
};

/* Adds the public keys of the file; those of other use and kind are passed over. Errors: ERR_IO,
 * ERR_BAD_OPTION (no JWKS, a weak or damaged key, none that can be used). */
MUST_CHECK enum err keys_read_jwks(struct keys *keys, const char *path, struct err_note *note);
/* The same from its text; name is for messages. */
MUST_CHECK enum err keys_parse_jwks(struct keys *keys, const char *name, const char *text,
                                    size_t size, struct err_note *note);
/* Adds the secret of the file for HS256: 32 bytes at least; a line feed at its end is no part. */
MUST_CHECK enum err keys_read_secret(struct keys *keys, const char *path, struct err_note *note);
void keys_deinit(struct keys *keys);

/* RFC 4648, 5, without padding. Returns malloc'ed bytes and their number; NULL: it is none. */
unsigned char *keys_base64url(const char *text, size_t size, size_t *count);

#endif
