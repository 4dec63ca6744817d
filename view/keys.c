#include "view/keys.h"

#include <errno.h>
#include <jansson.h>
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { file_bytes_max = 256 * 1024, secret_bytes_min = 32, rsa_bits_min = 2048 };

static int sextet(char letter)
{
    if (letter >= 'A' && letter <= 'Z')
        return letter - 'A';
    if (letter >= 'a' && letter <= 'z')
        return letter - 'a' + 26;
    if (letter >= '0' && letter <= '9')
        return letter - '0' + 52;
    return letter == '-' ? 62 : letter == '_' ? 63 : -1;
}

unsigned char *keys_base64url(const char *text, size_t size, size_t *count)
{
    unsigned char *bytes;
    uint32_t held = 0;
    int bits = 0;

    *count = 0;
    if (size % 4 == 1)
        return NULL;
    bytes = memory_alloc(size + 1, "a token");
    for (size_t at = 0; at < size; at++) {
        int value = sextet(text[at]);

        if (value < 0) {
            free(bytes);
            return NULL;
        }
        held = (held << 6 | (uint32_t)value) & 0xffffff;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            bytes[(*count)++] = (unsigned char)(held >> bits);
        }
    }
    bytes[*count] = '\0';
    return bytes;
}

static char *read_file(const char *path, size_t *size, struct err_note *note)
{
    FILE *file = fopen(path, "rb");
    char *text = NULL;

    if (file != NULL) {
        text = memory_alloc(file_bytes_max + 1, "a file of keys");
        *size = fread(text, 1, file_bytes_max + 1, file);
        if (ferror(file) != 0) {
            free(text);
            text = NULL;
        }
    }
    if (text == NULL)
        (void)FAIL(note, ERR_IO, "%s cannot be read: %s", path, strerror(errno));
    if (file != NULL)
        (void)fclose(file);
    if (text != NULL && *size > file_bytes_max) {
        free(text);
        text = NULL;
        (void)FAIL(note, ERR_BAD_OPTION, "%s: more than %d bytes are no file of keys", path,
                   file_bytes_max);
    }
    return text;
}

/* --- a JWK as PEM --- */

static BIGNUM *number_of(const json_t *jwk, const char *name)
{
    const char *text = json_string_value(json_object_get(jwk, name));
    unsigned char *bytes;
    BIGNUM *number;
    size_t count;

    if (text == NULL)
        return NULL;
    bytes = keys_base64url(text, strlen(text), &count);
    number = bytes == NULL || count > 1024 ? NULL : BN_bin2bn(bytes, (int)count, NULL);
    free(bytes);
    return number;
}

static EVP_PKEY *make_key(const char *type, OSSL_PARAM_BLD *build)
{
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *key = NULL;

    if (params == NULL || context == NULL || EVP_PKEY_fromdata_init(context) <= 0 ||
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) <= 0)
        key = NULL;
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(params);
    return key;
}

static EVP_PKEY *rsa_key(const json_t *jwk)
{
    BIGNUM *n = number_of(jwk, "n"), *e = number_of(jwk, "e");
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    EVP_PKEY *key = NULL;

    if (n != NULL && e != NULL && build != NULL &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1)
        key = make_key("RSA", build);
    OSSL_PARAM_BLD_free(build);
    BN_free(n);
    BN_free(e);
    return key;
}

/* Of P-256: the uncompressed point. */
static EVP_PKEY *ec_key(const json_t *jwk)
{
    BIGNUM *x = number_of(jwk, "x"), *y = number_of(jwk, "y");
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    unsigned char point[65] = {4};
    EVP_PKEY *key = NULL;

    if (x != NULL && y != NULL && build != NULL && BN_bn2binpad(x, point + 1, 32) == 32 &&
        BN_bn2binpad(y, point + 33, 32) == 32 &&
        OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)) == 1)
        key = make_key("EC", build);
    OSSL_PARAM_BLD_free(build);
    BN_free(x);
    BN_free(y);
    return key;
}

static void put_pem(struct key *to, EVP_PKEY *key)
{
    BIO *memory = BIO_new(BIO_s_mem());
    char *data;
    long size;

    if (memory == NULL || PEM_write_bio_PUBKEY(memory, key) != 1)
        abort(); /* out of memory: the key itself was made */
    size = BIO_get_mem_data(memory, &data);
    to->bytes = memory_alloc((size_t)size + 1, "a key");
    memcpy(to->bytes, data, (size_t)size);
    to->bytes[size] = '\0';
    to->size = (size_t)size;
    BIO_free(memory);
}

static const char *text_of(const json_t *jwk, const char *name)
{
    const char *text = json_string_value(json_object_get(jwk, name));

    return text == NULL ? "" : text;
}

static bool is_or_lacks(const json_t *jwk, const char *name, const char *wanted)
{
    return json_object_get(jwk, name) == NULL || strcmp(text_of(jwk, name), wanted) == 0;
}

/* Keys of other kinds or uses are passed over: the file may be everybody's. */
static enum err add_jwk(struct keys *keys, const char *name, size_t index, const json_t *jwk,
                        struct err_note *note)
{
    bool rsa = strcmp(text_of(jwk, "kty"), "RSA") == 0;
    bool ec = strcmp(text_of(jwk, "kty"), "EC") == 0 && strcmp(text_of(jwk, "crv"), "P-256") == 0;
    struct key *key = &keys->items[keys->count];
    EVP_PKEY *made;

    if ((!rsa && !ec) || !is_or_lacks(jwk, "use", "sig") ||
        !is_or_lacks(jwk, "alg", rsa ? "RS256" : "ES256"))
        return ERR_OK;
    if (keys->count == keys_count_max)
        return FAIL(note, ERR_BAD_OPTION, "%s: more than %d keys", name, keys_count_max);
    made = rsa ? rsa_key(jwk) : ec_key(jwk);
    if (made == NULL)
        return FAIL(note, ERR_BAD_OPTION,
                    "%s: key %zu (kid \"%.60s\") is no %s key: %s are needed, base64url", name,
                    index, text_of(jwk, "kid"), rsa ? "RSA" : "P-256", rsa ? "n and e" : "x and y");
    if (rsa && EVP_PKEY_get_bits(made) < rsa_bits_min) {
        EVP_PKEY_free(made);
        return FAIL(note, ERR_BAD_OPTION, "%s: key %zu (kid \"%.60s\") has fewer than %d bits",
                    name, index, text_of(jwk, "kid"), rsa_bits_min);
    }
    key->algorithm = rsa ? JWT_ALG_RS256 : JWT_ALG_ES256;
    key->id = strdup(text_of(jwk, "kid"));
    put_pem(key, made);
    EVP_PKEY_free(made);
    keys->count++;
    return ERR_OK;
}

enum err keys_parse_jwks(struct keys *keys, const char *name, const char *text, size_t size,
                         struct err_note *note)
{
    json_error_t where;
    json_t *file = json_loadb(text, size, JSON_REJECT_DUPLICATES, &where);
    const json_t *list = json_object_get(file, "keys");
    size_t before = keys->count;
    enum err err = ERR_OK;

    if (file == NULL)
        return FAIL(note, ERR_BAD_OPTION, "%s, line %d: no JSON: %s", name, where.line, where.text);
    if (!json_is_array(list))
        err = FAIL(note, ERR_BAD_OPTION,
                   "%s: no JWKS: an object with a list \"keys\" is wanted (RFC 7517)", name);
    for (size_t i = 0; err == ERR_OK && i < json_array_size(list); i++)
        err = add_jwk(keys, name, i, json_array_get(list, i), note);
    if (err == ERR_OK && keys->count == before)
        err = FAIL(note, ERR_BAD_OPTION, "%s: has no key for RS256 or ES256 (RSA, or EC of P-256)",
                   name);
    json_decref(file);
    return err;
}

enum err keys_read_jwks(struct keys *keys, const char *path, struct err_note *note)
{
    size_t size = 0;
    char *text = read_file(path, &size, note);
    enum err err;

    if (text == NULL)
        return note->err;
    err = keys_parse_jwks(keys, path, text, size, note);
    free(text);
    return err;
}

enum err keys_read_secret(struct keys *keys, const char *path, struct err_note *note)
{
    size_t size = 0;
    char *text = read_file(path, &size, note);
    struct key *key = &keys->items[keys->count];

    if (text == NULL)
        return note->err;
    if (size > 0 && text[size - 1] == '\n')
        size--;
    if (size < secret_bytes_min || keys->count == keys_count_max) {
        free(text);
        return FAIL(note, ERR_BAD_OPTION, "%s: a secret of %d bytes at least is wanted (RFC 7518)",
                    path, secret_bytes_min);
    }
    *key = (struct key){JWT_ALG_HS256, strdup(""), (unsigned char *)text, size};
    keys->count++;
    return ERR_OK;
}

void keys_deinit(struct keys *keys)
{
    for (size_t i = 0; i < keys->count; i++) {
        free(keys->items[i].id);
        free(keys->items[i].bytes);
    }
    keys->count = 0;
}
