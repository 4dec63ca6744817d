import com.google.protobuf.MessageLite;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Kafka as Ringback wants it: keys are domains, partitioned as this client does by itself, and
 * nothing is read that was not committed. KAFKA, TOPICS and DOMAIN in the environment say where and
 * what.
 */
final class Bus {
    /** What is done with one record of the domain. False: no more. */
    interface Take {
        boolean take(String topic, byte[] value) throws Exception;
    }

    static final String KAFKA = System.getenv().getOrDefault("KAFKA", "localhost:9092");
    static final String TOPICS = System.getenv().getOrDefault("TOPICS", "ringback.");
    static final byte[] DOMAIN =
        System.getenv().getOrDefault("DOMAIN", "acme").getBytes(StandardCharsets.UTF_8);

    private static final KafkaProducer<byte[], byte[]> PRODUCER = new KafkaProducer<>(
        Map.of("bootstrap.servers", KAFKA, "acks", "all"),
        new ByteArraySerializer(), new ByteArraySerializer());

    private Bus() {}

    /** Send one event and wait until the broker has it. */
    static void send(String topic, MessageLite event) throws Exception {
        PRODUCER.send(new ProducerRecord<>(TOPICS + topic, DOMAIN, event.toByteArray())).get();
    }

    /**
     * Each event of the domain, from the beginning or, with a group, from where the group stands. The
     * position goes on when an event is done with.
     */
    static void read(List<String> topics, String group, Take take) throws Exception {
        Map<String, Object> settings = Map.of(
            "bootstrap.servers", KAFKA,
            "group.id", group != null ? group : "example-" + UUID.randomUUID(),
            "auto.offset.reset", "earliest",
            "enable.auto.commit", "false",
            "max.poll.records", "1",
            "isolation.level", "read_committed");
        List<String> names = new ArrayList<>();

        for (String topic : topics) {
            names.add(TOPICS + topic);
        }
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(
                settings, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            boolean more = true;

            consumer.subscribe(names);
            while (more) {
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofSeconds(1))) {
                    if (java.util.Arrays.equals(record.key(), DOMAIN) && record.value() != null) {
                        more = take.take(record.topic().substring(TOPICS.length()), record.value());
                    }
                    consumer.commitSync();
                }
            }
        }
    }
}
