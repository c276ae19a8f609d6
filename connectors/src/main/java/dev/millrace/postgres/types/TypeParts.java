package dev.millrace.postgres.types;

import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.Session;
import dev.millrace.sql.Relation.SqlType;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// Reads what types consist of: a type itself, the elements of an array, the base of a domain, the
/// attributes of a composite type, the bounds of a range, and so on down to the built-in types.
/// Stateless.
public final class TypeParts {

    /// Each part has one row per item of its definition, or one row without an item.
    private static final String PARTS =
            """
            WITH RECURSIVE part (root, oid) AS (
                SELECT w.n, t.oid
                FROM unnest(ARRAY[%s]::text[], ARRAY[%s]::text[]) WITH ORDINALITY w (schema, name, n)
                JOIN pg_catalog.pg_namespace s ON s.nspname = w.schema
                JOIN pg_catalog.pg_type t ON t.typnamespace = s.oid AND t.typname = w.name
                UNION
                SELECT p.root, c.oid FROM part p JOIN pg_catalog.pg_type t ON t.oid = p.oid,
                    LATERAL (SELECT t.typelem WHERE t.typlen = -1 AND t.typelem <> 0
                        UNION ALL SELECT t.typbasetype WHERE t.typtype = 'd'
                        UNION ALL SELECT a.atttypid FROM pg_catalog.pg_attribute a
                            WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0
                                AND NOT a.attisdropped
                        UNION ALL SELECT r.rngsubtype FROM pg_catalog.pg_range r
                            WHERE r.rngtypid = t.oid
                        UNION ALL SELECT r.rngtypid FROM pg_catalog.pg_range r
                            WHERE r.rngmultitypid = t.oid) AS c (oid))
            SELECT p.root, s.nspname, t.typname, t.typtype, i.item
            FROM part p JOIN pg_catalog.pg_type t ON t.oid = p.oid
            JOIN pg_catalog.pg_namespace s ON s.oid = t.typnamespace
            LEFT JOIN LATERAL (
                SELECT e.enumlabel::text, e.enumsortorder FROM pg_catalog.pg_enum e
                    WHERE e.enumtypid = t.oid
                UNION ALL SELECT a.attname || ' ' || CASE
                        WHEN b.typnamespace = 'pg_catalog'::regnamespace AND b.typelem = 0
                        THEN format_type(b.oid, a.atttypmod)
                        ELSE b.typname || CASE WHEN a.atttypmod < 0 THEN '' ELSE ' ' || a.atttypmod END
                        END, a.attnum
                    FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type b ON b.oid = a.atttypid
                    WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0
                        AND NOT a.attisdropped
                UNION ALL SELECT b.typname, 0 FROM pg_catalog.pg_range r
                    JOIN pg_catalog.pg_type b ON b.oid = r.rngsubtype WHERE r.rngtypid = t.oid
                ) AS i (item, n) ON true
            ORDER BY p.root, p.oid, i.n
            """;

    private TypeParts() {}

    /// One part of a type.
    ///
    /// @param definition the labels of an enum in their order, names and types of the attributes of
    ///   a composite type, or the type of the bounds of a range; otherwise empty
    public record Part(String schema, String name, Kind kind, List<String> definition) {

        public Part {
            definition = List.copyOf(definition);
        }

        public boolean isBuiltIn() {
            return schema.equals("pg_catalog");
        }

        /// Whether both consist of the same. Their schemas may differ.
        public boolean isDefinedAs(Part other) {
            return kind == other.kind && definition.equals(other.definition);
        }
    }

    /// What a definition contains.
    public enum Kind {
        ENUM,
        COMPOSITE,
        RANGE,
        OTHER
    }

    /// The parts of each type that the server has; the type itself is one of them.
    ///
    /// @throws dev.millrace.postgres.Database.DatabaseFailure if the query fails
    public static Map<SqlType, List<Part>> read(Session session, Collection<SqlType> types) {
        List<SqlType> roots = List.copyOf(types);
        if (roots.isEmpty()) {
            return Map.of();
        }
        Map<SqlType, Map<String, Part>> found = new LinkedHashMap<>();
        for (List<@Nullable String> row :
                session.texts(
                        PARTS.formatted(
                                literals(roots.stream().map(SqlType::schema).toList()),
                                literals(roots.stream().map(SqlType::name).toList())))) {
            SqlType root = roots.get(Integer.parseInt(text(row, 0)) - 1);
            String schema = text(row, 1);
            String name = text(row, 2);
            found.computeIfAbsent(root, _ -> new LinkedHashMap<>())
                    .merge(
                            Identifier.quote(schema) + Identifier.quote(name),
                            new Part(schema, name, kind(text(row, 3)), item(row.get(4))),
                            TypeParts::joined);
        }
        return found.entrySet().stream()
                .collect(
                        Collectors.toMap(
                                Map.Entry::getKey,
                                entry -> List.copyOf(entry.getValue().values())));
    }

    private static Part joined(Part one, Part other) {
        List<String> both = new ArrayList<>(one.definition());
        both.addAll(other.definition());
        return new Part(one.schema(), one.name(), one.kind(), both);
    }

    private static List<String> item(@Nullable String item) {
        return item == null ? List.of() : List.of(item);
    }

    private static String text(List<@Nullable String> row, int column) {
        return Objects.requireNonNull(row.get(column));
    }

    private static Kind kind(String letter) {
        return switch (letter) {
            case "e" -> Kind.ENUM;
            case "c" -> Kind.COMPOSITE;
            case "r" -> Kind.RANGE;
            default -> Kind.OTHER;
        };
    }

    private static String literals(List<String> names) {
        return names.stream().map(Identifier::literal).collect(Collectors.joining(", "));
    }
}
