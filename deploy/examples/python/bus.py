"""Kafka as Ringback wants it: keys are domains, partitioned as Java clients do, and nothing is read
that was not committed. KAFKA, TOPICS and DOMAIN in the environment say where and what."""

import os
import uuid

from confluent_kafka import Consumer, Producer

KAFKA = os.environ.get("KAFKA", "localhost:9092")
TOPICS = os.environ.get("TOPICS", "ringback.")
DOMAIN = os.environ.get("DOMAIN", "acme")


def producer():
    return Producer({"bootstrap.servers": KAFKA, "partitioner": "murmur2", "acks": "all"})


def send(to, topic, event):
    """Send one event and wait until the broker has it."""
    to.produce(TOPICS + topic, key=DOMAIN, value=event.SerializeToString())
    to.flush()


def read(topics, kind, group=None):
    """(consumer, event) of each record of the domain, from the beginning or, with a group, from where
    the group stands: commit the consumer when an event is done with."""
    consumer = Consumer({
        "bootstrap.servers": KAFKA,
        "group.id": group or "example-%s" % uuid.uuid4(),
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
        "isolation.level": "read_committed",
    })
    consumer.subscribe([TOPICS + topic for topic in topics])
    try:
        while True:
            record = consumer.poll(1)
            if record is None:
                continue
            if record.error():
                raise SystemExit("Kafka at %s: %s" % (KAFKA, record.error()))
            if record.key() == DOMAIN.encode() and record.value() is not None:
                topic = record.topic()[len(TOPICS):]
                yield consumer, kind[topic].FromString(record.value())
    finally:
        consumer.close()
