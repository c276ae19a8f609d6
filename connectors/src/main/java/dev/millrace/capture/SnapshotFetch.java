package dev.millrace.capture;

import dev.millrace.change.TableId;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Collection;
import java.util.stream.Stream;

/// How many rows the engine's snapshot fetches at once, so that they fit into the heap: the driver
/// holds all rows of a fetch, and those of the fetch before it, and counts no bytes.
final class SnapshotFetch {

    /// What one fetch may take, as a part of the heap.
    private static final int PART_OF_HEAP = 8;

    static final int MOST_ROWS = 10_000;
    private static final int FEWEST_ROWS = 4;

    /// A row without values out of line fits into a page.
    private static final long NARROW = 8_192;

    /// Values out of line come in all sizes: a run of rows of this size has to fit.
    private static final long WIDE = 1 << 20;

    /// Rows of a table may be larger than its average, and its values are compressed.
    private static final int LARGER_THAN_AVERAGE = 4;

    /// The average size of a row's values out of line, of the table where it is largest; NULL where
    /// no table has such values. A table that was never analysed is taken to have a row every 64
    /// bytes.
    private static final String LARGEST_AVERAGE =
            """
            SELECT max(toasted / greatest(rows, 1))::int8 FROM (
                SELECT sum(pg_relation_size(l.reltoastrelid)) AS toasted,
                    sum(CASE WHEN l.reltuples < 0 THEN pg_relation_size(l.oid) / 64
                        ELSE l.reltuples END) AS rows
                FROM unnest(?::text[], ?::text[]) a (schema, name)
                JOIN pg_catalog.pg_namespace n ON n.nspname = a.schema
                JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = a.name,
                    LATERAL (SELECT c.oid UNION
                        SELECT t.relid::oid FROM pg_catalog.pg_partition_tree(c.oid) t) each (oid)
                JOIN pg_catalog.pg_class l ON l.oid = each.oid
                WHERE l.reltoastrelid <> 0 GROUP BY c.oid) AS sizes
            WHERE toasted > 0
            """;

    private SnapshotFetch() {}

    /// @param heap the most bytes that this process may use
    static int rows(Connection connection, Collection<TableId> tables, long heap)
            throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(LARGEST_AVERAGE)) {
            statement.setArray(1, array(connection, tables.stream().map(TableId::schema)));
            statement.setArray(2, array(connection, tables.stream().map(TableId::name)));
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                long average = row.getLong(1);
                long size = row.wasNull() ? NARROW : Math.max(WIDE, LARGER_THAN_AVERAGE * average);
                return Math.toIntExact(
                        Math.clamp(heap / PART_OF_HEAP / size, FEWEST_ROWS, MOST_ROWS));
            }
        }
    }

    private static Array array(Connection connection, Stream<String> names) throws SQLException {
        return connection.createArrayOf("text", names.toArray());
    }
}
