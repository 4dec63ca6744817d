/* The settings file: one YAML file of domains with their queues, agents, scripts and zones, read
 * into the messages of settings.proto. Every key stands in one table, from which the file is read,
 * its page docs/settings.md is made and a test sees that no field of the contract is forgotten.
 *
 * Reading finds all that is wrong, not only the first: unknown keys, wrong types, values out of the
 * limits (state/limits.h), references to scripts that are not there; and warns of what holds but
 * will disappoint (rules.md 13.1). It talks to no server. Zones come from the system's zone data.
 */
#ifndef RINGBACK_DAEMON_SETTINGS_FILE_H
#define RINGBACK_DAEMON_SETTINGS_FILE_H

#include <stdio.h>

#include "base/arena.h"
#include "base/err.h"

#include "ringback/v1/settings.pb-c.h"

/* In the order in which they are sent: what others refer to comes first. */
#define SETTINGS_KIND_MAP(X)                                                                       \
    X(ZONE, zone)                                                                                  \
    X(DOMAIN, domain)                                                                              \
    X(SCRIPT, script)                                                                              \
    X(AGENT, agent)                                                                                \
    X(QUEUE, queue)

#define SETTINGS_KIND_ENUM_(name, word) SETTINGS_##name,
enum settings_kind { SETTINGS_KIND_MAP(SETTINGS_KIND_ENUM_) SETTINGS_KIND_COUNT };
#undef SETTINGS_KIND_ENUM_

/* "queue"; the word that results use. */
const char *settings_kind_name(enum settings_kind kind);

/* One thing to set. message is a ZoneTable, DomainSettings, ScriptSettings, AgentSettings or
 * QueueSettings whose version is 0: who sends it gives it one. */
struct settings_item {
    enum settings_kind kind;
    const char *domain;
    const char *id; /* "" of a domain */
    int line;       /* where it stands in the file; of a zone: where it is first named */
    int column;
    ProtobufCMessage *message;
};

/* Lines and columns count from 1. */
struct settings_problem {
    bool warning; /* the file holds all the same */
    int line;
    int column;
    const char *where; /* "bank: queues: support: ring_timeout" */
    const char *text;  /* why, and what is allowed */
    const char *rule;  /* of rules.md: "6.1"; "" */
};

/* Everything in it lives in its arena. */
struct settings {
    struct arena arena;
    const char *path; /* borrowed */
    struct settings_item *items;
    size_t item_count;
    struct settings_problem *problems; /* in the order of lines */
    size_t problem_count;
    size_t error_count; /* problems that are no warnings */
};

void settings_init(struct settings *settings);
void settings_deinit(struct settings *settings);

/* Reads the file at path ("-": standard input). All of it is read, whatever is wrong.
 * Errors: ERR_IO (cannot be opened or read), ERR_BAD_SETTINGS (error_count > 0; the note holds the
 * first, settings->problems all; the items are not to be used). */
MUST_CHECK enum err settings_read(struct settings *settings, const char *path,
                                  struct err_note *note);

/* The same from memory; path is for messages. */
MUST_CHECK enum err settings_read_text(struct settings *settings, const char *path,
                                       const char *text, size_t size, struct err_note *note);

/* One more warning, shown where item stands. text is copied, rule is kept; problems stay in the
 * order of lines. */
void settings_warn(struct settings *settings, const struct settings_item *item, const char *rule,
                   const char *text);

struct yaml_document_s;
struct yaml_node_s;

/* One domain's mapping (what stands under an id in `domains`) within another YAML file. Once for
 * each struct settings. */
MUST_CHECK enum err settings_read_domain(struct settings *settings, const char *path,
                                         struct yaml_document_s *document,
                                         const struct yaml_node_s *node, const char *domain,
                                         struct err_note *note);

/* One line: "FILE:12:7: error: bank: queues: support: ...: why (rule 5.5)". */
void settings_problem_print(const struct settings *settings, const struct settings_problem *problem,
                            FILE *out);

/* docs/settings.md, made of the table. */
void settings_print_reference(FILE *out);

/* For the test that nothing is forgotten: does a key of the file set this field of the contract? */
bool settings_sets_field(const ProtobufCMessageDescriptor *message, const char *field);

/* The SettingsEvent of item with version, packed into arena; *id is its event id, which is derived
 * from what it says: the same settings sent twice change nothing. */
struct slice settings_item_event(const struct settings_item *item, uint64_t version,
                                 struct arena *arena, const char **id);

#endif
