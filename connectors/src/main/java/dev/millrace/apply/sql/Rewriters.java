package dev.millrace.apply.sql;

import java.sql.ResultSet;
import java.sql.SQLException;

/// The rules and triggers of a table that may have rewritten or skipped a statement. When they are
/// read after the statement in the same transaction, they are valid until the commit: CREATE RULE
/// and CREATE TRIGGER wait for the statement's lock on the table.
///
/// @param onUpdate whether the table has a rule ON UPDATE
/// @param onDelete whether the table has a rule ON DELETE
/// @param triggers whether the table has user triggers, or partitions that may have some
public record Rewriters(boolean onUpdate, boolean onDelete, boolean triggers) {

    /// Its parameter is the quoted name of the table.
    public static final String QUERY =
            """
            SELECT EXISTS (SELECT FROM pg_catalog.pg_rewrite r
                    WHERE r.ev_class = c.oid AND c.relhasrules AND r.ev_type = '2'),
                EXISTS (SELECT FROM pg_catalog.pg_rewrite r
                    WHERE r.ev_class = c.oid AND c.relhasrules AND r.ev_type = '4'),
                c.relkind = 'p' OR EXISTS (SELECT FROM pg_catalog.pg_trigger t
                    WHERE t.tgrelid = c.oid AND c.relhastriggers AND NOT t.tgisinternal)
            FROM pg_catalog.pg_class c WHERE c.oid = pg_catalog.to_regclass(?)
            """;

    public static Rewriters read(ResultSet row) throws SQLException {
        return new Rewriters(row.getBoolean(1), row.getBoolean(2), row.getBoolean(3));
    }

    /// Whether rows may still exist after a DELETE that reported `deleted` rows for `keys` keys.
    public boolean mayKeepRows(int deleted, int keys) {
        return onDelete || triggers && deleted < keys;
    }
}
