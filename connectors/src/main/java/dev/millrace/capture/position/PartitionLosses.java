package dev.millrace.capture.position;

import dev.millrace.capture.position.SourcePosition.SourceLostException;
import dev.millrace.capture.position.TablePause.Loss;
import dev.millrace.change.Lsn;
import dev.millrace.postgres.PublishedTable;
import dev.millrace.postgres.PublishedTableReader;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/// Finds what the stream lacks of partitions, in checks that follow each other. A TRUNCATE of the
/// whole table that is still to come may explain that a partition was rewritten. Not thread-safe.
public final class PartitionLosses {

    /// A rewrite that the stream may still explain.
    ///
    /// @param version version of the `pg_class` row of the rewritten table
    /// @param until the position from which on no TRUNCATE in the stream can explain the rewrite
    private record Pending(String version, Lsn until) {}

    /// What earlier checks have seen, also what the stream cannot explain any more: while another
    /// rewrite may still be explained, it is seen again.
    private Map<Long, Pending> pending = Map.of();

    private Map<Long, Pending> seen = new HashMap<>();
    private boolean isWaiting;

    /// Begins a check.
    public void begin() {
        seen = new HashMap<>();
        isWaiting = false;
    }

    /// What the stream lacks of the table.
    ///
    /// @param boundary how far the stream has been read
    /// @throws SourceLostException if an inheriting table is no partition
    public Optional<Loss> of(Connection session, TableComparison compared, Lsn boundary)
            throws SQLException {
        Optional<String> reason = compared.detached();
        Set<Long> empty = PublishedTableReader.empty(session, compared.added());
        for (Map.Entry<Long, String> each : compared.unexplained(empty).entrySet()) {
            if (!compared.known().isPartitioned()) {
                throw new SourceLostException(each.getValue());
            }
            Pending since = pending(session, compared.now(), each.getKey());
            seen.put(each.getKey(), since);
            if (boundary.compareTo(since.until()) < 0) {
                isWaiting = true;
            } else if (reason.isEmpty()) {
                reason = Optional.of(each.getValue());
            }
        }
        Optional<Loss> partitions = reason.map(why -> new Loss(why, false));
        return compared.renamedMeanwhile().map(why -> new Loss(why, true)).or(() -> partitions);
    }

    private Pending pending(Connection session, PublishedTable now, Long oid) throws SQLException {
        String version = Objects.requireNonNull(now.descendants().get(oid)).version();
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

    /// Ends a check.
    ///
    /// @return whether nothing is left that the stream may still explain
    public boolean end() {
        pending = Map.copyOf(seen);
        return !isWaiting;
    }
}
