package dev.millrace.chunk;

import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import java.math.BigDecimal;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// One REPEATABLE READ, read-only transaction, and the reads of one side in it. One thread at a
/// time.
final class SnapshotReader implements AutoCloseable {

    private static final int FETCH = 5_000;

    private final String side;
    private final Connection connection;
    private final ComparedTable table;
    private final SideSql sql;

    private SnapshotReader(String side, Connection connection, ComparedTable table, SideSql sql) {
        this.side = side;
        this.connection = connection;
        this.table = table;
        this.sql = sql;
    }

    static SnapshotReader open(String side, Sessions sessions, ComparedTable table, SideSql sql) {
        try {
            return new SnapshotReader(side, begin(sessions), table, sql);
        } catch (SQLException e) {
            throw new ReadFailed(side, e);
        }
    }

    static Connection begin(Sessions sessions) throws SQLException {
        Connection connection = sessions.open();
        try {
            connection.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
            connection.setReadOnly(true);
            connection.setAutoCommit(false);
            try (var statement = connection.createStatement()) {
                // The first statement takes the snapshot: the caller relies on its being taken now.
                statement.execute("SELECT 1");
            }
            return connection;
        } catch (SQLException | RuntimeException e) {
            connection.close();
            throw e;
        }
    }

    ComparedTable table() {
        return table;
    }

    RunningTransactions running() {
        return ask(RunningTransactions::read);
    }

    TableDigest digest() {
        return ask(
                open -> {
                    Map<Integer, RowSum> buckets = new HashMap<>();
                    try (var statement = open.createStatement();
                            var rows = statement.executeQuery(sql.digest())) {
                        while (rows.next()) {
                            buckets.put(
                                    rows.getInt(1),
                                    new RowSum(
                                            rows.getLong(2), wrapped(rows, 3), wrapped(rows, 4)));
                        }
                    }
                    return new TableDigest(buckets);
                });
    }

    Map<RowKey, RowSum> sums(Chunk chunk) {
        return switch (chunk) {
            case Chunk.Buckets(var numbers) -> sumsOfBuckets(numbers.toArray());
            case Chunk.Keys(var keys) -> keys.isEmpty() ? Map.of() : sumsOfKeys(keys);
        };
    }

    private Map<RowKey, RowSum> sumsOfBuckets(Object[] numbers) {
        return ask(
                open -> {
                    try (PreparedStatement statement = open.prepareStatement(sql.sumsOfBuckets())) {
                        statement.setArray(1, open.createArrayOf("int4", numbers));
                        return sums(statement);
                    }
                });
    }

    private Map<RowKey, RowSum> sumsOfKeys(List<RowKey> keys) {
        return ask(
                open -> {
                    try (PreparedStatement statement =
                            open.prepareStatement(sql.sumsOfKeys(haveNulls(keys)))) {
                        bind(open, statement, keys);
                        return sums(statement);
                    }
                });
    }

    Map<RowKey, Row> rows(List<RowKey> keys) {
        if (keys.isEmpty()) {
            return Map.of();
        }
        return ask(
                open -> {
                    try (PreparedStatement statement =
                            open.prepareStatement(sql.cellsOfKeys(haveNulls(keys)))) {
                        bind(open, statement, keys);
                        statement.setFetchSize(FETCH);
                        Map<RowKey, Row> result = new HashMap<>();
                        int columns = table.mapping().target().size();
                        try (ResultSet rows = statement.executeQuery()) {
                            while (rows.next()) {
                                Row row = table.row(texts(rows, columns));
                                result.put(row.key(), row);
                            }
                        }
                        return result;
                    }
                });
    }

    /// Each row's cells as the target's columns print them. Rows share one shape.
    List<Row> canonical(List<Row> rows) {
        return rows.isEmpty() || table.isCanonical(rows.getFirst().shape())
                ? rows
                : ask(open -> CanonicalRows.of(open, table, rows));
    }

    private Map<RowKey, RowSum> sums(PreparedStatement statement) throws SQLException {
        statement.setFetchSize(FETCH);
        int width = sql.key().size();
        Map<RowKey, RowSum> sums = new HashMap<>();
        try (ResultSet rows = statement.executeQuery()) {
            while (rows.next()) {
                RowSum row = new RowSum(1, rows.getLong(width + 1), rows.getLong(width + 2));
                sums.merge(table.key(texts(rows, width)), row, RowSum::plus);
            }
        }
        return sums;
    }

    private void bind(Connection open, PreparedStatement statement, List<RowKey> keys)
            throws SQLException {
        for (int column = 0; column < sql.key().size(); column++) {
            @Nullable Object[] texts = new @Nullable Object[keys.size()];
            for (int i = 0; i < texts.length; i++) {
                texts[i] = keys.get(i).value(column);
            }
            Array array = open.createArrayOf("text", texts);
            statement.setArray(column + 1, array);
        }
    }

    private static boolean haveNulls(List<RowKey> keys) {
        return keys.stream().anyMatch(key -> key.values().contains(null));
    }

    private static @Nullable String[] texts(ResultSet rows, int columns) throws SQLException {
        @Nullable String[] texts = new @Nullable String[columns];
        for (int i = 0; i < columns; i++) {
            texts[i] = rows.getString(i + 1);
        }
        return texts;
    }

    /// The sum modulo 2^64.
    private static long wrapped(ResultSet rows, int column) throws SQLException {
        BigDecimal sum = rows.getBigDecimal(column);
        return sum.toBigIntegerExact().longValue();
    }

    interface Question<T> {
        T of(Connection connection) throws SQLException;
    }

    <T> T ask(Question<T> question) {
        try {
            return question.of(connection);
        } catch (SQLException e) {
            throw new ReadFailed(side, e);
        }
    }

    @Override
    public void close() {
        try (connection) {
            connection.rollback();
        } catch (SQLException e) {
            throw new ReadFailed(side, e);
        }
    }
}
