package dev.millrace.chunk;

import dev.millrace.select.Mapping;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Opens snapshots of one migration's tables on either side. Holds no connection between calls;
/// safe for any thread.
public final class Chunker {

    /// Domains are resolved to the type below. Types whose length would cut a value in a cast are
    /// taken without it.
    private static final String COLUMNS =
            """
            WITH RECURSIVE layer AS (
                SELECT a.attname, a.atttypid AS type, a.atttypmod AS modifier
                FROM pg_catalog.pg_attribute a
                JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
                JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                WHERE n.nspname = ? AND c.relname = ? AND a.attnum > 0 AND NOT a.attisdropped
                UNION ALL
                SELECT l.attname, t.typbasetype, t.typtypmod
                FROM layer l JOIN pg_catalog.pg_type t ON t.oid = l.type WHERE t.typtype = 'd')
            SELECT l.attname, format_type(l.type, l.modifier), n.nspname, t.typname,
                CASE WHEN n.nspname = 'pg_catalog' THEN format_type(l.type,
                    CASE WHEN t.typname IN ('varchar', '_varchar', 'bpchar', '_bpchar',
                        'bit', '_bit', 'varbit', '_varbit') THEN -1 ELSE l.modifier END) END
            FROM layer l JOIN pg_catalog.pg_type t ON t.oid = l.type
            JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace WHERE t.typtype <> 'd'
            """;

    private final String migration;
    private final String targetTopic;
    private final Sessions source;
    private final Sessions target;

    /// @param targetTopic under which the applier stores its offsets
    public Chunker(String migration, String targetTopic, Sessions source, Sessions target) {
        this.migration = migration;
        this.targetTopic = targetTopic;
        this.source = source;
        this.target = target;
    }

    /// Asks the target for its columns' types and both sides for a sample hash.
    ///
    /// @throws ReadFailed when a side can't be read or the target lacks a column of the mapping
    public ComparedTable table(Mapping mapping) {
        boolean agree = sample("source", source).equals(sample("target", target));
        return new ComparedTable(
                mapping, columns(mapping), agree ? HashFunction.EXTENDED : HashFunction.MD5);
    }

    /// What the source would not show to a snapshot taken now. A transaction that is running and
    /// has the highest id of all is not among the ids: they are complete below the id of any
    /// transaction that ended before this call.
    public RunningTransactions running() {
        return with("source", source, RunningTransactions::read);
    }

    public SourceSnapshot openSource(ComparedTable table) {
        return new SourceSnapshot(SnapshotReader.open("source", source, table, table.source()));
    }

    public TargetSnapshot openTarget(ComparedTable table) {
        return new TargetSnapshot(
                SnapshotReader.open("target", target, table, table.target()),
                new StoredState(migration, targetTopic, table.mapping().target().table()));
    }

    private List<ColumnText> columns(Mapping mapping) {
        Map<String, TargetType> types = with("target", target, open -> types(open, mapping));
        List<ColumnText> columns = new ArrayList<>();
        for (int i = 0; i < mapping.target().size(); i++) {
            String name = mapping.target().columns().get(i);
            TargetType type = types.get(name);
            if (type == null) {
                throw new ReadFailed(
                        "target",
                        new SQLException(
                                mapping.target().table() + " has no column " + name, "42703"));
            }
            columns.add(
                    new ColumnText(
                            name,
                            type.formatted(),
                            type.schema(),
                            type.name(),
                            type.castable(),
                            mapping.outputs().get(i)));
        }
        return columns;
    }

    private static Map<String, TargetType> types(Connection open, Mapping mapping)
            throws SQLException {
        try (var statement = open.prepareStatement(COLUMNS)) {
            statement.setString(1, mapping.target().table().schema());
            statement.setString(2, mapping.target().table().name());
            Map<String, TargetType> types = new HashMap<>();
            try (var rows = statement.executeQuery()) {
                while (rows.next()) {
                    types.put(
                            rows.getString(1),
                            new TargetType(
                                    rows.getString(2),
                                    rows.getString(3),
                                    rows.getString(4),
                                    rows.getString(5)));
                }
            }
            return types;
        }
    }

    private static String sample(String side, Sessions sessions) {
        return with(
                side,
                sessions,
                open -> {
                    try (var statement = open.createStatement();
                            var rows = statement.executeQuery(HashFunction.SAMPLE)) {
                        rows.next();
                        return rows.getString(1);
                    }
                });
    }

    private static <T> T with(String side, Sessions sessions, SnapshotReader.Question<T> question) {
        try (Connection connection = sessions.open()) {
            return question.of(connection);
        } catch (SQLException e) {
            throw new ReadFailed(side, e);
        }
    }

    private record TargetType(
            String formatted, String schema, String name, @Nullable String castable) {}
}
