package dev.millrace.digest;

import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import dev.millrace.change.RowSchema;
import dev.millrace.digest.TableSnapshot.RowSum;
import dev.millrace.digest.TableSnapshot.Written;
import dev.millrace.digest.TargetSnapshot.WrittenRows;
import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.OutputText;
import dev.millrace.sql.Relation;
import java.sql.Array;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Reads all rows of one side once and finds those that were written since a moment. Not
/// thread-safe.
record WrittenScan(SnapshotReader reader) {

    /// A table that fits into the memory that the planner counts on is read without I/O workers
    /// (decision 0076). The server's pages of the table then come from its cache or from the
    /// operating system's, and a worker costs more than it saves.
    private static final String SETTINGS =
            "SELECT set_config('millrace.written', '0', true),"
                    + " CASE WHEN %d <= pg_size_bytes(current_setting('effective_cache_size'))"
                    + " THEN set_config('effective_io_concurrency', '0', true) END";

    /// The rows of the target.
    WrittenRows ofTarget(ServerPosition since, long most) {
        int width = reader.sql().key().size();
        Map<RowKey, RowSum> sums = new HashMap<>();
        Written<RowKey> written =
                read(
                        reader.sql().writtenSince(since, most),
                        texts -> {
                            RowKey key = reader.table().key(Arrays.copyOf(texts, width));
                            if (!SnapshotReader.haveNulls(List.of(key))) {
                                long hash = Long.parseLong(String.valueOf(texts[width]));
                                sums.put(key, RowSum.of(hash));
                            }
                            return key;
                        });
        return new WrittenRows(written, sums);
    }

    /// The key columns of the source table's rows, with the texts that the stream sends. The user's
    /// SELECT has no `xmin`, so the table itself is read.
    Written<Row> ofSource(ServerPosition since, Relation source, long most) {
        RowSchema schema = RowSchema.keyed(source.id(), source.key(), source.key());
        List<String> columns =
                source.key().stream()
                        .map(name -> source.column(name).orElseThrow())
                        .map(key -> OutputText.of("m." + Identifier.quote(key.name()), key.type()))
                        .toList();
        String from = Identifier.quote(source.id()) + " AS m";
        Written<Row> ofTable =
                read(
                        SideSql.writtenSince(since, columns, from, most),
                        texts -> Row.of(schema, texts));
        return reader.table().mapping().mapper().takesEveryRow()
                ? ofTable
                : new Written<>(ofTable.keys(), reader.count());
    }

    private <K> Written<K> read(String query, Function<@Nullable String[], K> key) {
        return reader.session()
                .read(
                        open -> {
                            prepare(open);
                            try (var statement = open.createStatement();
                                    ResultSet row = statement.executeQuery(query)) {
                                row.next();
                                Array texts = row.getArray(2);
                                String[][] keys =
                                        texts == null
                                                ? new String[0][]
                                                : (String[][]) texts.getArray();
                                return new Written<>(
                                        Stream.of(keys).map(key).toList(), row.getLong(1));
                            }
                        });
    }

    /// Passes each row of the target to the visitor.
    void writers(ServerPosition since, TargetSnapshot.Writers visitor) {
        int width = reader.sql().key().size();
        reader.session()
                .read(
                        open -> {
                            prepare(open);
                            try (var statement = open.createStatement()) {
                                statement.setFetchSize(SnapshotReader.FETCH);
                                try (ResultSet rows =
                                        statement.executeQuery(reader.sql().writersSince(since))) {
                                    while (rows.next()) {
                                        visitor.row(
                                                reader.table()
                                                        .key(SnapshotReader.texts(rows, width)),
                                                (int) rows.getLong(width + 1));
                                    }
                                }
                                return true;
                            }
                        });
    }

    private void prepare(Connection open) throws SQLException {
        try (var statement = open.createStatement()) {
            statement.execute(SETTINGS.formatted(reader.table().bytes()));
        }
    }
}
