#!/usr/bin/env python3
"""The rule book rule by rule: the tests named after each rule, the stories that tell it, the result.

    tests/support/rules.py [--json]

Rules are the numbers that docs/rules.md begins lines with. Tests are functions rule_N_M_what in the
tests of tests/unit, tests/rules and tests/logs; each binary's last TAP (of `make check` or
`make test`) counts if it is newer than the binary, else the binary is run. Stories are the files in
tests/scenarios that name the rule in `rules:`. A rule without a test fails the list, unless
docs/roadmap.md says that it is not built yet; such rules are shown and counted.

As a module: rules.numbers(), rules.planned(), rules.listed() and rules.book() take text, so that
tests/quick.d/rules can test them.
"""

import glob
import json
import os
import re
import subprocess
import sys

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
FOLDERS = ("tests/unit", "tests/rules", "tests/logs")


def read(path):
    with open(os.path.join(ROOT, path)) as file:
        return file.read()


def order(number):
    return tuple(int(part) for part in number.split("."))


def numbers(book):
    """[(number, its first words)] of a rule book's text, in order."""
    found = []
    for number, text in re.findall(r"^(\d+\.\d+) (.*)$", book, re.M):
        text = re.sub(r"[*`]", "", text)
        found.append((number, text if len(text) <= 60 else text[:59].rsplit(" ", 1)[0] + " ..."))
    return sorted(found, key=lambda rule: order(rule[0]))


def planned(roadmap, known):
    """{number: the row} of the rules in rows that say "not yet". A row without numbers of rules that
    begins with a chapter's number alone means the whole chapter."""
    found = {}
    for row in roadmap.splitlines():
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        if not row.startswith("|") or len(cells) < 2 or not cells[1].startswith("not yet"):
            continue
        for first, last in re.findall(r"\b(\d+\.\d+)(?:-(\d+\.\d+))?", cells[0]):
            for number in known:
                if order(first) <= order(number) <= order(last or first):
                    found[number] = cells[0]
        chapter = re.match(r"(\d+) [^:]*$", cells[0])
        if chapter and not re.search(r"\d\.\d", cells[0]):
            for number in known:
                if number.startswith(chapter.group(1) + "."):
                    found[number] = cells[0]
    return found


def listed(source):
    """{number: [test]} of a test's source: what its table lists."""
    found = {}
    for name in re.findall(r"\bcmocka_unit_test\w*\(\s*(rule_\w+)", source):
        number = re.match(r"rule_(\d+)_(\d+)_", name)
        if number:
            found.setdefault(".".join(number.groups()), []).append(name)
    return found


def tap(binary, name):
    """The TAP of a test, run now unless it ran since it was built. None: it is not built."""
    log = os.path.join(ROOT, "build", "tests", name.replace("/", "_") + ".tap")
    if not os.path.exists(binary):
        return None
    if os.path.exists(log) and os.path.getmtime(log) >= os.path.getmtime(binary):
        with open(log, errors="replace") as file:
            text = file.read()
        if re.search(r"^(ok|not ok)\b", text, re.M):
            return text
    env = dict(os.environ, CMOCKA_MESSAGE_OUTPUT="TAP")
    return subprocess.run(
        [binary], cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    ).stdout.decode(errors="replace")


def collect():
    """({number: [test]}, {test: "ok" or "not ok"}); a test without a result is not in the second."""
    tests, results = {}, {}
    for folder in FOLDERS:
        for source in sorted(glob.glob(os.path.join(ROOT, folder, "*.c"))):
            with open(source) as file:
                found = listed(file.read())
            if not found:
                continue
            name = os.path.relpath(source, ROOT)[:-2]
            text = tap(os.path.join(ROOT, "build", "asan", name), name) or ""
            lines = dict(
                (test, result)
                for result, test in re.findall(r"^(ok|not ok)\b[ \d]*- *(rule_\w+)", text, re.M)
            )
            for number, names in found.items():
                tests.setdefault(number, []).extend(names)
                results.update((test, lines[test]) for test in names if test in lines)
    return tests, results


def stories():
    """{number: how many stories name it}."""
    found = {}
    for path in glob.glob(os.path.join(ROOT, "tests", "scenarios", "*.yaml")):
        with open(path) as file:
            line = re.search(r"^rules: *\[(.*)\] *(?:#.*)?$", file.read(), re.M)
        for number in re.findall(r"\d+\.\d+", line.group(1) if line else ""):
            found[number] = found.get(number, 0) + 1
    return found


def book(known, later, tests, results, told):
    """[{rule, text, tests, failed, stories, state}] with state passed, failed, missing or planned."""
    rows = []
    for number, text in known:
        mine = tests.get(number, [])
        failed = [test for test in mine if results.get(test) != "ok"]
        state = "failed" if failed else "passed"
        if not mine:
            state = "planned" if number in later else "missing"
        rows.append({"rule": number, "text": text, "tests": len(mine), "failed": failed,
                     "stories": told.get(number, 0), "state": state, "later": number in later})  # fmt: skip
    return rows


WORDS = {
    "passed": "ok",
    "failed": "FAILED",
    "missing": "NO TEST",
    "planned": "no test: not built yet (docs/roadmap.md)",
}


def unknown(known, tests, told):
    """Numbers that tests or stories name and the rule book does not have."""
    there = {number for number, _ in known}
    return sorted((set(tests) | set(told)) - there, key=order)


def summary(rows):
    count = {state: sum(row["state"] == state for row in rows) for state in WORDS}
    return (
        "%d rules: %d with tests that pass, %d with tests that fail, %d without a test;"
        " %d more without a test are not built yet; %d tests, %d stories' mentions"
        % (len(rows), count["passed"], count["failed"], count["missing"], count["planned"],
           sum(row["tests"] for row in rows), sum(row["stories"] for row in rows))  # fmt: skip
    )


def current():
    known = numbers(read("docs/rules.md"))
    later = planned(read("docs/roadmap.md"), [number for number, _ in known])
    tests, results = collect()
    told = stories()
    return book(known, later, tests, results, told), unknown(known, tests, told)


def main():
    if sys.argv[1:] not in ([], ["--json"]):
        raise SystemExit(__doc__)
    rows, strange = current()
    if sys.argv[1:]:
        json.dump({"rules": rows, "unknown": strange}, sys.stdout, indent=2)
        print()
    else:
        print("%-6s %5s %7s  %-62s %s" % ("RULE", "TESTS", "STORIES", "", "RESULT"))
        for row in rows:
            word = WORDS[row["state"]]
            if row["state"] == "passed" and row["later"]:
                word = "ok, in part: the roadmap says not yet"
            print("%-6s %5d %7d  %-62s %s" % (row["rule"], row["tests"], row["stories"], row["text"], word))  # fmt: skip
            for test in row["failed"]:
                print("%21s %s" % ("", test))
        for number in strange:
            print("%-6s is no rule, but a test or story names it" % number)
        print(summary(rows))
    if strange or any(row["state"] in ("failed", "missing") for row in rows):
        sys.exit(1)


if __name__ == "__main__":
    main()
