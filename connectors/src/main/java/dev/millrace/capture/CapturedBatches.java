package dev.millrace.capture;

import dev.millrace.capture.ChangeDecoder.Decoded;
import dev.millrace.capture.ChangeDecoder.Decoded.What;
import dev.millrace.capture.origin.ChangeOrigins;
import dev.millrace.capture.position.PositionCodec.UnreadableChangeException;
import dev.millrace.capture.position.RowLimit;
import dev.millrace.capture.position.SourceIdentityGuard;
import dev.millrace.capture.position.SourcePosition;
import dev.millrace.change.ChangeEvent;
import dev.millrace.change.ChangeEvent.Origin;
import dev.millrace.lifecycle.PausePoint;
import io.debezium.engine.DebeziumEngine;
import io.debezium.engine.DebeziumEngine.Offsets;
import io.debezium.engine.DebeziumEngine.RecordCommitter;
import io.debezium.engine.RecordChangeEvent;
import java.sql.SQLException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.apache.kafka.connect.source.SourceRecord;
import org.jspecify.annotations.Nullable;

/// Writes each batch of the engine, with its watermarks and the position after it, as one Kafka
/// transaction. Confirms the position to the engine, which advances the replication slot, only
/// after the commit. Confined to the engine's thread, except [#failure()] and [#isStreaming()].
final class CapturedBatches
        implements DebeziumEngine.ChangeConsumer<RecordChangeEvent<SourceRecord>> {

    /// The position carries at most this many delivered transactions. Beyond it, the source is
    /// queried for those that are visible by now.
    private static final int MOST_DELIVERED = 2_000;

    /// What a run appends to: the writer, the position after the last event, and the check that
    /// precedes each watermark.
    record OpenLog(
            ChangeLogWriter writer, SourcePosition.Cursor cursor, PublicationWatch publication) {}

    /// What the process remembers of source and log from one run to the next.
    record Memory(DeliveredTransactions delivered, SourceIdentityGuard identity) {}

    /// What the engine delivers now. A run of a new generation begins with [BeforeSnapshot], a run
    /// that resumes with [Resuming].
    private sealed interface Phase {

        /// A snapshot of which no row has arrived yet.
        record BeforeSnapshot() implements Phase {}

        /// Rows of the snapshot arrive.
        record Snapshot() implements Phase {}

        /// The first streamed event will continue the log at its stored position. Events of the
        /// open transaction that the log contains are skipped.
        record Resuming() implements Phase {}

        /// Streamed events have arrived, but their batch is not committed.
        record StreamBegun() implements Phase {}

        /// At least one batch of streamed events is committed.
        record Streaming() implements Phase {}
    }

    private final CaptureSettings settings;
    private final OpenLog log;
    private final Memory memory;
    private final WindowedRows rows;
    private final CaptureRun.Listener listener;
    private final ChangeDecoder decoder;
    private final Watermarks watermarks;
    private volatile Phase phase;
    private ChangeOrigins origins = ChangeOrigins.NONE;
    private volatile @Nullable Throwable failure;

    CapturedBatches(
            CaptureSettings settings,
            OpenLog log,
            Memory memory,
            WindowedRows rows,
            CaptureRun.Listener listener) {
        this.settings = settings;
        this.log = log;
        this.memory = memory;
        this.rows = rows;
        this.listener = listener;
        this.decoder =
                new ChangeDecoder(
                        settings.tables(), settings.opposite(), log.publication()::isRead);
        this.watermarks = new Watermarks(settings.migration(), settings.generation());
        this.phase = log.cursor().streaming() ? new Phase.Resuming() : new Phase.BeforeSnapshot();
    }

    /// Why a batch was not written, or `null`. Thread-safe.
    @Nullable Throwable failure() {
        return failure;
    }

    /// Whether streamed events have arrived and are committed. Thread-safe.
    boolean isStreaming() {
        return phase instanceof Phase.Streaming;
    }

    @Override
    public void handleBatch(
            List<RecordChangeEvent<SourceRecord>> records,
            RecordCommitter<RecordChangeEvent<SourceRecord>> committer)
            throws InterruptedException {
        try {
            PausePoint.CHANGES_POLLED.pass();
            SourcePosition position = write(events(records));
            PausePoint.LOG_COMMITTED.pass();
            if (position.openEvents() > 0) {
                PausePoint.INSIDE_TRANSACTION.pass();
            }
            confirm(position, records, committer);
            PausePoint.SLOT_CONFIRMED.pass();
        } catch (RuntimeException | SQLException e) {
            failure = e;
            throw new IllegalStateException("The batch was not written.", e);
        }
    }

    private List<ChangeEvent> events(List<RecordChangeEvent<SourceRecord>> records)
            throws SQLException {
        List<ChangeEvent> events = new ArrayList<>(records.size());
        Set<What.Unusable> unusable = new LinkedHashSet<>();
        origins = ChangeOrigins.NONE;
        for (RecordChangeEvent<SourceRecord> record : records) {
            switch (decoder.decode(record.record())) {
                case Decoded.SnapshotRow row -> {
                    phase = afterSnapshotRow(row);
                    log.cursor().read(row.row().table());
                    events.add(
                            RowLimit.fitting(
                                    new ChangeEvent.Read(
                                            settings.generation(), Origin.NONE, row.row())));
                }
                case Decoded.Streamed streamed -> {
                    if (!log.cursor().streaming()) {
                        beginStreaming();
                        events.addAll(rows.allRead());
                    }
                    phase = afterStreamed();
                    long transaction = streamed.origin().transaction();
                    if (log.cursor().advance(streamed.lastCommit(), transaction)) {
                        memory.delivered().add(transaction);
                        if (streamed.own()) {
                            drop(streamed);
                        } else {
                            countOfOthers(streamed);
                            if (streamed.what() instanceof What.Unusable found) {
                                unusable.add(found);
                            }
                            events(streamed).stream().map(rows::place).forEach(events::add);
                        }
                    }
                }
            }
        }
        for (What.Unusable each : unusable) {
            // Before the batch without these changes is written.
            log.publication().missing(each.table(), each.column(), log.cursor().boundary());
        }
        return events;
    }

    private Phase afterSnapshotRow(Decoded.SnapshotRow row) {
        return switch (phase) {
            case Phase.BeforeSnapshot _ -> {
                listener.snapshotting();
                yield new Phase.Snapshot();
            }
            case Phase.Snapshot same -> same;
            case Phase.Resuming _, Phase.StreamBegun _, Phase.Streaming _ ->
                    throw new UnreadableChangeException(
                            "The engine delivered a snapshot row of "
                                    + row.row().table()
                                    + " outside of a snapshot.");
        };
    }

    /// The snapshot is complete.
    private void beginStreaming() throws SQLException {
        log.publication().requireConsistentSnapshot();
        // Nothing has been confirmed yet, so this is the position where the stream began.
        log.cursor().beginStreaming(log.publication().confirmedFlush(settings.slot()));
    }

    private Phase afterStreamed() {
        return switch (phase) {
            case Phase.BeforeSnapshot _, Phase.Snapshot _, Phase.Resuming _, Phase.StreamBegun _ ->
                    new Phase.StreamBegun();
            case Phase.Streaming same -> same;
        };
    }

    private SourcePosition write(List<ChangeEvent> events)
            throws InterruptedException, SQLException {
        PublicationWatch publication = log.publication();
        if (events.stream().anyMatch(ChangeEvent.Watermark.class::isInstance)
                && !publication.requireUnaltered(log.cursor().boundary())) {
            events.removeIf(ChangeEvent.Watermark.class::isInstance);
        }
        DeliveredTransactions delivered = memory.delivered();
        if (delivered.remaining().size() > MOST_DELIVERED) {
            delivered.learn(publication.runningTransactions());
        }
        rows.close(events);
        SourcePosition position =
                log.writer()
                        .write(
                                new ChangeLogWriter.Batch(
                                        events,
                                        rows.facts(),
                                        publication.unwrittenTables(),
                                        delivered.remaining()),
                                log.cursor());
        rows.committed();
        publication.markWritten();
        memory.identity().recordWritten(position);
        listener.committed(position, events.size(), origins);
        return position;
    }

    private void confirm(
            SourcePosition position,
            List<RecordChangeEvent<SourceRecord>> records,
            RecordCommitter<RecordChangeEvent<SourceRecord>> committer)
            throws InterruptedException {
        if (phase instanceof Phase.StreamBegun) {
            phase = new Phase.Streaming();
            listener.streaming();
        }
        if (position.streaming()) {
            // The slot must advance exactly to the durable boundary, never into a transaction.
            Offsets offsets = committer.buildOffsets();
            offsets.set("lsn_commit", position.boundary().value());
            offsets.set("lsn_proc", position.boundary().value());
            offsets.set("lsn", position.boundary().value());
            committer.markProcessed(records.getLast(), offsets);
        }
        committer.markBatchFinished();
    }

    /// Notes a change that the target has already, from where the opposite stream brought it. What
    /// was read of its row beside the stream may be older, and is not written either.
    private void drop(Decoded.Streamed streamed) {
        origins = origins.plusOwn();
        switch (streamed.what()) {
            case What.Inserted(var row) -> rows.dropped(row.key());
            case What.Updated(var row) -> rows.dropped(row.key());
            case What.Rekeyed(var old, var row) -> {
                rows.dropped(old.key());
                rows.dropped(row.key());
            }
            case What.Deleted(var row) -> rows.dropped(row.key());
            case What.Truncated(var table) -> {
                log.publication().truncated(table, streamed.origin().transaction());
                rows.droppedTruncate(table);
            }
            case What.Unusable _ -> {}
            case What.Message _ -> throw new IllegalStateException("A message is never dropped.");
        }
    }

    private void countOfOthers(Decoded.Streamed streamed) {
        Instant at = Instant.EPOCH.plus(streamed.origin().committedAtMicros(), ChronoUnit.MICROS);
        streamed.what()
                .changed()
                .map(table -> new ChangeOrigins.Foreign(table, at))
                .ifPresent(change -> origins = origins.plus(change));
    }

    private List<ChangeEvent> events(Decoded.Streamed streamed) {
        int generation = settings.generation();
        Origin origin = streamed.origin();
        return switch (streamed.what()) {
            case What.Inserted(var row) -> List.of(new ChangeEvent.Insert(generation, origin, row));
            case What.Updated(var row) -> List.of(new ChangeEvent.Update(generation, origin, row));
            case What.Rekeyed(var old, var row) ->
                    List.of(
                            new ChangeEvent.Delete(generation, origin, old),
                            new ChangeEvent.Insert(generation, origin, row));
            case What.Deleted(var row) -> List.of(new ChangeEvent.Delete(generation, origin, row));
            case What.Truncated(var table) -> {
                log.publication().truncated(table, origin.transaction());
                yield List.of(
                        new ChangeEvent.Truncate(
                                generation, origin, table, log.cursor().nextTruncate()));
            }
            case What.Unusable _ -> List.of();
            case What.Message(var content) -> {
                Watermarks.Message message = Watermarks.parse(content);
                message.source().ifPresent(memory.delivered()::learn);
                yield watermarks.isOfThisGeneration(message)
                                && log.cursor().takeWatermark(message.number().number())
                        ? List.of(new ChangeEvent.Watermark(origin, message.number()))
                        : List.of();
            }
        };
    }
}
