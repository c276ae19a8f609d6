package dev.millrace.digest;

import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import dev.millrace.change.RowSchema;
import dev.millrace.digest.TableSnapshot.Chunk;
import dev.millrace.digest.TableSnapshot.RowSum;
import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.OutputText;
import dev.millrace.sql.Relation;
import java.math.BigDecimal;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// Reads one table in one snapshot of its side. Not thread-safe.
final class SnapshotReader {

    private static final int FETCH = 5_000;

    private final SnapshotSession session;
    private final ComparedTable table;
    private final SideSql sql;

    SnapshotReader(SnapshotSession session, ComparedTable table, SideSql sql) {
        this.session = session;
        this.table = table;
        this.sql = sql;
    }

    SnapshotSession session() {
        return session;
    }

    ComparedTable table() {
        return table;
    }

    TableDigest digest() {
        return session.read(
                open -> {
                    try (PreparedStatement statement =
                            open.prepareStatement(sql.digest(TableDigest.BUCKETS))) {
                        return digest(statement);
                    }
                });
    }

    TableDigest digest(Chunk.Buckets within, int buckets) {
        return session.read(
                open -> {
                    try (PreparedStatement statement =
                            open.prepareStatement(sql.digestWithin(within.of(), buckets))) {
                        statement.setArray(1, numbers(open, within));
                        return digest(statement);
                    }
                });
    }

    private static TableDigest digest(PreparedStatement statement) throws SQLException {
        statement.setFetchSize(FETCH);
        Map<Integer, RowSum> buckets = new HashMap<>();
        Map<Integer, Long> bytes = new HashMap<>();
        try (ResultSet rows = statement.executeQuery()) {
            while (rows.next()) {
                int number = rows.getInt(1);
                buckets.put(
                        number, new RowSum(rows.getLong(2), wrapped(rows, 3), wrapped(rows, 4)));
                bytes.put(number, rows.getLong(5));
            }
        }
        return new TableDigest(buckets, bytes);
    }

    private static Array numbers(Connection open, Chunk.Buckets buckets) throws SQLException {
        return open.createArrayOf("int4", buckets.numbers().toArray());
    }

    long count() {
        return session.read(
                open -> {
                    try (var statement = open.createStatement();
                            ResultSet row = statement.executeQuery(sql.count())) {
                        row.next();
                        return row.getLong(1);
                    }
                });
    }

    List<RowKey> writtenSince(ServerPosition since, long most) {
        List<RowKey> keys = new ArrayList<>();
        read(
                sql.keysWrittenSince(since, most),
                sql.key().size(),
                texts -> keys.add(table.key(texts)));
        return keys;
    }

    /// The key columns of the source table's rows, with the texts that the stream sends. The user's
    /// SELECT has no `xmin`, so the table itself is read.
    List<Row> writtenSince(ServerPosition since, Relation source, long most) {
        RowSchema schema = RowSchema.keyed(source.id(), source.key(), source.key());
        String columns =
                source.key().stream()
                        .map(name -> source.column(name).orElseThrow())
                        .map(key -> OutputText.of("m." + Identifier.quote(key.name()), key.type()))
                        .collect(Collectors.joining(", "));
        List<Row> rows = new ArrayList<>();
        read(
                "SELECT "
                        + columns
                        + " FROM "
                        + Identifier.quote(source.id())
                        + " AS m WHERE "
                        + since.writtenSince("m.xmin")
                        + " LIMIT "
                        + most,
                schema.size(),
                texts -> rows.add(Row.of(schema, texts)));
        return rows;
    }

    private void read(String query, int columns, Consumer<@Nullable String[]> row) {
        session.read(
                open -> {
                    try (var statement = open.createStatement()) {
                        statement.setFetchSize(FETCH);
                        try (ResultSet rows = statement.executeQuery(query)) {
                            while (rows.next()) {
                                row.accept(texts(rows, columns));
                            }
                        }
                        return true;
                    }
                });
    }

    Map<RowKey, RowSum> sums(Chunk chunk) {
        return switch (chunk) {
            case Chunk.Buckets buckets -> sumsOfBuckets(buckets);
            case Chunk.Keys(var keys) -> keys.isEmpty() ? Map.of() : sumsOfKeys(keys);
        };
    }

    private Map<RowKey, RowSum> sumsOfBuckets(Chunk.Buckets buckets) {
        return session.read(
                open -> {
                    try (PreparedStatement statement =
                            open.prepareStatement(sql.sumsOfBuckets(buckets.of()))) {
                        statement.setArray(1, numbers(open, buckets));
                        return sums(statement);
                    }
                });
    }

    private Map<RowKey, RowSum> sumsOfKeys(List<RowKey> keys) {
        return session.read(
                open -> {
                    try (PreparedStatement statement =
                            open.prepareStatement(sql.sumsOfKeys(haveNulls(keys)))) {
                        bind(open, statement, keys);
                        return sums(statement);
                    }
                });
    }

    Map<RowKey, Row> rows(List<RowKey> keys, long bytes) {
        if (keys.isEmpty()) {
            return Map.of();
        }
        return session.read(
                open -> {
                    try (PreparedStatement statement =
                            open.prepareStatement(sql.cellsOfKeys(haveNulls(keys), bytes))) {
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

    /// The rows with the texts that the target's columns print. All rows have one schema.
    List<Row> canonical(List<Row> rows) {
        return rows.isEmpty() || table.isCanonical(rows.getFirst().schema())
                ? rows
                : session.read(open -> CanonicalRows.of(open, table, rows));
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
}
