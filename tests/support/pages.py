#!/usr/bin/env python3
"""Pages of docs/ that are made, not written.

    tests/support/pages.py docs    write docs/adapters.md, docs/cli.md, docs/metrics.md, docs/reasons.md,
                                   docs/scenarios.md, docs/settings.md

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


def c_strings(text):
    """What adjacent literals say together."""
    return "".join(re.findall(r'"((?:\\.|[^"\\])*)"', text))


def metric_sets():
    """{set: [(label, values)]} of base/metrics.h; a pair has two."""
    header = read("base/metrics.h").replace("\\\n", "\n")
    reasons_list = c_strings(re.search(r"#define METRIC_REASONS\s*\n(.*?)/\*", header, re.S).group(1))
    body = re.search(r"#define METRIC_LABEL_MAP\(X\)(.*?)\n\n", header, re.S).group(1)
    found = {"none": []}
    for name, label, values in re.findall(r'X\((\w+),\s*"(\w+)",\s*(.*?),\s*\d+\)', body, re.S):
        text = c_strings(values) + (reasons_list if "METRIC_REASONS" in values else "")
        found[name] = [(label, text.split("|"))]
    body = re.search(r"#define METRIC_PAIR_MAP\(X\)(.*?)\n\n", header, re.S).group(1)
    for name, first, second in re.findall(r"X\((\w+), (\w+), (\w+)\)", body):
        found[name] = found[first] + found[second]
    return found


def metric_list():
    """[(name as exposed, type, [(label, values)], help)] in the order of base/metric_list.h."""
    sets = metric_sets()
    types = {"COUNTER": "counter", "GAUGE": "gauge", "WORKER_GAUGE": "gauge", "HISTOGRAM": "histogram"}
    units = {"ONE": "", "BYTES": "_bytes", "SECONDS": "_seconds"}
    found = [("ringback_info", "gauge", [("version", []), ("group", [])],
              "1; its labels say which version this is and of which group.")]
    for name, kind, unit, label, text in re.findall(
        r"^METRIC\((\w+), (\w+), (\w+), (\w+),\s*((?:\"[^\"]*\"\s*)+)\)", read("base/metric_list.h"), re.M
    ):
        labels = sets[label] + ([("partition", [])] if kind == "WORKER_GAUGE" else [])
        exposed = "ringback_" + name + units[unit] + ("_total" if kind == "COUNTER" else "")
        found.append((exposed, types[kind], labels, c_strings(text)))
    return found


def metrics():
    lines = [
        "# Metrics",
        "",
        "What `/metrics` answers ([health.md](health.md)), in its order. Made from `base/metric_list.h` and",
        "`base/metrics.h` by `make docs`; do not edit. A counter is the sum over the process's partitions and never",
        "goes back while it runs; a gauge with `partition` is there while the process has that partition. Of",
        "`ringback_decisions_total` and `ringback_commands_total` only what was counted is written. Histograms have",
        "`_bucket`, `_sum` and `_count`, with 18 buckets up to 100 s, or up to 100,000.",
        "",
        "| Metric | Type | Labels | What it is |",
        "|---|---|---|---|",
    ]
    for name, kind, labels, text in metric_list():
        lines.append("| `%s` | %s | %s | %s |" % (
            name, kind, ", ".join("`%s`" % label for label, _ in labels), text))
    lines += ["", "## Label values", "", "| Set | Label | Values |", "|---|---|---|"]
    for name, labels in metric_sets().items():
        if len(labels) == 1:
            label, values = labels[0]
            lines.append("| %s | `%s` | %s |" % (
                name, label, ", ".join("`%s`" % value if value else "none" for value in values)))
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
    "docs/metrics.md": metrics,
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
