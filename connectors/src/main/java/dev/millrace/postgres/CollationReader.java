package dev.millrace.postgres;

import dev.millrace.select.Relation.Collation;
import dev.millrace.select.Relation.Collation.Provider;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Reads the collations of columns. `default` is the database's own, whose provider the database
/// tells; libc counts as C only where comparing and changing case both are.
final class CollationReader {

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
                    throw new IllegalStateException("unknown collation provider " + unknown);
        };
    }

    private static boolean isC(@Nullable String locale) {
        return "C".equals(locale) || "POSIX".equals(locale);
    }
}
