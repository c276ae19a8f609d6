package dev.millrace.control;

import dev.millrace.change.TableId;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/// Counts changes of stopped tables that were not applied, in the rows of
/// `millrace.rejected_changes`. Not thread-safe.
public final class RejectedChanges {

    private static final String ADD =
            """
            INSERT INTO millrace.rejected_changes AS r
                (migration, generation, target_schema, target_name, partition, changes)
            VALUES (?, ?, ?, ?, ?, ?)
            ON CONFLICT (migration, generation, target_schema, target_name, partition)
            DO UPDATE SET changes = r.changes + excluded.changes
            """;

    private final SortedMap<TableId, Long> counts = new TreeMap<>();

    public void count(TableId table) {
        counts.merge(table, 1L, Long::sum);
    }

    public Map<TableId, Long> counts() {
        return Map.copyOf(counts);
    }

    /// Adds the counts to what the partition has stored, in the caller's transaction, which holds
    /// the lock of the partition's stored offset.
    public void store(Connection connection, String migration, int generation, int partition)
            throws SQLException {
        for (Map.Entry<TableId, Long> count : counts.entrySet()) {
            try (PreparedStatement statement = connection.prepareStatement(ADD)) {
                statement.setString(1, migration);
                statement.setInt(2, generation);
                statement.setString(3, count.getKey().schema());
                statement.setString(4, count.getKey().name());
                statement.setInt(5, partition);
                statement.setLong(6, count.getValue());
                statement.executeUpdate();
            }
        }
    }
}
