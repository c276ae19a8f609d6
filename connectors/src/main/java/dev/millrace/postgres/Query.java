package dev.millrace.postgres;

import dev.millrace.postgres.Database.DatabaseFailure;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Runs one query and maps its rows. A collection parameter is bound as an array of text or of
/// int8. Stateless; uses the calling thread's connection.
final class Query {

    interface RowReader<T extends @Nullable Object> {
        T read(ResultSet row) throws SQLException;
    }

    private Query() {}

    static <T extends @Nullable Object> List<T> list(
            Connection connection,
            String sql,
            RowReader<T> reader,
            @Nullable Object... parameters) {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int i = 0; i < parameters.length; i++) {
                bind(connection, statement, i + 1, parameters[i]);
            }
            try (ResultSet rows = statement.executeQuery()) {
                List<T> result = new ArrayList<>();
                while (rows.next()) {
                    result.add(reader.read(rows));
                }
                return result;
            }
        } catch (SQLException e) {
            throw new DatabaseFailure("A query failed", e);
        }
    }

    static List<String> texts(ResultSet row, String column) throws SQLException {
        Array array = row.getArray(column);
        return array == null ? List.of() : List.of((String[]) array.getArray());
    }

    private static void bind(
            Connection connection, PreparedStatement statement, int at, @Nullable Object value)
            throws SQLException {
        if (value instanceof Collection<?> many) {
            boolean numbers = !many.isEmpty() && many.iterator().next() instanceof Long;
            statement.setArray(
                    at, connection.createArrayOf(numbers ? "int8" : "text", many.toArray()));
        } else {
            statement.setString(at, value == null ? null : value.toString());
        }
    }
}
