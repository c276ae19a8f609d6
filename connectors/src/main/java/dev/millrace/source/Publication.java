package dev.millrace.source;

import dev.millrace.change.TableId;
import dev.millrace.postgres.Identifier;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.Collectors;

/// The migration's publication: exactly the tables that the mappings read, never all tables,
/// partitions published through their root. A table without a usable replica identity never comes
/// here: adding it would make the application's own updates fail.
final class Publication {

    private Publication() {}

    /// Creates the publication if it isn't there.
    ///
    /// @throws SourceLostException when it is there with other tables
    static void ensure(Connection connection, String name, SortedSet<TableId> tables)
            throws SQLException {
        SortedSet<TableId> published = tables(connection, name);
        if (exists(connection, name)) {
            if (!published.equals(tables)) {
                throw new SourceLostException(
                        "publication "
                                + name
                                + " publishes "
                                + published
                                + ", the mappings read "
                                + tables
                                + "; changes between are not in the stream");
            }
            return;
        }
        String list =
                tables.stream().map(id -> Identifier.quote(id)).collect(Collectors.joining(", "));
        try (Statement statement = connection.createStatement()) {
            statement.execute(
                    "CREATE PUBLICATION "
                            + Identifier.quote(name)
                            + " FOR TABLE "
                            + list
                            + " WITH (publish = 'insert, update, delete, truncate', publish_via_partition_root = true)");
        }
    }

    static void drop(Connection connection, String name) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute("DROP PUBLICATION IF EXISTS " + Identifier.quote(name));
        }
    }

    private static boolean exists(Connection connection, String name) throws SQLException {
        try (PreparedStatement statement =
                connection.prepareStatement("SELECT 1 FROM pg_publication WHERE pubname = ?")) {
            statement.setString(1, name);
            try (ResultSet row = statement.executeQuery()) {
                return row.next();
            }
        }
    }

    private static SortedSet<TableId> tables(Connection connection, String name)
            throws SQLException {
        SortedSet<TableId> tables = new TreeSet<>();
        try (PreparedStatement statement =
                connection.prepareStatement(
                        "SELECT schemaname, tablename FROM pg_publication_tables WHERE pubname = ?")) {
            statement.setString(1, name);
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    tables.add(new TableId(rows.getString(1), rows.getString(2)));
                }
            }
        }
        return tables;
    }
}
