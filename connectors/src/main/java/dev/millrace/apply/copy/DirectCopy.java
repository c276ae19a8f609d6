package dev.millrace.apply.copy;

import dev.millrace.apply.refusal.StopReason;
import dev.millrace.apply.refusal.TableStop;
import dev.millrace.apply.sql.TableSql;
import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;
import dev.millrace.lifecycle.FailureClassifier;
import dev.millrace.postgres.Identifier;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.util.List;
import java.util.stream.IntStream;

/// Copies rows straight into their table, while the table is being backfilled: for rows that do not
/// exist yet this costs the server less than half of an upsert. Not thread-safe; confined to the
/// session's thread.
///
/// A row may exist nevertheless: after a restart, or because the stream wrote its key, or twice in
/// one batch. The table's unique index on the key refuses it then, the savepoint is restored, and
/// the caller upserts the same rows. *Every* refused COPY is left to the upsert, also one that
/// names another index: PostgreSQL checks the indexes in the order of their creation, so a row that
/// exists already may violate an older index first although it conflicts with nothing but itself.
/// The upsert judges by the key and fails as well if the violation is a real one.
///
/// The rows are copied in the order of the log. They need no order of locks: no other transaction
/// sees them, and the keys of two partitions differ.
public final class DirectCopy {

    /// With fewer rows the savepoint and the round trips cost more than the upsert.
    public static final int MIN_ROWS = 200;

    /// After so many refused attempts the rows of this table are upserted in this session.
    private static final int ATTEMPTS = 3;

    /// Whether COPY writes exactly the rows that an upsert would insert: a table with a unique
    /// index on exactly the key's columns, which refuses an existing row at once, and without a
    /// rule, because COPY ignores rules.
    private static final String IS_POSSIBLE =
            """
            SELECT c.relkind IN ('r', 'p') AND NOT c.relhasrules
                AND EXISTS (
                    SELECT FROM pg_catalog.pg_index i
                    WHERE i.indrelid = c.oid AND i.indisunique AND i.indimmediate
                        AND i.indisvalid AND i.indisready
                        AND i.indpred IS NULL AND i.indexprs IS NULL
                        AND (SELECT pg_catalog.array_agg(a.attname::text ORDER BY a.attname::text)
                            FROM pg_catalog.pg_attribute a
                            WHERE a.attrelid = c.oid
                                AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1]))
                        = (SELECT pg_catalog.array_agg(k ORDER BY k)
                            FROM pg_catalog.unnest(?::text[]) AS k))
            FROM pg_catalog.pg_class c WHERE c.oid = pg_catalog.to_regclass(?)
            """;

    private final Connection connection;
    private final RowSchema schema;
    private final String statement;
    private final List<Integer> columns;
    private int refused;
    private boolean checked;

    public DirectCopy(Connection connection, RowSchema schema, TableSql sql) {
        this.connection = connection;
        this.schema = schema;
        columns = IntStream.range(0, schema.size()).boxed().toList();
        statement = sql.copyIntoTable(columns);
    }

    /// Copies the rows, or leaves the table as it was.
    ///
    /// @return false when the rows must be upserted instead
    /// @throws TableStop when the target did not write all of them
    public boolean write(List<Row> rows) throws SQLException, TableStop {
        if (refused >= ATTEMPTS || !checked && !isPossible()) {
            refused = ATTEMPTS;
            return false;
        }
        checked = true;
        Savepoint before = connection.setSavepoint();
        long copied;
        try {
            copied = RowCopy.send(connection, statement, columns, rows);
        } catch (SQLException e) {
            if (!FailureClassifier.rejectsStatement(e)) {
                throw e;
            }
            connection.rollback(before);
            refused++;
            return false;
        }
        // The lock of the COPY keeps the index and the rules as they are until the commit.
        if (!isPossible()) {
            connection.rollback(before);
            refused = ATTEMPTS;
            return false;
        }
        if (copied != rows.size()) {
            throw new TableStop(schema.table(), StopReason.notExecuted(schema.table(), "INSERT"));
        }
        connection.releaseSavepoint(before);
        return true;
    }

    private boolean isPossible() throws SQLException {
        try (PreparedStatement query = connection.prepareStatement(IS_POSSIBLE)) {
            query.setArray(
                    1,
                    connection.createArrayOf("text", schema.keyColumns().toArray(String[]::new)));
            query.setString(2, Identifier.quote(schema.table()));
            try (ResultSet row = query.executeQuery()) {
                return row.next() && row.getBoolean(1);
            }
        }
    }
}
