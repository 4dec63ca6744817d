"""What is made of docs/examples/events.json: the examples in docs/events.md, and docs/asyncapi.yaml.

The file holds an example of every message by its name, in protobuf's JSON mapping with the fields'
names of the contract. Of a message that is one kind of a topic's event the example is the whole
event, as it is on the topic. Needs the protobuf package of tests/.venv (servers.use_venv())."""

import json
import os
import re
import textwrap

import protos

ROOT = protos.ROOT
EXAMPLES = os.path.join(ROOT, "docs", "examples", "events.json")
ASYNCAPI = os.path.join(ROOT, "docs", "asyncapi.yaml")
ROOTS = {
    "settings": "SettingsEvent",
    "interactions": "InteractionEvent",
    "presence": "PresenceEvent",
    "flows": "FlowEvent",
    "commands": "Command",
    "routing": "RoutingEvent",
    "analytics": "AnalyticsEvent",
    "results": "Result",
    "state": "StateRecord",
    "journal": "JournalRecord",
}
INPUTS = ("settings", "interactions", "presence", "flows", "commands")
OUTPUTS = ("routing", "analytics", "results")
HEX_COLUMNS = 96


def read():
    with open(EXAMPLES) as file:
        return json.load(file)


def event_of(types, name):
    """The name of the topic's event that the message is a kind of, else its own."""
    for root in ROOTS.values():
        for group in types[root].DESCRIPTOR.oneofs:
            if any(field.message_type and field.message_type.name == name for field in group.fields):
                return root
    return name


def packed(types, name, example):
    """(name of the message that the example is, its bytes)."""
    from google.protobuf import json_format

    event = event_of(types, name)
    message = json_format.ParseDict(example, types[event]())
    return event, message.SerializeToString(deterministic=True)


def lines(types, examples):
    """{message: lines for the page}"""
    made = {}
    for name, example in examples.items():
        event, data = packed(types, name, example)
        title = "Example" if event == name else "Example, a whole [%s](#%s)" % (event, event.lower())
        made[name] = ["", "%s, and its %d bytes:" % (title, len(data)), "", "```json"]
        made[name] += json.dumps(example, indent=2, ensure_ascii=False).splitlines()
        made[name] += ["```", "", "```", *textwrap.wrap(data.hex(), HEX_COLUMNS), "```"]
    return made


def page():
    """docs/events.md as text."""
    return protos.page(protos.descriptors(), lines(protos.types(), read()))


# AsyncAPI.


def yaml(value, indent=0):
    """Lines of plain maps, lists, numbers and texts; texts of several lines as they are."""
    before = " " * indent
    if isinstance(value, dict):
        for key, item in value.items():
            yield from yaml_item("%s%s:" % (before, key), item, indent + 2)
    else:
        for item in value:
            if isinstance(item, dict) and item:
                inner = list(yaml(item, indent + 2))
                yield before + "- " + inner[0].lstrip()
                yield from inner[1:]
            else:
                yield before + "- " + json.dumps(item, ensure_ascii=False)


def yaml_item(start, item, indent):
    if isinstance(item, (dict, list)) and item:
        yield start
        yield from yaml(item, indent)
    elif isinstance(item, str) and "\n" in item:
        yield start + " |"
        for line in item.rstrip("\n").split("\n"):
            yield (" " * indent + line).rstrip()
    else:
        yield start + " " + json.dumps(item, ensure_ascii=False)


def declarations(path):
    """{name: text} of the messages and enums of a file, in its order, without comments."""
    with open(path) as file:
        text = re.sub(r"(?m)^\s*//.*\n", "", file.read())
    found = re.findall(r"(?ms)^((?:message|enum) (\w+) (?:\{\}|\{\n.*?^\}))", text)
    return {name: part for part, name in found}


def schema(topic):
    """One text with all that the topic's event is made of; the event first."""
    folder = os.path.join(protos.PROTO, "ringback", "v1")
    every = {}
    for name in sorted(os.listdir(folder), key=lambda name: name != topic + ".proto"):
        every.update((key, value) for key, value in declarations(os.path.join(folder, name)).items()
                     if key not in every)
    wanted, queue = [], [ROOTS[topic]]
    while queue:
        name = queue.pop(0)
        if name not in wanted:
            wanted.append(name)
            queue += [word for word in re.findall(r"\b[A-Z]\w+\b", every[name].split("{", 1)[1])
                      if word in every and word not in wanted]
    return "\n\n".join(['syntax = "proto3";', "package ringback.v1;"]
                       + [every[name] for name in wanted]) + "\n"


def text_schema(meaning, **more):
    return {"type": "string", "description": meaning, **more}


HEADERS = {
    "ce_specversion": text_schema("CloudEvents' version.", const="1.0"),
    "ce_id": text_schema("The event's id, as in the value: drop what comes twice by it."),
    "ce_type": text_schema("ringback., the topic and the kind.", examples=["ringback.routing.offer"]),
    "ce_time": text_schema("When it was decided.", format="date-time"),
    "ce_source": text_schema("Who says it.", const="/ringback"),
    "ce_partitionkey": text_schema("The record's key: the domain."),
    "content-type": text_schema("Of the value; application/octet-stream where framing.confluent"
                                " names the topic.",
                                enum=["application/protobuf", "application/octet-stream"]),
    "traceparent": text_schema("W3C trace context of the record that caused it, if it had one."),
}
ERRORS = {
    "__connect.errors." + name: text_schema(meaning)
    for name, meaning in (
        ("topic", "The input's full name."),
        ("partition", "The input's partition."),
        ("offset", "The input's offset."),
        ("stage", "VALUE_CONVERTER."),
        ("exception.class.name", "The reason, a name of UndecidedReason."),
        ("exception.message", "What is wrong, in words."),
        ("value.bytes", "The value's size, if it was cut."),
    )
}


def headers_of(topic):
    if topic in OUTPUTS:
        return {"type": "object", "properties": HEADERS,
                "required": [name for name in HEADERS if name != "traceparent"]}
    return {"type": "object", "properties": {"traceparent": text_schema(
        "W3C trace context; given on to what the record causes.")}}


def key_of(topic):
    if topic == "state":
        return text_schema("kind|domain|id of the entity; meta of the batch's own record.")
    if topic == "journal":
        return text_schema("The partition's number.")
    return text_schema("The domain, 1 to 128 of A-Z a-z 0-9 . _ @ : / + -; partitioned by murmur2.",
                       pattern="^[A-Za-z0-9._@:/+-]{1,128}$")


def examples_of(types, topic, examples):
    """One of each kind."""
    found = []
    for name, example in examples.items():
        if event_of(types, name) == ROOTS[topic] and name != ROOTS[topic]:
            found.append({"name": name, "payload": example})
    return found or [{"name": ROOTS[topic], "payload": examples[ROOTS[topic]]}]


def first_words(texts, path=(12,)):
    return " ".join(texts.get(path, "").split())


def message_of(types, topic, texts, examples):
    return {
        "name": ROOTS[topic],
        "title": ROOTS[topic],
        "summary": first_words(texts, (4, 0)),
        "contentType": "application/protobuf",
        "headers": headers_of(topic),
        "payload": {"schemaFormat": "application/vnd.google.protobuf;version=3",
                    "schema": schema(topic)},
        "bindings": {"kafka": {"key": key_of(topic), "bindingVersion": "0.5.0"}},
        "examples": examples_of(types, topic, examples),
    }


def dead_letter():
    return {
        "name": "DeadLetter",
        "title": "A record of an input that could not be decided",
        "summary": "Key, value and headers as they came; why is in the headers behind them.",
        "headers": {"type": "object", "properties": ERRORS,
                    "required": [name for name in ERRORS if not name.endswith("value.bytes")]},
        "payload": {"type": "string", "description": "The bytes as they came; cut if too long."},
        "bindings": {"kafka": {"key": text_schema("As it came."), "bindingVersion": "0.5.0"}},
    }


def channel(address, message, partitions, compacted, about):
    return {
        "address": address,
        "description": about,
        "messages": {message: {"$ref": "#/components/messages/" + message}},
        "bindings": {"kafka": {
            "topic": address,
            "partitions": partitions,
            "topicConfiguration": {"cleanup.policy": ["compact" if compacted else "delete"]},
            "bindingVersion": "0.5.0",
        }},
    }


def operation(action, name, summary):
    return {"action": action, "channel": {"$ref": "#/channels/" + name}, "summary": summary}


def asyncapi():
    """docs/asyncapi.yaml as text."""
    types, examples = protos.types(), read()
    texts = {protos.stem(file): protos.comments(file) for file in protos.descriptors()}
    with open(os.path.join(ROOT, "base", "version.h")) as file:
        version = re.search(r'VERSION "(.*)"', file.read()).group(1)
    channels, operations, messages = {}, {}, {}
    for topic, event in ROOTS.items():
        channels[topic] = channel("ringback." + topic, event, 4, topic == "state",
                                  first_words(texts[topic]))
        receives = topic in INPUTS
        operations[("receive_" if receives else "send_") + topic] = operation(
            "receive" if receives else "send", topic,
            "Ringback reads it." if receives else "Ringback writes it, in transactions: read it"
            " with isolation.level=read_committed.")
        messages[event] = message_of(types, topic, texts[topic], examples)
    messages["DeadLetter"] = dead_letter()
    for topic in INPUTS:
        name = topic + "_dlq"
        channels[name] = channel("ringback.%s.dlq" % topic, "DeadLetter", 4, False,
                                 "Records of %s that could not be decided." % topic)
        operations["send_" + name] = operation("send", name, "Ringback writes it, in the same"
                                               " transaction that goes past the record.")
    document = {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Ringback",
            "version": version,
            "description": "Call-centre callbacks on Kafka. Operations are from Ringback's point of"
            " view: what it receives, you send. Names of topics begin with the option topics.prefix;"
            " all inputs, state and journal have the same number of partitions, here 4. Values are"
            " plain protobuf, or in the Confluent wire format where framing.confluent says so.",
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/protobuf",
        "servers": {"kafka": {"host": "localhost:9092", "protocol": "kafka"}},
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages},
    }
    head = "# Made from proto/ and docs/examples/events.json by `make docs`; do not edit.\n"
    return head + "\n".join(yaml(document)) + "\n"
