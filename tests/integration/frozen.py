"""e. Two processes, one frozen past its session and woken: the other decides in time, the woken one's
work is refused. And a daemon that is down through deadlines whose answers wait in the topic: nobody is
dialled again."""

import os
import time

import compare
import equals_replay
import harness
import tap
import topiclog

SESSION_MS = 2000
DECIDES_S = SESSION_MS / 1000 + 2
ATTEMPTS = 3
# Slow enough that much is left when one of the two is frozen.
PAIR = {"batch.records_max": 7, "commit_interval_ms": 40, "session_timeout_ms": SESSION_MS}


def owned(daemons):
    """{partition: daemon} by who logged last that it took it over."""
    last = {}
    for daemon in daemons:
        for line in daemon.said("partition taken over"):
            if line["partition"] not in last or line["ts"] > last[line["partition"]][0]:
                last[line["partition"]] = (line["ts"], daemon)
    return {partition: daemon for partition, (_, daemon) in last.items()}


def work_left(world, partition):
    """Whether much of the partition is not decided yet."""
    batches = world.tail.batches[partition]
    reached = sum(one.to_offset for one in batches[-1].ranges) if batches else 0
    return sum(world.ends[name, partition] for name in topiclog.INPUTS) - reached > 200


def shared_out(world, victim, other):
    """Until both decide: partitions of the victim's with a writer that has begun."""

    def both():
        world.tail.poll()
        for daemon in (victim, other):
            daemon.check()
        owners = list(owned((victim, other)).values())
        return victim in owners and other in owners

    harness.wait_until(both, "both processes have partitions")


def decides_in_time(world, victim, other, since, last):
    """The other commits on each of the victim's partitions; how long it took since then."""
    taken = [
        partition
        for partition, daemon in owned((victim, other)).items()
        if daemon is victim and work_left(world, partition)
    ]
    world.tail.poll(0.02)
    before = {partition: world.tail.batches[partition][-1].writer for partition in taken}
    seconds = {}

    def all_taken():
        world.tail.poll()
        other.check()
        for partition, writer in before.items():
            if partition not in seconds and world.tail.batches[partition][-1].writer != writer:
                seconds[partition] = time.monotonic() - since
        return len(seconds) == len(before)

    harness.wait_until(all_taken, "the other decides on partitions %s" % taken, 60, every_s=0)
    said = "the other decides on %d partitions %.1f s after the freeze, within %.0f s" % (
        len(taken), max(seconds.values() or [0]), DECIDES_S)
    if taken and max(seconds.values()) > DECIDES_S and not last:
        tap.diag("not " + said + ": once more, the machine may have been busy")
        raise Late()
    tap.ok(taken and max(seconds.values()) <= DECIDES_S, said, seconds)
    return before


class Late(Exception):
    """It took longer than it may; what is slow once on a busy machine is not slow three times."""


def three_times(test):
    def tried(bench):
        for attempt in range(ATTEMPTS):
            try:
                return test(bench, attempt == ATTEMPTS - 1)
            except Late:
                continue

    tried.__name__ = test.__name__
    return tried


def woken_is_refused(bench, world, victim, other, before, name):
    victim.thaw()
    run = world.finish(victim, other)
    with open(victim.log) as file:
        said = file.read()
    tap.ok(
        "partitions given back" in said and ("FENCED" in said or name == "frozen"),
        name + ": woken, it finds itself replaced",
        victim.log_end(),
    )
    for partition, writer in before.items():
        batches = [batch.writer for batch in run.batches(partition)]
        last = len(batches) - 1 - batches[::-1].index(writer)
        tap.ok(
            last < len(batches) - 1 and writer not in batches[last + 1 :],
            "%s: the frozen writer of partition %d wrote nothing after batch %d of %d"
            % (name, partition, last + 1, len(batches)),
        )
    tap.empty(world.open_transactions(), name + ": no transaction hangs")
    harness.same_end(run, bench.reference(world.day), name)


@three_times
def frozen(bench, last):
    with bench.world("frozen", bench.day(8, 4).until(9), PAIR) as world:
        other = world.daemon()
        other.wait_said("partition taken over", 4)
        victim = world.daemon()
        shared_out(world, victim, other)
        count = world.tail.poll()
        world.wait_batches(count + 40, victim)
        victim.freeze()
        since = time.monotonic()
        before = decides_in_time(world, victim, other, since, last)
        woken_is_refused(bench, world, victim, other, before, "frozen")


@three_times
def frozen_in_transaction(bench, last):
    """The same at the moment where all records of a batch are on the broker, uncommitted."""
    with bench.world("open", bench.day(8, 4).until(9), PAIR) as world:
        other = world.daemon()
        other.wait_said("partition taken over", 4)
        victim = world.daemon(variables={"RINGBACK_POINT": "batch_flushed:30:stop"})
        shared_out(world, victim, other)

        def stands():
            world.tail.poll()
            victim.check()
            with open("/proc/%d/stat" % victim.pid) as file:
                return file.read().rsplit(")", 1)[1].split()[0] == "T"

        harness.wait_until(stands, "it stops itself in a transaction", every_s=0)
        since = time.monotonic()
        hanging = world.open_transactions()
        tap.ok(
            any(where.startswith("journal") for where in hanging),
            "it is frozen with a transaction open",
            hanging,
        )
        before = decides_in_time(world, victim, other, since, last)
        woken_is_refused(bench, world, victim, other, before, "frozen in a transaction")


# --- deadlines that passed while nobody was there ---


class Town:
    """A few agents and callers by hand, on the wall clock, with an offset that the test moves."""

    def __init__(self, world):
        self.world = world
        self.types = topiclog.types()
        self.file = os.path.join(world.folder, "clock-offset")
        self.count = 0
        self.move(0)

    def move(self, offset_ms):
        self.offset_ms = offset_ms
        with open(self.file + ".new", "w") as file:
            file.write("%d\n" % offset_ms)
        os.replace(self.file + ".new", self.file)

    def daemon(self):
        return self.world.daemon(variables={"RINGBACK_CLOCK_OFFSET_FILE": self.file})

    def send(self, topic, event):
        now_ms = int(time.time() * 1000) + self.offset_ms
        self.world.produce(
            topic, 0, compare.Record(b"acme", event.SerializeToString(), now_ms, ())
        )

    def settings(self, agents):
        event = self.types["SettingsEvent"](id="s-queue")
        event.queue.queue_id, event.queue.version = "q", 1
        event.queue.alerting_timeout_s, event.queue.ring_timeout_s = 30, 20
        event.queue.agent_first_retries, event.queue.agent_first_retry_delay_s = 3, 60
        self.send("settings", event)
        for agent in agents:
            event = self.types["SettingsEvent"](id="s-" + agent)
            event.agent.agent_id, event.agent.version = agent, 1
            self.send("settings", event)
            for what in ("joined_queues", "presence", "routing_status"):
                self.fact(agent, what)

    def fact(self, agent, what):
        self.count += 1
        event = self.types["PresenceEvent"](
            id="p-%d" % self.count,
            agent_id=agent,
            version=self.count,
            change_ms=int(time.time() * 1000) + self.offset_ms,
        )
        if what == "joined_queues":
            event.joined_queues.queue_ids.append("q")
        elif what == "presence":
            event.presence.presence = 2  # on queue
        else:
            event.routing_status.status = 2  # idle
        self.send("presence", event)

    def call(self, name):
        """A caller wants a callback."""
        event = self.types["FlowEvent"](id=name)
        one = event.create_callback
        one.interaction_id, one.conversation_id = "call-" + name, "conv-" + name
        one.flow_type, one.queue_id, one.name = 2, "q", name
        one.number = "+49301234%03d" % len(name)
        self.send("flows", event)

    def command(self, event, what, **fields):
        self.count += 1
        one = getattr(event, event.WhichOneof("event"))
        command = self.types["Command"](
            request_id="c-%d" % self.count, callback_id=event.callback_id, agent_id=one.agent_id
        )
        getattr(command, what).SetInParent()
        for name, value in fields.items():
            setattr(getattr(command, what), name, value)
        self.send("commands", command)

    def attempt(self, placed, number, what, **fields):
        self.count += 1
        event = self.types["InteractionEvent"](id="a-%d" % self.count)
        event.attempt.attempt_id = placed.place_call.attempt_id
        event.attempt.version = number
        getattr(event, what).SetInParent()
        for name, value in fields.items():
            setattr(getattr(event, what), name, value)
        self.send("interactions", event)

    def routing(self):
        message = self.types["RoutingEvent"]
        return [message.FromString(got.value()) for _, _, got in self.world.read(("routing",))]

    def wait(self, what, conversation, count=1, but=()):
        """The count-th routing event of that kind about the caller, apart from those already seen."""

        def there():
            found = [
                event
                for event in self.routing()
                if event.WhichOneof("event") == what
                and event.conversation_id == "conv-" + conversation
            ]
            return found[count - 1] if len(found) >= count else None

        return harness.wait_until(there, "%s for %s" % (what, conversation), 30)

    def kinds(self, conversation):
        return [
            event.WhichOneof("event")
            for event in self.routing()
            if event.conversation_id == "conv-" + conversation
        ]

    def placed(self, name):
        """A caller, an agent who accepts and dials."""
        self.call(name)
        offer = self.wait("offer", name)
        self.command(offer, "accept", offer_id=offer.offer.offer_id)
        self.command(self.wait("callback_assigned", name), "dial")
        return self.wait("place_call", name)


def answers_wait(bench):
    """Down while dials are out and offers stand; ten minutes later on the clock it is back."""
    options = {"clock": "wall", "batch.records_max": 100}
    with bench.world("answers", topiclog.Day(None, None, 1), options, play=False) as world:
        town = Town(world)
        daemon = town.daemon()
        daemon.wait_said("partition taken over")
        town.settings(["agent-%d" % index for index in range(6)])
        talked, ignored = town.placed("talked"), town.placed("ignored")
        town.attempt(talked, 1, "attempt_ringing")
        busy = town.placed("busy")
        for name in ("accepted", "missed"):
            town.call(name)
        accepted, missed = town.wait("offer", "accepted"), town.wait("offer", "missed")
        world.wait_redis()
        tap.equal(daemon.kill(), -9, "killed while three dials are out and two offers stand")
        town.attempt(talked, 2, "attempt_answered", kind=1)
        town.attempt(talked, 3, "attempt_ended", result=5, by=1)
        town.attempt(talked, 4, "attempt_wrap_up_ended")
        town.attempt(busy, 1, "attempt_ended", result=1)
        town.command(accepted, "accept", offer_id=accepted.offer.offer_id)
        town.move(600 * 1000)
        daemon = town.daemon()
        # Of what nobody answered the deadlines fire: so they would have for the others too.
        hung = town.wait("hang_up", "ignored")
        revoked = town.wait("revoke", "missed")
        tap.equal(
            (hung.hang_up.attempt_id, revoked.revoke.offer_id),
            (ignored.place_call.attempt_id, missed.offer.offer_id),
            "what nobody answered is over: the dial is hung up, the offer revoked",
        )
        town.wait("callback_ended", "talked")
        town.wait("callback_assigned", "accepted")
        tap.equal(
            town.kinds("talked"),
            ["offer", "callback_assigned", "place_call", "agent_released", "callback_ended"],
            "who was talked to meanwhile is dialled once",
        )
        tap.equal(
            town.kinds("busy")[:4],
            ["offer", "callback_assigned", "place_call", "agent_released"],
            "busy meanwhile: no hang-up, back in line by its outcome",
        )
        tap.equal(
            town.kinds("accepted")[:2], ["offer", "callback_assigned"],
            "accepted meanwhile: the offer is not revoked",
        )
        world.ends = world.input_ends()
        run = world.finish(daemon)
        tap.empty(compare.alone(run), "nothing lost, nothing double, the journal joins")
        attempts = [
            event.place_call.attempt_id
            for event in run.parsed("routing", 0)
            if event.WhichOneof("event") == "place_call"
        ]
        tap.equal(len(attempts), len(set(attempts)), "no attempt is dialled twice")
        follows_journal(bench, world, run)


def follows_journal(bench, world, run):
    """A run on the wall clock equals a replay of its own journal."""
    captured = os.path.join(world.folder, "captured.log")
    replayed = os.path.join(world.folder, "replayed.log")
    world.command("capture", "--output", captured)
    code, said = equals_replay.file_command(
        bench, "replay", captured, "--journal", "--out", replayed
    )
    if tap.ok(code == 0, "the journal can be replayed", said):
        again = equals_replay.of_log(replayed, 1)
        faults = compare.output_faults(again, run) + compare.entity_faults(
            "state", again.state, run.state
        )
        tap.empty(compare.capped(faults), "live outputs equal those of its journal's replay")


TESTS = (frozen, frozen_in_transaction, answers_wait)
