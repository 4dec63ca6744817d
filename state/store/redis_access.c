#include "state/store/redis_access.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "state/store/redis_tls.h"

static bool copy(char *to, size_t size, const char *from, size_t length)
{
    if (length >= size)
        return false;
    memcpy(to, from, length);
    to[length] = '\0';
    return true;
}

static bool empty(const char *text)
{
    return text == NULL || text[0] == '\0';
}

/* "host:port", "host", "[v6]:port"; the whole of size letters. */
static bool parse_address(const char *text, size_t size, int port, struct redis_address *address)
{
    const char *end = text + size;
    bool bracket = size > 0 && text[0] == '[';
    const char *close = bracket ? memchr(text, ']', size) : NULL;
    const char *colon = memrchr(bracket && close != NULL ? close : text, ':',
                                (size_t)(end - (bracket && close != NULL ? close : text)));
    const char *host = bracket ? text + 1 : text;
    const char *host_end = bracket ? close : colon == NULL ? end : colon;
    char digits[8];

    if (bracket && (close == NULL || (close + 1 != end && colon != close + 1)))
        return false;
    address->port = port;
    if (colon != NULL) {
        if (!copy(digits, sizeof(digits), colon + 1, (size_t)(end - colon - 1)) ||
            digits[0] == '\0' || digits[strspn(digits, "0123456789")] != '\0')
            return false;
        address->port = atoi(digits);
    }
    return copy(address->host, sizeof(address->host), host, (size_t)(host_end - host)) &&
           address->host[0] != '\0' && address->port > 0 && address->port < 65536;
}

/* What follows redis://. A user without a password is fine where a file has that. */
static bool parse_server(struct redis_access *access, const char *text)
{
    const char *at = strrchr(text, '@'); /* the last ends the password, whatever is in it */
    const char *host = at == NULL ? text : at + 1;
    const char *slash = strchr(host, '/');
    const char *end = slash == NULL ? host + strlen(host) : slash;

    if (at != NULL) {
        const char *split = memchr(text, ':', (size_t)(at - text));
        const char *user_end = split == NULL ? at : split;

        if (!copy(access->user, sizeof(access->user), text, (size_t)(user_end - text)))
            return false;
        if (split != NULL &&
            !copy(access->password, sizeof(access->password), split + 1, (size_t)(at - split - 1)))
            return false;
    }
    if (slash != NULL &&
        !copy(access->database, sizeof(access->database), slash + 1, strlen(slash + 1)))
        return false;
    return strspn(access->database, "0123456789") == strlen(access->database) &&
           parse_address(host, (size_t)(end - host), 6379, &access->address);
}

static bool parse_url(struct redis_access *access, const char *url)
{
    access->tls = strncmp(url, "rediss://", 9) == 0;
    if (access->tls)
        return parse_server(access, url + 9);
    if (strncmp(url, "redis://", 8) == 0)
        return parse_server(access, url + 8);
    return strncmp(url, "unix://", 7) == 0 && url[7] == '/' &&
           copy(access->address.host, sizeof(access->address.host), url + 7, strlen(url + 7));
}

static enum err read_url(const struct store_redis_options *options, struct redis_access *access,
                         const char **key, struct err_note *note)
{
    *key = "redis.url";
    /* The URL may hold a password: it is not shown. */
    if (!parse_url(access, options->url))
        return FAIL(note, ERR_BAD_OPTION,
                    "this is no address of a Redis; write redis://[USER:PASSWORD@]HOST[:PORT]"
                    "[/DATABASE], rediss://... for TLS, or unix:///PATH");
    if (access->tls && !redis_tls_built())
        return FAIL(note, ERR_BAD_OPTION,
                    "rediss:// is TLS, and this program was built without it: OpenSSL's headers "
                    "were not there. Build it again with them (Debian's package libssl-dev), or "
                    "put a tunnel before Redis");
    if (access->password[0] != '\0' && access->password_file[0] != '\0') {
        *key = "redis.password_file";
        return FAIL(note, ERR_BAD_OPTION, "redis.url holds a password too; leave one of them out");
    }
    if (access->user[0] != '\0' && access->password[0] == '\0' && access->password_file[0] == '\0')
        return FAIL(note, ERR_BAD_OPTION,
                    "it names a user and no password; redis.password_file names a file with it");
    return ERR_OK;
}

static enum err read_tls(struct redis_access *access, const char **key, struct err_note *note)
{
    const struct {
        const char *key;
        const char *value;
    } rows[] = {{"redis.tls_ca", access->tls_ca},
                {"redis.tls_certificate", access->tls_certificate},
                {"redis.tls_key", access->tls_key},
                {"redis.tls_name", access->tls_name}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && !access->tls; i++) {
        *key = rows[i].key;
        if (rows[i].value[0] != '\0')
            return FAIL(note, ERR_BAD_OPTION,
                        "without TLS nothing is encrypted and nobody is checked: redis.url must "
                        "begin with rediss://");
    }
    *key = access->tls_key[0] == '\0' ? "redis.tls_certificate" : "redis.tls_key";
    if ((access->tls_certificate[0] == '\0') != (access->tls_key[0] == '\0'))
        return FAIL(note, ERR_BAD_OPTION,
                    "redis.tls_certificate and redis.tls_key belong together: give both");
    return ERR_OK;
}

static enum err read_sentinels(const struct store_redis_options *options,
                               struct redis_access *access, const char **key, struct err_note *note)
{
    const char *at = empty(options->sentinels) ? "" : options->sentinels;

    *key = "redis.sentinel_master";
    if (at[0] == '\0' && access->sentinel_master[0] != '\0')
        return FAIL(note, ERR_BAD_OPTION, "nobody is asked for it: redis.sentinels is empty");
    *key = "redis.sentinel_user";
    if (access->sentinel_user[0] != '\0' && access->sentinel_password_file[0] == '\0')
        return FAIL(note, ERR_BAD_OPTION,
                    "its password is missing: redis.sentinel_password_file names a file with it");
    *key = "redis.sentinels";
    while (at[0] != '\0') {
        size_t size = strcspn(at, ","), blanks = strspn(at, " ");

        if (access->sentinel_count == redis_sentinels_max)
            return FAIL(note, ERR_BAD_OPTION, "more than %d Sentinels", redis_sentinels_max);
        if (blanks > size || !parse_address(at + blanks, size - blanks, 26379,
                                            &access->sentinels[access->sentinel_count]))
            return FAIL(note, ERR_BAD_OPTION,
                        "\"%.*s\" is no address of a Sentinel; write HOST:PORT,HOST:PORT",
                        (int)(size < 100 ? size : 100), at);
        access->sentinel_count++;
        at += size;
        at += at[0] == ',';
    }
    if (access->sentinel_count == 0)
        return ERR_OK;
    if (access->sentinel_master[0] == '\0')
        return FAIL(note, ERR_BAD_OPTION,
                    "which master? redis.sentinel_master is not set: the name that their "
                    "configuration gives it (sentinel monitor NAME ...)");
    if (access->address.port == 0)
        return FAIL(note, ERR_BAD_OPTION, "they are for redis:// and rediss://, not for a socket");
    return ERR_OK;
}

enum err redis_access_read(const struct store_redis_options *options, struct redis_access *access,
                           const char **key, struct err_note *note)
{
    const struct {
        const char *key;
        const char *from;
        char *to;
        size_t size;
    } texts[] = {
#define TEXT_(field) {"redis." #field, options->field, access->field, sizeof(access->field)}
        TEXT_(password_file),   TEXT_(tls_ca),
        TEXT_(tls_certificate), TEXT_(tls_key),
        TEXT_(tls_name),        TEXT_(sentinel_master),
        TEXT_(sentinel_user),   TEXT_(sentinel_password_file),
#undef TEXT_
    };

    *access = (struct redis_access){0};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        *key = texts[i].key;
        if (!empty(texts[i].from) &&
            !copy(texts[i].to, texts[i].size, texts[i].from, strlen(texts[i].from)))
            return FAIL(note, ERR_BAD_OPTION, "longer than %zu bytes", texts[i].size - 1);
    }
    TRY(read_url(options, access, key, note));
    TRY(read_tls(access, key, note));
    return read_sentinels(options, access, key, note);
}

static enum err check_secret(const char *path, struct err_note *note)
{
    char secret[secret_bytes];

    if (path[0] == '\0')
        return ERR_OK;
    TRY(secret_read(path, secret, note));
    secret_wipe(secret);
    return ERR_OK;
}

static enum err check_files(const struct redis_access *access, const char **key,
                            struct err_note *note)
{
    struct redis_tls_context *context;

    *key = "redis.password_file";
    TRY(check_secret(access->password_file, note));
    *key = "redis.sentinel_password_file";
    TRY(check_secret(access->sentinel_password_file, note));
    if (!access->tls)
        return ERR_OK;
    TRY(redis_tls_context_create(access, &context, key, note));
    redis_tls_context_destroy(context);
    return ERR_OK;
}

enum err store_redis_check(const struct store_redis_options *options, bool files, const char **key,
                           struct err_note *note)
{
    struct redis_access access;
    enum err err = redis_access_read(options, &access, key, note);

    if (err == ERR_OK && files)
        err = check_files(&access, key, note);
    secret_wipe(access.password);
    return err;
}
