/* The options, one line each:
 * OPTION(section, field, key, type, default, min, max, choices, flags, "help")
 * field is struct options's, of the type's C type (options.h). default is as a user writes it. min
 * and max are in ms, bytes, letters or plain numbers, by type. flags: DECIDES (changes decisions:
 * goes into the journal), RELOAD (may change while running), SECRET (is not shown), 0. Help is one
 * sentence or more for CONFIG.md; it names its rule. Included more than once, on purpose. */
/* clang-format off */
OPTION(KAFKA, group, "group", TEXT, "ringback", 1, 200, NULL, 0,
    "Name of the consumer group, and with -0, -1, ... of the transactional ids: two "
    "installations on one broker need two.")
OPTION(KAFKA, group_instance_id, "group_instance_id", TEXT, "", 0, 200, NULL, 0,
    "Static membership: a name of this process's own. Set, a restart within the session "
    "time-out moves no partitions; empty, a process that stops leaves at once.")
OPTION(KAFKA, session_timeout_ms, "session_timeout_ms", MS, "10000", 1000, 1800000, NULL, 0,
    "How long a process may be silent until the group gives its partitions to others.")
OPTION(KAFKA, transaction_timeout_ms, "transaction_timeout_ms", MS, "15000", 1000, 900000, NULL, 0,
    "How long a commit is tried before its outcome is looked up.")
OPTION(KAFKA, max_partitions, "max_partitions", INT, "32", 1, 1024, NULL, 0,
    "More partitions than this are refused: each costs a thread, a producer and a share of the "
    "transactions.")
OPTION(KAFKA, partitioner, "partitioner", CHOICE, "murmur2", 0, 0, "murmur2|crc32", DECIDES,
    "How producers of the inputs map keys to partitions: murmur2 as Java clients, crc32 as "
    "librdkafka's default. A record on another partition is a dead letter.")
OPTION(KAFKA, kafka_sasl_password_file, "kafka.sasl.password_file", TEXT, "", 0, 1000, NULL, 0,
    "A file with the password of kafka.sasl.username, in place of kafka.sasl.password. Read at "
    "each start.")
OPTION(KAFKA, kafka_ssl_key_password_file, "kafka.ssl.key.password_file", TEXT, "", 0, 1000, NULL,
    0, "A file with the password of kafka.ssl.key.location, in place of kafka.ssl.key.password.")
OPTION(TOPICS, topics_prefix, "topics.prefix", TEXT, "ringback.", 0, 100, NULL, 0,
    "What every topic's name begins with, unless it is named by itself.")
OPTION(TOPICS, topics_dlq_suffix, "topics.dlq_suffix", TEXT, ".dlq", 1, 50, NULL, 0,
    "What is put behind an input's name for its dead letters.")
OPTION(TOPICS, topics_settings, "topics.settings", TEXT, "", 0, 249, NULL, 0,
    "Full name of the input settings; empty: the prefix and settings.")
OPTION(TOPICS, topics_interactions, "topics.interactions", TEXT, "", 0, 249, NULL, 0,
    "Full name of the input interactions.")
OPTION(TOPICS, topics_presence, "topics.presence", TEXT, "", 0, 249, NULL, 0,
    "Full name of the input presence.")
OPTION(TOPICS, topics_flows, "topics.flows", TEXT, "", 0, 249, NULL, 0,
    "Full name of the input flows.")
OPTION(TOPICS, topics_commands, "topics.commands", TEXT, "", 0, 249, NULL, 0,
    "Full name of the input commands.")
OPTION(TOPICS, topics_routing, "topics.routing", TEXT, "", 0, 249, NULL, 0,
    "Full name of the output routing.")
OPTION(TOPICS, topics_analytics, "topics.analytics", TEXT, "", 0, 249, NULL, 0,
    "Full name of the output analytics.")
OPTION(TOPICS, topics_results, "topics.results", TEXT, "", 0, 249, NULL, 0,
    "Full name of the output results.")
OPTION(TOPICS, topics_state, "topics.state", TEXT, "", 0, 249, NULL, 0,
    "Full name of the topic state.")
OPTION(TOPICS, topics_journal, "topics.journal", TEXT, "", 0, 249, NULL, 0,
    "Full name of the topic journal.")
OPTION(FRAMING, framing_confluent, "framing.confluent", TEXT, "none", 0, 100, NULL, DECIDES,
    "Topics whose values are in the Confluent wire format (a byte 0, the schema's id, message "
    "indexes, then protobuf): all, inputs, outputs, or names as flows, routing. An input's value "
    "without it is a dead letter then. Values of the others are plain protobuf.")
OPTION(FRAMING, framing_schema_ids, "framing.schema_ids", TEXT, "", 0, 200, NULL, DECIDES,
    "The schemas' ids in the registry, as routing=7, analytics=8, results=9: of each output that "
    "framing.confluent names, and of inputs that commands write (settings by queues apply).")
OPTION(BATCH, commit_interval_ms, "commit_interval_ms", MS, "0", 0, 10000, NULL, RELOAD,
    "Least time between two transactions of a partition. 0: by itself, a few milliseconds, "
    "more with many active partitions.")
OPTION(BATCH, batch_records_max, "batch.records_max", INT, "20000", 1, 100000, NULL, RELOAD,
    "Most records in one batch.")
OPTION(BATCH, batch_timers_max, "batch.timers_max", INT, "1000", 1, 100000, NULL, RELOAD,
    "Most timers that fire in one batch.")
OPTION(BATCH, batch_bytes_max, "batch.bytes_max", SIZE, "32MiB", 65536, 268435456, NULL, RELOAD,
    "Output bytes that end a batch.")
OPTION(BATCH, memory_limit, "memory_limit", SIZE, "0", 0, INT64_C(1) << 46, NULL, 0,
    "Memory that the process should not pass. Of it an eighth each bounds what is fetched, what is "
    "held to be decided, batches, and changes kept for Redis: what does not fit waits on Kafka. "
    "Callbacks themselves are not bounded by it: over it is an error line and a metric. 0: none.")
OPTION(BATCH, dlq_bytes_max, "dlq_bytes_max", SIZE, "900kB", 1024, 67108864, NULL, DECIDES,
    "A longer value is cut in its dead letter, its size in a header. Not above "
    "max.message.bytes of the dead-letter topics.")
OPTION(TIME, clock, "clock", CHOICE, "wall", 0, 0, "wall|event", DECIDES,
    "wall: live. event: the records' own timestamps, for recorded logs, never before a real "
    "switch (12.14).")
OPTION(TIME, merge_wait_ms, "merge_wait_ms", MS, "5", 0, 5000, NULL, RELOAD,
    "How long records of the other inputs are waited for at an input's end, so that they are "
    "merged by time.")
OPTION(TIME, horizon_wait_stop_ms, "horizon_wait_stop_ms", MS, "60000", 0, 3600000, NULL, 0,
    "How long deadlines that a record could stop (offers, dials) wait for an input that cannot "
    "be read (12.14).")
OPTION(TIME, horizon_wait_ms, "horizon_wait_ms", MS, "5000", 0, 3600000, NULL, 0,
    "How long other deadlines wait for it (12.14).")
OPTION(TIME, max_clock_skew_ms, "max_clock_skew_ms", MS, "5000", 0, 3600000, NULL, 0,
    "A saved clock further than this ahead of the wall clock is an alarm, and time goes at "
    "half pace until they meet.")
OPTION(TIME, event_jump_max, "event_jump_max", DURATION, "31d", 60000, 400 * DAY_MS, NULL, DECIDES,
    "clock: event only. A record further than this ahead of the clock is a dead letter, unless "
    "the next one is too.")
OPTION(REDIS, redis_enabled, "redis.enabled", BOOL, "true", 0, 0, NULL, 0,
    "Keep a copy of the state in Redis, for the view and quick restarts. Nothing is lost without.")
OPTION(REDIS, redis_url, "redis.url", TEXT, "redis://127.0.0.1:6379/0", 1, 1000, NULL, SECRET,
    "redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE], rediss:// for TLS, unix://PATH for a socket.")
OPTION(REDIS, redis_password_file, "redis.password_file", TEXT, "", 0, 1000, NULL, 0,
    "A file with the password of redis.url's user (redis://USER@HOST, or none), in place of a "
    "password there. Read at each connect.")
OPTION(REDIS, redis_tls_ca, "redis.tls_ca", TEXT, "", 0, 1000, NULL, 0,
    "For rediss://: a PEM file with the authorities that may have signed the server's "
    "certificate. Empty: those of the system.")
OPTION(REDIS, redis_tls_certificate, "redis.tls_certificate", TEXT, "", 0, 1000, NULL, 0,
    "For rediss://: a PEM file with our own certificate, for a server that demands one.")
OPTION(REDIS, redis_tls_key, "redis.tls_key", TEXT, "", 0, 1000, NULL, 0,
    "For rediss://: a PEM file with the key of redis.tls_certificate, without a password.")
OPTION(REDIS, redis_tls_name, "redis.tls_name", TEXT, "", 0, 253, NULL, 0,
    "For rediss://: the name that the server's certificate must carry. Empty: the host that is "
    "connected to.")
OPTION(REDIS, redis_sentinels, "redis.sentinels", TEXT, "", 0, 1000, NULL, 0,
    "HOST:PORT,HOST:PORT,...: Sentinels that are asked at each connect who the master is. "
    "redis.url then gives user, password, database and TLS; its host and port are not used.")
OPTION(REDIS, redis_sentinel_master, "redis.sentinel_master", TEXT, "", 0, 200, NULL, 0,
    "The master's name, as the Sentinels' configuration calls it.")
OPTION(REDIS, redis_sentinel_user, "redis.sentinel_user", TEXT, "", 0, 120, NULL, 0,
    "The user at the Sentinels, where they have several.")
OPTION(REDIS, redis_sentinel_password_file, "redis.sentinel_password_file", TEXT, "", 0, 1000,
    NULL, 0, "A file with the password of the Sentinels themselves. Read at each connect.")
OPTION(REDIS, redis_timeout_ms, "redis.timeout_ms", MS, "2000", 10, 60000, NULL, 0,
    "How long an answer of Redis is waited for before the connection is made anew.")
OPTION(REDIS, redis_backlog, "redis_backlog", SIZE, "64MiB", 0, 17179869184, NULL, RELOAD,
    "Changes kept per partition while Redis is down; beyond it they are read from the state "
    "topic later.")
OPTION(RULES, dedupe_window, "dedupe_window", DURATION, "7d", 60000, 400 * DAY_MS, NULL, DECIDES,
    "How long a request's answer is remembered, so that a repeat gets the same (11.1). Not "
    "below the inputs' retention.")
OPTION(RULES, retention, "retention", DURATION, "30d", 60000, 4000 * DAY_MS, NULL, DECIDES,
    "How long an ended callback stays on state and in Redis, for the view (9.1): the longer of "
    "this and dedupe_window.")
OPTION(RULES, late_window, "late_window", DURATION, "1h", 0, 30 * DAY_MS, NULL, DECIDES,
    "How long the end of a live call is remembered, so that a late entry puts no released call "
    "back in line (12.8).")
OPTION(RULES, late_request, "late_request", DURATION, "60s", 0, DAY_MS, NULL, DECIDES,
    "How long after hanging up Create Callback is still accepted (1.11).")
OPTION(RULES, answer_grace, "answer_grace", DURATION, "2s", 0, 60000, NULL, DECIDES,
    "How long Interacting may stand without an accept before the offer is revoked (5.5).")
OPTION(RULES, missed_pause, "missed_pause", DURATION, "300s", 0, DAY_MS, NULL, DECIDES,
    "How long an agent gets no offer after one that timed out, if no newer status comes (5.5).")
OPTION(RULES, decline_pause, "decline_pause", DURATION, "60s", 0, DAY_MS, NULL, DECIDES,
    "How long an agent is not offered a callback again that he declined (5.5).")
OPTION(RULES, owner_answer, "owner_answer", DURATION, "20s", 0, 10 * 60000, NULL, DECIDES,
    "In a customer-first queue: how long an answered customer waits for the callback's owner alone "
    "(3.6).")
OPTION(RULES, reclaim_after, "reclaim_after", DURATION, "60s", 0, DAY_MS, NULL, DECIDES,
    "An accepted callback is taken back when its agent is gone so long (6.5).")
OPTION(RULES, preview_max, "preview_max", DURATION, "30m", 1000, DAY_MS, NULL, DECIDES,
    "An accepted callback is taken back when it is not dialled so long, without auto-dial (6.5).")
OPTION(RULES, after_call_max, "after_call_max", DURATION, "60m", 1000, DAY_MS, NULL, DECIDES,
    "How long an agent may do nothing after a call (6.5, 12.6).")
OPTION(RULES, contact_min, "contact_min", DURATION, "20s", 0, DAY_MS, NULL, DECIDES,
    "A customer who talked so long in another interaction is served (12.2).")
OPTION(RULES, window_overrun, "window_overrun", DURATION, "15m", 0, DAY_MS, NULL, DECIDES,
    "How long a holder may still dial when his queue closed or does not serve (12.3, 12.10).")
OPTION(RULES, presence_ttl, "presence_ttl", DURATION, "off", 0, 30 * DAY_MS, NULL, DECIDES,
    "An agent of whom nothing is heard so long is off queue; only where presence is repeated "
    "(12.7); by default never.")
OPTION(RULES, call_ttl, "call_ttl", DURATION, "4h", 60000, 30 * DAY_MS, NULL, DECIDES,
    "A connected call without an event so long is ended (12.7).")
OPTION(RULES, live_wait_ttl, "live_wait_ttl", DURATION, "2h", 60000, 30 * DAY_MS, NULL, DECIDES,
    "A live call in line without an event so long leaves it (12.7).")
OPTION(RULES, inactivity, "inactivity", DURATION, "14d", 60000, 400 * DAY_MS, NULL, DECIDES,
    "Analytics end a conversation so long after a callback's last update (10.2).")
OPTION(RULES, still_waiting, "still_waiting", DURATION, "14d", 60000, 400 * DAY_MS, NULL, DECIDES,
    "How often StillWaiting is said of a callback in line (12.6).")
OPTION(RULES, idle_reset, "idle_reset", CHOICE, "last_interaction", 0, 0,
    "last_interaction|presence", DECIDES,
    "What an agent's idle time counts from (5.4).")
OPTION(RULES, holds_line, "holds_line", MEDIA, "voice", 0, 0, NULL, DECIDES,
    "Media whose waiting interactions take an agent ahead of later callbacks (5.3): voice, "
    "email, message, chat.")
OPTION(RULES, callback_beside, "callback_beside", MEDIA, "email", 0, 0, NULL, DECIDES,
    "Media beside which an agent is given callbacks (5.2).")
OPTION(HTTP, http_listen, "http.listen", TEXT, "", 0, 150, NULL, 0,
    "Address and port, as 127.0.0.1:9464, at which /livez, /readyz and /metrics are answered, "
    "without a password: an address that only those who may see them reach. Empty: none.")
OPTION(HTTP, health_behind, "health_behind", DURATION, "10s", 100, 3600000, NULL, 0,
    "What waits longer for its decision, or lacks longer in Redis, is a warning in /readyz.")
OPTION(TRACE, trace_begin, "trace.begin", CHOICE, "sampled", 0, 0, "no|unsampled|sampled", DECIDES,
    "What outputs carry as traceparent when their cause has none (deadlines, inputs without that "
    "header): no: nothing; else a trace that begins here, the callback's own, marked as sampled "
    "or not.")
OPTION(TRACE, trace_file, "trace.file", TEXT, "", 0, 1000, NULL, 0,
    "A file to which a span of each decision is appended once it is committed, as OTLP/JSON, one "
    "request a line. Opened anew when it is renamed or removed. Empty: none.")
OPTION(TRACE, trace_topic, "trace.topic", TEXT, "", 0, 249, NULL, 0,
    "Full name of a topic for the same, one request a record. It must exist. Empty: none.")
OPTION(TRACE, trace_percent, "trace.percent", INT, "100", 0, 100, NULL, 0,
    "Of how many traces in a hundred spans are written; the same ones in every process, chosen by "
    "trace id. What comes unsampled is never written.")
OPTION(VIEW, view_listen, "view.listen", TEXT, "127.0.0.1:8780", 1, 150, NULL, 0,
    "Address and port of `ringback view`: page, API, /livez, /readyz and /metrics. It speaks HTTP; "
    "TLS is a proxy's before it.")
OPTION(VIEW, view_jwks, "view.jwks", TEXT, "", 0, 1000, NULL, 0,
    "JWKS file with the public keys that viewers' tokens are signed with, RS256 or ES256 (9.3). "
    "Read again when it changes.")
OPTION(VIEW, view_hs256_secret_file, "view.hs256_secret_file", TEXT, "", 0, 1000, NULL, 0,
    "File with a secret of 32 bytes or more for tokens by HS256: for development, as who can check "
    "them can make them.")
OPTION(VIEW, view_issuer, "view.issuer", TEXT, "", 0, 1000, NULL, 0,
    "What a token's iss must be; empty: it is not asked.")
OPTION(VIEW, view_audience, "view.audience", TEXT, "", 0, 1000, NULL, 0,
    "What a token's aud must name; empty: it is not asked.")
OPTION(VIEW, view_development, "view.development", BOOL, "false", 0, 0, NULL, 0,
    "No token is asked for and everything is allowed; only where view.listen is 127.0.0.1 or "
    "[::1].")
OPTION(VIEW, view_rate, "view.rate", INT, "50", 1, 1000000, NULL, 0,
    "Requests a second of one viewer, and failed ones of one address; twice as many may come at "
    "once.")
OPTION(VIEW, view_answer_wait, "view.answer_wait", DURATION, "15s", 100, 15000, NULL, 0,
    "How long answers to cancel, reschedule and reassign are waited for.")
OPTION(VIEW, view_export_recent_max, "view.export_recent_max", INT, "10000", 1, 10000, NULL, 0,
    "Most conversations created in the last 12 hours in one export (9.5).")
OPTION(VIEW, view_export_older_max, "view.export_older_max", INT, "1000000", 1, 1000000, NULL, 0,
    "Most older conversations in one export (9.5).")
OPTION(LOG, log_level, "log.level", CHOICE, "info", 0, 0, "debug|info|warn|error", RELOAD,
    "The least level that is logged.")
OPTION(LOG, log_format, "log.format", CHOICE, "auto", 0, 0, "auto|json|text", RELOAD,
    "json: one object a line; text: for people; auto: text on a terminal.")
/* clang-format on */
