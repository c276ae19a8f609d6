package dev.millrace.postgres;

import dev.millrace.sql.Relation.Collation;
import dev.millrace.sql.Relation.Collation.Provider;
import dev.millrace.sql.Relation.Column;
import dev.millrace.sql.Relation.SqlType;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Reads the columns of tables with their collations and types; a domain's type includes its base
/// types.
final class ColumnReader {

    private static final String COLUMNS =
            """
            SELECT a.attrelid::int8 AS relation, a.attname, a.attnotnull, a.attgenerated <> '' AS generated,
                a.atttypid::int8 AS type, a.atttypmod AS modifier,
                pg_catalog.format_type(a.atttypid, a.atttypmod) AS formatted,
                a.attcollation::int8 AS collation,
                a.atthasdef OR a.attidentity <> '' OR EXISTS (SELECT FROM pg_catalog.pg_type t
                    WHERE t.oid = a.atttypid AND t.typdefault IS NOT NULL) AS defaulted
            FROM pg_catalog.pg_attribute a
            WHERE a.attrelid = ANY (?::int8[]) AND a.attnum > 0 AND NOT a.attisdropped
            ORDER BY a.attrelid, a.attnum
            """;

    /// The types of the columns and all base types of domains.
    private static final String TYPES =
            """
            WITH RECURSIVE used (oid) AS (
                SELECT DISTINCT a.atttypid FROM pg_catalog.pg_attribute a
                WHERE a.attrelid = ANY (?::int8[]) AND a.attnum > 0 AND NOT a.attisdropped
                UNION
                SELECT t.typbasetype FROM used JOIN pg_catalog.pg_type t ON t.oid = used.oid
                WHERE t.typtype = 'd')
            SELECT t.oid::int8 AS oid, n.nspname, t.typname, t.typtype = 'd' AS domain,
                t.typtype = 'e' AS enumerated, t.typnotnull,
                t.typbasetype::int8 AS base, t.typtypmod AS base_modifier,
                CASE WHEN t.typtype = 'd'
                    THEN pg_catalog.format_type(t.typbasetype, t.typtypmod) END AS base_formatted
            FROM used
            JOIN pg_catalog.pg_type t ON t.oid = used.oid
            JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
            """;

    private record Type(
            String schema,
            String name,
            boolean domain,
            boolean enumerated,
            boolean notNull,
            long base,
            int baseModifier,
            String baseFormatted) {}

    private final Connection connection;

    ColumnReader(Connection connection) {
        this.connection = connection;
    }

    Map<Long, List<Column>> columns(Collection<Long> relations) {
        Map<Long, Type> types = new HashMap<>();
        Query.list(connection, TYPES, row -> types.put(row.getLong("oid"), type(row)), relations);
        Map<Long, Collation> collations = new CollationReader(connection).used(relations);
        Map<Long, List<Column>> columns = new HashMap<>();
        Query.list(
                connection,
                COLUMNS,
                row ->
                        columns.computeIfAbsent(row.getLong("relation"), _ -> new ArrayList<>())
                                .add(column(row, types, collations)),
                relations);
        return columns;
    }

    private static Column column(
            ResultSet row, Map<Long, Type> types, Map<Long, Collation> collations)
            throws SQLException {
        long type = row.getLong("type");
        return new Column(
                row.getString("attname"),
                sqlType(types, type, row.getInt("modifier"), row.getString("formatted")),
                row.getBoolean("attnotnull") || domainNotNull(types, type),
                row.getBoolean("generated"),
                collations.getOrDefault(row.getLong("collation"), Collation.NONE),
                row.getBoolean("defaulted"));
    }

    private static SqlType sqlType(
            Map<Long, Type> types, long oid, int modifier, String formatted) {
        Type type = known(types, oid);
        Optional<SqlType> base =
                type.domain()
                        ? Optional.of(
                                sqlType(
                                        types,
                                        type.base(),
                                        type.baseModifier(),
                                        type.baseFormatted()))
                        : Optional.empty();
        return new SqlType(
                type.schema(), type.name(), formatted, modifier, base, type.enumerated());
    }

    private static boolean domainNotNull(Map<Long, Type> types, long oid) {
        Type type = known(types, oid);
        return type.domain() && (type.notNull() || domainNotNull(types, type.base()));
    }

    private static Type known(Map<Long, Type> types, long oid) {
        Type type = types.get(oid);
        if (type == null) {
            throw new IllegalStateException("A column's type changed while the catalog was read.");
        }
        return type;
    }

    private static Type type(ResultSet row) throws SQLException {
        String baseFormatted = row.getString("base_formatted");
        return new Type(
                row.getString("nspname"),
                row.getString("typname"),
                row.getBoolean("domain"),
                row.getBoolean("enumerated"),
                row.getBoolean("typnotnull"),
                row.getLong("base"),
                row.getInt("base_modifier"),
                baseFormatted == null ? "" : baseFormatted);
    }

    /// Reads the collations of columns. The provider of the collation `default` is a property of
    /// the database. A libc collation counts as C only if both its sort order and its character
    /// classification are C.
    static final class CollationReader {

        private static final String COLLATIONS =
                """
                SELECT c.oid::int8 AS oid,
                    CASE WHEN pg_catalog.pg_collation_is_visible(c.oid) THEN c.collname::text
                        ELSE n.nspname || '.' || c.collname END AS name,
                    c.collprovider = 'd' AS is_default, c.collisdeterministic,
                    CASE c.collprovider WHEN 'd' THEN coalesce(d.row ->> 'datlocprovider', 'c')
                        ELSE c.collprovider::text END AS provider,
                    CASE c.collprovider WHEN 'd' THEN d.row ->> 'datcollate' ELSE c.collcollate END AS collate,
                    CASE c.collprovider WHEN 'd' THEN d.row ->> 'datctype' ELSE c.collctype END AS ctype,
                    CASE c.collprovider WHEN 'd' THEN d.row ->> 'datlocale'
                        ELSE to_jsonb(c) ->> 'colllocale' END AS locale
                FROM pg_catalog.pg_collation c
                JOIN pg_catalog.pg_namespace n ON n.oid = c.collnamespace,
                    (SELECT to_jsonb(d) AS row FROM pg_catalog.pg_database d
                        WHERE d.datname = current_database()) d
                WHERE c.oid IN (SELECT a.attcollation FROM pg_catalog.pg_attribute a
                    WHERE a.attrelid = ANY (?::int8[]) AND a.attnum > 0 AND NOT a.attisdropped)
                """;

        private final Connection connection;

        CollationReader(Connection connection) {
            this.connection = connection;
        }

        Map<Long, Collation> used(Collection<Long> relations) {
            Map<Long, Collation> collations = new HashMap<>();
            Query.list(
                    connection,
                    COLLATIONS,
                    row -> collations.put(row.getLong("oid"), collation(row)),
                    relations);
            return collations;
        }

        private static Collation collation(ResultSet row) throws SQLException {
            return new Collation(
                    row.getString("name"), provider(row), row.getBoolean("collisdeterministic"));
        }

        private static Provider provider(ResultSet row) throws SQLException {
            return switch (row.getString("provider")) {
                case "c" ->
                        isC(row.getString("collate")) && isC(row.getString("ctype"))
                                ? Provider.C
                                : Provider.LIBC;
                case "i" -> Provider.ICU;
                case "b" -> isC(row.getString("locale")) ? Provider.C : Provider.BUILTIN;
                case String unknown ->
                        throw new IllegalStateException("Unknown collation provider: " + unknown);
            };
        }

        private static boolean isC(@Nullable String locale) {
            return "C".equals(locale) || "POSIX".equals(locale);
        }
    }
}
