package dev.millrace.capture.connector;

import dev.millrace.change.TableId;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Collection;
import java.util.stream.Stream;

/// Computes the snapshot's fetch size so that the rows fit in the heap: the driver keeps all rows
/// of the current and the previous fetch in memory and does not count bytes.
public final class SnapshotFetch {

    /// The share of the heap for one fetch.
    private static final int PART_OF_HEAP = 8;

    public static final int MOST_ROWS = 10_000;
    private static final int FEWEST_ROWS = 4;

    /// A row without TOASTed values fits in a page.
    private static final long NARROW = 8_192;

    /// TOASTed values vary in size; a sequence of rows of this size must fit.
    private static final long WIDE = 1 << 20;

    /// Some rows are larger than the average, and stored values are compressed.
    private static final int LARGER_THAN_AVERAGE = 4;

    /// The largest average size of the TOASTed values of a row, over all tables; NULL if no table
    /// has any. For a table that was never analyzed, assumes one row per 64 bytes.
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

    /// @param heap maximum heap size of this process in bytes
    public static int rows(Connection connection, Collection<TableId> tables, long heap)
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
