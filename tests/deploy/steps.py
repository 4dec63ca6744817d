#!/usr/bin/env python3
"""The Containerfile as lines for scripts: STAGE, INSTRUCTION and the rest, separated by tabs.
STAGE counts from 0; comments and line ends within an instruction are gone.

    tests/deploy/steps.py [FILE]
"""

import os
import re
import sys

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
CONTAINERFILE = os.path.join(ROOT, "deploy", "container", "Containerfile")
KNOWN = set("FROM RUN COPY WORKDIR LABEL USER EXPOSE STOPSIGNAL HEALTHCHECK ENTRYPOINT CMD".split())


def steps(text):
    stage, names, found = -1, {}, []
    text = re.sub(r"(?m)^\s*#.*\n", "", text)
    for line in re.sub(r"\\\n\s*", "", text).splitlines():
        word, _, rest = line.strip().partition(" ")
        if not word:
            continue
        if word not in KNOWN:
            raise SystemExit("tests/deploy/steps.py: what is %s to mean?" % word)
        if word == "FROM":
            stage += 1
            rest, _, name = rest.partition(" AS ")
            names[name] = stage
        if word == "COPY" and rest.startswith("--from="):
            name, rest = rest[len("--from="):].split(" ", 1)
            rest = "--from=%d %s" % (names[name], rest)
        found.append((stage, word, rest.strip()))
    return found


if __name__ == "__main__":
    with open(sys.argv[1] if len(sys.argv) > 1 else CONTAINERFILE) as file:
        for row in steps(file.read()):
            print("%d\t%s\t%s" % row)
