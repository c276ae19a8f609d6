package dev.millrace.preflight.compile;

import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.Session;
import dev.millrace.sql.Relation;
import dev.millrace.sql.SelectStatement;
import java.util.Collections;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/// The schemas of collations on one side that the role may not use. A SELECT that changes the case
/// of letters cannot be compiled for columns with such a collation. Not thread-safe; confined to
/// the thread that owns the session.
final class CollationSchemas {

    /// A collation whose schema the role may not use is never visible, so its name is qualified.
    private static final String HIDDEN =
            """
            SELECT n.nspname || '.' || c.collname, n.nspname FROM pg_catalog.pg_collation c
            JOIN pg_catalog.pg_namespace n ON n.oid = c.collnamespace
            WHERE n.nspname || '.' || c.collname IN (%s)
                AND NOT pg_catalog.has_schema_privilege(n.oid, 'USAGE')
            """;

    private final Session session;
    private final SortedMap<String, SortedSet<String>> hidden = new TreeMap<>();

    CollationSchemas(Session session) {
        this.session = session;
    }

    /// Whether the statement can be compiled with columns of the table.
    boolean allow(SelectStatement statement, Relation table) {
        if (!statement.changesCase()) {
            return true;
        }
        String names =
                SpecCompiler.collations(table).stream()
                        .map(Identifier::literal)
                        .collect(Collectors.joining(", "));
        SortedMap<String, String> schemas = new TreeMap<>();
        session.texts(HIDDEN.formatted(names))
                .forEach(
                        row -> schemas.put(String.valueOf(row.get(0)), String.valueOf(row.get(1))));
        for (Relation.Column column : table.columns()) {
            String schema = schemas.get(column.collation().name());
            if (schema != null) {
                hidden.computeIfAbsent(schema, _ -> new TreeSet<>())
                        .add(table.id() + "." + column.name());
            }
        }
        return schemas.isEmpty();
    }

    /// The schemas that were found, with the columns that need them.
    SortedMap<String, SortedSet<String>> hidden() {
        return Collections.unmodifiableSortedMap(hidden);
    }
}
