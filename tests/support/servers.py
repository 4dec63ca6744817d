#!/usr/bin/env python3
"""A private Kafka broker and a private redis-server for tests, as a module and as a command.

Everything listens on 127.0.0.1 on free ports and keeps its files in a folder of its own. Nothing
outlives its owner: every server has a guard process that ends it when the owner is gone, however the
owner went. Standard library only; Python 3.9 or newer.

    import servers
    with servers.Kafka() as kafka, servers.Redis() as redis:
        ... kafka.bootstrap, redis.port ...
        kafka.kill(); kafka.start()          # kill -9 and up again, same port, same data
        redis.freeze(); redis.thaw()         # SIGSTOP, SIGCONT

    servers.available("kafka", "redis")      # false with .reason when jars or programs are missing
    servers.use_venv()                       # go on with the Python that has confluent_kafka, redis

From a shell (state in FOLDER; the server ends with process OWNER, usually $$):

    servers.py start kafka FOLDER --owner $$ [--set KEY=VALUE]...     prints host:port
    servers.py start redis FOLDER --owner $$
    servers.py stop|kill|freeze|thaw|restart|address FOLDER
    servers.py run kafka redis -- COMMAND...     with KAFKA_BOOTSTRAP, REDIS_HOST, REDIS_PORT set
"""

import argparse
import atexit
import collections
import ctypes
import json
import os
import random
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
JARS = os.path.join(ROOT, "deploy", "kafka", "jars")
VENV = os.path.join(ROOT, "tests", ".venv", "bin", "python")
KAFKA_READY_S = 60
REDIS_READY_S = 20
STOP_S = 30

KAFKA_SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "inter.broker.listener.name": "PLAINTEXT",
    "offsets.topic.num.partitions": "1",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",  # tests use 2 s, the broker's own floor is 6 s
    "auto.create.topics.enable": "false",
    "num.partitions": "1",
    # After a kill the broker may register again only when its old session is over (9 s by default).
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
}

Availability = collections.namedtuple("Availability", "ok reason")
Availability.__bool__ = lambda self: self.ok


class ServerError(Exception):
    """A server did not start, or is not there; says what, where its log is, and its last lines."""


def available(*names):
    """Can these servers ("kafka", "redis") run here? False carries a reason that says what to do."""
    for name in names or ("kafka", "redis"):
        if name == "kafka":
            if not os.path.isdir(JARS):
                return Availability(False, "Kafka's jars are not in deploy/kafka/jars: make deps")
            if not shutil.which("java"):
                return Availability(False, "java is not installed: make deps")
        elif name == "redis":
            if not shutil.which("redis-server"):
                return Availability(False, "redis-server is not installed: make deps")
        else:
            raise ValueError(name)
    return Availability(True, "")


def required():
    """True where a missing server must fail the tests instead of skipping them."""
    return os.environ.get("RINGBACK_TEST_REQUIRE_SERVERS") == "1"


def use_venv():
    """Run this script again with the Python of tests/.venv, unless it is that one already."""
    if os.path.exists(VENV) and os.path.realpath(sys.prefix) != os.path.dirname(
        os.path.dirname(VENV)
    ):
        sys.stdout.flush()
        os.execv(VENV, [VENV] + sys.argv)


def free_port():
    """A port that nobody listens on, from below the range of outgoing connections: while a server is
    down, its port must not become somebody's source port."""
    try:
        with open("/proc/sys/net/ipv4/ip_local_port_range") as file:
            high = int(file.read().split()[0])
    except (OSError, ValueError):
        high = 32768
    low = 10240 if high > 12000 else 1024
    for _ in range(200):
        port = random.SystemRandom().randrange(low, max(high, low + 1))
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise ServerError("no free port found on 127.0.0.1 between %d and %d" % (low, high))


def scratch(prefix):
    """A new folder under build/tests; removed when this process ends well."""
    parent = os.path.join(ROOT, "build", "tests")
    os.makedirs(parent, exist_ok=True)
    return tempfile.mkdtemp(prefix=prefix + "-", dir=parent)


def wait_until(condition, what, deadline_s=30, every_s=0.02):
    """Poll until condition() is true and return what it returned; ServerError(what) at the deadline."""
    deadline = time.monotonic() + deadline_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise ServerError("waited %g s in vain: %s" % (deadline_s, what))
        time.sleep(every_s)


class Server:
    """One server process. start() waits until it answers; start() after kill() or stop() brings it
    up on the same port with the same files."""

    name = "server"
    ready_s = 30

    def __init__(self, folder=None, owner=None):
        self.owned_folder = folder is None
        self.folder = os.path.abspath(folder or scratch(self.name))
        os.makedirs(self.folder, exist_ok=True)
        self.owner = owner or os.getpid()
        self.log = os.path.join(self.folder, "server.log")
        self.guard = None
        self.pid = None
        atexit.register(self.close)

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, value, trace):
        self.close(keep=kind is not None)

    def command(self):
        raise NotImplementedError

    def answers(self):
        raise NotImplementedError

    def start(self):
        """Start and wait until it answers. Raises ServerError with the log's end when it does not."""
        if self.running():
            raise ServerError("%s is running already: pid %d" % (self.name, self.pid))
        with open(self.log, "ab") as log:
            self.log_start = log.tell()
            read_end, write_end = os.pipe()
            self.guard = subprocess.Popen(
                [sys.executable, os.path.abspath(__file__), "guard", str(self.owner), "--"]
                + self.command(),
                stdin=subprocess.DEVNULL,
                stdout=write_end,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,
            )
        os.close(write_end)
        with os.fdopen(read_end) as answer:
            line = answer.readline()
        if not line.strip():
            self.guard.wait()
            raise ServerError("cannot start %s: %s" % (self.name, self.log_end()))
        self.pid = int(line)
        self.wait_ready()
        return self

    def wait_ready(self):
        deadline = time.monotonic() + self.ready_s
        while not self.answers():
            if self.guard is not None and self.guard.poll() is not None:
                raise ServerError("%s ended while starting: %s" % (self.name, self.log_end()))
            if time.monotonic() > deadline:
                text = self.log_end()
                self.kill()
                raise ServerError("%s is not ready after %d s: %s" % (self.name, self.ready_s, text))
            time.sleep(0.02)

    def log_end(self, lines=30):
        with open(self.log, errors="replace") as file:
            return "%s ends:\n%s" % (self.log, "".join(file.readlines()[-lines:]))

    def running(self):
        return self.guard is not None and self.guard.poll() is None

    def signal(self, number):
        if not self.running():
            raise ServerError("%s is not running" % self.name)
        os.kill(self.pid, number)

    def end(self, number, deadline_s=STOP_S):
        """Send the signal and wait until the process is gone."""
        if not self.running():
            return
        os.kill(self.pid, signal.SIGCONT)
        os.kill(self.pid, number)
        try:
            self.guard.wait(deadline_s)
        except subprocess.TimeoutExpired:
            os.kill(self.pid, signal.SIGKILL)
            self.guard.wait(STOP_S)
        self.pid = None

    def stop(self):
        """Orderly."""
        self.end(signal.SIGTERM)

    def kill(self):
        """kill -9."""
        self.end(signal.SIGKILL)

    def freeze(self):
        """SIGSTOP; returns when every thread of it stands."""
        self.signal(signal.SIGSTOP)
        wait_frozen(self.pid)

    def thaw(self):
        self.signal(signal.SIGCONT)

    def restart(self):
        self.stop()
        return self.start()

    def close(self, keep=False):
        """Kill it, and remove its folder if it was made here."""
        atexit.unregister(self.close)
        self.kill()
        if self.owned_folder and not keep and "RINGBACK_KEEP" not in os.environ:
            shutil.rmtree(self.folder, ignore_errors=True)


class Kafka(Server):
    """Apache Kafka, one process as broker and controller (KRaft). settings override the broker's
    file, e.g. {"transaction.max.timeout.ms": 900000}; jvm are options of java."""

    name = "kafka"
    ready_s = KAFKA_READY_S

    def __init__(self, folder=None, settings=None, jvm=("-Xmx512m",), port=None, owner=None):
        super().__init__(folder, owner)
        self.jvm = list(jvm)
        self.port = port or free_port()
        self.controller_port = free_port()
        self.settings = dict(KAFKA_SETTINGS)
        self.settings.update({key: str(value) for key, value in (settings or {}).items()})
        self.file = os.path.join(self.folder, "broker.properties")
        self.data = os.path.join(self.folder, "data")
        self.cluster = cluster_id()  # brokers of one cluster have the same

    @property
    def bootstrap(self):
        return "127.0.0.1:%d" % self.port

    address = bootstrap

    def java(self, *arguments):
        return (
            ["java", "-XX:+UseSerialGC", "-Dorg.slf4j.simpleLogger.showDateTime=true"]
            + self.jvm
            + ["-cp", os.path.join(JARS, "*")]
            + list(arguments)
        )

    def start(self):
        able = available("kafka")
        if not able:
            raise ServerError(able.reason)
        if not os.path.exists(self.data):
            self.format()
        return super().start()

    def format(self):
        """The broker's file and an empty data folder with a cluster id of its own."""
        broker, controller = self.bootstrap, "127.0.0.1:%d" % self.controller_port
        settings = {
            "controller.quorum.voters": "1@" + controller,
            "listeners": "PLAINTEXT://%s,CONTROLLER://%s" % (broker, controller),
            "advertised.listeners": "PLAINTEXT://" + broker,
            "log.dirs": self.data,
        }
        settings.update(self.settings)
        with open(self.file, "w") as file:
            file.writelines("%s=%s\n" % row for row in sorted(settings.items()))
        made = subprocess.run(
            # 16 bytes as URL-safe base64 is what a cluster id looks like
            self.java("kafka.tools.StorageTool", "format", "-t", self.cluster, "-c", self.file),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            universal_newlines=True,
        )
        if made.returncode != 0:
            shutil.rmtree(self.data, ignore_errors=True)
            raise ServerError("cannot format %s: %s" % (self.data, made.stdout))

    def command(self):
        return self.java("kafka.Kafka", self.file)

    def answers(self):
        """Its log says that it is started (the listener is open a little earlier than that)."""
        with open(self.log, "rb") as file:
            file.seek(getattr(self, "log_start", 0))
            if b"Kafka Server started" not in file.read():
                return False
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False


def cluster_id():
    import base64

    while True:
        text = base64.urlsafe_b64encode(os.urandom(16)).decode().rstrip("=")
        if not text.startswith("-"):
            return text


class Redis(Server):
    """redis-server. Keeps nothing over a restart unless a dump lies in its folder: dump() writes one,
    which the next start() loads; empty() removes it. options override, e.g. {"maxmemory": "10mb"}."""

    name = "redis"
    ready_s = REDIS_READY_S

    def __init__(self, folder=None, options=None, port=None, owner=None):
        super().__init__(folder, owner)
        self.port = port or free_port()
        self.options = {
            "bind": "127.0.0.1",
            "port": self.port,
            "save": "",
            "appendonly": "no",
            "dir": self.folder,
            "dbfilename": "dump.rdb",
            "daemonize": "no",
            "maxmemory-policy": "noeviction",
        }
        self.options.update(options or {})
        self.dump_file = os.path.join(self.folder, "dump.rdb")

    @property
    def address(self):
        return "127.0.0.1:%d" % self.port

    def start(self):
        able = available("redis")
        if not able:
            raise ServerError(able.reason)
        return super().start()

    def command(self):
        words = ["redis-server"]
        for key, value in self.options.items():
            words += ["--" + key, str(value)]
        return words

    def answers(self):
        try:
            return self.call("PING") == "PONG"
        except (OSError, ServerError):
            return False

    def call(self, *words):
        """One command by its words; the reply as str, int, None or list. Raises ServerError on an
        error reply."""
        with socket.create_connection(("127.0.0.1", self.port), 5) as link:
            words = [word if isinstance(word, bytes) else str(word).encode() for word in words]
            link.sendall(
                b"*%d\r\n" % len(words)
                + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)
            )
            with link.makefile("rb") as stream:
                return self.reply(stream)

    def reply(self, stream):
        line = stream.readline()
        if not line.endswith(b"\r\n"):
            raise ServerError("redis closed the connection")
        kind, rest = line[:1], line[1:-2].decode(errors="replace")
        if kind == b"-":
            raise ServerError("redis: " + rest)
        if kind == b"+":
            return rest
        if kind == b":":
            return int(rest)
        if int(rest) < 0:
            return None
        if kind == b"*":
            return [self.reply(stream) for _ in range(int(rest))]
        return stream.read(int(rest) + 2)[:-2].decode(errors="replace")

    def dump(self, to=None):
        """Write its data to its dump file, and a copy to the file `to`."""
        self.call("SAVE")
        if to:
            shutil.copyfile(self.dump_file, to)

    def empty(self):
        """Remove the dump of a stopped server: the next start has no data."""
        if self.running():
            raise ServerError("redis is running: stop it first")
        if os.path.exists(self.dump_file):
            os.remove(self.dump_file)

    def restore(self, dump):
        """Start a stopped server with this dump's data."""
        if self.running():
            raise ServerError("redis is running: stop it first")
        shutil.copyfile(dump, self.dump_file)
        return self.start()


def wait_frozen(pid, deadline_s=10):
    """Wait until all threads of a process that was sent SIGSTOP have stopped."""
    deadline = time.monotonic() + deadline_s
    tasks = "/proc/%d/task" % pid
    while True:
        states = set()
        for task in os.listdir(tasks):
            with open(os.path.join(tasks, task, "stat")) as file:
                states.add(file.read().rsplit(")", 1)[1].split()[0])
        if states == {"T"}:
            return
        if time.monotonic() > deadline:
            raise ServerError("process %d is not stopped after %d s" % (pid, deadline_s))
        time.sleep(0.005)


# The guard: parent of one server, ends it when the owner ends, ends with it.


def die_with_parent():
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def guard(owner, command):
    try:
        owner_fd = os.pidfd_open(owner)
    except OSError:
        return 1  # gone already
    child = subprocess.Popen(command, stdout=2, start_new_session=True, preexec_fn=die_with_parent)
    child_fd = os.pidfd_open(child.pid)
    os.write(1, b"%d\n" % child.pid)
    os.dup2(2, 1)
    poll = select.poll()
    poll.register(owner_fd, select.POLLIN)
    poll.register(child_fd, select.POLLIN)
    ended = {fd for fd, _ in poll.poll()}
    if child_fd not in ended:
        os.killpg(child.pid, signal.SIGKILL)
    return 0 if child.wait() == 0 else 1


# The command line: a server's state is FOLDER/state.json.


class Attached:
    """A server that another process of this script started: reached by its pid."""

    def __init__(self, folder):
        self.folder = folder
        with open(os.path.join(folder, "state.json")) as file:
            self.state = json.load(file)

    def end(self, number):
        pid = self.state["pid"]
        try:
            fd = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        os.kill(pid, signal.SIGCONT)
        os.kill(pid, number)
        if not select.select([fd], [], [], STOP_S)[0]:
            os.kill(pid, signal.SIGKILL)
            select.select([fd], [], [], STOP_S)
        os.close(fd)


def started(kind, folder, owner, settings, ports):
    if kind == "kafka":
        server = Kafka(folder, settings, owner=owner, port=ports[0])
        if ports[1]:
            server.controller_port = ports[1]
    else:
        server = Redis(folder, settings, owner=owner, port=ports[0])
    server.start()
    atexit.unregister(server.close)
    state = {
        "kind": kind,
        "pid": server.pid,
        "owner": owner,
        "settings": settings,
        "ports": [server.port, getattr(server, "controller_port", None)],
        "address": server.address,
    }
    with open(os.path.join(folder, "state.json"), "w") as file:
        json.dump(state, file)
    return state


def do_start(arguments):
    settings = dict(pair.split("=", 1) for pair in arguments.set)
    folder = os.path.abspath(arguments.folder)
    os.makedirs(folder, exist_ok=True)
    state = started(arguments.kind, folder, arguments.owner, settings, [None, None])
    print(state["address"])


def do_existing(arguments):
    server = Attached(os.path.abspath(arguments.folder))
    state = server.state
    if arguments.what == "stop":
        server.end(signal.SIGTERM)
    elif arguments.what == "kill":
        server.end(signal.SIGKILL)
    elif arguments.what == "freeze":
        os.kill(state["pid"], signal.SIGSTOP)
        wait_frozen(state["pid"])
    elif arguments.what == "thaw":
        os.kill(state["pid"], signal.SIGCONT)
    elif arguments.what == "address":
        print(state["address"])
    else:
        server.end(signal.SIGTERM)
        started(state["kind"], server.folder, state["owner"], state["settings"], state["ports"])


def do_run(arguments):
    words = arguments.words
    if "--" not in words:
        raise ServerError("run needs -- and a command: servers.py run kafka -- COMMAND")
    split = words.index("--")
    environment = dict(os.environ)
    running = []
    for kind in words[:split]:
        server = {"kafka": Kafka, "redis": Redis}[kind]().start()
        running.append(server)
        if kind == "kafka":
            environment["KAFKA_BOOTSTRAP"] = server.bootstrap
        else:
            environment["REDIS_HOST"], environment["REDIS_PORT"] = "127.0.0.1", str(server.port)
    code = subprocess.call(words[split + 1 :], env=environment)
    for server in reversed(running):
        server.close()
    sys.exit(code)


def main():
    if sys.argv[1:2] == ["guard"]:
        sys.exit(guard(int(sys.argv[2]), sys.argv[4:]))
    if sys.argv[1:2] == ["run"]:
        return do_run(argparse.Namespace(words=sys.argv[2:]))
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="what", required=True)
    start = commands.add_parser("start")
    start.add_argument("kind", choices=["kafka", "redis"])
    start.add_argument("folder")
    start.add_argument("--owner", type=int, required=True, help="the server ends with this process")
    start.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    start.set_defaults(do=do_start)
    for name in ("stop", "kill", "freeze", "thaw", "restart", "address"):
        command = commands.add_parser(name)
        command.add_argument("folder")
        command.set_defaults(do=do_existing)
    arguments = parser.parse_args()
    return arguments.do(arguments)


if __name__ == "__main__":
    try:
        main()
    except ServerError as error:
        sys.exit("servers.py: %s" % error)
