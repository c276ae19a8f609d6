package dev.millrace.reconcile;

import dev.millrace.change.ChangeEvent;
import dev.millrace.change.Row;
import dev.millrace.change.Topics;
import dev.millrace.mapping.Mapping;
import dev.millrace.mapping.RowMapper.MappedRow;
import dev.millrace.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// Applies changes to a target: the mapped row and the change's position in the log in one
/// transaction. Not thread-safe; called in the order of the log.
final class TinyTarget {

    private final TestDatabase database;
    private final Mapping mapping;

    /// A change with its position in the log.
    record Placed(int partition, long offset, ChangeEvent event) {}

    /// @param database has the control schema
    TinyTarget(TestDatabase database, Topics topics, int partitions, Mapping mapping) {
        this.database = database;
        this.mapping = mapping;
        for (int partition = 0; partition < partitions; partition++) {
            database.execute(
                    "INSERT INTO millrace.stored_offset VALUES ('%s', '%s', %d, 1, 'x', 0, -1, 0)"
                            .formatted(topics.migration(), topics.target(), partition));
        }
    }

    /// Applies a change and stores its position. A change that is not wanted is lost, but its
    /// position is stored.
    void take(Placed placed, Predicate<ChangeEvent> wanted) throws SQLException {
        try (Connection connection = database.connect()) {
            connection.setAutoCommit(false);
            if (wanted.test(placed.event())) {
                applyTo(connection, placed.event());
            }
            store(connection, placed);
            connection.commit();
        }
    }

    private void applyTo(Connection connection, ChangeEvent event) throws SQLException {
        switch (event) {
            case ChangeEvent.Delete delete ->
                    remove(connection, mapping.mapper().key(delete.row()));
            case ChangeEvent.OfRow change -> {
                switch (mapping.mapper().map(change.row())) {
                    case MappedRow.Upsert(Row row) -> upsert(connection, row);
                    case MappedRow.Delete(Row key) -> remove(connection, key);
                    case MappedRow.Incomplete incomplete ->
                            throw new IllegalStateException(incomplete.reason());
                    case MappedRow.Rejected rejected ->
                            throw new IllegalStateException(rejected.reason());
                }
            }
            case ChangeEvent.Truncate _ -> run(connection, "TRUNCATE " + mapping.target().table());
            case ChangeEvent.BackfillComplete _, ChangeEvent.Watermark _ -> {}
        }
    }

    private void upsert(Connection connection, Row row) throws SQLException {
        Map<String, @Nullable String> cells = new HashMap<>();
        for (int i = 0; i < row.schema().size(); i++) {
            if (!row.isUnchanged(i)) {
                cells.put(row.schema().columns().get(i), literal(row.text(i)));
            }
        }
        List<String> names = List.copyOf(cells.keySet());
        run(
                connection,
                "INSERT INTO %s (%s) VALUES (%s) ON CONFLICT (%s) DO UPDATE SET %s"
                        .formatted(
                                row.table(),
                                String.join(", ", names),
                                names.stream().map(cells::get).collect(Collectors.joining(", ")),
                                String.join(", ", row.schema().keyColumns()),
                                names.stream()
                                        .map(name -> name + " = excluded." + name)
                                        .collect(Collectors.joining(", "))));
    }

    private void remove(Connection connection, Row key) throws SQLException {
        String where =
                IntStream.range(0, key.schema().size())
                        .mapToObj(i -> key.schema().columns().get(i) + " = " + literal(key.text(i)))
                        .collect(Collectors.joining(" AND "));
        run(connection, "DELETE FROM " + mapping.target().table() + " WHERE " + where);
    }

    private static String literal(@Nullable String text) {
        return text == null ? "NULL" : "'" + text.replace("'", "''") + "'";
    }

    private void store(Connection connection, Placed placed) throws SQLException {
        String watermark =
                placed.event() instanceof ChangeEvent.Watermark mark
                        ? ", watermark = " + mark.watermark().number()
                        : "";
        run(
                connection,
                "UPDATE millrace.stored_offset SET token_offset = %d%s WHERE partition = %d"
                        .formatted(placed.offset(), watermark, placed.partition()));
    }

    private static void run(Connection connection, String sql) throws SQLException {
        try (var statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}
