/* The metrics, one line each: METRIC(name, TYPE, unit, label, "help"). The name in the output is
 * ringback_NAME, with _UNIT (not for ONE) and, of a counter, _total behind it. Types: COUNTER,
 * GAUGE (one of the process: its workers' sum), WORKER_GAUGE (one a partition), HISTOGRAM. label is
 * one of METRIC_LABEL_MAP (metrics.h). Included more than once, on purpose. */
/* clang-format off */
METRIC(records_read, COUNTER, ONE, input, "Records read from an input.")
METRIC(records_decided, COUNTER, ONE, input, "Records that were decided.")
METRIC(records_undecided, COUNTER, ONE, undecided,
    "Records that were not decided: dead letters and repeats.")
METRIC(dead_letters, COUNTER, ONE, dead_letter, "Dead letters by the input they came from and why.")
METRIC(records_sent, COUNTER, ONE, output, "Records committed to an output.")
METRIC(decisions, COUNTER, ONE, decision,
    "What was decided: routing, analytics and answers, by kind and, where it has one, by reason.")
METRIC(commands, COUNTER, ONE, answered, "Commands answered, by kind and by what the answer was.")
METRIC(machine, COUNTER, ONE, machine, "What the rules counted.")
METRIC(batches, COUNTER, ONE, none, "Batches committed.")
METRIC(batch_records, HISTOGRAM, ONE, none, "Records decided in a batch.")
METRIC(decide, HISTOGRAM, SECONDS, none, "Time to decide a batch.")
METRIC(commit, HISTOGRAM, SECONDS, none,
    "Time to commit a batch to Kafka, looking up and sending again included.")
METRIC(delay, HISTOGRAM, SECONDS, none,
    "From the timestamp of a batch's oldest record to the batch's commit.")
METRIC(transactions_failed, COUNTER, ONE, failure,
    "Transactions that did not simply commit, by what became of them: unknown are those whose "
    "outcome was looked up, resent those that were then sent again.")
METRIC(producers_replaced, COUNTER, ONE, fault,
    "Producers closed with a transaction open and made anew, by why.")
METRIC(fenced, COUNTER, ONE, none, "Times that another process had taken a partition: alarm.")
METRIC(takeovers, COUNTER, ONE, none, "Partitions taken over.")
METRIC(takeover, HISTOGRAM, SECONDS, none, "Time to take a partition over.")
METRIC(torn_records, COUNTER, ONE, none, "State records found behind the last meta record: alarm.")
METRIC(digest_mismatches, COUNTER, ONE, store,
    "Times that count or digest of a copy did not match: alarm.")
METRIC(inputs_not_waited, COUNTER, ONE, none,
    "Times that deadlines did not wait any longer for an input that could not be read: alarm.")
METRIC(redis_batches, COUNTER, ONE, none, "Batches written to Redis.")
METRIC(redis_failures, COUNTER, ONE, none, "Calls of Redis that failed.")
METRIC(redis_write, HISTOGRAM, SECONDS, none,
    "Time to write to Redis: one call, of one batch or more.")
METRIC(redis_backlog, WORKER_GAUGE, BYTES, none,
    "Changes that are kept until Redis can be written.")
METRIC(redis_behind, WORKER_GAUGE, ONE, none, "Batches that Redis is behind.")
METRIC(redis_lag, WORKER_GAUGE, SECONDS, none, "How long Redis has lacked something.")
METRIC(partitions, GAUGE, ONE, none, "Partitions that this process decides.")
METRIC(partitions_assigned, GAUGE, ONE, none, "Partitions that the group gave to this process.")
METRIC(worker_state, WORKER_GAUGE, ONE, state, "1 for the state that the partition's worker is in.")
METRIC(input_waiting, WORKER_GAUGE, ONE, input, "Records fetched and not yet decided.")
METRIC(lag_records, WORKER_GAUGE, ONE, input,
    "Records of an input that wait on Kafka or here for their decision, as far as its end is "
    "known.")
METRIC(lag, WORKER_GAUGE, SECONDS, input,
    "Age of the oldest record fetched from an input that waits for its decision.")
METRIC(timers, WORKER_GAUGE, ONE, none, "Deadlines set.")
METRIC(timers_overdue, WORKER_GAUGE, ONE, none,
    "Deadlines that are due and have not fired, counted up to 10,000.")
METRIC(timers_late, WORKER_GAUGE, SECONDS, none,
    "How long the earliest deadline that is due has not fired.")
METRIC(clock_slow, WORKER_GAUGE, ONE, none, "1 while the clock waits for the wall clock: alarm.")
METRIC(transaction_hangs, WORKER_GAUGE, ONE, none,
    "1 while a transaction hangs on an output: alarm.")
METRIC(callbacks, WORKER_GAUGE, ONE, none, "Callbacks that have not ended.")
METRIC(entities, WORKER_GAUGE, ONE, none, "Entities on the state topic.")
METRIC(memory_resident, GAUGE, BYTES, none, "Memory of the process.")
METRIC(memory_over, GAUGE, ONE, none, "1 while that is over memory_limit: alarm.")
METRIC(memory, WORKER_GAUGE, BYTES, memory,
    "Memory of a partition by what it is for: the rules' entities and indexes, changes kept for "
    "Redis, records fetched, the batch.")
METRIC(spans_written, COUNTER, ONE, none, "Spans written to trace.file or trace.topic.")
METRIC(spans_dropped, COUNTER, ONE, lost,
    "Spans that were not written: the queue was full, the file or the topic did not take them.")
METRIC(view_callbacks, GAUGE, ONE, none, "Callbacks that the view knows, ended ones included.")
METRIC(view_memory, GAUGE, BYTES, none, "Memory of what the view knows.")
METRIC(view_behind, GAUGE, SECONDS, none, "How far what the view shows is behind.")
METRIC(view_requests, COUNTER, ONE, none, "Requests that the view answered.")
METRIC(view_refused, COUNTER, ONE, none, "Of them, those answered with a problem (4xx, 5xx).")
METRIC(view_answer, HISTOGRAM, SECONDS, none, "Time to make an answer.")
/* clang-format on */
