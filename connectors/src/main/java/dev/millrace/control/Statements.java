package dev.millrace.control;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Runs one statement of a store on the caller's connection. The driver chooses each parameter's
/// SQL type from its Java type; an [Instant] becomes `timestamptz`, a `String[]` becomes `text[]`.
/// Thread-safe: stateless.
public final class Statements {

    @FunctionalInterface
    public interface RowReader<T> {
        T read(ResultSet row) throws SQLException;
    }

    private Statements() {}

    /// @return the number of changed rows
    public static int update(Connection connection, String sql, Object... parameters)
            throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            bind(statement, parameters);
            return statement.executeUpdate();
        }
    }

    public static <T> List<T> list(
            Connection connection, String sql, RowReader<T> reader, Object... parameters)
            throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            bind(statement, parameters);
            List<T> result = new ArrayList<>();
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    result.add(reader.read(row));
                }
            }
            return result;
        }
    }

    public static <T> Optional<T> first(
            Connection connection, String sql, RowReader<T> reader, Object... parameters)
            throws SQLException {
        return list(connection, sql, reader, parameters).stream().findFirst();
    }

    /// For a statement that always returns a row.
    public static <T> T one(
            Connection connection, String sql, RowReader<T> reader, Object... parameters)
            throws SQLException {
        return list(connection, sql, reader, parameters).getFirst();
    }

    private static void bind(PreparedStatement statement, Object... parameters)
            throws SQLException {
        for (int i = 0; i < parameters.length; i++) {
            statement.setObject(
                    i + 1,
                    parameters[i] instanceof Instant instant
                            ? instant.atOffset(ZoneOffset.UTC)
                            : parameters[i]);
        }
    }
}
