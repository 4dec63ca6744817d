#include "daemon/settings_table.h"

#include <inttypes.h>
#include <string.h>

#include "daemon/value.h"
#include "state/limits.h"

/* Bounds that the rule book leaves open; they only catch slips of the pen. */
static const int64_t zero = 0;
static const int64_t one = 1;
static const int64_t day_s = 86400;
static const int64_t year_s = 366 * 86400;
static const int64_t some_max = 1000;
static const int64_t waiting_max = 10000000;
static const int64_t permille_max = 1000;

static const struct settings_field window_fields[] = {
    {"zone", "zone", SETTINGS_TYPE_ZONE, NULL, NULL, "required", "12.3", NULL, NULL, 0,
     "IANA name of the time zone, such as Europe/Berlin."},
    {"hours", "hours", SETTINGS_TYPE_HOURS, NULL, NULL, "never open", "12.3", NULL, NULL, 0,
     "List of `DAYS HH:MM-HH:MM` in local time; DAYS is `mon`, `mon-fri` or `sun-thu`, a span may "
     "go past midnight, 24:00 is the day's end."},
    {"holidays", "holidays", SETTINGS_TYPE_DAYS, NULL, NULL, "none", "12.3", NULL, NULL, 0,
     "List of days closed, `YYYY-MM-DD`."},
    {.type = SETTINGS_TYPE_END},
};
static const struct settings_object window_object = {
    "A window", "Business hours of a queue: outside them nothing is offered or dialled.",
    &ringback__v1__window__descriptor, window_fields};

static const struct settings_field ring_fields[] = {
    {"threshold", "threshold", SETTINGS_TYPE_THRESHOLD, &zero, &LIMIT_SCORE_MAX, "required", "4.1",
     NULL, NULL, 0, "Agents with at least this score; `any`: every scored agent."},
    {"wait", "wait_ms", SETTINGS_TYPE_MS, &LIMIT_RING_WAIT_MS_MIN, &LIMIT_RING_WAIT_MS_MAX, "5s",
     "4.1", NULL, NULL, 0, "Time until the next ring, or after the last until every agent."},
    {.type = SETTINGS_TYPE_END},
};
static const struct settings_object ring_object = {
    "A ring", "One ring of preferred agents; a queue has at most 6, tried in order.",
    &ringback__v1__ring__descriptor, ring_fields};

static const struct settings_field owned_fields[] = {
    {"enabled", "enabled", SETTINGS_TYPE_BOOL, NULL, NULL, "off", "3.1", NULL, NULL, 0,
     "Agents may take ownership of the callbacks they schedule."},
    {"duration", "duration_s", SETTINGS_TYPE_SECONDS, &LIMIT_OWNERSHIP_S_MIN,
     &LIMIT_OWNERSHIP_S_MAX, "24h", "3.2", NULL, NULL, 0, "How long ownership lasts from due on."},
    {"ahead", "ahead_s", SETTINGS_TYPE_SECONDS, &LIMIT_OWNERSHIP_S_MIN, &LIMIT_OWNERSHIP_S_MAX,
     "30d", "3.2", NULL, NULL, 0, "How far ahead an owned callback may be scheduled."},
    {"assign_to_queue", "assign_to_queue", SETTINGS_TYPE_BOOL, NULL, NULL, "off", "3.4", NULL, NULL,
     0, "When ownership ends the callback goes to the next available agent; off: it ends."},
    {.type = SETTINGS_TYPE_END},
};
static const struct settings_object owned_object = {
    "Agent-owned callbacks", "`agent_owned` of a queue.", &ringback__v1__agent_owned__descriptor,
    owned_fields};

static const struct settings_field customer_fields[] = {
    {"pacing", "pacing_hundredths", SETTINGS_TYPE_HUNDREDTHS, &LIMIT_PACING_HUNDREDTHS_MIN,
     &LIMIT_PACING_HUNDREDTHS_MAX, "1", "7.2", NULL, NULL, 0,
     "Dials in flight for every ten agents, at least one."},
    {"reserve_agent", "reserve_agent", SETTINGS_TYPE_BOOL, NULL, NULL, "off", "7.3", NULL, NULL, 0,
     "The agent that a dial counts on is kept for it."},
    {"live_voice", "live_voice", SETTINGS_TYPE_CHOICE, NULL, NULL, "queue", "7.4",
     "queue|flow|hang_up", NULL, 0, "What happens when a person answers."},
    {"answering_machine", "answering_machine", SETTINGS_TYPE_CHOICE, NULL, NULL, "hang_up", "7.4",
     "queue|flow|hang_up", NULL, 0, "What happens when a machine answers; hung up is retried."},
    {"flow", "flow_id", SETTINGS_TYPE_ID, NULL, NULL, "none", "7.4", NULL, NULL, 0,
     "The flow that `flow` above means."},
    {"max_retries", "max_retries", SETTINGS_TYPE_COUNT, &zero, &LIMIT_RETRIES_MAX, "0", "7.5", NULL,
     NULL, 0, "Dials after the first that failed."},
    {"retry_delay", "retry_delay_s", SETTINGS_TYPE_SECONDS, &LIMIT_RETRY_DELAY_S_MIN,
     &LIMIT_RETRY_DELAY_S_MAX, "5m", "7.5", NULL, NULL, 0,
     "Time from an attempt's end to a retry."},
    {"site", "site_id", SETTINGS_TYPE_ID, NULL, NULL, "none", "7.6", NULL, NULL, 0,
     "The telephony site to dial from; not with `edge_group`."},
    {"edge_group", "edge_group_id", SETTINGS_TYPE_ID, NULL, NULL, "none", "7.6", NULL, NULL, 0,
     "The edge group to dial from; not with `site`."},
    {.type = SETTINGS_TYPE_END},
};
static const struct settings_object customer_object = {
    "Customer-first dialling", "`customer_first` of a queue whose `dial_mode` is `customer_first`.",
    &ringback__v1__customer_first__descriptor, customer_fields};

static const struct settings_field queue_fields[] = {
    {"name", "name", SETTINGS_TYPE_TEXT, NULL, NULL, "empty", "", NULL, NULL, 0,
     "What people call it."},
    {"ranking", "ranking", SETTINGS_TYPE_CHOICE, NULL, NULL, "priority_and_wait", "5.1",
     "priority_and_wait|priority_only", NULL, 0, "How its line is ranked."},
    {"ani", "ani", SETTINGS_TYPE_NUMBER, NULL, NULL, "the trunk's", "1.5", NULL, NULL, 0,
     "Caller ID of its callbacks."},
    {"ani_name", "ani_name", SETTINGS_TYPE_TEXT, NULL, NULL, "the trunk's", "1.5", NULL, NULL, 0,
     "Caller name of its callbacks."},
    {"default_script", "default_script_id", SETTINGS_TYPE_SCRIPT, NULL, NULL, "none", "1.3", NULL,
     NULL, 0, "The script of callbacks that name none; one of the domain's `scripts`."},
    {"dial_mode", "dial_mode", SETTINGS_TYPE_CHOICE, NULL, NULL, "agent_first", "6, 7",
     "agent_first|customer_first", NULL, 0, "Who is called first."},
    {"inherit_routing_data", "inherit_routing_data", SETTINGS_TYPE_TOGGLE, NULL, NULL,
     "the domain's", "1.7", NULL, NULL, 0,
     "Skills, language and priority are copied from the interaction and kept."},
    {"accepting", "accepting", SETTINGS_TYPE_TOGGLE, NULL, NULL, "on", "12.10", NULL, NULL, 0,
     "New requests are taken."},
    {"serving", "serving", SETTINGS_TYPE_TOGGLE, NULL, NULL, "on", "12.10", NULL, NULL, 0,
     "Callbacks are offered and dialled."},
    {"alerting_timeout", "alerting_timeout_s", SETTINGS_TYPE_SECONDS, &LIMIT_ALERTING_S_MIN,
     &LIMIT_ALERTING_S_MAX, "30s", "5.5", NULL, NULL, 0, "How long an offer alerts at an agent."},
    {"ring_timeout", "ring_timeout_s", SETTINGS_TYPE_SECONDS, &LIMIT_RING_S_MIN, &LIMIT_RING_S_MAX,
     "45s", "6.1", NULL, NULL, 0, "How long a dial rings at the customer."},
    {"auto_answer", "auto_answer", SETTINGS_TYPE_BOOL, NULL, NULL, "off", "6.1", NULL, NULL, 0,
     "The desktop accepts offers at once."},
    {"auto_dial", "auto_dial", SETTINGS_TYPE_DELAY, &zero, &LIMIT_AUTO_DELAY_S_MAX, "off", "6.1",
     NULL, NULL, 0, "The call is placed by itself so long after accept; `on`: 5m."},
    {"auto_end", "auto_end", SETTINGS_TYPE_DELAY, &zero, &LIMIT_AUTO_DELAY_S_MAX, "off", "6.1",
     NULL, NULL, 0, "The callback ends by itself so long after its call; `on`: 5m."},
    {"agent_first_retries", "agent_first_retries", SETTINGS_TYPE_COUNT, &zero, &LIMIT_RETRIES_MAX,
     "0", "6.2", NULL, NULL, 0,
     "Times that an unanswered callback goes back to the line; 0: the agent handles it."},
    {"agent_first_retry_delay", "agent_first_retry_delay_s", SETTINGS_TYPE_SECONDS,
     &LIMIT_RETRY_DELAY_S_MIN, &LIMIT_RETRY_DELAY_S_MAX, "5m", "6.2", NULL, NULL, 0,
     "Time from an attempt's end to that."},
    {"customer_first", "customer_first", SETTINGS_TYPE_OBJECT, NULL, NULL, "the defaults", "7",
     NULL, &customer_object, 0, "How customers are dialled first."},
    {"agent_owned", "agent_owned", SETTINGS_TYPE_OBJECT, NULL, NULL, "off", "3", NULL,
     &owned_object, 0, "Agent-owned callbacks."},
    {"rings", "rings", SETTINGS_TYPE_OBJECTS, NULL, &LIMIT_RINGS_MAX, "none", "4.1", NULL,
     &ring_object, 0, "List of the rings of preferred agents, in order."},
    {"last_agent", "last_agent", SETTINGS_TYPE_CHOICE, NULL, NULL, "off", "4.4",
     "off|queue_members|any", NULL, 0,
     "Whether the agent who last served the customer is tried first."},
    {"allow_queue_selection", "allow_queue_selection", SETTINGS_TYPE_BOOL, NULL, NULL, "off", "2.4",
     NULL, NULL, 0, "Agents may schedule into another queue."},
    {"window", "window", SETTINGS_TYPE_OBJECT, NULL, NULL, "always open", "12.3", NULL,
     &window_object, 0, "Business hours."},
    {"outside_window", "outside_window", SETTINGS_TYPE_CHOICE, NULL, NULL, "wait", "12.3",
     "wait|refuse", NULL, 0, "What happens to requests outside them."},
    {"waiting_max", "waiting_max", SETTINGS_TYPE_COUNT, &zero, &waiting_max, "0", "12.4", NULL,
     NULL, 0, "At most so many waiting callbacks; 0: no bound."},
    {"requests_per_number_max", "requests_per_number_max", SETTINGS_TYPE_COUNT, &zero, &some_max,
     "0", "12.4", NULL, NULL, 0,
     "At most so many accepted requests of one number and day; 0: no bound."},
    {"position_step", "position_step", SETTINGS_TYPE_COUNT, &zero, &some_max, "0", "12.5", NULL,
     NULL, 0, "Tell a customer's position when it changed by so many places; 0: never."},
    {"aht", "aht_s", SETTINGS_TYPE_SECONDS, &one, &day_s, "5m", "12.5", NULL, NULL, 0,
     "Average handling time for estimates until 8 callbacks were measured."},
    {"offer_above", "offer_above_s", SETTINGS_TYPE_SECONDS, &zero, &day_s, "0", "12.9", NULL, NULL,
     0, "Advise a callback when the estimated wait is at least this; 0: always."},
    {"status_interval", "status_interval_s", SETTINGS_TYPE_SECONDS, &zero, &day_s, "0", "12.9",
     NULL, NULL, 0, "Send the queue's status at least this often; 0: on change only."},
    {"status_events", "status_events", SETTINGS_TYPE_BOOL, NULL, NULL, "off", "12.9", NULL, NULL, 0,
     "Send QueueStatus events."},
    {"snooze_max", "snooze_limit", SETTINGS_TYPE_WRAPPED, &zero, &some_max, "2", "12.12", NULL,
     NULL, 0, "How often a customer may ask for later."},
    {"snooze_keeps_place", "snooze_keeps_place", SETTINGS_TYPE_TOGGLE, NULL, NULL, "on", "12.12",
     NULL, NULL, 0, "A snoozed callback keeps its place."},
    {"expire_after", "expire_after_s", SETTINGS_TYPE_SECONDS, &zero, &year_s, "0", "12.13", NULL,
     NULL, 0, "A callback that waited so long ends; 0: never."},
    {"service_level", "service_level_s", SETTINGS_TYPE_SECONDS, &one, &day_s, "20s", "10.6", NULL,
     NULL, 0, "Answered within this counts as served in time."},
    {"service_level_ratio", "service_level_permille", SETTINGS_TYPE_PERMILLE, &one, &permille_max,
     "0.8", "10.6", NULL, NULL, 0, "The ratio wanted of it."},
    {"total_active_callback", "total_active_callback", SETTINGS_TYPE_BOOL, NULL, NULL, "off",
     "10.6", NULL, NULL, 0, "tHandle is tActiveCallback instead of accept to end."},
    {.type = SETTINGS_TYPE_END},
};
static const struct settings_object queue_object = {"A queue", "Under `queues`, by the queue's id.",
                                                    &ringback__v1__queue_settings__descriptor,
                                                    queue_fields};

static const struct settings_field agent_fields[] = {
    {"name", "name", SETTINGS_TYPE_TEXT, NULL, NULL, "empty", "", NULL, NULL, 0,
     "What people call him."},
    {"skills", "skills", SETTINGS_TYPE_TEXTS, NULL, &LIMIT_SKILLS_MAX, "none", "5.2", NULL, NULL, 0,
     "List of the skills he has."},
    {"languages", "languages", SETTINGS_TYPE_TEXTS, NULL, &LIMIT_SKILLS_MAX, "none", "5.2", NULL,
     NULL, 0, "List of the languages he speaks."},
    {"callback_capacity", "callback_capacity", SETTINGS_TYPE_WRAPPED, &zero, &LIMIT_CAPACITY_MAX,
     "1", "5.2", NULL, NULL, 0, "Callbacks he may hold at one time."},
    {.type = SETTINGS_TYPE_END},
};
static const struct settings_object agent_object = {
    "An agent", "Under `agents`, by the agent's id.", &ringback__v1__agent_settings__descriptor,
    agent_fields};

static const struct settings_field script_fields[] = {
    {"name", "name", SETTINGS_TYPE_TEXT, NULL, NULL, "empty", "", NULL, NULL, 0,
     "What people call it."},
    {"callback_enabled", "callback_enabled", SETTINGS_TYPE_BOOL, NULL, NULL, "off", "1.3", NULL,
     NULL, 0, "It may be used by callbacks."},
    {.type = SETTINGS_TYPE_END},
};
static const struct settings_object script_object = {
    "A script", "Under `scripts`, by the script's id.", &ringback__v1__script_settings__descriptor,
    script_fields};

static const struct settings_field domain_fields[] = {
    {"country_code", "country_code", SETTINGS_TYPE_COUNTRY, NULL, NULL, "none", "1.2", NULL, NULL,
     0, "Country code without +, in quotes: \"49\". 00 and a trunk 0 become +."},
    {"inherit_routing_data", "inherit_routing_data", SETTINGS_TYPE_BOOL, NULL, NULL, "off", "1.7",
     NULL, NULL, 0, "Skills, language and priority are copied from the interaction and kept."},
    {"duplicate_number", "duplicate_number", SETTINGS_TYPE_CHOICE, NULL, NULL, "allow", "12.1",
     "allow|refuse|replace|merge", NULL, 0, "A second live callback for a number."},
    {"on_customer_contact", "on_customer_contact", SETTINGS_TYPE_CHOICE, NULL, NULL, "keep", "12.2",
     "keep|cancel|take_over", NULL, 0, "The customer got through himself."},
    {"blocked_numbers", "blocked_numbers", SETTINGS_TYPE_BLOCKED, NULL, &LIMIT_LIST_MAX, "none",
     "12.11", NULL, NULL, 0, "List of numbers never dialled; `+4990*` is all that begin so."},
    {"skills", "skills", SETTINGS_TYPE_TEXTS, NULL, &LIMIT_LIST_MAX, "all", "12.15", NULL, NULL, 0,
     "List of the skills there are; one that is not here is not asked of agents."},
    {"languages", "languages", SETTINGS_TYPE_TEXTS, NULL, &LIMIT_LIST_MAX, "all", "12.15", NULL,
     NULL, 0, "List of the languages there are; one that is not here is not asked."},
    {"zones", NULL, SETTINGS_TYPE_ZONES, NULL, &LIMIT_LIST_MAX, "those of the windows", "2.3", NULL,
     NULL, 0, "List of further time zones, in which callbacks may be scheduled."},
    {"scripts", NULL, SETTINGS_TYPE_ITEMS, NULL, NULL, "none", "1.3", NULL, &script_object,
     SETTINGS_SCRIPT, "The scripts, by id."},
    {"agents", NULL, SETTINGS_TYPE_ITEMS, NULL, NULL, "none", "5.2", NULL, &agent_object,
     SETTINGS_AGENT, "The agents, by id."},
    {"queues", NULL, SETTINGS_TYPE_ITEMS, NULL, NULL, "none", "", NULL, &queue_object,
     SETTINGS_QUEUE, "The queues, by id."},
    {.type = SETTINGS_TYPE_END},
};
const struct settings_object settings_domain_object = {
    "A domain", "Under `domains`, by the domain's id, which is the key of all its records.",
    &ringback__v1__domain_settings__descriptor, domain_fields};

static const struct settings_object *const all_objects[] = {
    &settings_domain_object, &queue_object, &customer_object, &owned_object, &ring_object,
    &window_object,          &agent_object, &script_object,
};

enum { object_count = sizeof(all_objects) / sizeof(all_objects[0]) };

bool settings_sets_field(const ProtobufCMessageDescriptor *message, const char *field)
{
    for (size_t i = 0; i < object_count; i++) {
        if (all_objects[i]->message != message)
            continue;
        for (const struct settings_field *at = all_objects[i]->fields; at->key != NULL; at++) {
            if (at->field != NULL && strcmp(at->field, field) == 0)
                return true;
            if (at->type == SETTINGS_TYPE_THRESHOLD && strcmp(field, "any") == 0)
                return true;
        }
    }
    return false;
}

const char *settings_kind_name(enum settings_kind kind)
{
    static const char *const names[SETTINGS_KIND_COUNT] = {
#define NAME_(name, word) [SETTINGS_##name] = #word,
        SETTINGS_KIND_MAP(NAME_)
#undef NAME_
    };

    return names[kind];
}

/* The values allowed, as the page shows them. */
static void print_allowed(const struct settings_field *field, FILE *out)
{
    int64_t unit = field->type == SETTINGS_TYPE_MS ? 1 : 1000;
    char low[40], high[40];

    switch (field->type) {
    case SETTINGS_TYPE_BOOL:
    case SETTINGS_TYPE_TOGGLE: fputs("on, off", out); break;
    case SETTINGS_TYPE_CHOICE:
        for (const char *at = field->choices; *at != '\0'; at++) {
            if (*at == '|')
                fputs(", ", out);
            else
                fputc(*at, out);
        }
        break;
    case SETTINGS_TYPE_SECONDS:
    case SETTINGS_TYPE_MS:
    case SETTINGS_TYPE_DELAY:
        fprintf(out, "%s%s to %s", field->type == SETTINGS_TYPE_DELAY ? "on, off, " : "",
                value_format_duration(*field->min * unit, low, sizeof(low)),
                value_format_duration(*field->max * unit, high, sizeof(high)));
        break;
    case SETTINGS_TYPE_COUNT:
    case SETTINGS_TYPE_WRAPPED:
    case SETTINGS_TYPE_THRESHOLD:
        fprintf(out, "%" PRId64 " to %" PRId64 "%s", *field->min, *field->max,
                field->type == SETTINGS_TYPE_THRESHOLD ? ", any" : "");
        break;
    case SETTINGS_TYPE_HUNDREDTHS:
        fprintf(out, "%g to %g", (double)*field->min / 100, (double)*field->max / 100);
        break;
    case SETTINGS_TYPE_PERMILLE:
        fprintf(out, "%g to %g", (double)*field->min / 1000, (double)*field->max / 1000);
        break;
    case SETTINGS_TYPE_TEXT:
    case SETTINGS_TYPE_ID:
    case SETTINGS_TYPE_SCRIPT:
    case SETTINGS_TYPE_NUMBER:
    case SETTINGS_TYPE_COUNTRY:
    case SETTINGS_TYPE_ZONE: fputs("text", out); break;
    case SETTINGS_TYPE_OBJECT: fputs("mapping", out); break;
    case SETTINGS_TYPE_ITEMS: fputs("mapping of ids", out); break;
    case SETTINGS_TYPE_OBJECTS:
    case SETTINGS_TYPE_TEXTS:
    case SETTINGS_TYPE_BLOCKED:
    case SETTINGS_TYPE_ZONES:
    case SETTINGS_TYPE_HOURS:
    case SETTINGS_TYPE_DAYS:
        fputs("list", out);
        if (field->max != NULL)
            fprintf(out, " of at most %" PRId64, *field->max);
        break;
    case SETTINGS_TYPE_END: break;
    }
}

void settings_print_reference(FILE *out)
{
    fputs("# The settings file\n\n"
          "Made from the program's own table by `ringback queues reference`; do not edit.\n\n"
          "One YAML file says what domains, queues, agents, scripts and zones are:\n"
          "[deploy/example-settings.yaml](../deploy/example-settings.yaml) is one with comments.\n"
          "`ringback queues lint FILE` checks it without any server; `ringback queues apply FILE`\n"
          "sends what differs from what holds. An unknown key, a wrong type, a value out of range\n"
          "or a script that is not there is refused with line and column; all that is wrong is\n"
          "listed. Durations are written `30s`, `5m`, `1h30m`, `24h`, `30d`; switches `on` and\n"
          "`off`. YAML anchors (`&office`, `*office`) share a window or rings between queues. The\n"
          "numbers in the last column are those of [the rule book](rules.md).\n\n"
          "At the top stands one key, `domains`.\n",
          out);
    for (size_t i = 0; i < object_count; i++) {
        fprintf(out,
                "\n## %s\n\n%s\n\n| Key | Values | Without it | What it is | Rule |\n"
                "|---|---|---|---|---|\n",
                all_objects[i]->title, all_objects[i]->help);
        for (const struct settings_field *at = all_objects[i]->fields; at->key != NULL; at++) {
            fprintf(out, "| `%s` | ", at->key);
            print_allowed(at, out);
            fprintf(out, " | %s | %s | %s |\n", at->absent, at->help, at->rule);
        }
    }
}

static void warn(struct settings_warning *warnings, size_t *count, bool when, const char *key,
                 const char *rule, const char *text)
{
    if (when && *count < settings_warnings_max)
        warnings[(*count)++] = (struct settings_warning){key, rule, text};
}

static void warn_owned(const Ringback__V1__QueueSettings *queue, struct settings_warning *warnings,
                       size_t *count)
{
    const Ringback__V1__AgentOwned *owned = queue->agent_owned;

    if (owned == NULL || !owned->enabled)
        return;
    warn(warnings, count, queue->n_rings == 0, "agent_owned", "3.1",
         "owned callbacks need at least one preferred-agent ring: without `rings` every one is"
         " refused, NO_PREFERRED_AGENT_RULE");
    warn(warnings, count, !owned->assign_to_queue, "agent_owned", "3.4",
         "`assign_to_queue` is off: when ownership ends the customer is never called back");
    warn(warnings, count, owned->duration_s > 7 * day_s, "agent_owned", "3.2",
         "ownership lasts longer than 7 days: a customer may wait that long for one agent");
}

static void warn_dialling(const Ringback__V1__QueueSettings *queue,
                          struct settings_warning *warnings, size_t *count)
{
    const Ringback__V1__CustomerFirst *first = queue->customer_first;
    bool customer_first = queue->dial_mode == RINGBACK__V1__DIAL_MODE__DIAL_MODE_CUSTOMER_FIRST;
    int64_t ring_s = queue->ring_timeout_s == 0 ? LIMIT_RING_S_DEFAULT : queue->ring_timeout_s;

    warn(warnings, count,
         queue->agent_first_retries > 0 && queue->agent_first_retry_delay_s != 0 &&
             queue->agent_first_retry_delay_s < ring_s,
         "agent_first_retry_delay", "6.2", "retries come sooner than a call rings");
    warn(warnings, count, first != NULL && !customer_first, "customer_first", "7",
         "`dial_mode` is agent_first: nothing here is used");
    if (first == NULL)
        return;
    warn(warnings, count, first->pacing_hundredths % 100 != 0, "customer_first", "7.2",
         "a fractional pacing counts for every ten agents and is rounded down");
    warn(warnings, count,
         first->max_retries > 0 && first->retry_delay_s != 0 && first->retry_delay_s < ring_s,
         "customer_first", "7.5", "retries come sooner than a call rings");
}

size_t settings_queue_warnings(const Ringback__V1__QueueSettings *queue,
                               struct settings_warning warnings[settings_warnings_max])
{
    size_t count = 0;

    warn_owned(queue, warnings, &count);
    warn_dialling(queue, warnings, &count);
    warn(warnings, &count,
         queue->n_rings > 0 && queue->last_agent > RINGBACK__V1__LAST_AGENT__LAST_AGENT_OFF,
         "last_agent", "4.2", "`rings` override it");
    warn(warnings, &count, queue->window == NULL, "window", "12.3",
         "no window: customers are called at any hour");
    warn(warnings, &count, queue->ani[0] == '\0', "ani", "1.5",
         "no ANI: callbacks show whatever number the trunk has");
    return count;
}
