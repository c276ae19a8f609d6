package dev.millrace.capture;

import dev.millrace.capture.CaptureRun.SnapshotInterruptedException;
import dev.millrace.capture.SourceCapture.SourceConnections;
import dev.millrace.capture.position.SourcePosition.SourceLostException;
import dev.millrace.change.Lsn;
import dev.millrace.change.TableId;
import dev.millrace.postgres.PublishedTable;
import dev.millrace.postgres.PublishedTableReader;
import dev.millrace.postgres.RunningTransactions;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// Looks whether the publication and the tables in it are still what the log was begun with. Asked
/// before a watermark is written: so none is ever in the log behind changes that were kept out of
/// the stream. For the capture's thread alone.
final class PublicationWatch implements AutoCloseable {

    /// A look is short, and the engine's batch waits for it.
    private static final Duration SILENCE = Duration.ofSeconds(30);

    private final SourceConnections connections;
    private final String name;
    private final String identity;
    private SortedMap<TableId, PublishedTable> known;
    private Map<Long, Pending> pending = Map.of();
    private boolean unwritten;
    private @Nullable Connection connection;

    /// @param known the tables as they were, or empty when nobody knows
    /// @param written whether the log knows it too
    PublicationWatch(
            SourceConnections connections,
            String name,
            String identity,
            Map<TableId, PublishedTable> known,
            boolean written) {
        this.connections = connections;
        this.name = name;
        this.identity = identity;
        this.known = new TreeMap<>(known);
        this.unwritten = !written;
    }

    /// The tables as they were, before anything of a generation is read.
    ///
    /// @throws SourceLostException when one is not there
    static SortedMap<TableId, PublishedTable> first(
            Connection connection, Collection<TableId> tables) throws SQLException {
        SortedMap<TableId, PublishedTable> found = PublishedTableReader.look(connection, tables);
        for (TableId table : tables) {
            if (!found.containsKey(table)) {
                throw new SourceLostException(table + " is gone from the source");
            }
        }
        return found;
    }

    /// What was found rewritten before the stream has come so far.
    ///
    /// @param version of the catalog entry that was found
    /// @param until where the stream must have come to say whether a TRUNCATE explains it
    private record Pending(String version, Lsn until) {}

    /// The stream carries a TRUNCATE of the table.
    void truncated(TableId table, long transaction) {
        PublishedTable facts = known.get(table);
        if (facts != null && facts.isPartitioned()) {
            known.put(table, facts.truncatedBy(transaction));
            unwritten = true;
        }
    }

    /// @param boundary how far the stream has come
    /// @return false while the stream may still bring a TRUNCATE that explains what was found: no
    ///   watermark may be written then
    /// @throws SourceLostException when changes may be missing from the stream
    boolean requireUnaltered(Lsn boundary) throws SQLException {
        Connection session = session();
        Publication.requireUnaltered(session, name, identity);
        SortedMap<TableId, PublishedTable> now = first(session, known.keySet());
        Map<Long, Pending> found = new HashMap<>();
        for (TableComparison each : compare(now)) {
            lost(each.redefined());
            lost(each.changedUnseen());
            Set<Long> empty = PublishedTableReader.empty(session, each.newcomers());
            for (Map.Entry<Long, String> unexplained : each.unexplained(empty).entrySet()) {
                Pending since = pending(session, each.now(), unexplained.getKey());
                if (!each.known().isPartitioned() || boundary.compareTo(since.until()) >= 0) {
                    throw new SourceLostException(unexplained.getValue());
                }
                found.put(unexplained.getKey(), since);
            }
        }
        pending = Map.copyOf(found);
        if (found.isEmpty()) {
            goOn(now);
        }
        return found.isEmpty();
    }

    private Pending pending(Connection session, PublishedTable now, Long oid) throws SQLException {
        String version = Objects.requireNonNull(now.below().get(oid)).version();
        Pending before = pending.get(oid);
        if (before != null && before.version().equals(version)) {
            return before;
        }
        try (Statement statement = session.createStatement();
                ResultSet row =
                        statement.executeQuery("SELECT pg_current_wal_insert_lsn()::text")) {
            row.next();
            return new Pending(version, Lsn.parse(row.getString(1)));
        }
    }

    /// A snapshot of the rows is none of a table that was rewritten before it was read: what is
    /// committed later reads as empty there. Nor is it one of a partition that left its place for a
    /// while: what changed meanwhile is in neither the snapshot nor the stream.
    ///
    /// @throws SnapshotInterruptedException when another snapshot is needed
    /// @throws SourceLostException when another one would not help
    void requireWholeSnapshot() throws SQLException {
        SortedMap<TableId, PublishedTable> now = first(session(), known.keySet());
        for (TableComparison each : compare(now)) {
            lost(each.redefined());
            if (!each.now().isInTheFilesOf(each.known())) {
                throw new SnapshotInterruptedException(
                        each.table()
                                + " was rewritten, or a partition of it was detached, before its rows were read");
            }
        }
        goOn(now);
    }

    /// The transactions that the source does not show now.
    RunningTransactions running() throws SQLException {
        return RunningTransactions.read(session());
    }

    /// The tables, if the log doesn't know them yet.
    Optional<Map<TableId, PublishedTable>> unwritten() {
        return unwritten ? Optional.of(known) : Optional.empty();
    }

    void written() {
        unwritten = false;
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

    private void goOn(Map<TableId, PublishedTable> now) {
        SortedMap<TableId, PublishedTable> next = new TreeMap<>(known);
        next.replaceAll((table, before) -> Objects.requireNonNull(now.get(table)).after(before));
        unwritten |= !next.equals(known);
        known = next;
    }

    private static void lost(Optional<String> reason) {
        if (reason.isPresent()) {
            throw new SourceLostException(reason.get());
        }
    }

    private Connection session() throws SQLException {
        if (connection == null) {
            Connection opened = connections.open("capture");
            opened.setNetworkTimeout(Runnable::run, (int) SILENCE.toMillis());
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
