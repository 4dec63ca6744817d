"""f. 1,000 rubbish records of every kind among the good ones: the end is the same, and each of them
is a dead letter of its topic with its reason, or is answered by a refusal where the contract says so."""

import collections
import os
import random

import compare
import harness
import tap
import topiclog

SEED = 731
COUNT = 1000
DAY_MS = 24 * 3600 * 1000


def tagged(number, data):
    """A length-delimited field."""
    return bytes((number << 3 | 2, len(data))) + data


def undecodable(chance, good):
    while True:
        value = bytes(chance.randrange(256) for _ in range(chance.randrange(1, 60)))
        try:
            topiclog.types()["SettingsEvent"].FromString(value)
        except Exception:
            # A field whose length goes beyond the end is wrong in every message.
            return b"\x0a\x7f" + value[:50]


def rubbish(chance, kind, good, name, partitions):
    """One record of the kind: (key, value, timestamp, partition), from a good one of the input."""
    key, value = topiclog.key_of(good), topiclog.value_of(good)
    stamp, partition = good.timestamp_ms, good.partition
    if kind == "bytes":
        value = undecodable(chance, good)
    elif kind == "cut":
        value = value[: len(value) - 1]
    elif kind == "null":
        value = None
    elif kind == "utf8":
        value = value + tagged(1, b"id-\xff\xfe")  # of a field that comes twice the last counts
    elif kind == "no key":
        key = None
    elif kind == "empty key":
        key = b""
    elif kind == "bad key":
        key = chance.choice((b"a b", b"\xff\xfe", b"x" * 129, b"bank\n1"))
        partition = compare.partition_of(key, partitions)
    elif kind == "partition":
        partition = (partition + 1 + chance.randrange(partitions - 1)) % partitions
    elif kind == "large":
        value = tagged(1, name.encode()) + b"\x12\x80\x80\x12" + b"x" * (18 << 14)
    elif kind == "kind":
        value = tagged(1, name.encode()) + b"\xc2\xbb\x01\x02ab"  # field 3000: of a newer version
    elif kind == "nothing":
        value = b""
    else:
        raise ValueError(kind)
    return key, value, stamp, partition


# kind -> (reason, inputs): flows and commands that can be read are answered, never dead letters.
ALL, FACTS = topiclog.INPUTS, ("settings", "interactions", "presence")
KINDS = {
    "bytes": ("UNDECODABLE", ALL),
    "cut": ("UNDECODABLE", ALL),
    "null": ("UNDECODABLE", ALL),
    "utf8": ("UNDECODABLE", ALL),
    "no key": ("NO_DOMAIN", ALL),
    "empty key": ("NO_DOMAIN", ALL),
    "bad key": ("NO_DOMAIN", ALL),
    "partition": ("WRONG_PARTITION", ALL),
    "kind": ("UNKNOWN_KIND", FACTS),
    "nothing": ("UNKNOWN_KIND", FACTS),
    "large": ("LIMIT", FACTS),
    # Only behind the last good record: it would hold up its input for as long as others go on.
    "future": ("TIME", ALL),
}


def spoil(bench, day, chance):
    """The day with rubbish among its records: the new log and what was planted, as
    [(input, kind, record)] with the tag in a header."""
    good = topiclog.in_order(topiclog.read(day.inputs))
    by_input = collections.defaultdict(list)
    for index, record in enumerate(good):
        by_input[topiclog.short(record.topic)].append(index)
    plan = collections.defaultdict(list)
    kinds = sorted(kind for kind in KINDS if kind != "future")
    for number in range(COUNT - len(ALL)):
        kind = kinds[number % len(kinds)]
        if kind == "large" and number >= 10 * len(kinds):
            kind = "bytes"  # ten of 300 kB are enough
        name = chance.choice(KINDS[kind][1])
        plan[chance.choice(by_input[name][1:])].append((number, kind, name))
    log, planted = [], []

    def plant(number, kind, name, topic, key, value, stamp, partition):
        bad = topiclog.types()["LogRecord"](
            topic=topic, partition=partition, timestamp_ms=stamp
        )
        if key is not None:
            bad.key.data = key
        if value is not None:
            bad.value.data = value
        bad.headers.add(name="tag").value.data = b"rubbish-%d" % number
        log.append(bad)
        planted.append((name, kind, bad))

    for index, record in enumerate(good):
        for number, kind, name in plan[index]:
            row = rubbish(chance, kind, record, "rubbish-%d" % number, day.partitions)
            plant(number, kind, name, record.topic, *row)
        log.append(record)
    for rank, name in enumerate(ALL):
        last = good[by_input[name][-1]]
        stamp = good[-1].timestamp_ms + (40 + 40 * rank) * DAY_MS
        key, value = topiclog.key_of(last), topiclog.value_of(last)
        plant(COUNT - 1 - rank, "future", name, last.topic, key, value, stamp, last.partition)
    path = os.path.join(bench.folder, "spoiled.log")
    topiclog.write(path, log)
    return topiclog.Day(path, None, day.partitions), planted


def dead_faults(run, planted, inputs):
    """Each is once in its dead-letter topic, untouched, with where it was and why; nothing else is."""
    faults, found = [], {}
    for topic in compare.DEAD:
        for partition, rows in run.records[topic].items():
            for record in rows:
                headers = dict(record.headers)
                tag = headers.get("tag")
                if tag is None or tag in found:
                    faults.append("%s: unplanned or double: %r" % (topic, record))
                found[tag] = (topic[: -len(".dlq")], partition, record, headers)
    for name, kind, bad in planted:
        key, value, partition = topiclog.key_of(bad), topiclog.value_of(bad), bad.partition
        tag = bad.headers[0].value.data
        if tag not in found:
            faults.append("%r (%s of %s) is in no dead-letter topic" % (tag, kind, name))
            continue
        topic, where, record, headers = found[tag]
        told = {k[len("__connect.errors.") :]: v for k, v in headers.items() if k != "tag"}
        want = {
            "topic": name.encode(),
            "partition": b"%d" % partition,
            "offset": b"%d" % inputs[name, tag],
            "exception.class.name": KINDS[kind][0].encode(),
        }
        got = {key: told.get(key) for key in want}
        if (topic, where, record.key, record.value) != (name, partition, key, value):
            faults.append("%r (%s): another record: %.500r" % (tag, kind, (topic, where, record)))
        elif got != want or not told.get("exception.message"):
            faults.append("%r (%s of %s): %r, expected %r" % (tag, kind, name, told, want))
        elif record.headers[0] != ("tag", tag):
            faults.append("%r: its own header is not first: %r" % (tag, record.headers))
    return compare.capped(faults)


def offsets_by_tag(world):
    """{(input, tag): offset} of the rubbish as the broker has it."""
    found = {}
    for name, _, message in world.read(topiclog.INPUTS):
        for header, value in message.headers() or ():
            if header == "tag":
                found[name, value] = message.offset()
    return found


def thousand(bench):
    day = bench.day(domains=2, partitions=2)
    reference = bench.reference(day)
    spoiled, planted = spoil(bench, day, random.Random(SEED))
    with bench.world("rubbish", spoiled, {"batch.records_max": 100}) as world:
        inputs = offsets_by_tag(world)
        tap.equal(len(inputs), COUNT, "%d rubbish records are in the inputs" % COUNT)
        run = world.finish(world.daemon())
        tap.empty(dead_faults(run, planted, inputs), "each is in its dead-letter topic with its reason")
        tap.equal(
            sum(len(batch.undecided) for p in range(2) for batch in run.batches(p)),
            COUNT,
            "the journal names each",
        )
        faults = compare.output_faults(reference, run, compare.OUTPUTS)
        faults += compare.entity_faults("state", reference.state, run.state)
        faults += compare.redis_faults(run)
        tap.empty(compare.capped(faults), "same end as the undisturbed run")
        tap.empty(compare.alone(run), "nothing lost, nothing double, the journal joins")


def answered(bench):
    """Flow events and commands that can be read are refused, each once, and change nothing else."""
    day = bench.day().until(9)
    reference = bench.reference(day, {"batch.records_max": 50})
    types = topiclog.types()
    good = topiclog.in_order(topiclog.read(day.inputs))
    log, asked = [], {}
    for index, record in enumerate(good):
        log.append(record)
        if index % 30 != 29:
            continue
        tag = "rubbish-%d" % index
        kind = index // 30 % 4
        bad = types["LogRecord"](timestamp_ms=record.timestamp_ms, partition=0)
        bad.key.data = b"bank-0001"
        prefix = record.topic[: record.topic.rindex(".") + 1]
        if kind == 0:
            event = types["Command"](request_id=tag, callback_id="nobody", agent_id="agent-01")
            event.accept.offer_id = "nothing"
            bad.topic, bad.value.data = prefix + "commands", event.SerializeToString()
            asked[tag] = "CALLBACK_UNKNOWN"
        elif kind == 1:
            event = types["Command"](request_id=tag, agent_id="agent-01")
            bad.topic = prefix + "commands"
            bad.value.data = event.SerializeToString() + b"\xc2\xbb\x01\x02ab"
            asked[tag] = "NOT_SUPPORTED"
        elif kind == 2:
            event = types["FlowEvent"](id=tag)
            event.create_callback.interaction_id = "call-" + tag
            event.create_callback.conversation_id = "conv-" + tag
            event.create_callback.flow_type = 2
            event.create_callback.number = "+972500000000"
            event.create_callback.queue_id = "no-such-queue"
            bad.topic, bad.value.data = prefix + "flows", event.SerializeToString()
            asked[tag] = "QUEUE_UNKNOWN"
        else:
            event = types["FlowEvent"](id=tag)
            event.create_callback.interaction_id = "call-" + tag
            event.create_callback.flow_type = 2
            event.create_callback.number = "+972500000000"
            event.create_callback.queue_id = "PS"
            event.create_callback.name = "x" * (300 * 1024)
            bad.topic, bad.value.data = prefix + "flows", event.SerializeToString()
            asked[tag] = "LIMIT"
        log.append(bad)
    path = os.path.join(bench.folder, "asked.log")
    topiclog.write(path, log)
    with bench.world("answered", topiclog.Day(path, None, 1), {"batch.records_max": 50}) as world:
        run = world.finish(world.daemon())
    reasons = types["CallbackRefused"].DESCRIPTOR.fields_by_name["reason"].enum_type.values_by_number
    heard, kept = collections.defaultdict(list), []
    for record, result in zip(run.records["results"][0], run.parsed("results", 0)):
        if not result.request_id.startswith("rubbish-"):
            kept.append(record)
            continue
        answer = getattr(result, result.WhichOneof("answer"))
        heard[result.request_id].append(reasons[answer.reason].name[len("REASON_") :])
    wrong = ["%s: %r, expected %s" % (tag, heard[tag], why) for tag, why in asked.items()
             if heard[tag] != [why]]
    tap.empty(compare.capped(wrong), "%d answers, each a refusal with its reason" % len(asked))
    tap.empty(compare.alone(run), "nothing lost, nothing double, the journal joins")
    run.records["results"][0] = kept
    for key in [key for key in run.state[0] if b"|rubbish-" in key]:
        del run.state[0][key]
    faults = compare.output_faults(reference, run) + compare.entity_faults(
        "state", reference.state, run.state)
    tap.empty(compare.capped(faults), "what is not their answer is as without them")


TESTS = (thousand, answered)
