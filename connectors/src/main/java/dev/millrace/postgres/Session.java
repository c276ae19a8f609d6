package dev.millrace.postgres;

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
}
