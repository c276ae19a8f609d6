package dev.millrace.postgres;

import dev.millrace.change.TableId;
import dev.millrace.postgres.TableFacts.Keys;
import dev.millrace.sql.Relation;
import java.sql.Connection;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/// Reads the catalog of one database. Each call reads it again, with a fixed number of statements
/// for any number of tables. A table's key is its replica identity on the source and its primary
/// key on the target. Not thread-safe; confined to the thread that owns the connection. Throws
/// [Database.DatabaseFailure] if a statement fails.
public final class Catalog {

    private final Connection connection;
    private final Function<Keys, List<String>> key;

    private Catalog(Connection connection, Function<Keys, List<String>> key) {
        this.connection = connection;
        this.key = key;
    }

    public static Catalog ofSource(Connection connection) {
        return new Catalog(connection, Keys::replica);
    }

    public static Catalog ofTarget(Connection connection) {
        return new Catalog(connection, Keys::primaryKey);
    }

    public Optional<Relation> relation(TableId table) {
        return Optional.ofNullable(relations(List.of(table)).get(table));
    }

    /// The relations that exist, in the order of the request. Includes views and foreign tables;
    /// [#facts] reports the kind.
    public Map<TableId, Relation> relations(Collection<TableId> tables) {
        Map<TableId, Long> oids = oids(tables);
        Map<Long, Keys> keys = new KeyReader(connection).keys(oids.values());
        Map<Long, List<Relation.Column>> columns =
                new ColumnReader(connection).columns(oids.values());
        Map<TableId, Relation> relations = new LinkedHashMap<>();
        oids.forEach(
                (table, oid) ->
                        relations.put(
                                table,
                                new Relation(
                                        table,
                                        columns.getOrDefault(oid, List.of()),
                                        key.apply(KeyReader.of(keys, oid)))));
        return relations;
    }

    public Optional<TableFacts> facts(TableId table) {
        return Optional.ofNullable(facts(List.of(table)).get(table));
    }

    /// Facts about the relations that exist, in the order of the request.
    public Map<TableId, TableFacts> facts(Collection<TableId> tables) {
        return new FactReader(connection).facts(oids(tables));
    }

    /// All relations of a schema that a SELECT can read, including partitions and views, ordered by
    /// name. Empty if the schema does not exist.
    public List<TableFacts> tables(String schema) {
        List<TableId> names =
                Query.list(
                        connection,
                        """
                        SELECT c.relname FROM pg_catalog.pg_class c
                        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                        WHERE n.nspname = ? AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
                        ORDER BY c.relname COLLATE "C"
                        """,
                        row -> new TableId(schema, row.getString(1)),
                        schema);
        return List.copyOf(facts(names).values());
    }

    public boolean schemaExists(String schema) {
        return !Query.list(
                        connection,
                        "SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = ?",
                        row -> row.getInt(1),
                        schema)
                .isEmpty();
    }

    /// The schemas of the database except the system schemas.
    public List<String> schemas() {
        return Query.list(
                connection,
                """
                SELECT nspname FROM pg_catalog.pg_namespace
                WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' ORDER BY nspname
                """,
                row -> row.getString(1));
    }

    /// Resolves a name in a SELECT: in the given schema, or else the first match on the session's
    /// search path.
    public Optional<TableId> resolve(Optional<String> schema, String name) {
        return Query.list(
                        connection,
                        """
                        SELECT n.nspname, c.relname FROM pg_catalog.pg_class c
                        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                        WHERE c.relname = ? AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
                            AND CASE WHEN ?::text IS NULL THEN pg_catalog.pg_table_is_visible(c.oid)
                                ELSE n.nspname = ? END
                        """,
                        row -> new TableId(row.getString(1), row.getString(2)),
                        name,
                        schema.orElse(null),
                        schema.orElse(null))
                .stream()
                .findFirst();
    }

    private Map<TableId, Long> oids(Collection<TableId> tables) {
        Map<TableId, Long> found = new LinkedHashMap<>();
        Query.list(
                        connection,
                        """
                        SELECT n.nspname, c.relname, c.oid::int8
                        FROM unnest(?::text[], ?::text[]) WITH ORDINALITY w (schema, name, n)
                        JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema
                        JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.name
                        WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
                        ORDER BY w.n
                        """,
                        row ->
                                Map.entry(
                                        new TableId(row.getString(1), row.getString(2)),
                                        row.getLong(3)),
                        tables.stream().map(TableId::schema).toList(),
                        tables.stream().map(TableId::name).toList())
                .forEach(entry -> found.put(entry.getKey(), entry.getValue()));
        return found;
    }
}
