#include "state/store/redis_tls.h"

#include <string.h>

#ifdef RINGBACK_TLS

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"

struct redis_tls {
    SSL *ssl; /* owns both */
    BIO *in;
    BIO *out;
    char name[256];
    char fault[600];
};

bool redis_tls_built(void)
{
    return true;
}

/* OpenSSL keeps a queue of errors a thread; the first is the cause. */
static const char *reason(void)
{
    unsigned long code = ERR_peek_error();
    const char *text = code == 0 ? NULL : ERR_reason_error_string(code);

    ERR_clear_error();
    return text == NULL ? "no reason is given" : text;
}

static SSL_CTX *ssl_of(struct redis_tls_context *context)
{
    return (SSL_CTX *)(void *)context;
}

/* --- files --- */

static enum err check_readable(const char *path, struct err_note *note)
{
    if (access(path, R_OK) == 0)
        return ERR_OK;
    return FAIL(note, ERR_BAD_OPTION,
                "%s cannot be read: %s; it must be there, in PEM, and readable to the user that "
                "ringback runs as",
                path, strerror(errno));
}

static enum err load_ca(SSL_CTX *ssl, const char *path, struct err_note *note)
{
    if (path[0] == '\0') {
        if (SSL_CTX_set_default_verify_paths(ssl) == 1)
            return ERR_OK;
        return FAIL(note, ERR_BAD_OPTION, "the system's authorities cannot be read: %s", reason());
    }
    TRY(check_readable(path, note));
    if (SSL_CTX_load_verify_locations(ssl, path, NULL) == 1)
        return ERR_OK;
    return FAIL(note, ERR_BAD_OPTION, "%s holds no certificate in PEM: %s", path, reason());
}

/* A key with a password would be asked for at a terminal: here it is none. */
static int no_password(char *text, int size, int writing, void *context)
{
    (void)text;
    (void)size;
    (void)writing;
    (void)context;
    return 0;
}

static enum err load_ours(SSL_CTX *ssl, const struct redis_access *access, const char **key,
                          struct err_note *note)
{
    *key = "redis.tls_certificate";
    if (access->tls_certificate[0] == '\0')
        return ERR_OK;
    TRY(check_readable(access->tls_certificate, note));
    if (SSL_CTX_use_certificate_chain_file(ssl, access->tls_certificate) != 1)
        return FAIL(note, ERR_BAD_OPTION, "%s holds no certificate in PEM: %s",
                    access->tls_certificate, reason());
    *key = "redis.tls_key";
    TRY(check_readable(access->tls_key, note));
    SSL_CTX_set_default_passwd_cb(ssl, no_password);
    if (SSL_CTX_use_PrivateKey_file(ssl, access->tls_key, SSL_FILETYPE_PEM) != 1)
        return FAIL(note, ERR_BAD_OPTION,
                    "%s holds no key in PEM without a password, or not that of "
                    "redis.tls_certificate: %s",
                    access->tls_key, reason());
    return ERR_OK;
}

enum err redis_tls_context_create(const struct redis_access *access,
                                  struct redis_tls_context **context, const char **key,
                                  struct err_note *note)
{
    SSL_CTX *ssl = SSL_CTX_new(TLS_client_method());
    enum err err;

    *key = "redis.tls_ca";
    if (ssl == NULL)
        return FAIL(note, ERR_BAD_OPTION, "OpenSSL does not start: %s", reason());
    SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER, NULL);
    (void)SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION);
    err = load_ca(ssl, access->tls_ca, note);
    if (err == ERR_OK)
        err = load_ours(ssl, access, key, note);
    if (err != ERR_OK) {
        SSL_CTX_free(ssl);
        return err;
    }
    *context = (struct redis_tls_context *)(void *)ssl;
    return ERR_OK;
}

void redis_tls_context_destroy(struct redis_tls_context *context)
{
    SSL_CTX_free(ssl_of(context));
}

/* --- a connection --- */

/* The certificate must be for this address, or for this name. */
static bool expect_name(SSL *ssl, const char *name)
{
    uint8_t address[sizeof(struct in6_addr)];

    if (inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1)
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1;
    return SSL_set1_host(ssl, name) == 1 && SSL_set_tlsext_host_name(ssl, name) == 1;
}

struct redis_tls *redis_tls_create(struct redis_tls_context *context, const char *name)
{
    struct redis_tls *tls = memory_zalloc(sizeof(*tls), "TLS to Redis");

    snprintf(tls->name, sizeof(tls->name), "%s", name);
    tls->ssl = SSL_new(ssl_of(context));
    tls->in = BIO_new(BIO_s_mem());
    tls->out = BIO_new(BIO_s_mem());
    if (tls->ssl == NULL || tls->in == NULL || tls->out == NULL || !expect_name(tls->ssl, name)) {
        BIO_free(tls->in);
        BIO_free(tls->out);
        SSL_free(tls->ssl);
        free(tls);
        ERR_clear_error();
        return NULL;
    }
    (void)BIO_set_mem_eof_return(tls->in, -1); /* empty is not the end */
    SSL_set_bio(tls->ssl, tls->in, tls->out);
    SSL_set_connect_state(tls->ssl);
    return tls;
}

void redis_tls_destroy(struct redis_tls *tls)
{
    if (tls == NULL)
        return;
    SSL_free(tls->ssl);
    free(tls);
}

static void explain(struct redis_tls *tls, int error)
{
    long verified = SSL_get_verify_result(tls->ssl);
    const char *why;

    if (verified != X509_V_OK) {
        snprintf(tls->fault, sizeof(tls->fault),
                 "its certificate is not accepted: %s; redis.tls_ca must name the authority that "
                 "signed it, and it must be for %s (else set redis.tls_name)",
                 X509_verify_cert_error_string(verified), tls->name);
        ERR_clear_error();
        return;
    }
    if (error == SSL_ERROR_ZERO_RETURN) {
        snprintf(tls->fault, sizeof(tls->fault), "it closed the connection");
        return;
    }
    why = reason();
    snprintf(tls->fault, sizeof(tls->fault), "TLS failed: %s%s", why,
             strstr(why, "certificate") != NULL
                 ? "; it demands a certificate that it trusts: redis.tls_certificate"
             : strstr(why, "wrong version") != NULL || strstr(why, "packet") != NULL
                 ? "; that port seems to speak no TLS: redis:// would be without"
                 : "");
}

/* 0: what came so far is not enough. */
static int outcome(struct redis_tls *tls, int result)
{
    int error = SSL_get_error(tls->ssl, result);

    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
        return 0;
    explain(tls, error);
    return -1;
}

int redis_tls_handshake(struct redis_tls *tls)
{
    int result;

    ERR_clear_error();
    result = SSL_do_handshake(tls->ssl);
    return result == 1 ? 1 : outcome(tls, result);
}

int redis_tls_put(struct redis_tls *tls, const void *data, size_t size)
{
    return size > INT_MAX || BIO_write(tls->in, data, (int)size) != (int)size ? -1 : 0;
}

size_t redis_tls_take(struct redis_tls *tls, void *data, size_t size)
{
    int got = BIO_read(tls->out, data, size > INT_MAX ? INT_MAX : (int)size);

    return got < 0 ? 0 : (size_t)got;
}

int redis_tls_write(struct redis_tls *tls, const void *data, size_t size)
{
    int result;

    ERR_clear_error();
    result = SSL_write(tls->ssl, data, size > INT_MAX ? INT_MAX : (int)size);
    if (result > 0 && (size_t)result == size)
        return 0;
    explain(tls, SSL_get_error(tls->ssl, result));
    return -1;
}

ssize_t redis_tls_read(struct redis_tls *tls, void *data, size_t size)
{
    int result;

    ERR_clear_error();
    result = SSL_read(tls->ssl, data, size > INT_MAX ? INT_MAX : (int)size);
    return result > 0 ? result : outcome(tls, result);
}

const char *redis_tls_fault(const struct redis_tls *tls)
{
    return tls->fault;
}

#else

bool redis_tls_built(void)
{
    return false;
}

/* Nothing below is reached: redis_access_read() has refused rediss://. */
enum err redis_tls_context_create(const struct redis_access *access,
                                  struct redis_tls_context **context, const char **key,
                                  struct err_note *note)
{
    (void)access;
    *context = NULL;
    *key = "redis.url";
    return FAIL(note, ERR_BAD_OPTION, "built without TLS");
}

void redis_tls_context_destroy(struct redis_tls_context *context)
{
    (void)context;
}

struct redis_tls *redis_tls_create(struct redis_tls_context *context, const char *name)
{
    (void)context;
    (void)name;
    return NULL;
}

void redis_tls_destroy(struct redis_tls *tls)
{
    (void)tls;
}

int redis_tls_handshake(struct redis_tls *tls)
{
    (void)tls;
    return -1;
}

int redis_tls_put(struct redis_tls *tls, const void *data, size_t size)
{
    (void)tls;
    (void)data;
    (void)size;
    return -1;
}

size_t redis_tls_take(struct redis_tls *tls, void *data, size_t size)
{
    (void)tls;
    (void)data;
    (void)size;
    return 0;
}

int redis_tls_write(struct redis_tls *tls, const void *data, size_t size)
{
    (void)tls;
    (void)data;
    (void)size;
    return -1;
}

ssize_t redis_tls_read(struct redis_tls *tls, void *data, size_t size)
{
    (void)tls;
    (void)data;
    (void)size;
    return -1;
}

const char *redis_tls_fault(const struct redis_tls *tls)
{
    (void)tls;
    return "built without TLS";
}

#endif
