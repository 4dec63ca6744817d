#include "view/auth.h"

#include <jansson.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "view/keys.h"

enum { leeway_ms = 5000, look_ms = 5000, list_max = 1000, user_bytes_max = 128 };

struct auth {
    struct auth_options options;
    pthread_rwlock_t lock; /* of keys */
    struct keys keys;
    struct timespec changed; /* of the JWKS file */
    pthread_mutex_t look_lock;
    int64_t looked_ms; /* monotonic: at the file */
};

const char *view_permission_name(enum view_permission permission)
{
    static const char *const names[] = {
#define VIEW_PERMISSION_NAME_(name, text) text,
        VIEW_PERMISSION_MAP(VIEW_PERMISSION_NAME_)
#undef VIEW_PERMISSION_NAME_
    };

    return names[permission];
}

bool viewer_sees(const struct viewer *viewer)
{
    return viewer_may(viewer, VIEW_PERMISSION_CONVERSATIONS) &&
           viewer_may(viewer, VIEW_PERMISSION_QUEUES) && viewer_may(viewer, VIEW_PERMISSION_PAGE);
}

void viewer_init_all(struct viewer *viewer, const char *user)
{
    memset(viewer, 0, sizeof(*viewer));
    arena_init(&viewer->arena);
    viewer->user = user;
    viewer->name = "";
    viewer->permissions = (1u << VIEW_PERMISSION_COUNT) - 1;
    viewer->sight.domains_all = viewer->sight.queues_all = true;
}

void viewer_deinit(struct viewer *viewer)
{
    arena_deinit(&viewer->arena);
}

/* --- keys --- */

static enum err read_keys(struct auth *auth, struct keys *keys, struct err_note *note)
{
    struct stat found;

    keys->count = 0;
    if (auth->options.jwks[0] != '\0') {
        if (stat(auth->options.jwks, &found) == 0)
            auth->changed = found.st_mtim;
        TRY(keys_read_jwks(keys, auth->options.jwks, note));
    }
    if (auth->options.hs256_secret[0] != '\0')
        TRY(keys_read_secret(keys, auth->options.hs256_secret, note));
    return ERR_OK;
}

enum err auth_create(const struct auth_options *options, struct auth **out, struct err_note *note)
{
    struct auth *auth;
    enum err err;

    *out = NULL;
    if (!options->development && options->jwks[0] == '\0' && options->hs256_secret[0] == '\0')
        return FAIL(note, ERR_BAD_OPTION,
                    "view.jwks is not set: who may see callbacks is said by tokens, and their keys "
                    "by a JWKS file; for a look on this machine alone there is view.development");
    auth = memory_zalloc(sizeof(*auth), "keys");
    auth->options = *options;
    pthread_rwlock_init(&auth->lock, NULL);
    pthread_mutex_init(&auth->look_lock, NULL);
    err = read_keys(auth, &auth->keys, note);
    if (err != ERR_OK) {
        auth_destroy(auth);
        return err;
    }
    auth->looked_ms = clock_monotonic_ms();
    *out = auth;
    return ERR_OK;
}

void auth_destroy(struct auth *auth)
{
    if (auth == NULL)
        return;
    keys_deinit(&auth->keys);
    pthread_rwlock_destroy(&auth->lock);
    pthread_mutex_destroy(&auth->look_lock);
    free(auth);
}

/* Keys are changed by changing the file; one that is half written keeps the old ones. */
static void read_again(struct auth *auth)
{
    struct err_note note = {.err = ERR_OK};
    int64_t now_ms = clock_monotonic_ms();
    struct stat found;
    struct keys keys;

    pthread_mutex_lock(&auth->look_lock);
    if (auth->options.jwks[0] != '\0' && now_ms - auth->looked_ms >= look_ms) {
        auth->looked_ms = now_ms;
        if (stat(auth->options.jwks, &found) == 0 &&
            memcmp(&found.st_mtim, &auth->changed, sizeof(found.st_mtim)) != 0) {
            if (read_keys(auth, &keys, &note) == ERR_OK) {
                struct keys old;

                pthread_rwlock_wrlock(&auth->lock);
                old = auth->keys;
                auth->keys = keys;
                pthread_rwlock_unlock(&auth->lock);
                keys_deinit(&old);
                log_info("keys read again", LOG_TEXT("file", auth->options.jwks));
            } else {
                keys_deinit(&keys);
                log_error("the keys cannot be read again: the old ones stay", LOG_ERR(&note));
            }
        }
    }
    pthread_mutex_unlock(&auth->look_lock);
}

/* --- one token --- */

struct checking {
    struct auth *auth;
    int64_t now_ms;
    struct viewer *viewer;
    char *why;
};

static enum auth_answer bad(const struct checking *checking, const char *why)
{
    (void)snprintf(checking->why, auth_why_bytes, "%s", why);
    return AUTH_BAD_TOKEN;
}

/* One part of the token as JSON; NULL: it is none. */
static json_t *part(const char *text, size_t size)
{
    size_t count;
    unsigned char *bytes = keys_base64url(text, size, &count);
    json_t *value = NULL;

    if (bytes != NULL)
        value = json_loadb((const char *)bytes, count, JSON_REJECT_DUPLICATES, NULL);
    free(bytes);
    if (!json_is_object(value)) {
        json_decref(value);
        return NULL;
    }
    return value;
}

static jwt_alg_t algorithm_of(const char *name)
{
    if (name == NULL)
        return JWT_ALG_NONE;
    return strcmp(name, "RS256") == 0   ? JWT_ALG_RS256
           : strcmp(name, "ES256") == 0 ? JWT_ALG_ES256
           : strcmp(name, "HS256") == 0 ? JWT_ALG_HS256
                                        : JWT_ALG_NONE;
}

/* The key of that kid; a token without one takes the only key of its algorithm. */
static const struct key *choose(const struct keys *keys, jwt_alg_t algorithm, const char *id)
{
    const struct key *found = NULL;

    for (size_t i = 0; i < keys->count; i++) {
        const struct key *key = &keys->items[i];

        if (key->algorithm != algorithm)
            continue;
        if (id != NULL && algorithm != JWT_ALG_HS256 && strcmp(key->id, id) != 0)
            continue;
        if (found != NULL)
            return NULL;
        found = key;
    }
    return found;
}

static bool signature_holds(const struct key *key, const char *token)
{
    jwt_t *jwt = NULL;
    bool holds = jwt_decode(&jwt, token, key->bytes, (int)key->size) == 0 && jwt != NULL &&
                 jwt_get_alg(jwt) == key->algorithm;

    jwt_free(jwt);
    return holds;
}

static enum auth_answer check_signature(const struct checking *checking, const char *token,
                                        const json_t *header)
{
    const json_t *id = json_object_get(header, "kid");
    jwt_alg_t algorithm = algorithm_of(json_string_value(json_object_get(header, "alg")));
    struct auth *auth = checking->auth;
    const struct key *key;
    bool holds;

    if (algorithm == JWT_ALG_NONE)
        return bad(checking, "its alg is none of RS256, ES256, HS256");
    if (json_object_get(header, "crit") != NULL)
        return bad(checking, "it has crit: nothing of that is known here");
    if (id != NULL && !json_is_string(id))
        return bad(checking, "its kid is no text");
    pthread_rwlock_rdlock(&auth->lock);
    key = choose(&auth->keys, algorithm, json_string_value(id));
    holds = key != NULL && signature_holds(key, token);
    pthread_rwlock_unlock(&auth->lock);
    if (key == NULL)
        return bad(checking, "there is no key for its alg and kid");
    return holds ? AUTH_OK : bad(checking, "its signature does not hold");
}

static bool audience_has(const json_t *claim, const char *audience)
{
    if (json_is_string(claim))
        return strcmp(json_string_value(claim), audience) == 0;
    for (size_t i = 0; i < json_array_size(claim); i++) {
        const char *one = json_string_value(json_array_get(claim, i));

        if (one != NULL && strcmp(one, audience) == 0)
            return true;
    }
    return false;
}

static enum auth_answer check_claims(const struct checking *checking, const json_t *claims)
{
    const struct auth_options *options = &checking->auth->options;
    const json_t *expires = json_object_get(claims, "exp");
    const json_t *begins = json_object_get(claims, "nbf");
    const char *issuer = json_string_value(json_object_get(claims, "iss"));
    double now = (double)checking->now_ms, until, from;

    if (!json_is_number(expires))
        return bad(checking, "it has no exp");
    until = json_number_value(expires) * 1000;
    if (!isfinite(until) || until + leeway_ms <= now)
        return bad(checking, "it is over (exp)");
    if (begins != NULL) {
        from = json_number_value(begins) * 1000;
        if (!json_is_number(begins) || !isfinite(from) || from - leeway_ms > now)
            return bad(checking, "it does not hold yet (nbf)");
    }
    if (options->issuer[0] != '\0' && (issuer == NULL || strcmp(issuer, options->issuer) != 0))
        return bad(checking, "its iss is another one");
    if (options->audience[0] != '\0' &&
        !audience_has(json_object_get(claims, "aud"), options->audience))
        return bad(checking, "its aud does not name this view");
    checking->viewer->expires_ms = until > 253402300799999.0 ? 0 : (int64_t)until;
    return AUTH_OK;
}

/* A list of texts; all: "*" is among them. False: it is none. */
static bool texts_of(struct viewer *viewer, const json_t *list, const char *const **texts,
                     size_t *count, bool *all)
{
    const char **items;

    if (!json_is_array(list) || json_array_size(list) > list_max)
        return false;
    items = arena_alloc(&viewer->arena, (json_array_size(list) + 1) * sizeof(*items));
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));

        if (text == NULL)
            return false;
        *all = *all || strcmp(text, "*") == 0;
        items[i] = arena_text(&viewer->arena, slice_text(text));
    }
    *texts = items;
    *count = json_array_size(list);
    return true;
}

static enum auth_answer take_rights(const struct checking *checking, const json_t *claims)
{
    struct viewer *viewer = checking->viewer;
    const json_t *permissions = json_object_get(claims, "permissions");
    const json_t *queues = json_object_get(claims, "queues");
    const char *user = json_string_value(json_object_get(claims, "sub"));
    const char *name = json_string_value(json_object_get(claims, "name"));

    if (user == NULL || user[0] == '\0' || strlen(user) > user_bytes_max)
        return bad(checking, "it has no sub of 1 to 128 bytes");
    viewer->user = arena_text(&viewer->arena, slice_text(user));
    viewer->name = name == NULL ? "" : arena_text(&viewer->arena, slice_text(name));
    if (!texts_of(viewer, json_object_get(claims, "domains"), &viewer->sight.domains,
                  &viewer->sight.domain_count, &viewer->sight.domains_all))
        return bad(checking, "it has no list of texts `domains`");
    viewer->sight.queues_all = queues == NULL;
    if (queues != NULL && !texts_of(viewer, queues, &viewer->sight.queues,
                                    &viewer->sight.queue_count, &viewer->sight.queues_all))
        return bad(checking, "its `queues` is no list of texts");
    if (permissions != NULL && !json_is_array(permissions))
        return bad(checking, "its `permissions` is no list");
    for (size_t i = 0; i < json_array_size(permissions); i++) {
        const char *text = json_string_value(json_array_get(permissions, i));

        for (int at = 0; text != NULL && at < VIEW_PERMISSION_COUNT; at++) {
            if (strcmp(text, view_permission_name((enum view_permission)at)) == 0)
                viewer->permissions |= 1u << at;
        }
    }
    return AUTH_OK;
}

static enum auth_answer check_token(const struct checking *checking, const char *token)
{
    const char *first = strchr(token, '.');
    const char *second = first == NULL ? NULL : strchr(first + 1, '.');
    enum auth_answer answer;
    json_t *header, *claims;

    if (second == NULL || strchr(second + 1, '.') != NULL)
        return bad(checking, "it is no signed token: three parts are wanted");
    if (strlen(token) > auth_token_bytes_max)
        return bad(checking, "it is longer than any that is taken");
    header = part(token, (size_t)(first - token));
    claims = part(first + 1, (size_t)(second - first - 1));
    if (header == NULL || claims == NULL)
        answer = bad(checking, "its parts are no JSON objects");
    else
        answer = check_signature(checking, token, header);
    if (answer == AUTH_OK)
        answer = check_claims(checking, claims);
    if (answer == AUTH_OK)
        answer = take_rights(checking, claims);
    json_decref(header);
    json_decref(claims);
    return answer;
}

enum auth_answer auth_check(struct auth *auth, const char *header, int64_t now_ms,
                            struct viewer *viewer, char why[auth_why_bytes])
{
    struct checking checking = {auth, now_ms, viewer, why};
    enum auth_answer answer;

    if (auth->options.development) {
        viewer_init_all(viewer, "development");
        viewer->development = true;
        return AUTH_OK;
    }
    if (header == NULL || strncasecmp(header, "Bearer ", 7) != 0) {
        (void)snprintf(why, auth_why_bytes, "a token is needed: Authorization: Bearer TOKEN");
        return AUTH_NO_TOKEN;
    }
    header += 7;
    header += strspn(header, " ");
    read_again(auth);
    memset(viewer, 0, sizeof(*viewer));
    arena_init(&viewer->arena);
    answer = check_token(&checking, header);
    if (answer != AUTH_OK)
        viewer_deinit(viewer);
    return answer;
}
