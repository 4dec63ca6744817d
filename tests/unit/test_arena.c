/* base/arena, base/err, base/slice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/err.h"

static void arena_reset_gives_the_same_memory_again(void **state)
{
    struct arena arena;
    void *first, *second;

    (void)state;
    arena_init(&arena);
    first = arena_alloc(&arena, 100);
    arena_alloc(&arena, 200 * 1024);
    arena_reset(&arena);
    second = arena_alloc(&arena, 100);
    assert_ptr_equal(first, second);
    arena_deinit(&arena);
}

static void arena_memory_is_aligned_whatever_the_sizes(void **state)
{
    struct arena arena;

    (void)state;
    arena_init(&arena);
    for (size_t size = 0; size < 5000; size += 7)
        assert_int_equal((uintptr_t)arena_zalloc(&arena, size) % 16, 0);
    assert_string_equal(arena_format(&arena, "%s-%d", "a", 7), "a-7");
    assert_string_equal(arena_text(&arena, slice_make("abcdef", 3)), "abc");
    arena_deinit(&arena);
}

static void err_prefix_puts_words_before_the_text(void **state)
{
    struct err_note note;

    (void)state;
    assert_int_equal(FAIL(&note, ERR_BAD_EVENT, "offset=%d", 7), ERR_BAD_EVENT);
    assert_int_equal(err_prefix(&note, "topic=%s ", "x"), ERR_BAD_EVENT);
    assert_string_equal(note.text, "topic=x offset=7");
    assert_string_equal(err_name(ERR_FENCED), "FENCED");
    assert_int_equal(err_duty(ERR_BAD_EVENT), ERR_DUTY_PARK);
}

static void slice_compare_orders_by_bytes_then_length(void **state)
{
    (void)state;
    assert_true(slice_compare(slice_text("ab"), slice_text("abc")) < 0);
    assert_true(slice_compare(slice_text("b"), slice_text("abc")) > 0);
    assert_int_equal(slice_compare(slice_make(NULL, 0), slice_text("")), 0);
    assert_true(slice_equal(slice_text("x"), slice_text("x")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arena_reset_gives_the_same_memory_again),
        cmocka_unit_test(arena_memory_is_aligned_whatever_the_sizes),
        cmocka_unit_test(err_prefix_puts_words_before_the_text),
        cmocka_unit_test(slice_compare_orders_by_bytes_then_length),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
