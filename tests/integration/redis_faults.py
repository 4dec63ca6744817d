"""c. Redis killed, restarted empty, restored from an older copy, robbed of single keys, during the
day: the end is the same, and Redis is complete."""

import os
import signal

import compare
import harness
import tap

BATCHES = {"batch.records_max": 50}


def ends_well(bench, world, daemon, name):
    run = world.finish(daemon)
    tap.equal(world.redis_entities()[2], [], name + ": no other fill is left in Redis")
    harness.same_end(run, bench.reference(world.day), name)


def pointer_number(world):
    client = world.redis_client()
    try:
        found = world.redis_pointers(client)
        return int(found[0][1][b"number"]) if 0 in found else 0
    finally:
        client.close()


def down_and_empty(bench):
    """Dead for a while, then there again, with nothing in it."""
    with bench.world("empty", bench.day(), BATCHES) as world:
        daemon = world.daemon()
        world.wait_batches(60, daemon)
        bench.redis.kill()
        bench.redis.empty()
        while_down = world.wait_batches(world.tail.count() + 40, daemon)
        bench.redis.start()
        tap.equal(bench.redis.call("DBSIZE"), 0, "Redis is empty when it comes back")
        tap.ok(not world.decided(), "batches are decided while Redis is dead: up to %d" % while_down)
        ends_well(bench, world, daemon, "Redis dead, then empty")


def older_copy(bench):
    """Killed, and brought back from a copy made 100 batches before."""
    with bench.world("older", bench.day(), BATCHES) as world:
        daemon = world.daemon()
        world.wait_batches(60, daemon)
        copy = os.path.join(world.folder, "copy.rdb")
        harness.wait_until(lambda: pointer_number(world) >= 50, "Redis follows")
        bench.redis.dump(copy)
        world.wait_batches(world.tail.count() + 100, daemon)
        newer = pointer_number(world)
        bench.redis.kill()
        bench.redis.restore(copy)
        older = pointer_number(world)
        tap.ok(0 < older < newer, "the copy is older: batch %d, it was at %d" % (older, newer))
        ends_well(bench, world, daemon, "Redis from an older copy")
        bench.redis.kill()
        bench.redis.empty()
        bench.redis.start()


def single_keys(bench):
    """One entity of each kind deleted while the daemon runs; the next take-over sees it."""
    with bench.world("keys", bench.day(), BATCHES) as world:
        first = world.daemon()
        world.wait_batches(150, first)
        tap.equal(first.stop(), 0, "a clean stop")
        world.wait_redis()
        client = world.redis_client()
        name, pointer = world.redis_pointers(client)[0]
        base = name[: -len(b"pointer")] + pointer[b"fill"] + b":"
        gone = []
        for kind in (b"callback", b"agent", b"counters", b"answer"):
            fields = sorted(client.hkeys(base + kind))
            client.hdel(base + kind, fields[len(fields) // 2])
            gone.append((base + kind, fields[len(fields) // 2]))
        tap.equal(
            [client.hexists(*one) for one in gone],
            [False] * 4,
            "keys of four kinds are deleted behind its back",
        )
        client.close()
        daemon = world.daemon()
        said = daemon.wait_said("Redis's copy does not fit")
        tap.ok(said and not world.decided(), "the take-over sees it", said)
        ends_well(bench, world, daemon, "keys deleted from Redis")


def emptied_alive(bench):
    """Everything deleted under the running daemon's hands: its connection stays, so only the compare
    of the pointer can notice."""
    with bench.world("flushed", bench.day(), BATCHES) as world:
        daemon = world.daemon()
        world.wait_batches(100, daemon)
        harness.wait_until(lambda: pointer_number(world) >= 90, "Redis follows")
        bench.redis.call("FLUSHALL")
        tap.ok(not world.decided(), "Redis is emptied during the day")
        ends_well(bench, world, daemon, "Redis emptied alive")


TESTS = (down_and_empty, older_copy, single_keys, emptied_alive)
