package dev.millrace.apply;

import java.sql.ResultSet;
import java.sql.SQLException;

/// What of a table might have rewritten or swallowed a statement that wrote to it. Read in the same
/// transaction after the statement it holds until the commit, because CREATE RULE and CREATE
/// TRIGGER wait for the statement's lock on the table.
///
/// @param onUpdate the table has a rule ON UPDATE
/// @param onDelete the table has a rule ON DELETE
/// @param triggers the table has triggers of users, or partitions that may have some
record Rewriters(boolean onUpdate, boolean onDelete, boolean triggers) {

    /// One parameter: the quoted name of the table.
    static final String QUERY =
            """
            SELECT EXISTS (SELECT FROM pg_catalog.pg_rewrite r
                    WHERE r.ev_class = c.oid AND c.relhasrules AND r.ev_type = '2'),
                EXISTS (SELECT FROM pg_catalog.pg_rewrite r
                    WHERE r.ev_class = c.oid AND c.relhasrules AND r.ev_type = '4'),
                c.relkind = 'p' OR EXISTS (SELECT FROM pg_catalog.pg_trigger t
                    WHERE t.tgrelid = c.oid AND c.relhastriggers AND NOT t.tgisinternal)
            FROM pg_catalog.pg_class c WHERE c.oid = pg_catalog.to_regclass(?)
            """;

    static Rewriters read(ResultSet row) throws SQLException {
        return new Rewriters(row.getBoolean(1), row.getBoolean(2), row.getBoolean(3));
    }

    /// Whether rows that a DELETE of some keys did not count may be there all the same.
    boolean mayKeepRows(int deleted, int keys) {
        return onDelete || triggers && deleted < keys;
    }
}
