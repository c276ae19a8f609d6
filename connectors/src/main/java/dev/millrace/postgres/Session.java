package dev.millrace.postgres;

import dev.millrace.postgres.Database.DatabaseFailure;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// One pooled connection, seen by those who know no JDBC: the catalog, the server's words about
/// itself, and the plan of a statement. One thread at a time; closing it gives the connection back.
public final class Session implements AutoCloseable {

    private final Connection connection;

    Session(Connection connection) {
        this.connection = connection;
    }

    public Catalog sourceCatalog() {
        return Catalog.ofSource(connection);
    }

    public Catalog targetCatalog() {
        return Catalog.ofTarget(connection);
    }

    public Server server() {
        return new Server(connection);
    }

    /// The rows of one statement that only reads, each value as PostgreSQL's text. A question mark
    /// in it is an operator, never a parameter. It may compute for long: a look for one row of a
    /// table whose rows were deleted reads them all.
    ///
    /// @throws DatabaseFailure whose kind says why
    public List<List<@Nullable String>> texts(String sql) {
        try (var _ = LongStatement.on(connection);
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            int columns = rows.getMetaData().getColumnCount();
            List<List<@Nullable String>> result = new ArrayList<>();
            while (rows.next()) {
                List<@Nullable String> texts = new ArrayList<>();
                for (int i = 1; i <= columns; i++) {
                    texts.add(rows.getString(i));
                }
                result.add(texts);
            }
            return result;
        } catch (SQLException e) {
            throw new DatabaseFailure("a reading statement failed", e);
        }
    }

    @Override
    public void close() {
        try {
            connection.close();
        } catch (SQLException e) {
            throw new DatabaseFailure("the connection doesn't go back to the pool", e);
        }
    }

    /// While it is open, statements of one connection may compute for as long as they take: a
    /// digest of a large table, the emptying of one. A server that is gone is noticed by TCP's
    /// keep-alive. One thread, the connection's.
    public static final class LongStatement implements AutoCloseable {

        private final Connection connection;
        private final int before;

        private LongStatement(Connection connection, int before) {
            this.connection = connection;
            this.before = before;
        }

        public static LongStatement on(Connection connection) throws SQLException {
            int before = connection.getNetworkTimeout();
            connection.setNetworkTimeout(Runnable::run, 0);
            return new LongStatement(connection, before);
        }

        @Override
        public void close() throws SQLException {
            connection.setNetworkTimeout(Runnable::run, before);
        }
    }
}
