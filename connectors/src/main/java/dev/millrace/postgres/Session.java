package dev.millrace.postgres;

import java.sql.Connection;
import java.sql.SQLException;
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

    /// The rows of one statement that only reads, each value as PostgreSQL's text: EXPLAIN, case
    /// maps, a look whether a table has a row.
    ///
    /// @throws DatabaseFailure whose kind says why
    public List<List<@Nullable String>> texts(String sql) {
        return Query.list(
                connection,
                sql,
                row -> {
                    int columns = row.getMetaData().getColumnCount();
                    List<@Nullable String> texts = new ArrayList<>();
                    for (int i = 1; i <= columns; i++) {
                        texts.add(row.getString(i));
                    }
                    return texts;
                });
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
