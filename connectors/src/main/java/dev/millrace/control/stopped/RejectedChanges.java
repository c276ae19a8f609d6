package dev.millrace.control.stopped;

import dev.millrace.change.TableId;
import dev.millrace.change.Token;
import dev.millrace.control.Statements;
import dev.millrace.control.StoredOffset;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;

/// Counts changes of stopped tables that were not applied, and remembers where they are in the log,
/// for the rows of `millrace.rejected_changes`. One object is for one partition. Not thread-safe;
/// confined to the writer's thread.
public final class RejectedChanges {

    private static final String ADD =
            """
            INSERT INTO millrace.rejected_changes AS r
                (migration, generation, target_schema, target_name, partition, changes,
                next_offset, token_offset, token_index, last_offset, last_index)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (migration, generation, target_schema, target_name, partition)
            DO UPDATE SET changes = r.changes + excluded.changes,
                last_offset = excluded.last_offset, last_index = excluded.last_index
            """;

    private record Count(long changes, Token first, Token last) {

        Count and(Count later) {
            return new Count(changes + later.changes, first, later.last);
        }
    }

    private final SortedMap<TableId, Count> counts = new TreeMap<>();

    /// Counts a change. Call it in the order of the log.
    public void count(TableId table, Token at) {
        counts.merge(table, new Count(1, at, at), Count::and);
    }

    /// Remembers the place of a change that another partition counts.
    public void place(TableId table, Token at) {
        counts.merge(table, new Count(0, at, at), Count::and);
    }

    public Map<TableId, Long> counts() {
        return counts.entrySet().stream()
                .collect(Collectors.toMap(Map.Entry::getKey, count -> count.getValue().changes()));
    }

    /// Adds them to the stored ones of the partition, in the caller's transaction, which has the
    /// partition's stored offset locked.
    ///
    /// @param from the stored offset before the counted changes
    public void store(Connection connection, String migration, StoredOffset from)
            throws SQLException {
        for (Map.Entry<TableId, Count> entry : counts.entrySet()) {
            Count count = entry.getValue();
            Statements.update(
                    connection,
                    ADD,
                    migration,
                    from.generation(),
                    entry.getKey().schema(),
                    entry.getKey().name(),
                    from.partition(),
                    count.changes(),
                    from.nextOffset(),
                    count.first().changesOffset(),
                    // The index before the first one, because tokens are compared strictly.
                    count.first().index() - 1,
                    count.last().changesOffset(),
                    count.last().index());
        }
    }
}
