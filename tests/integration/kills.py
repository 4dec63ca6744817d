"""b. kill -9 at 50 places of the day, and at every labelled step of a batch: the end is the same."""

import random
import signal

import compare
import harness
import tap

SEED = 1999
KILLS = 50
STATIC = {"batch.records_max": 7, "group_instance_id": "the-one", "session_timeout_ms": 2000}
# Reached only when a partition is taken over that has something to take over, or when Redis is
# filled anew; the others are reached again and again while batches are decided.
AT_TAKE_OVER = "take_over_"
AT_FILL = ("store_filling", "store_filled", "store_swapped")


def fifty_kills(bench):
    day = bench.day()
    reference = bench.reference(day)
    total = (len(list(harness.topiclog.read(day.inputs))) + 6) // 7
    chance = random.Random(SEED)
    positions = sorted(chance.sample(range(10, total - 20), KILLS))
    tap.diag("seed %d, kills after batches %s" % (SEED, positions))
    with bench.world("kills", day, STATIC) as world:
        codes, late, places = [], [], []
        for position in positions:
            daemon = world.daemon()
            world.wait_batches(position, daemon)
            codes.append(daemon.kill())
            places.append(world.tail.poll(0.02))
            late.append(places[-1] - position)
        tap.equal(codes, [-signal.SIGKILL] * KILLS, "%d daemons ended by kill -9" % KILLS)
        tap.ok(
            not world.decided() and max(late) <= 60,
            "each of them at most 60 batches after its place, none at the end",
            late,
        )
        run = world.finish(world.daemon())
        chain = compare.writers(run, 0)
        tap.ok(
            KILLS * 0.8 < len(chain) <= KILLS + 1,
            "the journal knows %d writers, one after the other" % len(chain),
        )
        tap.empty(world.open_transactions(), "no transaction hangs")
        harness.same_end(run, reference, "50 kills")


def point_names(bench):
    made = harness.subprocess.run(
        [bench.program, "run", "--list-points"],
        stdout=harness.subprocess.PIPE,
        universal_newlines=True,
        env=harness.environment(),
        check=True,
    )
    return [line.split("\t")[0] for line in made.stdout.splitlines()]


def crash_at(world, point, count):
    """Run until it dies at the point; its exit code."""
    daemon = world.daemon(variables={"RINGBACK_POINT": "%s:%d" % (point, count)})
    try:
        return daemon.wait(40)
    except harness.servers.ServerError:
        tap.diag("%s:%d is not reached:\n%s" % (point, count, daemon.log_end()))
        return daemon.kill() and None


def one_point(bench, day, reference, point, chance):
    """Some batches, then a death at the point, then on to the end."""
    with bench.world("point", day, STATIC) as world:
        count = 1
        if point.startswith(AT_TAKE_OVER) or point in AT_FILL:
            first = world.daemon()
            world.wait_batches(chance.randrange(5, 60), first)
            world.wait_redis()
            first.kill()
            if point in AT_FILL:
                bench.redis.call("FLUSHALL")
        else:
            count = chance.randrange(2, 60)
        code = crash_at(world, point, count)
        run = world.finish(world.daemon())
        faults = compare.differences(reference, run) + compare.alone(run)
        faults += ["an open transaction on " + where for where in world.open_transactions()]
        chain = compare.writers(run, 0)
        by_first = [batch.writer for batch in run.batches(0)].count(chain[0])
        tap.ok(
            code == -signal.SIGKILL and by_first in places(point, count, run) and not faults,
            "dead at %s, the %d. time, after %d batches: same end" % (point, count, by_first),
            "exit code %s, %d of %d batches" % (code, by_first, len(run.journal[0])),
            *faults
        )


def places(point, count, run):
    """How many batches may be committed when a process dies at its COUNTth coming by that point."""
    if point in ("batch_decided", "batch_committing"):
        return range(1, count + 1)  # also when nothing was there to decide; once more a slice
    if point == "batch_committed":
        return (count,)
    if point.startswith("batch_"):
        return (count - 1,)
    return range(1, len(run.journal[0]))


def every_point(bench):
    day = bench.day().until(9)
    reference = bench.reference(day)
    chance = random.Random(SEED)
    names = point_names(bench)
    tap.ok(len(names) >= 20, "%d labelled points" % len(names), names)
    for point in names:
        one_point(bench, day, reference, point, chance)


def no_logical_offset(bench):
    """Inputs are never assigned at a logical offset: librdkafka 2.0.2 asks the broker what it means,
    and an answer that comes after the worker's seek undoes the seek. The input then goes on at its
    end, once in some hundred restarts, and what lies between is never read."""
    day = bench.day().until(8)
    options = dict(STATIC, **{"kafka.debug": "topic,fetch,consumer", "log.level": "debug"})
    with bench.world("logical", day, options) as world:
        daemon = world.daemon()
        world.wait_decided(daemon)
        begun = {
            line["text"].split("Start fetch for ")[1].split(" (v")[0]
            for line in daemon.said("librdkafka")
            if "Start fetch for " in line.get("text", "")
        }
        inputs = [world.prefix + name for name in harness.topiclog.INPUTS]
        begun = sorted(text for text in begun if text.split(" ")[0] in inputs)
        tap.equal([text.split(" ")[0] for text in begun], sorted(inputs), "five inputs are begun")
        tap.empty(
            [text for text in begun if not text.rsplit(" ", 1)[1].isdigit()],
            "each at an offset that is a number",
        )
        tap.equal(daemon.stop(), 0, "and all is decided")


TESTS = (no_logical_offset, fifty_kills, every_point)
