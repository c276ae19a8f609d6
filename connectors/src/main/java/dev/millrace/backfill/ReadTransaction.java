package dev.millrace.backfill;

import dev.millrace.change.TableId;
import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.RunningTransactions;
import dev.millrace.postgres.SqlState;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.function.Predicate;

/// A transaction that reads rows for a window: REPEATABLE READ, read only, with plans that read in
/// the order of pages. It locks the table first, then takes its snapshot, so nothing rewrites or
/// truncates the table between snapshot and read. Not thread-safe; confined to the reader's thread.
///
/// The caller opens the window and copies the delivered transactions before [#begin].
final class ReadTransaction implements AutoCloseable {

    enum Begin {
        /// The caller may read.
        BEGUN,
        /// The snapshot hides a transaction that may have passed before the window was opened. No
        /// transaction is open; try again.
        HIDES_DELIVERED,
        /// Another session locks the table. No transaction is open; try again.
        LOCKED
    }

    /// A page range must be read in order, by one process. The lock is not waited for long, because
    /// the transaction holds back vacuum meanwhile and a pause must take effect.
    private static final String BEGIN =
            """
            BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
            SET LOCAL enable_seqscan = off;
            SET LOCAL enable_tidscan = on;
            SET LOCAL synchronize_seqscans = off;
            SET LOCAL max_parallel_workers_per_gather = 0;
            SET LOCAL lock_timeout = '300ms';
            """;

    private final Connection connection;

    /// @param connection in autocommit mode; the transaction is controlled by statements
    ReadTransaction(Connection connection) {
        this.connection = connection;
    }

    /// @param only without the table's partitions
    /// @param delivered tests whether a snapshot hides what passed before the window was opened
    Begin begin(TableId table, boolean only, Predicate<RunningTransactions> delivered)
            throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(
                    BEGIN
                            + "LOCK TABLE "
                            + (only ? "ONLY " : "")
                            + Identifier.quote(table)
                            + " IN ACCESS SHARE MODE");
            if (delivered.test(snapshot(statement))) {
                statement.execute("ROLLBACK");
                return Begin.HIDES_DELIVERED;
            }
            return Begin.BEGUN;
        } catch (SQLException e) {
            if (SqlState.LOCK_NOT_AVAILABLE.matches(e)) {
                close();
                return Begin.LOCKED;
            }
            throw e;
        }
    }

    private static RunningTransactions snapshot(Statement statement) throws SQLException {
        try (ResultSet row =
                statement.executeQuery(
                        "SELECT pg_catalog.pg_current_snapshot()::text, pg_catalog.pg_is_in_recovery()")) {
            row.next();
            if (row.getBoolean(2)) {
                throw new SQLException(
                        "The source is a standby, whose snapshots do not follow the order of the WAL. Set source.url to the primary.",
                        SqlState.READ_ONLY_TRANSACTION.code());
            }
            return RunningTransactions.parse(row.getString(1));
        }
    }

    /// Ends the transaction, if one is open.
    @Override
    public void close() throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute("ROLLBACK");
        }
    }
}
