"""TAP for the test scripts written in Python: one line a test, the plan at the end.

    import tap
    tap.equal(got, want, "orders are read in order")
    tap.done()

Standard library only. A script that raises exits with an error, which tests/run counts as a failure.
"""

import os
import sys

_count = 0
_failed = 0


def ok(condition, name, *details):
    """One test. details are printed when it fails."""
    global _count, _failed
    _count += 1
    if condition:
        print("ok %d - %s" % (_count, name))
    else:
        _failed += 1
        print("not ok %d - %s" % (_count, name))
        for detail in details:
            diag(detail)
    sys.stdout.flush()
    return bool(condition)


def equal(got, want, name):
    return ok(got == want, name, "got:  %r" % (got,), "want: %r" % (want,))


def empty(found, name):
    """Fails when the list has anything in it, and prints what."""
    found = list(found)
    return ok(not found, name, *found[:50])


def diag(text):
    for line in str(text).splitlines() or [""]:
        print("#   " + line)


def skip(name, why):
    """Counts as skipped; as failed where servers and tools are required (.ci/run)."""
    global _count, _failed
    _count += 1
    if os.environ.get("RINGBACK_TEST_REQUIRE_SERVERS") == "1":
        _failed += 1
        print("not ok %d - %s: required (RINGBACK_TEST_REQUIRE_SERVERS=1), but %s" % (_count, name, why))
    else:
        print("ok %d - %s # skip %s" % (_count, name, why))
    sys.stdout.flush()


def later(name, why):
    """Counts as skipped, everywhere: what it would test is not built yet, and a page says so."""
    global _count
    _count += 1
    print("ok %d - %s # skip %s" % (_count, name, why))
    sys.stdout.flush()


def done():
    """The plan; exits, with 1 when a test failed."""
    print("1..%d" % _count)
    sys.stdout.flush()
    sys.exit(1 if _failed or not _count else 0)
