package dev.millrace.capture;

import dev.millrace.capture.CaptureRun.SnapshotInterruptedException;
import dev.millrace.capture.SourceCapture.SourceConnections;
import dev.millrace.capture.position.PartitionLosses;
import dev.millrace.capture.position.PausedTables;
import dev.millrace.capture.position.PublicationGuard;
import dev.millrace.capture.position.SourcePosition.SourceLostException;
import dev.millrace.capture.position.TableComparison;
import dev.millrace.capture.position.TablePause.Change;
import dev.millrace.capture.position.TablePause.Loss;
import dev.millrace.change.Lsn;
import dev.millrace.change.TableId;
import dev.millrace.postgres.PublishedTable;
import dev.millrace.postgres.PublishedTableReader;
import dev.millrace.postgres.ReplicationSlot;
import dev.millrace.postgres.RunningTransactions;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Collection;
import java.util.HashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// Checks that the publication and its tables are as they were when the log began. Runs before a
/// watermark is written, so that no watermark follows changes that are missing from the stream. Not
/// thread-safe; confined to the capture thread.
final class PublicationWatch implements AutoCloseable {

    /// The check is short, and the engine's batch waits for it.
    private static final Duration STATEMENT_TIMEOUT = Duration.ofSeconds(30);

    private final SourceConnections connections;
    private final String name;
    private final String identity;
    private SortedMap<TableId, PublishedTable> known;
    private final PartitionLosses partitions = new PartitionLosses();
    private boolean unwritten;
    private final PausedTables paused;
    private Set<TableId> taken = Set.of();
    private boolean checked;
    private @Nullable Connection connection;

    /// @param known the facts of the tables at the start of the log, or empty if unknown
    /// @param written whether the log contains these facts
    PublicationWatch(
            SourceConnections connections,
            String name,
            String identity,
            Map<TableId, PublishedTable> known,
            boolean written,
            PausedTables paused) {
        this.connections = connections;
        this.name = name;
        this.identity = identity;
        this.known = new TreeMap<>(known);
        this.unwritten = !written;
        this.paused = paused;
    }

    /// Reads the facts of all tables.
    ///
    /// @throws SourceLostException if a table does not exist
    static SortedMap<TableId, PublishedTable> requireTables(
            Connection connection, Collection<TableId> tables) throws SQLException {
        SortedMap<TableId, PublishedTable> found = PublishedTableReader.read(connection, tables);
        for (TableId table : tables) {
            if (!found.containsKey(table)) {
                throw new SourceLostException(table + " no longer exists on the source.");
            }
        }
        return found;
    }

    /// Records a TRUNCATE of the table in the stream.
    void truncated(TableId table, long transaction) {
        PublishedTable facts = known.get(table);
        if (facts != null && facts.isPartitioned()) {
            known.put(table, facts.truncatedBy(transaction));
            unwritten = true;
        }
    }

    /// @param boundary how far the stream has been read
    /// @return false while a later TRUNCATE in the stream may explain a rewrite; no watermark may
    ///   be written then
    /// @throws SourceLostException if changes may be missing from the stream
    boolean requireUnaltered(Lsn boundary) throws SQLException {
        Connection session = session();
        PublicationGuard.requireUnaltered(session, name, identity);
        SortedMap<TableId, PublishedTable> now = PublishedTableReader.read(session, known.keySet());
        partitions.begin();
        Set<TableId> altered = new HashSet<>();
        Set<TableId> accepted = new HashSet<>();
        Map<TableId, Loss> losses = new TreeMap<>();
        Set<TableId> earlier = checked ? Set.of() : paused.stopped(known.keySet());
        for (Map.Entry<TableId, PublishedTable> each : known.entrySet()) {
            TableId table = each.getKey();
            PublishedTable facts = now.get(table);
            Optional<Change> change = paused.change(session, table, each.getValue(), facts);
            if (change.isPresent() && paused.isAccepted(table, change.get())) {
                accepted.add(table);
            } else if (change.isPresent()) {
                if (!paused.pause(table, change.get())) {
                    throw new SourceLostException(PausedTables.changed(table, change.get()));
                }
                altered.add(table);
                continue;
            }
            TableComparison compared =
                    new TableComparison(table, each.getValue(), Objects.requireNonNull(facts));
            throwIfPresent(compared.lostKey());
            partitions
                    .of(session, compared, boundary)
                    .or(() -> paused.afterPause(table, compared.now(), earlier.contains(table)))
                    .ifPresent(loss -> losses.put(table, loss));
        }
        boolean isExplained = partitions.end();
        if (isExplained) {
            for (Map.Entry<TableId, Loss> each : losses.entrySet()) {
                paused.readAgain(each.getKey(), each.getValue());
            }
            taken = accepted;
            acceptState(now, altered);
            continueRestored(altered);
        }
        return isExplained;
    }

    /// Whether a mapping reads a column of the table.
    boolean isRead(TableId table, String column) {
        return paused.isRead(table, column);
    }

    /// Handles changes without a column that a mapping reads, which are not written: the table is
    /// paused, or its rows are read again, and no watermark precedes that.
    ///
    /// @param boundary how far the stream has been read, with these changes
    void missing(TableId table, String column, Lsn boundary) throws SQLException {
        requireUnaltered(boundary);
        // A table that continues without being read again would lack these changes.
        if (!paused.isReadAfterPause(table)) {
            String what = ": column " + column + " was renamed or dropped for a while.";
            paused.readAgain(table, new Loss(table + what, true));
        }
    }

    /// Tables whose definition is the known one again, or was accepted and is in the log. An
    /// earlier run may have ended before it said so.
    private void continueRestored(Set<TableId> altered) throws SQLException {
        Set<TableId> restored = new HashSet<>(checked ? paused.changes().keySet() : known.keySet());
        restored.removeAll(altered);
        restored.removeAll(taken);
        if (!restored.isEmpty()) {
            paused.restored(restored);
        }
        checked = true;
    }

    /// Requires that the snapshot contains all rows. A table that was rewritten before the snapshot
    /// read it appears empty to the snapshot, whose MVCC snapshot is older than the rewrite.
    /// Changes to a partition that was detached temporarily are in neither the snapshot nor the
    /// stream.
    ///
    /// @throws SnapshotInterruptedException if a new snapshot is needed
    /// @throws SourceLostException if a new snapshot would not help
    void requireConsistentSnapshot() throws SQLException {
        SortedMap<TableId, PublishedTable> now = requireTables(session(), known.keySet());
        for (TableComparison each : compare(now)) {
            paused.requireSameDefinition(session(), each);
            if (!each.now().hasSameStorageAs(each.known())) {
                throw new SnapshotInterruptedException(
                        each.table()
                                + " was rewritten, or a partition was detached, before the snapshot"
                                + " read its rows.");
            }
        }
        acceptState(now, Set.of());
    }

    /// The position up to which the source forgets changes of the slot.
    ///
    /// @throws SourceLostException if the slot does not exist
    Lsn confirmedFlush(String slot) throws SQLException {
        return ReplicationSlot.find(session(), slot)
                .orElseThrow(
                        () ->
                                new SourceLostException(
                                        "Replication slot "
                                                + slot
                                                + " no longer exists on the source."))
                .confirmedFlush()
                .orElse(Lsn.ZERO);
    }

    /// The transactions that are not visible on the source now.
    RunningTransactions runningTransactions() throws SQLException {
        return RunningTransactions.read(session());
    }

    /// The facts of the tables, if the log does not contain them yet.
    Optional<Map<TableId, PublishedTable>> unwrittenTables() {
        return unwritten ? Optional.of(known) : Optional.empty();
    }

    void markWritten() throws SQLException {
        unwritten = false;
        if (!taken.isEmpty()) {
            paused.restored(taken);
            taken = Set.of();
        }
    }

    private Iterable<TableComparison> compare(Map<TableId, PublishedTable> now) {
        return known.entrySet().stream()
                .map(
                        each ->
                                new TableComparison(
                                        each.getKey(),
                                        each.getValue(),
                                        Objects.requireNonNull(now.get(each.getKey()))))
                .toList();
    }

    /// @param altered tables whose known definition stays the one that the log expects
    private void acceptState(Map<TableId, PublishedTable> now, Set<TableId> altered) {
        SortedMap<TableId, PublishedTable> next = new TreeMap<>(known);
        next.replaceAll(
                (table, before) ->
                        altered.contains(table)
                                ? before
                                : Objects.requireNonNull(now.get(table)).succeeding(before));
        unwritten |= !next.equals(known);
        known = next;
    }

    private static void throwIfPresent(Optional<String> reason) {
        if (reason.isPresent()) {
            throw new SourceLostException(reason.get());
        }
    }

    private Connection session() throws SQLException {
        if (connection == null) {
            Connection opened = connections.open("capture");
            opened.setNetworkTimeout(Runnable::run, (int) STATEMENT_TIMEOUT.toMillis());
            connection = opened;
        }
        return connection;
    }

    @Override
    public void close() throws SQLException {
        if (connection != null) {
            connection.close();
        }
    }
}
