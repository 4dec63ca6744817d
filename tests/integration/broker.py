"""d. The broker killed and restarted during the day: the same process goes on to the same end."""

import harness
import tap


def ends_well(bench, world, daemon, name):
    tap.ok(not world.decided(), name + ": it happened during the day")
    run = world.finish(daemon, deadline_s=180)
    tap.empty(world.open_transactions(), name + ": no transaction hangs")
    harness.same_end(run, bench.reference(world.day), name)


def killed_twice(bench):
    with bench.world("broker", bench.day(), {"batch.records_max": 50}) as world:
        daemon = world.daemon()
        for place in (80, 200):
            world.wait_batches(place, daemon)
            first = bench.kafka.pid
            bench.kafka.kill()
            bench.kafka.start()
            tap.ok(bench.kafka.pid != first, "kill -9 of the broker after %d batches" % place)
        ends_well(bench, world, daemon, "broker killed")


def partitions_kept(bench):
    """A session that outlasts it: the worker keeps its partition, and looks up what it cannot know."""
    options = {"batch.records_max": 50, "session_timeout_ms": 30000}
    with bench.world("kept", bench.day(), options) as world:
        daemon = world.daemon()
        world.wait_batches(60, daemon)
        bench.kafka.kill()
        bench.kafka.start()
        world.wait_batches(140, daemon)
        bench.kafka.restart()
        world.wait_batches(220, daemon)
        bench.kafka.freeze()
        until = harness.time.monotonic() + 4
        harness.wait_until(lambda: harness.time.monotonic() > until, "4 s pass", 10)
        bench.kafka.thaw()
        ends_well(bench, world, daemon, "broker killed, stopped, frozen for 4 s, partition kept")
        done = [line for line in daemon.said("partition") if line.get("state") == "stopped"]
        tap.ok(
            done and done[-1]["look_ups"] > 0 and len(daemon.said("partitions assigned")) == 1,
            "it kept its partition and looked up what became of a batch",
            daemon.log_end(),
        )


TESTS = (killed_twice, partitions_kept)
