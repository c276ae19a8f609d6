package dev.millrace.postgres;

import dev.millrace.change.TableId;
import dev.millrace.postgres.PublishedTable.Column;
import dev.millrace.postgres.PublishedTable.Descendant;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Collection;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/// Reads [PublishedTable] of the captured tables in one statement, and so in one snapshot, without
/// locking any of them. Stateless; uses the calling thread's connection.
public final class PublishedTableReader {

    /// A partition is `created` in place if the command that created its row type also created its
    /// columns: ATTACH PARTITION rewrites every column's catalog row, PARTITION OF does not.
    private static final String FACTS =
            """
            WITH RECURSIVE asked AS (
                SELECT c.oid, n.nspname, c.relname FROM unnest(?::text[], ?::text[]) a (schema, name)
                JOIN pg_catalog.pg_namespace n ON n.nspname = a.schema
                JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = a.name),
            tree (root, relid, edge) AS (
                SELECT oid, oid, NULL::text FROM asked
                UNION
                SELECT t.root, i.inhrelid, i.xmin::text FROM tree t
                JOIN pg_catalog.pg_inherits i ON i.inhparent = t.relid)
            SELECT r.nspname AS root_schema, r.relname AS root_name, t.relid = t.root AS is_root,
                c.oid::int8 AS oid, n.nspname, c.relname, c.relfilenode::int8 AS file, c.xmin::text AS version, c.relowner::int8 AS owner,
                y.xmin::text AS named,
                c.relreplident::text || coalesce(' ' || (SELECT i.indkey::text FROM pg_catalog.pg_index i
                    WHERE i.indrelid = c.oid AND (c.relreplident = 'i' AND i.indisreplident
                        OR c.relreplident = 'd' AND i.indisprimary)), '') AS identity,
                coalesce(t.edge = y.xmin::text AND c.relispartition AND c.relfilenode IN (0, c.oid)
                    AND EXISTS (SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0
                        AND a.xmin = y.xmin AND a.cmin = y.cmin), false) AS created, t.edge,
                CASE WHEN t.relid = t.root THEN ARRAY(
                    SELECT a.attnum || ' ' || a.atttypid || ' ' || a.xmin::text || ' ' || a.attname
                    FROM pg_catalog.pg_attribute a
                    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) END AS columns
            FROM tree t JOIN asked r ON r.oid = t.root
            JOIN pg_catalog.pg_class c ON c.oid = t.relid
            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            JOIN pg_catalog.pg_type y ON y.oid = c.reltype
            """;

    private PublishedTableReader() {}

    /// The facts of the tables that exist.
    public static SortedMap<TableId, PublishedTable> read(
            Connection connection, Collection<TableId> tables) throws SQLException {
        SortedMap<TableId, PublishedTable> found = new TreeMap<>();
        SortedMap<TableId, SortedMap<Long, Descendant>> descendants = new TreeMap<>();
        try (PreparedStatement statement = connection.prepareStatement(FACTS)) {
            statement.setArray(
                    1, texts(connection, tables.stream().map(TableId::schema).toArray()));
            statement.setArray(2, texts(connection, tables.stream().map(TableId::name).toArray()));
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    TableId root =
                            new TableId(row.getString("root_schema"), row.getString("root_name"));
                    if (row.getBoolean("is_root")) {
                        found.put(root, table(row));
                    } else {
                        descendants
                                .computeIfAbsent(root, _ -> new TreeMap<>())
                                .put(row.getLong("oid"), descendant(row));
                    }
                }
            }
        }
        descendants.forEach(
                (root, each) -> found.computeIfPresent(root, (_, table) -> table.with(each)));
        return found;
    }

    /// The object ids of the tables that have no rows and were never rewritten.
    public static Set<Long> empty(Connection connection, Map<Long, Descendant> tables)
            throws SQLException {
        Set<Long> empty = new HashSet<>();
        try (PreparedStatement statement =
                connection.prepareStatement("SELECT pg_relation_size(?::int8::oid) = 0")) {
            for (Map.Entry<Long, Descendant> each : tables.entrySet()) {
                statement.setLong(1, each.getKey());
                try (ResultSet row = statement.executeQuery()) {
                    if (row.next()
                            && row.getBoolean(1)
                            && each.getValue().fileNode() == each.getKey()) {
                        empty.add(each.getKey());
                    }
                }
            }
        }
        return empty;
    }

    private static PublishedTable table(ResultSet row) throws SQLException {
        SortedMap<Integer, Column> columns = new TreeMap<>();
        for (String column : (String[]) row.getArray("columns").getArray()) {
            String[] parts = column.split(" ", 4);
            columns.put(
                    Integer.parseInt(parts[0]),
                    new Column(parts[3], Long.parseLong(parts[1]), parts[2]));
        }
        return new PublishedTable(
                row.getLong("oid"),
                row.getLong("owner"),
                row.getString("named"),
                row.getLong("file"),
                row.getString("identity"),
                columns,
                new TreeMap<>(),
                0);
    }

    private static Descendant descendant(ResultSet row) throws SQLException {
        return new Descendant(
                new TableId(row.getString("nspname"), row.getString("relname")),
                row.getLong("file"),
                row.getString("version"),
                row.getString("identity"),
                row.getString("edge"),
                row.getBoolean("created"));
    }

    private static Array texts(Connection connection, Object[] values) throws SQLException {
        return connection.createArrayOf("text", values);
    }

    /// The name of a type, for an operator; `???` if it does not exist any more.
    public static String typeName(Connection connection, long oid) throws SQLException {
        try (PreparedStatement statement =
                connection.prepareStatement("SELECT format_type(?::int8::oid, NULL)")) {
            statement.setLong(1, oid);
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return row.getString(1);
            }
        }
    }
}
