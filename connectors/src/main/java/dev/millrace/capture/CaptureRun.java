package dev.millrace.capture;

import dev.millrace.backfill.BackfillState;
import dev.millrace.backfill.Windows;
import dev.millrace.capture.SourceCapture.SourceConnections;
import dev.millrace.capture.connection.StreamWatch;
import dev.millrace.capture.connector.SnapshotFetch;
import dev.millrace.capture.origin.ChangeOrigins;
import dev.millrace.capture.position.IncompleteKeys;
import dev.millrace.capture.position.LogEnds;
import dev.millrace.capture.position.PausedTables;
import dev.millrace.capture.position.PublicationGuard;
import dev.millrace.capture.position.SourceIdentityGuard;
import dev.millrace.capture.position.SourcePosition;
import dev.millrace.capture.position.SourcePosition.SourceLostException;
import dev.millrace.capture.position.StartPlan;
import dev.millrace.change.Lsn;
import dev.millrace.change.RowKey;
import dev.millrace.change.TableId;
import dev.millrace.kafka.TopicReader;
import dev.millrace.postgres.Catalog;
import dev.millrace.postgres.Database.DatabaseFailure;
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
import java.util.List;
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

/// One run of the engine, from fencing earlier captures to its end. The order matters: opening the
/// writer fences every earlier capture, so that none can commit any more; then the transactions
/// that they left open are ended; only then the position is read and the slot is taken over. `run`
/// is called once; `stop` may be called from any thread.
final class CaptureRun {

    /// Receives the progress of the run on the engine's thread.
    interface Listener {
        /// Called on another thread.
        ///
        /// @param waitsFor the transactions that block the start, if any, and what to do
        /// @return false if the start is over
        boolean waiting(Optional<String> waitsFor);

        void snapshotting();

        void streaming();

        /// @param position the position in the log, or the beginning of a new generation whose
        ///   progress of the backfill is read
        void startingAt(SourcePosition position);

        /// @param events number of events that the batch added to the log
        /// @param origins of the changes of the batch, including those that were dropped
        void committed(SourcePosition position, int events, ChangeOrigins origins);
    }

    /// Where rows that are read beside the stream enter the log, and what the log contains of them.
    ///
    /// @param paused tables whose definition has changed on the source
    record BackfillAccess(
            Windows windows, BackfillState state, IncompleteKeys incomplete, PausedTables paused) {}

    static final Duration LOG_TIMEOUT = TopicReader.TIMEOUT;

    private final CaptureSettings settings;
    private final SourceConnections connections;
    private final DeliveredTransactions delivered;
    private final SourceIdentityGuard identity;
    private final BackfillAccess backfill;
    private final Listener listener;
    private final PositionLog positions;
    private final LogEnds logEnds;
    private final AtomicReference<@Nullable DebeziumEngine<?>> engine = new AtomicReference<>();
    private final CountDownLatch ended = new CountDownLatch(1);
    private @Nullable SortedMap<TableId, PublishedTable> beforeSlot;
    private volatile boolean stopRequested;

    CaptureRun(
            CaptureSettings settings,
            SourceConnections connections,
            DeliveredTransactions delivered,
            SourceIdentityGuard identity,
            BackfillAccess backfill,
            Listener listener) {
        this.settings = settings;
        this.connections = connections;
        this.delivered = delivered;
        this.identity = identity;
        this.backfill = backfill;
        this.listener = listener;
        TopicReader log = new TopicReader(settings.kafka(), LOG_TIMEOUT);
        this.positions = new PositionLog(log, settings.topics().position());
        this.logEnds = new LogEnds(log, settings.topics(), settings.partitions());
    }

    /// Runs until it is stopped or fails.
    ///
    /// @throws SourceLostException if the source does not continue where the log ends
    /// @throws SnapshotInterruptedException if the log contains an incomplete snapshot
    void run() throws Exception {
        try {
            if (!stopRequested) {
                // Without a broker, opening the writer would block for minutes without an error.
                positions.requireAnswer();
                capture();
            }
        } finally {
            backfill.windows().discard();
            ended.countDown();
        }
    }

    private void capture() throws Exception {
        try (ChangeLogWriter writer = ChangeLogWriter.open(settings);
                StartWaits _ = StartWaits.watch(connections, settings, listener::waiting)) {
            Optional<SourcePosition> position =
                    new OpenTransactionRecovery(settings.migration(), positions, logEnds)
                            .recover(writer);
            identity.requireNotOlder(position);
            position.ifPresent(identity::recordWritten);
            SourcePosition start = prepare(position);
            writer.continueAfter(start.generation(), start.logged());
            SourcePosition.Cursor cursor = new SourcePosition.Cursor(start);
            Optional<Lsn> resumeAt =
                    start.streaming() ? Optional.of(start.boundary()) : Optional.empty();
            positions.readBackfill(backfill.state());
            backfill.incomplete().begin(neededKeys());
            listener.startingAt(start);
            try (PublicationWatch publication = openPublicationWatch(start)) {
                if (start.streaming()) {
                    publication.requireUnaltered(start.boundary());
                }
                // After the first check of the publication, which detects every later ALTER.
                boolean begins =
                        position.map(SourcePosition::generation).orElse(0) != settings.generation();
                CaptureSettings current = begins ? withCurrentColumns() : settings;
                int rowsPerFetch = start.streaming() ? SnapshotFetch.MOST_ROWS : rowsPerFetch();
                runEngine(
                        EngineProperties.of(current, resumeAt, rowsPerFetch),
                        start.streaming(),
                        new CapturedBatches(
                                current,
                                new CapturedBatches.OpenLog(writer, cursor, publication),
                                new CapturedBatches.Memory(delivered, identity),
                                new WindowedRows(current, backfill),
                                listener));
            }
        }
    }

    private Set<RowKey> neededKeys() {
        return tables().stream()
                .flatMap(table -> backfill.state().needs(table, Integer.MAX_VALUE).stream())
                .collect(Collectors.toSet());
    }

    /// The tables with their current columns: the snapshot's SELECT must match what the engine
    /// reads from the catalog.
    private CaptureSettings withCurrentColumns() throws SQLException {
        try (Connection connection = connections.open("capture")) {
            Map<TableId, Relation> now = Catalog.ofSource(connection).relations(tables());
            return settings.with(
                    settings.tables().stream()
                            .map(table -> table.withColumnsOf(now.get(table.relation().id())))
                            .toList());
        }
    }

    private int rowsPerFetch() throws SQLException {
        try (Connection connection = connections.open("capture")) {
            return SnapshotFetch.rows(connection, tables(), Runtime.getRuntime().maxMemory());
        }
    }

    private PublicationWatch openPublicationWatch(SourcePosition start) throws SQLException {
        SortedMap<TableId, PublishedTable> known = positions.tables(start);
        if (!known.isEmpty()) {
            return new PublicationWatch(
                    connections,
                    settings.publication(),
                    start.publication(),
                    known,
                    true,
                    backfill.paused());
        }
        try (Connection connection = connections.open("capture")) {
            return new PublicationWatch(
                    connections,
                    settings.publication(),
                    start.publication(),
                    beforeSlot != null
                            ? beforeSlot
                            : PublicationWatch.requireTables(connection, tables()),
                    false,
                    backfill.paused());
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
                    settings.slot(),
                    text(connection, "SELECT current_database()"))) {
                case StartPlan.Fresh _ -> {
                    requireSameHistory(connection);
                    requireNothingLogged();
                    if (slot.isPresent()) {
                        ReplicationSlot.release(connection, slot.get());
                        ReplicationSlot.drop(connection, settings.slot());
                    }
                    // Before the first log, a publication of the name may be another's.
                    yield begin(
                            connection,
                            settings.generation() == 1
                                    ? PublicationGuard.ensure(
                                            connection, settings.publication(), tables())
                                    : PublicationGuard.renew(
                                            connection, settings.publication(), tables()));
                }
                case StartPlan.Resume(SourcePosition last) -> {
                    requireSameHistory(connection);
                    requireNotRestored(connection, last);
                    logEnds.requireComplete(last);
                    // A table may have another name at the moment: its changes are not lost.
                    if (last.publication().isEmpty()) {
                        PublicationGuard.ensure(connection, settings.publication(), tables());
                    }
                    PublicationGuard.requireUnaltered(
                            connection, settings.publication(), last.publication());
                    if (slot.isPresent()) {
                        ReplicationSlot.release(connection, slot.get());
                    }
                    yield last;
                }
                case StartPlan.Interrupted _ ->
                        throw new SnapshotInterruptedException(
                                "The log contains an incomplete snapshot.");
                case StartPlan.Lost(String reason) -> throw new SourceLostException(reason);
            };
        }
    }

    /// Where a new generation begins. The publication must exist before the slot.
    private SourcePosition begin(Connection connection, String publication) throws SQLException {
        List<Long> begins = logEnds.changesEnds();
        // An ALTER while the creation of the slot waits is detected by comparison with these.
        beforeSlot = PublicationWatch.requireTables(connection, tables());
        return switch (settings.backfill()) {
            case ENGINE ->
                    SourcePosition.beforeSnapshot(settings.generation(), publication, begins);
            case WINDOWS ->
                    SourcePosition.beforeStream(
                            settings.generation(),
                            ReplicationSlot.create(
                                    connection,
                                    settings.slot(),
                                    Boolean.parseBoolean(settings.debezium().get("slot.failover"))),
                            publication,
                            begins);
        };
    }

    /// A position is written in the same Kafka transaction as its changes, so the log of a fresh
    /// generation must be empty.
    private void requireNothingLogged() {
        if (logEnds.contains(settings.generation())) {
            throw new SourceLostException(
                    "The position topic contains no record of generation "
                            + settings.generation()
                            + ", but the changes topic does: the broker lost the positions.");
        }
    }

    /// The transactions that earlier runs of this generation delivered and that may not be visible
    /// on the source yet; `null` if their log does not contain them.
    private @Nullable Set<Long> delivered(Optional<SourcePosition> position) {
        return position.isPresent() && position.get().generation() == settings.generation()
                ? position.get().logged().delivered()
                : Set.of();
    }

    /// Requires the server and timeline of the process's first run, also for a fresh generation.
    private void requireSameHistory(Connection connection) {
        Server.Facts facts = new Server(connection).facts();
        identity.requireSameHistory(
                facts.systemIdentifier().orElse("unknown") + " " + facts.timeline());
    }

    private static void requireNotRestored(Connection connection, SourcePosition last)
            throws SQLException {
        Lsn end = Lsn.parse(text(connection, "SELECT pg_current_wal_flush_lsn()::text"));
        if (end.compareTo(last.boundary()) < 0) {
            throw new SourceLostException(
                    "The source's WAL ends at "
                            + end
                            + ", before position "
                            + last.boundary()
                            + " in the log. The source was restored to an earlier point in time.");
        }
    }

    private TreeSet<TableId> tables() {
        return settings.tables().stream()
                .map(table -> table.relation().id())
                .collect(Collectors.toCollection(TreeSet::new));
    }

    /// @param streams whether the run takes no snapshot
    private void runEngine(Properties properties, boolean streams, CapturedBatches batches)
            throws Exception {
        AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
        AtomicReference<@Nullable SQLException> lost = new AtomicReference<>();
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
            try (var _ =
                    StreamWatch.start(
                            () -> connections.open("probe"),
                            settings.slot(),
                            () ->
                                    batches.isStreaming()
                                            ? StreamWatch.Use.STREAMING
                                            : streams
                                                    ? StreamWatch.Use.STARTING
                                                    : StreamWatch.Use.NONE,
                            reason -> {
                                // What has ended the stream before is the cause.
                                if (batches.failure() == null) {
                                    lost.set(reason);
                                }
                                closeUntilEnded(created);
                            })) {
                created.run();
            }
        }
        Throwable cause = batches.failure() != null ? batches.failure() : failure.get();
        if (lost.get() != null) {
            cause = lost.get();
        }
        if (cause instanceof InterruptedException && !stopRequested) {
            throw new IllegalStateException("The engine was interrupted.", cause);
        }
        if (cause instanceof Exception exception) {
            throw exception;
        }
        if (cause instanceof Error error) {
            throw error;
        }
        if (!stopRequested) {
            throw new IllegalStateException("The engine stopped without an error.");
        }
    }

    /// Stops the run from another thread and waits for its end. The engine interrupts a batch that
    /// waits for the broker.
    void stop(Duration timeout) throws InterruptedException {
        stopRequested = true;
        long deadline = System.nanoTime() + timeout.toNanos();
        while (System.nanoTime() < deadline) {
            DebeziumEngine<?> running = engine.get();
            Thread.ofVirtual()
                    .start(running == null ? this::cancelSlotCreation : () -> close(running))
                    .join(Duration.ofNanos(Math.max(0, deadline - System.nanoTime())));
            if (ended.await(100, TimeUnit.MILLISECONDS)) {
                return;
            }
        }
    }

    /// The end of the engine interrupts this thread.
    private void closeUntilEnded(DebeziumEngine<?> running) {
        try {
            do {
                close(running);
            } while (!ended.await(100, TimeUnit.MILLISECONDS));
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    private void close(DebeziumEngine<?> running) {
        try {
            running.close();
        } catch (IllegalStateException | IOException _) {
            // The engine refuses to close while its tasks start or stop, so `stop` retries. The
            // creation of a slot may wait for hours.
            cancelSlotCreation();
        }
    }

    private void cancelSlotCreation() {
        try (Connection connection = connections.open("capture")) {
            Optional<ReplicationSlot> slot = ReplicationSlot.find(connection, settings.slot());
            if (slot.isPresent() && slot.get().confirmedFlush().isEmpty()) {
                ReplicationSlot.release(connection, slot.get());
            }
        } catch (SQLException | DatabaseFailure _) {
            // An unreachable source ends the wait anyway.
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

    /// A snapshot cannot be completed; a new generation must begin.
    static final class SnapshotInterruptedException extends RuntimeException {

        private static final long serialVersionUID = 1L;

        SnapshotInterruptedException(String reason) {
            super(reason);
        }
    }
}
