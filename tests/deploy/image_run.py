#!/usr/bin/env python3
"""What the image starts, in a root that was made by its Containerfile: by its ENTRYPOINT and CMD, as its
USER, without a capability, on a root file system that is read only; with a Kafka and a Redis of its own.

    tests/deploy/image_run.py ROOT     ROOT is mounted read only; tests/deploy/image does it
"""

import json
import os
import subprocess
import sys
import urllib.request

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))
sys.path.insert(0, os.path.join(ROOT, "tests", "deploy"))
import servers  # noqa: E402
import steps  # noqa: E402

IMAGE = sys.argv[1]


def said():
    """The last word of each instruction of the last stage."""
    with open(steps.CONTAINERFILE) as file:
        rows = steps.steps(file.read())
    return {word: rest for stage, word, rest in rows if stage == rows[-1][0]}


def started(words, environment):
    """The command line of a container: the words are behind ENTRYPOINT."""
    user, group = said()["USER"].split(":")
    return ["chroot", IMAGE, "/usr/bin/setpriv", "--reuid", user, "--regid", group, "--clear-groups",
            "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs", "--", "/usr/bin/env", "-i"
            ] + ["%s=%s" % row for row in environment.items()
                 ] + json.loads(said()["ENTRYPOINT"]) + words


def call(words, environment=()):
    made = subprocess.run(started(words, dict(environment)), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)
    if made.returncode != 0:
        raise SystemExit("%s ended with %d:\n%s" % (words, made.returncode, made.stdout))
    return made.stdout


def ready(port):
    try:
        with urllib.request.urlopen("http://127.0.0.1:%d/readyz" % port, timeout=5) as answer:
            return json.load(answer)["status"] == "ready"
    except OSError:
        return False


def run(kafka, redis):
    port = servers.free_port()
    environment = {
        "RINGBACK_KAFKA__BOOTSTRAP_SERVERS": kafka.bootstrap,
        "RINGBACK_REDIS_URL": "redis://127.0.0.1:%d/0" % redis.port,
        "RINGBACK_HTTP_LISTEN": "127.0.0.1:%d" % port,
    }
    call(["topics", "--partitions", "2"], environment)
    process = subprocess.Popen(started(json.loads(said()["CMD"]), environment),
                               stdin=subprocess.DEVNULL)
    try:
        servers.wait_until(lambda: ready(port) or process.poll() is not None, "it is ready", 60)
        if process.poll() is not None:
            raise SystemExit("it ended with %d" % process.returncode)
        with open("/proc/%d/status" % process.pid) as file:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
        print("ready, as user %s with capabilities %s, NoNewPrivs %s" % (
            status["Uid"].split()[1], status["CapEff"], status["NoNewPrivs"]))
        if int(status["CapEff"], 16) != 0 or status["Uid"].split()[1] == "0":
            raise SystemExit("it has more rights than it should")
        process.terminate()
        if process.wait(30) != 0:
            raise SystemExit("it ended with %d" % process.returncode)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def main():
    try:
        with open(os.path.join(IMAGE, "tmp", "x"), "w"):
            raise SystemExit("%s can be written to" % IMAGE)
    except OSError as error:
        print("the root: %s" % error.strerror)
    print(call(["--version"]).strip())
    call(["config", "--config", "/etc/ringback/ringback.yaml"])
    with servers.Kafka() as kafka, servers.Redis() as redis:
        run(kafka, redis)
    print("stopped in order")


main()
