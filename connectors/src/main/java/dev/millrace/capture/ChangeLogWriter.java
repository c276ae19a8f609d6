package dev.millrace.capture;

import dev.millrace.capture.position.PositionCodec;
import dev.millrace.capture.position.PublishedTablesCodec;
import dev.millrace.capture.position.SourcePosition;
import dev.millrace.change.ChangeCodec;
import dev.millrace.change.ChangeEvent;
import dev.millrace.change.ChangeEvent.Origin;
import dev.millrace.change.RowKey;
import dev.millrace.change.TableId;
import dev.millrace.change.Topics;
import dev.millrace.change.WatermarkNumber;
import dev.millrace.postgres.PublishedTable;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.utils.Utils;
import org.jspecify.annotations.Nullable;

/// Writes one batch of the engine, its watermarks and the position behind it as one Kafka
/// transaction. The transactional id is the migration's: opening a writer fences every older one,
/// so a capture that was frozen with a full buffer can't write any more when it wakes. Any failure
/// is final for this writer; what was not committed is sent again by the source. For one thread.
final class ChangeLogWriter implements AutoCloseable {

    private static final byte[] POSITION_KEY = "position".getBytes(StandardCharsets.UTF_8);
    private static final byte[] ABORT_KEY = "abort".getBytes(StandardCharsets.UTF_8);
    private static final byte[] TABLES_KEY = "tables".getBytes(StandardCharsets.UTF_8);
    private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(5);
    private static final Duration BROKER_AWAY = Duration.ofMinutes(1);

    /// Longer than what is waited for; a broker takes no more than its own limit, by default 15
    /// minutes.
    private static final Duration TRANSACTION = BROKER_AWAY.plusMinutes(1);

    private final Topics topics;
    private final int partitions;
    private final Producer<byte[], byte[]> producer;
    private final ChangeCodec codec = new ChangeCodec();
    private final PositionCodec positions = new PositionCodec();
    private final PublishedTablesCodec publishedTables = new PublishedTablesCodec();
    private final List<Future<RecordMetadata>> sent = new ArrayList<>();
    private final long[] ends;
    private long tablesAt = -1;
    private List<Long> begins = List.of();

    private ChangeLogWriter(Topics topics, int partitions, Producer<byte[], byte[]> producer) {
        this.topics = topics;
        this.partitions = partitions;
        this.producer = producer;
        this.ends = new long[partitions];
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
        // A lost answer is asked for again soon. A broker that stands still is waited for: giving
        // up inside a snapshot would cost the snapshot.
        config.put("request.timeout.ms", "10000");
        config.put("delivery.timeout.ms", Long.toString(BROKER_AWAY.toMillis()));
        config.put("max.block.ms", Long.toString(BROKER_AWAY.toMillis()));
        config.put("transaction.timeout.ms", Long.toString(TRANSACTION.toMillis()));
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

    /// Goes on behind what an earlier writer has written.
    void continueBehind(SourcePosition.Logged logged) {
        tablesAt = logged.tablesAt();
        begins = logged.changesBegins();
        for (int partition = 0; partition < logged.changesEnds().size(); partition++) {
            ends[partition] = logged.changesEnds().get(partition);
        }
    }

    /// @param tables the captured tables' facts, when the log doesn't hold them yet
    /// @param delivered the transactions in the log, with these events, that the source may not
    ///   show yet
    /// @param cursor where the capture is behind these events
    /// @return the position as it was written
    SourcePosition write(
            List<ChangeEvent> events,
            Optional<Map<TableId, PublishedTable>> tables,
            Set<Long> delivered,
            SourcePosition.Cursor cursor)
            throws InterruptedException {
        producer.beginTransaction();
        for (ChangeEvent event : events) {
            send(event);
        }
        Optional<Future<RecordMetadata>> facts = tables.map(this::send);
        producer.flush();
        if (facts.isPresent()) {
            tablesAt = placed(facts.get()).offset();
        }
        return commit(cursor, delivered);
    }

    /// Commits what an earlier writer's transaction left open, by a transaction over the same
    /// partitions: its markers end both. What it writes says nothing new.
    ///
    /// @param changes partitions of the changes topic
    /// @return the position as it was written
    SourcePosition commitOpen(Set<Integer> changes, SourcePosition position)
            throws InterruptedException {
        continueBehind(position.logged());
        producer.beginTransaction();
        again(changes, new WatermarkNumber(position.generation(), position.watermark()));
        producer.flush();
        return commit(new SourcePosition.Cursor(position), position.logged().delivered());
    }

    /// Aborts what an earlier writer's transaction left open, by a transaction over the same
    /// partitions that is aborted.
    ///
    /// @param changes partitions of the changes topic
    /// @param position whether the position topic is one
    void abortOpen(Set<Integer> changes, boolean position) throws InterruptedException {
        producer.beginTransaction();
        again(changes, WatermarkNumber.none(0));
        if (position) {
            sent.add(
                    producer.send(
                            new ProducerRecord<>(topics.position(), 0, ABORT_KEY, new byte[0])));
        }
        producer.flush();
        for (Future<RecordMetadata> each : sent) {
            placed(each);
        }
        sent.clear();
        producer.abortTransaction();
    }

    private void again(Set<Integer> changes, WatermarkNumber number) {
        byte[] watermark = codec.encode(new ChangeEvent.Watermark(Origin.NONE, number));
        changes.forEach(partition -> send(partition, new byte[0], watermark));
    }

    /// Everything of the transaction is acknowledged before the position is sent.
    private SourcePosition commit(SourcePosition.Cursor cursor, @Nullable Set<Long> delivered)
            throws InterruptedException {
        for (Future<RecordMetadata> each : sent) {
            RecordMetadata record = placed(each);
            ends[record.partition()] = Math.max(ends[record.partition()], record.offset() + 1);
        }
        sent.clear();
        SourcePosition written =
                cursor.position(
                        new SourcePosition.Logged(
                                tablesAt, begins, Arrays.stream(ends).boxed().toList(), delivered));
        Future<RecordMetadata> position =
                producer.send(
                        new ProducerRecord<>(
                                topics.position(), 0, POSITION_KEY, positions.encode(written)));
        // The client's sender looks for unsent records before it looks for a commit: asked for in
        // between, the commit would leave the position out.
        producer.flush();
        placed(position);
        producer.commitTransaction();
        return written;
    }

    private Future<RecordMetadata> send(Map<TableId, PublishedTable> tables) {
        return producer.send(
                new ProducerRecord<>(
                        topics.position(), 0, TABLES_KEY, publishedTables.encode(tables)));
    }

    private static RecordMetadata placed(Future<RecordMetadata> sent) throws InterruptedException {
        try {
            return sent.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof KafkaException refused) {
                throw refused;
            }
            throw new KafkaException("a record of the log was not written", e.getCause());
        }
    }

    /// Whether a record of the position topic is a position.
    static boolean isPosition(byte @Nullable [] key) {
        return Arrays.equals(key, POSITION_KEY);
    }

    private void send(int partition, byte[] key, byte[] value) {
        sent.add(producer.send(new ProducerRecord<>(topics.changes(), partition, key, value)));
    }

    private void send(ChangeEvent event) {
        byte[] value = codec.encode(event);
        switch (event) {
            case ChangeEvent.OfRow change -> {
                byte[] key = change.row().key().bytes();
                send(partition(key), key, value);
            }
            case ChangeEvent.Truncate truncate ->
                    everywhere(RowKey.of(truncate.table()).bytes(), value);
            case ChangeEvent.Watermark _ -> everywhere(new byte[0], value);
        }
    }

    private void everywhere(byte[] key, byte[] value) {
        for (int partition = 0; partition < partitions; partition++) {
            send(partition, key, value);
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
