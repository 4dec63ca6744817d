"""Two daemons that share the partitions, callbacks that wait, and an event every 25 ms in every
partition, so that a gap in the journal is time in which nobody decided.

    with failover.Pair(kafka, redis, "name", partitions=8, callbacks=100000) as pair:
        pair.killed(0)      # {"gaps": {partition: s}, "others": {partition: s}, ...}

A gap is from the signal, or from the last batch before it if that came later, to the first batch of
another writer as a read_committed reader sees it.
"""

import os
import signal
import threading
import time

import live
import servers

TICK_S = 0.025


def key_of(partition, count):
    """A domain of that partition, by the partitioner of Java clients."""
    nth = 0
    while True:
        name = "d%d" % nth
        if murmur2(name.encode()) % count == partition:
            return name
        nth += 1


def murmur2(data):
    """Kafka's DefaultPartitioner, without the sign."""
    mask, seed, m = 0xFFFFFFFF, 0x9747B28C, 0x5BD1E995
    h, at = (seed ^ len(data)) & mask, 0
    while len(data) - at >= 4:
        k = int.from_bytes(data[at:at + 4], "little") * m & mask
        k = (k ^ k >> 24) * m & mask
        h = (h * m & mask) ^ k
        at += 4
    rest = data[at:]
    for shift in range(len(rest) - 1, -1, -1):
        h ^= rest[shift] << 8 * shift
    if rest:
        h = h * m & mask
    h = (h ^ h >> 13) * m & mask
    return (h ^ h >> 15) & 0x7FFFFFFF


class Journal(threading.Thread):
    """Reads the journal of all partitions: the writer and time of the last batch, and who came after."""

    def __init__(self, town, partitions):
        super().__init__(daemon=True)
        from confluent_kafka import Consumer, TopicPartition

        self.consumer = Consumer({
            "bootstrap.servers": town.kafka.bootstrap, "log_level": 2, "group.id": "failover-reader",
            "isolation.level": "read_committed", "enable.auto.commit": False, "fetch.wait.max.ms": 5})
        self.consumer.assign([TopicPartition(town.prefix + "journal", number, 0) for number in range(partitions)])
        self.lock = threading.Lock()
        self.seen = {number: [] for number in range(partitions)}  # (monotonic, writer)
        self.decided = 0
        self.ending = False

    def run(self):
        record = live.message("JournalRecord")
        while not self.ending:
            for got in self.consumer.consume(1000, 0.01):
                if got.error():
                    continue
                one = record.FromString(got.value())
                with self.lock:
                    self.seen[got.partition()].append((time.monotonic(), one.writer))
                    self.decided += sum(part.to_offset - part.from_offset for part in one.ranges)
        self.consumer.close()

    def last(self):
        with self.lock:
            return {number: seen[-1] for number, seen in self.seen.items() if seen}

    def since(self, number, moment):
        with self.lock:
            return [row for row in self.seen[number] if row[0] >= moment]

    def before(self, number, moment):
        """The last batch before that moment."""
        with self.lock:
            return [row for row in self.seen[number] if row[0] < moment][-1]


class Ticks(threading.Thread):
    """A presence event in every partition, every TICK_S."""

    def __init__(self, pair):
        super().__init__(daemon=True)
        self.pair = pair
        self.ending = False

    def run(self):
        version = 0
        while not self.ending:
            version += 1
            for domain in self.pair.domains:
                event = live.message("PresenceEvent")(
                    id="t-%d" % version, agent_id="anna", version=version, change_ms=int(time.time() * 1000))
                event.presence.presence = 1 + version % 2
                self.pair.town.send("presence", domain, event)
            time.sleep(TICK_S)


def cpu_s(daemon):
    """What the process has computed so far."""
    with open("/proc/%d/stat" % daemon.process.pid) as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Pair:
    def __init__(self, kafka, redis, name, partitions=8, callbacks=100000, static=False, options=None,
                 program=None):
        self.static = static
        self.options = options or {}
        self.town = live.Town(kafka, redis, name, program, self.options)
        if not self.options.get("session_timeout_ms"):
            del self.town.options["session_timeout_ms"]
        self.partitions = partitions
        self.callbacks = callbacks
        self.domains = [key_of(number, partitions) for number in range(partitions)]
        self.daemons = []

    def __enter__(self):
        self.town.topics(self.partitions)
        self.daemons = [self.start(0), None]
        self.daemons[0].wait_said("partition taken over", self.partitions, 120)
        for domain in self.domains:
            self.town.send("settings", domain, live.queue("q"))
        self.town.flush()
        self.journal = Journal(self.town, self.partitions)
        self.journal.start()
        self.fill()
        self.ticks = Ticks(self)
        self.ticks.start()
        self.daemons[1] = self.start(1)
        self.wait_shared()
        return self

    def __exit__(self, kind, value, trace):
        self.ticks.ending = self.journal.ending = True
        self.ticks.join()
        for daemon in self.daemons:
            if daemon is not None:
                daemon.__exit__(kind, value, trace)
        self.journal.join()

    def start(self, side):
        extra = {"group_instance_id": "side-%d" % side} if self.static else {}
        return self.town.daemon(extra)

    def fill(self):
        for number in range(self.callbacks):
            event = live.create_callback("c-%d" % number, "q", "+4930%07d" % number)
            try:
                self.town.send("flows", self.domains[number % self.partitions], event)
            except BufferError:
                self.town.producer.poll(0.5)
                self.town.send("flows", self.domains[number % self.partitions], event)
        self.town.flush()
        live.wait_until(lambda: self.journal.decided >= self.callbacks + self.partitions,
                        "all callbacks are made", 300)

    def owned(self):
        """{partition: side}: who said last that it took it over."""
        last = {}
        for side, daemon in enumerate(self.daemons):
            for line in daemon.said("partition taken over") if daemon is not None else ():
                if line["partition"] not in last or line["ts"] > last[line["partition"]][0]:
                    last[line["partition"]] = (line["ts"], side)
        return {number: side for number, (_, side) in last.items()}

    def wait_shared(self):
        """Until both have their half and decide."""

        def shared():
            sides = list(self.owned().values())
            return sides.count(0) == sides.count(1) == self.partitions // 2

        live.wait_until(shared, "both have their half", 120)
        self.quiet()

    def quiet(self):
        """Until every partition decides: a batch of the last moment in each."""
        moment = time.monotonic()
        live.wait_until(lambda: all(at > moment for at, _ in self.journal.last().values()), "all decide", 60)
        moment = time.monotonic() + 1
        live.wait_until(lambda: all(at > moment for at, _ in self.journal.last().values()), "all decide", 60)

    def measure(self, moment, lost, kept, taker):
        """Gaps of the lost partitions, until another writer decides, and the longest ones of those kept."""
        writers = {number: self.journal.before(number, moment)[1] for number in lost}
        found = {}

        def taken():
            for number in lost:
                rows = self.journal.since(number, moment)
                others = [at for at, writer in rows if writer != writers[number]]
                if others and number not in found:
                    mine = [at for at, writer in rows if writer == writers[number]]
                    found[number] = round(others[0] - max(mine + [moment]), 3)
            return len(found) == len(lost)

        live.wait_until(taken, "the partitions %s decide again" % lost, 120)
        spent = cpu_s(taker)
        self.quiet()
        others = {}
        for number in kept:
            times = [moment] + [at for at, _ in self.journal.since(number, moment)]
            others[number] = round(max(b - a for a, b in zip(times, times[1:])), 3)
        return {"gaps": found, "others": others, "cpu": round(spent, 2)}

    def halves(self, victim):
        owned = self.owned()
        return ([number for number in owned if owned[number] == victim],
                [number for number in owned if owned[number] != victim])

    def timeline(self, daemon, since_ms):
        return ["%s %s" % (line["ts"], line["msg"]) + "".join(
            " %s=%s" % (name, line[name]) for name in (
                "partition", "kept", "entities", "ms", "owned_ms", "loaded_ms", "inputs_ms") if name in line)
                for line in daemon.lines()[since_ms:] if "ts" in line]

    def killed(self, number):
        victim = number % 2
        lost, kept = self.halves(victim)
        other = self.daemons[1 - victim]
        said = len(other.lines())
        moment = time.monotonic()
        self.daemons[victim].kill()
        spent = cpu_s(other)
        found = self.measure(moment, lost, kept, other)
        found["cpu"] = round(found["cpu"] - spent, 2)
        found["timeline"] = ["killed at %.3f" % (time.time() - time.monotonic() + moment)] + self.timeline(
            other, said)
        self.daemons[victim] = self.start(victim)
        self.wait_shared()
        return found

    def stopped(self, number):
        victim = number % 2
        lost, kept = self.halves(victim)
        other = self.daemons[1 - victim]
        said, own = len(other.lines()), len(self.daemons[victim].lines())
        moment = time.monotonic()
        self.daemons[victim].process.send_signal(signal.SIGTERM)
        spent = cpu_s(other)
        found = self.measure(moment, lost, kept, other)
        found["cpu"] = round(found["cpu"] - spent, 2)
        if self.daemons[victim].wait() != 0:
            raise AssertionError("it did not stop well:\n" + self.daemons[victim].log_end())
        found["ended"] = round(time.monotonic() - moment, 3)
        found["timeline"] = self.timeline(other, said)
        found["left"] = self.timeline(self.daemons[victim], own)
        self.daemons[victim] = self.start(victim)
        self.wait_shared()
        return found

    def restarted(self, number):
        """A static member stops and starts; the other must not notice."""
        victim = number % 2
        lost, kept = self.halves(victim)
        other = self.daemons[1 - victim]
        said = len(other.lines())
        moment = time.monotonic()
        if self.daemons[victim].stop() != 0:
            raise AssertionError("it did not stop well:\n" + self.daemons[victim].log_end())
        stopped = time.monotonic() - moment
        self.daemons[victim] = self.start(victim)
        found = self.measure(moment, lost, kept, self.daemons[victim])
        found["stopped"] = round(stopped, 3)
        found["timeline"] = self.timeline(self.daemons[victim], 0)
        found["noticed"] = [text for text in self.timeline(other, said) if any(
            word in text for word in ("assigned", "given back", "taken over"))]
        return found
