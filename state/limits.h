/* The limits of the rule book (14.1), once. Durations are milliseconds unless the name says
 * seconds; MIN and MAX are allowed themselves. */
#ifndef RINGBACK_STATE_LIMITS_H
#define RINGBACK_STATE_LIMITS_H

#include <stdint.h>

#define SECOND_MS INT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS   (60 * MINUTE_MS)
#define DAY_MS    (24 * HOUR_MS)

/* name, value, rule, what it bounds */
#define LIMIT_MAP(X)                                                                               \
    X(SCHEDULE_AHEAD_MS, 30 * DAY_MS, "2.2", "schedule ahead, at most")                            \
    X(SCHEDULE_DEFAULT_MS, 30 * MINUTE_MS, "2.2", "schedule, when left out")                       \
    X(OWNERSHIP_S_MIN, 3600, "3.2", "ownership duration and ahead, s, at least")                   \
    X(OWNERSHIP_S_MAX, 30 * 86400, "3.2", "ownership duration and ahead, s, at most")              \
    X(OWNERSHIP_S_DEFAULT, 86400, "3.2", "ownership duration, s, default")                         \
    X(OWNERSHIP_AHEAD_S_DEFAULT, 30 * 86400, "3.2", "ownership ahead, s, default")                 \
    X(EDIT_LOCK_MS, 15 * MINUTE_MS, "3.5", "edit lock before due, owned")                          \
    X(NUMBER_DIGITS_MIN, 3, "1.2", "digits of a number, at least")                                 \
    X(NUMBER_DIGITS_MAX, 15, "1.2", "digits of a number, at most")                                 \
    X(PACING_HUNDREDTHS_MIN, 100, "7.2", "pacing, hundredths, at least")                           \
    X(PACING_HUNDREDTHS_MAX, 1000, "7.2", "pacing, hundredths, at most")                           \
    X(PACING_HUNDREDTHS_DEFAULT, 100, "7.2", "pacing, hundredths, default")                        \
    X(RETRIES_MAX, 20, "7.5", "retries, at most")                                                  \
    X(RETRY_DELAY_S_MIN, 60, "7.5", "retry delay, s, at least")                                    \
    X(RETRY_DELAY_S_MAX, 86400, "7.5", "retry delay, s, at most")                                  \
    X(RETRY_DELAY_S_DEFAULT, 300, "7.5", "retry delay, s, default")                                \
    X(ALERTING_S_MIN, 7, "5.5", "alerting timeout, s, at least")                                   \
    X(ALERTING_S_MAX, 900, "5.5", "alerting timeout, s, at most")                                  \
    X(ALERTING_S_DEFAULT, 30, "5.5", "alerting timeout, s, default")                               \
    X(RING_S_MIN, 10, "6.1", "ring timeout, s, at least")                                          \
    X(RING_S_MAX, 120, "6.1", "ring timeout, s, at most")                                          \
    X(RING_S_DEFAULT, 45, "6.1", "ring timeout, s, default")                                       \
    X(OUTCOME_AFTER_RING_MS, 30 * SECOND_MS, "6.4", "outcome after the ring timeout")              \
    X(AUTO_DELAY_S_MAX, 1200, "6.1", "auto-dial and auto-end delay, s, at most")                   \
    X(AUTO_DELAY_S_DEFAULT, 300, "6.1", "auto-dial and auto-end delay, s, default")                \
    X(ANSWER_GRACE_MS, 2 * SECOND_MS, "5.5", "Interacting without an accept, default")             \
    X(MISSED_PAUSE_MS, 300 * SECOND_MS, "5.5", "pause after a missed offer, default")              \
    X(DECLINE_PAUSE_MS, 60 * SECOND_MS, "5.5", "pause after declining, default")                   \
    X(OWNER_ANSWER_MS, 20 * SECOND_MS, "3.6", "owner not with the customer, default")              \
    X(RECLAIM_AFTER_MS, 60 * SECOND_MS, "6.5", "agent gone, default")                              \
    X(PREVIEW_MAX_MS, 30 * MINUTE_MS, "6.5", "preview without a dial, default")                    \
    X(AFTER_CALL_MAX_MS, 60 * MINUTE_MS, "6.5", "nothing after a call, default")                   \
    X(INACTIVITY_MS, 14 * DAY_MS, "10.2", "analytics inactivity, default")                         \
    X(STILL_WAITING_MS, 14 * DAY_MS, "12.6", "StillWaiting, default")                              \
    X(CALL_TTL_MS, 4 * HOUR_MS, "12.7", "connected call without an event, default")                \
    X(LIVE_WAIT_TTL_MS, 2 * HOUR_MS, "12.7", "waiting live call without an event, default")        \
    X(LATE_WINDOW_MS, 1 * HOUR_MS, "12.8", "ends of calls are remembered, default")                \
    X(LATE_REQUEST_MS, 60 * SECOND_MS, "1.11", "request after hanging up, default")                \
    X(WINDOW_OVERRUN_MS, 15 * MINUTE_MS, "12.3", "a holder's dial after closing, default")         \
    X(SNOOZE_MINUTES_MIN, 5, "12.12", "snooze, minutes, at least")                                 \
    X(SNOOZE_MINUTES_MAX, 1440, "12.12", "snooze, minutes, at most")                               \
    X(SNOOZES_DEFAULT, 2, "12.12", "snoozes, default")                                             \
    X(IN_QUEUE_FLOWS_MAX, 30, "1.10", "in-queue flows of an e-mail or message")                    \
    X(EXPORT_RECENT_MS, 12 * HOUR_MS, "9.5", "export, what is recent")                             \
    X(EXPORT_RECENT_MAX, 10000, "9.5", "export, conversations of the last 12 hours")               \
    X(EXPORT_OLDER_MAX, 1000000, "9.5", "export, older conversations")                             \
    X(RINGS_MAX, 6, "4.1", "preferred-agent rings")                                                \
    X(RING_WAIT_MS_MIN, 2 * SECOND_MS, "4.1", "wait of a ring, at least")                          \
    X(RING_WAIT_MS_MAX, 72 * HOUR_MS, "4.1", "wait of a ring, at most")                            \
    X(RING_WAIT_MS_DEFAULT, 5 * SECOND_MS, "4.1", "wait of a ring, default")                       \
    X(SCORE_MAX, 100, "4.1", "agent score and threshold, at most")                                 \
    X(SCORES_MAX, 100, "4.1", "agent scores of an interaction")                                    \
    X(PRIORITY_MAX, 25000000, "5.1", "priority, either way")                                       \
    X(CAPACITY_MAX, 25, "5.2", "callbacks an agent may hold, at most")                             \
    X(CAPACITY_DEFAULT, 1, "5.2", "callbacks an agent may hold, default")                          \
    X(ID_BYTES_MAX, 128, "contract", "bytes of an id")                                             \
    X(NAME_BYTES_MAX, 256, "contract", "bytes of a name or label")                                 \
    X(SKILLS_MAX, 64, "contract", "skills of an interaction or agent")                             \
    X(JOINED_MAX, 1000, "contract", "queues of an agent")                                          \
    X(LIST_MAX, 5000, "contract", "entries of a list in settings")                                 \
    X(WALK_OFFERS_MAX, 200, "5.3", "offers made in one decision; the rest follow as timers")       \
    X(CONTACT_MIN_MS, 20 * SECOND_MS, "12.2", "talk that serves a customer, default")              \
    X(AHT_S_DEFAULT, 300, "12.5", "handling time until 8 callbacks were measured")                 \
    X(POSITIONS_TOLD, 200, "12.5", "places of a line that are told to customers")                  \
    X(SERVICE_LEVEL_S_DEFAULT, 20, "10.6", "service level, default")                               \
    X(FAN_OUT_MAX, 200, "12.15", "callbacks ended or moved in one decision")

#define LIMIT_ENUM_(name, value, rule, text) static const int64_t LIMIT_##name = (value);
LIMIT_MAP(LIMIT_ENUM_)
#undef LIMIT_ENUM_

#endif
