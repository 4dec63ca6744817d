/* daemon/sim_model, daemon/sim_draw: patience, talks and presence out of call records. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "daemon/sim_draw.h"
#include "daemon/sim_model.h"

static struct arena arena;
static struct err_note note;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_deinit(&arena);
    return 0;
}

/* Ten callers, by hand: at 1 s of 10 one hangs up: 0.9. At 2 s one is served (8 left). At 3 s of 8
 * two hang up and one is served: 0.9 * 6/8 = 0.675; the one served then counts as there. 5 left. At
 * 5 s of 5 one hangs up: 0.675 * 4/5 = 0.54. At 8 s three are served, 1 left. At 9 s it hangs up.
 */
static void fit_ten(struct sim_curve *curve, bool last_hangs_up)
{
    struct sim_wait waits[] = {{9000, last_hangs_up}, {3000, false}, {1000, true}, {8000, false},
                               {3000, true},          {5000, true},  {3000, true}, {8000, false},
                               {2000, false},         {8000, false}};

    sim_curve_fit(curve, waits, sizeof(waits) / sizeof(*waits), &arena);
}

static void sim_curve_of_ten_callers_is_as_by_hand(void **state)
{
    static const int64_t waited_ms[] = {1000, 3000, 5000, 9000};
    static const double alive[] = {0.9, 0.675, 0.54, 0};
    struct sim_curve curve;

    (void)state;
    fit_ten(&curve, true);
    assert_int_equal(curve.count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(curve.waited_ms[i], waited_ms[i]);
        assert_float_equal(curve.alive[i], alive[i], 1e-12);
    }
}

static void sim_curve_beyond_picks_the_step(void **state)
{
    struct sim_curve curve;

    (void)state;
    fit_ten(&curve, true);
    assert_int_equal(sim_curve_beyond(&curve, 0, 0.0), 1000);
    assert_int_equal(sim_curve_beyond(&curve, 0, 0.05), 1000);
    assert_int_equal(sim_curve_beyond(&curve, 0, 0.2), 3000);
    assert_int_equal(sim_curve_beyond(&curve, 0, 0.4), 5000);
    assert_int_equal(sim_curve_beyond(&curve, 0, 0.99), 9000);
    /* Beyond 3 s the curve starts at 0.675: 0.54 is 0.8 of it. */
    assert_int_equal(sim_curve_beyond(&curve, 3000, 0.19), 5000);
    assert_int_equal(sim_curve_beyond(&curve, 3000, 0.21), 9000);
    assert_int_equal(sim_curve_beyond(&curve, 9000, 0.5), SIM_FOREVER_MS);
}

static void sim_curve_that_ends_above_zero_has_patience_for_ever(void **state)
{
    struct sim_curve curve;

    (void)state;
    fit_ten(&curve, false);
    assert_int_equal(curve.count, 3);
    assert_int_equal(sim_curve_beyond(&curve, 0, 0.45), 5000);
    assert_int_equal(sim_curve_beyond(&curve, 0, 0.47), SIM_FOREVER_MS);
    sim_curve_fit(&curve, NULL, 0, &arena);
    assert_int_equal(sim_curve_beyond(&curve, 0, 0), SIM_FOREVER_MS);
}

/* The numbers of Steele, Lea and Flood's generator for the seed 1234567, as every implementation
 * gives them: the state steps by the golden gamma. */
static void sim_mix_is_splitmix64(void **state)
{
    const uint64_t gamma = 0x9e3779b97f4a7c15u;

    (void)state;
    assert_true(sim_mix(1234567) == UINT64_C(6457827717110365317));
    assert_true(sim_mix(1234567 + gamma) == UINT64_C(3203168211198807973));
    assert_true(sim_mix(1234567 + 2 * gamma) == UINT64_C(9817491932198370423));
}

static void sim_uniform_depends_on_its_key_alone(void **state)
{
    double sum = 0, first = sim_uniform(7, SIM_DRAW_TALK, 0, 3, 0);
    int below = 0;

    (void)state;
    for (uint32_t i = 0; i < 10000; i++) {
        double draw = sim_uniform(7, SIM_DRAW_TALK, 0, i, 0);

        assert_true(draw >= 0 && draw < 1);
        sum += draw;
        below += draw < 0.25;
    }
    assert_true(sum > 4900 && sum < 5100);
    assert_true(below > 2350 && below < 2650);
    assert_true(first == sim_uniform(7, SIM_DRAW_TALK, 0, 3, 0));
    assert_false(first == sim_uniform(8, SIM_DRAW_TALK, 0, 3, 0));
    assert_false(first == sim_uniform(7, SIM_DRAW_PATIENCE, 0, 3, 0));
    assert_false(first == sim_uniform(7, SIM_DRAW_TALK, 1, 3, 0));
    assert_false(first == sim_uniform(7, SIM_DRAW_TALK, 0, 3, 1));
}

#define HEAD                                                                                       \
    "date,service,priority,queue_enter,queue_leave,outcome,service_start,service_end,agent\n"

static void make_model(const char *rows, struct sim_calls *calls, struct sim_model *model)
{
    struct sim_mapping mapping;
    char text[2000];

    snprintf(text, sizeof(text), "%s%s", HEAD, rows);
    sim_mapping_default(&mapping);
    assert_int_equal(sim_zone_set("UTC", &note), ERR_OK);
    assert_int_equal(sim_csv_parse("x.csv", text, strlen(text), &mapping, &arena, calls, &note),
                     ERR_OK);
    assert_int_equal(sim_model_make(model, calls, 120000, &arena, &note), ERR_OK);
}

static void sim_model_agent_is_absent_in_gaps_over_two_minutes(void **state)
{
    struct sim_calls calls;
    struct sim_model model;
    int64_t ten;

    (void)state;
    make_model("1999-08-01,P,0,10:00:00,10:00:00,AGENT,10:00:00,10:05:00,a\n"
               "1999-08-01,Q,0,10:07:00,10:07:00,AGENT,10:07:00,10:09:00,a\n"
               "1999-08-01,TT,0,,,AGENT,10:11:01,10:12:00,a\n"
               "1999-08-01,R,0,10:11:00,10:11:00,HANG,,,\n",
               &calls, &model);
    ten = calls.rows[0].enter_ms;
    assert_int_equal(model.agent_count, 1);
    assert_int_equal(model.agents[0].span_count, 2);
    assert_int_equal(model.agents[0].spans[0].from_ms, ten);
    assert_int_equal(model.agents[0].spans[0].to_ms, ten + 9 * 60000);
    assert_int_equal(model.agents[0].spans[1].from_ms, ten + 11 * 60000 + 1000);
    assert_int_equal(model.agents[0].spans[1].to_ms, ten + 12 * 60000);
    assert_int_equal(model.agents[0].errand_count, 1);
    assert_int_equal(model.service_count, 3);
    assert_true(model.agents[0].serves[0] && model.agents[0].serves[1]);
    assert_false(model.agents[0].serves[2]);
}

static void sim_model_draws_of_a_caller_are_recorded_or_his_services(void **state)
{
    struct sim_calls calls;
    struct sim_model model;

    (void)state;
    make_model("1999-08-01,P,0,10:00:00,10:00:20,AGENT,10:00:20,10:01:00,a\n"
               "1999-08-01,P,0,10:00:01,10:00:31,HANG,,,\n"
               "1999-08-01,P,2,10:00:02,10:01:02,HANG,,,\n"
               "1999-08-01,Q,0,10:00:03,10:00:04,AGENT,10:00:04,10:09:00,a\n"
               "1999-08-01,R,0,10:00:05,10:00:06,HANG,,,\n",
               &calls, &model);
    for (uint64_t seed = 0; seed < 50; seed++) {
        int64_t patience_ms = sim_model_patience(&model, 0, seed, 0);
        int64_t talk_ms = sim_model_talk(&model, 4, seed, 0);

        assert_true(patience_ms == 30000 || patience_ms == 60000);
        assert_int_equal(sim_model_patience(&model, 1, seed, 0), 30000);
        assert_int_equal(sim_model_patience(&model, 3, seed, 0), SIM_FOREVER_MS);
        assert_int_equal(sim_model_talk(&model, 0, seed, 0), 40000);
        assert_int_equal(sim_model_talk(&model, 1, seed, 0), 40000);
        /* Nobody was served in R: any talk of the day. */
        assert_true(talk_ms == 40000 || talk_ms == 536000);
    }
    assert_int_equal(model.callers[2].entry_ms, model.callers[2].arrive_ms - 90000);
    assert_int_equal(model.callers[1].entry_ms, model.callers[1].arrive_ms);
}

static void sim_model_names_that_are_no_ids_get_one(void **state)
{
    struct sim_calls calls;
    struct sim_model model;

    (void)state;
    make_model("1999-08-01,New customers,0,10:00:00,10:00:20,AGENT,10:00:20,10:01:00,Ann Lee\n"
               "1999-08-01,Sales,0,10:00:00,10:00:20,AGENT,10:00:20,10:01:00,bo\n",
               &calls, &model);
    assert_string_equal(model.queue_ids[0], "queue:1");
    assert_string_equal(model.queue_ids[1], "Sales");
    assert_string_equal(model.agents[0].id, "agent:1");
    assert_string_equal(model.agents[1].id, "bo");
}

static void sim_model_of_nobody_or_with_a_long_gap_is_refused(void **state)
{
    struct sim_mapping mapping;
    struct sim_calls calls;
    struct sim_model model;
    char nobody[] = HEAD "1999-08-01,P,0,,,HANG,,,\n";
    char months[] = HEAD "1999-08-01,P,0,,,AGENT,10:00:00,10:00:01,a\n"
                         "1999-09-02,P,0,,,AGENT,10:00:00,10:00:01,a\n";
    char no_agent[] = HEAD "1999-08-01,P,0,10:00:00,10:00:01,HANG,,,\n";

    (void)state;
    sim_mapping_default(&mapping);
    assert_int_equal(
        sim_csv_parse("x.csv", nobody, strlen(nobody), &mapping, &arena, &calls, &note), ERR_OK);
    assert_int_equal(sim_model_make(&model, &calls, 120000, &arena, &note), ERR_BAD_FILE);
    assert_int_equal(
        sim_csv_parse("x.csv", no_agent, strlen(no_agent), &mapping, &arena, &calls, &note),
        ERR_OK);
    assert_int_equal(sim_model_make(&model, &calls, 120000, &arena, &note), ERR_BAD_FILE);
    assert_int_equal(
        sim_csv_parse("x.csv", months, strlen(months), &mapping, &arena, &calls, &note), ERR_OK);
    assert_int_equal(sim_model_make(&model, &calls, 120000, &arena, &note), ERR_BAD_FILE);
    assert_non_null(strstr(note.text, "line 3: nobody called for 30 days"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sim_curve_of_ten_callers_is_as_by_hand, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sim_curve_beyond_picks_the_step, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sim_curve_that_ends_above_zero_has_patience_for_ever,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(sim_mix_is_splitmix64, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sim_uniform_depends_on_its_key_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sim_model_agent_is_absent_in_gaps_over_two_minutes, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(sim_model_draws_of_a_caller_are_recorded_or_his_services,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(sim_model_names_that_are_no_ids_get_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sim_model_of_nobody_or_with_a_long_gap_is_refused, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests_name("sim_model", tests, NULL, NULL);
}
