"""Where a campaign plays: brokers, two Redis, two daemons, and a wire between any two of them.

Each of them reaches a broker through a listener of its own, and the listener's advertised address is a wire;
so who talks to whom is known by the port. Everything is on 127.0.0.1 and ends with the campaign.
"""

import concurrent.futures
import contextlib
import os
import re
import shutil
import signal
import subprocess
import threading
import time

import by_hand
import checker
import disks
import servers
import wires

GROUP = "chaos"
PREFIX = "chaos."
DAEMONS = ("one", "two")
SESSION_MS = 6000
# A daemon that ends with one of these has lost something, or believes so.
LOSSES = ("STORE_AHEAD", "INPUT_LOST", "STATE_TORN", "BAD_STATE", "BUS_REFUSED")


class Broker(servers.Kafka):
    def __init__(self, number, cluster, folder, session_ms):
        super().__init__(folder, jvm=("-Xmx320m", "-Xms64m", "-XX:TieredStopAtLevel=1"))
        self.number, self.cluster = number, cluster
        self.disk = disks.Disk(os.path.join(self.folder, "disk"), 2000)
        self.data = os.path.join(self.disk.folder, "data")
        self.settings.update({
            "node.id": str(number), "num.network.threads": "1", "num.io.threads": "4",
            "broker.session.timeout.ms": str(session_ms),
            "log.cleaner.enable": "true", "num.replica.fetchers": "1",
        })  # fmt: skip


class Store(servers.Redis):
    def __init__(self, folder, options):
        super().__init__(folder, options)
        self.disk = disks.Disk(os.path.join(self.folder, "disk"), 200)
        self.options["dir"] = self.disk.folder
        self.dump_file = os.path.join(self.disk.folder, "dump.rdb")


class Daemon:
    """One of the two: a name, the process that runs now if one does, and its clock."""

    def __init__(self, stage, name):
        self.stage, self.name = stage, name
        self.log = os.path.join(stage.folder, "daemon-%s.log" % name)
        self.clock = os.path.join(stage.folder, "clock-" + name)
        self.program = stage.program
        self.process = None
        self.frozen = False
        self.started = 0
        self.move(0)

    def move(self, offset_ms):
        self.offset_ms = offset_ms
        with open(self.clock + ".new", "w") as file:
            file.write("%d\n" % offset_ms)
        os.replace(self.clock + ".new", self.clock)

    def start(self):
        self.started = time.monotonic()
        variables = {key: value for key, value in os.environ.items() if not key.startswith("RINGBACK_")}
        variables["RINGBACK_CLOCK_OFFSET_FILE"] = self.clock
        with open(self.log, "ab") as log:
            # It dies with the thread that started it, so that must be one which stays.
            self.process = self.stage.starter.submit(
                subprocess.Popen,
                [self.program, "run"] + self.stage.options(self.name), stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, env=variables, preexec_fn=servers.die_with_parent,
            ).result()  # fmt: skip

    def running(self):
        return self.process is not None and self.process.poll() is None

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        self.signal(signal.SIGKILL)
        self.process.wait()
        self.process, self.frozen = None, False

    def stop(self, deadline_s=45):
        """SIGTERM; the exit code, None when it had to be killed."""
        self.signal(signal.SIGTERM)
        try:
            code = self.process.wait(deadline_s)
        except subprocess.TimeoutExpired:
            self.signal(signal.SIGKILL)
            self.process.wait()
            code = None
        self.process = None
        return code

    def freeze(self):
        self.signal(signal.SIGSTOP)
        servers.wait_frozen(self.process.pid)
        self.frozen = True

    def thaw(self):
        self.frozen = False
        self.signal(signal.SIGCONT)


class Stage:
    def __init__(self, variant, partitions, program, other=None, static=False, folder=None):
        self.variant, self.partitions, self.static = variant, partitions, static
        self.program, self.other = program, other or program
        self.folder = folder or servers.scratch("chaos")
        os.makedirs(self.folder, exist_ok=True)
        self.wires = wires.Wires()
        self.starter = concurrent.futures.ThreadPoolExecutor(1)
        self.brokers = []
        self.stores = []
        self.daemons = {}
        self.locks = {name: threading.Lock() for name in DAEMONS + ("brokers", "redis", "clock", "group")}
        self.faults = []  # what must not happen: (what, text)
        self.ended_by_hand = []  # transactions that hung: (partition, topics)
        self.exits = []  # daemons that ended by themselves: (name, code, reason)

    # --- coming up ---

    def open(self):
        count = 3 if self.variant == "three" else 1
        cluster = servers.cluster_id()
        self.brokers = [
            Broker(number, cluster, os.path.join(self.folder, "broker-%d" % number), 3000 if count == 1 else 6000)
            for number in range(1, count + 1)
        ]
        for broker in self.brokers:
            self.listen(broker)
        self.at_once([broker.start for broker in self.brokers])
        for number in (1, 2):
            self.stores.append(Store(os.path.join(self.folder, "redis-%d" % number), {"save": "3600 1"}).start())
        self.primary = 0
        ports = {name: self.wires.lay(name, "redis", self.stores[0].port) for name in DAEMONS + ("replica",)}
        self.redis_ports = ports
        self.follow()
        self.command("topics", "--partitions", str(self.partitions))
        for name in DAEMONS:
            self.daemons[name] = Daemon(self, name)
            self.daemons[name].start()

    def at_once(self, functions):
        errors = []

        def tried(function):
            try:
                function()
            except Exception as error:
                errors.append(error)

        threads = [threading.Thread(target=tried, args=(function,)) for function in functions]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if errors:
            raise errors[0]

    def sources(self):
        return DAEMONS + tuple("broker-%d" % one.number for one in self.brokers if len(self.brokers) > 1)

    def listen(self, broker):
        """A listener for each who may come, advertised as a wire."""
        name = "broker-%d" % broker.number
        listeners, advertised = {"JUDGE": broker.port}, {"JUDGE": broker.port}
        for source in self.sources():
            if source == name:
                listeners[label(source)] = advertised[label(source)] = servers.free_port()
            else:
                listeners[label(source)] = servers.free_port()
                advertised[label(source)] = self.wires.lay(source, name, listeners[label(source)])
        broker.advertised = advertised
        voters = []
        for one in self.brokers:
            port = one.controller_port
            if one is not broker:
                port = self.wires.lay(name, "controller-%d" % one.number, port)
            voters.append("%d@127.0.0.1:%d" % (one.number, port))
        copies = str(len(self.brokers))
        safe = str(min(2, len(self.brokers)))
        broker.settings.update({
            "listeners": urls(listeners) + ",CONTROLLER://127.0.0.1:%d" % broker.controller_port,
            "advertised.listeners": urls(advertised),
            "listener.security.protocol.map": ",".join(
                word + ":PLAINTEXT" for word in ["CONTROLLER"] + sorted(listeners)
            ),
            "inter.broker.listener.name": label(name) if len(self.brokers) > 1 else "JUDGE",
            "controller.quorum.voters": ",".join(voters),
            "default.replication.factor": copies, "min.insync.replicas": safe,
            "offsets.topic.replication.factor": copies, "offsets.topic.num.partitions": "1",
            "transaction.state.log.replication.factor": copies, "transaction.state.log.min.isr": safe,
            "transaction.state.log.num.partitions": "3",
        })  # fmt: skip

    @property
    def bootstrap(self):
        return ",".join(broker.bootstrap for broker in self.brokers)

    def options(self, name):
        """Of the daemon of that name, or of a command for the judge."""
        judge = name not in DAEMONS
        if judge:
            bootstrap, redis_port = self.bootstrap, self.stores[self.primary].port
        else:
            bootstrap = ",".join("127.0.0.1:%d" % one.advertised[label(name)] for one in self.brokers)
            redis_port = self.redis_ports[name]
        rows = {
            "kafka.bootstrap.servers": bootstrap, "group": GROUP, "topics.prefix": PREFIX, "log.format": "json",
            "redis.url": "redis://127.0.0.1:%d/0" % redis_port, "session_timeout_ms": SESSION_MS,
        }  # fmt: skip
        if self.static and not judge:
            rows["group_instance_id"] = name
        return ["--%s=%s" % row for row in rows.items()]

    def command(self, *words, deadline_s=120):
        """Any subcommand: (exit code, what it printed)."""
        made = subprocess.run(
            [self.program] + list(words) + self.options("judge"), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True, timeout=deadline_s,
        )  # fmt: skip
        if made.returncode not in (0, 3):
            raise servers.ServerError("ringback %s: exit code %d\n%s" % (words[0], made.returncode, made.stdout[-2000:]))
        return made.returncode, made.stdout

    # --- Redis ---

    def follow(self):
        """The other one is the replica, by way of its wire."""
        replica = self.stores[1 - self.primary]
        replica.call("REPLICAOF", "127.0.0.1", self.redis_ports["replica"])

    def lead(self):
        for source in DAEMONS + ("replica",):
            self.wires.lead(source, "redis", self.stores[self.primary].port)

    def redis_copy(self):
        """{partition: {key: value}} of the pointed fills, and {partition: batch number}."""
        import redis

        client = redis.Redis(port=self.stores[self.primary].port, socket_timeout=20)
        entities, numbers = {}, {}
        with contextlib.closing(client):
            for name in client.scan_iter(match="ringback:{*/%s/*}:pointer" % GROUP, count=1000):
                pointer = client.hgetall(name)
                prefix = name[: -len(b"pointer")]
                partition = int(prefix[: -len(b"}:")].rsplit(b"/", 1)[1])
                numbers[partition] = int(pointer[b"number"])
                here = entities[partition] = {}
                for key in client.scan_iter(match=(prefix + pointer[b"fill"] + b":*").decode(), count=1000):
                    kind = key.rsplit(b":", 1)[1]
                    for field, value in client.hgetall(key).items():
                        here[field if kind == b"other" else kind + b"|" + field] = value
        return entities, numbers

    def redis_numbers(self):
        import redis

        client = redis.Redis(port=self.stores[self.primary].port, socket_timeout=20)
        with contextlib.closing(client):
            return {
                int(name[: -len(b"}:pointer")].rsplit(b"/", 1)[1]): int(client.hget(name, "number") or 0)
                for name in client.scan_iter(match="ringback:{*/%s/*}:pointer" % GROUP, count=1000)
            }

    # --- keeping it alive ---

    def watch(self):
        """As a supervisor does: a daemon that ended by itself is started again, and that is noted. Those in the
        hands of a fault (their lock is taken) are left alone."""
        for name, daemon in self.daemons.items():
            if not self.locks[name].acquire(blocking=False):
                continue
            try:
                if daemon.process is not None and daemon.process.poll() is not None:
                    self.ended(daemon, daemon.process.returncode)
                    daemon.start()
            finally:
                self.locks[name].release()

    def ended(self, daemon, code):
        with open(daemon.log, errors="replace") as file:
            last = [line for line in file.readlines()[-12:] if line.strip()]
        reason = last[-1].strip() if last else ""
        self.exits.append((daemon.name, code, reason.replace("ringback run: ", "")))
        hangs = re.search(r"a transaction hangs on \S+, partition (\d+)", reason)
        if hangs:  # the operator does what it says
            return self.end_hanging(int(hangs[1]))
        if code is None or code < 0 or any(word in line for word in LOSSES for line in last):
            self.faults.append(("daemon", "%s ended with %s:\n%s" % (daemon.name, code, "".join(last))))

    def end_hanging(self, partition):
        """The transaction that hangs on state, there and wherever else it went."""
        with contextlib.suppress(OSError):  # a broker that went away again: the daemon will say so once more
            found = [
                one[:2] for broker in self.brokers for one in by_hand.hanging(broker.port, PREFIX + "state", partition)
            ]
            ended = [
                name for name in checker.OUTPUTS + ("state", "journal") + checker.DEAD for broker in self.brokers
                if by_hand.abort(broker.port, PREFIX + name, partition, found)
            ]  # fmt: skip
            self.ended_by_hand.append((partition, ended))

    def heal(self):
        """All wires whole, everybody up."""
        for source, target in self.wires.laid:
            self.wires.heal(source, target)
        for server in self.brokers + self.stores:
            server.disk.full(False)
            if server.running():
                server.thaw()
        self.at_once([broker.start for broker in self.brokers if not broker.running()])
        for store in self.stores:
            if not store.running():
                store.start()
        for daemon in self.daemons.values():
            if daemon.running() and daemon.frozen:
                daemon.thaw()
            elif not daemon.running():
                daemon.start()

    def close(self, keep=False):
        for daemon in self.daemons.values():
            if daemon.running():
                daemon.kill()
        for server in self.brokers + self.stores:
            server.close(keep=True)
            server.disk.close(keep)
        self.wires.close()
        if not keep and "RINGBACK_KEEP" not in os.environ:
            shutil.rmtree(self.folder, ignore_errors=True)


def label(source):
    """A listener's name."""
    return source.upper().replace("-", "")


def urls(ports):
    return ",".join("%s://127.0.0.1:%d" % row for row in sorted(ports.items()))


def reader(stage, **more):
    return checker.Reader(stage.bootstrap, PREFIX, **more)
