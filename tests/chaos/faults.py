"""What is done to a stage while its town works. Each is a function of the stage, a chance of its own (a
random.Random, so that a seed gives the same plan) and rest(seconds), which waits, or returns early when the
round is over; it undoes what it did and says what it was. Who is chosen is locked, so that two at a time do
not undo each other's.
"""

import contextlib
import os
import signal
import time

import servers
import stage as stages


@contextlib.contextmanager
def daemon(stage, chance):
    """One of the two, nobody else's, running."""
    name = chance.choice(stages.DAEMONS)
    with stage.locks[name]:
        one = stage.daemons[name]
        if one.process is None or one.process.poll() is not None:
            if one.process is not None:
                stage.ended(one, one.process.returncode)
            one.start()
        yield one


def kill(stage, chance, rest):
    with daemon(stage, chance) as one:
        one.kill()
        seconds = chance.choice((0, 0.5, 3))
        rest(seconds)
        one.start()
        return "%s, %.1f s" % (one.name, seconds)


def freeze(stage, chance, rest):
    """Half of them past its session, so that the other takes over and the woken one is a zombie."""
    with daemon(stage, chance) as one:
        seconds = chance.choice((chance.uniform(0.3, 4), stages.SESSION_MS / 1000 + chance.uniform(1, 3)))
        one.freeze()
        rest(seconds)
        one.thaw()
        return "%s, %.1f s" % (one.name, seconds)


def restart(stage, chance, rest):
    with daemon(stage, chance) as one:
        ordered(stage, one)
        one.start()
        return one.name


def ordered(stage, one):
    """SIGTERM. It must end well, unless the brokers are away too."""
    with open(one.log, "rb") as file:
        from_byte = file.seek(0, os.SEEK_END)
    young = time.monotonic() - one.started < 3  # it may not have come to listen to the signal yet
    code = one.stop()
    if code is None or (code < 0 and not (young and code == -signal.SIGTERM)):
        with open(one.log, errors="replace") as file:
            file.seek(from_byte)
            said = "".join(file.readlines()[-12:])
        stage.faults.append(("daemon", "%s, told to stop, ended with %s:\n%s" % (
            one.name, "nothing for 45 s" if code is None else code, said)))  # fmt: skip


def upgrade(stage, chance, rest):
    """One after the other, to the other build where one is given."""
    target = stage.other if stage.daemons["one"].program == stage.program else stage.program
    for name in stages.DAEMONS:
        with stage.locks[name]:
            one = stage.daemons[name]
            if one.running():
                ordered(stage, one)
            one.program = target
            one.start()
            rest(2)
    return "to the other build" if stage.other != stage.program else "one after the other"


def cut(stage, chance, rest):
    """A daemon from one broker or all; half of them broken off, not only silent."""
    name, seconds = chance.choice(stages.DAEMONS), chance.uniform(0.5, 9)
    brokers = stage.brokers if chance.random() < 0.6 else [chance.choice(stage.brokers)]
    broken = chance.random() < 0.5
    targets = ["broker-%d" % one.number for one in brokers]
    for target in targets:
        stage.wires.cut(name, target)
        if broken:
            stage.wires.reset(name, target)
    rest(seconds)
    for target in targets:
        stage.wires.heal(name, target)
    return "%s from %s, %.1f s" % (name, ", ".join(targets), seconds)


def delay(stage, chance, rest):
    name, seconds, ms = chance.choice(stages.DAEMONS), chance.uniform(2, 9), chance.choice((20, 100, 400))
    for broker in stage.brokers:
        stage.wires.delay(name, "broker-%d" % broker.number, ms)
    rest(seconds)
    for broker in stage.brokers:
        stage.wires.delay(name, "broker-%d" % broker.number, 0)
    return "%s, %d ms, %.1f s" % (name, ms, seconds)


def rebalances(stage, chance, rest):
    """Strangers come into the group and leave, one way or the other."""
    from confluent_kafka import Consumer

    with stage.locks["group"]:
        count = chance.randrange(3, 8)
        for _ in range(count):
            one = Consumer({
                "bootstrap.servers": stage.bootstrap, "group.id": stages.GROUP, "log_level": 0,
                "session.timeout.ms": stages.SESSION_MS, "partition.assignment.strategy": "range",
                "enable.auto.commit": False,
            })  # fmt: skip
            one.subscribe([stages.PREFIX + name for name in stages.checker.INPUTS])
            for _ in range(chance.randrange(1, 8)):
                one.poll(0.1)
            one.close()
            rest(chance.uniform(0, 0.5))
        return "%d strangers" % count


def clock_forward(stage, chance, rest):
    with stage.locks["clock"]:
        names = chance.choice((("one",), ("two",), stages.DAEMONS))
        ms = chance.choice((3000, 20000, 70000, 150000))
        for name in names:
            one = stage.daemons[name]
            one.move(one.offset_ms + ms)
        rest(4)
        return "%s by %d s" % (" and ".join(names), ms // 1000)


def clock_back(stage, chance, rest):
    with stage.locks["clock"]:
        name = chance.choice(stages.DAEMONS)
        one = stage.daemons[name]
        before, ms = one.offset_ms, chance.choice((1000, 4000, 8000, 60000))
        one.move(before - ms)
        rest(5)
        one.move(before)
        return "%s by %d s, 5 s long" % (name, ms // 1000)


# --- Redis ---


def redis_wiped(stage, chance, rest):
    with stage.locks["redis"]:
        store = stage.stores[stage.primary]
        if chance.random() < 0.5:
            with contextlib.suppress(OSError, servers.ServerError):
                store.call("FLUSHALL")
            return "emptied alive"
        seconds = chance.uniform(0, 3)
        store.kill()
        store.empty()
        rest(seconds)
        store.start()
        return "killed, empty after %.1f s" % seconds


def redis_stale(stage, chance, rest):
    """Back from a copy that was made some seconds before."""
    with stage.locks["redis"]:
        store = stage.stores[stage.primary]
        copy = os.path.join(stage.folder, "older.rdb")
        store.dump(copy)
        seconds = chance.uniform(1, 4)
        rest(seconds)
        store.kill()
        store.restore(copy)
        return "%.1f s old" % seconds


def redis_failover(stage, chance, rest):
    """The replica takes over; in half of them it had not heard anything for a while."""
    with stage.locks["redis"]:
        stale = chance.random() < 0.5
        if stale:
            stage.wires.cut("replica", "redis")
            rest(chance.uniform(1, 4))
        old = stage.stores[stage.primary]
        old.kill()
        stage.primary = 1 - stage.primary
        stage.stores[stage.primary].call("REPLICAOF", "NO", "ONE")
        stage.lead()
        stage.wires.heal("replica", "redis")
        rest(0.5)
        old.empty()
        old.start()
        stage.follow()
        return "to a stale replica" if stale else "to the replica"


def redis_freeze(stage, chance, rest):
    with stage.locks["redis"]:
        store, seconds = stage.stores[stage.primary], chance.uniform(0.5, 6)
        store.freeze()
        rest(seconds)
        store.thaw()
        return "%.1f s" % seconds


def redis_cut(stage, chance, rest):
    with stage.locks["redis"]:
        name, seconds = chance.choice(stages.DAEMONS), chance.uniform(0.5, 6)
        if chance.random() < 0.5:
            stage.wires.cut(name, "redis")
        else:
            stage.wires.delay(name, "redis", 200)
        stage.wires.cut("replica", "redis")
        rest(seconds)
        stage.wires.heal(name, "redis")
        stage.wires.heal("replica", "redis")
        return "%s, %.1f s" % (name, seconds)


def redis_full(stage, chance, rest):
    """Its dump cannot be written any more, so it refuses to be written to (stop-writes-on-bgsave-error)."""
    with stage.locks["redis"]:
        store, seconds = stage.stores[stage.primary], chance.uniform(1, 5)
        store.disk.full(True)
        with contextlib.suppress(servers.ServerError):
            store.call("BGSAVE")

        def refuses():
            try:
                store.call("SET", "chaos:probe", "1")
            except servers.ServerError as error:
                return "MISCONF" in str(error)
            return False

        servers.wait_until(refuses, "Redis refuses writes", 10)
        rest(seconds)
        store.disk.full(False)

        def takes():
            with contextlib.suppress(servers.ServerError):
                store.call("BGSAVE")
            with contextlib.suppress(servers.ServerError):
                return store.call("DEL", "chaos:probe") is not None
            return False

        servers.wait_until(takes, "Redis takes writes again", 20, every_s=0.2)
        return "%.1f s" % seconds


# --- brokers ---


def broker_kill(stage, chance, rest):
    with stage.locks["brokers"]:
        one, seconds = chance.choice(stage.brokers), chance.choice((0, 2, 5))
        one.kill()
        rest(seconds)
        one.start()
        return "%d, %d s" % (one.number, seconds)


def broker_restart(stage, chance, rest):
    with stage.locks["brokers"]:
        one = chance.choice(stage.brokers)
        one.restart()
        return "%d" % one.number


def broker_freeze(stage, chance, rest):
    with stage.locks["brokers"]:
        one, seconds = chance.choice(stage.brokers), chance.uniform(0.5, 8)
        one.freeze()
        rest(seconds)
        one.thaw()
        return "%d, %.1f s" % (one.number, seconds)


def broker_full(stage, chance, rest):
    """Its disk is full: it gives up its log folder and ends; then there is room again."""
    with stage.locks["brokers"]:
        one = chance.choice(stage.brokers)
        one.disk.full(True)
        with contextlib.suppress(servers.ServerError):
            servers.wait_until(lambda: not one.running(), "the broker ends", 15)
        ended = not one.running()
        if not ended:
            one.kill()
        one.disk.full(False)
        one.start()
        return "%d%s" % (one.number, ", which ended" if ended else "")


def brokers_apart(stage, chance, rest):
    """One broker from the others, both ways; the daemons reach all of them."""
    with stage.locks["brokers"]:
        one, seconds = chance.choice(stage.brokers), chance.uniform(2, 9)
        mine = "broker-%d" % one.number
        pairs = []
        for other in stage.brokers:
            if other is not one:
                theirs = "broker-%d" % other.number
                pairs += [(mine, theirs), (theirs, mine), (mine, "controller-%d" % other.number),
                          (theirs, "controller-%d" % one.number)]  # fmt: skip
        for pair in pairs:
            stage.wires.cut(*pair)
        rest(seconds)
        for pair in pairs:
            stage.wires.heal(*pair)
        return "%d, %.1f s" % (one.number, seconds)


KINDS = {
    "kill": kill,
    "freeze": freeze,
    "restart": restart,
    "upgrade": upgrade,
    "cut": cut,
    "delay": delay,
    "rebalances": rebalances,
    "clock-forward": clock_forward,
    "clock-back": clock_back,
    "redis-wiped": redis_wiped,
    "redis-stale": redis_stale,
    "redis-failover": redis_failover,
    "redis-freeze": redis_freeze,
    "redis-cut": redis_cut,
    "redis-full": redis_full,
    "broker-freeze": broker_freeze,
    # An only broker that stops, dies or comes up may leave transactions that hang (docs/guarantees.md): the
    # daemon says so and ends, and the stage does by hand what it asks for.
    "broker-kill": broker_kill,
    "broker-restart": broker_restart,
    "broker-full": broker_full,
}
THREE = {"brokers-apart": brokers_apart}
DISKS = ("redis-full", "broker-full")  # need file systems of their own


def kinds(variant, named=(), disks=True):
    """{name: function}: all of the variant, or those that are named. KeyError: there is no such."""
    every = dict(KINDS, **THREE)
    if named:
        return {name: every[name] for name in named}
    return {name: function for name, function in (every if variant == "three" else KINDS).items()
            if disks or name not in DISKS}  # fmt: skip
