package dev.millrace.apply.rows;

import dev.millrace.apply.refusal.TableStop;
import dev.millrace.apply.sql.TableSql.TextInput;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TableId;
import dev.millrace.postgres.Identifier;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Reads how the text of each column is converted to a value in an expression, with the same result
/// as COPY: by the input function of the column's type, then by assignment to the column, which
/// checks length and domain and refuses what does not fit. A cast to the column's declared type, or
/// to a domain, would truncate a long text silently. Stateless.
final class TargetColumns {

    /// The base type of all domains, without its modifier. If the cast from text is a function that
    /// differs from the type's input function, the input function is called instead.
    private static final String TYPES =
            """
            WITH RECURSIVE base (name, declared, type) AS (
                SELECT a.attname, a.atttypid, a.atttypid FROM pg_attribute a
                WHERE a.attrelid = to_regclass(?) AND a.attnum > 0 AND NOT a.attisdropped
                UNION ALL
                SELECT b.name, b.declared, t.typbasetype FROM base b JOIN pg_type t ON t.oid = b.type
                WHERE t.typtype = 'd'
            )
            SELECT b.name, quote_ident(n.nspname) || '.' || quote_ident(t.typname),
                quote_ident(pn.nspname) || '.' || quote_ident(p.proname), p.pronargs,
                CASE WHEN t.typelem <> 0 AND t.typlen = -1 THEN t.typelem ELSE t.oid END,
                EXISTS (SELECT FROM pg_cast c WHERE c.castsource = 'text'::regtype
                    AND c.casttarget = t.oid AND c.castmethod = 'f'),
                t.typtype = 'e' AND b.declared <> t.oid
            FROM base b JOIN pg_type t ON t.oid = b.type AND t.typtype <> 'd'
            JOIN pg_namespace n ON n.oid = t.typnamespace
            JOIN pg_proc p ON p.oid = t.typinput
            JOIN pg_namespace pn ON pn.oid = p.pronamespace
            """;

    private static final String DEFERRED =
            """
            SELECT FROM pg_constraint c, to_regclass(?) AS t
            WHERE c.condeferred AND (c.conrelid = t OR c.confrelid = t) LIMIT 1
            """;

    private static final String TYPE =
            """
            SELECT format_type(a.atttypid, a.atttypmod) FROM pg_attribute a
            WHERE a.attrelid = to_regclass(?) AND a.attname = ? AND NOT a.attisdropped
            """;

    private TargetColumns() {}

    /// The conversion of each column of the schema.
    ///
    /// @throws TableStop when the target has no such table or column
    static List<TextInput> read(Connection connection, RowSchema schema)
            throws SQLException, TableStop {
        Map<String, TextInput> found = new HashMap<>();
        try (PreparedStatement statement = connection.prepareStatement(TYPES)) {
            statement.setString(1, Identifier.quote(schema.table()));
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    found.put(row.getString(1), input(row));
                }
            }
        }
        List<TextInput> inputs = new ArrayList<>();
        for (String column : schema.columns()) {
            TextInput input = found.get(column);
            if (input == null) {
                throw new TableStop(schema.table(), missing(schema, column, found.isEmpty()));
            }
            inputs.add(input);
        }
        return inputs;
    }

    /// The declared type of a column.
    static Optional<String> type(Connection connection, TableId table, String column)
            throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(TYPE)) {
            statement.setString(1, Identifier.quote(table));
            statement.setString(2, column);
            try (ResultSet row = statement.executeQuery()) {
                return row.next() ? Optional.of(row.getString(1)) : Optional.empty();
            }
        }
    }

    /// Whether a constraint of the table is checked at the commit only.
    static boolean hasDeferred(Connection connection, TableId table) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(DEFERRED)) {
            statement.setString(1, Identifier.quote(table));
            try (ResultSet row = statement.executeQuery()) {
                return row.next();
            }
        }
    }

    private static TextInput input(ResultSet row) throws SQLException {
        String relabelled = row.getBoolean(7) ? "::" + row.getString(2) : "";
        if (!row.getBoolean(6)) {
            return new TextInput("", "::" + row.getString(2), relabelled);
        }
        String rest = row.getInt(4) == 3 ? ", " + row.getLong(5) + ", -1" : "";
        return new TextInput(
                row.getString(3) + "(pg_catalog.textout(", ")" + rest + ")", relabelled);
    }

    private static String missing(RowSchema schema, String column, boolean noTable) {
        return noTable
                ? "The target has no table " + schema.table() + ", or the role cannot see it."
                : "The target table " + schema.table() + " has no column " + column + ".";
    }
}
