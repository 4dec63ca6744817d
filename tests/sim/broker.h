/* The simulated cluster: logs of partitions, the coordinator of transactions and that of the group,
 * as Kafka 3.7 behaves towards the transaction protocol that librdkafka 2.0.2 speaks (an epoch
 * for the life of a producer, not for each transaction; partitions are verified when they are
 * produced to). It answers at once; the network is client.c's.
 *
 * Codes are the protocol's, as librdkafka numbers them. tests/sim/suite.c holds the same against a
 * real broker. */
#ifndef RINGBACK_TESTS_SIM_BROKER_H
#define RINGBACK_TESTS_SIM_BROKER_H

#include <librdkafka/rdkafka.h>

#include "base/record.h"
#include "tests/sim/world.h"

enum { broker_partitions_max = 4, broker_members_max = 8 };

enum broker_kind { BROKER_DATA, BROKER_COMMIT, BROKER_ABORT };

struct broker_entry {
    struct record record; /* owns its bytes; offset is its place */
    enum broker_kind kind;
    int64_t producer; /* 0: none */
    int16_t epoch;
    int64_t append_us; /* true time */
    bool open;         /* its transaction goes on */
    bool aborted;
    bool gone; /* compacted away */
};

void broker_begin(int32_t partitions);
void broker_end(void);
int32_t broker_partitions(void);

/* Told whenever a reader may see more (client.c). */
extern void (*broker_on_change)(enum topic topic, int32_t partition);

/* Who is away for a time: the leader of one partition, the transactions' or the group's
 * coordinator. */
void broker_leader_away(enum topic topic, int32_t partition, int64_t until_us);
void broker_transactions_away(int64_t until_us);
void broker_group_away(int64_t until_us);
bool broker_leader_is_away(enum topic topic, int32_t partition);
bool broker_group_is_away(void);
/* A foreign transaction is left open on an output: readers of committed records see nothing behind
 * it until it is ended. */
void broker_hang(enum topic topic, int32_t partition);
void broker_unhang(enum topic topic, int32_t partition); /* fine if none hangs */
/* The next transaction's markers reach their partitions only up to that much later. */
void broker_markers_late(int64_t us);

/* --- logs --- */

/* Outside transactions: the load. Copies. Returns the offset. */
int64_t broker_append(enum topic topic, int32_t partition, int64_t timestamp_ms, struct slice key,
                      struct slice value);
/* A foreign transaction's marker: an offset that no reader sees. */
void broker_append_marker(enum topic topic, int32_t partition);
int64_t broker_low(enum topic topic, int32_t partition);
int64_t broker_high(enum topic topic, int32_t partition);
int64_t broker_stable(enum topic topic, int32_t partition);
const struct broker_entry *broker_entry(enum topic topic, int32_t partition, int64_t offset);
/* Data that a reader of committed records sees. */
bool broker_visible(const struct broker_entry *entry);
/* What was written over and is older than that is dropped, as compaction does. Returns how many. */
size_t broker_compact(enum topic topic, int32_t partition, int64_t age_us);

/* --- transactions --- */

rd_kafka_resp_err_t broker_init_producer(const char *id, int64_t timeout_ms, int64_t *producer,
                                         int16_t *epoch);

struct broker_place {
    enum topic topic;
    int32_t partition;
};

rd_kafka_resp_err_t broker_add_partitions(const char *id, int64_t producer, int16_t epoch,
                                          const struct broker_place *places, size_t count);
/* Whether that producer ever wrote there. */
bool broker_knows(struct broker_place place, int64_t producer);
/* Records are copied. sequence: of the first; of a producer that never wrote there any is taken.
 * *base: offset of the first. */
rd_kafka_resp_err_t broker_produce(const char *id, struct broker_place place, int64_t producer,
                                   int16_t epoch, int32_t sequence, const struct record *records,
                                   size_t count, int64_t *base);
rd_kafka_resp_err_t broker_end_transaction(const char *id, int64_t producer, int16_t epoch,
                                           bool commit);
/* Transactions that have begun and not ended, markers included. */
size_t broker_open_transactions(void);

/* --- the group --- */

/* Members are named by their client. A member that joins is told of its assignment once all have
 * joined: `assigned` is called with [from, to) of the partitions, of every topic. */
struct broker_member {
    void *client;
    int64_t session_us;
    void (*assigned)(void *client, int32_t from, int32_t to, int generation);
};

rd_kafka_resp_err_t broker_join(const struct broker_member *member);
/* REBALANCE_IN_PROGRESS: give back and join again; UNKNOWN_MEMBER_ID: you are out. */
rd_kafka_resp_err_t broker_heartbeat(void *client, int generation);
void broker_leave(void *client);

#endif
