package dev.millrace.control;

import dev.millrace.change.TableId;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;

/// The stopped tables of a migration in `millrace.stopped_table`. A stop belongs to one generation:
/// the writer records it in the transaction that moves the stored offset of that generation, and
/// the next generation reads the table again. Uses the caller's connection and transaction.
/// Thread-safe.
public final class StoppedTables {

    private static final String READ =
            """
            SELECT s.target_schema, s.target_name, s.reason, s.partition, s.changes_offset,
                CASE WHEN s.counted THEN (SELECT coalesce(sum(r.changes), 0)::bigint
                    FROM millrace.rejected_changes r
                    WHERE (r.migration, r.generation, r.target_schema, r.target_name)
                        = (s.migration, s.generation, s.target_schema, s.target_name)) END
            FROM millrace.stopped_table s WHERE s.migration = ? AND s.generation = ?
            ORDER BY s.target_schema, s.target_name
            """;

    private static final String ADD =
            """
            INSERT INTO millrace.stopped_table
                (migration, generation, target_schema, target_name, reason, partition,
                changes_offset, counted)
            VALUES (?, ?, ?, ?, ?, ?, ?, true) ON CONFLICT DO NOTHING
            """;

    private final String migration;

    public StoppedTables(String migration) {
        this.migration = migration;
    }

    /// A target table whose changes are no longer applied, because one of them could not be applied
    /// exactly.
    ///
    /// @param reason what happened, why, and what to do; contains no value of a row
    /// @param changesOffset the offset in the changes topic's partition from which on no change of
    ///   the table was applied
    public record StoppedTable(TableId table, String reason, int partition, long changesOffset) {}

    /// @param rejected changes that were not applied since the table stopped, including the one
    ///   that stopped it; empty for a table that stopped before changes were counted
    public record Counted(StoppedTable table, Optional<Long> rejected) {}

    /// The tables that stopped in a generation, with their counts, in one snapshot.
    public List<Counted> read(Connection connection, int generation) throws SQLException {
        return Statements.list(connection, READ, StoppedTables::counted, migration, generation);
    }

    /// The stop of one table in a generation.
    public Optional<StoppedTable> find(Connection connection, int generation, TableId table)
            throws SQLException {
        return read(connection, generation).stream()
                .map(Counted::table)
                .filter(stopped -> stopped.table().equals(table))
                .findFirst();
    }

    /// Records a stop. A table stops once: an earlier reason is kept.
    public void add(Connection connection, int generation, StoppedTable table) throws SQLException {
        Statements.update(
                connection,
                ADD,
                migration,
                generation,
                table.table().schema(),
                table.table().name(),
                table.reason(),
                table.partition(),
                table.changesOffset());
    }

    private static Counted counted(ResultSet row) throws SQLException {
        return new Counted(
                new StoppedTable(
                        new TableId(row.getString(1), row.getString(2)),
                        row.getString(3),
                        row.getInt(4),
                        row.getLong(5)),
                Optional.ofNullable(row.getObject(6, Long.class)));
    }
}
