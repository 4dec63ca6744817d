/* What the view knows: callbacks, queues, agents and waiting calls as topic `state` has them, in
 * compact rows that are found, counted and ordered quickly. Reads no topic and has no locks: one
 * writer (model_apply) or many readers, its owner sees to it (follower.h).
 *
 * Of each callback: a row of 64 bytes that filters scan, one of 32 for searches in texts, the rest,
 * and its texts in one piece; by domain and class two balanced trees (due and created) and one by
 * the last change, in which a page is found in O(log n). About 300 bytes in all. */
#ifndef RINGBACK_VIEW_MODEL_H
#define RINGBACK_VIEW_MODEL_H

#include "base/arena.h"
#include "base/err.h"
#include "base/order.h"
#include "base/pool.h"
#include "base/table.h"
#include "view/strings.h"

#include "ringback/v1/state.pb-c.h"

/* Which lists a callback is on. */
enum view_class {
    VIEW_CLASS_SHOWN, /* scheduled by agents and campaigns, lives (9.1) */
    VIEW_CLASS_OTHER, /* in-queue or voicemail, lives */
    VIEW_CLASS_SHOWN_ENDED,
    VIEW_CLASS_OTHER_ENDED,
    VIEW_CLASS_COUNT
};

enum view_tree { VIEW_TREE_DUE, VIEW_TREE_CREATED, VIEW_TREE_UPDATED, VIEW_TREE_COUNT };

/* What filters scan. Handles are those of model.strings, queue of model.queues, domain of
 * model.domains; 0: none. */
struct view_row {
    int64_t due_ms; /* INT64_MAX: none, so that it sorts last */
    int64_t created_ms;
    int64_t updated_ms;
    uint64_t number; /* its digits, 4 bits each (digit + 1), from the top; see view_digits() */
    uint32_t domain;
    uint32_t queue;
    uint32_t owner;
    uint32_t scheduled_by;
    uint32_t agent;
    uint32_t campaign;
    uint8_t kind; /* 0: the row is free, and domain names the next free one */
    uint8_t state;
    uint8_t reason;
    uint8_t class;
    uint32_t text_size;
};

/* What searches in texts scan. */
struct view_search {
    uint64_t name_key; /* the first 8 letters of the name, small, from the top */
    uint64_t pairs;    /* a bit of 64 for each two letters that stand together in the names */
    uint64_t ids[2];   /* hashes of conversation and interaction; 0: none */
};

enum view_text {
    VIEW_TEXT_NUMBER,
    VIEW_TEXT_NAME,
    VIEW_TEXT_CALLEE,
    VIEW_TEXT_CONVERSATION,
    VIEW_TEXT_INTERACTION,
    VIEW_TEXT_CONTACT,
    VIEW_TEXT_CALLER_ID,
    VIEW_TEXT_COUNT
};

struct view_rest {
    uint8_t id[16];
    char *texts; /* VIEW_TEXT_COUNT of them, each terminated, one behind the other */
    int64_t since_ms, entry_ms, resume_ms, ended_ms, owner_end_ms, local_ms;
    uint32_t zone, script;
    uint32_t attempts, retries, snoozes;
    int32_t partition;
};

struct view_domain {
    uint32_t id; /* string */
    int32_t partition;
    struct order trees[VIEW_CLASS_COUNT][VIEW_TREE_COUNT];
};

struct view_queue {
    uint32_t domain, id, name; /* name: a string; 0: none */
    bool there;                /* has settings */
    bool closed;
    int64_t estimate_ms; /* -1: none was told */
    uint32_t live;       /* callbacks that have not ended */
};

struct view_agent {
    uint32_t domain, id, name;
    uint8_t presence, status;
    bool removed, there;
    uint32_t queue_count;
    uint32_t *queues; /* handles of queues */
};

struct view_call {   /* one that waits */
    uint8_t key[16]; /* hash of its state key */
    uint32_t domain, queue;
    int64_t entry_ms;
};

struct view_model {
    struct strings strings;
    struct pool rows, searches, rests; /* the same handles */
    uint32_t row_free;
    uint32_t row_end; /* handles below it were taken once */
    size_t row_count;
    struct table row_table;
    struct order_nodes nodes;
    struct view_domain *domains; /* [0] is nobody's */
    uint32_t domain_count, domain_room;
    struct view_queue *queues;
    uint32_t queue_count, queue_room;
    struct view_agent *agents;
    uint32_t agent_count, agent_room;
    struct table domain_table, queue_table, agent_table, call_table;
    struct pool calls;
    size_t text_bytes;
    uint64_t counts[VIEW_CLASS_COUNT];
    uint64_t unread; /* records that this program does not understand */
};

void model_init(struct view_model *model);
void model_deinit(struct view_model *model);

/* One record of topic state but for meta; value.data NULL: a tombstone. arena is scratch. What
 * cannot be read is counted and left out. */
void model_apply(struct view_model *model, int32_t partition, struct slice key, struct slice value,
                 struct arena *arena);
/* All that came from the partition goes: its topic was made anew. */
void model_forget(struct view_model *model, int32_t partition);

/* 0: there is none. */
uint32_t model_find(const struct view_model *model, struct slice domain, const uint8_t id[16]);
uint32_t model_find_domain(const struct view_model *model, struct slice id);
uint32_t model_find_queue(const struct view_model *model, uint32_t domain, uint32_t id);
uint32_t model_find_agent(const struct view_model *model, uint32_t domain, uint32_t id);

static inline struct view_row *model_row(const struct view_model *model, uint32_t handle)
{
    return pool_at(&model->rows, handle);
}

static inline struct view_search *model_search(const struct view_model *model, uint32_t handle)
{
    return pool_at(&model->searches, handle);
}

static inline struct view_rest *model_rest(const struct view_model *model, uint32_t handle)
{
    return pool_at(&model->rests, handle);
}

static inline const char *model_string(const struct view_model *model, uint32_t string)
{
    return strings_text(&model->strings, string);
}

/* All texts at once; "" where there is none. Lent until the next change. */
void model_texts(const struct view_model *model, uint32_t handle,
                 const char *texts[VIEW_TEXT_COUNT]);
/* What people call it, else its id. */
const char *model_queue_name(const struct view_model *model, uint32_t queue);
/* It has an owner who was not removed. */
bool model_owned(const struct view_model *model, uint32_t handle);

int64_t model_tree_key(const struct view_row *row, enum view_tree tree);
/* Ties in the trees go by id. sought: the id that handle 0 stands for; outlives the use. */
struct model_order {
    const struct view_model *model;
    const uint8_t *sought;
};
struct order_compare model_compare(const struct model_order *order);

/* What it holds of memory, but for what malloc adds. */
size_t model_bytes(const struct view_model *model);
/* NULL, or what does not fit together. Slow; for tests. */
const char *model_fault(const struct view_model *model);

/* --- parts of it that queries use too --- */

/* The first 15 digits of the text; whatever else is in it is left out. */
uint64_t view_digits(const char *text, int *count);
/* The bits of all pairs of letters in the text. */
uint64_t view_pairs(const char *text);
uint64_t view_name_key(const char *name);
uint64_t view_id_hash(const char *id);
/* Small letters: A to Z only, as the C library's may be the locale's. */
static inline unsigned char view_small(char letter)
{
    return (unsigned char)(letter >= 'A' && letter <= 'Z' ? letter | 0x20 : letter);
}
int view_compare_small(const char *left, const char *right);

enum { view_id_size = 37 };
/* "xxxxxxxx-xxxx-..."; in text, which is returned. */
const char *view_id_text(const uint8_t id[16], char text[view_id_size]);
/* In any case. False: it is none of a callback. */
bool view_id_parse(struct slice text, uint8_t id[16]);

#endif
