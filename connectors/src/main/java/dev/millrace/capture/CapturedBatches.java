package dev.millrace.capture;

import dev.millrace.capture.ChangeDecoder.Decoded;
import dev.millrace.capture.ChangeDecoder.Decoded.What;
import dev.millrace.capture.SourceCapture.SourceConnections;
import dev.millrace.capture.position.SourcePosition;
import dev.millrace.capture.position.SourcePosition.SourceLostException;
import dev.millrace.change.ChangeEvent;
import dev.millrace.change.ChangeEvent.Origin;
import dev.millrace.change.Lsn;
import dev.millrace.postgres.ReplicationSlot;
import io.debezium.engine.DebeziumEngine;
import io.debezium.engine.DebeziumEngine.Offsets;
import io.debezium.engine.DebeziumEngine.RecordCommitter;
import io.debezium.engine.RecordChangeEvent;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.connect.source.SourceRecord;
import org.jspecify.annotations.Nullable;

/// Takes the engine's batches and writes each with its watermarks and the position behind it as one
/// Kafka transaction; the slot may move only after that. For the engine's thread; [#failure()] may
/// be asked by any.
final class CapturedBatches
        implements DebeziumEngine.ChangeConsumer<RecordChangeEvent<SourceRecord>> {

    /// More delivered transactions than this are not carried in the position: the source is asked
    /// which of them it shows.
    private static final int KEPT = 2_000;

    private final CaptureSettings settings;
    private final SourceConnections connections;
    private final DeliveredTransactions delivered;
    private final SourceIdentityGuard continuity;
    private final CaptureRun.Listener listener;
    private final ChangeLogWriter writer;
    private final SourcePosition.Cursor cursor;
    private final PublicationWatch publication;
    private final ChangeDecoder decoder;
    private final Watermarks watermarks;
    private boolean snapshotSeen;
    private boolean streamSeen;
    private boolean announced;
    private volatile @Nullable Throwable failure;

    CapturedBatches(
            CaptureSettings settings,
            SourceConnections connections,
            DeliveredTransactions delivered,
            SourceIdentityGuard continuity,
            CaptureRun.Listener listener,
            ChangeLogWriter writer,
            SourcePosition.Cursor cursor,
            PublicationWatch publication) {
        this.settings = settings;
        this.connections = connections;
        this.delivered = delivered;
        this.continuity = continuity;
        this.listener = listener;
        this.writer = writer;
        this.cursor = cursor;
        this.publication = publication;
        this.decoder = new ChangeDecoder(settings.tables());
        this.watermarks = new Watermarks(settings.migration(), settings.generation());
    }

    /// Why a batch was not written, or `null`.
    @Nullable Throwable failure() {
        return failure;
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
        if (events.stream().anyMatch(ChangeEvent.Watermark.class::isInstance)
                && !publication.requireUnaltered(cursor.boundary())) {
            events.removeIf(ChangeEvent.Watermark.class::isInstance);
        }
        if (delivered.remaining().size() > KEPT) {
            delivered.learn(publication.running());
        }
        SourcePosition position =
                writer.write(events, publication.unwritten(), delivered.remaining(), cursor);
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
                events.add(new ChangeEvent.Read(settings.generation(), Origin.NONE, row));
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
                            () -> new SourceLostException("slot " + settings.slot() + " is gone"));
        }
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
                publication.truncated(table, origin.transaction());
                yield List.of(
                        new ChangeEvent.Truncate(generation, origin, table, cursor.nextTruncate()));
            }
            case What.Message(var content) -> {
                Watermarks.Message message = Watermarks.parse(content);
                message.source().ifPresent(delivered::learn);
                yield watermarks.areOf(message) && cursor.takeWatermark(message.number().number())
                        ? List.of(new ChangeEvent.Watermark(origin, message.number()))
                        : List.of();
            }
        };
    }
}
