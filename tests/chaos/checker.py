#!/usr/bin/env python3
"""An independent judge of what a run left on its topics. It knows the contract alone (docs/contract.md,
docs/events.md, proto/): no line of the program, no server's inside, no expected outputs.

    tests/chaos/checker.py LOG...                            logs that `ringback capture` wrote
    tests/chaos/checker.py --bootstrap HOST:PORT [--prefix ringback.]   the topics, read_committed

Prints each violation with its topic, partition, offset and ids. Exits with 0, or with 3 when there are any.

As a module: Checker.add() takes records as they are read, each partition in its order; Checker.finish() at a
moment when nothing is under way says all that must hold then, and can be called again after more records.
KINDS says what is looked for; tests/quick.d/chaos-checker plants each kind and sees it found.
"""

import argparse
import bisect
import collections
import hashlib
import os
import struct
import sys
import time

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))
import protos  # noqa: E402
import servers  # noqa: E402

INPUTS = ("settings", "interactions", "presence", "flows", "commands")
OUTPUTS = ("routing", "analytics", "results")
DEAD = tuple(name + ".dlq" for name in INPUTS)
TOPICS = INPUTS + OUTPUTS + ("state", "journal") + DEAD
MESSAGES = {
    "settings": "SettingsEvent",
    "interactions": "InteractionEvent",
    "presence": "PresenceEvent",
    "flows": "FlowEvent",
    "commands": "Command",
    "routing": "RoutingEvent",
    "analytics": "AnalyticsEvent",
    "results": "Result",
    "state": "StateRecord",
    "journal": "JournalRecord",
}
ASKS = ("create_callback", "leave_voicemail", "schedule_callback", "customer_snooze")  # each is answered
SILENT_S = 10  # a client that hears nothing for so long is made anew
REPEATED = 7  # UNDECIDED_REASON_REPEATED: no dead letter
MERGES = (3, 4)  # duplicate_number: replace and merge answer with another request's callback

KINDS = {
    "offset-back": "offsets of a partition do not rise",
    "unreadable": "an output's value is not of its topic's message",
    "wrong-partition": "a record's domain belongs to another partition",
    "id-twice": "an event id is used twice",
    "id-header": "ce_id is not the event's id",
    "time-back": "a partition's decisions go back in time",
    "stamp": "a record's timestamp is not its event's time",
    "batch-gap": "batch numbers of a partition are not dense",
    "range-gap": "records of an input lie between two batches",
    "range-overlap": "records of an input are in two batches",
    "range-backward": "a range ends before it begins",
    "writer-chain": "a batch names another writer before it than there was",
    "writer-returned": "a writer that was replaced decides again",
    "no-options": "a writer's first batch does not carry the options",
    "clock-back": "the clock of a partition's batches goes back",
    "beyond-input": "a batch decides records that there are not",
    "not-decided": "an input's records are not decided up to its end",
    "meta": "meta and the journal do not say the same",
    "meta-back": "meta's numbers do not rise",
    "version-back": "an entity's version does not rise",
    "entity-count": "there are not as many entities as meta says",
    "unanswered": "a request was decided and has no answer",
    "unasked": "an answer to what nobody asked",
    "answered-twice": "more answers than requests",
    "answer-differs": "a repeated request has another answer",
    "answer-kind": "an answer that does not fit its request",
    "accepted-twice": "two requests made one callback",
    "callback-lost": "accepted, not ended, and not kept",
    "ended-in-silence": "ended without an event that says why",
    "alive-after-end": "its end was told, and it lives on",
    "never-accepted": "a callback that nobody was told of",
    "ended-twice": "a callback ends twice",
    "after-its-end": "something is done with a callback that has ended",
    "offer-twice": "an offer id is used twice",
    "agent-double": "an agent is in two offers, or offered more than he may have",
    "callback-double": "a callback is with two agents",
    "order": "a step of a callback without the one before it",
    "dialled-twice": "an attempt is dialled twice",
    "dial-overlap": "a callback is dialled while an attempt of it is out",
    "attempt-count": "attempts are counted otherwise than they were",
    "session": "a callback's session does not begin and end once, with it",
    "stay": "a callback's stays are not offered and ended in turn",
    "dead-letter": "dead letters and the journal do not say the same",
    "lost-after-read": "a record that could be read is gone, or another",
    "redis": "Redis, at the log's last batch, holds something else",
}

Record = collections.namedtuple("Record", "topic partition offset key value timestamp headers")


class Violation(collections.namedtuple("Violation", "kind topic partition offset ids text")):
    def __str__(self):
        place = self.topic
        if self.partition is not None:
            place += ", partition %d" % self.partition
        if self.offset is not None:
            place += ", offset %d" % self.offset
        return "%s: %s: %s (%s)" % (self.kind, place, self.text, ", ".join(self.ids) or "no id")


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


def digest(hasher, record):
    hasher.update(b"%d|%r|%r" % (record.offset, record.key, record.value))


class Callback:
    """What the topics said of one callback, in the order of its partition."""

    __slots__ = ("domain", "id", "asked", "offer", "holder", "attempts", "ended", "place", "session",
                 "stays", "first_seen")  # fmt: skip

    def __init__(self, domain, callback_id):
        self.domain, self.id = domain, callback_id
        self.asked = []  # requests whose answer named it as made
        self.offer = None  # (offer id, agent) that stands
        self.holder = None  # the agent who has it
        self.attempts = []  # ids, as dialled
        self.ended = None  # reason
        self.place = None  # (partition, offset) of its end
        self.session = []  # "started", then its end's reason
        self.stays = set()  # those that were begun and not ended
        self.first_seen = None  # (topic, partition, offset) of the first word of it


class Checker:
    def __init__(self, partitions, capacity=1):
        self.partitions = partitions
        self.capacity = capacity  # callbacks that an agent may have, where no settings say it
        self.types = protos.types()
        self.violations = []
        self.known = set()
        self.counts = collections.Counter()
        self.ends = {}  # (topic, partition) -> offset behind the last record
        self.digests = {}  # (topic, partition) -> hash of all records
        self.home = {}  # domain -> partition
        self.ids = {}  # output id -> (topic, partition, offset)
        self.late = collections.defaultdict(list)  # (attempt, reason, id) of such hang-ups -> where
        self.answered = collections.Counter()  # attempt -> how often the switch said that it was answered
        self.last_time = {}  # (topic, partition) -> time of its last event
        self.asked = {}  # (domain, request) -> [(input, partition, offset, group)]
        self.answers = {}  # (domain, request) -> [(partition, offset, bytes without time)]
        self.merging = set()  # domains where a request may be answered with another's callback
        self.capacities = {}  # (domain, agent) -> most that he ever could have
        self.attempt_ends = {}  # id -> (offset, timestamp) where the switch reported it as over
        self.callbacks = {}  # (domain, id) -> Callback
        self.agent_offer = {}  # (domain, agent) -> (offer, callback)
        self.agent_holds = {}  # (domain, agent) -> {callback}
        self.offers = set()
        self.declines = {}  # (domain, request) -> offer
        self.if_standing = []  # (offer, time, violation): only if that offer stood then
        self.attempts = {}  # attempt -> (domain, callback)
        self.hung_up = set()
        self.redials = []  # an attempt after another: (topic, partition, offset, time, before, attempt, callback)
        self.batches = {}  # partition -> [JournalRecord]
        self.replaced = {}  # partition -> {writer}
        self.undecided = {}  # (input, partition, offset) -> reason
        self.letters = {}  # (input, partition, offset) -> (topic, partition, offset)
        self.metas = {}  # partition -> Meta, the last
        self.meta_offsets = {}
        self.state = {}  # partition -> {key: (version, value)}

    # --- what was found ---

    def find(self, kind, topic, partition, offset, ids, text):
        assert kind in KINDS, kind
        one = Violation(kind, topic, partition, offset, tuple(str(name) for name in ids), text)
        if one not in self.known:
            self.known.add(one)
            self.violations.append(one)

    def at(self, kind, record, ids, text):
        self.find(kind, record.topic, record.partition, record.offset, ids, text)

    # --- records as they come ---

    def add(self, record):
        place = record.topic, record.partition
        if record.offset < self.ends.get(place, 0):
            self.at("offset-back", record, (), "the one before was %d" % (self.ends[place] - 1))
        self.ends[place] = record.offset + 1
        if place not in self.digests:
            self.digests[place] = hashlib.blake2b(digest_size=16)
        digest(self.digests[place], record)
        self.counts[record.topic] += 1
        if record.topic == "state":
            return self.add_state(record)
        if record.topic in DEAD:
            return self.add_letter(record)
        message = self.types[MESSAGES[record.topic]]
        try:
            event = message.FromString(record.value)
        except Exception:  # whatever the library raises for bytes that are no such message
            if record.topic not in INPUTS:
                self.at("unreadable", record, (), "no %s" % MESSAGES[record.topic])
            return None
        if record.topic in OUTPUTS:
            self.output(record, event)
        return getattr(self, "add_" + record.topic)(record, event)

    def belongs(self, record, domain):
        if domain not in self.home:
            self.home[domain] = partition_of(domain, self.partitions)
        if self.home[domain] != record.partition:
            self.at("wrong-partition", record, (domain.decode(errors="replace"),),
                    "belongs to partition %d" % self.home[domain])  # fmt: skip

    def output(self, record, event):
        self.belongs(record, record.key or b"")
        headers = dict(record.headers)
        if headers.get("ce_id") != event.id.encode():
            self.at("id-header", record, (event.id,), "ce_id is %r" % (headers.get("ce_id"),))
        if event.time_ms != record.timestamp:
            self.at("stamp", record, (event.id,), "time %d, timestamp %d" % (event.time_ms, record.timestamp))
        place = record.topic, record.partition
        if event.time_ms < self.last_time.get(place, 0):
            self.at("time-back", record, (event.id,),
                    "%d ms before the event before it" % (self.last_time[place] - event.time_ms))  # fmt: skip
        self.last_time[place] = event.time_ms
        if record.topic != "results":  # a repeated answer has its id again
            late = record.topic == "routing" and event.WhichOneof("event") == "hang_up" and not event.callback_id
            if late:  # of an answer to an attempt that is over: once for each time that it is said
                self.late[event.hang_up.attempt_id, event.hang_up.reason, event.id].append(place + (record.offset,))
            elif event.id in self.ids:
                self.at("id-twice", record, (event.id,), "first: %s, partition %d, offset %d" % self.ids[event.id])
            else:
                self.ids[event.id] = place + (record.offset,)

    # Inputs: what was asked, and what the switch said.

    def ask(self, record, request, group):
        place = (record.topic, record.partition, record.offset, group)
        self.asked.setdefault((record.key, request), []).append(place)

    def add_settings(self, record, event):
        if not record.key or event.WhichOneof("event") is None:
            return
        self.ask(record, event.id, "settings")
        if event.HasField("domain") and event.domain.duplicate_number in MERGES:
            self.merging.add(record.key)
        if event.HasField("agent"):
            one, key = event.agent, (record.key, event.agent.agent_id)
            most = one.callback_capacity.callbacks if one.HasField("callback_capacity") else self.capacity
            self.capacities[key] = max(most, self.capacities.get(key, 0))

    def add_interactions(self, record, event):
        if event.WhichOneof("event") == "attempt_answered":
            self.answered[event.attempt.attempt_id] += 1
        if event.WhichOneof("event") == "attempt_ended":
            self.attempt_ends.setdefault(event.attempt.attempt_id, (record.offset, record.timestamp))

    def add_presence(self, record, event):
        pass

    def add_flows(self, record, event):
        what = event.WhichOneof("event")
        if record.key and what in ASKS:
            self.ask(record, event.id, "snooze" if what == "customer_snooze" else "callback")
        elif record.key and what:
            self.ask(record, event.id, "any")

    def add_commands(self, record, event):
        if record.key and event.WhichOneof("command"):
            self.ask(record, event.request_id, "command")
            if event.WhichOneof("command") == "decline":
                self.declines[record.key, event.request_id] = event.decline.offer_id

    # Results.

    def add_results(self, record, event):
        what = event.WhichOneof("answer")
        bare = type(event)()
        bare.CopyFrom(event)
        bare.time_ms = 0
        self.answers.setdefault((record.key, event.request_id), []).append(
            (record.partition, record.offset, bare.SerializeToString(deterministic=True), what, event.id,
             event.time_ms)
        )  # fmt: skip
        if event.id in self.ids and self.ids[event.id][0] != (record.key, event.request_id):
            self.at("id-twice", record, (event.id,), "it answers %s too" % self.ids[event.id][0][1])
        self.ids.setdefault(event.id, ((record.key, event.request_id),))
        if what == "callback_accepted":
            self.accepted(record, event.callback_accepted.callback_id, event.request_id)
        elif what == "command_accepted":
            # Schedule makes one; the others name one that there is.
            self.named(record, event.command_accepted.callback_id, event.request_id)

    def callback(self, record, callback_id):
        key = record.key, callback_id
        if key not in self.callbacks:
            self.callbacks[key] = Callback(*key)
            self.callbacks[key].first_seen = (record.topic, record.partition, record.offset)
        return self.callbacks[key]

    def accepted(self, record, callback_id, request):
        one = self.callback(record, callback_id)
        if request not in one.asked:
            one.asked.append(request)

    def named(self, record, callback_id, request):
        if callback_id:
            one = self.callback(record, callback_id)
            if not one.asked:
                one.asked.append(request)

    # Routing: who is offered what, who has what, who is dialled.

    def add_routing(self, record, event):
        what = event.WhichOneof("event")
        if not event.callback_id or what in (None, "queue_status", "customer_position", "prefer_agents"):
            return
        callback = self.callback(record, event.callback_id)
        step = getattr(self, "step_" + what, None)
        if step:
            step(record, callback, getattr(event, what), event)

    def alive(self, record, callback, what):
        if callback.ended is not None:
            self.at("after-its-end", record, (callback.id,), what)

    def step_offer(self, record, callback, one, event):
        self.alive(record, callback, "it is offered to " + one.agent_id)
        agent = record.key, one.agent_id
        if one.offer_id in self.offers:
            self.at("offer-twice", record, (one.offer_id, callback.id), "for " + one.agent_id)
        self.offers.add(one.offer_id)
        if agent in self.agent_offer:
            self.unless_declined(self.agent_offer[agent][0], event.time_ms, Violation(
                "agent-double", record.topic, record.partition, record.offset,
                (one.agent_id, callback.id, self.agent_offer[agent][1]),
                "is offered this while he is offered another"))  # fmt: skip
        holds = self.agent_holds.get(agent, ())
        if len(holds) >= self.capacities.get(agent, self.capacity):
            self.at("agent-double", record, (one.agent_id, callback.id) + tuple(holds),
                    "is offered this and has %d" % len(holds))  # fmt: skip
        if callback.offer is not None:
            self.unless_declined(callback.offer[0], event.time_ms, Violation(
                "callback-double", record.topic, record.partition, record.offset,
                (callback.id, callback.offer[1], one.agent_id),
                "is offered to the second while it is to the first"))  # fmt: skip
            self.withdraw(record, callback)
        if callback.holder not in (None, one.agent_id):
            self.at("callback-double", record, (callback.id, callback.holder, one.agent_id),
                    "is offered to the second while the first has it")  # fmt: skip
        if one.deadline_ms <= event.time_ms:
            self.at("order", record, (one.offer_id, callback.id), "its deadline is over when it is made")
        callback.offer = one.offer_id, one.agent_id
        self.agent_offer[agent] = one.offer_id, callback.id

    def unless_declined(self, offer_id, time_ms, violation):
        """That an offer was declined is told on the results alone, so it is judged when those are known too."""
        self.if_standing.append((offer_id, time_ms, violation))

    def withdraw(self, record, callback):
        if callback.offer is not None:
            agent = record.key, callback.offer[1]
            if self.agent_offer.get(agent, ("",))[0] == callback.offer[0]:
                del self.agent_offer[agent]
            callback.offer = None

    def step_revoke(self, record, callback, one, event):
        if callback.offer != (one.offer_id, one.agent_id):
            self.at("order", record, (one.offer_id, callback.id, one.agent_id), "revoked, and does not stand")
        self.withdraw(record, callback)

    def step_callback_assigned(self, record, callback, one, event):
        self.alive(record, callback, "%s has it" % one.agent_id)
        if one.offer_id:
            if callback.offer != (one.offer_id, one.agent_id):
                self.at("order", record, (one.offer_id, callback.id, one.agent_id), "accepted, and was not offered")
            self.withdraw(record, callback)
        if callback.holder not in (None, one.agent_id) and one.offer_id:
            self.at("callback-double", record, (callback.id, callback.holder, one.agent_id),
                    "the second has it while the first has it")  # fmt: skip
        self.give_back(record, callback)
        callback.holder = one.agent_id
        self.agent_holds.setdefault((record.key, one.agent_id), set()).add(callback.id)

    def give_back(self, record, callback):
        if callback.holder is not None:
            self.agent_holds.get((record.key, callback.holder), set()).discard(callback.id)
            callback.holder = None

    def step_agent_released(self, record, callback, one, event):
        if callback.holder != one.agent_id:
            self.at("order", record, (callback.id, one.agent_id), "he gives back what he does not have")
        self.give_back(record, callback)

    def step_place_call(self, record, callback, one, event):
        self.alive(record, callback, "it is dialled")
        if one.attempt_id in self.attempts:
            self.at("dialled-twice", record, (one.attempt_id, callback.id), "it was for %s" %
                    self.attempts[one.attempt_id][1])  # fmt: skip
        else:
            callback.attempts.append(one.attempt_id)
            self.attempts[one.attempt_id] = record.key, callback.id
            before = callback.attempts[:-1]
            if before:
                self.redials.append((record.topic, record.partition, record.offset, event.time_ms, before[-1],
                                     one.attempt_id, callback.id))  # fmt: skip
        if one.number_of_attempt != len(callback.attempts):
            self.at("attempt-count", record, (one.attempt_id, callback.id), "says %d, it is the %d." %
                    (one.number_of_attempt, len(callback.attempts)))  # fmt: skip
        if one.customer_first:
            if one.agent_id:
                self.at("order", record, (one.attempt_id, callback.id), "customer first, and for an agent")
        elif callback.holder != one.agent_id:
            self.at("order", record, (one.attempt_id, callback.id, one.agent_id), "dialled for who does not have it")

    def step_hang_up(self, record, callback, one, event):
        if self.attempts.get(one.attempt_id) != (record.key, callback.id):
            self.at("order", record, (one.attempt_id, callback.id), "hung up, and was not dialled")
        self.hung_up.add(one.attempt_id)

    def step_transfer_to_queue(self, record, callback, one, event):
        self.alive(record, callback, "it is brought into the line")
        if self.attempts.get(one.attempt_id) != (record.key, callback.id):
            self.at("order", record, (one.attempt_id, callback.id), "transferred, and was not dialled")

    def step_callback_ended(self, record, callback, one, event):
        if callback.ended is not None:
            self.at("ended-twice", record, (callback.id,), "first at partition %d, offset %d" % callback.place)
        if one.attempts != len(callback.attempts):
            self.at("attempt-count", record, (callback.id,), "ended after %d, dialled %d times" %
                    (one.attempts, len(callback.attempts)))  # fmt: skip
        callback.ended, callback.place = one.reason, (record.partition, record.offset)
        self.withdraw(record, callback)
        self.give_back(record, callback)

    # Analytics: sessions and stays.

    def add_analytics(self, record, event):
        if not event.callback_id:
            return
        callback = self.callback(record, event.callback_id)
        what = event.WhichOneof("event")
        if what == "session_started":
            if callback.session:
                self.at("session", record, (callback.id,), "it begins again")
            callback.session.append("started")
        elif what == "session_ended":
            if len(callback.session) != 1:
                self.at("session", record, (callback.id,), "it ends %s" %
                        ("again" if callback.session else "and did not begin"))  # fmt: skip
            callback.session.append(event.session_ended.reason)
        elif what == "metric":
            name = self.metric(event.metric.name)
            line = "customer first" if "_CFC_" in name else "agent first"
            if name in ("N_OFFERED", "N_CFC_OFFERED"):
                if line in callback.stays:
                    self.at("stay", record, (callback.id,), "offered (%s) while it is" % line)
                callback.stays.add(line)
            elif name.replace("CFC_", "") in ("T_ANSWERED", "T_ABANDON", "T_FLOW_OUT"):
                if line not in callback.stays:
                    self.at("stay", record, (callback.id,), "%s of a stay that is not" % name)
                callback.stays.discard(line)

    def metric(self, number):
        field = self.types["Metric"].DESCRIPTOR.fields_by_name["name"].enum_type
        return field.values_by_number[number].name[len("METRIC_NAME_") :]

    # State and its meta records.

    def add_state(self, record):
        entities = self.state.setdefault(record.partition, {})
        if record.key == b"meta":
            return self.add_meta(record, entities)
        domain = record.key.split(b"|")[1] if record.key.count(b"|") >= 2 else b""
        self.belongs(record, domain)
        if record.value is None:
            entities.pop(record.key, None)
            return None
        try:
            version = self.types["StateRecord"].FromString(record.value).version
        except Exception:
            return self.at("unreadable", record, (record.key,), "no StateRecord")
        before = entities.get(record.key)
        # The same once more is what a take-over writes over records that a broken transaction left.
        if before and (version < before[0] or (version == before[0] and record.value != before[1])):
            self.at("version-back", record, (record.key.decode(errors="replace"),),
                    "version %d after %d" % (version, before[0]))  # fmt: skip
        entities[record.key] = version, record.value
        return None

    def add_meta(self, record, entities):
        try:
            meta = self.types["Meta"].FromString(record.value or b"")
        except Exception:
            return self.at("unreadable", record, ("meta",), "no Meta")
        before = self.metas.get(record.partition)
        if before is not None and meta.number <= before.number:
            self.at("meta-back", record, ("meta",), "batch %d after %d" % (meta.number, before.number))
        if meta.entity_count != len(entities):
            self.at("entity-count", record, ("meta",), "meta of batch %d says %d, there are %d" %
                    (meta.number, meta.entity_count, len(entities)))  # fmt: skip
        self.metas[record.partition] = meta
        self.meta_offsets[record.partition] = record.offset
        return None

    # Journal.

    def add_journal(self, record, batch):
        batches = self.batches.setdefault(record.partition, [])
        before = batches[-1] if batches else None
        batches.append(batch)
        ids = ("batch %d" % batch.number,)
        if batch.number != (before.number + 1 if before else 1):
            self.at("batch-gap", record, ids, "follows %d" % (before.number if before else 0))
        for index, name in enumerate(INPUTS):
            self.add_range(record, ids, name, before, batch, index)
        if before is not None and batch.previous_writer != before.writer:
            self.at("writer-chain", record, ids, "names %s before it, it was %s" %
                    (batch.previous_writer.hex(), before.writer.hex()))  # fmt: skip
        replaced = self.replaced.setdefault(record.partition, set())
        if before is None or batch.writer != before.writer:
            if before is not None:
                replaced.add(before.writer)
            if not batch.options:
                self.at("no-options", record, ids, "first of writer " + batch.writer.hex())
        if batch.writer in replaced:
            self.at("writer-returned", record, ids, batch.writer.hex())
        if before is not None and batch.clock_ms < before.clock_ms:
            self.at("clock-back", record, ids, "by %d ms" % (before.clock_ms - batch.clock_ms))
        for one in batch.undecided:
            name = INPUTS[one.input] if one.input < len(INPUTS) else "input %d" % one.input
            self.undecided[name, record.partition, one.offset] = one.reason

    def add_range(self, record, ids, name, before, batch, index):
        if index >= len(batch.ranges):
            return self.at("range-gap", record, ids, "%s has no range" % name)
        start = before.ranges[index].to_offset if before is not None and index < len(before.ranges) else 0
        now = batch.ranges[index]
        if now.from_offset > start:
            self.at("range-gap", record, ids, "%s goes on at %d, was at %d" % (name, now.from_offset, start))
        elif now.from_offset < start:
            self.at("range-overlap", record, ids, "%s goes on at %d, was at %d" % (name, now.from_offset, start))
        if now.to_offset < now.from_offset:
            self.at("range-backward", record, ids, "%s from %d to %d" % (name, now.from_offset, now.to_offset))
        return None

    # Dead letters.

    def add_letter(self, record):
        headers = dict(record.headers)
        if "ringback-resent" in headers:
            return
        name = record.topic[: -len(".dlq")]
        try:
            offset = int(headers.get("__connect.errors.offset") or b"")
            partition = int(headers.get("__connect.errors.partition") or b"")
        except ValueError:
            self.at("dead-letter", record, (), "does not say where it was")
            return
        place = name, partition, offset
        if place in self.letters:
            self.at("dead-letter", record, ("%s/%d/%d" % place,), "a second time, first at offset %d" %
                    self.letters[place][2])  # fmt: skip
        self.letters[place] = record.topic, record.partition, record.offset

    # --- what must hold when nothing is under way ---

    def finish(self, decided=True):
        """Judge as a whole. decided: the inputs are expected to be decided up to their ends. All violations
        so far."""
        for partition in range(self.partitions):
            self.finish_journal(partition, decided)
        self.finish_answers()
        self.finish_offers()
        for callback in self.callbacks.values():
            self.finish_callback(callback)
        self.finish_state()
        self.finish_attempts()
        self.finish_letters()
        return self.violations

    def reached(self, name, partition):
        batches = self.batches.get(partition)
        index = INPUTS.index(name)
        if not batches or index >= len(batches[-1].ranges):
            return 0
        return batches[-1].ranges[index].to_offset

    def finish_journal(self, partition, decided):
        batches = self.batches.get(partition, [])
        for name in INPUTS:
            reached, end = self.reached(name, partition), self.ends.get((name, partition), 0)
            if reached > end:
                self.find("beyond-input", "journal", partition, None, (name,), "up to %d, there are %d" % (reached, end))
            if decided and reached < end:
                self.find("not-decided", name, partition, reached, (), "there are %d, decided up to %d" % (end, reached))
        meta = self.metas.get(partition)
        if batches and meta is None:
            self.find("meta", "state", partition, None, (), "no meta, the journal is at %d" % batches[-1].number)
        if meta is None:
            return
        last = batches[-1] if batches else None
        offset = self.meta_offsets[partition]
        if last is None or (meta.number, meta.writer) != (last.number, last.writer):
            self.find("meta", "state", partition, offset, (), "batch %d of %s, the journal ends with %d of %s" %
                      (meta.number, meta.writer.hex(), last.number if last else 0,
                       last.writer.hex() if last else "nobody"))  # fmt: skip
        elif [one.next_offset for one in meta.positions] != [one.to_offset for one in last.ranges]:
            self.find("meta", "state", partition, offset, (), "its positions are not the last batch's ends")

    def finish_answers(self):
        groups = {"callback": "callback_", "snooze": "callback_", "command": "command_", "settings": "settings_"}
        for (domain, request), asked in self.asked.items():
            name = (domain.decode(errors="replace"), request)
            answers = self.answers.get((domain, request), ())
            sends = [
                place for place in asked
                if place[2] < self.reached(place[0], place[1]) and place[:3] not in self.undecided
            ]  # fmt: skip
            group = asked[0][3]
            if len(answers) < len(sends) and group != "any":
                missing = sends[len(answers)]
                self.find("unanswered", missing[0], missing[1], missing[2], name, "asked %d times, answered %d" %
                          (len(sends), len(answers)))  # fmt: skip
            if len(answers) > len(sends):
                self.find("answered-twice", "results", answers[len(sends)][0], answers[len(sends)][1], name,
                          "asked %d times, answered %d" % (len(sends), len(answers)))  # fmt: skip
            for answer in answers:
                if group in groups and not (answer[3] or "").startswith(groups[group]):
                    self.find("answer-kind", "results", answer[0], answer[1], name, "%s to a %s" % (answer[3], group))
                if answer[2] != answers[0][2] and group != "settings":  # those are told apart by version
                    self.find("answer-differs", "results", answer[0], answer[1], name, "first at offset %d" % answers[0][1])
        for (domain, request), answers in self.answers.items():
            if (domain, request) not in self.asked:
                self.find("unasked", "results", answers[0][0], answers[0][1],
                          (domain.decode(errors="replace"), request), answers[0][3] or "no answer")  # fmt: skip

    def finish_offers(self):
        declined = {}  # offer -> when
        for request, offer_id in self.declines.items():
            for answer in self.answers.get(request, ())[:1]:
                if answer[3] == "command_accepted":
                    declined[offer_id] = answer[5]
        for offer_id, time_ms, violation in self.if_standing:
            if offer_id not in declined or declined[offer_id] > time_ms:
                self.find(*violation)
        self.if_standing = []

    def finish_callback(self, callback):
        name = (callback.domain.decode(errors="replace"), callback.id)
        partition = partition_of(callback.domain, self.partitions)
        topic, at, offset = callback.first_seen
        makers = [
            request for request in callback.asked
            if self.asked.get((callback.domain, request), [(0, 0, 0, "")])[0][3] == "callback"
        ]  # fmt: skip
        if len(makers) > 1 and callback.domain not in self.merging:
            answer = self.answers[callback.domain, makers[1]][0]
            self.find("accepted-twice", "results", answer[0], answer[1], (callback.id,) + tuple(makers), "one for each")
        if not callback.asked:
            self.find("never-accepted", topic, at, offset, name, "first heard of there")
        kept = self.state.get(partition, {}).get(b"callback|" + callback.domain + b"|" + callback.id.encode())
        entity = self.types["StateRecord"].FromString(kept[1]).callback if kept else None
        if callback.ended is None:
            if entity is None:
                self.find("callback-lost", topic, at, offset, name, "neither ended nor on state")
            elif entity.ended_ms:
                self.find("ended-in-silence", topic, at, offset, name, "on state it ended at %d" % entity.ended_ms)
            elif len(callback.session) != 1:
                self.find("session", topic, at, offset, name, "it lives, its session %s" %
                          ("ended" if callback.session else "did not begin"))  # fmt: skip
        else:
            if entity is not None and not entity.ended_ms:
                self.find("alive-after-end", "routing", callback.place[0], callback.place[1], name, "on state it lives")
            if callback.session != ["started", callback.ended]:
                self.find("session", "routing", callback.place[0], callback.place[1], name,
                          "ended for %s, its session: %s" % (callback.ended, callback.session))  # fmt: skip
            if callback.stays:
                self.find("stay", "routing", callback.place[0], callback.place[1], name, "ended within a stay")

    def finish_state(self):
        for partition, entities in self.state.items():
            for key in entities:
                if key.startswith(b"callback|"):
                    _, domain, callback_id = key.split(b"|", 2)
                    if (domain, callback_id.decode()) not in self.callbacks:
                        self.find("never-accepted", "state", partition, None, (key.decode(),), "it is kept there")

    def finish_attempts(self):
        clocks = {at: [one.clock_ms for one in batches] for at, batches in self.batches.items()}
        index = INPUTS.index("interactions")
        read = {
            at: [one.ranges[index].to_offset if index < len(one.ranges) else 0 for one in batches]
            for at, batches in self.batches.items()
        }
        for topic, partition, offset, time_ms, before, attempt, callback in self.redials:
            over = before in self.hung_up
            if before in self.attempt_ends and self.batches.get(partition):
                ended_at, stamp = self.attempt_ends[before]
                if self.batches[partition][-1].clock_event:
                    over = over or stamp <= time_ms
                else:  # clocks differ: decided in a batch no later than that of the dial
                    last = bisect.bisect_right(clocks[partition], time_ms)
                    over = over or bisect.bisect_right(read[partition], ended_at) <= last
            if not over:
                self.find("dial-overlap", topic, partition, offset, (attempt, before, callback), "the second is not over")
        self.redials = []
        for (attempt, _, event_id), places in self.late.items():
            if event_id in self.ids or len(places) > self.answered[attempt]:
                self.find("id-twice", *places[-1], (event_id, attempt), "hung up %d times, answered %d times" %
                          (len(places), self.answered[attempt]))  # fmt: skip

    def finish_letters(self):
        expected = {place for place, reason in self.undecided.items() if reason != REPEATED}
        for place in expected - set(self.letters):
            self.find("dead-letter", place[0] + ".dlq", place[1], None, ("%s/%d/%d" % place,),
                      "the journal names it, it is not there")  # fmt: skip
        for place in set(self.letters) - expected:
            self.find("dead-letter", self.letters[place][0], self.letters[place][1], self.letters[place][2],
                      ("%s/%d/%d" % place,), "the journal does not name it")  # fmt: skip

    # --- against another reading, and against Redis ---

    def same_as(self, other):
        """Another reading of the same topics, from their beginnings: nothing that was read may be gone."""
        for place in sorted(set(self.digests) | set(other.digests)):
            mine = [one.digests[place].hexdigest() if place in one.digests else None for one in (self, other)]
            if mine[0] != mine[1]:
                self.find("lost-after-read", place[0], place[1], None, (), "read again it is otherwise: %d records, then %d"
                          % (self.ends.get(place, 0), other.ends.get(place, 0)))  # fmt: skip
        return self.violations

    def check_redis(self, entities, pointers):
        """{partition: {key: value}}, {partition: number}: where Redis stands at the log's last batch it holds
        what the log does. How many partitions were at it."""
        compared = 0
        for partition, meta in self.metas.items():
            if pointers.get(partition) != meta.number:
                continue
            compared += 1
            log, copy = self.state.get(partition, {}), entities.get(partition, {})
            for key in sorted(set(log) | set(copy)):
                if key not in copy or key not in log or log[key][1] != copy[key]:
                    self.find("redis", "state", partition, None, (key.decode(errors="replace"),),
                              "not in Redis" if key not in copy else "only in Redis" if key not in log
                              else "Redis has another value")  # fmt: skip
        return compared

    def summary(self):
        ended = sum(1 for one in self.callbacks.values() if one.ended is not None)
        return "%d inputs, %d outputs, %d batches, %d callbacks (%d ended), %d dials, %d dead letters" % (
            sum(self.counts[name] for name in INPUTS), sum(self.counts[name] for name in OUTPUTS),
            self.counts["journal"], len(self.callbacks), ended, len(self.attempts), len(self.letters))  # fmt: skip


# --- where records come from ---


def short(topic):
    """ "routing" of "some.prefix.routing", "flows.dlq" of "x.flows.dlq"."""
    words = topic.split(".")
    return ".".join(words[-2:]) if words[-1] == "dlq" else words[-1]


def from_log(path):
    """The records of a captured log."""
    message = protos.types()["LogRecord"]
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
        one = message.FromString(data[at : at + size])
        at += size
        yield Record(
            short(one.topic), one.partition, one.offset, one.key.data if one.HasField("key") else None,
            one.value.data if one.HasField("value") else None, one.timestamp_ms,
            tuple((head.name, head.value.data if head.HasField("value") else None) for head in one.headers),
        )  # fmt: skip


class Reader:
    """Topics of a prefix, read_committed, from their beginnings; again and again up to the end there is then."""

    def __init__(self, bootstrap, prefix, topics=TOPICS, isolation="read_committed"):
        self.bootstrap, self.prefix, self.isolation = bootstrap, prefix, isolation
        self.consumer = None
        self.connect()
        known = self.consumer.list_topics(timeout=30).topics
        missing = [name for name in topics if prefix + name not in known]
        if missing:
            raise servers.ServerError("no topic %s%s" % (prefix, missing[0]))
        self.partitions = len(known[prefix + "flows"].partitions) if "flows" in topics else None
        self.places = [(name, at) for name in topics for at in known[prefix + name].partitions]
        self.next = {place: 0 for place in self.places}  # offsets
        self.assign()

    def connect(self):
        from confluent_kafka import Consumer

        if self.consumer is not None:
            self.consumer.close()
        self.consumer = Consumer({
            "bootstrap.servers": self.bootstrap, "group.id": "chaos-checker", "isolation.level": self.isolation,
            "enable.auto.commit": False, "auto.offset.reset": "error", "enable.partition.eof": True,
            "fetch.wait.max.ms": 20, "reconnect.backoff.max.ms": 500, "log_level": 0,
        })  # fmt: skip
        self.heard = time.monotonic()

    def assign(self):
        from confluent_kafka import TopicPartition

        self.consumer.assign([TopicPartition(self.prefix + name, at, self.next[name, at]) for name, at in self.places])

    def again(self):
        """Anew from where it was: a client whose broker came up without its topics for a moment forgets them."""
        self.connect()
        self.assign()

    def poll(self, timeout_s=0.1):
        """Records that are there."""
        from confluent_kafka import KafkaError

        found = []
        for got in self.consumer.consume(5000, timeout_s):
            if not got.error():
                topic = got.topic()[len(self.prefix) :]
                self.next[topic, got.partition()] = got.offset() + 1
                found.append(Record(topic, got.partition(), got.offset(), got.key(), got.value(),
                                    got.timestamp()[1], tuple(got.headers() or ())))  # fmt: skip
            elif got.error().code() == KafkaError._AUTO_OFFSET_RESET:
                raise servers.ServerError("%s/%s: %s" % (got.topic(), got.partition(), got.error()))
        if found:
            self.heard = time.monotonic()
        elif time.monotonic() - self.heard > SILENT_S:
            self.again()
        return found

    def stable_ends(self, deadline_s=60):
        """{(topic, partition): offset behind what may be read}; brokers that just came up are waited for."""
        from confluent_kafka import KafkaException, TopicPartition

        ends = {}

        def asked():
            try:
                for name, at in self.places:
                    if (name, at) not in ends:
                        place = TopicPartition(self.prefix + name, at)
                        ends[name, at] = self.consumer.get_watermark_offsets(place, timeout=10, cached=False)[1]
            except KafkaException:
                self.again()
                return False
            return True

        servers.wait_until(asked, "the broker says where the topics end", deadline_s, every_s=0.2)
        return ends

    def to_end(self, take, deadline_s=60):
        """Give take() every record up to the committed ends as they are now."""
        from confluent_kafka import TopicPartition

        ends = self.stable_ends()

        def there():
            for record in self.poll(0.05):
                take(record)
            # Markers of transactions are offsets without records, so the client's own word counts too.
            at = {
                (one.topic[len(self.prefix) :], one.partition): one.offset
                for one in self.consumer.position([TopicPartition(self.prefix + name, at) for name, at in self.places])
            }
            return all(max(at[place], self.next[place]) >= end for place, end in ends.items())

        servers.wait_until(there, "the topics' ends are read", deadline_s, every_s=0)
        return ends

    def close(self):
        self.consumer.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("logs", nargs="*", metavar="LOG")
    parser.add_argument("--bootstrap")
    parser.add_argument("--prefix", default="ringback.")
    parser.add_argument("--under-way", action="store_true", help="inputs may be ahead of what is decided")
    arguments = parser.parse_args()
    if bool(arguments.logs) == bool(arguments.bootstrap):
        parser.error("logs, or --bootstrap")
    if arguments.bootstrap:
        reader = Reader(arguments.bootstrap, arguments.prefix)
        checker = Checker(reader.partitions)
        reader.to_end(checker.add)
        reader.close()
    else:
        records = [record for path in arguments.logs for record in from_log(path)]
        checker = Checker(1 + max([one.partition for one in records if one.topic in INPUTS] or [0]))
        for record in records:
            checker.add(record)
    found = checker.finish(decided=not arguments.under_way)
    for violation in found:
        print(violation)
    print("%d violations; %s" % (len(found), checker.summary()))
    return 3 if found else 0


if __name__ == "__main__":
    servers.use_venv()
    sys.exit(main())
