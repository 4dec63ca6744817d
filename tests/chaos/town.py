"""The people of a campaign: callers of the recorded day, agents, supervisors and the switch, who answer what
the daemon says as it says it, at a pace that makes minutes of an hour. What they do and when is drawn from a
seed; what they meet depends on the machine, so two runs of one seed are alike and not the same.

They repeat themselves as buses do (the same event once more), send rubbish now and then, miss offers, and
know nothing of what is done to the servers.
"""

import collections
import csv
import hashlib
import heapq
import itertools
import os
import random
import threading
import time

import checker
import protos
import servers

CALLS = os.path.join(servers.ROOT, "tests", "data", "bank-1999-08-01.csv")
AGENTS = 5
SPEED = 60  # an hour of the recorded day in a minute
GAP_MAX_S = 1.0  # nights are cut
REPEATS = 0.04
RUBBISH = 0.003
ON_QUEUE, AWAY = 2, 5
IDLE, INTERACTING, NOT_RESPONDING = 2, 3, 5
TIMED_OUT = 63  # REASON_TIMED_OUT
PERSON, MACHINE, NOT_CONFIRMED = 1, 2, 3
BUSY, NO_ANSWER, FAILED, DEAD, HUNG_UP = 1, 2, 3, 4, 5
CUSTOMER, AGENT, SYSTEM = 1, 2, 3


def calls():
    """The day's rows in the order of their time: (seconds from the row before, queue, number, priority, waits,
    talks), times in seconds of ours."""

    def seconds(text):
        hours, minutes, rest = text.split(":")
        return int(hours) * 3600 + int(minutes) * 60 + int(rest)

    rows, before = [], None
    with open(CALLS, newline="") as file:
        for row in csv.DictReader(file):
            at = seconds(row["ivr_enter"])
            waits = seconds(row["queue_leave"]) - seconds(row["queue_enter"]) if row["queue_enter"] else 0
            talks = seconds(row["service_end"]) - seconds(row["service_start"]) if row["service_start"] else 0
            gap = 0 if before is None else max(0, at - before)
            before = at
            rows.append((
                min(gap / SPEED, GAP_MAX_S),
                {"PS": "q", "NW": "first", "NE": "first"}.get(row["service"], "hand"),
                "+49301%06d" % int("".join(filter(str.isdigit, row["customer"] or row["call"]))[-6:]),
                int(row["priority"]), min(waits, 600) / SPEED / 4, min(talks, 900) / SPEED / 4, row["outcome"],
            ))  # fmt: skip
    return rows


class Agent:
    def __init__(self, domain, name):
        self.domain, self.name = domain, name
        self.status = IDLE
        self.offer = None  # id
        self.callback = None  # id
        self.live = None  # interaction or attempt

    def free(self):
        return self.status == IDLE and not (self.offer or self.callback or self.live)


class Town(threading.Thread):
    def __init__(self, bootstrap, prefix, domains, seed, repeats=REPEATS, pace=1.0):
        super().__init__(daemon=True, name="town")
        from confluent_kafka import Producer

        self.prefix, self.pace, self.repeats = prefix, pace, repeats
        self.chance = random.Random(seed)
        self.types = protos.types()
        self.domains = [b"town-%02d" % number for number in range(domains)]
        self.rows = calls()
        self.numbers = itertools.count(1)
        self.salt = "%08x" % self.chance.randrange(1 << 32)
        self.agents = {
            domain: {name: Agent(domain, name) for name in ("agent-%d" % at for at in range(AGENTS))}
            for domain in self.domains
        }
        self.at = {domain: self.chance.randrange(len(self.rows)) for domain in self.domains}
        self.live = {domain: [] for domain in self.domains}  # callbacks heard of, the newest last
        self.ended_callbacks = set()
        self.holders = {}  # (domain, callback) -> Agent
        self.attempts = {}  # attempt -> [domain, callback, version, agent name, "over"]
        self.acts = []  # heap of (monotonic time, number, function, arguments)
        self.offset_ms = 0  # people's clock against the machine's
        self.paused, self.idle, self.stopped = threading.Event(), threading.Event(), threading.Event()
        self.calling = False
        self.error = None
        self.called = self.heard = 0
        self.dialled_twice = []
        self.sent_at = {}
        self.waits = []  # seconds from a request to its answer
        self.digests, self.ends = {}, {}
        self.sent = collections.Counter()
        self.producer = Producer({
            "bootstrap.servers": bootstrap, "partitioner": "murmur2", "linger.ms": 2, "log_level": 0,
            "enable.idempotence": True, "message.timeout.ms": 0, "queue.buffering.max.messages": 1000000,
            "reconnect.backoff.max.ms": 500,
        })  # fmt: skip
        self.reader = checker.Reader(bootstrap, prefix, ("routing", "results"))

    # --- the thread ---

    def run(self):
        try:
            while not self.stopped.is_set():
                self.turn()
        except Exception as error:  # told by check(), in the campaign's thread
            import traceback

            self.error = "%s\n%s" % (error, traceback.format_exc())
        self.reader.close()

    def turn(self):
        now = time.monotonic()
        ahead = self.acts[0][0] - now if self.acts and not self.paused.is_set() else 0.02
        for record in self.reader.poll(max(0.0, min(ahead, 0.02))):
            self.hear(record)
        if self.paused.is_set():
            self.idle.set()
            return
        self.idle.clear()
        now = time.monotonic()
        while self.acts and self.acts[0][0] <= now:
            _, _, function, arguments = heapq.heappop(self.acts)
            function(*arguments)
        self.producer.poll(0)

    def check(self):
        if self.error:
            raise servers.ServerError("the town has ended: " + self.error)

    def pause(self, deadline_s=60):
        """Nobody does anything any more, and all that was done is with the broker."""
        self.paused.set()
        servers.wait_until(lambda: self.idle.is_set() or self.error, "the town stands still", deadline_s)
        self.check()
        left = self.producer.flush(deadline_s)
        if left:
            raise servers.ServerError("the broker did not take %d records within %d s" % (left, deadline_s))

    def resume(self):
        self.idle.clear()
        self.paused.clear()

    def stop(self):
        self.stopped.set()
        self.join(30)

    def later(self, seconds, function, *arguments):
        heapq.heappush(self.acts, (time.monotonic() + seconds / self.pace, next(self.numbers), function, arguments))

    def name(self, kind):
        return "%s-%s-%d" % (kind, self.salt, next(self.numbers))

    def now_ms(self):
        return int(time.time() * 1000) + self.offset_ms

    def likely(self, part):
        return self.chance.random() < part

    # --- what they send ---

    def send(self, topic, domain, event, repeats=True):
        value, now_ms = event.SerializeToString(), self.now_ms()
        self.produce(topic, domain, value, now_ms)
        if repeats and self.likely(self.repeats):
            self.later(self.chance.uniform(0.01, 2), self.produce, topic, domain, value, now_ms)
        if self.likely(RUBBISH):
            self.produce(self.chance.choice(("flows", "commands", "presence")), domain,
                         b"\xff\xfe rubbish %d" % next(self.numbers), now_ms)  # fmt: skip

    def produce(self, topic, domain, value, timestamp):
        if self.paused.is_set():  # what they hear meanwhile they answer when they go on
            self.later(0, self.produce, topic, domain, value, timestamp)
            return
        self.sent[topic] += 1
        self.producer.produce(self.prefix + topic, key=domain, value=value, timestamp=timestamp)

    def open(self):
        """Settings, and everybody comes to work."""
        for index, domain in enumerate(self.domains):
            self.settle(index, domain)
            for agent in self.agents[domain].values():
                event = self.types["SettingsEvent"](id=self.name("set"))
                event.agent.agent_id, event.agent.version = agent.name, 1
                self.send("settings", domain, event, repeats=False)
                self.fact(agent, "joined_queues")
                self.fact(agent, "presence", ON_QUEUE)
                self.fact(agent, "routing_status", IDLE)
            self.later(self.chance.random(), self.call, domain)
            self.later(self.chance.random() * 5, self.supervise, domain)

    def settle(self, index, domain):
        event = self.types["SettingsEvent"](id=self.name("set"))
        event.domain.version = 1
        event.domain.duplicate_number = 1 + index % 4
        event.domain.on_customer_contact = 1 + index % 2
        self.send("settings", domain, event, repeats=False)
        for queue_id in ("q", "hand", "first"):
            event = self.types["SettingsEvent"](id=self.name("set"))
            queue = event.queue
            queue.queue_id, queue.version, queue.ani = queue_id, 1, "+4930555"
            queue.alerting_timeout_s, queue.ring_timeout_s = 7, 10
            queue.agent_first_retries, queue.agent_first_retry_delay_s = (2, 60) if queue_id == "q" else (0, 0)
            if queue_id == "q":
                queue.auto_dial.delay_s, queue.auto_end.delay_s = 2, 2
            if queue_id == "first":
                queue.dial_mode = 2
                queue.customer_first.pacing_hundredths = 500
                queue.customer_first.max_retries, queue.customer_first.retry_delay_s = 2, 60
                queue.customer_first.reserve_agent = index % 2 == 1
            queue.status_events = True
            self.send("settings", domain, event, repeats=False)

    def fact(self, agent, what, value=None):
        now_ms = self.now_ms()
        event = self.types["PresenceEvent"](
            id=self.name("fact"), agent_id=agent.name, version=next(self.numbers), change_ms=now_ms
        )
        if what == "joined_queues":
            event.joined_queues.queue_ids.extend(("q", "hand", "first"))
        elif what == "presence":
            event.presence.presence = value
        else:
            event.routing_status.status = value
            agent.status = value
        self.send("presence", agent.domain, event)

    def command(self, domain, what, callback_id="", agent="", **fields):
        event = self.types["Command"](request_id=self.name("ask"), callback_id=callback_id)
        if agent:
            event.agent_id = agent
        else:
            event.user_id = "supervisor"
        getattr(event, what).SetInParent()
        for name, value in fields.items():
            setattr(getattr(event, what), name, value)
        self.send("commands", domain, event)

    # --- callers ---

    def call(self, domain):
        """The day's next call."""
        row = self.rows[self.at[domain] % len(self.rows)]
        self.at[domain] += 1
        self.later(self.rows[self.at[domain] % len(self.rows)][0], self.call, domain)
        self.called += 1
        _, queue_id, number, priority, waits, talks, outcome = row
        kind = self.chance.random()
        if kind < 0.05:
            return self.campaign(domain, queue_id, number)
        one = {"id": self.name("call"), "version": 0, "queue": queue_id, "number": number, "over": False,
               "entry": self.now_ms(), "priority": priority, "talks": talks}  # fmt: skip
        self.interaction(domain, one, "entered")
        if outcome == "AGENT" and self.likely(0.5):
            self.later(waits, self.connect, domain, one)
        elif self.likely(0.8):
            self.later(min(waits, 1) + 0.05, self.ask, domain, one)
        else:
            self.later(waits + 0.1, self.interaction, domain, one, "left")
        return None

    def interaction(self, domain, one, what, agent=""):
        one["version"] += 1
        event = self.types["InteractionEvent"](id=self.name("event"))
        event.interaction.interaction_id, event.interaction.conversation_id = one["id"], "talk-" + one["id"]
        event.interaction.media, event.interaction.version = 1, one["version"]
        event.interaction.time_ms = self.now_ms()
        getattr(event, what).SetInParent()
        if what == "entered":
            event.entered.place.queue_id, event.entered.place.entry_ms = one["queue"], one["entry"]
            event.entered.routing.priority, event.entered.ani = one["priority"], one["number"]
        elif what == "left":
            event.left.reason = 1
        elif agent:
            getattr(event, what).agent_id = agent
        self.send("interactions", domain, event)

    def connect(self, domain, one):
        """An agent talks to him, if one is free; else he asks to be called back."""
        free = [agent for agent in self.agents[domain].values() if agent.free()]
        if not free:
            return self.ask(domain, one)
        agent = self.chance.choice(free)
        agent.live = one["id"]
        self.interaction(domain, one, "connected", agent.name)
        self.fact(agent, "routing_status", INTERACTING)
        self.later(one["talks"] + 0.1, self.hang_up_live, domain, one, agent)
        return None

    def hang_up_live(self, domain, one, agent):
        self.interaction(domain, one, "ended")
        self.interaction(domain, one, "wrap_up_started", agent.name)
        self.interaction(domain, one, "wrap_up_ended", agent.name)
        agent.live = None
        self.fact(agent, "routing_status", IDLE)

    def ask(self, domain, one):
        voicemail = self.likely(0.06) and one["queue"] != "first"
        event = self.types["FlowEvent"](id=self.name("flow"))
        asked = event.leave_voicemail if voicemail else event.create_callback
        asked.interaction_id, asked.conversation_id = one["id"], "talk-" + one["id"]
        asked.flow_type, asked.queue_id, asked.number = 2, one["queue"], one["number"]
        asked.facts.place.queue_id, asked.facts.place.entry_ms = one["queue"], one["entry"]
        asked.facts.routing.priority, asked.facts.ani = one["priority"], one["number"]
        asked.facts.media, asked.facts.version = 1, one["version"]
        if voicemail:
            asked.recording_id = "rec-" + one["id"]
        else:
            asked.name = "as recorded"
        self.sent_at[event.id] = time.monotonic()
        self.send("flows", domain, event)
        self.later(self.chance.uniform(0.02, 0.6), self.interaction, domain, one, "ended")

    def campaign(self, domain, queue_id, number):
        event = self.types["FlowEvent"](id=self.name("flow"))
        one = event.schedule_callback
        one.campaign_id, one.contact_id, one.campaign_mode = "winter", self.name("contact"), 2
        one.queue_id, one.number, one.due_ms = queue_id, number, self.now_ms() + self.chance.randrange(2000, 20000)
        self.sent_at[event.id] = time.monotonic()
        self.send("flows", domain, event)

    # --- supervisors, and customers who change their mind ---

    def supervise(self, domain):
        self.later(self.chance.uniform(0.5, 3), self.supervise, domain)
        alive = self.live[domain]
        if not alive:
            return
        callback = self.chance.choice(alive[-200:])
        what = self.chance.choice(("cancel", "reschedule", "reassign", "snooze", "unknown"))
        if what == "cancel":
            self.command(domain, "cancel", callback)
        elif what == "reschedule":
            self.command(domain, "reschedule", callback, due_ms=self.now_ms() + self.chance.randrange(1000, 15000))
        elif what == "reassign":
            self.command(domain, "reassign", callback, queue_id=self.chance.choice(("q", "hand")))
        elif what == "unknown":
            self.command(domain, "cancel", self.name("nobody"))
        else:
            event = self.types["FlowEvent"](id=self.name("flow"))
            event.customer_snooze.callback_id, event.customer_snooze.minutes = callback, 5
            self.send("flows", domain, event)

    # --- what they hear ---

    def hear(self, record):
        place = record.topic, record.partition
        if place not in self.digests:
            self.digests[place] = hashlib.blake2b(digest_size=16)
        checker.digest(self.digests[place], record)
        self.ends[place] = record.offset + 1
        if record.topic == "results":
            return self.hear_result(record.key, self.types["Result"].FromString(record.value))
        event = self.types["RoutingEvent"].FromString(record.value)
        what = event.WhichOneof("event")
        react = getattr(self, "on_" + what, None) if what else None
        if react and record.key in self.agents:
            self.heard += 1
            react(record.key, event, getattr(event, what))
        return None

    def hear_result(self, domain, result):
        sent = self.sent_at.pop(result.request_id, None)
        if sent is not None:
            self.waits.append(time.monotonic() - sent)
        what = result.WhichOneof("answer")
        if what == "callback_accepted" and domain in self.live:
            self.live[domain].append(result.callback_accepted.callback_id)

    def agent(self, domain, name):
        return self.agents[domain].get(name)

    def on_offer(self, domain, event, offer):
        agent = self.agent(domain, offer.agent_id)
        agent.offer = offer.offer_id
        way = self.chance.random()
        if way < 0.80:
            self.later(self.chance.uniform(0.02, 0.6), self.accept, agent, event.callback_id, offer.offer_id)
        elif way < 0.90:
            offer_id = offer.offer_id if self.likely(0.8) else "another"  # that is refused
            self.later(self.chance.uniform(0.02, 0.6), self.decline, agent, event.callback_id, offer_id)
        elif way < 0.94:
            self.later(0.1, self.go, agent)

    def accept(self, agent, callback, offer_id):
        self.command(agent.domain, "accept", callback, agent.name, offer_id=offer_id)
        self.fact(agent, "routing_status", INTERACTING)
        self.later(6, self.back, agent)  # if nothing came of it

    def decline(self, agent, callback, offer_id):
        self.command(agent.domain, "decline", callback, agent.name, offer_id=offer_id)

    def go(self, agent):
        self.fact(agent, "presence", AWAY)
        self.later(self.chance.uniform(0.5, 4), self.fact, agent, "presence", ON_QUEUE)

    def back(self, agent):
        if agent.status != IDLE and not (agent.callback or agent.live):
            self.fact(agent, "routing_status", IDLE)

    def on_revoke(self, domain, event, one):
        agent = self.agent(domain, one.agent_id)
        if agent.offer == one.offer_id:
            agent.offer = None
        if one.reason == TIMED_OUT:
            self.fact(agent, "routing_status", NOT_RESPONDING)
            self.later(0.3, self.back, agent)

    def on_callback_assigned(self, domain, event, one):
        agent = self.agent(domain, one.agent_id)
        if agent.offer == one.offer_id:
            agent.offer = None
        agent.callback = event.callback_id
        self.holders[domain, event.callback_id] = agent
        way = self.chance.random()
        if way < 0.80:
            self.later(self.chance.uniform(0.02, 0.5), self.command, domain, "dial", event.callback_id, agent.name)
        elif way < 0.88:
            self.later(0.2, self.command, domain, "end", event.callback_id, agent.name)
        elif way < 0.94:
            self.later(0.2, lambda: self.command(domain, "reschedule", event.callback_id, agent.name,
                                                 due_ms=self.now_ms() + 5000))  # fmt: skip

    def released(self, domain, callback):
        agent = self.holders.pop((domain, callback), None)
        if agent is not None and agent.callback == callback:
            agent.callback = None
            self.later(0.05, self.back, agent)

    def on_agent_released(self, domain, event, one):
        self.released(domain, event.callback_id)

    def on_callback_ended(self, domain, event, one):
        self.released(domain, event.callback_id)
        with_id = self.live[domain]
        if event.callback_id in with_id[-50:]:
            with_id.remove(event.callback_id)

    # --- the switch ---

    def on_place_call(self, domain, event, one):
        if one.attempt_id in self.attempts:
            self.dialled_twice.append((domain, event.callback_id, one.attempt_id))
            return
        attempt = self.attempts[one.attempt_id] = [domain, event.callback_id, 0, one.agent_id, False]
        way = self.chance.random()
        if way < 0.04:
            return  # the switch never says a word
        self.later(0.05, self.report, one.attempt_id, "attempt_ringing")
        after = self.chance.uniform(0.1, 0.8)
        if way < 0.62:
            self.later(after, self.answered, one.attempt_id, attempt, one.customer_first)
        elif way < 0.68:
            self.later(after, self.report, one.attempt_id, "attempt_answered", MACHINE)
            self.later(after + 0.3, self.over, one.attempt_id, HUNG_UP, SYSTEM)
        else:
            result = self.chance.choice((BUSY, BUSY, NO_ANSWER, NO_ANSWER, NO_ANSWER, FAILED, DEAD))
            self.later(after, self.over, one.attempt_id, result, SYSTEM)

    def report(self, attempt_id, what, kind=0, agent=""):
        attempt = self.attempts[attempt_id]
        if attempt[4] and what != "attempt_wrap_up_ended":
            return
        attempt[2] += 1
        event = self.types["InteractionEvent"](id=self.name("event"))
        event.attempt.attempt_id, event.attempt.version = attempt_id, attempt[2]
        event.attempt.time_ms = self.now_ms()
        getattr(event, what).SetInParent()
        if what == "attempt_answered":
            event.attempt_answered.kind = kind
        elif agent:
            getattr(event, what).agent_id = agent
        self.send("interactions", attempt[0], event)

    def answered(self, attempt_id, attempt, customer_first):
        self.report(attempt_id, "attempt_answered", PERSON)
        if customer_first:  # on_transfer_to_queue goes on
            self.later(8, self.over, attempt_id, HUNG_UP, CUSTOMER)
            return
        self.report(attempt_id, "attempt_connected", agent=attempt[3])
        talk = self.chance.uniform(0.1, 1.2)
        if self.likely(0.1):
            self.later(talk / 2, self.command, attempt[0], "schedule", "", attempt[3])
        if self.likely(0.1):
            self.later(talk / 2, self.schedule, attempt)
        self.later(talk, self.over, attempt_id, HUNG_UP, self.chance.choice((CUSTOMER, AGENT)))
        if self.likely(0.8):
            self.later(talk + 0.2, self.report, attempt_id, "attempt_wrap_up_ended", 0, attempt[3])
        else:
            self.later(talk + 0.2, self.command, attempt[0], "end", attempt[1], attempt[3])

    def schedule(self, attempt):
        self.command(attempt[0], "schedule", "", attempt[3], interaction_id=attempt[1],
                     due_ms=self.now_ms() + self.chance.randrange(1000, 9000))  # fmt: skip

    def over(self, attempt_id, result, by):
        attempt = self.attempts[attempt_id]
        if attempt[4]:
            return
        attempt[2] += 1
        attempt[4] = True
        event = self.types["InteractionEvent"](id=self.name("event"))
        event.attempt.attempt_id, event.attempt.version = attempt_id, attempt[2]
        event.attempt.time_ms = self.now_ms()
        event.attempt_ended.result, event.attempt_ended.by = result, by
        self.send("interactions", attempt[0], event)

    def on_hang_up(self, domain, event, one):
        if one.attempt_id in self.attempts:
            self.later(0.02, self.over, one.attempt_id, HUNG_UP, SYSTEM)

    def on_transfer_to_queue(self, domain, event, one):
        if one.attempt_id in self.attempts:
            self.later(self.chance.uniform(0.05, 0.5), self.bring, domain, one.attempt_id, 10)

    def bring(self, domain, attempt_id, tries):
        """An answered customer to a free agent."""
        attempt = self.attempts[attempt_id]
        if attempt[4]:
            return
        free = [agent for agent in self.agents[domain].values() if agent.free()]
        if not free:
            if tries:
                self.later(0.3, self.bring, domain, attempt_id, tries - 1)
            return
        agent = self.chance.choice(free)
        agent.live = attempt_id
        self.report(attempt_id, "attempt_connected", agent=agent.name)
        self.fact(agent, "routing_status", INTERACTING)
        self.later(self.chance.uniform(0.1, 1), self.brought, attempt_id, agent)

    def brought(self, attempt_id, agent):
        self.over(attempt_id, HUNG_UP, CUSTOMER)
        self.report(attempt_id, "attempt_wrap_up_ended", 0, agent.name)
        agent.live = None
        self.fact(agent, "routing_status", IDLE)
