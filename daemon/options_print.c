/* Options for people: where a value came from, secrets hidden, the pages made from the list. */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "daemon/options.h"
#include "daemon/value.h"

static const char *const section_titles[OPTION_SECTION_COUNT] = {
#define TITLE_(name, title) [OPTION_SECTION_##name] = title,
    OPTION_SECTION_MAP(TITLE_)
#undef TITLE_
};

const char *options_origin(const struct option_origin *origin, const char *key, char *text,
                           size_t size)
{
    switch (origin->source) {
    case OPTION_SOURCE_DEFAULT: snprintf(text, size, "default"); break;
    case OPTION_SOURCE_FILE: snprintf(text, size, "%s:%d", origin->name, origin->line); break;
    case OPTION_SOURCE_ENVIRONMENT: snprintf(text, size, "%s", origin->name); break;
    case OPTION_SOURCE_FLAG: snprintf(text, size, "--%s", key); break;
    }
    return text;
}

/* librdkafka does not say which of its settings are secret. */
bool options_kafka_secret(const char *key)
{
    static const char *const parts[] = {"password", "secret", "ssl.key.pem", "oauthbearer.config",
                                        "oauthbearer.assertion"};

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (strstr(key, parts[i]) != NULL)
            return true;
    }
    return false;
}

/* The last @ ends the password, whatever is in it. */
const char *options_hide_password(const char *url, char *text, size_t size)
{
    const char *scheme = strstr(url, "://");
    const char *user = scheme == NULL ? url : scheme + 3;
    const char *end = strrchr(user, '@');
    const char *colon = end == NULL ? NULL : memchr(user, ':', (size_t)(end - user));

    if (end == NULL)
        snprintf(text, size, "%s", url);
    else if (colon == NULL)
        snprintf(text, size, "%.*s***%s", (int)(user - url), url, end);
    else
        snprintf(text, size, "%.*s***%s", (int)(colon + 1 - url), url, end);
    return text;
}

const char *options_section_title(int section)
{
    return section_titles[section];
}

void options_allowed(const struct option_row *row, char *text, size_t size)
{
    char low[40], high[40];

    switch (row->type) {
    case OPTION_TYPE_TEXT: snprintf(text, size, "text"); break;
    case OPTION_TYPE_INT:
        snprintf(text, size, "%" PRId64 " to %" PRId64, row->min, row->max);
        break;
    case OPTION_TYPE_MS:
        snprintf(text, size, "%" PRId64 " to %" PRId64 " ms", row->min, row->max);
        break;
    case OPTION_TYPE_DURATION:
        snprintf(text, size, "%s to %s", value_format_duration(row->min, low, sizeof(low)),
                 value_format_duration(row->max, high, sizeof(high)));
        break;
    case OPTION_TYPE_SIZE:
        snprintf(text, size, "%s to %s", value_format_size(row->min, low, sizeof(low)),
                 value_format_size(row->max, high, sizeof(high)));
        break;
    case OPTION_TYPE_BOOL: snprintf(text, size, "true, false"); break;
    case OPTION_TYPE_MEDIA: snprintf(text, size, "media, none"); break;
    case OPTION_TYPE_CHOICE: {
        size_t used = 0;

        for (const char *at = row->choices; *at != '\0' && used + 2 < size; at++) {
            text[used++] = *at == '|' ? ',' : *at;
            if (*at == '|')
                text[used++] = ' ';
        }
        text[used] = '\0';
        break;
    }
    }
}

/* Reloading is not built yet: the page does not promise it. */
static const char *notes_of(const struct option_row *row)
{
    return (row->flags & OPTION_DECIDES) != 0 ? "decides" : "";
}

void options_print_markdown(FILE *out)
{
    fputs(
        "# Options\n\n"
        "Made by `ringback config --markdown`; do not edit.\n\n"
        "A value comes from the first of these that gives one:\n\n"
        "1. a flag: `--redis.url=redis://cache`,\n"
        "2. the environment: `RINGBACK_REDIS_URL` (the key in capitals, `_` for each dot),\n"
        "3. a YAML file: `--config FILE`, or `RINGBACK_CONFIG`; `redis: {url: ...}` and\n"
        "   `redis.url: ...` are the same. `--config` may be given up to four times, so that "
        "secrets\n"
        "   are in a file of their own; no key may be in two files,\n"
        "4. the default.\n\n"
        "An unknown key, a bad value or a key given twice is refused, with file, line and reason.\n"
        "`ringback config` prints what is in force and where each value came from, secrets"
        " hidden.\n"
        "A password is not taken from a flag: [security.md](security.md) says where it goes.\n\n"
        "`kafka.KEY` passes any setting to librdkafka: in the file\n"
        "`kafka: {bootstrap.servers: 'one:9092,two:9092'}`, as a flag\n"
        "`--kafka.bootstrap.servers=one:9092`, in the environment\n"
        "`RINGBACK_KAFKA__BOOTSTRAP_SERVERS` (two underscores behind `KAFKA`; behind them every\n"
        "underscore is a dot). A few settings that the guarantees rest on are refused there.\n\n"
        "Durations are written as 250ms, 60s, 5m, 1h30m, 7d; sizes as 512, 64KiB, 16MiB, 64kB.\n"
        "Keys that end in `_ms` also take a bare number of milliseconds. *decides*: changes what\n"
        "is decided, and is written to the journal.\n",
        out);
    for (int section = 0; section < OPTION_SECTION_COUNT; section++) {
        fprintf(out, "\n## %s\n\n| key | default | allowed | | meaning |\n|---|---|---|---|---|\n",
                section_titles[section]);
        for (int i = 0; i < OPTION_COUNT; i++) {
            const struct option_row *row = &option_rows[i];
            char allowed[200];

            if ((int)row->section != section)
                continue;
            options_allowed(row, allowed, sizeof(allowed));
            fprintf(out, "| `%s` | %s | %s | %s | %s |\n", row->key,
                    row->fallback[0] == '\0' ? "(empty)" : row->fallback, allowed, notes_of(row),
                    row->help);
        }
    }
}

/* Help as comment lines of at most 98 letters. */
static void print_comment(FILE *out, const char *indent, const char *text)
{
    while (*text != '\0') {
        size_t size = strlen(text);

        if (size > 96 - strlen(indent)) {
            size = 96 - strlen(indent);
            while (size > 0 && text[size] != ' ')
                size--;
        }
        fprintf(out, "%s# %.*s\n", indent, (int)size, text);
        text += size;
        text += strspn(text, " ");
    }
}

static void print_example_row(FILE *out, const struct option_row *row, char *map, size_t map_size)
{
    const char *dot = strchr(row->key, '.');
    size_t size = dot == NULL ? 0 : (size_t)(dot - row->key);
    bool quoted = row->fallback[0] == '\0' || row->fallback[0] == '.';

    if (dot != NULL && (strlen(map) != size || memcmp(map, row->key, size) != 0))
        fprintf(out, "\n%.*s:", (int)size, row->key);
    snprintf(map, map_size, "%.*s", (int)size, row->key);
    fputs("\n", out);
    print_comment(out, dot == NULL ? "" : "  ", row->help);
    fprintf(out, "%s# %s: %s%s%s\n", dot == NULL ? "" : "  ", dot == NULL ? row->key : dot + 1,
            quoted ? "\"" : "", row->fallback, quoted ? "\"" : "");
}

static bool under_kafka(const struct option_row *row)
{
    return strncmp(row->key, "kafka.", strlen("kafka.")) == 0;
}

void options_print_example(FILE *out)
{
    char map[100] = "";

    fputs("# Ringback's options with their defaults; made by `ringback config --example`.\n"
          "# Take the # from the values that you change: `ringback run --config FILE`.\n"
          "\n"
          "# Settings for librdkafka, as they are in its CONFIGURATION.md.\n"
          "kafka:\n"
          "  bootstrap.servers: 127.0.0.1:9092\n"
          "  # security.protocol: sasl_ssl\n"
          "  # sasl.mechanism: SCRAM-SHA-512\n"
          "  # sasl.username: ringback\n"
          "  # ssl.ca.location: /etc/ringback/kafka-ca.pem\n",
          out);
    /* A map may be opened once, and this one is. */
    snprintf(map, sizeof(map), "kafka");
    for (int i = 0; i < OPTION_COUNT; i++) {
        if (under_kafka(&option_rows[i]))
            print_example_row(out, &option_rows[i], map, sizeof(map));
    }
    for (int section = 0; section < OPTION_SECTION_COUNT; section++) {
        fprintf(out, "\n# ---- %s\n", section_titles[section]);
        map[0] = '\0';
        /* First the plain keys, then those of the maps. */
        for (int dotted = 0; dotted < 2; dotted++) {
            for (int i = 0; i < OPTION_COUNT; i++) {
                const struct option_row *row = &option_rows[i];

                if ((int)row->section == section && !under_kafka(row) &&
                    (strchr(row->key, '.') != NULL) == dotted)
                    print_example_row(out, row, map, sizeof(map));
            }
        }
    }
}
