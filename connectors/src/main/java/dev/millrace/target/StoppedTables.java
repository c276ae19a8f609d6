package dev.millrace.target;

import dev.millrace.change.TableId;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/// The rows of `millrace.stopped_table`, read and written on the caller's connection. Safe for any
/// thread.
public final class StoppedTables {

    private static final String READ =
            """
            SELECT target_schema, target_name, reason, partition, changes_offset
            FROM millrace.stopped_table WHERE migration = ? AND generation = ?
            ORDER BY target_schema, target_name
            """;

    private static final String ADD =
            """
            INSERT INTO millrace.stopped_table
                (migration, generation, target_schema, target_name, reason, partition, changes_offset)
            VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
            """;

    private StoppedTables() {}

    public static List<StoppedTable> read(Connection connection, String migration, int generation)
            throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(READ)) {
            statement.setString(1, migration);
            statement.setInt(2, generation);
            List<StoppedTable> tables = new ArrayList<>();
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    tables.add(
                            new StoppedTable(
                                    new TableId(row.getString(1), row.getString(2)),
                                    row.getString(3),
                                    row.getInt(4),
                                    row.getLong(5)));
                }
            }
            return tables;
        }
    }

    /// The first reason stays: a table stops once.
    static void add(Connection connection, String migration, int generation, StoppedTable table)
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
}
