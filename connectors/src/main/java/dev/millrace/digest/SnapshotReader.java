package dev.millrace.digest;

import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import dev.millrace.change.RowSchema;
import dev.millrace.digest.TableSnapshot.Chunk;
import dev.millrace.digest.TableSnapshot.RowSum;
import dev.millrace.postgres.Identifier;
import java.math.BigDecimal;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// Reads one table in one snapshot of its side. Not thread-safe.
final class SnapshotReader {

    static final int FETCH = 5_000;

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

    SideSql sql() {
        return sql;
    }

    RangeSnapshot within(KeyRange range) {
        return new RangeSnapshot(this, range);
    }

    /// The text of a composite contains what the output functions print, as the stream does. A
    /// literal without a type takes the type of the column that it is compared with.
    boolean hasRow(Row row) {
        RowSchema schema = row.schema();
        String cells =
                schema.columns().stream()
                        .map(name -> "m." + Identifier.quote(name))
                        .collect(Collectors.joining(", "));
        String key =
                schema.key().stream()
                        .map(
                                column ->
                                        "m."
                                                + Identifier.quote(schema.columns().get(column))
                                                + " = "
                                                + Identifier.literal(
                                                        String.valueOf(row.text(column))))
                        .collect(Collectors.joining(" AND "));
        String texts = String.join(", ", Collections.nCopies(schema.size(), "CAST(? AS text)"));
        return session.read(
                open -> {
                    try (PreparedStatement statement =
                            open.prepareStatement(
                                    "SELECT ROW("
                                            + cells
                                            + ")::text = ROW("
                                            + texts
                                            + ")::text FROM "
                                            + Identifier.quote(schema.table())
                                            + " AS m WHERE "
                                            + key)) {
                        for (int i = 0; i < schema.size(); i++) {
                            statement.setString(i + 1, row.text(i));
                        }
                        try (ResultSet found = statement.executeQuery()) {
                            return found.next() && found.getBoolean(1);
                        }
                    }
                });
    }

    boolean hasNullKey() {
        return session.read(
                open -> {
                    try (var statement = open.createStatement();
                            ResultSet row = statement.executeQuery(sql.hasNullKey())) {
                        row.next();
                        return row.getBoolean(1);
                    }
                });
    }

    Optional<String> keyOrder() {
        return session.read(open -> KeyOrder.read(open, sql));
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

    TableDigest digest(List<RowKey> keys) {
        if (keys.isEmpty()) {
            return new TableDigest(Map.of(), Map.of());
        }
        return session.read(
                open -> {
                    try (PreparedStatement statement =
                            open.prepareStatement(
                                    sql.digestOfKeys(haveNulls(keys), TableDigest.BUCKETS))) {
                        bind(open, statement, keys);
                        return digest(statement);
                    }
                });
    }

    static TableDigest digest(PreparedStatement statement) throws SQLException {
        statement.setFetchSize(FETCH);
        Map<Integer, RowSum> buckets = new HashMap<>();
        Map<Integer, Long> bytes = new HashMap<>();
        try (ResultSet rows = statement.executeQuery()) {
            while (rows.next()) {
                int number = rows.getInt(1);
                buckets.put(number, sum(rows, 2));
                bytes.put(number, rows.getLong(5));
            }
        }
        return new TableDigest(buckets, bytes);
    }

    private static Array numbers(Connection open, Chunk.Buckets buckets) throws SQLException {
        return numbers(open, buckets.numbers());
    }

    static Array numbers(Connection open, Set<Integer> buckets) throws SQLException {
        return open.createArrayOf("int4", buckets.toArray());
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

    Map<RowKey, RowSum> sumsOfKeys(List<RowKey> keys, KeyRange range) {
        return session.read(
                open -> {
                    try (PreparedStatement statement =
                            open.prepareStatement(sql.sumsOfKeys(haveNulls(keys), range))) {
                        bind(open, statement, keys);
                        bind(statement, sql.key().size() + 1, range);
                        return sums(statement);
                    }
                });
    }

    List<RowKey> keys(String query, KeyRange range) {
        return session.read(
                open -> {
                    try (PreparedStatement statement = open.prepareStatement(query)) {
                        statement.setFetchSize(FETCH);
                        bind(statement, 1, range);
                        List<RowKey> keys = new ArrayList<>();
                        try (ResultSet rows = statement.executeQuery()) {
                            while (rows.next()) {
                                keys.add(table.key(texts(rows, sql.key().size())));
                            }
                        }
                        return keys;
                    }
                });
    }

    /// Binds the values of the range's bounds.
    ///
    /// @return the next parameter
    int bind(PreparedStatement statement, int first, KeyRange range) throws SQLException {
        int at = first;
        for (RowKey bound : Arrays.asList(range.from(), range.to())) {
            if (bound != null) {
                for (int column = 0; column < bound.size(); column++) {
                    statement.setString(at++, bound.value(column));
                }
            }
        }
        return at;
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
        Map<RowKey, RowSum> sums = new HashMap<>();
        each(statement, (key, row) -> sums.merge(key, row, RowSum::plus));
        return sums;
    }

    void each(PreparedStatement statement, BiConsumer<RowKey, RowSum> visitor) throws SQLException {
        statement.setFetchSize(FETCH);
        int width = sql.key().size();
        try (ResultSet rows = statement.executeQuery()) {
            while (rows.next()) {
                visitor.accept(table.key(texts(rows, width)), RowSum.of(rows.getLong(width + 1)));
            }
        }
    }

    void bind(Connection open, PreparedStatement statement, List<RowKey> keys) throws SQLException {
        for (int column = 0; column < sql.key().size(); column++) {
            @Nullable Object[] texts = new @Nullable Object[keys.size()];
            for (int i = 0; i < texts.length; i++) {
                texts[i] = keys.get(i).value(column);
            }
            Array array = open.createArrayOf("text", texts);
            statement.setArray(column + 1, array);
        }
    }

    static boolean haveNulls(List<RowKey> keys) {
        return keys.stream().anyMatch(key -> key.values().contains(null));
    }

    static @Nullable String[] texts(ResultSet rows, int columns) throws SQLException {
        @Nullable String[] texts = new @Nullable String[columns];
        for (int i = 0; i < columns; i++) {
            texts[i] = rows.getString(i + 1);
        }
        return texts;
    }

    /// A number of rows, the sum of their hashes, which wraps at 64 bits, and their exclusive or.
    static RowSum sum(ResultSet rows, int first) throws SQLException {
        BigDecimal sum = rows.getBigDecimal(first + 1);
        return new RowSum(
                rows.getLong(first), sum.toBigIntegerExact().longValue(), rows.getLong(first + 2));
    }
}
