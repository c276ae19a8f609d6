package dev.millrace.reconcile;

import dev.millrace.change.ChangeEvent;
import dev.millrace.change.ChangeEvent.Origin;
import dev.millrace.change.Lsn;
import dev.millrace.change.Row;
import dev.millrace.change.Topics;
import dev.millrace.change.WatermarkNumber;
import dev.millrace.kafka.Broker;
import dev.millrace.mapping.Mapping;
import dev.millrace.reconcile.TinyTarget.Placed;
import dev.millrace.retention.LogHolds;
import dev.millrace.testing.Blocks;
import dev.millrace.testing.KafkaServer;
import dev.millrace.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.LongPredicate;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;

/// A small replication stream of one mapping with real servers: PostgreSQL, the changes topic, and
/// an applier that stores its position with the rows. The test writes through it, so the stream
/// knows the changes of each commit without decoding WAL. Writes and watermarks take one lock, so
/// that the queue has the order of the commits.
final class TinyReplicationProgress implements ReplicationProgress, AutoCloseable {

    static final int PARTITIONS = 2;

    private static final int GENERATION = 1;
    private static final int MAX_PENDING = 10;

    private final TestDatabase source;
    private final TinyTarget target;
    private final Topics topics;
    private final Mapping mapping;
    private final KafkaProducer<byte[], byte[]> producer;
    private final LinkedBlockingQueue<List<ChangeEvent>> committed = new LinkedBlockingQueue<>();
    private final LinkedBlockingQueue<Placed> logged = new LinkedBlockingQueue<>();
    private final Map<Integer, Long> ends = new ConcurrentHashMap<>();
    private final Set<Long> delivered = ConcurrentHashMap.newKeySet();
    private final Set<Thread> threads;
    private final Object writing = new Object();
    private final Object applying = new Object();
    private Runnable afterWatermark = () -> {};
    private Predicate<ChangeEvent> applied = _ -> true;
    private boolean paused;
    private long appliedWatermark;
    private volatile Map<Integer, Long> begins = Map.of();
    private volatile boolean allDelivered;
    private volatile Duration timeout = Duration.ofSeconds(60);
    private volatile @Nullable Exception failure;

    TinyReplicationProgress(
            TestDatabase source, TestDatabase target, Topics topics, Mapping mapping) {
        this.source = source;
        this.topics = topics;
        this.mapping = mapping;
        createTopic();
        producer =
                new KafkaProducer<>(
                        Map.of(
                                "bootstrap.servers", KafkaServer.shared().bootstrapServers(),
                                "transactional.id", topics.captureTransactionalId(),
                                "linger.ms", 0),
                        new ByteArraySerializer(),
                        new ByteArraySerializer());
        producer.initTransactions();
        IntStream.range(0, PARTITIONS).forEach(partition -> ends.put(partition, 0L));
        this.target = new TinyTarget(target, topics, PARTITIONS, mapping);
        threads =
                Set.of(
                        Thread.ofVirtual().start(() -> loop(this::capture)),
                        Thread.ofVirtual().start(() -> loop(this::apply)));
    }

    /// Runs one statement in its own transaction.
    ///
    /// @param after the rows after the statement's changes
    void write(String sql, Row... after) {
        write(sql, origin -> updates(origin, after));
    }

    void delete(String sql, Row before) {
        write(sql, origin -> List.of(new ChangeEvent.Delete(GENERATION, origin, before)));
    }

    /// Makes a change on the source that never reaches the log.
    void writeUnlogged(String sql) {
        source.execute(sql);
    }

    /// Makes a commit that is in the log but not visible on the source until the result is closed.
    AutoCloseable writeInvisibly(String sql, Row... after) {
        try {
            Connection connection = source.connect();
            connection.setAutoCommit(false);
            synchronized (writing) {
                committed.add(updates(origin(connection, sql), after));
            }
            return () -> {
                connection.commit();
                connection.close();
            };
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    void truncate(String sql) {
        write(
                sql,
                origin ->
                        List.of(new ChangeEvent.Truncate(GENERATION, origin, mapping.source(), 1)));
    }

    /// Waits until the applier has few changes left, so that a writer does not outrun it.
    void throttle() {
        synchronized (applying) {
            while (failure == null && committed.size() + logged.size() > MAX_PENDING) {
                waitForApplier(10);
            }
        }
    }

    interface Events {
        List<ChangeEvent> of(Origin origin);
    }

    void write(String sql, Events events) {
        synchronized (writing) {
            try (Connection connection = source.connect()) {
                connection.setAutoCommit(false);
                Origin origin = origin(connection, sql);
                connection.commit();
                committed.add(events.of(origin));
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    /// Waits until everything written so far is applied.
    void catchUp() {
        Marked mark = emit();
        if (awaitApplied(mark.number(), new Cancellation())
                instanceof Wait.GivenUp(String reason)) {
            throw new AssertionError(reason);
        }
    }

    void afterEachWatermark(Runnable action) {
        afterWatermark = action;
    }

    void applyOnly(Predicate<ChangeEvent> wanted) {
        synchronized (applying) {
            applied = wanted;
        }
    }

    void pauseApplying(boolean wanted) {
        synchronized (applying) {
            paused = wanted;
            applying.notifyAll();
        }
    }

    /// Reports every transaction as delivered, as if the transactions in the log were unknown.
    void reportEveryTransactionDelivered() {
        allDelivered = true;
    }

    void giveUpAfter(Duration timeout) {
        this.timeout = timeout;
    }

    /// Deletes the records of the log, like retention. The generation remains.
    void deleteRecords() {
        try (Broker broker =
                new Broker(Map.of("bootstrap.servers", KafkaServer.shared().bootstrapServers()))) {
            broker.deleteRecords(topics.changes(), PARTITIONS);
            ends.putAll(broker.ends(topics.changes(), PARTITIONS));
        }
    }

    /// Empties the log, like the start of a new generation.
    void beginGeneration() {
        try (Broker broker =
                new Broker(Map.of("bootstrap.servers", KafkaServer.shared().bootstrapServers()))) {
            broker.deleteRecords(topics.changes(), PARTITIONS);
            begins = broker.ends(topics.changes(), PARTITIONS);
        }
        ends.putAll(begins);
    }

    @Override
    public Map<Integer, Long> changesEnds() {
        return Map.copyOf(ends);
    }

    @Override
    public Marked emitWatermark() {
        Marked mark = emit();
        afterWatermark.run();
        return mark;
    }

    private Marked emit() {
        synchronized (writing) {
            try (Connection connection = source.connect()) {
                connection.setAutoCommit(false);
                Origin origin = origin(connection, "SELECT 1");
                connection.commit();
                var number = new WatermarkNumber(GENERATION, origin.transaction());
                committed.add(List.of(new ChangeEvent.Watermark(origin, number)));
                return new Marked(number, origin.lsn());
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    @Override
    public LogHolds.Hold holdLog() {
        return new LogHolds().hold();
    }

    @Override
    public Map<Integer, Long> changesBegins() {
        return begins;
    }

    @Override
    public Wait awaitApplied(WatermarkNumber watermark, Cancellation cancellation) {
        Instant deadline = Instant.now().plus(timeout);
        synchronized (applying) {
            while (appliedWatermark < watermark.number()) {
                long left = Duration.between(Instant.now(), deadline).toMillis();
                if (cancellation.isRequested()) {
                    return new Wait.GivenUp("cancelled");
                }
                if (failure != null) {
                    throw new IllegalStateException(failure);
                }
                if (left <= 0) {
                    return new Wait.GivenUp("the applier makes no progress");
                }
                waitForApplier(Math.min(left, 20));
            }
            return new Wait.Applied();
        }
    }

    @Override
    public LongPredicate delivered() {
        Set<Long> copy = Set.copyOf(delivered);
        return transaction -> allDelivered || copy.contains(transaction);
    }

    private void waitForApplier(long millis) {
        try {
            applying.wait(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    private static List<ChangeEvent> updates(Origin origin, Row... rows) {
        return Arrays.stream(rows)
                .<ChangeEvent>map(row -> new ChangeEvent.Update(GENERATION, origin, row))
                .toList();
    }

    private static Origin origin(Connection connection, String sql) throws SQLException {
        try (var statement = connection.createStatement()) {
            statement.execute(sql);
            try (var row =
                    statement.executeQuery(
                            "SELECT pg_current_xact_id()::text, pg_current_wal_lsn()::text")) {
                row.next();
                return new Origin(Lsn.parse(row.getString(2)), row.getLong(1), 0);
            }
        }
    }

    private interface Step {
        void run() throws SQLException, InterruptedException, ExecutionException;
    }

    private void loop(Step step) {
        try {
            while (!Thread.currentThread().isInterrupted()) {
                step.run();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (SQLException | ExecutionException | RuntimeException e) {
            failure = e;
        }
    }

    private void capture() throws InterruptedException, ExecutionException {
        List<ChangeEvent> events = committed.take();
        List<Placed> placed = new ArrayList<>();
        producer.beginTransaction();
        for (ChangeEvent event : events) {
            for (int partition : partitionsOf(event)) {
                var record =
                        new ProducerRecord<byte[], byte[]>(
                                topics.changes(), partition, null, Blocks.record(event, 0));
                placed.add(new Placed(partition, producer.send(record).get().offset(), event));
            }
        }
        producer.commitTransaction();
        placed.forEach(one -> ends.merge(one.partition(), one.offset() + 1, Math::max));
        for (ChangeEvent event : events) {
            if (event instanceof ChangeEvent.OfRow row) {
                delivered.add(row.origin().transaction());
            }
        }
        logged.addAll(placed);
    }

    private static List<Integer> partitionsOf(ChangeEvent event) {
        return event instanceof ChangeEvent.OfRow of
                ? List.of(Math.floorMod(of.row().key().hashCode(), PARTITIONS))
                : IntStream.range(0, PARTITIONS).boxed().toList();
    }

    private void apply() throws InterruptedException, SQLException {
        Placed next = logged.take();
        synchronized (applying) {
            while (paused) {
                applying.wait();
            }
            target.take(next, applied);
            if (next.event() instanceof ChangeEvent.Watermark mark
                    && next.partition() == PARTITIONS - 1) {
                appliedWatermark = mark.watermark().number();
            }
            applying.notifyAll();
        }
    }

    private void createTopic() {
        Map<String, Object> config =
                Map.of("bootstrap.servers", KafkaServer.shared().bootstrapServers());
        try (Admin admin = Admin.create(config)) {
            admin.createTopics(List.of(new NewTopic(topics.changes(), PARTITIONS, (short) 1)))
                    .all()
                    .get();
        } catch (InterruptedException | ExecutionException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        threads.forEach(Thread::interrupt);
        producer.close(Duration.ofSeconds(1));
    }
}
