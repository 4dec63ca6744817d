#include "daemon/sim_csv.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/near.h"

enum { fields_max = 256, shown_max = 40, name_bytes_max = 200, day_s = 86400 };

static const char *const column_names[SIM_COLUMN_COUNT] = {
#define NAME_(name, column, required, help) #column,
    SIM_COLUMN_MAP(NAME_)
#undef NAME_
};
static const bool column_required[SIM_COLUMN_COUNT] = {
#define REQUIRED_(name, column, required, help) required,
    SIM_COLUMN_MAP(REQUIRED_)
#undef REQUIRED_
};
static const char *const column_help[SIM_COLUMN_COUNT] = {
#define HELP_(name, column, required, help) help,
    SIM_COLUMN_MAP(HELP_)
#undef HELP_
};
static const char *const words[SIM_WORD_COUNT] = {
#define WORD_(name, word) word,
    SIM_WORD_MAP(WORD_)
#undef WORD_
};
static const char *const odd_texts[SIM_ODD_COUNT] = {
#define TEXT_(name, out, text) text,
    SIM_ODD_MAP(TEXT_)
#undef TEXT_
};
static const char *const odd_names[SIM_ODD_COUNT] = {
#define ODD_(name, out, text) #name,
    SIM_ODD_MAP(ODD_)
#undef ODD_
};
static const bool odd_out[SIM_ODD_COUNT] = {
#define OUT_(name, out, text) out,
    SIM_ODD_MAP(OUT_)
#undef OUT_
};

const char *sim_odd_name(enum sim_odd odd)
{
    return odd_names[odd];
}

const char *sim_odd_text(enum sim_odd odd)
{
    return odd_texts[odd];
}

bool sim_odd_is_out(enum sim_odd odd)
{
    return odd_out[odd];
}

const char *sim_csv_help(struct arena *arena)
{
    const char *text = "";

    for (int i = 0; i < SIM_COLUMN_COUNT; i++)
        text = arena_format(arena, "%s  %-14s %s%s\n", text, column_names[i], column_help[i],
                            column_required[i] ? "" : " (may be missing)");
    return text;
}

void sim_mapping_default(struct sim_mapping *mapping)
{
    memcpy(mapping->columns, column_names, sizeof(column_names));
    memcpy(mapping->words, words, sizeof(words));
}

static enum err map_one(struct sim_mapping *mapping, const char *name, const char *value,
                        struct err_note *note)
{
    struct near near;
    char hint[200];

    near_init(&near, name);
    for (int i = 0; i < SIM_COLUMN_COUNT; i++) {
        near_offer(&near, column_names[i]);
        if (strcmp(column_names[i], name) == 0) {
            mapping->columns[i] = value;
            return ERR_OK;
        }
    }
    for (int i = 0; i < SIM_WORD_COUNT; i++) {
        near_offer(&near, words[i]);
        if (strcmp(words[i], name) == 0) {
            mapping->words[i] = value;
            return ERR_OK;
        }
    }
    return FAIL(note, ERR_USAGE, "--map: \"%s\" is neither a column nor a word of --help%s", name,
                near_hint(&near, "", hint, sizeof(hint)));
}

enum err sim_mapping_read(struct sim_mapping *mapping, const char *text, struct arena *arena,
                          struct err_note *note)
{
    char *copy = arena_text(arena, slice_text(text)), *rest = copy;

    for (char *pair; (pair = strsep(&rest, ",")) != NULL;) {
        char *equals = strchr(pair, '=');

        if (equals == NULL || equals == pair || equals[1] == '\0')
            return FAIL(note, ERR_USAGE,
                        "--map: \"%s\" is no pair; expected NAME=COLUMN, several cut by commas",
                        pair);
        *equals = '\0';
        TRY(map_one(mapping, pair, equals + 1, note));
    }
    return ERR_OK;
}

enum err sim_zone_set(const char *zone, struct err_note *note)
{
    const char *folder = getenv("TZDIR") == NULL ? "/usr/share/zoneinfo" : getenv("TZDIR");
    char path[4096];
    struct stat stat_;

    /* The C library takes any word for a zone, as UTC; so the file is looked for. */
    if (strcmp(zone, "UTC") != 0) {
        snprintf(path, sizeof(path), "%s/%s", folder, zone);
        if (zone[0] == '/' || strstr(zone, "..") != NULL || stat(path, &stat_) != 0 ||
            !S_ISREG(stat_.st_mode))
            return FAIL(note, ERR_USAGE,
                        "--zone: no time zone \"%s\" in %s; expected a name such as Asia/Jerusalem",
                        zone, folder);
    }
    if (setenv("TZ", zone, 1) != 0)
        return FAIL(note, ERR_NO_MEMORY, "--zone: %s", strerror(errno));
    tzset();
    return ERR_OK;
}

/* The file being read. */
struct reader {
    const char *name;
    const struct sim_mapping *mapping;
    struct arena *arena;
    struct sim_calls *calls;
    struct err_note *note;
    char *at, *end;
    char cut;
    int line;                 /* of the row being read */
    int lines_read;           /* newlines passed */
    char *fields[fields_max]; /* of that row */
    int field_count;
    int where[SIM_COLUMN_COUNT]; /* index of the field, -1 = the file has no such column */
    size_t room, service_room, agent_room;
};

/* Takes a quoted field apart in place; reader->at is behind the opening quote. Returns the field's
 * end, NULL if the quote is never closed. */
static char *read_quoted(struct reader *reader)
{
    char *out = reader->at;

    for (char *in = reader->at; in < reader->end; in++) {
        reader->lines_read += *in == '\n';
        if (*in != '"') {
            *out++ = *in;
        } else if (in + 1 < reader->end && in[1] == '"') {
            *out++ = *in++;
        } else {
            reader->at = in + 1;
            return out;
        }
    }
    return NULL;
}

/* Cuts the next row into fields, in place. ERR_END: no more rows. */
static enum err read_row(struct reader *reader)
{
    char *end;

    reader->field_count = 0;
    reader->line = reader->lines_read + 1;
    if (reader->at >= reader->end)
        return ERR_END;
    for (bool more = true; more;) {
        char *field = reader->at, next;

        if (reader->field_count == fields_max)
            return FAIL(reader->note, ERR_BAD_FILE, "%s: line %d: more than %d columns",
                        reader->name, reader->line, fields_max);
        if (*field == '"') {
            field = ++reader->at;
            end = read_quoted(reader);
            if (end == NULL)
                return FAIL(reader->note, ERR_BAD_FILE,
                            "%s: line %d: a quote (\") is opened and never closed", reader->name,
                            reader->line);
        } else {
            end = reader->at + strcspn(reader->at, (char[]){reader->cut, '\n', '\0'});
            reader->at = end;
        }
        next = *reader->at;
        if (next == '\r' && reader->at[1] == '\n')
            next = *++reader->at;
        if (next != reader->cut && next != '\n' && next != '\0')
            return FAIL(reader->note, ERR_BAD_FILE,
                        "%s: line %d, column %d: text behind the closing quote", reader->name,
                        reader->line, reader->field_count + 1);
        reader->lines_read += next == '\n';
        reader->at += reader->at < reader->end;
        more = next == reader->cut;
        if (end > field && end[-1] == '\r' && !more)
            end--;
        *end = '\0';
        reader->fields[reader->field_count++] = field;
    }
    return ERR_OK;
}

static enum err missing_column(const struct reader *reader, int column)
{
    const char *name = reader->mapping->columns[column];
    struct near near;
    char hint[300];

    near_init(&near, name);
    for (int i = 0; i < reader->field_count; i++)
        near_offer(&near, reader->fields[i]);
    return FAIL(reader->note, ERR_BAD_FILE,
                "%s: line 1: no column \"%s\" (%s)%s; if it is called otherwise: --map %s=NAME",
                reader->name, name, column_help[column], near_hint(&near, "", hint, sizeof(hint)),
                column_names[column]);
}

static enum err read_header(struct reader *reader)
{
    const char *first = strpbrk(reader->at, ",;\t\n");

    reader->cut = first == NULL || *first == '\n' ? ',' : *first;
    if (read_row(reader) != ERR_OK)
        return FAIL(reader->note, ERR_BAD_FILE,
                    "%s: the file is empty; expected a line with the names of columns, then a line"
                    " for each call",
                    reader->name);
    for (int column = 0; column < SIM_COLUMN_COUNT; column++) {
        reader->where[column] = -1;
        for (int i = 0; i < reader->field_count && reader->where[column] < 0; i++) {
            if (strcmp(reader->fields[i], reader->mapping->columns[column]) == 0)
                reader->where[column] = i;
        }
        if (reader->where[column] < 0 && column_required[column])
            return missing_column(reader, column);
    }
    return ERR_OK;
}

static const char *field(const struct reader *reader, enum sim_column column)
{
    int where = reader->where[column];

    return where < 0 ? "" : reader->fields[where];
}

static enum err bad_field(const struct reader *reader, enum sim_column column, const char *expected)
{
    const char *name = reader->mapping->columns[column], *text = field(reader, column);

    return FAIL(reader->note, ERR_BAD_FILE, "%s: line %d, column %s: \"%.*s%s\" is not %s",
                reader->name, reader->line, name, shown_max, text,
                strlen(text) > shown_max ? "..." : "", expected);
}

/* Exactly count digits; returns what is behind them, or NULL. */
static const char *digits(const char *text, int count, int *value)
{
    *value = 0;
    for (; count > 0; count--, text++) {
        if (*text < '0' || *text > '9')
            return NULL;
        *value = *value * 10 + (*text - '0');
    }
    return text;
}

static enum err read_date(const struct reader *reader, struct tm *date)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const char *text = field(reader, SIM_COLUMN_DATE);
    int year, month, day;
    bool leap;

    if ((text = digits(text, 4, &year)) == NULL || *text != '-' ||
        (text = digits(text + 1, 2, &month)) == NULL || *text != '-' ||
        (text = digits(text + 1, 2, &day)) == NULL || *text != '\0' || month < 1 || month > 12)
        return bad_field(reader, SIM_COLUMN_DATE, "a date; expected YYYY-MM-DD");
    leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (day < 1 || day > lengths[month - 1] + (month == 2 && leap) || year < 1970)
        return bad_field(reader, SIM_COLUMN_DATE, "a day of the calendar since 1970");
    *date = (struct tm){.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day};
    return ERR_OK;
}

/* *ms = -1 for an empty field. A time of the small hours in a row that began in the evening is the
 * next day's: after_ms is the row's time before it, or -1. */
static enum err read_time(const struct reader *reader, enum sim_column column,
                          const struct tm *date, int64_t after_ms, bool *next_day, int64_t *ms)
{
    const char *text = field(reader, column);
    struct tm time = *date;

    *ms = -1;
    if (*text == '\0')
        return ERR_OK;
    if ((text = digits(text, 2, &time.tm_hour)) == NULL || *text != ':' ||
        (text = digits(text + 1, 2, &time.tm_min)) == NULL || *text != ':' ||
        (text = digits(text + 1, 2, &time.tm_sec)) == NULL || *text != '\0' || time.tm_hour > 23 ||
        time.tm_min > 59 || time.tm_sec > 59)
        return bad_field(reader, column,
                         "a time; expected HH:MM:SS, 00:00:00 to 23:59:59, or nothing");
    time.tm_isdst = -1;
    *ms = (int64_t)mktime(&time) * 1000;
    if (after_ms - *ms > day_s * 500) {
        time = *date;
        time.tm_mday++;
        TRY(read_time(reader, column, &time, -1, next_day, ms));
        *next_day = true;
    }
    return ERR_OK;
}

/* The index of a name, added if it is new. */
static int32_t name_index(struct reader *reader, struct sim_names *names, size_t *room,
                          const char *name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->items[i], name) == 0)
            return (int32_t)i;
    }
    if (names->count == *room) {
        *room = *room * 2 + 16;
        names->items = memory_grow(names->items, *room * sizeof(*names->items), "names");
    }
    names->items[names->count] = arena_text(reader->arena, slice_text(name));
    return (int32_t)names->count++;
}

struct times {
    int64_t enter, leave, start, end;
};

static void count_odd(struct reader *reader, enum sim_odd odd, struct sim_row *row)
{
    reader->calls->odd[odd]++;
    if (odd_out[odd])
        row->use = SIM_USE_OUT;
}

static void use_served(struct reader *reader, const struct times *times, struct sim_row *row)
{
    int64_t leave = times->leave < times->start ? times->leave : times->start;

    row->use = SIM_USE_SERVED;
    if (times->start < 0 || times->end < 0 || (times->enter >= 0 && times->leave < 0)) {
        count_odd(reader, SIM_ODD_INCOMPLETE, row);
        return;
    }
    row->talk_start_ms = times->start;
    row->talk_ms = times->end - times->start;
    if (times->end < times->start || (times->enter >= 0 && times->leave < times->enter)) {
        row->talk_start_ms = -1;
        count_odd(reader, SIM_ODD_BACKWARDS, row);
        return;
    }
    if (row->agent < 0)
        count_odd(reader, SIM_ODD_NO_AGENT, row);
    if (times->enter < 0) {
        count_odd(reader, SIM_ODD_NOT_QUEUED, row);
        row->enter_ms = times->start;
        return;
    }
    if (times->start < times->leave)
        count_odd(reader, SIM_ODD_EARLY_START, row);
    row->enter_ms = times->enter;
    row->wait_ms = leave > times->enter ? leave - times->enter : 0;
}

static void use_hung_up(struct reader *reader, const struct times *times, struct sim_row *row)
{
    row->use = SIM_USE_HUNG_UP;
    if (times->enter < 0 && times->leave < 0) {
        count_odd(reader, SIM_ODD_HUNG_UP_BEFORE, row);
        return;
    }
    if (times->enter < 0 || times->leave < 0) {
        count_odd(reader, SIM_ODD_INCOMPLETE, row);
        return;
    }
    if (times->leave < times->enter) {
        count_odd(reader, SIM_ODD_BACKWARDS, row);
        return;
    }
    if (times->start >= 0)
        count_odd(reader, SIM_ODD_TALK_OF_HUNG_UP, row);
    row->enter_ms = times->enter;
    row->wait_ms = times->leave - times->enter;
}

/* A returned call: only its talk and its agent matter. */
static void use_errand(struct reader *reader, const struct times *times, struct sim_row *row)
{
    row->use = SIM_USE_ERRAND;
    if (times->start < 0 || times->end < 0 || row->agent < 0) {
        count_odd(reader, SIM_ODD_INCOMPLETE, row);
        return;
    }
    if (times->end < times->start) {
        count_odd(reader, SIM_ODD_BACKWARDS, row);
        return;
    }
    count_odd(reader, SIM_ODD_RETURNED, row);
    row->enter_ms = row->talk_start_ms = times->start;
    row->talk_ms = times->end - times->start;
}

static enum err read_times(struct reader *reader, struct times *times)
{
    static const enum sim_column columns[] = {SIM_COLUMN_QUEUE_ENTER, SIM_COLUMN_QUEUE_LEAVE,
                                              SIM_COLUMN_SERVICE_START, SIM_COLUMN_SERVICE_END};
    int64_t *const out[] = {&times->enter, &times->leave, &times->start, &times->end};
    int64_t after_ms = -1, ms;
    bool next_day = false;
    struct tm date;

    TRY(read_date(reader, &date));
    TRY(read_time(reader, SIM_COLUMN_IVR_ENTER, &date, -1, &next_day, &ms));
    after_ms = ms;
    TRY(read_time(reader, SIM_COLUMN_IVR_LEAVE, &date, after_ms, &next_day, &ms));
    for (size_t i = 0; i < sizeof(columns) / sizeof(*columns); i++) {
        TRY(read_time(reader, columns[i], &date, after_ms, &next_day, out[i]));
        if (after_ms < 0)
            after_ms = *out[i];
    }
    reader->calls->odd[SIM_ODD_PAST_MIDNIGHT] += next_day;
    return ERR_OK;
}

static struct sim_row *add_row(struct reader *reader)
{
    struct sim_calls *calls = reader->calls;

    if (calls->count == reader->room) {
        reader->room = reader->room * 2 + 1024;
        calls->rows = memory_grow(calls->rows, reader->room * sizeof(*calls->rows), "calls");
    }
    calls->rows[calls->count] = (struct sim_row){
        .line_number = (uint32_t)reader->line,
        .service = -1,
        .agent = -1,
        .talk_start_ms = -1,
        .customer = arena_text(reader->arena, slice_text(field(reader, SIM_COLUMN_CUSTOMER))),
        .line = arena_text(reader->arena, slice_text(field(reader, SIM_COLUMN_LINE))),
        .call = arena_text(reader->arena, slice_text(field(reader, SIM_COLUMN_CALL))),
    };
    return &calls->rows[calls->count++];
}

/* Names become texts of events, which have limits. */
static enum err check_names(const struct reader *reader)
{
    static const enum sim_column columns[] = {SIM_COLUMN_SERVICE, SIM_COLUMN_AGENT,
                                              SIM_COLUMN_CUSTOMER};

    for (size_t i = 0; i < sizeof(columns) / sizeof(*columns); i++) {
        if (strlen(field(reader, columns[i])) > name_bytes_max)
            return bad_field(reader, columns[i], "a name of at most 200 bytes");
    }
    if (*field(reader, SIM_COLUMN_SERVICE) == '\0')
        return bad_field(reader, SIM_COLUMN_SERVICE, "the name of a service");
    return ERR_OK;
}

static enum err read_call(struct reader *reader)
{
    const char *const *word = reader->mapping->words;
    const char *outcome = field(reader, SIM_COLUMN_OUTCOME);
    const char *service = field(reader, SIM_COLUMN_SERVICE);
    const char *agent = field(reader, SIM_COLUMN_AGENT);
    struct sim_calls *calls = reader->calls;
    struct sim_row *row = add_row(reader);
    struct times times;
    char expected[200];

    TRY(read_times(reader, &times));
    TRY(check_names(reader));
    row->high = strcmp(field(reader, SIM_COLUMN_PRIORITY), word[SIM_WORD_HIGH]) == 0;
    if (strcmp(service, word[SIM_WORD_RETURNED]) != 0)
        row->service = name_index(reader, &calls->services, &reader->service_room, service);
    if (*agent != '\0')
        row->agent = name_index(reader, &calls->agents, &reader->agent_room, agent);
    if (strcmp(outcome, word[SIM_WORD_PHANTOM]) == 0)
        count_odd(reader, SIM_ODD_PHANTOM, row);
    else if (strcmp(service, word[SIM_WORD_RETURNED]) == 0)
        use_errand(reader, &times, row);
    else if (strcmp(outcome, word[SIM_WORD_AGENT]) == 0)
        use_served(reader, &times, row);
    else if (strcmp(outcome, word[SIM_WORD_HANG]) == 0)
        use_hung_up(reader, &times, row);
    else {
        snprintf(expected, sizeof(expected),
                 "an outcome; expected %.40s, %.40s or %.40s (other words: --map AGENT=WORD)",
                 word[SIM_WORD_AGENT], word[SIM_WORD_HANG], word[SIM_WORD_PHANTOM]);
        return bad_field(reader, SIM_COLUMN_OUTCOME, expected);
    }
    return ERR_OK;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorts names and gives the rows the new indexes, so that nothing depends on who came first. */
static void sort_names(struct sim_calls *calls, struct sim_names *names, bool agents,
                       struct arena *arena)
{
    size_t bytes = names->count * sizeof(*names->items);
    const char **sorted = arena_alloc(arena, bytes);
    int32_t *index = arena_alloc(arena, names->count * sizeof(*index));

    if (names->count == 0)
        return;
    memcpy(sorted, names->items, bytes);
    qsort(sorted, names->count, sizeof(*sorted), compare_names);
    for (size_t i = 0; i < names->count; i++) {
        const char **found =
            bsearch(&names->items[i], sorted, names->count, sizeof(*sorted), compare_names);

        index[i] = (int32_t)(found - sorted);
    }
    for (size_t i = 0; i < calls->count; i++) {
        int32_t *at = agents ? &calls->rows[i].agent : &calls->rows[i].service;

        if (*at >= 0)
            *at = index[*at];
    }
    free(names->items);
    names->items = sorted;
}

static enum err read_calls(struct reader *reader)
{
    struct sim_calls *calls = reader->calls;
    enum err err;

    TRY(read_header(reader));
    while ((err = read_row(reader)) == ERR_OK) {
        int expected = 0;

        if (reader->field_count == 1 && reader->fields[0][0] == '\0')
            continue;
        for (int i = 0; i < SIM_COLUMN_COUNT; i++)
            expected = reader->where[i] >= expected ? reader->where[i] + 1 : expected;
        if (reader->field_count < expected)
            return FAIL(reader->note, ERR_BAD_FILE,
                        "%s: line %d: the row ends after %d columns; %d are expected", reader->name,
                        reader->line, reader->field_count, expected);
        TRY(read_call(reader));
    }
    if (err != ERR_END)
        return err;
    if (calls->count == 0)
        return FAIL(reader->note, ERR_BAD_FILE, "%s: no calls behind the line of names",
                    reader->name);
    return ERR_OK;
}

/* The bytes of the UTF-8 character at text, 0 if there is none. */
static size_t utf8_size(const uint8_t *text, size_t left)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t size = text[0] < 0x80   ? 1
                  : text[0] < 0xc0 ? 0
                  : text[0] < 0xe0 ? 2
                  : text[0] < 0xf0 ? 3
                                   : 4;
    uint32_t code = size == 1 ? text[0] : text[0] & (0xffu >> (size + 1));

    if (size == 0 || size > left || text[0] > 0xf4)
        return 0;
    for (size_t i = 1; i < size; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (text[i] & 0x3f);
    }
    return code < least[size] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ? 0 : size;
}

static enum err check_text(const char *name, const char *text, size_t bytes, struct err_note *note)
{
    int line = 1;
    size_t size;

    for (size_t i = 0; i < bytes; i += size) {
        if (text[i] == '\0')
            return FAIL(note, ERR_BAD_FILE,
                        "%s: byte %zu is zero: a binary file; expected CSV, that is text with a"
                        " line for each call",
                        name, i);
        line += text[i] == '\n';
        size = utf8_size((const uint8_t *)text + i, bytes - i);
        if (size == 0)
            return FAIL(note, ERR_BAD_FILE,
                        "%s: line %d: byte %zu is not UTF-8 text; if the file is Latin-1:"
                        " iconv -f LATIN1 -t UTF-8",
                        name, line, i);
    }
    return ERR_OK;
}

enum err sim_csv_parse(const char *name, char *text, size_t bytes,
                       const struct sim_mapping *mapping, struct arena *arena,
                       struct sim_calls *calls, struct err_note *note)
{
    bool mark = bytes >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0;
    struct reader reader = {.name = name,
                            .mapping = mapping,
                            .arena = arena,
                            .calls = calls,
                            .note = note,
                            .at = text + (mark ? 3 : 0),
                            .end = text + bytes};
    struct sim_row *rows;
    enum err err;

    *calls = (struct sim_calls){0};
    TRY(check_text(name, text, bytes, note));
    err = read_calls(&reader);
    rows = calls->rows;
    calls->rows = arena_alloc(arena, calls->count * sizeof(*rows));
    if (rows != NULL)
        memcpy(calls->rows, rows, calls->count * sizeof(*rows));
    free(rows);
    sort_names(calls, &calls->services, false, arena);
    sort_names(calls, &calls->agents, true, arena);
    return err;
}

enum err sim_csv_read(const char *path, const struct sim_mapping *mapping, struct arena *arena,
                      struct sim_calls *calls, struct err_note *note)
{
    FILE *file = fopen(path, "rbe");
    size_t bytes = 0, room = 1 << 16;
    enum err err;
    char *text;

    if (file == NULL)
        return FAIL(note, ERR_IO, "%s cannot be opened: %s", path, strerror(errno));
    text = memory_alloc(room, "the file of calls");
    for (size_t got; (got = fread(text + bytes, 1, room - bytes - 1, file)) > 0;) {
        bytes += got;
        if (bytes + 1 == room)
            text = memory_grow(text, room *= 2, "the file of calls");
    }
    text[bytes] = '\0';
    if (ferror(file))
        err = FAIL(note, ERR_IO, "%s cannot be read: %s", path, strerror(errno));
    else
        err = sim_csv_parse(path, text, bytes, mapping, arena, calls, note);
    (void)fclose(file);
    free(text);
    return err;
}
