#!/usr/bin/env python3
"""Pages of docs/ that are made, not written.

    tests/support/pages.py docs    write docs/adapters.md, docs/cli.md, docs/reasons.md, docs/scenarios.md,
                                   docs/settings.md

As a module: pages.PAGES is {path: function that gives its text}.
"""

import os
import re
import subprocess
import sys

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))


def read(path):
    with open(os.path.join(ROOT, path)) as file:
        return file.read()


def reasons():
    """The table of 11.4, from the comments of enum Reason."""
    enum = re.search(r"\nenum Reason \{\n(.*?)\n\}", read("proto/ringback/v1/common.proto"), re.S)
    lines = [
        "# Reasons",
        "",
        "Why a request was refused or a callback ended: rule 11.4 of [the rule book](rules.md). Made",
        "from the comments of `Reason` in `proto/ringback/v1/common.proto` by `make docs`; do not edit.",
        "",
        "| Code | No. | Meaning | Rule |",
        "|---|---|---|---|",
    ]
    for comment, name, number in re.findall(
        r"((?:  // [^\n]*\n)+)  REASON_(\w+) = (\d+);", enum.group(1) + "\n"
    ):
        text = " ".join(line.strip()[3:] for line in comment.strip().split("\n"))
        rule = re.search(r" \(([^()]*)\)\.$", text)
        if rule:
            text = text[: rule.start()] + "."
        if name == "UNSPECIFIED":
            continue
        lines.append(
            "| `%s` | %s | %s | %s |" % (name, number, text, rule.group(1) if rule else "")
        )
    return "\n".join(lines) + "\n"


def printed(*words):
    """What the program prints from its own tables."""
    for variant in ("asan", "release"):
        program = os.path.join(ROOT, "build", variant, "ringback")
        if os.path.exists(program):
            return subprocess.run(
                [program] + list(words),
                stdout=subprocess.PIPE,
                check=True,
                universal_newlines=True,
            ).stdout
    raise SystemExit("pages: no ringback is built: make")


PAGES = {
    "docs/adapters.md": lambda: printed("adapt", "reference"),
    "docs/cli.md": lambda: printed("manual", "--format", "markdown"),
    "docs/reasons.md": reasons,
    "docs/scenarios.md": lambda: printed("check", "--reference"),
    "docs/settings.md": lambda: printed("queues", "reference"),
}


def main():
    if sys.argv[1:] != ["docs"]:
        raise SystemExit(__doc__)
    for path, make in sorted(PAGES.items()):
        text = make()
        with open(os.path.join(ROOT, path), "w") as file:
            file.write(text)


if __name__ == "__main__":
    main()
