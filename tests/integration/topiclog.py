"""Recorded topic logs, read and written with the contract alone, and the days that the tests play.

A log is a file of LogRecord messages, each behind its length as a varint (log.proto). Days are made
by `ringback simulate` of the real day in tests/data and kept under build/tests as long as the program
is the same, so a second script, or a second run of the tests, makes none again.
"""

import collections
import contextlib
import hashlib
import os
import subprocess
import sys

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))
import protos  # noqa: E402

INPUTS = ("settings", "interactions", "presence", "flows", "commands")
CALLS = os.path.join(ROOT, "tests", "data", "bank-1999-08-01.csv")
CACHE = os.path.join(ROOT, "build", "tests", "integration")
# Half of the dials are not answered and are tried again: more timers than the default day has.
WAY = ("--answer", "0.5", "--retries", "2")

_types = {}


def types():
    """The contract's message classes, made once a process."""
    if not _types:
        _types.update(protos.types())
    return _types


def read(path):
    """The LogRecords of a file, in its order."""
    message = types()["LogRecord"]
    with open(path, "rb") as file:
        data = file.read()
    at = 0
    while at < len(data):
        size = shift = 0
        while True:
            byte = data[at]
            at += 1
            size |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        if at + size > len(data):
            raise ValueError("%s ends within the record at byte %d" % (path, at))
        yield message.FromString(data[at : at + size])
        at += size


def write(path, records):
    with open(path + ".part", "wb") as file:
        for record in records:
            data = record.SerializeToString()
            size = len(data)
            while size > 127:
                file.write(bytes((size & 127 | 128,)))
                size >>= 7
            file.write(bytes((size,)) + data)
    os.replace(path + ".part", path)


def short(topic):
    """ "routing" of "some.prefix.routing", "flows.dlq" of "x.flows.dlq"."""
    words = topic.split(".")
    return ".".join(words[-2:]) if words[-1] == "dlq" else words[-1]


def key_of(record):
    return record.key.data if record.HasField("key") else None


def value_of(record):
    return record.value.data if record.HasField("value") else None


class Day:
    """A recorded day: inputs, what the simulator's engine answered, how many partitions."""

    def __init__(self, inputs, outputs, partitions):
        self.inputs = inputs
        self.outputs = outputs  # None: of a part of a day
        self.partitions = partitions

    def digest(self):
        with open(self.inputs, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()[:16]

    def part(self, name, keep):
        """The day's records up to the first, in the order of time, that keep(record, index) is false
        for; so each input is a beginning of what it was."""
        path = self.inputs.replace(".log", "-%s.log" % name)
        if not os.path.exists(path):
            taken = []
            for index, record in enumerate(in_order(read(self.inputs))):
                if not keep(record, index):
                    break
                taken.append(record)
            write(path, taken)
        return Day(path, None, self.partitions)

    def first(self, count):
        return self.part("first-%d" % count, lambda record, index: index < count)

    def until(self, hour):
        """Up to that hour of the day, UTC."""
        return self.part(
            "until-%d" % hour,
            lambda record, index: record.timestamp_ms % 86400000 < hour * 3600000,
        )


def in_order(records):
    """As the contract merges them: time, then the inputs' rank, each input in its own order."""
    records = list(records)
    rows = sorted(
        (record.timestamp_ms, INPUTS.index(short(record.topic)), record.partition, record.offset, i)
        for i, record in enumerate(records)
    )
    return [records[row[-1]] for row in rows]


def kept(program, what):
    """A path for what is made with this program and kept; what others made is removed."""
    digest = hashlib.sha256(" ".join(WAY).encode())
    for path in (program, CALLS, __file__, os.path.join(os.path.dirname(__file__), "compare.py")):
        with open(path, "rb") as file:
            digest.update(file.read())
    beginning = digest.hexdigest()[:12] + "-"
    os.makedirs(CACHE, exist_ok=True)
    for name in os.listdir(CACHE):
        if not name.startswith(beginning):
            with contextlib.suppress(FileNotFoundError):
                os.remove(os.path.join(CACHE, name))
    return os.path.join(CACHE, beginning + what)


def day(program, domains=1, partitions=1):
    """The real day, `domains` times, on so many partitions."""
    words = ["--domains", str(domains), "--partitions", str(partitions)] + list(WAY)
    base = kept(program, "day-%d-%d" % (domains, partitions))
    if not os.path.exists(base + ".log"):
        made = subprocess.run(
            [program, "simulate", CALLS, "--record", base + ".part", "--outputs", base + ".out"]
            + words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            universal_newlines=True,
        )
        if made.returncode != 0:
            raise RuntimeError("simulate: exit code %d\n%s" % (made.returncode, made.stdout))
        os.replace(base + ".part", base + ".log")
    return Day(base + ".log", base + ".out", partitions)


def count_by_input(records):
    return collections.Counter(short(record.topic) for record in records)
