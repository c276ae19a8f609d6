package dev.millrace.digest;

import dev.millrace.change.TableId;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;

/// Reads how many rows the server counted as inserted or updated in tables, with their partitions
/// and children. Stateless.
final class WriteCounts {

    private static final String COUNTS =
            """
            WITH RECURSIVE tree AS (
                SELECT w.schema, w.name, c.oid
                FROM unnest(?::text[], ?::text[]) AS w(schema, name)
                JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema
                JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.name
                UNION
                SELECT t.schema, t.name, i.inhrelid
                FROM tree t JOIN pg_catalog.pg_inherits i ON i.inhparent = t.oid)
            SELECT schema, name,
                sum(pg_stat_get_tuples_inserted(oid) + pg_stat_get_tuples_updated(oid))
            FROM tree WHERE current_setting('track_counts')::boolean
            GROUP BY schema, name
            """;

    private WriteCounts() {}

    static Map<TableId, Long> read(Connection connection, Collection<TableId> tables)
            throws SQLException {
        try (var statement = connection.prepareStatement(COUNTS)) {
            statement.setArray(
                    1,
                    connection.createArrayOf(
                            "text", tables.stream().map(TableId::schema).toArray()));
            statement.setArray(
                    2,
                    connection.createArrayOf("text", tables.stream().map(TableId::name).toArray()));
            Map<TableId, Long> counts = new HashMap<>();
            try (var rows = statement.executeQuery()) {
                while (rows.next()) {
                    counts.put(new TableId(rows.getString(1), rows.getString(2)), rows.getLong(3));
                }
            }
            return counts;
        }
    }
}
