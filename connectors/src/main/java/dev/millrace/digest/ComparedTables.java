package dev.millrace.digest;

import dev.millrace.change.TableId;
import dev.millrace.digest.ComparedTable.Hashes;
import dev.millrace.digest.ComparedTable.Size;
import dev.millrace.digest.RowHash.Bytes;
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
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// The column types and sizes of the tables of some mappings, read once for all of them. Immutable.
public final class ComparedTables {

    /// Domains are resolved to their base type. Types whose length would truncate a value in a cast
    /// are returned without it.
    private static final String COLUMNS =
            """
            WITH RECURSIVE layer AS (
                SELECT w.schema, w.name, a.attname, a.attnotnull,
                    a.atttypid AS type, a.atttypmod AS modifier
                FROM unnest(?::text[], ?::text[]) AS w(schema, name)
                JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema
                JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.name
                JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
                WHERE a.attnum > 0 AND NOT a.attisdropped
                UNION ALL
                SELECT l.schema, l.name, l.attname, l.attnotnull, t.typbasetype, t.typtypmod
                FROM layer l JOIN pg_catalog.pg_type t ON t.oid = l.type WHERE t.typtype = 'd')
            SELECT l.schema, l.name, l.attname, format_type(l.type, l.modifier), n.nspname, t.typname,
                CASE WHEN n.nspname = 'pg_catalog' THEN format_type(l.type,
                    CASE WHEN t.typname IN ('varchar', '_varchar', 'bpchar', '_bpchar',
                        'bit', '_bit', 'varbit', '_varbit') THEN -1 ELSE l.modifier END) END,
                l.attnotnull
            FROM layer l JOIN pg_catalog.pg_type t ON t.oid = l.type
            JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace WHERE t.typtype <> 'd'
            """;

    /// The rows of a partitioned table are in its partitions.
    private static final String SIZES =
            """
            SELECT w.schema, w.name, coalesce(
                (SELECT sum(pg_table_size(p.relid)) FROM pg_partition_tree(c.oid) p WHERE p.isleaf),
                pg_table_size(c.oid)),
                coalesce(
                (SELECT sum(greatest(l.reltuples, 0)) FROM pg_partition_tree(c.oid) p
                    JOIN pg_catalog.pg_class l ON l.oid = p.relid WHERE p.isleaf),
                greatest(c.reltuples, 0))::bigint
            FROM unnest(?::text[], ?::text[]) AS w(schema, name)
            JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema
            JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.name
            """;

    private static final Size NONE = new Size(0, 0);

    private final Map<TableId, Map<String, TargetType>> columns;
    private final Map<TableId, Size> sourceSizes;
    private final Map<TableId, Size> targetSizes;
    private final Hashes hashes;

    private record TargetType(
            String formatted,
            String schema,
            String name,
            @Nullable String castable,
            boolean notNull) {}

    private ComparedTables(
            Map<TableId, Map<String, TargetType>> columns,
            Map<TableId, Size> sourceSizes,
            Map<TableId, Size> targetSizes,
            Hashes hashes) {
        this.columns = columns;
        this.sourceSizes = sourceSizes;
        this.targetSizes = targetSizes;
        this.hashes = hashes;
    }

    static ComparedTables read(Chunker chunker, Collection<Mapping> mappings) {
        List<TableId> sources = mappings.stream().map(Mapping::source).toList();
        List<TableId> targets =
                mappings.stream().map(each -> each.target().table().whole()).distinct().toList();
        Side source = chunker.onSource(open -> new Side(Hashing.of(open), sizes(open, sources)));
        return chunker.onTarget(
                open ->
                        new ComparedTables(
                                columns(open, targets),
                                source.sizes(),
                                sizes(open, targets),
                                source.hashing().hashes(Hashing.of(open))));
    }

    private record Side(Hashing hashing, Map<TableId, Size> sizes) {}

    /// How a server hashes values.
    private record Hashing(Bytes bytes, Map<String, String> samples) {

        static Hashing of(Connection open) throws SQLException {
            Bytes bytes = Bytes.of(open.getMetaData().getDatabaseMajorVersion());
            try (var statement = open.createStatement();
                    var rows = statement.executeQuery(RowHash.samples(bytes))) {
                Map<String, String> samples = new HashMap<>();
                while (rows.next()) {
                    samples.put(rows.getString(1), rows.getString(2));
                }
                return new Hashing(bytes, samples);
            }
        }

        Hashes hashes(Hashing target) {
            Set<String> typed = RowHash.common(samples, target.samples);
            return new Hashes(new RowHash(typed, bytes), new RowHash(typed, target.bytes));
        }
    }

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
        Size ofSource = sourceSizes.getOrDefault(mapping.source(), NONE);
        Size ofTarget = targetSizes.getOrDefault(target, NONE);
        boolean notNullKey =
                mapping.target().keyColumns().stream()
                        .map(columns.getOrDefault(target, Map.of())::get)
                        .allMatch(type -> type != null && type.notNull());
        return new ComparedTable(
                mapping,
                texts,
                hashes,
                notNullKey,
                new Size(Math.max(ofSource.bytes(), ofTarget.bytes()), ofTarget.rows()));
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
                                            rows.getString(7),
                                            rows.getBoolean(8)));
                }
            }
            return columns;
        }
    }

    private static Map<TableId, Size> sizes(Connection open, List<TableId> tables)
            throws SQLException {
        try (var statement = open.prepareStatement(SIZES)) {
            bind(statement, open, tables);
            Map<TableId, Size> sizes = new HashMap<>();
            try (var rows = statement.executeQuery()) {
                while (rows.next()) {
                    sizes.put(
                            new TableId(rows.getString(1), rows.getString(2)),
                            new Size(rows.getLong(3), rows.getLong(4)));
                }
            }
            return sizes;
        }
    }

    private static void bind(PreparedStatement statement, Connection open, List<TableId> tables)
            throws SQLException {
        statement.setArray(
                1, open.createArrayOf("text", tables.stream().map(TableId::schema).toArray()));
        statement.setArray(
                2, open.createArrayOf("text", tables.stream().map(TableId::name).toArray()));
    }
}
