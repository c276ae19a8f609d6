package dev.millrace.capture;

import dev.millrace.capture.SourceCapture.SourceConnections;
import dev.millrace.capture.position.SourcePosition;
import dev.millrace.capture.position.SourcePosition.SourceLostException;
import dev.millrace.change.Lsn;
import dev.millrace.change.TableId;
import dev.millrace.kafka.LogReader;
import dev.millrace.postgres.Catalog;
import dev.millrace.postgres.PublishedTable;
import dev.millrace.postgres.ReplicationSlot;
import dev.millrace.postgres.RunningTransactions;
import dev.millrace.postgres.Server;
import dev.millrace.sql.Relation;
import io.debezium.embedded.Connect;
import io.debezium.engine.DebeziumEngine;
import io.debezium.engine.RecordChangeEvent;
import io.debezium.engine.format.ChangeEventFormat;
import java.io.IOException;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import org.apache.kafka.connect.source.SourceRecord;
import org.jspecify.annotations.Nullable;

/// One life of the engine, from fencing older captures to its end. Its order matters: the writer is
/// opened first, so that no older capture can commit any more; then what such a one left open is
/// ended; only then is the position read and the slot taken.
final class CaptureRun {

    /// What the supervisor is told, from the engine's thread.
    interface Listener {
        /// From another thread.
        ///
        /// @param waitsFor what the source makes the start wait for, empty when nothing
        /// @return false when the start is over
        boolean waiting(Optional<String> waitsFor);

        void snapshotting();

        void streaming();

        /// @param position the log's, or where a new generation begins
        void startingAt(SourcePosition position);

        void committed(SourcePosition position, int events);
    }

    static final Duration LOG_TIMEOUT = Duration.ofSeconds(20);

    private final CaptureSettings settings;
    private final SourceConnections connections;
    private final DeliveredTransactions delivered;
    private final SourceIdentityGuard continuity;
    private final Listener listener;
    private final PositionLog positions;
    private final LogEnds reach;
    private final AtomicReference<@Nullable DebeziumEngine<?>> engine = new AtomicReference<>();
    private final CountDownLatch ended = new CountDownLatch(1);
    private volatile boolean stopRequested;

    CaptureRun(
            CaptureSettings settings,
            SourceConnections connections,
            DeliveredTransactions delivered,
            SourceIdentityGuard continuity,
            Listener listener) {
        this.settings = settings;
        this.connections = connections;
        this.delivered = delivered;
        this.continuity = continuity;
        this.listener = listener;
        LogReader log = new LogReader(settings.kafka(), LOG_TIMEOUT);
        this.positions = new PositionLog(log, settings.topics().position());
        this.reach = new LogEnds(log, settings.topics(), settings.partitions());
    }

    /// Runs until it is stopped or fails.
    ///
    /// @throws SourceLostException when the source doesn't continue where the log ends
    /// @throws SnapshotInterruptedException when the log holds half a snapshot
    void run() throws Exception {
        try {
            if (!stopRequested) {
                // Opening the writer would wait for a broker for minutes and say nothing.
                positions.requireAnswer();
                capture();
            }
        } finally {
            ended.countDown();
        }
    }

    private void capture() throws Exception {
        try (ChangeLogWriter writer =
                        ChangeLogWriter.open(
                                settings.topics(), settings.partitions(), settings.kafka());
                StartWaits _ = StartWaits.watch(connections, settings, listener::waiting)) {
            Optional<SourcePosition> position =
                    new OpenTransactionRecovery(settings.migration(), positions, reach)
                            .settle(writer);
            continuity.requireNotBehind(position);
            position.ifPresent(continuity::logged);
            SourcePosition start = prepare(position);
            writer.continueBehind(start.logged());
            SourcePosition.Cursor cursor = new SourcePosition.Cursor(start);
            Optional<Lsn> resumeAt =
                    start.streaming() ? Optional.of(start.boundary()) : Optional.empty();
            listener.startingAt(start);
            try (PublicationWatch publication = watch(start)) {
                if (start.streaming()) {
                    publication.requireUnaltered(start.boundary());
                }
                // Behind the watch's first look, which knows what is altered from then on.
                CaptureSettings now = start.streaming() ? settings : asTheyAre();
                int rowsPerFetch = start.streaming() ? SnapshotFetch.MOST_ROWS : rowsPerFetch();
                runEngine(
                        EngineProperties.of(now, resumeAt, rowsPerFetch),
                        new CapturedBatches(
                                now,
                                connections,
                                delivered,
                                continuity,
                                listener,
                                writer,
                                cursor,
                                publication));
            }
        }
    }

    /// The tables with the columns they have now: what the snapshot selects must be what the engine
    /// sees.
    private CaptureSettings asTheyAre() throws SQLException {
        try (Connection connection = connections.open("capture")) {
            Map<TableId, Relation> now = Catalog.ofSource(connection).relations(tables());
            return settings.with(
                    settings.tables().stream()
                            .map(table -> table.asItIs(now.get(table.relation().id())))
                            .toList());
        }
    }

    private int rowsPerFetch() throws SQLException {
        try (Connection connection = connections.open("capture")) {
            return SnapshotFetch.rows(connection, tables(), Runtime.getRuntime().maxMemory());
        }
    }

    private PublicationWatch watch(SourcePosition start) throws SQLException {
        SortedMap<TableId, PublishedTable> known = positions.tables(start);
        if (!known.isEmpty()) {
            return new PublicationWatch(
                    connections, settings.publication(), start.publication(), known, true);
        }
        try (Connection connection = connections.open("capture")) {
            return new PublicationWatch(
                    connections,
                    settings.publication(),
                    start.publication(),
                    PublicationWatch.first(connection, tables()),
                    false);
        }
    }

    private SourcePosition prepare(Optional<SourcePosition> position) throws SQLException {
        try (Connection connection = connections.open("capture")) {
            Optional<ReplicationSlot> slot = ReplicationSlot.find(connection, settings.slot());
            delivered.begin(RunningTransactions.read(connection), delivered(position));
            return switch (StartPlan.of(
                    settings.generation(),
                    position,
                    slot,
                    text(connection, "SELECT current_database()"))) {
                case StartPlan.Fresh _ -> {
                    requireSameHistory(connection);
                    requireNothingLogged();
                    if (slot.isPresent()) {
                        ReplicationSlot.release(connection, slot.get());
                        ReplicationSlot.drop(connection, settings.slot());
                    }
                    yield SourcePosition.beforeSnapshot(
                            settings.generation(),
                            Publication.ensure(connection, settings.publication(), tables()),
                            reach.changesEnds());
                }
                case StartPlan.Resume(SourcePosition last) -> {
                    requireSameHistory(connection);
                    requireNotBefore(connection, last);
                    reach.requireWhole(last);
                    Publication.ensure(connection, settings.publication(), tables());
                    Publication.requireUnaltered(
                            connection, settings.publication(), last.publication());
                    if (slot.isPresent()) {
                        ReplicationSlot.release(connection, slot.get());
                    }
                    yield last;
                }
                case StartPlan.Interrupted _ ->
                        throw new SnapshotInterruptedException("the log holds half a snapshot");
                case StartPlan.Lost(String reason) -> throw new SourceLostException(reason);
            };
        }
    }

    /// A position is written in the same Kafka transaction as the changes, so the log of a fresh
    /// generation is empty.
    private void requireNothingLogged() {
        if (reach.holds(settings.generation())) {
            throw new SourceLostException(
                    "the position topic holds nothing of generation "
                            + settings.generation()
                            + ", but the changes topic does: the broker lost the positions");
        }
    }

    /// The transactions that former runs of this generation delivered and that the source may not
    /// show yet, `null` when their log doesn't say.
    private @Nullable Set<Long> delivered(Optional<SourcePosition> position) {
        return position.isPresent() && position.get().generation() == settings.generation()
                ? position.get().logged().delivered()
                : Set.of();
    }

    /// The same server in the same history as at the first run of this process, a fresh one too.
    private void requireSameHistory(Connection connection) {
        Server.Facts facts = new Server(connection).facts();
        continuity.requireSameHistory(
                facts.systemIdentifier().orElse("unknown") + " " + facts.timeline());
    }

    private static void requireNotBefore(Connection connection, SourcePosition last)
            throws SQLException {
        Lsn end = Lsn.parse(text(connection, "SELECT pg_current_wal_flush_lsn()::text"));
        if (end.compareTo(last.boundary()) < 0) {
            throw new SourceLostException(
                    "the source's WAL ends at "
                            + end
                            + ", before "
                            + last.boundary()
                            + " which the log holds: it went back in time");
        }
    }

    private TreeSet<TableId> tables() {
        return settings.tables().stream()
                .map(table -> table.relation().id())
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private void runEngine(Properties properties, CapturedBatches batches) throws Exception {
        AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
        DebeziumEngine<RecordChangeEvent<SourceRecord>> created =
                DebeziumEngine.create(ChangeEventFormat.of(Connect.class))
                        .using(properties)
                        .using(
                                (success, message, error) -> {
                                    if (!success) {
                                        failure.compareAndSet(
                                                null,
                                                error != null
                                                        ? error
                                                        : new IllegalStateException(message));
                                    }
                                })
                        .notifying(batches)
                        .build();
        engine.set(created);
        if (!stopRequested) {
            created.run();
        }
        Throwable cause = batches.failure() != null ? batches.failure() : failure.get();
        if (cause instanceof InterruptedException && !stopRequested) {
            throw new IllegalStateException("the engine gave up a wait of its own", cause);
        }
        if (cause instanceof Exception exception) {
            throw exception;
        }
        if (cause instanceof Error error) {
            throw error;
        }
        if (!stopRequested) {
            throw new IllegalStateException("the engine ended without a reason");
        }
    }

    /// Ends the run from another thread and waits for its end. The engine interrupts a batch that
    /// waits for the broker.
    void stop(Duration timeout) throws InterruptedException {
        stopRequested = true;
        long deadline = System.nanoTime() + timeout.toNanos();
        while (System.nanoTime() < deadline) {
            DebeziumEngine<?> running = engine.get();
            if (running != null) {
                Thread.ofVirtual()
                        .start(() -> close(running))
                        .join(Duration.ofNanos(Math.max(0, deadline - System.nanoTime())));
            }
            if (ended.await(100, TimeUnit.MILLISECONDS)) {
                return;
            }
        }
    }

    private void close(DebeziumEngine<?> running) {
        try {
            running.close();
        } catch (IllegalStateException | IOException _) {
            // The engine refuses while its tasks start and once it is stopping: it is asked again
            // until it has ended. A slot that is being made may wait for hours.
            breakOffSlot();
        }
    }

    private void breakOffSlot() {
        try (Connection connection = connections.open("capture")) {
            Optional<ReplicationSlot> slot = ReplicationSlot.find(connection, settings.slot());
            if (slot.isPresent() && slot.get().confirmedFlush().equals(Lsn.ZERO)) {
                ReplicationSlot.release(connection, slot.get());
            }
        } catch (SQLException _) {
            // A source that is away ends the wait by itself.
            return;
        }
    }

    private static String text(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            row.next();
            return row.getString(1);
        }
    }

    /// The rows of a snapshot can't be completed: a new generation has to begin.
    static final class SnapshotInterruptedException extends RuntimeException {

        private static final long serialVersionUID = 1L;

        SnapshotInterruptedException(String reason) {
            super(reason);
        }
    }
}
