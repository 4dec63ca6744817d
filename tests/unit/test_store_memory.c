/* The store in memory, which tests of the worker and the simulation use in place of Redis: what it
 * says of a fill that is written in several calls (docs/adr/0017). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "state/store/store.h"

static const struct store_entity first = {
    .key = {(const uint8_t *)"agent|a", 7},
    .value = {(const uint8_t *)"1", 1},
};

static enum err ask(struct store *store, struct store_call *call)
{
    store_start(store, call);
    assert_ptr_equal(store_done(store), call);
    return call->err;
}

static enum err go_on(struct store_world *world, const struct store_call *like)
{
    struct store *store = store_memory_create(world);
    struct store_call call = *like;
    enum err err = ask(store, &call);

    store_destroy(store);
    return err;
}

/* Two calls of one fill, and the move of the pointer; `before` is what the server had between the
 * two: none of it is done there. */
static void store_memory_fill_goes_on_behind_its_mark_alone(void **state)
{
    struct store_world *world = store_world_create(), *empty = store_world_copy(world), *before;
    struct store_call call = {.kind = STORE_CALL_FILL, .entities = &first, .entity_count = 1};

    (void)state;
    call.fill[0] = 1;
    call.marks = true;
    call.mark[0] = 7;
    assert_int_equal(go_on(world, &call), ERR_OK);
    before = store_world_copy(world);
    call.marked = true;
    call.after[0] = 7;
    call.mark[0] = 8;
    assert_int_equal(go_on(empty, &call), ERR_STORE_MOVED);
    assert_int_equal(store_world_fills(empty), 0);
    assert_int_equal(go_on(world, &call), ERR_OK);

    call.kind = STORE_CALL_APPLY;
    call.to.present = true;
    call.to.number = 5;
    call.to.fill[0] = 1;
    call.after[0] = 8;
    call.marks = false;
    assert_int_equal(go_on(before, &call), ERR_STORE_MOVED);
    assert_int_equal(store_world_count(before), 0); /* no pointer was set */
    assert_int_equal(go_on(world, &call), ERR_OK);
    assert_int_equal(store_world_count(world), 1);
    store_world_destroy(before);
    store_world_destroy(empty);
    store_world_destroy(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(store_memory_fill_goes_on_behind_its_mark_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
