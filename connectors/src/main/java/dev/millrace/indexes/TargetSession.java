package dev.millrace.indexes;

import dev.millrace.change.TableId;
import dev.millrace.postgres.Database;
import dev.millrace.postgres.Identifier;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/// A session on the target for long statements, which another thread can cancel. Not thread-safe,
/// except [#cancel].
final class TargetSession implements AutoCloseable {

    /// Locks are visible to every role; what a session creates is not.
    private static final String BUILDER =
            """
            SELECT p.pid FROM pg_catalog.pg_index x, pg_catalog.pg_stat_progress_create_index p
            WHERE x.indexrelid = pg_catalog.to_regclass(%s) AND (p.index_relid = x.indexrelid
                OR p.relid IS NULL AND p.datname = pg_catalog.current_database()
                    AND EXISTS (SELECT FROM pg_catalog.pg_locks l
                        WHERE l.pid = p.pid AND l.locktype = 'relation' AND l.granted
                            AND l.relation = x.indrelid))
            """;

    /// A lock that stops readers or writers must not be awaited for long: they would queue.
    private static final Duration LOCK_TIMEOUT = Duration.ofSeconds(2);

    private final Connection connection;
    private final BooleanSupplier stopping;
    private volatile @Nullable Statement running;

    /// @param stopping whether no further statement may begin
    TargetSession(Database target, BooleanSupplier stopping) throws SQLException {
        this.connection = target.connectForLongStatements("indexes");
        this.stopping = stopping;
    }

    Connection connection() {
        return connection;
    }

    /// The work of one transaction.
    @FunctionalInterface
    interface Work<T> {
        T run(Connection connection) throws SQLException;
    }

    /// Runs the work in a transaction that waits for a lock for two seconds at most and sees every
    /// name qualified.
    <T> T inTransaction(Work<T> work) throws SQLException {
        connection.setAutoCommit(false);
        try {
            execute("SET LOCAL lock_timeout = '" + LOCK_TIMEOUT.toMillis() + "ms'");
            execute("SET LOCAL search_path = ''");
            T result = work.run(connection);
            connection.commit();
            return result;
        } catch (SQLException | RuntimeException e) {
            rollback(e);
            throw e;
        } finally {
            connection.setAutoCommit(true);
        }
    }

    private void rollback(Exception cause) {
        try {
            connection.rollback();
        } catch (SQLException e) {
            cause.addSuppressed(e);
        }
    }

    /// @throws CancellationException when the component stops
    void execute(String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.setEscapeProcessing(false);
            running = statement;
            if (stopping.getAsBoolean()) {
                throw new CancellationException("The component stops.");
            }
            statement.execute(sql);
        } finally {
            running = null;
        }
    }

    List<List<@Nullable String>> texts(String sql) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            int columns = rows.getMetaData().getColumnCount();
            List<List<@Nullable String>> result = new ArrayList<>();
            while (rows.next()) {
                List<@Nullable String> texts = new ArrayList<>();
                for (int column = 1; column <= columns; column++) {
                    texts.add(rows.getString(column));
                }
                result.add(texts);
            }
            return result;
        }
    }

    /// The objects of one table; empty when the table does not exist. Only in a transaction of
    /// [#inTransaction].
    Optional<TableObjects> objects(TableId table) throws SQLException {
        return TableObjects.of(texts(TableObjects.sql(List.of(table)))).stream().findFirst();
    }

    /// The session that creates the index at this moment, for example one of a process that was
    /// killed. Which index a session of another role creates may be hidden; then it counts if it
    /// has a lock on the table.
    Optional<String> builderOf(String index) throws SQLException {
        return texts(BUILDER.formatted(Identifier.literal(index))).stream()
                .map(row -> String.valueOf(row.getFirst()))
                .findFirst();
    }

    /// Cancels the statement that runs. Any thread may call it.
    void cancel() {
        Statement open = running;
        if (open != null) {
            try {
                open.cancel();
            } catch (SQLException _) {
                // The session is lost or the statement has ended.
            }
        }
    }

    @Override
    public void close() throws SQLException {
        connection.close();
    }
}
