"""What a run left behind, and whether two runs left the same: contract.md's "Outputs equal", and
what must hold of any run alone. Written from the contract, without a line of the program: nothing
here does I/O, so tests/all.d/40-harness plants faults and sees that they are found.

Per topic and partition in order: key, value, timestamp and all headers of routing, analytics,
results and the dead letters, offsets ignored; `state`: the last value per key without `meta`; Redis:
the same entities without the pointer; `journal`: its ranges join without a gap, its numbers are
dense, its writers a chain.
"""

import collections
import struct

import topiclog

OUTPUTS = ("routing", "analytics", "results")
DEAD = tuple(name + ".dlq" for name in topiclog.INPUTS)
TYPES = {"routing": "RoutingEvent", "analytics": "AnalyticsEvent", "results": "Result"}
META = b"meta"
SHOWN = 12  # faults that a list carries; then only how many more

# headers: a tuple of (name, value or None).
Record = collections.namedtuple("Record", "key value timestamp headers")


class Snapshot:
    """What one run left. records: {short topic: {partition: [Record]}}; state: {partition: {key:
    value}}; metas: {partition: bytes}; journal: {partition: [bytes]}; redis: {partition: {key:
    value}} or None; ends: {(input, partition): offset} of what was there to decide."""

    def __init__(self, partitions):
        self.partitions = partitions
        self.records = {
            topic: {partition: [] for partition in range(partitions)} for topic in OUTPUTS + DEAD
        }
        self.state = {partition: {} for partition in range(partitions)}
        self.metas = {}
        self.journal = {partition: [] for partition in range(partitions)}
        self.redis = None
        self.pointers = {}
        self.ends = {}

    def add(self, topic, partition, record):
        """One record of a topic by its short name, in the order of its offsets."""
        if topic == "state":
            if record.key == META:
                self.metas[partition] = record.value
            elif record.value is None:
                self.state[partition].pop(record.key, None)
            else:
                self.state[partition][record.key] = record.value
        elif topic == "journal":
            self.journal[partition].append(record.value)
        else:
            self.records[topic][partition].append(record)

    def counts(self):
        return {
            topic: sum(len(rows) for rows in self.records[topic].values())
            for topic in OUTPUTS + DEAD
        }

    def parsed(self, topic, partition):
        message = topiclog.types()[TYPES[topic]]
        return [message.FromString(record.value) for record in self.records[topic][partition]]

    def batches(self, partition):
        message = topiclog.types()["JournalRecord"]
        return [message.FromString(value) for value in self.journal[partition]]


def capped(faults):
    faults = list(faults)
    if len(faults) > SHOWN:
        return faults[:SHOWN] + ["and %d more" % (len(faults) - SHOWN)]
    return faults


# --- two runs ---


def show(topic, record):
    if record is None:
        return "nothing"
    text = "key=%r time=%d value=%r" % (record.key, record.timestamp, record.value)
    if topic in TYPES and record.value is not None:
        try:
            event = topiclog.types()[TYPES[topic]].FromString(record.value)
            text = "key=%r time=%d {%s}" % (
                record.key,
                record.timestamp,
                " ".join(str(event).split()),
            )
        except Exception:  # not protobuf: shown as bytes
            pass
    return (text if len(text) < 900 else text[:900] + "...") + " headers=%r" % (
        tuple((name, value) for name, value in record.headers if name != "ce_specversion"),
    )


def sequence_faults(topic, partition, want, got):
    """The first difference of two lists of records, and what is lost, doubled or only moved."""
    if want == got:
        return []
    length = min(len(want), len(got))
    at = next((i for i in range(length) if want[i] != got[i]), length)
    lost, more = collections.Counter(want), collections.Counter(got)
    lost.subtract(collections.Counter(got))
    more.subtract(collections.Counter(want))
    lost_count = sum(count for count in lost.values() if count > 0)
    more_count = sum(count for count in more.values() if count > 0)
    doubled = sum(1 for record, count in more.items() if count > 0 and record in lost)
    return [
        "%s, partition %d: %d records, expected %d; %d lost, %d too many (%d of them doubled)%s; "
        "record %d is\n  %s\nexpected\n  %s"
        % (
            topic,
            partition,
            len(got),
            len(want),
            lost_count,
            more_count,
            doubled,
            "" if lost_count or more_count else ", in another order",
            at,
            show(topic, got[at] if at < len(got) else None),
            show(topic, want[at] if at < len(want) else None),
        )
    ]


def entity_text(value):
    try:
        text = " ".join(str(topiclog.types()["StateRecord"].FromString(value)).split())
    except Exception:
        text = repr(value)
    return text if len(text) < 600 else text[:600] + "..."


def entity_faults(name, want, got):
    """Two {partition: {key: value}}."""
    faults = []
    for partition in sorted(set(want) | set(got)):
        left, right = want.get(partition, {}), got.get(partition, {})
        if left == right:
            continue
        for key in sorted(set(left) | set(right)):
            if key not in right:
                faults.append("%s, partition %d: %r is missing" % (name, partition, key))
            elif key not in left:
                faults.append("%s, partition %d: %r is too many" % (name, partition, key))
            elif left[key] != right[key]:
                faults.append(
                    "%s, partition %d: %r is\n  %s\nexpected\n  %s"
                    % (name, partition, key, entity_text(right[key]), entity_text(left[key]))
                )
    return faults


def output_faults(want, got, topics=OUTPUTS + DEAD):
    faults = []
    for topic in topics:
        for partition in range(want.partitions):
            faults += sequence_faults(
                topic, partition, want.records[topic][partition], got.records[topic][partition]
            )
    return faults


def differences(want, got):
    """All in which a run differs from another that decided the same inputs."""
    if want.partitions != got.partitions:
        return ["%d partitions, expected %d" % (got.partitions, want.partitions)]
    return capped(
        output_faults(want, got)
        + entity_faults("state", want.state, got.state)
        + redis_faults(got)
    )


# --- one run ---


def redis_faults(run):
    """Redis holds what the state topic says, at the last batch."""
    if run.redis is None:
        return ["Redis was not read"]
    faults = entity_faults("Redis", run.state, run.redis)
    meta = topiclog.types()["Meta"]
    for partition, value in run.metas.items():
        last, pointer = meta.FromString(value), run.pointers.get(partition)
        if pointer is None:
            faults.append("Redis, partition %d: no pointer" % partition)
        elif int(pointer[b"number"]) != last.number:
            faults.append(
                "Redis, partition %d: at batch %d, the log at %d"
                % (partition, int(pointer[b"number"]), last.number)
            )
    return faults


def journal_faults(run):
    """Numbers dense, ranges joined up to the inputs' ends, one writer after the other; meta agrees."""
    faults = []
    for partition in range(run.partitions):
        batches = run.batches(partition)
        where = "journal, partition %d" % partition
        if not batches:
            faults.append(where + ": empty")
            continue
        faults += chain_faults(where, batches)
        for index, name in enumerate(topiclog.INPUTS):
            end = run.ends.get((name, partition))
            reached = batches[-1].ranges[index].to_offset
            if end is not None and reached != end:
                faults.append(
                    "%s: %s is decided up to %d, there is up to %d" % (where, name, reached, end)
                )
        meta = topiclog.types()["Meta"].FromString(run.metas.get(partition, b""))
        last = batches[-1]
        if (meta.number, meta.writer) != (last.number, last.writer):
            faults.append(
                "%s ends with batch %d, meta says %d" % (where, last.number, meta.number)
            )
        if [at.next_offset for at in meta.positions] != [at.to_offset for at in last.ranges]:
            faults.append("%s: meta's positions are not the last batch's ends" % where)
        if meta.entity_count != len(run.state[partition]):
            faults.append(
                "state, partition %d: %d entities, meta says %d"
                % (partition, len(run.state[partition]), meta.entity_count)
            )
    return capped(faults)


def chain_faults(where, batches):
    faults = []
    before, seen = None, set()
    for batch in batches:
        at = "%s, batch %d" % (where, batch.number)
        if batch.number != (before.number + 1 if before else 1):
            faults.append("%s: follows %d" % (at, before.number if before else 0))
        if len(batch.ranges) != len(topiclog.INPUTS):
            faults.append("%s: %d ranges" % (at, len(batch.ranges)))
        elif before is not None and len(before.ranges) == len(batch.ranges):
            for index, name in enumerate(topiclog.INPUTS):
                left, right = before.ranges[index].to_offset, batch.ranges[index].from_offset
                if left != right:
                    faults.append("%s: %s goes on at %d, was at %d" % (at, name, right, left))
        for one in batch.ranges:
            if one.to_offset < one.from_offset:
                faults.append("%s: a range ends at %d before %d" % (at, one.to_offset, one.from_offset))
        if before is not None and batch.previous_writer != before.writer:
            faults.append("%s: names another previous writer than the one before has" % at)
        if before is not None and batch.writer != before.writer:
            seen.add(before.writer)
            if not batch.options:
                faults.append("%s: a writer's first batch without the options" % at)
        if batch.writer in seen:
            faults.append("%s: by a writer that was replaced before" % at)
        if before is not None and batch.clock_ms < before.clock_ms:
            faults.append("%s: the clock goes back" % at)
        before = batch
    return faults


def writers(run, partition):
    """The chain of writers of a partition, in order."""
    found = []
    for batch in run.batches(partition):
        if not found or found[-1] != batch.writer:
            found.append(batch.writer)
    return found


def murmur2(data):
    """As Kafka's Java clients hash keys."""
    mask, m, size = 0xFFFFFFFF, 0x5BD1E995, len(data)
    h = 0x9747B28C ^ size
    for (k,) in struct.iter_unpack("<I", data[: size & ~3]):
        k = k * m & mask
        k = (k ^ k >> 24) * m & mask
        h = h * m & mask ^ k
    rest = data[size & ~3 :]
    if rest:
        h = (h ^ int.from_bytes(rest, "little")) * m & mask
    h = (h ^ h >> 13) * m & mask
    return h ^ h >> 15


def partition_of(key, partitions):
    return (murmur2(key) & 0x7FFFFFFF) % partitions


def life_faults(run):
    """What must hold of any run: nothing lost, nothing double, nobody dialled twice."""
    faults = []
    for topic in OUTPUTS:
        ids = set()
        for partition in range(run.partitions):
            domains = {}
            events = run.parsed(topic, partition)
            for record, event in zip(run.records[topic][partition], events):
                if event.id in ids:
                    faults.append("%s: the event id %s comes twice" % (topic, event.id))
                ids.add(event.id)
                if dict(record.headers).get("ce_id") != event.id.encode():
                    faults.append("%s: the header ce_id of %s differs" % (topic, event.id))
                if record.key not in domains:
                    domains[record.key] = partition_of(record.key, run.partitions)
                if domains[record.key] != partition:
                    faults.append(
                        "%s: %r is on partition %d, belongs to %d"
                        % (topic, record.key, partition, domains[record.key])
                    )
    for partition in range(run.partitions):
        faults += callback_faults(run, partition)
    return capped(faults)


def callback_faults(run, partition):
    faults = []
    made, ended = set(), set()
    for record, result in zip(run.records["results"][partition], run.parsed("results", partition)):
        if result.WhichOneof("answer") == "callback_accepted":
            made.add((record.key, result.callback_accepted.callback_id))
    walk = Walk()
    for record, event in zip(run.records["routing"][partition], run.parsed("routing", partition)):
        if event.WhichOneof("event") == "callback_ended":
            ended.add((record.key, event.callback_id))
        walk.step(record.key, event)
    faults += walk.faults
    for domain, callback in sorted(made - ended):
        value = run.state[partition].get(b"callback|" + domain + b"|" + callback.encode())
        if value is None:
            faults.append("callback %s was accepted, did not end and is not in state" % callback)
        elif topiclog.types()["StateRecord"].FromString(value).callback.ended_ms != 0:
            faults.append("callback %s ended in state, without an event" % callback)
    return faults


class Walk:
    """The routing topic of a partition, in order: who is offered what, who has what."""

    def __init__(self):
        self.faults = []
        self.offers = {}  # (domain, agent) -> (callback, offer, deadline)
        self.holds = {}  # (domain, agent) -> (callback,)
        self.attempts = {}  # attempt -> callback
        self.ended = set()

    def busy(self, domain, agent, now_ms):
        offer = self.offers.get((domain, agent))
        if offer is not None and offer[2] > now_ms:
            return "is offered " + offer[0]
        if (domain, agent) in self.holds:
            return "has " + self.holds[domain, agent][0]
        return ""

    def step(self, domain, event):
        what, callback = event.WhichOneof("event"), event.callback_id
        one = getattr(event, what) if what else None
        if what in ("offer", "place_call") and (domain, callback) in self.ended:
            self.faults.append("%s of %s, which has ended" % (what, callback))
        if what == "offer":
            self.offered(domain, callback, one, event.time_ms)
        elif what == "revoke":
            if self.offers.get((domain, one.agent_id), ("", ""))[1] == one.offer_id:
                del self.offers[domain, one.agent_id]
        elif what == "callback_assigned":
            offer = self.offers.pop((domain, one.agent_id), None)
            if offer is None or offer[1] != one.offer_id:
                self.faults.append("%s is assigned to %s without that offer" % (callback, one.agent_id))
            self.holds[domain, one.agent_id] = (callback,)
        elif what == "agent_released":
            self.holds.pop((domain, one.agent_id), None)
        elif what == "place_call":
            if one.attempt_id in self.attempts:
                self.faults.append(
                    "attempt %s is placed twice: for %s and %s"
                    % (one.attempt_id, self.attempts[one.attempt_id], callback)
                )
            self.attempts[one.attempt_id] = callback
            if one.agent_id and self.holds.get((domain, one.agent_id)) != (callback,):
                self.faults.append("%s is dialled for %s, who does not have it" % (callback, one.agent_id))
        elif what == "callback_ended":
            if (domain, callback) in self.ended:
                self.faults.append("%s ends twice" % callback)
            self.ended.add((domain, callback))
            for table in (self.offers, self.holds):
                for key in [key for key, held in table.items() if held[0] == callback]:
                    if key[0] == domain:
                        del table[key]

    def offered(self, domain, callback, offer, now_ms):
        busy = self.busy(domain, offer.agent_id, now_ms)
        if busy:
            self.faults.append(
                "%s is offered %s at %d and %s" % (offer.agent_id, callback, now_ms, busy)
            )
        for (other_domain, agent), (held, _, deadline) in self.offers.items():
            if other_domain == domain and held == callback and deadline > now_ms:
                self.faults.append("%s is offered to %s and %s" % (callback, agent, offer.agent_id))
        for (other_domain, agent), (held,) in self.holds.items():
            if other_domain == domain and held == callback:
                self.faults.append("%s is offered to %s while %s has it" % (callback, offer.agent_id, agent))
        self.offers[domain, offer.agent_id] = (callback, offer.offer_id, offer.deadline_ms)


def alone(run):
    """All that must hold of one run, without another to compare it with."""
    return capped(journal_faults(run) + life_faults(run) + redis_faults(run))
