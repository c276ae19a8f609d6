package dev.millrace.control;

import dev.millrace.change.TableId;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;

/// Indexes and foreign keys that were dropped from target tables for the time of the backfill, in
/// `millrace.dropped_definition`. Uses the caller's connection and transaction, so that an object
/// is dropped only together with the storage of its definition. Thread-safe.
public final class DroppedDefinitions {

    private static final String PREPARED =
            """
            SELECT EXISTS (SELECT FROM millrace.prepared_table
                WHERE migration = ? AND generation = ? AND target_schema = ? AND target_name = ?)
            """;

    private static final String PREPARE =
            """
            INSERT INTO millrace.prepared_table (migration, generation, target_schema, target_name)
            VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING
            """;

    private static final String ADD =
            """
            INSERT INTO millrace.dropped_definition (migration, kind, table_schema, table_name, name,
                definition, tablespace, comment, statistics, clustered, validated)
            VALUES (?, ?, ?, ?, ?, ?, ?, nullif(?, ''),
                coalesce((SELECT jsonb_object_agg(split_part(s, '=', 1), split_part(s, '=', 2)::int)
                    FROM unnest(?::text[]) AS s), '{}'),
                ?, ?)
            ON CONFLICT (migration, kind, table_schema, table_name, name) DO UPDATE
            SET definition = excluded.definition, tablespace = excluded.tablespace,
                comment = excluded.comment, statistics = excluded.statistics,
                clustered = excluded.clustered, validated = excluded.validated,
                dropped_at = excluded.dropped_at, restored_at = NULL
            """;

    private static final String PENDING =
            """
            SELECT kind, table_schema, table_name, name, definition, tablespace, coalesce(comment, ''),
                ARRAY(SELECT key || '=' || value FROM jsonb_each_text(statistics)), clustered, validated
            FROM millrace.dropped_definition WHERE migration = ? AND restored_at IS NULL
            ORDER BY kind DESC, table_schema, table_name, name
            """;

    private static final String RESTORED =
            """
            UPDATE millrace.dropped_definition SET restored_at = clock_timestamp()
            WHERE migration = ? AND kind = ? AND table_schema = ? AND table_name = ? AND name = ?
            """;

    private static final String NOTE =
            """
            INSERT INTO millrace.journal (migration, who, phase, event, detail)
            VALUES (?, 'millrace', ?, ?, jsonb_build_object('what', ?::text))
            """;

    private static final String LATEST =
            "SELECT coalesce(max(generation), 0) FROM millrace.generation WHERE migration = ?";

    private final String migration;

    public DroppedDefinitions(String migration) {
        this.migration = migration;
    }

    public enum Kind {
        INDEX("index"),
        FOREIGN_KEY("foreign key");

        private final String text;

        Kind(String text) {
            this.text = text;
        }

        /// For messages, and in the table.
        public String text() {
            return text;
        }
    }

    /// What is needed to create an index or a foreign key again. Immutable.
    ///
    /// @param text as PostgreSQL prints it with an empty `search_path`: a whole `CREATE INDEX`, or
    ///   what follows the name of a foreign key
    /// @param tablespace of an index; empty for the database's default
    /// @param comment empty without one
    /// @param statistics statistics targets of an index by column number
    /// @param clustered the table was last clustered on this index
    /// @param validated every row satisfies the foreign key; true for an index
    public record Definition(
            Kind kind,
            TableId table,
            String name,
            String text,
            String tablespace,
            String comment,
            SortedMap<Integer, Integer> statistics,
            boolean clustered,
            boolean validated) {

        public Definition {
            statistics = Collections.unmodifiableSortedMap(new TreeMap<>(statistics));
        }

        /// For messages: `index customer_email of crm.customer`.
        public String described() {
            return kind.text() + " " + name + " of " + table;
        }

        /// Whether it is the same object of the same table.
        public boolean isSameObject(Definition other) {
            return kind == other.kind && table.equals(other.table) && name.equals(other.name);
        }
    }

    /// Whether the table was prepared for the backfill of the generation.
    public boolean isPrepared(Connection connection, int generation, TableId table)
            throws SQLException {
        return Statements.one(
                connection,
                PREPARED,
                row -> row.getBoolean(1),
                migration,
                generation,
                table.schema(),
                table.name());
    }

    /// Records that nothing is left to drop from the table for this generation.
    public void prepared(Connection connection, int generation, TableId table) throws SQLException {
        Statements.update(connection, PREPARE, migration, generation, table.schema(), table.name());
    }

    /// The generation that began last; 0 before the first.
    public int latestGeneration(Connection connection) throws SQLException {
        return Statements.one(connection, LATEST, row -> row.getInt(1), migration);
    }

    /// Stores a definition in the transaction that drops its object. Replaces what is stored for an
    /// object of this name.
    public void add(Connection connection, Definition dropped) throws SQLException {
        Statements.update(
                connection,
                ADD,
                migration,
                dropped.kind().text(),
                dropped.table().schema(),
                dropped.table().name(),
                dropped.name(),
                dropped.text(),
                dropped.tablespace(),
                dropped.comment(),
                dropped.statistics().entrySet().stream()
                        .map(target -> target.getKey() + "=" + target.getValue())
                        .toArray(String[]::new),
                dropped.clustered(),
                dropped.validated());
    }

    /// What is not restored yet: the indexes before the foreign keys, by table and name.
    public List<Definition> pending(Connection connection) throws SQLException {
        return Statements.list(connection, PENDING, DroppedDefinitions::definition, migration);
    }

    /// Records that the object exists again as it was.
    public void restored(Connection connection, Definition definition) throws SQLException {
        Statements.update(
                connection,
                RESTORED,
                migration,
                definition.kind().text(),
                definition.table().schema(),
                definition.table().name(),
                definition.name());
    }

    /// Adds an event to the journal in the caller's transaction.
    public void note(Connection connection, String phase, String event, String what)
            throws SQLException {
        Statements.update(connection, NOTE, migration, phase, event, what);
    }

    private static Definition definition(ResultSet row) throws SQLException {
        Map<Integer, Integer> statistics =
                List.of((String[]) row.getArray(8).getArray()).stream()
                        .map(target -> target.split("=", 2))
                        .collect(
                                Collectors.toMap(
                                        target -> Integer.valueOf(target[0]),
                                        target -> Integer.valueOf(target[1])));
        return new Definition(
                row.getString(1).equals(Kind.INDEX.text()) ? Kind.INDEX : Kind.FOREIGN_KEY,
                new TableId(row.getString(2), row.getString(3)),
                row.getString(4),
                row.getString(5),
                row.getString(6),
                row.getString(7),
                new TreeMap<>(statistics),
                row.getBoolean(9),
                row.getBoolean(10));
    }
}
