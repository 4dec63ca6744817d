#!/usr/bin/env python3
"""Wires between processes of one machine: TCP proxies on 127.0.0.1, in a process of their own, each of which
can be cut, delayed, broken off and led elsewhere while data flow.

    wires = Wires()
    port = wires.lay("one", "broker-1", target_port)    # who connects there is "one", talking to broker 1
    wires.cut("one", "broker-1")        # nothing passes, nobody is told: as a cable that was pulled
    wires.delay("one", "broker-1", 200) # ms for each piece of data, each way
    wires.reset("one", "broker-1")      # connections are broken off; new ones are taken
    wires.heal("one", "broker-1")       # what waited passes now
    wires.lead("one", "redis", port)    # new connections go there, old ones are broken off
"""

import asyncio
import json
import os
import signal
import subprocess
import sys

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))
import servers  # noqa: E402

PIECE = 65536


class Wires:
    """The handle on that process; it ends with this one."""

    def __init__(self):
        self.process = subprocess.Popen(
            [sys.executable, os.path.abspath(__file__)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            universal_newlines=True, preexec_fn=servers.die_with_parent,
        )  # fmt: skip
        self.laid = []

    def say(self, *words):
        self.process.stdin.write(json.dumps(words) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise servers.ServerError("the proxy process has ended: %s" % (words,))
        return json.loads(answer)

    def lay(self, source, target, port):
        self.laid.append((source, target))
        return self.say("lay", source, target, port)

    def cut(self, source, target):
        self.say("cut", source, target)

    def delay(self, source, target, ms):
        self.say("delay", source, target, ms)

    def reset(self, source, target):
        self.say("reset", source, target)

    def heal(self, source, target):
        self.say("heal", source, target)

    def lead(self, source, target, port):
        self.say("lead", source, target, port)

    def passed(self, source, target):
        """Bytes that went through, both ways."""
        return self.say("passed", source, target)

    def close(self):
        self.process.kill()
        self.process.wait()


class Wire:
    """One source's way to one target."""

    def __init__(self, target_port):
        self.target_port = target_port
        self.delay_s = 0
        self.bytes = 0
        self.open = asyncio.Event()
        self.open.set()
        self.writers = set()
        self.server = None

    async def serve(self, reader, writer):
        await self.open.wait()
        try:
            to_reader, to_writer = await asyncio.open_connection("127.0.0.1", self.target_port)
        except OSError:
            return writer.close()
        pair = {writer, to_writer}
        self.writers |= pair
        try:
            await asyncio.gather(self.pass_on(reader, to_writer), self.pass_on(to_reader, writer))
        finally:
            self.writers -= pair

    async def pass_on(self, reader, writer):
        try:
            while True:
                data = await reader.read(PIECE)
                if not data:
                    break
                if self.delay_s:
                    await asyncio.wait([asyncio.get_running_loop().create_future()], timeout=self.delay_s)
                await self.open.wait()
                writer.write(data)
                self.bytes += len(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    def reset(self):
        for writer in list(self.writers):
            writer.transport.abort()


async def obey():
    loop, wires = asyncio.get_running_loop(), {}
    commands = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    while True:
        line = await commands.readline()
        if not line:
            return
        what, source, target, *more = json.loads(line)
        answer = None
        if what == "lay":
            wire = wires[source, target] = Wire(more[0])
            wire.server = await asyncio.start_server(wire.serve, "127.0.0.1", 0)
            answer = wire.server.sockets[0].getsockname()[1]
        else:
            wire = wires[source, target]
            if what == "cut":
                wire.open.clear()
            elif what == "delay":
                wire.delay_s = more[0] / 1000
            elif what == "reset":
                wire.reset()
            elif what == "heal":
                wire.delay_s = 0
                wire.open.set()
            elif what == "lead":
                wire.target_port = more[0]
                wire.reset()
            elif what == "passed":
                answer = wire.bytes
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the campaign's to handle
    asyncio.run(obey())
