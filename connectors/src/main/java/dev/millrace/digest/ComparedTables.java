package dev.millrace.digest;

import dev.millrace.change.TableId;
import dev.millrace.digest.ComparedTable.HashFunction;
import dev.millrace.mapping.Mapping;
import dev.millrace.postgres.SqlState;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// The column types and sizes of the tables of some mappings, read once for all of them. Immutable.
public final class ComparedTables {

    /// Domains are resolved to their base type. Types whose length would truncate a value in a cast
    /// are returned without it.
    private static final String COLUMNS =
            """
            WITH RECURSIVE layer AS (
                SELECT w.schema, w.name, a.attname, a.atttypid AS type, a.atttypmod AS modifier
                FROM unnest(?::text[], ?::text[]) AS w(schema, name)
                JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema
                JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.name
                JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
                WHERE a.attnum > 0 AND NOT a.attisdropped
                UNION ALL
                SELECT l.schema, l.name, l.attname, t.typbasetype, t.typtypmod
                FROM layer l JOIN pg_catalog.pg_type t ON t.oid = l.type WHERE t.typtype = 'd')
            SELECT l.schema, l.name, l.attname, format_type(l.type, l.modifier), n.nspname, t.typname,
                CASE WHEN n.nspname = 'pg_catalog' THEN format_type(l.type,
                    CASE WHEN t.typname IN ('varchar', '_varchar', 'bpchar', '_bpchar',
                        'bit', '_bit', 'varbit', '_varbit') THEN -1 ELSE l.modifier END) END
            FROM layer l JOIN pg_catalog.pg_type t ON t.oid = l.type
            JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace WHERE t.typtype <> 'd'
            """;

    /// The rows of a partitioned table are in its partitions.
    private static final String BYTES =
            """
            SELECT w.schema, w.name, coalesce(
                (SELECT sum(pg_table_size(p.relid)) FROM pg_partition_tree(c.oid) p WHERE p.isleaf),
                pg_table_size(c.oid))
            FROM unnest(?::text[], ?::text[]) AS w(schema, name)
            JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema
            JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.name
            """;

    private final Map<TableId, Map<String, TargetType>> columns;
    private final Map<TableId, Long> sourceBytes;
    private final Map<TableId, Long> targetBytes;
    private final HashFunction hash;

    private record TargetType(
            String formatted, String schema, String name, @Nullable String castable) {}

    private ComparedTables(
            Map<TableId, Map<String, TargetType>> columns,
            Map<TableId, Long> sourceBytes,
            Map<TableId, Long> targetBytes,
            HashFunction hash) {
        this.columns = columns;
        this.sourceBytes = sourceBytes;
        this.targetBytes = targetBytes;
        this.hash = hash;
    }

    static ComparedTables read(Chunker chunker, Collection<Mapping> mappings) {
        List<TableId> sources = mappings.stream().map(Mapping::source).toList();
        List<TableId> targets =
                mappings.stream().map(each -> each.target().table().whole()).distinct().toList();
        Side source = chunker.onSource(open -> new Side(sample(open), bytes(open, sources)));
        return chunker.onTarget(
                open ->
                        new ComparedTables(
                                columns(open, targets),
                                source.bytes(),
                                bytes(open, targets),
                                sample(open).equals(source.sample())
                                        ? HashFunction.EXTENDED
                                        : HashFunction.MD5));
    }

    private record Side(String sample, Map<TableId, Long> bytes) {}

    /// @throws ReadFailed when the target lacks a column of the mapping
    public ComparedTable table(Mapping mapping) {
        TableId target = mapping.target().table().whole();
        List<ColumnText> texts = new ArrayList<>();
        for (int i = 0; i < mapping.target().size(); i++) {
            String name = mapping.target().columns().get(i);
            TargetType type = columns.getOrDefault(target, Map.of()).get(name);
            if (type == null) {
                throw new ReadFailed(
                        "target",
                        new SQLException(
                                target + " has no column " + name,
                                SqlState.UNDEFINED_COLUMN.code()));
            }
            texts.add(
                    new ColumnText(
                            name,
                            type.formatted(),
                            type.schema(),
                            type.name(),
                            type.castable(),
                            mapping.outputs().get(i)));
        }
        long bytes =
                Math.max(
                        sourceBytes.getOrDefault(mapping.source(), 0L),
                        targetBytes.getOrDefault(target, 0L));
        return new ComparedTable(mapping, texts, hash, bytes);
    }

    private static Map<TableId, Map<String, TargetType>> columns(
            Connection open, List<TableId> tables) throws SQLException {
        try (var statement = open.prepareStatement(COLUMNS)) {
            bind(statement, open, tables);
            Map<TableId, Map<String, TargetType>> columns = new HashMap<>();
            try (var rows = statement.executeQuery()) {
                while (rows.next()) {
                    columns.computeIfAbsent(
                                    new TableId(rows.getString(1), rows.getString(2)),
                                    _ -> new HashMap<>())
                            .put(
                                    rows.getString(3),
                                    new TargetType(
                                            rows.getString(4),
                                            rows.getString(5),
                                            rows.getString(6),
                                            rows.getString(7)));
                }
            }
            return columns;
        }
    }

    private static Map<TableId, Long> bytes(Connection open, List<TableId> tables)
            throws SQLException {
        try (var statement = open.prepareStatement(BYTES)) {
            bind(statement, open, tables);
            Map<TableId, Long> bytes = new HashMap<>();
            try (var rows = statement.executeQuery()) {
                while (rows.next()) {
                    bytes.put(new TableId(rows.getString(1), rows.getString(2)), rows.getLong(3));
                }
            }
            return bytes;
        }
    }

    private static void bind(PreparedStatement statement, Connection open, List<TableId> tables)
            throws SQLException {
        statement.setArray(
                1, open.createArrayOf("text", tables.stream().map(TableId::schema).toArray()));
        statement.setArray(
                2, open.createArrayOf("text", tables.stream().map(TableId::name).toArray()));
    }

    private static String sample(Connection open) throws SQLException {
        try (var statement = open.createStatement();
                var rows = statement.executeQuery(HashFunction.SAMPLE)) {
            rows.next();
            return rows.getString(1);
        }
    }
}
