package dev.millrace.testing;

import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;

/// A producer without transactions whose records are in the topic in the order of the calls. Has
/// one request in flight: on a new partition the broker accepts any first sequence number of such a
/// producer, so a second request can be appended before a first one that is repeated, which the
/// broker then refuses until it expires. Thread-safe.
public final class TestProducer implements AutoCloseable {

    private final KafkaProducer<byte[], byte[]> producer;
    private volatile @Nullable Exception failure;

    /// @param kafka how to reach the cluster, and any setting of a producer
    public TestProducer(Map<String, Object> kafka) {
        Map<String, Object> config = new HashMap<>(kafka);
        config.put("max.in.flight.requests.per.connection", 1);
        config.put("linger.ms", 0);
        producer =
                new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer());
    }

    public void send(String topic, int partition, byte @Nullable [] value) {
        send(new ProducerRecord<>(topic, partition, null, value));
    }

    public void send(ProducerRecord<byte[], byte[]> record) {
        requireSuccess();
        producer.send(
                record,
                (_, e) -> {
                    if (e != null) {
                        failure = e;
                    }
                });
    }

    /// Waits until the broker has acknowledged every record.
    ///
    /// @throws KafkaException when a record was not written
    public void flush() {
        producer.flush();
        requireSuccess();
    }

    private void requireSuccess() {
        Exception failed = failure;
        if (failed != null) {
            throw new KafkaException("A record of the test was not written.", failed);
        }
    }

    @Override
    public void close() {
        try {
            flush();
        } finally {
            producer.close();
        }
    }
}
