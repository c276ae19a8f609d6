package dev.millrace.postgres;

import dev.millrace.change.TableId;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/// A publication as the catalog describes it, and whether it carries every change of a set of
/// tables. The only place that reads publications and decides about them. Immutable.
///
/// @param narrowed has a row filter or a column list, or publishes a schema
/// @param everyOperation publishes INSERT, UPDATE, DELETE and TRUNCATE
/// @param viaRoot publishes changes of partitions under the partitioned table's name
/// @param storedColumns publishes stored generated columns; true on a server older than 18, which
///   does not require it
/// @param owned the session's role has the owner's rights
public record Publication(
        List<TableId> tables,
        boolean allTables,
        boolean narrowed,
        boolean everyOperation,
        boolean viaRoot,
        boolean storedColumns,
        boolean owned) {

    private static final String FIND =
            """
            SELECT p.puballtables, p.pubinsert AND p.pubupdate AND p.pubdelete AND p.pubtruncate AS every,
                p.pubviaroot, pg_catalog.pg_has_role(p.pubowner, 'USAGE') AS owned,
                coalesce((SELECT bool_or((to_jsonb(r) ->> 'prqual') IS NOT NULL
                    OR (to_jsonb(r) ->> 'prattrs') IS NOT NULL)
                    FROM pg_catalog.pg_publication_rel r WHERE r.prpubid = p.oid), false) AS narrowed,
                coalesce(to_jsonb(p) ->> 'pubgencols', 's') = 's' AS stored,
                ARRAY(SELECT n.nspname::text FROM pg_catalog.pg_publication_rel r
                    JOIN pg_catalog.pg_class c ON c.oid = r.prrelid
                    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                    WHERE r.prpubid = p.oid ORDER BY c.oid) AS schemas,
                ARRAY(SELECT c.relname::text FROM pg_catalog.pg_publication_rel r
                    JOIN pg_catalog.pg_class c ON c.oid = r.prrelid
                    WHERE r.prpubid = p.oid ORDER BY c.oid) AS names
            FROM pg_catalog.pg_publication p WHERE p.pubname = ?
            """;

    /// Changes with any ALTER of the publication, of its list of tables or of a table in it, even
    /// if the ALTER is reversed later. Does not cover schemas: adding one removes no table.
    private static final String IDENTITY =
            """
            SELECT encode(sha256(convert_to(p.oid::text || ' ' || p.xmin::text || ' ' || coalesce(
                (SELECT string_agg(r.oid::text || ' ' || r.xmin::text, ',' ORDER BY r.oid)
                FROM pg_catalog.pg_publication_rel r WHERE r.prpubid = p.oid), ''), 'UTF8')), 'hex')
            FROM pg_catalog.pg_publication p WHERE p.pubname = ?
            """;

    /// From this version on, a server whose publication omits stored generated columns rejects
    /// UPDATE and DELETE on a table whose replica identity contains such columns.
    private static final int REQUIRES_STORED_COLUMNS = 18;

    public Publication {
        tables = List.copyOf(tables);
    }

    /// Why a publication does not carry every change of the expected tables.
    public enum Defect {
        /// Publishes other tables, or all tables.
        TABLES,
        /// Publishes only some rows or columns, or publishes a schema.
        NARROWED,
        /// Omits an operation.
        OPERATIONS,
        /// Publishes partitions under their own names.
        PARTITION_NAMES
    }

    /// @throws Database.DatabaseFailure if the catalog cannot be read
    public static Optional<Publication> find(Connection connection, String name) {
        boolean wholeSchemas = publishesSchemas(connection, name);
        return Query.list(connection, FIND, row -> read(row, wholeSchemas), name).stream()
                .findFirst();
    }

    /// Which of the tables a publication does not contain, as what somebody waits for; empty if it
    /// contains all of them. It contains a table that was renamed under its other name.
    ///
    /// @throws Database.DatabaseFailure if the catalog cannot be read
    public static Optional<String> missing(
            Connection connection, String name, Collection<TableId> tables) {
        Optional<Publication> found = find(connection, name);
        if (found.isEmpty()) {
            return Optional.of("publication " + name + ", which capture creates when it starts");
        }
        return tables.stream()
                .filter(table -> !found.get().allTables && !found.get().tables.contains(table))
                .sorted()
                .map(TableId::toString)
                .reduce((one, other) -> one + ", " + other)
                .map(
                        missing ->
                                "publication %s to contain %s. If a table was renamed or moved, restore its name"
                                        .formatted(name, missing));
    }

    /// A fingerprint of the publication's definition, empty if there is no publication of the name.
    ///
    /// @throws Database.DatabaseFailure if the catalog cannot be read
    public static Optional<String> identity(Connection connection, String name) {
        return Query.list(connection, IDENTITY, row -> row.getString(1), name).stream().findFirst();
    }

    /// The first reason why the publication does not carry every change of exactly these tables.
    public Optional<Defect> defect(Set<TableId> expected) {
        if (allTables || !Set.copyOf(tables).equals(expected)) {
            return Optional.of(Defect.TABLES);
        }
        if (narrowed) {
            return Optional.of(Defect.NARROWED);
        }
        if (!everyOperation) {
            return Optional.of(Defect.OPERATIONS);
        }
        return viaRoot ? Optional.empty() : Optional.of(Defect.PARTITION_NAMES);
    }

    /// Creates a publication of the tables without a [Defect].
    public static void create(Connection connection, String name, Collection<TableId> tables)
            throws SQLException {
        int version = connection.getMetaData().getDatabaseMajorVersion();
        try (Statement statement = connection.createStatement()) {
            statement.execute(creation(name, tables, version));
        }
    }

    public static void drop(Connection connection, String name) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute("DROP PUBLICATION " + Identifier.quote(name));
        }
    }

    /// The statement that [#create] runs.
    ///
    /// @param majorVersion of the server
    public static String creation(String name, Collection<TableId> tables, int majorVersion) {
        return "CREATE PUBLICATION "
                + Identifier.quote(name)
                + " FOR TABLE "
                + tables.stream()
                        .map((TableId id) -> Identifier.quote(id))
                        .collect(Collectors.joining(", "))
                + " WITH (publish = 'insert, update, delete, truncate', publish_via_partition_root = true"
                + (majorVersion < REQUIRES_STORED_COLUMNS
                        ? ""
                        : ", publish_generated_columns = stored")
                + ")";
    }

    /// The statement that gives it to a role.
    public static String ownership(String name, String role) {
        return "ALTER PUBLICATION "
                + Identifier.quote(name)
                + " OWNER TO "
                + Identifier.quote(role)
                + ";";
    }

    /// Servers before version 15 have no publications of schemas and no catalog table for them.
    private static boolean publishesSchemas(Connection connection, String name) {
        boolean possible =
                Query.list(
                                connection,
                                "SELECT to_regclass('pg_catalog.pg_publication_namespace') IS NOT NULL",
                                row -> row.getBoolean(1))
                        .getFirst();
        return possible
                && !Query.list(
                                connection,
                                """
                                SELECT 1 FROM pg_catalog.pg_publication_namespace n
                                JOIN pg_catalog.pg_publication p ON p.oid = n.pnpubid
                                WHERE p.pubname = ?
                                """,
                                row -> row.getInt(1),
                                name)
                        .isEmpty();
    }

    private static Publication read(ResultSet row, boolean wholeSchemas) throws SQLException {
        List<String> schemas = Query.texts(row, "schemas");
        List<String> names = Query.texts(row, "names");
        return new Publication(
                IntStream.range(0, names.size())
                        .mapToObj(i -> new TableId(schemas.get(i), names.get(i)))
                        .toList(),
                row.getBoolean("puballtables"),
                wholeSchemas || row.getBoolean("narrowed"),
                row.getBoolean("every"),
                row.getBoolean("pubviaroot"),
                row.getBoolean("stored"),
                row.getBoolean("owned"));
    }
}
