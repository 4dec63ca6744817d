/* Tokens: which are taken, and all the ways in which they are not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <jwt.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "view/auth.h"
#include "view/keys.h"

enum { text_bytes = 4096 };

static const int64_t now_ms = INT64_C(1800000000) * 1000;
static const char secret[] = "0123456789abcdef0123456789abcdef";

struct signer {
    char private_pem[text_bytes];
    char public_pem[text_bytes];
    EVP_PKEY *key;
};

struct place {
    char jwks[64], hs256[64];
    struct signer rsa, other, ec;
    struct auth *auth;
};

static struct place here;

static void pem(EVP_PKEY *key, bool private, char *text)
{
    BIO *memory = BIO_new(BIO_s_mem());
    char *data;
    long size;

    if (private)
        PEM_write_bio_PrivateKey(memory, key, NULL, NULL, 0, NULL, NULL);
    else
        PEM_write_bio_PUBKEY(memory, key);
    size = BIO_get_mem_data(memory, &data);
    memcpy(text, data, (size_t)size);
    text[size] = '\0';
    BIO_free(memory);
}

static void make_signer(struct signer *signer, EVP_PKEY *key)
{
    assert_non_null(key);
    signer->key = key;
    pem(key, true, signer->private_pem);
    pem(key, false, signer->public_pem);
}

static void base64url(const unsigned char *bytes, size_t size, char *text)
{
    size_t at = 0;

    at = (size_t)EVP_EncodeBlock((unsigned char *)text, bytes, (int)size);
    while (at > 0 && text[at - 1] == '=')
        at--;
    text[at] = '\0';
    for (size_t i = 0; i < at; i++)
        text[i] = text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i];
}

static const char *number(EVP_PKEY *key, const char *name, char *text)
{
    BIGNUM *value = NULL;
    unsigned char bytes[600];

    assert_int_equal(EVP_PKEY_get_bn_param(key, name, &value), 1);
    base64url(bytes, (size_t)BN_bn2bin(value, bytes), text);
    BN_free(value);
    return text;
}

static void write_file(char path[64], const char *text)
{
    int fd;

    (void)snprintf(path, 64, "/tmp/ringback-auth-XXXXXX");
    fd = mkstemp(path);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    (void)close(fd);
}

static int set_up(void **state)
{
    struct auth_options options = {.issuer = "issuer", .audience = "ringback"};
    char jwks[3 * text_bytes], n[1000], e[20], n2[1000], e2[20], x[100], y[100];
    struct err_note note;

    (void)state;
    make_signer(&here.rsa, EVP_RSA_gen(2048));
    make_signer(&here.other, EVP_RSA_gen(2048));
    make_signer(&here.ec, EVP_EC_gen("P-256"));
    (void)snprintf(
        jwks, sizeof(jwks),
        "{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"one\",\"use\":\"sig\",\"n\":\"%s\",\"e\":\"%s\"},"
        "{\"kty\":\"RSA\",\"kid\":\"two\",\"alg\":\"RS256\",\"n\":\"%s\",\"e\":\"%s\"},"
        "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AA\"},"
        "{\"kty\":\"EC\",\"kid\":\"curve\",\"crv\":\"P-256\",\"x\":\"%s\",\"y\":\"%s\"}]}",
        number(here.rsa.key, "n", n), number(here.rsa.key, "e", e), number(here.other.key, "n", n2),
        number(here.other.key, "e", e2), number(here.ec.key, OSSL_PKEY_PARAM_EC_PUB_X, x),
        number(here.ec.key, OSSL_PKEY_PARAM_EC_PUB_Y, y));
    write_file(here.jwks, jwks);
    write_file(here.hs256, secret);
    options.jwks = here.jwks;
    options.hs256_secret = here.hs256;
    assert_int_equal(auth_create(&options, &here.auth, &note), ERR_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    auth_destroy(here.auth);
    EVP_PKEY_free(here.rsa.key);
    EVP_PKEY_free(here.other.key);
    EVP_PKEY_free(here.ec.key);
    (void)unlink(here.jwks);
    (void)unlink(here.hs256);
    return 0;
}

/* --- tokens --- */

static const char good[] =
    "{\"sub\":\"sup-1\",\"name\":\"Ann\",\"iss\":\"issuer\",\"aud\":[\"x\",\"ringback\"],"
    "\"exp\":1800000600,\"nbf\":1799999000,\"domains\":[\"acme\",\"beta\"],\"queues\":[\"q1\"],"
    "\"permissions\":[\"analytics:conversationDetail:view\",\"routing:queue:view\","
    "\"ui:supervisorScheduledCallbacks:view\",\"conversation:callback:edit\",\"other\"]}";

static char *token(const char *claims, const char *kid, jwt_alg_t algorithm, const char *key)
{
    jwt_t *jwt = NULL;
    char *text;

    assert_int_equal(jwt_new(&jwt), 0);
    assert_int_equal(jwt_add_grants_json(jwt, claims), 0);
    if (kid != NULL)
        assert_int_equal(jwt_add_header(jwt, "kid", kid), 0);
    assert_int_equal(
        jwt_set_alg(jwt, algorithm, (const unsigned char *)key, key == NULL ? 0 : (int)strlen(key)),
        0);
    text = jwt_encode_str(jwt);
    assert_non_null(text);
    jwt_free(jwt);
    return text;
}

static enum auth_answer check(const char *text, struct viewer *viewer, char *why)
{
    static char header[20000];
    struct viewer mine;
    enum auth_answer answer;
    char whys[auth_why_bytes];

    (void)snprintf(header, sizeof(header), "Bearer %s", text);
    answer = auth_check(here.auth, header, now_ms, viewer == NULL ? &mine : viewer,
                        why == NULL ? whys : why);
    if (answer == AUTH_OK && viewer == NULL)
        viewer_deinit(&mine);
    return answer;
}

static enum auth_answer check_claims(const char *claims)
{
    char *text = token(claims, "one", JWT_ALG_RS256, here.rsa.private_pem);
    enum auth_answer answer = check(text, NULL, NULL);

    free(text);
    return answer;
}

static void auth_takes_what_its_keys_signed(void **state)
{
    static const struct {
        const char *kid;
        jwt_alg_t algorithm;
        const char *key;
    } rows[] = {
        {"one", JWT_ALG_RS256, here.rsa.private_pem},
        {"two", JWT_ALG_RS256, here.other.private_pem},
        {"curve", JWT_ALG_ES256, here.ec.private_pem},
        {NULL, JWT_ALG_ES256, here.ec.private_pem}, /* the only one of its kind */
        {NULL, JWT_ALG_HS256, secret},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *text = token(good, rows[i].kid, rows[i].algorithm, rows[i].key);

        assert_int_equal(check(text, NULL, NULL), AUTH_OK);
        free(text);
    }
}

static void rule_9_3_a_token_says_who_may_do_what(void **state)
{
    char *text = token(good, "one", JWT_ALG_RS256, here.rsa.private_pem);
    struct viewer viewer;

    (void)state;
    assert_int_equal(check(text, &viewer, NULL), AUTH_OK);
    assert_string_equal(viewer.user, "sup-1");
    assert_string_equal(viewer.name, "Ann");
    assert_true(viewer_sees(&viewer));
    assert_true(viewer_may(&viewer, VIEW_PERMISSION_EDIT));
    assert_false(viewer_may(&viewer, VIEW_PERMISSION_CANCEL));
    assert_false(viewer_may(&viewer, VIEW_PERMISSION_CAMPAIGNS));
    assert_false(viewer.sight.domains_all);
    assert_int_equal(viewer.sight.domain_count, 2);
    assert_false(viewer.sight.queues_all);
    assert_string_equal(viewer.sight.queues[0], "q1");
    assert_true(viewer.expires_ms == INT64_C(1800000600000));
    viewer_deinit(&viewer);
    free(text);
}

static void auth_refuses_other_signatures(void **state)
{
    static const struct {
        const char *kid;
        jwt_alg_t algorithm;
        const char *key;
    } rows[] = {
        {"one", JWT_ALG_RS256, here.other.private_pem}, /* another key's */
        {"three", JWT_ALG_RS256, here.rsa.private_pem}, /* no such kid */
        {NULL, JWT_ALG_RS256, here.rsa.private_pem},    /* which of two? */
        {"one", JWT_ALG_RS512, here.rsa.private_pem},   /* another algorithm */
        {"one", JWT_ALG_HS256, here.rsa.public_pem},    /* the public key as a secret */
        {"curve", JWT_ALG_HS256, here.ec.public_pem},
        {"curve", JWT_ALG_RS256, here.rsa.private_pem}, /* a kid of another kind */
        {NULL, JWT_ALG_HS512, secret},
        {NULL, JWT_ALG_HS256, "another secret of more than 32 bytes"},
        {"one", JWT_ALG_NONE, NULL},
        {NULL, JWT_ALG_NONE, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *text = token(good, rows[i].kid, rows[i].algorithm, rows[i].key);

        assert_int_equal(check(text, NULL, NULL), AUTH_BAD_TOKEN);
        free(text);
    }
}

static void auth_refuses_changed_tokens(void **state)
{
    char *text = token(good, "one", JWT_ALG_RS256, here.rsa.private_pem);
    size_t size = strlen(text);

    (void)state;
    for (size_t at = 0; at < size; at += 7) {
        char was = text[at];

        text[at] = was == 'A' ? 'B' : 'A';
        if (at + 2 < size) /* the last letters of a part may have bits that count for nothing */
            assert_int_equal(check(text, NULL, NULL), AUTH_BAD_TOKEN);
        text[at] = was;
    }
    for (size_t cut = 1; cut < size; cut += 11) {
        char was = text[size - cut];

        text[size - cut] = '\0';
        assert_int_equal(check(text, NULL, NULL), AUTH_BAD_TOKEN);
        text[size - cut] = was;
    }
    free(text);
}

#define REST                                                                                       \
    "\"iss\":\"issuer\",\"aud\":\"ringback\",\"domains\":[\"*\"],\"sub\":\"s\",\"permissions\":[]"

static void auth_checks_claims(void **state)
{
    static const struct {
        const char *claims;
        enum auth_answer answer;
    } rows[] = {
        {"{" REST ",\"exp\":1800000001}", AUTH_OK},
        {"{" REST ",\"exp\":1799999996}", AUTH_OK}, /* clocks differ a little */
        {"{" REST ",\"exp\":1799999990}", AUTH_BAD_TOKEN},
        {"{" REST ",\"exp\":-1}", AUTH_BAD_TOKEN},
        {"{" REST ",\"exp\":\"1900000000\"}", AUTH_BAD_TOKEN},
        {"{" REST "}", AUTH_BAD_TOKEN},
        {"{" REST ",\"exp\":1900000000,\"nbf\":1800000100}", AUTH_BAD_TOKEN},
        {"{" REST ",\"exp\":1900000000,\"nbf\":\"x\"}", AUTH_BAD_TOKEN},
        {"{" REST ",\"exp\":1900000000,\"queues\":\"q\"}", AUTH_BAD_TOKEN},
        {"{" REST ",\"exp\":1900000000,\"queues\":[1]}", AUTH_BAD_TOKEN},
        {"{" REST ",\"exp\":1900000000,\"queues\":[\"*\"]}", AUTH_OK},
        {"{\"iss\":\"evil\",\"aud\":\"ringback\",\"domains\":[],\"sub\":\"s\",\"exp\":1900000000}",
         AUTH_BAD_TOKEN},
        {"{\"iss\":\"issuer\",\"aud\":[\"x\"],\"domains\":[],\"sub\":\"s\",\"exp\":1900000000}",
         AUTH_BAD_TOKEN},
        {"{\"iss\":\"issuer\",\"aud\":\"ringback\",\"sub\":\"s\",\"exp\":1900000000}",
         AUTH_BAD_TOKEN},
        {"{\"iss\":\"issuer\",\"aud\":\"ringback\",\"domains\":[],\"exp\":1900000000}",
         AUTH_BAD_TOKEN},
        {"{\"iss\":\"issuer\",\"aud\":\"ringback\",\"domains\":[],\"sub\":\"\",\"exp\":1900000000}",
         AUTH_BAD_TOKEN},
        {"{\"iss\":\"issuer\",\"aud\":\"ringback\",\"domains\":[],\"sub\":\"s\",\"exp\":1900000000,"
         "\"permissions\":\"all\"}",
         AUTH_BAD_TOKEN},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (check_claims(rows[i].claims) != rows[i].answer)
            fail_msg("row %zu: %s", i, rows[i].claims);
    }
}

static void auth_refuses_what_is_no_token(void **state)
{
    static const char *const texts[] = {"",      ".",        "..",         "...",
                                        "a.b.c", "e30.e30.", "e30.e30.AA", "{}.{}.{}"};
    char why[auth_why_bytes];
    char *huge = malloc(15001);
    struct viewer viewer;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_int_equal(check(texts[i], NULL, NULL), AUTH_BAD_TOKEN);
    memset(huge, 'A', 15000);
    huge[15000] = '\0';
    huge[5000] = huge[10000] = '.';
    assert_int_equal(check(huge, NULL, why), AUTH_BAD_TOKEN);
    assert_null(strstr(why, "AAAA"));
    free(huge);
    assert_int_equal(auth_check(here.auth, NULL, now_ms, &viewer, why), AUTH_NO_TOKEN);
    assert_int_equal(auth_check(here.auth, "Basic eDp5", now_ms, &viewer, why), AUTH_NO_TOKEN);
}

static void auth_refuses_to_start_without_keys(void **state)
{
    struct auth_options options = {"", "", "", "", false};
    struct auth *auth = NULL;
    struct err_note note;
    char path[64];

    (void)state;
    assert_int_equal(auth_create(&options, &auth, &note), ERR_BAD_OPTION);
    options.jwks = "/nowhere/keys.json";
    assert_int_equal(auth_create(&options, &auth, &note), ERR_IO);
    options.jwks = "";
    write_file(path, "short\n");
    options.hs256_secret = path;
    assert_int_equal(auth_create(&options, &auth, &note), ERR_BAD_OPTION);
    (void)unlink(path);
    assert_null(auth);
}

static void keys_refuse_what_is_no_jwks(void **state)
{
    static const char *const texts[] = {
        "",
        "{}",
        "[]",
        "{\"keys\":{}}",
        "{\"keys\":[]}",
        "{\"keys\":[1]}",
        "{\"keys\":[{\"kty\":\"RSA\"}]}",
        "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}]}", /* weak */
        "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"!\",\"e\":\"AQAB\"}]}",
        "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AQAB\",\"y\":\"AQAB\"}]}",
        "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-521\",\"x\":\"AQAB\",\"y\":\"AQAB\"}]}",
        "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AQAB\"}]}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct keys keys = {.count = 0};
        struct err_note note;

        if (keys_parse_jwks(&keys, "x", texts[i], strlen(texts[i]), &note) != ERR_BAD_OPTION)
            fail_msg("row %zu: %s", i, texts[i]);
        keys_deinit(&keys);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(auth_takes_what_its_keys_signed),
        cmocka_unit_test(rule_9_3_a_token_says_who_may_do_what),
        cmocka_unit_test(auth_refuses_other_signatures),
        cmocka_unit_test(auth_refuses_changed_tokens),
        cmocka_unit_test(auth_checks_claims),
        cmocka_unit_test(auth_refuses_what_is_no_token),
        cmocka_unit_test(auth_refuses_to_start_without_keys),
        cmocka_unit_test(keys_refuse_what_is_no_jwks),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
