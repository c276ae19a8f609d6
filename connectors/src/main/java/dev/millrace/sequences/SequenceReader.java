package dev.millrace.sequences;

import dev.millrace.change.TableId;
import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.SqlFailure;
import dev.millrace.sequences.Sequence.Supply;
import dev.millrace.sequences.SequencePlan.Position;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Reads and sets the positions of sequences, and reads the farthest value of a column. Not
/// thread-safe; confined to the thread that owns the connection.
final class SequenceReader {

    /// Positions that one statement reads: each sequence in it is locked for the time of the
    /// statement.
    private static final int AT_ONCE = 100;

    private final Connection connection;

    /// @param timeout of each statement
    SequenceReader(Connection connection, Duration timeout) throws SQLException {
        this.connection = connection;
        try (Statement statement = connection.createStatement()) {
            statement.execute("SET statement_timeout = " + timeout.toMillis());
        }
    }

    /// The farthest value of a column.
    sealed interface Farthest {

        /// @param value empty if no row has a value
        record Known(Optional<BigInteger> value) implements Farthest {}

        /// The statement reached its timeout.
        record TooSlow() implements Farthest {}

        /// The column contains NaN or an infinity.
        record NoNumber() implements Farthest {}
    }

    List<List<@Nullable String>> texts(String sql) throws SQLException {
        try (Statement statement = statement();
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

    Map<TableId, Position> positions(List<TableId> sequences) throws SQLException {
        Map<TableId, Position> positions = new HashMap<>();
        for (int start = 0; start < sequences.size(); start += AT_ONCE) {
            read(sequences.subList(start, Math.min(start + AT_ONCE, sequences.size())), positions);
        }
        return positions;
    }

    private void read(List<TableId> sequences, Map<TableId, Position> positions)
            throws SQLException {
        List<String> selects = new ArrayList<>();
        for (int i = 0; i < sequences.size(); i++) {
            selects.add(
                    "SELECT "
                            + i
                            + ", last_value, is_called FROM "
                            + Identifier.quote(sequences.get(i)));
        }
        try (Statement statement = statement();
                ResultSet row = statement.executeQuery(String.join(" UNION ALL ", selects))) {
            while (row.next()) {
                positions.put(
                        sequences.get(row.getInt(1)),
                        new Position(row.getLong(2), row.getBoolean(3)));
            }
        }
    }

    Farthest farthest(Supply supply, boolean ascends) throws SQLException {
        try (Statement statement = statement();
                ResultSet row =
                        statement.executeQuery(
                                "SELECT pg_catalog."
                                        + (ascends ? "max(" : "min(")
                                        + Identifier.quote(supply.column())
                                        + ")::text FROM "
                                        + Identifier.quote(supply.table()))) {
            row.next();
            String value = row.getString(1);
            return value == null ? new Farthest.Known(Optional.empty()) : number(value, ascends);
        } catch (SQLException e) {
            if (SqlFailure.of(e) == SqlFailure.CANCELLED) {
                return new Farthest.TooSlow();
            }
            throw e;
        }
    }

    private static Farthest number(String value, boolean ascends) {
        if (!Character.isDigit(value.charAt(value.length() - 1))) {
            return new Farthest.NoNumber();
        }
        return new Farthest.Known(
                Optional.of(
                        new BigDecimal(value)
                                .setScale(0, ascends ? RoundingMode.CEILING : RoundingMode.FLOOR)
                                .toBigInteger()));
    }

    /// Sets the position if it is still the expected one. A session can take a value between the
    /// comparison and the change; the margin is far larger than what it can take in that time.
    ///
    /// @return whether the position was the expected one
    boolean set(TableId sequence, Position expected, Position to) throws SQLException {
        String name = Identifier.quote(sequence);
        try (Statement statement = statement();
                ResultSet row =
                        statement.executeQuery(
                                "SELECT pg_catalog.setval("
                                        + Identifier.literal(name)
                                        + "::regclass, "
                                        + to.lastValue()
                                        + ", "
                                        + to.called()
                                        + ") FROM "
                                        + name
                                        + " WHERE last_value = "
                                        + expected.lastValue()
                                        + " AND is_called = "
                                        + expected.called())) {
            return row.next();
        }
    }

    private Statement statement() throws SQLException {
        Statement statement = connection.createStatement();
        statement.setEscapeProcessing(false);
        return statement;
    }
}
