"""a. What the daemon decides live equals what a replay of the captured topics decides, however the
day is cut into batches, partitions and processes; and what the simulator's engine said to it."""

import os
import subprocess

import compare
import harness
import tap
import topiclog

# name, domains, partitions, records of a batch (0: whatever comes), processes, first records (0: all)
CASES = (
    ("batches of 1, the first 1,500 records", 1, 1, 1, 1, 1500),
    ("batches of 7, the whole day", 1, 1, 7, 1, 0),
    ("1,000, 16 domains, 1 partition", 16, 1, 1000, 1, 0),
    ("1,000, 16 domains, 1 partition, two processes", 16, 1, 1000, 2, 0),
    ("whatever comes, 16 domains, 1 partition", 16, 1, 0, 1, 0),
    ("whatever comes, 16 domains, 1 partition, two processes", 16, 1, 0, 2, 0),
    ("1,000, 16 domains, 8 partitions", 16, 8, 1000, 1, 0),
    ("1,000, 16 domains, 8 partitions, two processes", 16, 8, 1000, 2, 0),
    ("whatever comes, 16 domains, 8 partitions", 16, 8, 0, 1, 0),
    ("whatever comes, 16 domains, 8 partitions, two processes", 16, 8, 0, 2, 0),
)


def of_log(path, partitions):
    """The snapshot that a topic log holds."""
    run = compare.Snapshot(partitions)
    for record in topiclog.read(path):
        topic = topiclog.short(record.topic)
        if topic not in topiclog.INPUTS:
            headers = tuple(
                (one.name, one.value.data if one.HasField("value") else None)
                for one in record.headers
            )
            run.add(
                topic,
                record.partition,
                compare.Record(
                    topiclog.key_of(record), topiclog.value_of(record), record.timestamp_ms, headers
                ),
            )
    return run


def file_command(bench, *words):
    """A command that needs no servers: (exit code, what it printed)."""
    made = subprocess.run(
        [bench.program] + list(words),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        universal_newlines=True,
        env=harness.environment(),
    )
    return made.returncode, made.stdout


def replays(bench, world, run, name):
    """Capture, replay, and compare: by `diff`, and with our own eyes."""
    captured = os.path.join(world.folder, "captured.log")
    replayed = os.path.join(world.folder, "replayed.log")
    world.command("capture", "--output", captured)
    code, said = file_command(bench, "replay", captured, "--out", replayed, "--batch", "97")
    if tap.ok(code == 0, name + ": replay decides what capture wrote", said):
        code, said = file_command(bench, "diff", captured, replayed)
        tap.ok(code == 0 and "identical" in said, name + ": `diff` finds no difference", code, said)
        again = of_log(replayed, world.partitions)
        faults = compare.output_faults(again, run) + compare.entity_faults(
            "state", again.state, run.state
        )
        tap.empty(compare.capped(faults), name + ": live outputs equal those of the replay")
        os.remove(replayed)
    os.remove(captured)


def case(bench, seen, name, domains, partitions, records, processes, first):
    """seen: {shape of the day: a run of it that was compared in full, with a replay of what capture
    reads back among it}; a further run of the same day equals that one."""
    day = bench.day(domains, partitions)
    if first:
        day = day.first(first)
    options = {"batch.records_max": records} if records else {}
    with bench.world("replay", day, options) as world:
        daemons = [world.daemon() for _ in range(processes)]
        if processes > 1:
            for daemon in daemons:
                daemon.wait_said("running")
        run = world.finish(*daemons)
        batches = [batch for partition in range(partitions) for batch in run.batches(partition)]
        largest = max(
            sum(one.to_offset - one.from_offset for one in batch.ranges) for batch in batches
        )
        # The end markers of the five inputs come on top.
        tap.ok(
            largest <= (records or 20000) + len(topiclog.INPUTS),
            "%s: %d batches, the largest of %d records" % (name, len(batches), largest),
        )
        if processes > 1 and partitions > 1:
            had = [set(line["partition"] for line in d.said("partition taken over")) for d in daemons]
            tap.ok(all(had), "%s: each process had partitions: %s" % (name, had))
        earlier = seen.setdefault((domains, partitions, first), run)
        if earlier is run:
            tap.empty(compare.alone(run), name + ": nothing lost, nothing double, journal joins")
        else:
            tap.empty(compare.journal_faults(run), name + ": its journal joins")
            tap.empty(compare.differences(earlier, run), name + ": equals the first run of its kind")
        if day.outputs and domains == 1:
            tap.empty(
                compare.capped(
                    compare.output_faults(of_log(day.outputs, partitions), run, compare.OUTPUTS)
                ),
                name + ": live outputs equal those that the simulator heard",
            )
        if earlier is run:
            replays(bench, world, run, name)


SEEN = {}


def test_of(row):
    def test(bench):
        case(bench, SEEN, *row)

    test.__name__ = row[0]
    return test


TESTS = tuple(test_of(row) for row in CASES)
