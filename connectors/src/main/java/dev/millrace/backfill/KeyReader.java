package dev.millrace.backfill;

import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import dev.millrace.change.RowSchema;
import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.RunningTransactions;
import dev.millrace.postgres.SqlState;
import dev.millrace.sql.Relation;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/// Reads rows of one table by their keys in one transaction, for changes that do not carry the
/// whole row. Not thread-safe; confined to the reader's thread, which owns the connection. Leaves
/// no transaction open.
final class KeyReader {

    /// @param keys those that were asked for; fewer if the limit ended the read. A key without a
    ///   row has none on the source
    /// @param bytes memory of the rows
    record Found(List<Row> rows, Set<RowKey> keys, long bytes) {}

    private final Connection connection;

    KeyReader(Connection connection) {
        this.connection = connection;
    }

    /// @param relation the table, whose partitions are read too; its key columns are the key
    /// @param delivered of [CaptureAccess#deliveredAsOfNow], copied after the window was opened
    /// @return empty if nothing was read; try again soon
    Optional<Found> read(
            Relation relation,
            RowSchema schema,
            List<RowKey> keys,
            RowCopy.Limit limit,
            Predicate<RunningTransactions> delivered)
            throws SQLException {
        try (ReadTransaction transaction = new ReadTransaction(connection)) {
            return switch (transaction.begin(relation.id(), false, delivered)) {
                case HIDES_DELIVERED, LOCKED -> Optional.empty();
                case BEGUN -> {
                    RowCopy.Copied copied =
                            new RowCopy(connection, schema)
                                    .read(from(relation, schema, keys), limit);
                    Set<RowKey> read =
                            copied.complete()
                                    ? Set.copyOf(keys)
                                    : copied.rows().stream()
                                            .map(Row::key)
                                            .collect(Collectors.toCollection(HashSet::new));
                    yield Optional.of(new Found(copied.rows(), read, copied.bytes()));
                }
            };
        } catch (SQLException e) {
            // The end of a read at its limit can arrive late.
            if (SqlState.QUERY_CANCELED.matches(e)) {
                return Optional.empty();
            }
            throw e;
        }
    }

    private static String from(Relation relation, RowSchema schema, List<RowKey> keys) {
        return "FROM "
                + Identifier.quote(relation.id())
                + " t WHERE "
                + schema.keyColumns().stream()
                        .map(name -> compared("t", relation, name))
                        .collect(Collectors.joining(", ", "(", ")"))
                + " IN ("
                + values(relation, keys)
                + ")";
    }

    /// A query that returns the keys as values of the key columns. Their texts are in the
    /// statement, because COPY takes no parameters. They are cast to the types of the columns, so
    /// that an index finds them.
    static String values(Relation relation, List<RowKey> keys) {
        List<String> columns = relation.key();
        return IntStream.range(0, columns.size())
                        .mapToObj(
                                i ->
                                        "k.v"
                                                + i
                                                + "::"
                                                + type(relation, columns.get(i))
                                                + " AS "
                                                + Identifier.quote(columns.get(i)))
                        .collect(Collectors.joining(", ", "SELECT ", ""))
                + IntStream.range(0, columns.size())
                        .mapToObj(i -> Identifier.literal(array(keys, i)) + "::text[]")
                        .collect(Collectors.joining(", ", " FROM unnest(", ")"))
                + IntStream.range(0, columns.size())
                        .mapToObj(i -> "v" + i)
                        .collect(Collectors.joining(", ", " k (", ")"));
    }

    /// The column of a row as it is compared with a value of its [#type].
    static String compared(String row, Relation relation, String column) {
        Relation.SqlType declared = relation.column(column).orElseThrow().type();
        String type = type(relation, column);
        boolean same = type.equals(declared.formatted()) || declared.base().isEmpty();
        return row + "." + Identifier.quote(column) + (same ? "" : "::" + type);
    }

    /// The type in which keys are compared, as SQL names it. A cast to it changes no value.
    static String type(Relation relation, String column) {
        Relation.SqlType declared = relation.column(column).orElseThrow().type();
        Relation.SqlType compared = declared.compared();
        return declared.isModified()
                ? Identifier.quote(compared.schema()) + "." + Identifier.quote(compared.name())
                : compared.formatted();
    }

    private static String array(List<RowKey> keys, int position) {
        return keys.stream()
                .map(key -> key.value(position))
                .map(
                        value ->
                                value == null
                                        ? "NULL"
                                        : '"'
                                                + value.replace("\\", "\\\\").replace("\"", "\\\"")
                                                + '"')
                .collect(Collectors.joining(",", "{", "}"));
    }
}
