package dev.millrace.source;

import dev.millrace.change.ChangeCodec;
import dev.millrace.change.ChangeEvent;
import dev.millrace.change.RowKey;
import dev.millrace.streams.Topics;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.utils.Utils;

/// Writes one batch of the engine, its watermarks and the position behind it as one Kafka
/// transaction. The transactional id is the migration's: opening a writer fences every older one,
/// so a capture that was frozen with a full buffer can't write any more when it wakes. Any failure
/// is final for this writer; what was not committed is sent again by the source. For one thread.
final class ChangeLogWriter implements AutoCloseable {

    private static final byte[] POSITION_KEY = "position".getBytes(StandardCharsets.UTF_8);
    private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(5);

    private final Topics topics;
    private final int partitions;
    private final Producer<byte[], byte[]> producer;
    private final ChangeCodec codec = new ChangeCodec();
    private final PositionCodec positions = new PositionCodec();

    private ChangeLogWriter(Topics topics, int partitions, Producer<byte[], byte[]> producer) {
        this.topics = topics;
        this.partitions = partitions;
        this.producer = producer;
    }

    static ChangeLogWriter open(Topics topics, int partitions, Map<String, Object> kafka) {
        Map<String, Object> config = new HashMap<>(kafka);
        config.put("transactional.id", topics.captureTransactionalId());
        config.put("enable.idempotence", "true");
        config.put("acks", "all");
        config.put("linger.ms", "5");
        config.put("batch.size", Integer.toString(256 * 1024));
        config.put("compression.type", "lz4");
        config.put("buffer.memory", Integer.toString(128 * 1024 * 1024));
        config.put("max.request.size", Integer.toString(64 * 1024 * 1024));
        Producer<byte[], byte[]> producer =
                new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer());
        try {
            producer.initTransactions();
        } catch (RuntimeException e) {
            producer.close(Duration.ZERO);
            throw e;
        }
        return new ChangeLogWriter(topics, partitions, producer);
    }

    void write(List<ChangeEvent> events, SourcePosition position) {
        producer.beginTransaction();
        for (ChangeEvent event : events) {
            send(event);
        }
        producer.send(
                new ProducerRecord<>(
                        topics.position(), 0, POSITION_KEY, positions.encode(position)));
        producer.commitTransaction();
    }

    private void send(ChangeEvent event) {
        byte[] value = codec.encode(event);
        switch (event) {
            case ChangeEvent.OfRow change -> {
                byte[] key = change.row().key().bytes();
                producer.send(new ProducerRecord<>(topics.changes(), partition(key), key, value));
            }
            case ChangeEvent.Truncate truncate ->
                    everywhere(RowKey.of(truncate.table()).bytes(), value);
            case ChangeEvent.Watermark _ -> everywhere(new byte[0], value);
        }
    }

    private void everywhere(byte[] key, byte[] value) {
        for (int partition = 0; partition < partitions; partition++) {
            producer.send(new ProducerRecord<>(topics.changes(), partition, key, value));
        }
    }

    private int partition(byte[] key) {
        return Utils.toPositive(Utils.murmur2(key)) % partitions;
    }

    @Override
    public void close() {
        producer.close(CLOSE_TIMEOUT);
    }
}
