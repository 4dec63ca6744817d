#!/usr/bin/env python3
"""The contract, proto/, seen from the tests: buf's verdict, the comments, the page made of them.

    tests/support/protos.py docs            write docs/events.md and docs/asyncapi.yaml
    tests/support/protos.py accept [break]  take proto/ as the contract to compare with from now on;
                                            a breaking change only with the word break

As a module also: protos.types() gives message classes by name to tests that read topics
(`protos.types()["Result"].FromString(value)`), with the protobuf package of tests/.venv.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
PROTO = os.path.join(ROOT, "proto")
ACCEPTED = os.path.join(ROOT, "tests", "data", "proto")
PAGE = os.path.join(ROOT, "docs", "events.md")
BUF = os.path.join(ROOT, "deploy", "node", "node_modules", ".bin", "buf")
CONFIG = '{"version":"v2","lint":{"use":["STANDARD"]},"breaking":{"use":["FILE"]}}'
ORDER = (
    "settings interactions presence flows commands results routing analytics state journal log common"
).split()


def available():
    """"" when buf is here, else why not."""
    return "" if os.path.exists(BUF) else "buf is not in deploy/node/node_modules: make deps"


def buf(*arguments):
    """(exit code, output) of buf."""
    made = subprocess.run(
        [BUF] + list(arguments),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        universal_newlines=True,
    )
    return made.returncode, made.stdout.replace(ROOT + "/", "")


def lint(folder=PROTO):
    return buf("lint", folder, "--config", CONFIG)[1].splitlines()


def breaking(folder=PROTO, accepted=ACCEPTED):
    return buf(
        "breaking", folder, "--against", accepted, "--config", CONFIG, "--against-config", CONFIG
    )[1].splitlines()


def descriptors(folder=PROTO, comments=True):
    """The files' descriptors as buf's JSON, in ORDER."""
    with tempfile.TemporaryDirectory() as scratch:
        target = os.path.join(scratch, "image.json")
        more = [] if comments else ["--exclude-source-info"]
        code, said = buf("build", folder, "--config", CONFIG, "-o", target, *more)
        if code != 0:
            raise ValueError("buf cannot read %s: %s" % (folder, said))
        with open(target) as file:
            files = json.load(file)["file"]

    def rank(file):
        name = stem(file)
        return (ORDER.index(name) if name in ORDER else len(ORDER), name)

    return sorted(files, key=rank)


def stem(file):
    return os.path.basename(file["name"])[: -len(".proto")]


def comments(file):
    """Comment by path; path as in SourceCodeInfo, e.g. (4, 0, 2, 1): field 1 of message 0."""
    found = {}
    for location in file.get("sourceCodeInfo", {}).get("location", []):
        text = location.get("leadingComments") or location.get("trailingComments") or ""
        if text.strip():
            found[tuple(location.get("path", ()))] = " ".join(text.split())
    return found


def things(file):
    """(path, kind, full name, descriptor) of everything that must have a comment."""

    def message(path, prefix, one):
        name = prefix + one["name"]
        if one.get("options", {}).get("mapEntry"):
            return
        yield path, "message", name, one
        for index, field in enumerate(one.get("field", [])):
            yield path + (2, index), "field", name + "." + field["name"], field
        synthetic = {
            field["oneofIndex"] for field in one.get("field", []) if field.get("proto3Optional")
        }
        for index, group in enumerate(one.get("oneofDecl", [])):
            if index not in synthetic:
                yield path + (8, index), "oneof", name + "." + group["name"], group
        for index, nested in enumerate(one.get("nestedType", [])):
            yield from message(path + (3, index), name + ".", nested)
        for index, nested in enumerate(one.get("enumType", [])):
            yield from enum(path + (4, index), name + ".", nested)

    def enum(path, prefix, one):
        name = prefix + one["name"]
        yield path, "enum", name, one
        for index, value in enumerate(one.get("value", [])):
            yield path + (2, index), "value", name + "." + value["name"], value

    yield (12,), "file", file["name"], file
    for index, one in enumerate(file.get("messageType", [])):
        yield from message((4, index), "", one)
    for index, one in enumerate(file.get("enumType", [])):
        yield from enum((5, index), "", one)


def uncommented(files):
    """What has no comment: `results.proto: field Result.id`."""
    for file in files:
        texts = comments(file)
        for path, kind, name, _ in things(file):
            if path not in texts:
                yield "%s: %s %s" % (os.path.basename(file["name"]), kind, name)


# The page.


def cell(text):
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|")


def anchor(title):
    return re.sub(r"[^a-z0-9_ -]", "", title.lower()).replace(" ", "-")


def type_of(field, package):
    kind = field["type"][len("TYPE_") :].lower()
    if "typeName" in field:
        name = field["typeName"].replace("." + package + ".", "", 1)
        kind = "[%s](#%s)" % (name, anchor(name))
    if field.get("label") == "LABEL_REPEATED":
        return "list of " + kind
    return "optional " + kind if field.get("proto3Optional") else kind


def message_lines(one, name, path, texts, package):
    yield from ("", "### " + name, "", cell(texts.get(path, "")), "")
    if not one.get("field"):
        yield "No fields."
        return
    yield from ("| Field | No. | Type | Meaning |", "|---|---|---|---|")
    group = None
    for index, field in enumerate(one["field"]):
        inside = None if field.get("proto3Optional") else field.get("oneofIndex")
        if inside != group and inside is not None:
            title = one["oneofDecl"][inside]["name"]
            meaning = cell(texts.get(path + (8, inside), ""))
            yield "| *one of `%s`* | | | %s |" % (title, meaning)
        group = inside
        indent = "&nbsp;&nbsp;" if inside is not None else ""
        meaning = cell(texts.get(path + (2, index), ""))
        yield "| %s`%s` | %d | %s | %s |" % (
            indent,
            field["name"],
            field["number"],
            type_of(field, package),
            meaning,
        )


def enum_lines(one, name, path, texts):
    yield from ("", "### " + name, "", cell(texts.get(path, "")), "")
    yield from ("| Value | No. | Meaning |", "|---|---|---|")
    for index, value in enumerate(one["value"]):
        meaning = cell(texts.get(path + (2, index), ""))
        yield "| `%s` | %d | %s |" % (value["name"], value["number"], meaning)


def page(files, examples=None):
    """docs/events.md as text; examples: lines behind the table of a message, by its name."""
    lines = [
        "# Events",
        "",
        "Every message of Ringback's topics, made from the comments in `proto/ringback/v1/` by",
        "`make docs`; do not edit. One message type per topic; the record's key is the domain. The same",
        "for programs is [asyncapi.yaml](asyncapi.yaml).",
        "",
        "Examples are in protobuf's JSON mapping; bytes are the plain value in hexadecimal. They are kept in",
        "[examples/events.json](examples/events.json).",
        "",
    ]
    for file in files:
        tops = [one["name"] for one in file.get("messageType", []) + file.get("enumType", [])]
        links = ", ".join("[%s](#%s)" % (name, anchor(name)) for name in tops)
        title = os.path.basename(file["name"])
        lines.append("- [%s](#%s): %s" % (title, anchor(title), links))
    for file in files:
        texts = comments(file)
        lines += ["", "## " + os.path.basename(file["name"]), "", cell(texts.get((12,), ""))]
        for path, kind, name, one in things(file):
            if kind == "message":
                lines += message_lines(one, name, path, texts, file["package"])
                lines += (examples or {}).get(name, [])
            elif kind == "enum":
                lines += enum_lines(one, name, path, texts)
    return "\n".join(lines) + "\n"


# Classes for tests that read topics.


def types():
    """Message classes of the contract by their name without package."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    with tempfile.TemporaryDirectory() as scratch:
        target = os.path.join(scratch, "set.pb")
        names = sorted(os.listdir(os.path.join(PROTO, "ringback", "v1")))
        subprocess.run(
            ["protoc", "--include_imports", "--proto_path=" + PROTO, "--descriptor_set_out=" + target]
            + [os.path.join("ringback/v1", name) for name in names if name.endswith(".proto")],
            check=True,
        )
        with open(target, "rb") as file:
            files = descriptor_pb2.FileDescriptorSet.FromString(file.read()).file
    pool = descriptor_pool.DescriptorPool()
    for file in files:
        pool.Add(file)
    return {
        message.name: message_factory.GetMessageClass(
            pool.FindMessageTypeByName("%s.%s" % (file.package, message.name))
        )
        for file in files
        for message in file.message_type
    }


def accept(may_break):
    if os.path.isdir(ACCEPTED):
        found = breaking()
        if found and not may_break:
            print("\n".join(found))
            sys.exit(
                "This breaks whoever reads or writes the topics. If it must be: make contract-accept"
                " BREAK=1, and a line in CHANGELOG.md with Upgrade notes, in the same commit."
            )
        shutil.rmtree(ACCEPTED)
    shutil.copytree(PROTO, ACCEPTED)


def main():
    why = available()
    if why:
        sys.exit("protos.py: " + why)
    words = sys.argv[1:]
    if words == ["docs"]:
        import servers

        servers.use_venv()
        import catalogue

        for path, text in ((PAGE, catalogue.page()), (catalogue.ASYNCAPI, catalogue.asyncapi())):
            with open(path, "w") as file:
                file.write(text)
    elif words[:1] == ["accept"] and words[1:] in ([], ["break"]):
        accept(words[1:] == ["break"])
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
