/* State that no machine of ours has written is refused with the reason: an entity alone when it is
 * loaded, several that do not fit together when all are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "state/internal.h"

static const char *const uuid_key = "callback|d|00000000-1111-4222-8333-444455556666";
static const char *const other_key = "callback|d|00000000-1111-4222-8333-444455557777";

static char no_id[] = "", queue_id[] = "q", agent_id[] = "a", attempt_id[] = "t";

static struct machine *machine_made(void)
{
    struct machine_options options;

    machine_options_default(&options);
    return machine_create(&options);
}

static void loads(struct machine *machine, const char *key, const PB(StateRecord) * record)
{
    struct err_note note = {.err = ERR_OK};
    enum err err = machine_load(machine, slice_text(key), record, &note);

    assert_string_equal(note.text, "");
    assert_int_equal(err, ERR_OK);
}

/* Loads that value alone; it must be refused and say so. */
static void refuses(const char *key, const PB(StateRecord) * record, const char *reason)
{
    struct machine *machine = machine_made();
    struct err_note note = {.err = ERR_OK};

    assert_int_equal(machine_load(machine, slice_text(key), record, &note), ERR_BAD_STATE);
    assert_non_null(strstr(note.text, key));
    assert_non_null(strstr(note.text, reason));
    machine_destroy(machine);
}

static void accepts(const char *key, const PB(StateRecord) * record)
{
    struct machine *machine = machine_made();

    loads(machine, key, record);
    machine_ready(machine);
    machine_destroy(machine);
}

/* All is loaded; it must be refused, with both texts. */
static void refuses_all(struct machine *machine, const char *text, const char *other)
{
    struct err_note note = {.err = ERR_OK};

    machine_ready(machine);
    assert_int_equal(machine_loaded(machine, &note), ERR_BAD_STATE);
    assert_non_null(strstr(note.text, text));
    assert_non_null(strstr(note.text, other));
    machine_destroy(machine);
}

static PB(StateRecord) call_record(PB(CallEntity) * call)
{
    PB(StateRecord) record = RINGBACK__V1__STATE_RECORD__INIT;

    ringback__v1__call_entity__init(call);
    record.version = 1;
    record.entity_case = RINGBACK__V1__STATE_RECORD__ENTITY_CALL;
    record.call = call;
    return record;
}

static PB(StateRecord) callback_record(PB(CallbackEntity) * callback, PB(Place) * place)
{
    PB(StateRecord) record = RINGBACK__V1__STATE_RECORD__INIT;

    ringback__v1__callback_entity__init(callback);
    ringback__v1__place__init(place);
    place->queue_id = queue_id;
    callback->place = place;
    callback->state = STATE(WAITING);
    record.version = 1;
    record.entity_case = RINGBACK__V1__STATE_RECORD__ENTITY_CALLBACK;
    record.callback = callback;
    return record;
}

/* --- one alone --- */

static void state_load_call_that_waits_without_a_queue_is_refused(void **state)
{
    PB(CallEntity) call;
    PB(StateRecord) record = call_record(&call);
    PB(Place) place = RINGBACK__V1__PLACE__INIT;

    (void)state;
    call.state = CALL(WAITING);
    refuses("call|d|i1", &record, "waits without a queue");
    call.place = &place;
    refuses("call|d|i1", &record, "waits without a queue");
    call.state = CALL(ALERTING);
    accepts("call|d|i1", &record);
    call.stay_ms = 1;
    refuses("call|d|i1", &record, "waits without a queue");
    place.queue_id = queue_id;
    accepts("call|d|i1", &record);
}

static void state_load_call_of_an_unknown_medium_is_refused(void **state)
{
    PB(CallEntity) call;
    PB(StateRecord) record = call_record(&call);

    (void)state;
    call.media = RINGBACK__V1__MEDIA__MEDIA_CALLBACK;
    accepts("call|d|i1", &record);
    call.media++;
    refuses("call|d|i1", &record, "unknown medium");
    call.media = (PB(Media)) - 1;
    refuses("call|d|i1", &record, "unknown medium");
}

static void state_load_callback_without_its_queue_or_state_is_refused(void **state)
{
    PB(CallbackEntity) callback;
    PB(Place) place;
    PB(StateRecord) record = callback_record(&callback, &place);

    (void)state;
    accepts(uuid_key, &record);
    place.queue_id = no_id;
    refuses(uuid_key, &record, "without a queue");
    callback.place = NULL;
    refuses(uuid_key, &record, "without a queue");
    callback.place = &place;
    place.queue_id = queue_id;
    callback.state = STATE(UNSPECIFIED);
    refuses(uuid_key, &record, "unknown state");
    callback.state = STATE(ENDED) + 1;
    refuses(uuid_key, &record, "unknown state");
}

static void state_load_callback_without_an_end_it_waits_for_is_refused(void **state)
{
    PB(CallbackEntity) callback;
    PB(Place) place;
    PB(StateRecord) record = callback_record(&callback, &place);

    (void)state;
    callback.state = STATE(DELAYED);
    refuses(uuid_key, &record, "pauses without its end");
    callback.state = STATE(SNOOZED);
    refuses(uuid_key, &record, "pauses without its end");
    callback.resume_ms = 1;
    accepts(uuid_key, &record);
    callback.owner_agent_id = agent_id;
    refuses(uuid_key, &record, "with an owner");
    callback.owner_end_ms = 1;
    accepts(uuid_key, &record);
}

/* 3.7 */
static void state_load_callback_for_its_scheduler_without_one_is_refused(void **state)
{
    PB(CallbackEntity) callback;
    PB(Place) place;
    PB(StateRecord) record = callback_record(&callback, &place);

    (void)state;
    callback.route_to_scheduler = true;
    refuses(uuid_key, &record, "go back to nobody");
    callback.scheduled_by = agent_id;
    accepts(uuid_key, &record);
}

static void state_load_callback_whose_agent_does_not_fit_is_refused(void **state)
{
    PB(CallbackEntity) callback;
    PB(Place) place;
    PB(StateRecord) record = callback_record(&callback, &place);
    PB(OfferEntity) offer = RINGBACK__V1__OFFER_ENTITY__INIT;
    PB(HoldEntity) hold = RINGBACK__V1__HOLD_ENTITY__INIT;

    (void)state;
    callback.agent_id = agent_id;
    refuses(uuid_key, &record, "waits at an agent");
    callback.state = STATE(OFFERED);
    refuses(uuid_key, &record, "without an offer");
    callback.offer = &offer;
    accepts(uuid_key, &record);
    callback.agent_id = no_id;
    refuses(uuid_key, &record, "offered to nobody");
    callback.state = STATE(TALKING);
    callback.offer = NULL;
    refuses(uuid_key, &record, "nobody holds");
    callback.agent_id = agent_id;
    refuses(uuid_key, &record, "without a hold");
    callback.hold = &hold;
    accepts(uuid_key, &record);
}

/* 7.2: in flight it is with nobody. */
static void state_load_customer_first_callback_without_an_agent_is_loaded(void **state)
{
    PB(CallbackEntity) callback;
    PB(Place) place;
    PB(StateRecord) record = callback_record(&callback, &place);
    PB(HoldEntity) hold = RINGBACK__V1__HOLD_ENTITY__INIT;
    PB(AttemptEntity) attempt = RINGBACK__V1__ATTEMPT_ENTITY__INIT;

    (void)state;
    attempt.attempt_id = attempt_id;
    attempt.customer_first = true;
    callback.attempt = &attempt;
    callback.hold = &hold;
    callback.state = STATE(DIALLING);
    accepts(uuid_key, &record);
    callback.state = STATE(TALKING);
    accepts(uuid_key, &record);
    callback.state = STATE(WRAP_UP);
    refuses(uuid_key, &record, "in no call");
    callback.state = STATE(WAITING);
    refuses(uuid_key, &record, "in no call");
}

static void state_load_id_that_is_none_in_a_list_is_refused(void **state)
{
    PB(StateRecord) record = RINGBACK__V1__STATE_RECORD__INIT;
    PB(AgentEntity) agent = RINGBACK__V1__AGENT_ENTITY__INIT;
    PB(RoutingData) routing = RINGBACK__V1__ROUTING_DATA__INIT;
    PB(AgentScore) score = RINGBACK__V1__AGENT_SCORE__INIT, *scores[] = {&score};
    PB(CallEntity) call;
    char *queues[] = {no_id};

    (void)state;
    record.version = 1;
    record.entity_case = RINGBACK__V1__STATE_RECORD__ENTITY_AGENT;
    record.agent = &agent;
    agent.queue_ids = queues;
    agent.n_queue_ids = 1;
    refuses("agent|d|a", &record, "a queue without an id");
    queues[0] = queue_id;
    accepts("agent|d|a", &record);
    record = call_record(&call);
    call.routing = &routing;
    routing.scores = scores;
    routing.n_scores = 1;
    refuses("call|d|i1", &record, "a score of no agent");
    score.agent_id = agent_id;
    accepts("call|d|i1", &record);
}

static void state_load_answer_that_cannot_be_said_again_is_refused(void **state)
{
    PB(StateRecord) record = RINGBACK__V1__STATE_RECORD__INIT;
    PB(AnswerEntity) answer = RINGBACK__V1__ANSWER_ENTITY__INIT;

    (void)state;
    record.version = 1;
    record.entity_case = RINGBACK__V1__STATE_RECORD__ENTITY_ANSWER;
    record.answer = &answer;
    accepts("answer|d|r1", &record);
    answer.flow = true;
    refuses("answer|d|r1", &record, "accepted without a callback");
    answer.reason = REASON(LIMIT);
    accepts("answer|d|r1", &record);
    answer.reason = (PB(Reason)) - 1;
    refuses("answer|d|r1", &record, "unknown reason");
}

/* --- all together --- */

static void state_load_agent_with_two_offers_is_refused(void **state)
{
    struct machine *machine = machine_made();
    PB(CallbackEntity) callback;
    PB(Place) place;
    PB(StateRecord) record = callback_record(&callback, &place);
    PB(OfferEntity) offer = RINGBACK__V1__OFFER_ENTITY__INIT;

    (void)state;
    callback.state = STATE(OFFERED);
    callback.offer = &offer;
    callback.agent_id = agent_id;
    loads(machine, uuid_key, &record);
    loads(machine, other_key, &record);
    refuses_all(machine, uuid_key, "both are offered to agent 'a'");
}

static void state_load_agent_kept_for_two_is_refused(void **state)
{
    struct machine *machine = machine_made();
    PB(CallbackEntity) callback;
    PB(Place) place;
    PB(StateRecord) record = callback_record(&callback, &place);
    PB(HoldEntity) hold = RINGBACK__V1__HOLD_ENTITY__INIT;
    PB(AttemptEntity) attempt = RINGBACK__V1__ATTEMPT_ENTITY__INIT;

    (void)state;
    callback.state = STATE(DIALLING);
    callback.hold = &hold;
    callback.attempt = &attempt;
    attempt.customer_first = true;
    attempt.reserved_agent_id = agent_id;
    attempt.attempt_id = attempt_id;
    loads(machine, uuid_key, &record);
    attempt.attempt_id = queue_id;
    loads(machine, other_key, &record);
    refuses_all(machine, other_key, "both keep agent 'a'");
}

static void state_load_attempt_of_two_is_refused(void **state)
{
    struct machine *machine = machine_made();
    PB(CallbackEntity) callback;
    PB(Place) place;
    PB(StateRecord) record = callback_record(&callback, &place);
    PB(HoldEntity) hold = RINGBACK__V1__HOLD_ENTITY__INIT;
    PB(AttemptEntity) attempt = RINGBACK__V1__ATTEMPT_ENTITY__INIT;

    (void)state;
    callback.state = STATE(TALKING);
    callback.agent_id = agent_id;
    callback.hold = &hold;
    callback.attempt = &attempt;
    attempt.attempt_id = attempt_id;
    loads(machine, uuid_key, &record);
    loads(machine, other_key, &record);
    refuses_all(machine, other_key, "both are dialled by attempt 't'");
}

static void state_load_counts_of_others_than_wait_are_refused(void **state)
{
    struct machine *machine = machine_made();
    PB(CallbackEntity) callback;
    PB(CallEntity) call;
    PB(Place) place;
    PB(StateRecord) record = callback_record(&callback, &place);

    (void)state;
    callback.stay_ms = 1;
    loads(machine, uuid_key, &record);
    refuses_all(machine, "counters|d|q", "0 callbacks wait, in line are 1");
    machine = machine_made();
    record = call_record(&call);
    call.place = &place;
    call.stay_ms = 1;
    loads(machine, "call|d|i1", &record);
    refuses_all(machine, "counters|d|q", "0 live interactions wait, in line are 1");
}

static void state_load_counts_without_those_who_wait_are_refused(void **state)
{
    struct machine *machine = machine_made();
    PB(StateRecord) record = RINGBACK__V1__STATE_RECORD__INIT;
    PB(CountersEntity) counters = RINGBACK__V1__COUNTERS_ENTITY__INIT;
    PB(StayCounts) counts = RINGBACK__V1__STAY_COUNTS__INIT;

    (void)state;
    record.version = 1;
    record.entity_case = RINGBACK__V1__STATE_RECORD__ENTITY_COUNTERS;
    record.counters = &counters;
    counters.live = &counts;
    counts.answered = 1;
    loads(machine, "counters|d|q", &record);
    refuses_all(machine, "counters|d|q", "-1 live interactions wait, in line are 0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(state_load_call_that_waits_without_a_queue_is_refused),
        cmocka_unit_test(state_load_call_of_an_unknown_medium_is_refused),
        cmocka_unit_test(state_load_callback_without_its_queue_or_state_is_refused),
        cmocka_unit_test(state_load_callback_without_an_end_it_waits_for_is_refused),
        cmocka_unit_test(state_load_callback_for_its_scheduler_without_one_is_refused),
        cmocka_unit_test(state_load_callback_whose_agent_does_not_fit_is_refused),
        cmocka_unit_test(state_load_customer_first_callback_without_an_agent_is_loaded),
        cmocka_unit_test(state_load_id_that_is_none_in_a_list_is_refused),
        cmocka_unit_test(state_load_answer_that_cannot_be_said_again_is_refused),
        cmocka_unit_test(state_load_agent_with_two_offers_is_refused),
        cmocka_unit_test(state_load_agent_kept_for_two_is_refused),
        cmocka_unit_test(state_load_attempt_of_two_is_refused),
        cmocka_unit_test(state_load_counts_of_others_than_wait_are_refused),
        cmocka_unit_test(state_load_counts_without_those_who_wait_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
