package dev.millrace.capture;

import dev.millrace.backfill.BackfillState.Fact;
import dev.millrace.backfill.codec.ProgressCodec;
import dev.millrace.capture.position.PositionCodec;
import dev.millrace.capture.position.PublishedTablesCodec;
import dev.millrace.capture.position.SourcePosition;
import dev.millrace.change.BlockCodec;
import dev.millrace.change.ChangeBlock;
import dev.millrace.change.ChangeEvent;
import dev.millrace.change.ChangeEvent.Origin;
import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import dev.millrace.change.TableId;
import dev.millrace.change.Topics;
import dev.millrace.change.WatermarkNumber;
import dev.millrace.kafka.KafkaClients;
import dev.millrace.lifecycle.PausePoint;
import dev.millrace.postgres.PublishedTable;
import dev.millrace.trace.Traces;
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
import java.util.function.Function;
import java.util.function.IntFunction;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.utils.Utils;
import org.jspecify.annotations.Nullable;

/// Writes one batch of the engine, its watermarks and the position after it as one Kafka
/// transaction. The transactional id is the migration's, so opening a writer fences every earlier
/// one: a capture that was frozen with a full buffer can write nothing after it wakes. Every
/// failure is final for the writer; the source sends again what was not committed. Not thread-safe;
/// confined to the capture thread.
final class ChangeLogWriter implements AutoCloseable {

    private static final byte[] POSITION_KEY = "position".getBytes(StandardCharsets.UTF_8);
    private static final byte[] ABORT_KEY = "abort".getBytes(StandardCharsets.UTF_8);
    private static final byte[] TABLES_KEY = "tables".getBytes(StandardCharsets.UTF_8);
    private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(5);

    private final Topics topics;
    private final int partitions;
    private final Producer<byte[], byte[]> producer;
    private final BlockCodec codec = new BlockCodec();
    private final PositionCodec positions = new PositionCodec();
    private final PublishedTablesCodec publishedTables = new PublishedTablesCodec();
    private final List<Future<RecordMetadata>> sent = new ArrayList<>();
    private final Map<TableId, Function<Row, RowKey>> orders = new HashMap<>();
    private final long[] ends;

    /// The number of changes of rows in each partition since the generation began.
    private final long[] totals;

    private final ChangeBlock.Writer[] blocks;
    private final Traces.@Nullable Capture traces;
    private final ProgressCodec progressCodec = new ProgressCodec();
    private int generation;
    private long tablesAt = -1;
    private List<Long> begins = List.of();

    private ChangeLogWriter(CaptureSettings settings, Producer<byte[], byte[]> producer) {
        this.topics = settings.topics();
        this.partitions = settings.partitions();
        settings.tables().forEach(table -> orders.put(table.relation().id(), table.order()));
        this.producer = producer;
        this.ends = new long[partitions];
        this.totals = new long[partitions];
        this.blocks = new ChangeBlock.Writer[partitions];
        Traces installed = Traces.installed();
        this.traces = installed == null ? null : installed.capture(settings.migration());
    }

    static ChangeLogWriter open(CaptureSettings settings) {
        Producer<byte[], byte[]> producer =
                KafkaClients.transactionalProducer(
                        settings.kafka(), settings.topics().captureTransactionalId());
        try {
            producer.initTransactions();
        } catch (RuntimeException e) {
            producer.close(Duration.ZERO);
            throw e;
        }
        return new ChangeLogWriter(settings, producer);
    }

    /// Continues after what an earlier writer of the generation wrote.
    void continueAfter(int generation, SourcePosition.Logged logged) {
        this.generation = generation;
        tablesAt = logged.tablesAt();
        begins = logged.changesBegins();
        for (int partition = 0; partition < logged.changesEnds().size(); partition++) {
            ends[partition] = logged.changesEnds().get(partition);
        }
        for (int partition = 0; partition < partitions; partition++) {
            blocks[partition] = codec.changes(generation);
            totals[partition] =
                    partition < logged.changesTotals().size()
                            ? logged.changesTotals().get(partition)
                            : 0;
        }
    }

    /// What one Kafka transaction contains besides the position.
    ///
    /// @param progress what the events add to the progress of the backfill
    /// @param tables the facts of the captured tables, if the log does not contain them yet
    /// @param delivered the transactions in the log, including these events, that may not be
    ///   visible on the source yet
    record Batch(
            List<ChangeEvent> events,
            List<Fact> progress,
            Optional<Map<TableId, PublishedTable>> tables,
            Set<Long> delivered) {}

    /// @param cursor the position after the batch
    /// @return the position as it was written
    SourcePosition write(Batch batch, SourcePosition.Cursor cursor) throws InterruptedException {
        producer.beginTransaction();
        for (ChangeEvent event : batch.events()) {
            add(event);
        }
        sendBlocks();
        List<Future<RecordMetadata>> progress = batch.progress().stream().map(this::send).toList();
        Optional<Future<RecordMetadata>> facts = batch.tables().map(this::send);
        PausePoint.CHANGES_SENT.pass();
        producer.flush();
        for (Future<RecordMetadata> each : progress) {
            await(each);
        }
        if (facts.isPresent()) {
            tablesAt = await(facts.get()).offset();
        }
        return commit(cursor, batch.delivered());
    }

    /// Commits the transaction that an earlier writer left open, by a transaction over the same
    /// partitions: its markers end both. It repeats the last watermark and position.
    ///
    /// @param changes partitions of the changes topic
    /// @return the position as it was written
    SourcePosition commitOpen(Set<Integer> changes, SourcePosition position)
            throws InterruptedException {
        continueAfter(position.generation(), position.logged());
        producer.beginTransaction();
        addWatermark(changes, new WatermarkNumber(position.generation(), position.watermark()));
        producer.flush();
        return commit(new SourcePosition.Cursor(position), position.logged().delivered());
    }

    /// Aborts the transaction that an earlier writer left open, by aborting a transaction over the
    /// same partitions.
    ///
    /// @param changes partitions of the changes topic
    /// @param position whether the position topic is one of the partitions
    void abortOpen(Set<Integer> changes, boolean position) throws InterruptedException {
        producer.beginTransaction();
        addWatermark(changes, WatermarkNumber.none(0));
        if (position) {
            sent.add(
                    producer.send(
                            new ProducerRecord<>(topics.position(), 0, ABORT_KEY, new byte[0])));
        }
        producer.flush();
        for (Future<RecordMetadata> each : sent) {
            await(each);
        }
        sent.clear();
        producer.abortTransaction();
    }

    private void addWatermark(Set<Integer> changes, WatermarkNumber number) {
        ChangeEvent.Watermark watermark = new ChangeEvent.Watermark(Origin.NONE, number);
        changes.forEach(partition -> send(partition, codec.encode(watermark, totals[partition])));
    }

    /// Sends the position only after every other record of the transaction is acknowledged.
    private SourcePosition commit(SourcePosition.Cursor cursor, @Nullable Set<Long> delivered)
            throws InterruptedException {
        for (Future<RecordMetadata> each : sent) {
            RecordMetadata record = await(each);
            ends[record.partition()] = Math.max(ends[record.partition()], record.offset() + 1);
        }
        sent.clear();
        PausePoint.CHANGES_ACKNOWLEDGED.pass();
        SourcePosition written =
                cursor.position(
                        new SourcePosition.Logged(
                                tablesAt,
                                begins,
                                Arrays.stream(ends).boxed().toList(),
                                Arrays.stream(totals).boxed().toList(),
                                delivered));
        Future<RecordMetadata> position =
                producer.send(
                        new ProducerRecord<>(
                                topics.position(), 0, POSITION_KEY, positions.encode(written)));
        // The client's sender checks for unsent records before it checks for a commit. A commit
        // requested in between would exclude the position.
        producer.flush();
        await(position);
        PausePoint.POSITION_WRITTEN.pass();
        producer.commitTransaction();
        if (traces != null) {
            traces.committed();
        }
        return written;
    }

    private Future<RecordMetadata> send(Map<TableId, PublishedTable> tables) {
        return producer.send(
                new ProducerRecord<>(
                        topics.position(), 0, TABLES_KEY, publishedTables.encode(tables)));
    }

    private Future<RecordMetadata> send(Fact fact) {
        ProgressCodec.Stored stored = progressCodec.encode(generation, fact);
        return producer.send(
                new ProducerRecord<>(
                        topics.position(),
                        0,
                        stored.key().getBytes(StandardCharsets.UTF_8),
                        stored.value()
                                .map(value -> value.getBytes(StandardCharsets.UTF_8))
                                .orElse(null)));
    }

    /// Whether a record of the position topic is about the progress of the backfill.
    static boolean isProgress(byte @Nullable [] key) {
        return key != null && key.length > 0 && key[0] == '[';
    }

    private static RecordMetadata await(Future<RecordMetadata> sent) throws InterruptedException {
        try {
            return sent.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof KafkaException refused) {
                throw refused;
            }
            throw new KafkaException("A record was not written to the log", e.getCause());
        }
    }

    /// Whether a record of the position topic is a position.
    static boolean isPosition(byte @Nullable [] key) {
        return Arrays.equals(key, POSITION_KEY);
    }

    private void send(int partition, byte[] value) {
        sent.add(producer.send(new ProducerRecord<>(topics.changes(), partition, null, value)));
    }

    /// Adds a change to the block of its partition. An event of another kind goes to every
    /// partition, in its place.
    private void add(ChangeEvent event) {
        switch (event) {
            case ChangeEvent.OfRow change -> {
                int partition = partition(order(change.row()).bytes());
                if (blocks[partition].isFullFor(change.row())) {
                    sendBlock(partition);
                }
                blocks[partition].add(change);
                if (traces != null) {
                    traces.added(partition, change.origin());
                }
            }
            case ChangeEvent.Truncate truncate ->
                    sendToAll(partition -> codec.encode(truncate, totals[partition]));
            case ChangeEvent.Watermark watermark ->
                    sendToAll(partition -> codec.encode(watermark, totals[partition]));
            case ChangeEvent.BackfillComplete complete ->
                    sendToAll(partition -> codec.encode(complete, totals[partition]));
        }
    }

    private void sendToAll(IntFunction<byte[]> record) {
        sendBlocks();
        for (int partition = 0; partition < partitions; partition++) {
            send(partition, record.apply(partition));
        }
    }

    private void sendBlocks() {
        for (int partition = 0; partition < partitions; partition++) {
            if (blocks[partition].count() > 0) {
                sendBlock(partition);
            }
        }
    }

    private void sendBlock(int partition) {
        totals[partition] += blocks[partition].count();
        ProducerRecord<byte[], byte[]> block =
                new ProducerRecord<>(
                        topics.changes(),
                        partition,
                        null,
                        blocks[partition].take(totals[partition]));
        if (traces != null) {
            traces.sent(partition, block.headers());
        }
        sent.add(producer.send(block));
    }

    private RowKey order(Row row) {
        Function<Row, RowKey> order = orders.get(row.table());
        return order == null ? row.key() : order.apply(row);
    }

    private int partition(byte[] key) {
        return Utils.toPositive(Utils.murmur2(key)) % partitions;
    }

    @Override
    public void close() {
        producer.close(CLOSE_TIMEOUT);
    }
}
