/* What the view is given by others: query strings, bodies of actions, tokens, cursors, whole
 * requests. The first byte says which; lines of a request are split at line feeds: method, path,
 * query, authorization, body. Nothing of it may crash, and every answer is JSON or a file of ours.
 */
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "view/api.h"
#include "view/keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct options options;
static struct api api;

static void begin(void)
{
    const struct option_origin origin = {.source = OPTION_SOURCE_FLAG};
    const struct follower_options follower = {&options, NULL, NULL};
    static struct auth_options auth = {"", "build/fuzz/secret", "", "", false};
    struct err_note note;
    FILE *file = fopen(auth.hs256_secret, "w");

    if (file == NULL || fputs("a secret for fuzzing, of 32 bytes or more", file) < 0 ||
        fclose(file) != 0)
        abort();
    log_init(2, LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
    options_init(&options);
    if (options_set(&options, "kafka.bootstrap.servers", "127.0.0.1:1", origin, &note) != 0 ||
        options_set(&options, "kafka.log_level", "0", origin, &note) != 0 ||
        options_check(&options, &note) != 0)
        abort();
    api.options = &options;
    limits_init(&api.limits, 1e9);
    if (auth_create(&auth, &api.auth, &note) != ERR_OK ||
        requests_create(&options, &api.requests, &note) != ERR_OK ||
        follower_start(&follower, &api.follower, &note) != ERR_OK)
        abort();
}

/* "a=b&c=d" as it stands, without decoding: any bytes come in that way. */
static void split(char *text, struct params *params)
{
    char *at = text;

    while (at != NULL && *at != '\0' && params->count < params_max) {
        char *next = strchr(at, '&'), *equal;
        struct param *param = &params->items[params->count++];

        if (next != NULL)
            *next++ = '\0';
        equal = strchr(at, '=');
        param->value = equal == NULL ? "" : equal + 1;
        if (equal != NULL)
            *equal = '\0';
        param->name = at;
        param->name_size = strlen(at);
        param->value_size = strlen(param->value);
        at = next;
    }
}

static char *next_line(char **rest)
{
    char *line = *rest, *end = strchr(line, '\n');

    *rest = end == NULL ? line + strlen(line) : end + 1;
    if (end != NULL)
        *end = '\0';
    return line;
}

/* development: no token is asked for, so that the operations are reached. */
static void ask(char *text, bool development)
{
    static struct auth_options everybody = {"", "", "", "", true};
    static struct auth *open;
    struct api_request *request = memory_zalloc(sizeof(*request), "a request");
    struct api_answer answer;
    struct api mine = api;
    struct err_note note;

    if (open == NULL && auth_create(&everybody, &open, &note) != ERR_OK)
        abort();
    if (development)
        mine.auth = open;
    request->method = next_line(&text);
    request->path = next_line(&text);
    if (request->path[0] != '/')
        request->path = "/api/v1/callbacks";
    split(next_line(&text), &request->params);
    request->authorization = next_line(&text);
    request->content_type = "application/json";
    request->address = "127.0.0.1";
    request->body = text;
    request->body_size = strlen(text);
    if (strstr(request->path, "/timeline") == NULL) { /* that would wait for a broker */
        api_handle(&mine, request, &answer);
        if (answer.status < 200 || answer.status > 599)
            abort();
        if (strcmp(answer.type, "application/json") == 0 ||
            strcmp(answer.type, "application/problem+json") == 0) {
            json_t *json =
                json_loadb(answer.out.data, answer.out.size, JSON_REJECT_DUPLICATES, NULL);

            if (json == NULL)
                abort();
            json_decref(json);
        }
        api_answer_deinit(&answer);
    }
    free(request);
}

static void read_jwks(const char *text)
{
    struct keys keys = {.count = 0};
    struct err_note note;

    (void)keys_parse_jwks(&keys, "fuzz", text, strlen(text), &note);
    keys_deinit(&keys);
}

static void read_token(const char *text)
{
    char why[auth_why_bytes];
    struct viewer viewer;

    if (auth_check(api.auth, text, 0, &viewer, why) == AUTH_OK)
        viewer_deinit(&viewer);
}

static void read_cursor(const char *text)
{
    struct query_anchor anchor;
    struct view_query query;

    query_init(&query);
    if (query_cursor_read(&query, text, &anchor)) {
        struct query_page page;

        query_page(follower_lock(api.follower), &query, &anchor, 3, &page);
        follower_unlock(api.follower);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text;

    if (size == 0)
        return 0;
    if (api.options == NULL)
        begin();
    text = memory_zalloc(size, "an input");
    memcpy(text, data + 1, size - 1);
    switch (data[0] % 5) {
    case 0: ask(text, true); break;
    case 1: ask(text, false); break;
    case 2: read_token(text); break;
    case 3: read_jwks(text); break;
    case 4: read_cursor(text); break;
    }
    free(text);
    return 0;
}
