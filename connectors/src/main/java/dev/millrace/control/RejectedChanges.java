package dev.millrace.control;

import dev.millrace.change.TableId;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/// Counts changes of stopped tables that were not applied, for the rows of
/// `millrace.rejected_changes`. Not thread-safe; confined to the writer's thread.
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

    /// Adds the counts to the stored ones of the partition, in the caller's transaction, which has
    /// the partition's stored offset locked.
    public void store(Connection connection, String migration, int generation, int partition)
            throws SQLException {
        for (Map.Entry<TableId, Long> count : counts.entrySet()) {
            Statements.update(
                    connection,
                    ADD,
                    migration,
                    generation,
                    count.getKey().schema(),
                    count.getKey().name(),
                    partition,
                    count.getValue());
        }
    }
}
