package dev.millrace.control;

import dev.millrace.change.TableId;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.HashSet;
import java.util.Set;

/// The target tables whose existing rows are all applied, by partition, in
/// `millrace.backfilled_table`. Uses the caller's connection and transaction. Thread-safe.
public final class BackfilledTables {

    private static final String ADD =
            """
            INSERT INTO millrace.backfilled_table
                (migration, generation, target_schema, target_name, partition)
            VALUES (?, ?, ?, ?, ?)
            ON CONFLICT DO NOTHING
            """;
    private static final String READ =
            """
            SELECT target_schema, target_name FROM millrace.backfilled_table
            WHERE migration = ? AND generation = ? AND partition = ?
            """;

    private static final String COUNT =
            """
            SELECT count(*) FROM millrace.backfilled_table
            WHERE migration = ? AND generation = ? AND target_schema = ? AND target_name = ?
            """;

    private final String migration;

    public BackfilledTables(String migration) {
        this.migration = migration;
    }

    /// Records that every existing row of the table that belongs to the partition is applied, in
    /// the transaction that moves the partition's stored offset.
    public void add(Connection connection, int generation, TableId table, int partition)
            throws SQLException {
        Statements.update(
                connection, ADD, migration, generation, table.schema(), table.name(), partition);
    }

    public Set<TableId> read(Connection connection, int generation, int partition)
            throws SQLException {
        return new HashSet<>(
                Statements.list(
                        connection,
                        READ,
                        row -> new TableId(row.getString(1), row.getString(2)),
                        migration,
                        generation,
                        partition));
    }

    /// Whether every existing row of the table is applied.
    ///
    /// @param partitions number of partitions of the target topic
    public boolean isComplete(Connection connection, int generation, TableId table, int partitions)
            throws SQLException {
        return Statements.one(
                        connection,
                        COUNT,
                        row -> row.getInt(1),
                        migration,
                        generation,
                        table.schema(),
                        table.name())
                >= partitions;
    }
}
