/* The metrics, one line each: METRIC(name, TYPE, unit, label, "help"). The name in the output is
 * ringback_NAME, with _UNIT (not for ONE) and, of a counter, _total behind it. Types: COUNTER,
 * GAUGE (one of the process: its workers' sum), WORKER_GAUGE (one a partition), HISTOGRAM. label is
 * one of METRIC_LABEL_MAP (metrics.h). Included more than once, on purpose. */
/* clang-format off */
METRIC(records_read, COUNTER, ONE, input, "Records read from an input.")
METRIC(records_decided, COUNTER, ONE, input, "Records that were decided.")
METRIC(records_undecided, COUNTER, ONE, undecided,
    "Records that were not decided: dead letters and repeats.")
METRIC(records_sent, COUNTER, ONE, output, "Records committed to an output.")
METRIC(machine, COUNTER, ONE, machine, "What the rules counted.")
METRIC(batches, COUNTER, ONE, none, "Batches committed.")
METRIC(batch_records, HISTOGRAM, ONE, none, "Records decided in a batch.")
METRIC(decide, HISTOGRAM, SECONDS, none, "Time to decide a batch.")
METRIC(commit, HISTOGRAM, SECONDS, none, "Time to commit a batch to Kafka.")
METRIC(delay, HISTOGRAM, SECONDS, none, "From a record's timestamp to the commit of its decision.")
METRIC(transactions_failed, COUNTER, ONE, failure, "Transactions that did not simply commit.")
METRIC(takeovers, COUNTER, ONE, none, "Partitions taken over.")
METRIC(takeover, HISTOGRAM, SECONDS, none, "Time to take a partition over.")
METRIC(torn_records, COUNTER, ONE, none, "State records found behind the last meta record: alarm.")
METRIC(digest_mismatches, COUNTER, ONE, store,
    "Times that count or digest of a copy did not match: alarm.")
METRIC(redis_batches, COUNTER, ONE, none, "Batches written to Redis.")
METRIC(redis_failures, COUNTER, ONE, none, "Calls of Redis that failed.")
METRIC(redis_write, HISTOGRAM, SECONDS, none, "Time to write a batch to Redis.")
METRIC(redis_backlog, WORKER_GAUGE, BYTES, none,
    "Changes that are kept until Redis can be written.")
METRIC(redis_behind, WORKER_GAUGE, ONE, none, "Batches that Redis is behind.")
METRIC(redis_lag, WORKER_GAUGE, SECONDS, none, "How long Redis has lacked something.")
METRIC(partitions, GAUGE, ONE, none, "Partitions that this process decides.")
METRIC(input_waiting, WORKER_GAUGE, ONE, input, "Records fetched and not yet decided.")
METRIC(timers_late, WORKER_GAUGE, SECONDS, none,
    "How long the earliest deadline that is due has not fired.")
METRIC(lag, WORKER_GAUGE, SECONDS, none, "Age of the oldest record that waits for its decision.")
METRIC(clock_slow, WORKER_GAUGE, ONE, none, "1 while the clock waits for the wall clock: alarm.")
METRIC(callbacks, WORKER_GAUGE, ONE, none, "Callbacks that have not ended.")
METRIC(entities, WORKER_GAUGE, ONE, none, "Entities on the state topic.")
METRIC(memory_resident, GAUGE, BYTES, none, "Memory of the process.")
METRIC(memory_over, GAUGE, ONE, none, "1 while that is over memory_limit: alarm.")
METRIC(memory, WORKER_GAUGE, BYTES, none, "Memory of the callbacks, calls, agents and queues.")
/* clang-format on */
