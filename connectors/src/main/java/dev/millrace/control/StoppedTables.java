package dev.millrace.control;

import dev.millrace.change.TableId;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// The rows of `millrace.stopped_table`, read and written on the caller's connection. Safe for any
/// thread.
public final class StoppedTables {

    private static final String READ =
            """
            SELECT target_schema, target_name, reason, partition, changes_offset
            FROM millrace.stopped_table WHERE migration = ? AND generation = ?
            ORDER BY target_schema, target_name
            """;

    private static final String READ_COUNTED =
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

    private StoppedTables() {}

    /// @param rejected changes that were not applied since the table stopped, with the one that
    ///   stopped it; empty for a table that stopped before changes were counted
    public record Counted(StoppedTable table, Optional<Long> rejected) {}

    /// The stopped tables with their counts, as of one moment.
    public static List<Counted> readCounted(Connection connection, String migration, int generation)
            throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(READ_COUNTED)) {
            statement.setString(1, migration);
            statement.setInt(2, generation);
            List<Counted> tables = new ArrayList<>();
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    StoppedTable table = table(row);
                    long rejected = row.getLong(6);
                    tables.add(
                            new Counted(
                                    table,
                                    row.wasNull() ? Optional.empty() : Optional.of(rejected)));
                }
            }
            return tables;
        }
    }

    public static List<StoppedTable> read(Connection connection, String migration, int generation)
            throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(READ)) {
            statement.setString(1, migration);
            statement.setInt(2, generation);
            List<StoppedTable> tables = new ArrayList<>();
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    tables.add(table(row));
                }
            }
            return tables;
        }
    }

    private static StoppedTable table(ResultSet row) throws SQLException {
        return new StoppedTable(
                new TableId(row.getString(1), row.getString(2)),
                row.getString(3),
                row.getInt(4),
                row.getLong(5));
    }

    /// The first reason stays: a table stops once.
    public static void add(
            Connection connection, String migration, int generation, StoppedTable table)
            throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(ADD)) {
            statement.setString(1, migration);
            statement.setInt(2, generation);
            statement.setString(3, table.table().schema());
            statement.setString(4, table.table().name());
            statement.setString(5, table.reason());
            statement.setInt(6, table.partition());
            statement.setLong(7, table.changesOffset());
            statement.executeUpdate();
        }
    }

    /// A target table whose changes are no longer applied, because one of them could not be carried
    /// on exactly.
    ///
    /// @param reason what, why and what to do next; holds no value of a row
    /// @param changesOffset the offset in the changes topic's partition from which on nothing of
    ///   the table was applied
    public record StoppedTable(TableId table, String reason, int partition, long changesOffset) {}
}
