/* Call records for `ringback simulate`: a CSV file with a header line, columns found by name. Reads
 * RFC 4180 (quotes, CRLF, a byte-order mark), cut by the first of `,` `;` or tab in the header.
 * Rows are as a telephone system recorded them: what contradicts itself but can be read is counted
 * and coped with; what cannot be read is an error with its line and column. */
#ifndef RINGBACK_DAEMON_SIM_CSV_H
#define RINGBACK_DAEMON_SIM_CSV_H

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

/* X(name, column, required, what it is) */
#define SIM_COLUMN_MAP(X)                                                                          \
    X(DATE, date, true, "the day, YYYY-MM-DD")                                                     \
    X(SERVICE, service, true, "what the caller wants; one queue each")                             \
    X(QUEUE_ENTER, queue_enter, true, "into the queue, HH:MM:SS; empty: did not queue")            \
    X(QUEUE_LEAVE, queue_leave, true, "out of the queue, HH:MM:SS")                                \
    X(OUTCOME, outcome, true, "AGENT served, HANG hung up, PHANTOM leave out")                     \
    X(SERVICE_START, service_start, true, "begin of the talk, HH:MM:SS")                           \
    X(SERVICE_END, service_end, true, "end of the talk, HH:MM:SS")                                 \
    X(AGENT, agent, true, "who talked")                                                            \
    X(LINE, line, false, "telephone line")                                                         \
    X(CALL, call, false, "number of the call on it")                                               \
    X(CUSTOMER, customer, false, "customer's id; empty: not identified")                           \
    X(PRIORITY, priority, false, "2: ranks as if come 90 s earlier")                               \
    X(IVR_ENTER, ivr_enter, false, "into the voice menu, HH:MM:SS; tells what is past midnight")   \
    X(IVR_LEAVE, ivr_leave, false, "out of the voice menu, HH:MM:SS")

#define SIM_COLUMN_ENUM_(name, column, required, help) SIM_COLUMN_##name,
enum sim_column { SIM_COLUMN_MAP(SIM_COLUMN_ENUM_) SIM_COLUMN_COUNT };
#undef SIM_COLUMN_ENUM_

/* What `--map` may rename besides columns: the words that the file uses. X(name, word) */
#define SIM_WORD_MAP(X)                                                                            \
    X(AGENT, "AGENT") X(HANG, "HANG") X(PHANTOM, "PHANTOM") X(RETURNED, "TT") X(HIGH, "2")

#define SIM_WORD_ENUM_(name, word) SIM_WORD_##name,
enum sim_word { SIM_WORD_MAP(SIM_WORD_ENUM_) SIM_WORD_COUNT };
#undef SIM_WORD_ENUM_

/* Names of columns and words in the file; borrowed by whoever is given the struct. */
struct sim_mapping {
    const char *columns[SIM_COLUMN_COUNT];
    const char *words[SIM_WORD_COUNT];
};

/* What is odd about rows. X(name, counted out, words) */
#define SIM_ODD_MAP(X)                                                                             \
    X(PHANTOM, true, "marked as phantoms")                                                         \
    X(HUNG_UP_BEFORE, true, "hung up before they queued")                                          \
    X(INCOMPLETE, true, "without the times that their outcome needs")                              \
    X(BACKWARDS, true, "that end before they begin")                                               \
    X(NOT_QUEUED, false, "served without a queue: join at service start")                          \
    X(EARLY_START, false, "whose service starts before the queue's end")                           \
    X(TALK_OF_HUNG_UP, false, "hung up and yet with a talk, which is not used")                    \
    X(NO_AGENT, false, "served by an agent not named: occupies nobody's record")                   \
    X(PAST_MIDNIGHT, false, "that go on past midnight")                                            \
    X(RETURNED, false, "of returned calls: occupy their agent only")

#define SIM_ODD_ENUM_(name, out, text) SIM_ODD_##name,
enum sim_odd { SIM_ODD_MAP(SIM_ODD_ENUM_) SIM_ODD_COUNT };
#undef SIM_ODD_ENUM_

/* SERVED and HUNG_UP are callers; ERRAND only occupies its agent; OUT is counted out. */
enum sim_use { SIM_USE_OUT, SIM_USE_SERVED, SIM_USE_HUNG_UP, SIM_USE_ERRAND };

/* One row. Times are Unix milliseconds. */
struct sim_row {
    enum sim_use use;
    uint32_t line_number;
    int32_t service;       /* index into services, -1 = a returned call's */
    int32_t agent;         /* index into agents, -1 = none */
    bool high;             /* priority: ranks 90 s earlier */
    int64_t enter_ms;      /* joins the queue; of an errand: its start */
    int64_t wait_ms;       /* of callers: until served, or until he hung up */
    int64_t talk_ms;       /* of SERVED and ERRAND */
    int64_t talk_start_ms; /* with talk_ms, also of rows that are counted out; -1 = none */
    const char *customer, *line, *call; /* "" = none; in the arena */
};

struct sim_names {
    const char **items;
    size_t count;
};

struct sim_calls {
    struct sim_row *rows;
    size_t count;
    struct sim_names services; /* in the order of their names */
    struct sim_names agents;   /* in the order of their names */
    size_t odd[SIM_ODD_COUNT];
};

/* The names of the data's README. */
void sim_mapping_default(struct sim_mapping *mapping);

/* Read `NAME=COLUMN,...,WORD=TEXT`; text is borrowed by mapping through arena. Error: ERR_USAGE. */
MUST_CHECK enum err sim_mapping_read(struct sim_mapping *mapping, const char *text,
                                     struct arena *arena, struct err_note *note);

/* Local times from now on are those of an IANA zone, for the whole process (TZ). Error:
 * ERR_USAGE if the system has no such zone. */
MUST_CHECK enum err sim_zone_set(const char *zone, struct err_note *note);

/* Everything is in arena. Errors: ERR_IO; ERR_BAD_FILE with line and column. */
MUST_CHECK enum err sim_csv_read(const char *path, const struct sim_mapping *mapping,
                                 struct arena *arena, struct sim_calls *calls,
                                 struct err_note *note);

/* The same from text in memory, which is changed; name is for messages. */
MUST_CHECK enum err sim_csv_parse(const char *name, char *text, size_t bytes,
                                  const struct sim_mapping *mapping, struct arena *arena,
                                  struct sim_calls *calls, struct err_note *note);

/* "PHANTOM"; "marked as phantoms"; true: such rows are counted out. */
const char *sim_odd_name(enum sim_odd odd);
const char *sim_odd_text(enum sim_odd odd);
bool sim_odd_is_out(enum sim_odd odd);

/* For --help: the columns and words. In arena. */
const char *sim_csv_help(struct arena *arena);

#endif
