/* A program that was built without OpenSSL's headers: rediss:// is refused, and says what to do. */
#undef RINGBACK_TLS
#include "state/store/redis_tls.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/options.h"

static void redis_tls_not_built_in_is_refused(void **state)
{
    static struct options options;
    struct err_note note;

    (void)state;
    options_init(&options);
    assert_int_equal(
        options_text(&options, "f.yaml", slice_text("\nredis.url: rediss://:hush@h"), &note),
        ERR_OK);
    assert_int_equal(options_check(&options, &note), ERR_BAD_OPTION);
    assert_non_null(strstr(note.text, "f.yaml:2: redis.url: rediss:// is TLS, and this program was "
                                      "built without it"));
    assert_non_null(strstr(note.text, "libssl-dev"));
    assert_null(strstr(note.text, "hush"));
    options_deinit(&options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(redis_tls_not_built_in_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
