package dev.millrace.control;

import dev.millrace.postgres.Database;
import dev.millrace.postgres.SqlState;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Collectors;

/// Everything that one migration has in the control schema of one database, over all tables: read
/// for its archive, and removed when it ends. Thread-safe.
///
/// @param control a database that may have a control schema
/// @param streams the identifiers of the migration's streams
public record ControlRows(Database control, List<String> streams) {

    private static final String EXISTS =
            "SELECT to_regclass('millrace.schema_version') IS NOT NULL";

    private static final String EPOCH =
            "SELECT max(epoch) FROM millrace.owner WHERE migration = ANY(?)";

    /// A detail stays a text: the hash of the entry was computed from it.
    private static final String JOURNALS =
            """
            WITH own AS (SELECT ?::text[] AS names)
            SELECT jsonb_build_object(
                'journal', (SELECT coalesce(jsonb_agg(to_jsonb(j) || jsonb_build_object('detail', j.detail::text)
                        ORDER BY j.migration, j.number), '[]')
                    FROM millrace.journal j, own WHERE j.migration = ANY(own.names)),
                'journalHeads', (SELECT coalesce(jsonb_agg(to_jsonb(h) ORDER BY h.migration), '[]')
                    FROM millrace.journal_head h, own WHERE h.migration = ANY(own.names))
            """;

    /// What says how the migration went. The reports contain what they showed.
    private static final String EVIDENCE =
            JOURNALS
                    + """
                ,
                'operations', (SELECT coalesce(jsonb_agg(to_jsonb(o) || jsonb_build_object('steps',
                        (SELECT coalesce(jsonb_agg(to_jsonb(s) - 'operation' ORDER BY s.ordinal), '[]')
                            FROM millrace.operation_step s WHERE s.operation = o.id)) ORDER BY o.started_at), '[]')
                    FROM millrace.operation o, own WHERE o.migration = ANY(own.names)),
                'reconciliations', (SELECT coalesce(jsonb_agg(to_jsonb(r) ORDER BY r.finished_at), '[]')
                    FROM millrace.reconciliation r, own WHERE r.migration = ANY(own.names)),
                'generations', (SELECT coalesce(jsonb_agg(to_jsonb(g) ORDER BY g.migration, g.generation), '[]')
                    FROM millrace.generation g, own WHERE g.migration = ANY(own.names)),
                'stoppedTables', (SELECT coalesce(jsonb_agg(to_jsonb(t) ORDER BY t.at), '[]')
                    FROM millrace.stopped_table t, own WHERE t.migration = ANY(own.names)),
                'rejectedKeys', (SELECT coalesce(jsonb_agg(to_jsonb(k) - 'key_values' - 'key_hash' ORDER BY k.id), '[]')
                    FROM millrace.parked_key k, own WHERE k.migration = ANY(own.names)),
                'droppedDefinitions', (SELECT coalesce(jsonb_agg(to_jsonb(d) ORDER BY d.dropped_at), '[]')
                    FROM millrace.dropped_definition d, own WHERE d.migration = ANY(own.names)),
                'leases', (SELECT coalesce(jsonb_agg(to_jsonb(l) ORDER BY l.stream, l.epoch), '[]')
                    FROM millrace.lease l, own WHERE l.stream = ANY(own.names)),
                'sourceUse', (SELECT coalesce(jsonb_agg(u.statistics), '[]')
                    FROM millrace.source_use u, own WHERE u.migration = ANY(own.names)))::text
            """;

    private static final String TABLES =
            """
            SELECT format('%I.%I', n.nspname, c.relname), a.attname::text, pg_has_role(c.relowner, 'USAGE')
            FROM pg_catalog.pg_class c
            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname IN ('migration', 'stream')
            WHERE n.nspname = 'millrace' AND c.relkind = 'r' AND c.relname !~ ?
                AND (a.attname IS NOT NULL OR c.relname IN ('operation_step', 'schema_version'))
            ORDER BY 1
            """;

    /// The tables of [ControlSchema#incompleteRows].
    private static final String INCOMPLETE_ROWS =
            """
            SELECT format('%I.%I', n.nspname, c.relname)
            FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = 'millrace' AND c.relkind = 'r'
                AND c.relname ~ ? AND regexp_replace(c.relname, ?, '') = ANY(?)
            """;

    private static final String ROUTINES =
            """
            SELECT p.oid::regprocedure::text, pg_has_role(p.proowner, 'USAGE')
            FROM pg_catalog.pg_proc p WHERE p.pronamespace = 'millrace'::regnamespace ORDER BY 1
            """;

    /// The entries of a closed journal may be deleted.
    private static final String CLOSE_JOURNALS =
            "UPDATE millrace.journal_head SET closed = true WHERE migration = ANY(?)";

    private static final String OWNS_SCHEMA =
            "SELECT pg_has_role(nspowner, 'USAGE') FROM pg_catalog.pg_namespace WHERE nspname ="
                    + " 'millrace'";

    private static final String OTHER_OBJECTS =
            "objects that Millrace did not create depend on it; drop them, then the schema";

    public ControlRows {
        streams = List.copyOf(streams);
    }

    /// A table of the control schema.
    ///
    /// @param column that contains the stream; empty if rows go with those of another table
    private record ControlTable(String name, String column, boolean owned) {}

    /// What [#remove] left.
    public sealed interface Removal {

        /// The database has no control schema any more.
        record Gone() implements Removal {}

        /// The rows are removed; the schema stays, and this is why.
        record SchemaStays(String reason) implements Removal {}
    }

    /// Keeps what is removed.
    @FunctionalInterface
    public interface Keeper {

        /// @param journals the fields `journal` and `journalHeads` of [#evidence], to which nobody
        ///   can add an entry any more
        /// @throws IOException if they cannot be kept; then nothing is removed
        void keep(String journals) throws IOException;
    }

    public boolean exist() throws SQLException {
        try (Connection connection = control.pooled()) {
            return exist(connection);
        }
    }

    private static boolean exist(Connection connection) throws SQLException {
        return Statements.one(connection, EXISTS, row -> row.getBoolean(1));
    }

    /// The epoch of the migration's owner, which counts the processes that ran it; empty if no
    /// process did.
    public OptionalLong epoch() throws SQLException {
        try (Connection connection = control.pooled()) {
            if (!exist(connection)) {
                return OptionalLong.empty();
            }
            long epoch = Statements.one(connection, EPOCH, row -> row.getLong(1), names());
            return epoch == 0 ? OptionalLong.empty() : OptionalLong.of(epoch);
        }
    }

    /// Journal, operations with their steps, reports and generations, as one JSON object.
    public String evidence() throws SQLException {
        try (Connection connection = control.pooled()) {
            return exist(connection)
                    ? Statements.one(connection, EVIDENCE, row -> row.getString(1), names())
                    : "{}";
        }
    }

    /// Removes the migration's rows in one transaction, and the whole schema if it has no rows of
    /// others. Can be repeated.
    ///
    /// @param keeper called before the commit; not if there is no control schema any more
    /// @throws SQLException also if others lock a table for longer than 5 seconds
    public Removal remove(Keeper keeper) throws SQLException, IOException {
        try (Connection connection = control.connect("cleanup")) {
            if (!exist(connection)) {
                return dropEmpty(connection);
            }
            connection.setAutoCommit(false);
            try {
                Removal removal = remove(connection, keeper);
                connection.commit();
                return removal;
            } catch (SQLException | IOException | RuntimeException e) {
                connection.rollback();
                throw e;
            }
        }
    }

    private Removal remove(Connection connection, Keeper keeper) throws SQLException, IOException {
        List<ControlTable> tables =
                Statements.list(
                        connection,
                        TABLES,
                        row ->
                                new ControlTable(
                                        row.getString(1),
                                        Optional.ofNullable(row.getString(2)).orElse(""),
                                        row.getBoolean(3)),
                        ControlSchema.BEFORE_STREAM);
        List<ControlTable> keyed =
                tables.stream().filter(table -> !table.column().isEmpty()).toList();
        Statements.update(connection, "SET LOCAL lock_timeout = '5s'");
        // No migration begins between the look at the rows and the end of the schema.
        Statements.update(connection, "LOCK TABLE " + names(tables) + " IN ACCESS EXCLUSIVE MODE");
        for (String table :
                Statements.list(
                        connection,
                        INCOMPLETE_ROWS,
                        row -> row.getString(1),
                        ControlSchema.BEFORE_STREAM,
                        ControlSchema.BEFORE_STREAM,
                        names())) {
            Statements.update(connection, "DROP TABLE " + table);
        }
        keeper.keep(
                Statements.one(connection, JOURNALS + ")::text", row -> row.getString(1), names()));
        Statements.update(connection, CLOSE_JOURNALS, names());
        boolean others = false;
        for (ControlTable table : keyed) {
            Statements.update(
                    connection,
                    "DELETE FROM %s WHERE %s = ANY(?)".formatted(table.name(), table.column()),
                    names());
            others |=
                    Statements.one(
                            connection,
                            "SELECT EXISTS (SELECT FROM " + table.name() + ")",
                            row -> row.getBoolean(1));
        }
        if (others) {
            return new Removal.SchemaStays("it contains rows of other migrations");
        }
        return drop(connection, tables);
    }

    /// An administrator may have created the schema for a migration that wrote nothing here.
    private static Removal dropEmpty(Connection connection) throws SQLException {
        Optional<Boolean> owned =
                Statements.first(connection, OWNS_SCHEMA, row -> row.getBoolean(1));
        if (owned.isEmpty()) {
            return new Removal.Gone();
        }
        if (!owned.get()) {
            return new Removal.SchemaStays("another role owns it; drop the schema as that role");
        }
        try {
            Statements.update(connection, "DROP SCHEMA millrace");
            return new Removal.Gone();
        } catch (SQLException e) {
            if (!SqlState.DEPENDENT_OBJECTS_STILL_EXIST.matches(e)) {
                throw e;
            }
            return new Removal.SchemaStays(OTHER_OBJECTS);
        }
    }

    private static Removal drop(Connection connection, List<ControlTable> tables)
            throws SQLException {
        List<String> routines =
                Statements.list(
                        connection, ROUTINES, row -> row.getBoolean(2) ? row.getString(1) : "");
        boolean ownsAll =
                tables.stream().allMatch(ControlTable::owned)
                        && routines.stream().noneMatch(String::isEmpty)
                        && Statements.one(connection, OWNS_SCHEMA, row -> row.getBoolean(1));
        if (!ownsAll) {
            return new Removal.SchemaStays(
                    "another role owns objects in it; drop the schema as that role");
        }
        var before = connection.setSavepoint();
        try {
            Statements.update(connection, "DROP TABLE " + names(tables));
            for (String routine : routines) {
                Statements.update(connection, "DROP ROUTINE " + routine);
            }
            Statements.update(connection, "DROP SCHEMA millrace");
            return new Removal.Gone();
        } catch (SQLException e) {
            if (!SqlState.DEPENDENT_OBJECTS_STILL_EXIST.matches(e)) {
                throw e;
            }
            connection.rollback(before);
            return new Removal.SchemaStays(OTHER_OBJECTS);
        }
    }

    private static String names(Collection<ControlTable> tables) {
        return tables.stream().map(ControlTable::name).distinct().collect(Collectors.joining(", "));
    }

    /// One parameter, not one for each name.
    private Object names() {
        return streams.toArray(String[]::new);
    }
}
