package dev.millrace.apply.shape;

import dev.millrace.change.TableId;
import dev.millrace.postgres.Identifier;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// Reads everything in the target's catalog that decides whether a table accepts a row: its
/// columns, the parts of their types down to the labels of enums, constraints, unique indexes,
/// rules, triggers and privileges. Stateless.
public final class TargetShape {

    private static final String SHAPE =
            """
            WITH RECURSIVE part (oid) AS (
                SELECT a.atttypid FROM pg_catalog.pg_attribute a
                WHERE a.attrelid = to_regclass(?) AND a.attnum > 0 AND NOT a.attisdropped
                UNION
                SELECT c.oid FROM part p JOIN pg_catalog.pg_type t ON t.oid = p.oid,
                    LATERAL (SELECT t.typelem WHERE t.typlen = -1 AND t.typelem <> 0
                        UNION ALL SELECT t.typbasetype WHERE t.typtype = 'd'
                        UNION ALL SELECT a.atttypid FROM pg_catalog.pg_attribute a
                            WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0
                                AND NOT a.attisdropped
                        UNION ALL SELECT r.rngsubtype FROM pg_catalog.pg_range r
                            WHERE r.rngtypid = t.oid) AS c (oid))
            SELECT concat_ws('|', c.oid, c.relowner, c.relacl, n.nspacl,
                (SELECT string_agg(concat_ws(' ', a.attnum, quote_ident(a.attname),
                        format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
                        a.attgenerated, a.attacl), ',' ORDER BY a.attnum)
                    FROM pg_catalog.pg_attribute a
                    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
                (SELECT string_agg(e.enumtypid || ' ' || quote_ident(e.enumlabel), ','
                        ORDER BY e.enumtypid, e.enumsortorder)
                    FROM pg_catalog.pg_enum e WHERE e.enumtypid IN (SELECT oid FROM part)),
                (SELECT string_agg(concat_ws(' ', t.oid, t.typnotnull, t.typtypmod), ','
                        ORDER BY t.oid)
                    FROM pg_catalog.pg_type t WHERE t.oid IN (SELECT oid FROM part)),
                (SELECT string_agg(pg_get_constraintdef(o.oid), ',' ORDER BY o.oid)
                    FROM pg_catalog.pg_constraint o
                    WHERE o.conrelid = c.oid OR o.contypid IN (SELECT oid FROM part)),
                (SELECT string_agg(pg_get_indexdef(i.indexrelid), ',' ORDER BY i.indexrelid)
                    FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND i.indisunique),
                (SELECT string_agg(concat(t.tgenabled, pg_get_triggerdef(t.oid)), ',' ORDER BY t.oid)
                    FROM pg_catalog.pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal),
                (SELECT string_agg(concat(r.ev_enabled, pg_get_ruledef(r.oid)), ',' ORDER BY r.oid)
                    FROM pg_catalog.pg_rewrite r WHERE r.ev_class = c.oid))
            FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            WHERE c.oid = to_regclass(?)
            """;

    /// Keys whose value the table did not accept: a column's type or its length, or NULL.
    private static final String REFUSED =
            """
            SELECT target_schema, target_name, id FROM millrace.parked_key
            WHERE migration = ? AND generation = ? AND state = 'parked'
                AND (sql_state LIKE '22%' OR sql_state = '23502') ORDER BY id
            """;

    private static final String STOPPED =
            """
            SELECT target_schema, target_name, CASE WHEN resumed_at IS NULL THEN shape END FROM millrace.stopped_table
            WHERE migration = ? AND generation = ?
            """;

    /// The shape of a table that does not exist.
    public static final String MISSING = "missing";

    private TargetShape() {}

    /// What waits of one table for another shape.
    ///
    /// @param shape the present one
    /// @param keys ids of rejected keys
    /// @param stoppedWith the shape at its stop; empty if the table is not stopped, or not for a
    ///   reason that another shape removes
    /// @param isStopped whether its changes are not applied
    public record Waiting(String shape, List<Long> keys, String stoppedWith, boolean isStopped) {

        public Waiting {
            keys = List.copyOf(keys);
        }
    }

    /// The shape of a table. Two shapes are compared by their text.
    public static String read(Connection connection, TableId table) throws SQLException {
        String name = Identifier.quote(table.whole());
        try (PreparedStatement statement = connection.prepareStatement(SHAPE)) {
            statement.setString(1, name);
            statement.setString(2, name);
            try (ResultSet row = statement.executeQuery()) {
                return row.next() ? row.getString(1) : MISSING;
            }
        }
    }

    /// The tables of which something waits.
    public static Map<TableId, Waiting> waiting(
            Connection connection, String migration, int generation) throws SQLException {
        Map<TableId, List<Long>> keys = new TreeMap<>();
        Map<TableId, String> stopped = new TreeMap<>();
        try (PreparedStatement statement = connection.prepareStatement(REFUSED)) {
            statement.setString(1, migration);
            statement.setInt(2, generation);
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    keys.computeIfAbsent(table(row), _ -> new ArrayList<>()).add(row.getLong(3));
                }
            }
        }
        try (PreparedStatement statement = connection.prepareStatement(STOPPED)) {
            statement.setString(1, migration);
            statement.setInt(2, generation);
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    String shape = row.getString(3);
                    stopped.put(table(row), shape == null ? "" : shape);
                    keys.putIfAbsent(table(row), new ArrayList<>());
                }
            }
        }
        Map<TableId, Waiting> waiting = new TreeMap<>();
        for (Map.Entry<TableId, List<Long>> each : keys.entrySet()) {
            TableId table = each.getKey();
            waiting.put(
                    table,
                    new Waiting(
                            read(connection, table),
                            each.getValue(),
                            stopped.getOrDefault(table, ""),
                            stopped.containsKey(table)));
        }
        return waiting;
    }

    private static TableId table(ResultSet row) throws SQLException {
        return new TableId(row.getString(1), row.getString(2));
    }
}
