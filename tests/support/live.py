"""The real daemon on real servers, for tests: its messages, its process, its topics, its Redis.

    import servers, live
    servers.use_venv()
    with servers.Kafka() as kafka, servers.Redis() as redis:
        town = live.Town(kafka, redis)          # names of topics, group, options
        town.topics(partitions=2)
        with town.daemon() as daemon:
            town.send("settings", "acme", live.queue("q1"))
            town.wait_results(1)
            daemon.stop()                       # SIGTERM, waits, raises if it was not 0
        town.state(), town.redis_entities()     # per partition: {key: value}
"""

import json
import os
import re
import signal
import subprocess
import time

import servers

ROOT = servers.ROOT
BUILD = os.path.join(ROOT, "build")
INPUTS = ("settings", "interactions", "presence", "flows", "commands")
OUTPUTS = ("routing", "analytics", "results")
TYPES = {
    "settings": "SettingsEvent",
    "interactions": "InteractionEvent",
    "presence": "PresenceEvent",
    "flows": "FlowEvent",
    "commands": "Command",
    "routing": "RoutingEvent",
    "analytics": "AnalyticsEvent",
    "results": "Result",
    "state": "StateRecord",
    "meta": "Meta",
    "journal": "JournalRecord",
}
_classes = {}


def message(name):
    """The class of a message of the contract, made from the protos themselves."""
    if not _classes:
        from google.protobuf import descriptor_pb2, message_factory

        path = os.path.join(BUILD, "tests", "contract-%d.pb" % os.getpid())
        os.makedirs(os.path.dirname(path), exist_ok=True)
        folder = os.path.join(ROOT, "proto", "ringback", "v1")
        subprocess.run(
            ["protoc", "--proto_path=" + os.path.join(ROOT, "proto"), "--include_imports",
             "--descriptor_set_out=" + path]
            + [os.path.join(folder, file) for file in sorted(os.listdir(folder))],
            check=True,
        )
        with open(path, "rb") as file:
            files = descriptor_pb2.FileDescriptorSet.FromString(file.read())
        os.remove(path)
        _classes.update(message_factory.GetMessages(files.file))
    return _classes["ringback.v1." + name]


def build(variant="release"):
    """The program of a build variant, brought up to date."""
    made = subprocess.run(
        ["make", "-C", ROOT, "-s", "--no-print-directory", "V=" + variant, "program"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True,
    )
    if made.returncode != 0:
        raise RuntimeError("the build failed:\n" + made.stdout[-3000:])
    return os.path.join(BUILD, variant, "ringback")


def wait_until(condition, what, deadline_s=30):
    """The condition's first true value. Raises when it does not come."""
    end = time.monotonic() + deadline_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError("not within %d s: %s" % (deadline_s, what))
        time.sleep(0.02)


class Daemon:
    """One `ringback run`."""

    def __init__(self, program, arguments, environment, log):
        self.log = log
        with open(log, "ab") as file:
            self.process = subprocess.Popen(
                [program, "run"] + arguments, stdin=subprocess.DEVNULL, stdout=file, stderr=file,
                env=environment,
            )

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()

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
        return [line for line in self.lines() if text in line.get("msg", "")]

    def wait_said(self, text, count=1, deadline_s=30):
        def condition():
            if self.process.poll() is not None:
                raise AssertionError("the daemon ended with %d:\n%s" % (
                    self.process.returncode, self.log_end()))
            return len(self.said(text)) >= count

        try:
            return wait_until(condition, "the daemon says %r" % text, deadline_s)
        except AssertionError as error:
            raise AssertionError("%s\n%s" % (error, self.log_end()))

    def log_end(self):
        with open(self.log, errors="replace") as file:
            return "".join(file.readlines()[-30:])

    def stop(self, deadline_s=30):
        """SIGTERM. Its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.wait(deadline_s)

    def wait(self, deadline_s=30):
        return self.process.wait(deadline_s)

    def kill(self):
        self.process.kill()
        self.process.wait()


class Town:
    """One installation on a broker and a Redis: topics with a prefix of its own, one group."""

    def __init__(self, kafka, redis, name="t", program=None, options=None):
        self.kafka = kafka
        self.redis = redis
        self.name = name
        self.program = program or build()
        self.prefix = name + "."
        self.folder = servers.scratch("live")
        self.options = {
            "kafka.bootstrap.servers": kafka.bootstrap,
            "group": name,
            "topics.prefix": self.prefix,
            "log.format": "json",
            "session_timeout_ms": "6000",
        }
        if redis is not None:
            self.options["redis.url"] = "redis://127.0.0.1:%d/0" % redis.port
        else:
            self.options["redis.enabled"] = "false"
        self.options.update(options or {})
        self.count = 0
        self.producer = None

    def arguments(self, extra=None):
        options = dict(self.options)
        options.update(extra or {})
        return ["--%s=%s" % row for row in options.items()]

    def command(self, *words, options=None, check=True):
        """Any subcommand; (exit code, output, errors). Errors are plain text, not JSON as a daemon's."""
        made = subprocess.run(
            [self.program] + list(words) + self.arguments({"log.format": "text", **(options or {})}), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True,
        )
        if check and made.returncode != 0:
            raise AssertionError("%s: %d\n%s%s" % (words, made.returncode, made.stdout, made.stderr))
        return made.returncode, made.stdout, made.stderr

    def topics(self, partitions=1, *words):
        self.partitions = partitions
        return self.command("topics", "--partitions", str(partitions), *words)

    def daemon(self, options=None, environment=None):
        self.count += 1
        variables = dict(os.environ)
        variables.update(environment or {})
        return Daemon(self.program, self.arguments(options), variables,
                      os.path.join(self.folder, "daemon-%d.log" % self.count))

    def send(self, topic, domain, event, timestamp_ms=None, partition=None, headers=None):
        """One event (or raw bytes), keyed by its domain, partitioned as Java clients do."""
        from confluent_kafka import Producer

        if self.producer is None:
            self.producer = Producer({
                "bootstrap.servers": self.kafka.bootstrap, "partitioner": "murmur2",
                "linger.ms": 1, "log_level": 2,
            })
        value = event if event is None or isinstance(event, bytes) else event.SerializeToString()
        extra = {} if partition is None else {"partition": partition}
        self.producer.produce(self.prefix + topic, value=value, key=domain, headers=headers,
                              timestamp=timestamp_ms or int(time.time() * 1000), **extra)
        self.producer.poll(0)

    def flush(self):
        left = self.producer.flush(30)
        if left:
            raise AssertionError("%d records were not taken by the broker" % left)

    def read(self, topic, isolation="read_committed"):
        """All records of a topic now: [(partition, offset, key, value, timestamp, headers)]."""
        return read_topic(self.kafka.bootstrap, self.prefix + topic, isolation)

    def results(self):
        return [message("Result").FromString(row[3]) for row in self.read("results")]

    def wait_results(self, count, deadline_s=30):
        return wait_until(
            lambda: [found for found in [self.results()] if len(found) >= count],
            "%d results" % count, deadline_s)[0]

    def state(self):
        """{partition: {key: value}} without meta, removed ones left out; and {partition: Meta}."""
        entities, metas = {}, {}
        for partition, _, key, value, _, _ in self.read("state"):
            if key == b"meta":
                metas[partition] = message("Meta").FromString(value)
            elif value is None:
                entities.setdefault(partition, {}).pop(key, None)
            else:
                entities.setdefault(partition, {})[key] = value
        return entities, metas

    def redis_client(self):
        import redis

        return redis.Redis(port=self.redis.port)

    def redis_entities(self):
        """The same of Redis: {partition: {key: value}} and {partition: pointer}."""
        client = self.redis_client()
        entities, pointers = {}, {}
        for name in client.scan_iter(match="ringback:{*/%s/*}:pointer" % self.name, count=1000):
            partition = int(re.search(rb"/(\d+)}:pointer$", name).group(1))
            prefix = name[: -len(b"pointer")]
            pointer = client.hgetall(name)
            pointers[partition] = pointer
            for hash_name in client.scan_iter(match=prefix + pointer[b"fill"] + b":*", count=1000):
                kind = hash_name.rsplit(b":", 1)[1]
                for field, value in client.hgetall(hash_name).items():
                    entities.setdefault(partition, {})[kind + b"|" + field] = value
        client.close()
        return entities, pointers

    def wait_redis(self, deadline_s=30):
        """Until every partition's pointer is at the last batch of the log."""
        def condition():
            metas = self.state()[1]
            pointers = self.redis_entities()[1]
            return metas and all(
                partition in pointers and int(pointers[partition][b"number"]) == meta.number
                for partition, meta in metas.items())

        return wait_until(condition, "Redis is where the log is", deadline_s)


def read_topic(bootstrap, topic, isolation="read_committed"):
    from confluent_kafka import Consumer, KafkaError, TopicPartition

    consumer = Consumer({
        "bootstrap.servers": bootstrap, "log_level": 2, "group.id": "tests-reader",
        "isolation.level": isolation, "enable.partition.eof": True, "enable.auto.commit": False,
        "auto.offset.reset": "earliest", "fetch.wait.max.ms": 20,
    })
    partitions = consumer.list_topics(topic, 10).topics[topic].partitions
    consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
    found, ended, end = [], set(), time.monotonic() + 30
    while len(ended) < len(partitions):
        if time.monotonic() > end:
            raise AssertionError("no end of %s within 30 s" % topic)
        got = consumer.poll(0.1)
        if got is None:
            continue
        if got.error():
            if got.error().code() == KafkaError._PARTITION_EOF:
                ended.add(got.partition())
                continue
            raise AssertionError(got.error())
        found.append((got.partition(), got.offset(), got.key(), got.value(), got.timestamp()[1],
                      got.headers() or []))
    consumer.close()
    return found


# --- events ---


def queue(queue_id, version=1, event_id=None, **fields):
    event = message("SettingsEvent")(id=event_id or "set-%s-%d" % (queue_id, version))
    event.queue.queue_id = queue_id
    event.queue.version = version
    for name, value in fields.items():
        setattr(event.queue, name, value)
    return event


def agent(agent_id, version=1):
    event = message("SettingsEvent")(id="set-%s-%d" % (agent_id, version))
    event.agent.agent_id = agent_id
    event.agent.version = version
    return event


def create_callback(event_id, queue_id, number="+4930123456", conversation_id=None):
    event = message("FlowEvent")(id=event_id)
    event.create_callback.interaction_id = "call-" + event_id
    event.create_callback.conversation_id = conversation_id or "conv-" + event_id
    event.create_callback.flow_type = 2
    event.create_callback.name = "callback"
    event.create_callback.number = number
    event.create_callback.queue_id = queue_id
    return event
