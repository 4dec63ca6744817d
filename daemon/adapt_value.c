/* Fields of foreign JSON: found, and turned into what the contract takes. */
#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "daemon/adapt_table.h"

enum { path_part_bytes = 80 };

/* Seconds below, milliseconds above: the year 5138 and 1973. */
static const int64_t seconds_max = INT64_C(100000000000);
static const int64_t time_ms_max = INT64_C(253402300799999); /* the end of 9999 */

static bool dropped(char letter)
{
    return letter == '_' || letter == '-' || letter == ' ';
}

static const char *next_kept(const char *at)
{
    while (dropped(*at))
        at++;
    return at;
}

bool adapt_same(const char *a, const char *b)
{
    for (;;) {
        a = next_kept(a);
        b = next_kept(b);
        if (tolower((unsigned char)*a) != tolower((unsigned char)*b))
            return false;
        if (*a == '\0')
            return true;
        a++;
        b++;
    }
}

bool adapt_one_of(const char *text, const char *list)
{
    char part[path_part_bytes];

    for (;;) {
        size_t size = strcspn(list, "|");

        if (size < sizeof(part)) {
            memcpy(part, list, size);
            part[size] = '\0';
            if (adapt_same(text, part))
                return true;
        }
        if (list[size] == '\0')
            return false;
        list += size + 1;
    }
}

const json_t *adapt_key(const json_t *object, const char *key)
{
    const json_t *exact = json_object_get(object, key);
    void *at;

    if (exact != NULL)
        return exact;
    if (!json_is_object(object))
        return NULL;
    /* jansson walks through objects that are not const only; nothing is written. */
    for (at = json_object_iter((json_t *)(uintptr_t)object); at != NULL;
         at = json_object_iter_next((json_t *)(uintptr_t)object, at)) {
        if (adapt_same(json_object_iter_key(at), key))
            return json_object_iter_value(at);
    }
    return NULL;
}

/* path has size bytes and no "|". */
static const json_t *find_one(const json_t *from, const char *path, size_t size)
{
    char part[path_part_bytes];

    while (from != NULL && size > 0) {
        size_t length = 0;

        while (length < size && path[length] != '.')
            length++;
        if (length >= sizeof(part))
            return NULL;
        memcpy(part, path, length);
        part[length] = '\0';
        from = adapt_key(from, part);
        path += length;
        size -= length;
        if (size > 0) {
            path++;
            size--;
        }
    }
    return json_is_null(from) ? NULL : from;
}

const json_t *adapt_find(const struct adapt_event *event, const char *paths)
{
    for (;;) {
        size_t size = strcspn(paths, "|");
        const json_t *found;

        if (paths[0] == '@')
            found = find_one(event->made, paths + 1, size - 1);
        else if (paths[0] == '*')
            found = find_one(event->item, paths + 2, size < 2 ? 0 : size - 2);
        else
            found = find_one(event->body, paths, size);
        if (found != NULL || paths[size] == '\0')
            return found;
        paths += size + 1;
    }
}

const char *adapt_text(const struct adapt_event *event, const json_t *json)
{
    if (json_is_string(json))
        return json_string_value(json);
    if (json_is_integer(json))
        return arena_format(event->arena, "%" JSON_INTEGER_FORMAT, json_integer_value(json));
    if (json_is_boolean(json))
        return json_is_true(json) ? "true" : "false";
    return "";
}

const char *adapt_text_at(const struct adapt_event *event, const char *paths)
{
    return adapt_text(event, adapt_find(event, paths));
}

static bool from_count(double count, int64_t *ms)
{
    if (!(count > 0) || count > (double)time_ms_max)
        return false;
    *ms = (int64_t)(count < (double)seconds_max ? count * 1000 : count);
    return *ms > 0;
}

static bool all_digits(const char *text)
{
    size_t size = strspn(text, "0123456789");

    return size > 0 && size <= 18 && text[size] == '\0';
}

bool adapt_time(const json_t *json, int64_t *ms)
{
    const char *text;

    if (json_is_number(json))
        return from_count(json_number_value(json), ms);
    if (!json_is_string(json))
        return false;
    text = json_string_value(json);
    if (all_digits(text))
        return from_count(strtod(text, NULL), ms);
    return clock_parse(text, ms, NULL) == ERR_OK && *ms > 0 && *ms <= time_ms_max;
}

int64_t adapt_time_at(const struct adapt_event *event, const char *paths)
{
    int64_t ms;

    return adapt_time(adapt_find(event, paths), &ms) ? ms : 0;
}

const char *adapt_tail(const char *text)
{
    const char *slash = strrchr(text, '/');

    return slash == NULL ? text : slash + 1;
}

const char *adapt_number(struct arena *arena, const char *text)
{
    const char *colon = strchr(text, ':');
    char *number, *end;

    if (strchr(text, '@') != NULL && strncmp(text, "sip", 3) != 0)
        return ""; /* an e-mail's address may begin with digits */
    if (colon != NULL)
        text = colon + 1;
    number = arena_text(arena, slice_text(text));
    end = number + strcspn(number, "@;");
    *end = '\0';
    if (number[strspn(number, "+0123456789 ()./-")] != '\0' || strlen(number) > 40)
        return "";
    return number;
}

const struct adapt_value *adapt_value_find(const struct adapt_value *values, const char *text)
{
    for (; values->text != NULL; values++) {
        if (strcmp(values->text, "*") == 0 || adapt_one_of(text, values->text))
            return values;
    }
    return NULL;
}

const struct adapt_value *adapt_presence(const struct adapt_event *event, const char *name,
                                         struct adapt_value *room)
{
    const struct adapt_settings *settings = event->settings;

    for (size_t i = 0; i < settings->presence_count; i++) {
        if (!adapt_same(settings->presences[i].name, name))
            continue;
        *room = (struct adapt_value){name, settings->presences[i].presence, NULL};
        return room;
    }
    return settings->platform->presences == NULL
               ? NULL
               : adapt_value_find(settings->platform->presences, name);
}

bool adapt_traceparent_valid(struct slice text)
{
    static const char shape[] = "hh-hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh-hhhhhhhhhhhhhhhh-hh";

    if (text.size != sizeof(shape) - 1)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        char letter = (char)text.data[i];

        if (shape[i] == '-' ? letter != '-'
                            : letter == '\0' || strchr("0123456789abcdef", letter) == NULL)
            return false;
    }
    return true;
}

/* --- forms --- */

static int hex_digit(char letter)
{
    if (letter >= '0' && letter <= '9')
        return letter - '0';
    letter = (char)tolower((unsigned char)letter);
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

/* Decodes text in place up to a letter of until; *end is behind it, or at the terminator. */
static size_t decode_part(char *text, const char *until, char **end)
{
    char *at = text, *to = text;

    for (; *at != '\0' && strchr(until, *at) == NULL; at++) {
        if (*at == '+') {
            *to++ = ' ';
        } else if (*at == '%' && hex_digit(at[1]) >= 0 && hex_digit(at[2]) >= 0) {
            *to++ = (char)(hex_digit(at[1]) * 16 + hex_digit(at[2]));
            at += 2;
        } else {
            *to++ = *at;
        }
    }
    *end = at;
    return (size_t)(to - text);
}

json_t *adapt_form(struct slice text)
{
    struct arena arena;
    char *at;
    json_t *form = json_object();

    arena_init(&arena);
    at = arena_text(&arena, text);
    while (form != NULL && *at != '\0') {
        char *key = at, *value, *end;
        size_t key_size = decode_part(key, "=&", &end), value_size;
        json_t *json;
        bool more;

        if (*end != '=' || key_size == 0)
            break;
        value = end + 1;
        value_size = decode_part(value, "&", &end);
        more = *end == '&';
        key[key_size] = '\0';
        json = json_stringn(value, value_size);
        if (json == NULL || json_object_set_new(form, key, json) != 0)
            break;
        at = end + more;
        if (*at == '\0') { /* read to its end */
            arena_deinit(&arena);
            return form;
        }
    }
    json_decref(form);
    arena_deinit(&arena);
    return NULL;
}
