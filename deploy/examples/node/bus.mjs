// Kafka as Ringback wants it: keys are domains, partitioned as Java clients do, and nothing is read
// that was not committed. KAFKA, TOPICS and DOMAIN in the environment say where and what.
import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import { Kafka, Partitioners, logLevel } from "kafkajs";
import protobuf from "protobufjs";

const { KAFKA = "localhost:9092", TOPICS = "ringback.", DOMAIN = "acme" } = process.env;
const PROTO = fileURLToPath(new URL("../../../proto", import.meta.url));
const EVENTS = {
  settings: "SettingsEvent", interactions: "InteractionEvent", presence: "PresenceEvent",
  flows: "FlowEvent", commands: "Command", routing: "RoutingEvent", analytics: "AnalyticsEvent",
  results: "Result",
};

const root = new protobuf.Root();
root.resolvePath = (origin, target) => `${PROTO}/${target}`;
root.loadSync(Object.keys(EVENTS).map((topic) => `ringback/v1/${topic}.proto`));
const typeOf = (topic) => root.lookupType(`ringback.v1.${EVENTS[topic]}`);

const kafka = new Kafka({ clientId: "example", brokers: [KAFKA], logLevel: logLevel.ERROR });
// KafkaJS 2 partitions as Java clients do by default; said so that nobody chooses the old way.
const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
await producer.connect();
const consumers = [];

/** Send one event, given as JSON, and wait until the broker has it. */
export async function send(topic, event) {
  const type = typeOf(topic);
  const value = Buffer.from(type.encode(type.fromObject(event)).finish());
  await producer.send({ topic: TOPICS + topic, acks: -1, messages: [{ key: DOMAIN, value }] });
}

/** Calls take(what, event, topic) with each event of the domain, from the beginning or, with a group,
 * from where the group stands. The position goes on when take is done. */
export async function read(topics, take, group = `example-${randomUUID()}`) {
  const consumer = kafka.consumer({ groupId: group, readUncommitted: false });
  consumers.push(consumer);
  await consumer.connect();
  await consumer.subscribe({ topics: topics.map((topic) => TOPICS + topic), fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ topic, partition, message }) => {
      if (String(message.key) === DOMAIN && message.value) {
        const name = topic.slice(TOPICS.length);
        const type = typeOf(name);
        const decoded = type.decode(message.value);
        const event = type.toObject(decoded, { longs: Number, enums: String, defaults: true });
        await take(decoded[type.oneofsArray[0].name], event, name);
      }
      const next = String(BigInt(message.offset) + 1n);
      await consumer.commitOffsets([{ topic, partition, offset: next }]);
    },
  });
}

export async function end(code = 0) {
  await Promise.allSettled(consumers.map((consumer) => consumer.disconnect()));
  await producer.disconnect();
  process.exit(code);
}
