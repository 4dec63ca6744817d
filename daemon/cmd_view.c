/* ringback view: the Scheduled Callbacks view (rules, chapter 9). */
#include <poll.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "daemon/args.h"
#include "daemon/http.h"
#include "view/api.h"
#include "view/server.h"
#include "view/timeline.h"

enum { look_ms = 200 };

static const char view_text[] =
    "Shows scheduled callbacks as a page and an HTTP API (/api/v1/openapi.yaml), and sends what "
    "is\n"
    "asked for - cancel, reschedule, reassign - as commands. Reads topic state from its beginning\n"
    "and keeps what it shows in memory, some 300 bytes a callback; Redis is not needed. Who may "
    "see\n"
    "what is said by JWTs: view.jwks. Without keys it starts only with view.development and on\n"
    "127.0.0.1 or [::1]: then everybody there may everything. Runs until SIGTERM or SIGINT.\n";

static enum err check(const struct options *options, struct err_note *note)
{
    if (options->view_development && !http_is_local(options->view_listen))
        return FAIL(note, ERR_BAD_OPTION,
                    "view.development asks for no token: it is only for 127.0.0.1 or [::1], and "
                    "view.listen is %s",
                    options->view_listen);
    if (options->view_development)
        log_warn("development mode: no token is asked for, everything is allowed");
    return ERR_OK;
}

static enum err serve(const struct options *options, struct api *api, struct err_note *note)
{
    const struct follower_options follow = {options, requests_on_result, api->requests};
    struct server *server = NULL;
    enum err err = follower_start(&follow, &api->follower, note);

    if (err == ERR_OK)
        err = server_start(api, &server, note);
    if (err == ERR_OK) {
        log_info("the view listens", LOG_TEXT("listen", options->view_listen));
        while (!command_stopped())
            (void)poll(NULL, 0, look_ms);
        log_info("the view stops");
    }
    server_stop(server);
    follower_stop(api->follower);
    return err;
}

static enum err run(const struct options *options, const char *assets, struct err_note *note)
{
    const struct auth_options auth = {
        .jwks = options->view_jwks,
        .hs256_secret = options->view_hs256_secret_file,
        .issuer = options->view_issuer,
        .audience = options->view_audience,
        .development = options->view_development,
    };
    struct api *api = memory_zalloc(sizeof(*api), "an API");
    enum err err = check(options, note);

    api->options = options;
    api->assets = assets;
    api->timelines = timelines_create(options);
    limits_init(&api->limits, (double)options->view_rate);
    if (err == ERR_OK)
        err = auth_create(&auth, &api->auth, note);
    if (err == ERR_OK)
        err = requests_create(options, &api->requests, note);
    if (err == ERR_OK)
        err = serve(options, api, note);
    timelines_destroy(api->timelines);
    requests_destroy(api->requests);
    auth_destroy(api->auth);
    limits_deinit(&api->limits);
    free(api);
    return err;
}

enum err cmd_view(struct command_context *context, int argc, char **argv, struct err_note *note)
{
    static struct options options;
    const char *assets = NULL;
    const struct arg_flag flags[] = {
        ARGS_TEXT("assets", "DIR", &assets, "serve the page from this folder, to work on it"),
        ARGS_END,
    };
    const struct args_spec spec = {.text = view_text, .flags = flags, .options = true};
    struct args args;
    enum err err;

    TRY(args_parse(&spec, context, argc, argv, &args, note));
    err = options_load(&options, context, note);
    if (err == ERR_OK) {
        options_log(&options);
        command_catch_signals();
        err = run(&options, assets, note);
    }
    options_deinit(&options);
    return err;
}
