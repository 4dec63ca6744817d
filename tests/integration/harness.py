"""The real daemon on a real Kafka and a real Redis, fed with a recorded day, killed, frozen and
compared.

    with harness.Bench() as bench:                       # one broker, one Redis
        day = bench.day(domains=1, partitions=1)
        world = bench.world("kills", day)                # topics, group and Redis keys of its own
        daemon = world.daemon({"batch.records_max": 7})
        world.wait_decided(daemon)
        tap.equal(daemon.stop(), 0, ...)
        run = world.snapshot()                           # compare.Snapshot
        compare.differences(bench.reference(day), run)   # [] when nothing differs

What is read back is read by confluent-kafka with read_committed, and by redis-py: clients that
share no code with the daemon.
"""

import contextlib
import hashlib
import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
import time

import compare
import topiclog

ROOT = topiclog.ROOT
import servers  # noqa: E402
import tap  # noqa: E402

PROGRAM = os.path.join(ROOT, "build", "points", "ringback")
SESSION_MS = 2000
ALL_TOPICS = topiclog.INPUTS + compare.OUTPUTS + ("state", "journal") + compare.DEAD
READ_S = 120


def program():
    """The test build (crash points, clock offsets), brought up to date; RINGBACK_PROGRAM is another."""
    given = os.environ.get("RINGBACK_PROGRAM")
    if given:
        return given
    made = subprocess.run(
        ["make", "-C", ROOT, "-s", "-j2", "--no-print-directory", "V=points", "program"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        universal_newlines=True,
    )
    if made.returncode != 0:
        raise RuntimeError("the test build failed:\n" + made.stdout[-3000:])
    return PROGRAM


def environment(more=None):
    """This process's, without what the tests themselves are told by RINGBACK_... variables."""
    variables = {key: value for key, value in os.environ.items() if not key.startswith("RINGBACK_")}
    variables.update(more or {})
    return variables


def wait_until(condition, what, deadline_s=30, every_s=0.01):
    return servers.wait_until(condition, what, deadline_s, every_s)


class Ended(Exception):
    """A daemon that should run has ended."""


class Daemon:
    """One `ringback run`; ends with this process, however that goes."""

    def __init__(self, words, environment, log):
        self.log = log
        self.started = time.monotonic()
        with open(log, "ab") as file:
            self.process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                env=environment,
                preexec_fn=servers.die_with_parent,
            )

    @property
    def pid(self):
        return self.process.pid

    def running(self):
        return self.process.poll() is None

    def check(self):
        if not self.running():
            raise Ended("the daemon ended with %d:\n%s" % (self.process.returncode, self.log_end()))

    def lines(self):
        """What it logged, as objects."""
        found = []
        with open(self.log, errors="replace") as file:
            for line in file:
                try:
                    found.append(json.loads(line))
                except ValueError:
                    found.append({"msg": line.rstrip()})
        return found

    def said(self, text):
        return [line for line in self.lines() if text in str(line.get("msg", ""))]

    def wait_said(self, text, count=1, deadline_s=30):
        def enough():
            found = self.said(text)
            if len(found) >= count:
                return found
            self.check()
            return None

        return wait_until(enough, "the daemon says %r" % text, deadline_s)

    def log_end(self, lines=15):
        with open(self.log, errors="replace") as file:
            return "".join(file.readlines()[-lines:])

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self, deadline_s=30):
        """SIGTERM; its exit code."""
        self.signal(signal.SIGTERM)
        return self.wait(deadline_s)

    def wait(self, deadline_s=30):
        try:
            return self.process.wait(deadline_s)
        except subprocess.TimeoutExpired:
            raise servers.ServerError(
                "the daemon did not end within %d s:\n%s" % (deadline_s, self.log_end())
            )

    def kill(self):
        """kill -9; its exit code, which is -9 unless it had ended before."""
        self.signal(signal.SIGKILL)
        return self.process.wait(30)

    def freeze(self):
        """SIGSTOP; returns when every thread of it stands."""
        self.signal(signal.SIGSTOP)
        servers.wait_frozen(self.pid)

    def thaw(self):
        self.signal(signal.SIGCONT)

    def close(self):
        if self.running():
            self.signal(signal.SIGCONT)
            self.kill()


class Tail:
    """Follows the journal, read_committed: which batches are there. One consumer, kept open."""

    def __init__(self, world):
        from confluent_kafka import Consumer, TopicPartition

        self.message = topiclog.types()["JournalRecord"]
        self.consumer = Consumer(world.reader_settings())
        self.consumer.assign(
            [
                TopicPartition(world.prefix + "journal", partition, 0)
                for partition in range(world.partitions)
            ]
        )
        self.batches = {partition: [] for partition in range(world.partitions)}

    def poll(self, timeout_s=0.005):
        """Take what is there; how many batches are known now."""
        from confluent_kafka import KafkaError

        for got in self.consumer.consume(500, timeout_s):
            if got.error():
                if got.error().code() != KafkaError._PARTITION_EOF and not got.error().retriable():
                    raise servers.ServerError("journal: %s" % got.error())
                continue
            self.batches[got.partition()].append(self.message.FromString(got.value()))
        return self.count()

    def count(self):
        return sum(len(found) for found in self.batches.values())

    def close(self):
        self.consumer.close()


class World:
    """One installation: topics with a prefix of their own, one group, one day in the inputs."""

    def __init__(self, bench, name, day, options, play):
        self.bench = bench
        self.name = name
        self.prefix = name + "."
        self.day = day
        self.partitions = day.partitions
        self.folder = os.path.join(bench.folder, name)
        os.makedirs(self.folder)
        self.options = {
            "kafka.bootstrap.servers": bench.kafka.bootstrap,
            "group": name,
            "topics.prefix": self.prefix,
            "redis.url": "redis://127.0.0.1:%d/0" % bench.redis.port,
            "clock": "event",
            "session_timeout_ms": SESSION_MS,
            "log.format": "json",
        }
        self.options.update(options or {})
        self.daemons = []
        self.opened_tail = None
        self.ends = None
        self.command("topics", "--partitions", str(self.partitions), "--for-replay")
        if play:
            self.play(day.inputs)

    def flags(self, extra=None):
        options = dict(self.options)
        options.update(extra or {})
        return ["--%s=%s" % row for row in options.items()]

    def command(self, *words, options=None, code=0):
        """Any subcommand; what it printed. Raises unless it exits with code."""
        made = subprocess.run(
            [self.bench.program] + list(words) + self.flags(options),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            universal_newlines=True,
            env=environment(),
        )
        if made.returncode != code:
            raise RuntimeError(
                "ringback %s: exit code %d\n%s%s"
                % (" ".join(words), made.returncode, made.stdout[-2000:], made.stderr[-2000:])
            )
        return made.stdout + made.stderr

    def play(self, log, end=True):
        self.command("play", log, *(["--end"] if end else []))
        self.ends = self.input_ends()

    def daemon(self, options=None, variables=None):
        """Start one. Its options are the world's and these."""
        daemon = Daemon(
            [self.bench.program, "run"] + self.flags(options),
            environment(variables),
            os.path.join(self.folder, "daemon-%d.log" % (len(self.daemons) + 1)),
        )
        self.daemons.append(daemon)
        return daemon

    def reader_settings(self):
        return {
            "bootstrap.servers": self.bench.kafka.bootstrap,
            "group.id": "tests-reader",
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "fetch.wait.max.ms": 10,
            "reconnect.backoff.max.ms": 200,
            "log_level": 0,
        }

    @property
    def tail(self):
        if self.opened_tail is None:
            self.opened_tail = Tail(self)
        return self.opened_tail

    def input_ends(self):
        """{(input, partition): offset behind the last record} as the broker says now."""
        from confluent_kafka import Consumer, TopicPartition

        consumer = Consumer(self.reader_settings())
        try:
            return {
                (name, partition): consumer.get_watermark_offsets(
                    TopicPartition(self.prefix + name, partition), timeout=30, cached=False
                )[1]
                for name in topiclog.INPUTS
                for partition in range(self.partitions)
            }
        finally:
            consumer.close()

    def decided(self):
        """Whether every record of every input, end markers included, is in a committed batch."""
        self.tail.poll()
        for (name, partition), end in self.ends.items():
            batches = self.tail.batches[partition]
            if end and (
                not batches or batches[-1].ranges[topiclog.INPUTS.index(name)].to_offset < end
            ):
                return False
        return True

    def wait_decided(self, *daemons, deadline_s=120):
        """Until all is decided; raises when one of the daemons ends before."""

        def done():
            for daemon in daemons:
                daemon.check()
            return self.decided()

        try:
            wait_until(done, "all is decided", deadline_s, every_s=0)
        except servers.ServerError as error:
            raise servers.ServerError(
                "%s; journal: %s\n%s"
                % (
                    error,
                    {
                        partition: found
                        and (found[-1].number, [at.to_offset for at in found[-1].ranges])
                        for partition, found in self.tail.batches.items()
                    },
                    "\n".join(daemon.log_end() for daemon in daemons),
                )
            )

    def wait_batches(self, count, daemon=None, deadline_s=60):
        """Until the journal has at least so many batches; how many it has then."""

        def enough():
            if self.tail.poll() >= count:
                return True
            if daemon is not None:
                daemon.check()
            return False

        try:
            wait_until(enough, "%d batches" % count, deadline_s, every_s=0)
        except servers.ServerError as error:
            raise servers.ServerError(
                "%s; there are %d; %s\n%s"
                % (error, self.tail.count(), self.folder, daemon.log_end(30) if daemon else "")
            )
        return self.tail.count()

    def produce(self, topic, partition, *records):
        """Records as they are (compare.Record), past the daemon."""
        from confluent_kafka import Producer

        producer = Producer({"bootstrap.servers": self.bench.kafka.bootstrap, "log_level": 0})
        for record in records:
            producer.produce(
                self.prefix + topic,
                partition=partition,
                key=record.key,
                value=record.value,
                timestamp=record.timestamp,
                headers=list(record.headers),
            )
        if producer.flush(30):
            raise servers.ServerError("the broker did not take the records for %s" % topic)

    # --- Redis ---

    def redis_client(self):
        import redis

        return redis.Redis(port=self.bench.redis.port)

    def redis_pointers(self, client):
        found = {}
        for name in client.scan_iter(match="ringback:{*/%s/*}:pointer" % self.name, count=1000):
            found[int(name[: -len(b"}:pointer")].rsplit(b"/", 1)[1])] = (name, client.hgetall(name))
        return found

    def redis_entities(self):
        """{partition: {key: value}} of the pointed fills, {partition: pointer}, other fills' names."""
        entities, pointers, strays = {}, {}, []
        client = self.redis_client()
        try:
            for partition, (name, pointer) in self.redis_pointers(client).items():
                prefix = name[: -len(b"pointer")]
                pointers[partition] = pointer
                entities[partition] = {}
                for key in client.scan_iter(match=prefix.decode() + "*", count=1000):
                    rest = key[len(prefix) :]
                    if rest in (b"pointer", b"fills", b"marks"):
                        continue
                    fill, kind = rest.split(b":", 1)
                    if fill != pointer[b"fill"]:
                        strays.append(key)
                        continue
                    for field, value in client.hgetall(key).items():
                        name_of = field if kind == b"other" else kind + b"|" + field
                        entities[partition][name_of] = value
        finally:
            client.close()
        return entities, pointers, strays

    def wait_redis(self, deadline_s=30):
        """Until Redis stands at the journal's last batch in every partition."""
        self.tail.poll(0.05)
        want = {partition: found[-1].number for partition, found in self.tail.batches.items() if found}

        def there():
            client = self.redis_client()
            try:
                pointers = self.redis_pointers(client)
            finally:
                client.close()
            return all(
                partition in pointers and int(pointers[partition][1][b"number"]) >= number
                for partition, number in want.items()
            )

        wait_until(there, "Redis is where the log is", deadline_s)

    # --- what it left ---

    def snapshot(self, redis=True):
        """All that is there, read by other clients."""
        run = compare.Snapshot(self.partitions)
        run.ends = dict(self.ends or {})
        prefix = self.prefix.encode()
        for topic, partition, got in self.read(compare.OUTPUTS + ("state", "journal") + compare.DEAD):
            headers = tuple(got.headers() or ())
            if topic.endswith(".dlq"):  # the only place where a topic's full name is told
                headers = tuple(
                    (name, value[len(prefix) :] if (value or b"").startswith(prefix) else value)
                    for name, value in headers
                )
            run.add(
                topic,
                partition,
                compare.Record(got.key(), got.value(), got.timestamp()[1], headers),
            )
        if redis:
            run.redis, run.pointers, _ = self.redis_entities()
        return run

    def read(self, topics):
        """(short topic, partition, message) of every committed record, each partition in order."""
        from confluent_kafka import Consumer, KafkaError, TopicPartition

        consumer = Consumer(self.reader_settings())
        left = {(topic, partition) for topic in topics for partition in range(self.partitions)}
        consumer.assign([TopicPartition(self.prefix + topic, at, 0) for topic, at in left])
        deadline = time.monotonic() + READ_S
        try:
            while left:
                if time.monotonic() > deadline:
                    raise servers.ServerError("no end of %s within %d s" % (sorted(left), READ_S))
                for got in consumer.consume(2000, 0.05):
                    topic = got.topic()[len(self.prefix) :]
                    if not got.error():
                        yield topic, got.partition(), got
                    elif got.error().code() == KafkaError._PARTITION_EOF:
                        left.discard((topic, got.partition()))
                    elif not got.error().retriable():
                        raise servers.ServerError("%s: %s" % (topic, got.error()))
        finally:
            consumer.close()

    def open_transactions(self):
        """Partitions whose committed end is below their end: a transaction hangs there."""
        from confluent_kafka import Consumer, TopicPartition

        found = []
        ends = {}
        for isolation in ("read_committed", "read_uncommitted"):
            settings = self.reader_settings()
            settings["isolation.level"] = isolation
            consumer = Consumer(settings)
            for topic in compare.OUTPUTS + ("state", "journal"):
                for partition in range(self.partitions):
                    end = consumer.get_watermark_offsets(
                        TopicPartition(self.prefix + topic, partition), timeout=30, cached=False
                    )[1]
                    if ends.setdefault((topic, partition), end) != end:
                        found.append("%s, partition %d" % (topic, partition))
            consumer.close()
        return found

    def finish(self, *daemons, deadline_s=120):
        """Wait until all is decided and in Redis, stop the daemons, and return the snapshot."""
        self.wait_decided(*daemons, deadline_s=deadline_s)
        self.wait_redis()
        codes = [daemon.stop() for daemon in daemons]
        if any(codes):
            raise Ended(
                "exit codes %s after SIGTERM:\n%s"
                % (codes, "\n".join(daemon.log_end() for daemon in daemons))
            )
        return self.snapshot()

    def close(self):
        for daemon in self.daemons:
            daemon.close()
        if self.opened_tail is not None:
            self.opened_tail.close()
        self.delete_topics()

    def delete_topics(self):
        """The broker's disk is given back at once; later worlds do not pay for this one."""
        from confluent_kafka.admin import AdminClient

        if not self.bench.kafka.running():
            return
        admin = AdminClient({"bootstrap.servers": self.bench.kafka.bootstrap, "log_level": 0})
        for future in admin.delete_topics([self.prefix + name for name in ALL_TOPICS]).values():
            with contextlib.suppress(Exception):
                future.result(30)


class Bench:
    """One broker and one Redis for a script's tests."""

    def __init__(self, **kafka_settings):
        self.program = program()
        self.kafka = servers.Kafka(settings=kafka_settings)
        self.redis = servers.Redis()
        self.folder = servers.scratch("integration")
        self.worlds = 0
        self.failed = False  # a test raised: logs are kept

    def __enter__(self):
        self.kafka.start()
        self.redis.start()
        return self

    def __exit__(self, kind, value, trace):
        self.kafka.close(keep=self.failed)
        self.redis.close()
        if kind is None and not self.failed and "RINGBACK_KEEP" not in os.environ:
            shutil.rmtree(self.folder, ignore_errors=True)

    def day(self, domains=1, partitions=1):
        return topiclog.day(self.program, domains, partitions)

    @contextlib.contextmanager
    def world(self, name, day, options=None, play=True):
        self.worlds += 1
        world = World(self, "%s-%d" % (name, self.worlds), day, options, play)
        try:
            yield world
        finally:
            world.close()

    def reference(self, day, options=None):
        """The snapshot of an undisturbed run of the day, kept by program, day and options."""
        shape = (day.digest(), day.partitions, sorted((options or {}).items()))
        digest = hashlib.sha256(repr(shape).encode()).hexdigest()[:16]
        path = topiclog.kept(self.program, "reference-%s.pickle" % digest)
        if not os.path.exists(path):
            with self.world("undisturbed", day, options) as world:
                run = world.finish(world.daemon())
            faults = compare.alone(run)
            if faults:
                raise AssertionError("the undisturbed run itself:\n" + "\n".join(faults))
            with open(path + ".part", "wb") as file:
                pickle.dump(run, file, pickle.HIGHEST_PROTOCOL)
            os.replace(path + ".part", path)
        with open(path, "rb") as file:
            return pickle.load(file)


def same_end(run, reference, name):
    """Two tests: the run ends as the undisturbed one, and holds what must hold of any run."""
    tap.empty(compare.differences(reference, run), name + ": same end as the undisturbed run")
    tap.empty(compare.alone(run), name + ": nothing lost, nothing double, the journal joins")


def main(*tests):
    """Run the tests, each a function of a bench; one that raises is one failure. Words on the command
    line pick those whose names contain one of them."""
    servers.use_venv()
    able = servers.available("kafka", "redis")
    if not able:
        tap.skip("integration", able.reason)
        tap.done()
    picked = [
        test for test in tests if not sys.argv[1:] or any(word in test.__name__ for word in sys.argv[1:])
    ]
    with Bench() as bench:
        for test in picked:
            began = time.monotonic()
            try:
                test(bench)
            except Exception as error:  # a broken test must not hide the others
                import traceback

                bench.failed = True
                tap.ok(False, test.__name__, "%s: %s" % (type(error).__name__, error),
                       traceback.format_exc())
            tap.diag("%s took %.1f s" % (test.__name__, time.monotonic() - began))
    tap.done()
