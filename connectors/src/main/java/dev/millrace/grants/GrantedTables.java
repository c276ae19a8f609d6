package dev.millrace.grants;

import dev.millrace.change.TableId;
import dev.millrace.postgres.Identifier;
import dev.millrace.spec.MigrationSpec;
import dev.millrace.spec.MigrationSpec.TableEntry;
import dev.millrace.sql.SelectStatement;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// The tables of one side as the file names them. Immutable.
///
/// @param names of tables as SQL names them; those without a schema are looked up on the search
///   path
/// @param schemas of the tables that the file names, also in wildcards
/// @param whole schemas of which a wildcard takes every table
record GrantedTables(List<String> names, Set<String> schemas, Set<String> whole) {

    /// With all partitions.
    private static final String TREE =
            """
            (SELECT c.* FROM pg_catalog.pg_class c WHERE c.oid IN (
                    SELECT w.t::oid FROM unnest(%1$s) w (t)
                    UNION SELECT p.relid::oid FROM unnest(%1$s) w (t), pg_catalog.pg_partition_tree(w.t) p))""";

    /// Schemas of the columns' types, of the elements of arrays and of what a domain is based on
    /// too, and of their collations: a cast names the type, and what depends on the case of letters
    /// the collation.
    private static final String TYPE_SCHEMAS =
            """
            WITH RECURSIVE given AS (
                    SELECT a.atttypid, a.attcollation FROM %s c
                    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
                    part (oid) AS (
                    SELECT g.atttypid FROM given g
                    UNION SELECT unnest(ARRAY[t.typelem, t.typbasetype])
                    FROM part p JOIN pg_catalog.pg_type t ON t.oid = p.oid)
                    SELECT n.nspname FROM pg_catalog.pg_namespace n
                    WHERE n.nspname <> 'pg_catalog' AND n.oid IN (
                    SELECT t.typnamespace FROM part p JOIN pg_catalog.pg_type t ON t.oid = p.oid
                    UNION SELECT o.collnamespace FROM given g JOIN pg_catalog.pg_collation o ON o.oid = g.attcollation)""";

    private static final String OF_SCHEMA =
            " || ARRAY(SELECT c.oid::regclass FROM pg_catalog.pg_class c WHERE c.relnamespace = %s::regnamespace"
                    + " AND c.relkind IN ('r', 'p') AND NOT c.relispartition)";

    GrantedTables {
        names = List.copyOf(names);
        schemas = Collections.unmodifiableSet(new TreeSet<>(schemas));
        whole = Collections.unmodifiableSet(new TreeSet<>(whole));
    }

    static GrantedTables ofSource(MigrationSpec spec) {
        Set<String> names = new LinkedHashSet<>();
        Set<String> schemas = new TreeSet<>();
        Set<String> whole = new TreeSet<>();
        for (TableEntry entry : spec.tables()) {
            switch (entry) {
                case TableEntry.Select select -> {
                    SelectStatement statement = select.statement();
                    statement.schema().ifPresent(schemas::add);
                    names.add(
                            statement
                                            .schema()
                                            .map(schema -> Identifier.quote(schema) + ".")
                                            .orElse("")
                                    + Identifier.quote(statement.table()));
                }
                case TableEntry.Wildcard wildcard -> {
                    schemas.add(wildcard.sourceSchema());
                    whole.add(wildcard.sourceSchema());
                }
            }
        }
        return new GrantedTables(List.copyOf(names), schemas, whole);
    }

    static GrantedTables ofTarget(MigrationSpec spec) {
        Set<String> whole = new TreeSet<>();
        List<TableId> tables = new ArrayList<>();
        for (TableEntry entry : spec.tables()) {
            switch (entry) {
                case TableEntry.Select select -> tables.add(select.target());
                case TableEntry.Wildcard wildcard -> whole.add(wildcard.targetSchema());
            }
        }
        return of(tables, whole);
    }

    static GrantedTables of(List<TableId> tables, Set<String> whole) {
        return new GrantedTables(
                tables.stream().map((TableId table) -> Identifier.quote(table)).distinct().toList(),
                Stream.concat(tables.stream().map(TableId::schema), whole.stream())
                        .collect(Collectors.toSet()),
                whole);
    }

    boolean isEmpty() {
        return names.isEmpty() && whole.isEmpty();
    }

    /// The tables, if the file names each with its schema.
    Optional<List<TableId>> listed(MigrationSpec spec) {
        List<TableId> tables = new ArrayList<>();
        for (TableEntry entry : spec.tables()) {
            if (!(entry instanceof TableEntry.Select select)
                    || select.statement().schema().isEmpty()) {
                return Optional.empty();
            }
            tables.add(new TableId(select.statement().schema().get(), select.statement().table()));
        }
        return Optional.of(tables.stream().distinct().toList());
    }

    /// That the SQL finds tables that the file names without their schema on another search path
    /// than the login may have, and that it cannot grant the right to use their schemas.
    List<String> notes() {
        List<String> unqualified = names.stream().filter(name -> !name.contains("\".\"")).toList();
        return unqualified.isEmpty()
                ? List.of()
                : List.of(
                        "The file names %s without a schema: the search path of the session that runs this decides which tables these are, and the login needs USAGE on their schemas. Write the schemas in the file."
                                .formatted(String.join(", ", unqualified)));
    }

    /// The right to use the schemas, and these privileges on the tables.
    List<String> grants(String privileges, String role) {
        List<String> statements = new ArrayList<>();
        schemas.forEach(schema -> statements.add(GrantSql.usage(schema, role)));
        names.forEach(table -> statements.add(GrantSql.onTable(privileges, table, role)));
        whole.forEach(schema -> statements.add(GrantSql.onTables(privileges, schema, role)));
        statements.add(types(role));
        return statements;
    }

    private String types(String role) {
        return GrantSql.forEach(
                TYPE_SCHEMAS.formatted(tree()),
                List.of(GrantSql.format("GRANT USAGE ON SCHEMA %I TO %I", "r.nspname", role)));
    }

    /// A FROM item: the rows of `pg_class` of the tables and their partitions.
    String tree() {
        return TREE.formatted(
                names.stream()
                                .map(Identifier::literal)
                                .collect(Collectors.joining(", ", "ARRAY[", "]::regclass[]"))
                        + whole.stream()
                                .map(schema -> Identifier.literal(Identifier.quote(schema)))
                                .map(OF_SCHEMA::formatted)
                                .collect(Collectors.joining()));
    }
}
