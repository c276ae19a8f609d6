package dev.millrace.source;

import dev.millrace.change.ChangeEvent;
import dev.millrace.change.Lsn;
import dev.millrace.change.TableId;
import dev.millrace.change.WatermarkNumber;
import dev.millrace.postgres.Catalog;
import dev.millrace.postgres.Server;
import dev.millrace.select.Relation;
import dev.millrace.source.Decoded.What;
import io.debezium.embedded.Connect;
import io.debezium.engine.DebeziumEngine;
import io.debezium.engine.DebeziumEngine.Offsets;
import io.debezium.engine.DebeziumEngine.RecordCommitter;
import io.debezium.engine.RecordChangeEvent;
import io.debezium.engine.format.ChangeEventFormat;
import java.io.IOException;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.SortedMap;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import org.apache.kafka.connect.source.SourceRecord;
import org.jspecify.annotations.Nullable;

/// One life of the engine, from fencing older captures to its end. Its order matters: the writer is
/// opened first, so that no older capture can commit any more; only then is the position read and
/// the slot taken.
final class CaptureRun {

    /// What the supervisor is told, from the engine's thread.
    interface Listener {
        void snapshotting();

        void streaming();

        void committed(SourcePosition position, int events);
    }

    static final Duration POSITION_TIMEOUT = Duration.ofSeconds(20);

    private final CaptureSettings settings;
    private final SourceConnections connections;
    private final DeliveredTransactions delivered;
    private final Continuity continuity;
    private final Listener listener;
    private final Watermarks watermarks;
    private final ChangeDecoder decoder;
    private final AtomicReference<@Nullable DebeziumEngine<?>> engine = new AtomicReference<>();
    private final CountDownLatch ended = new CountDownLatch(1);
    private volatile boolean stopRequested;

    CaptureRun(
            CaptureSettings settings,
            SourceConnections connections,
            DeliveredTransactions delivered,
            Continuity continuity,
            Listener listener) {
        this.settings = settings;
        this.connections = connections;
        this.delivered = delivered;
        this.continuity = continuity;
        this.listener = listener;
        this.watermarks = new Watermarks(settings.migration(), settings.generation());
        this.decoder = new ChangeDecoder(settings.tables());
    }

    /// Runs until it is stopped or fails.
    ///
    /// @throws SourceLostException when the source doesn't continue where the log ends
    /// @throws SnapshotInterruptedException when the log holds half a snapshot
    void run() throws Exception {
        try (ChangeLogWriter writer =
                ChangeLogWriter.open(settings.topics(), settings.partitions(), settings.kafka())) {
            PositionLog log = new PositionLog(settings.kafka(), settings.topics().position());
            Optional<SourcePosition> position = log.last(POSITION_TIMEOUT);
            continuity.requireNotBehind(position);
            position.ifPresent(continuity::logged);
            SourcePosition start = prepare(position, log);
            writer.continueBehind(start.logged());
            SourcePosition.Cursor cursor = new SourcePosition.Cursor(start);
            Optional<Lsn> resumeAt =
                    start.streaming() ? Optional.of(start.boundary()) : Optional.empty();
            listener.committed(start, 0);
            CaptureSettings now = start.streaming() ? settings : asTheyAre();
            try (PublicationWatch publication = watch(start, log)) {
                if (start.streaming()) {
                    publication.requireUnaltered();
                }
                runEngine(now, new Batches(writer, cursor, publication), resumeAt);
            }
        } finally {
            ended.countDown();
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

    private PublicationWatch watch(SourcePosition start, PositionLog log) throws SQLException {
        SortedMap<TableId, PublishedTable> known = log.tables(start, POSITION_TIMEOUT);
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

    private SourcePosition prepare(Optional<SourcePosition> position, PositionLog log)
            throws SQLException {
        try (Connection connection = connections.open("capture")) {
            Optional<ReplicationSlot> slot = ReplicationSlot.find(connection, settings.slot());
            delivered.watchFrom(
                    number(connection, "SELECT pg_snapshot_xmax(pg_current_snapshot())::text"));
            return switch (StartPlan.of(
                    settings.generation(),
                    position,
                    slot,
                    text(connection, "SELECT current_database()"))) {
                case StartPlan.Fresh _ -> {
                    requireSameHistory(connection);
                    if (slot.isPresent()) {
                        ReplicationSlot.release(connection, slot.get());
                        ReplicationSlot.drop(connection, settings.slot());
                    }
                    yield SourcePosition.beforeSnapshot(
                            settings.generation(),
                            Publication.ensure(connection, settings.publication(), tables()));
                }
                case StartPlan.Resume(SourcePosition last) -> {
                    requireSameHistory(connection);
                    requireNotBefore(connection, last);
                    log.requireWhole(settings.topics().changes(), last, POSITION_TIMEOUT);
                    Publication.ensure(connection, settings.publication(), tables());
                    Publication.requireUnaltered(
                            connection, settings.publication(), last.publication());
                    if (slot.isPresent()) {
                        ReplicationSlot.release(connection, slot.get());
                    }
                    yield last;
                }
                case StartPlan.Interrupted _ -> throw new SnapshotInterruptedException();
                case StartPlan.Lost(String reason) -> throw new SourceLostException(reason);
            };
        }
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

    private void runEngine(CaptureSettings now, Batches batches, Optional<Lsn> resumeAt)
            throws Exception {
        AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
        DebeziumEngine<RecordChangeEvent<SourceRecord>> created =
                DebeziumEngine.create(ChangeEventFormat.of(Connect.class))
                        .using(EngineProperties.of(now, resumeAt))
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
        Throwable cause = batches.failure != null ? batches.failure : failure.get();
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

    /// Ends the run from another thread and waits for its end.
    void stop(Duration timeout) throws InterruptedException {
        stopRequested = true;
        long deadline = System.nanoTime() + timeout.toNanos();
        while (System.nanoTime() < deadline) {
            DebeziumEngine<?> running = engine.get();
            if (running != null) {
                try {
                    running.close();
                } catch (IllegalStateException | IOException _) {
                    // The engine refuses while its tasks start and once it is stopping: ask again
                    // until it has ended.
                }
            }
            if (ended.await(100, TimeUnit.MILLISECONDS)) {
                return;
            }
        }
    }

    private static long number(Connection connection, String sql) throws SQLException {
        return Long.parseLong(text(connection, sql));
    }

    private static String text(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            row.next();
            return row.getString(1);
        }
    }

    /// Takes the engine's batches, one Kafka transaction each.
    private final class Batches
            implements DebeziumEngine.ChangeConsumer<RecordChangeEvent<SourceRecord>> {

        private final ChangeLogWriter writer;
        private final SourcePosition.Cursor cursor;
        private final PublicationWatch publication;
        private boolean snapshotSeen;
        private boolean streamSeen;
        private boolean announced;
        private volatile @Nullable Throwable failure;

        Batches(
                ChangeLogWriter writer,
                SourcePosition.Cursor cursor,
                PublicationWatch publication) {
            this.writer = writer;
            this.cursor = cursor;
            this.publication = publication;
        }

        @Override
        public void handleBatch(
                List<RecordChangeEvent<SourceRecord>> records,
                RecordCommitter<RecordChangeEvent<SourceRecord>> committer)
                throws InterruptedException {
            try {
                take(records, committer);
            } catch (RuntimeException | SQLException e) {
                failure = e;
                throw new IllegalStateException("the batch was not written", e);
            }
        }

        private void take(
                List<RecordChangeEvent<SourceRecord>> records,
                RecordCommitter<RecordChangeEvent<SourceRecord>> committer)
                throws InterruptedException, SQLException {
            List<ChangeEvent> events = new ArrayList<>(records.size());
            for (RecordChangeEvent<SourceRecord> record : records) {
                take(decoder.decode(record.record()), events);
            }
            if (events.stream().anyMatch(ChangeEvent.Watermark.class::isInstance)) {
                publication.requireUnaltered();
            }
            SourcePosition position =
                    writer.write(events, publication.unwritten(), cursor.position());
            publication.written();
            continuity.logged(position);
            listener.committed(position, events.size());
            if (streamSeen && !announced) {
                announced = true;
                listener.streaming();
            }
            if (cursor.streaming()) {
                // The slot may move exactly to the boundary that is now durable, never to a place
                // inside a transaction.
                Offsets offsets = committer.buildOffsets();
                offsets.set("lsn_commit", position.boundary().value());
                offsets.set("lsn_proc", position.boundary().value());
                offsets.set("lsn", position.boundary().value());
                committer.markProcessed(records.getLast(), offsets);
            }
            committer.markBatchFinished();
        }

        private void take(Decoded decoded, List<ChangeEvent> events) throws SQLException {
            switch (decoded) {
                case Decoded.SnapshotRow(var row) -> {
                    if (!snapshotSeen) {
                        snapshotSeen = true;
                        listener.snapshotting();
                    }
                    cursor.read(row.table());
                    events.add(
                            new ChangeEvent.Read(
                                    settings.generation(), dev.millrace.change.Origin.NONE, row));
                }
                case Decoded.Streamed streamed -> {
                    if (!cursor.streaming()) {
                        publication.requireWholeSnapshot();
                        cursor.beginStreaming(slotBoundary());
                    }
                    streamSeen = true;
                    if (cursor.advance(streamed.lastCommit(), streamed.origin().transaction())) {
                        delivered.add(streamed.origin().transaction());
                        events.addAll(events(streamed));
                    }
                }
            }
        }

        /// The slot's own point, where the stream began: nothing has been confirmed yet.
        private Lsn slotBoundary() throws SQLException {
            try (Connection connection = connections.open("capture")) {
                return ReplicationSlot.find(connection, settings.slot())
                        .map(ReplicationSlot::confirmedFlush)
                        .orElseThrow(
                                () ->
                                        new SourceLostException(
                                                "slot " + settings.slot() + " is gone"));
            }
        }

        private List<ChangeEvent> events(Decoded.Streamed streamed) {
            int generation = settings.generation();
            var origin = streamed.origin();
            return switch (streamed.what()) {
                case What.Inserted(var row) ->
                        List.of(new ChangeEvent.Insert(generation, origin, row));
                case What.Updated(var row) ->
                        List.of(new ChangeEvent.Update(generation, origin, row));
                case What.Rekeyed(var old, var row) ->
                        List.of(
                                new ChangeEvent.Delete(generation, origin, old),
                                new ChangeEvent.Insert(generation, origin, row));
                case What.Deleted(var row) ->
                        List.of(new ChangeEvent.Delete(generation, origin, row));
                case What.Truncated(var table) ->
                        List.of(
                                new ChangeEvent.Truncate(
                                        generation, origin, table, cursor.nextTruncate()));
                case What.Message(var content) -> {
                    OptionalLong number = watermarks.number(content);
                    yield number.isPresent() && cursor.takeWatermark(number.getAsLong())
                            ? List.of(
                                    new ChangeEvent.Watermark(
                                            origin,
                                            new WatermarkNumber(generation, number.getAsLong())))
                            : List.of();
                }
            };
        }
    }
}
