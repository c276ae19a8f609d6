package dev.millrace.apply;

import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TableId;
import dev.millrace.postgres.Identifier;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Writes what a batch leaves of each table, in the caller's transaction: first what goes, then
/// whole rows, then parts of rows. For the session's thread.
final class RowWriter {

    private final Connection connection;
    private final Map<RowSchema, TableWriter> writers = new HashMap<>();
    private int schemas;

    RowWriter(Connection connection) {
        this.connection = connection;
    }

    /// @throws TableStop when the table can't take its changes
    /// @throws SQLException when the transaction may be tried again, or nothing helps
    void write(TableId table, TableChanges changes) throws TableStop, SQLException {
        try {
            if (changes.lacksPast()) {
                throw new TableStop(table, StopReason.withoutRow(table));
            }
            TableWriter keys = writer(changes.keySchema());
            keys.delete(changes.cleared());
            var complete = changes.complete();
            if (!complete.isEmpty()) {
                writer(complete.getFirst().schema()).upsert(complete);
            }
            var partial = changes.partial();
            if (!partial.isEmpty()) {
                writer(partial.getFirst().schema()).update(partial);
            }
            keys.checkDeferred();
        } catch (SQLException e) {
            if (StopReason.lacksColumn(e)) {
                throw new TableStop(table, e, refusedColumn(changes, e));
            }
            throw stopOr(table, e);
        }
    }

    /// Gives up the transaction. Empty when no column alone explains the failure.
    private Optional<String> refusedColumn(TableChanges changes, SQLException failure)
            throws SQLException, TableStop {
        connection.rollback();
        ended(false);
        List<Row> cleared =
                changes.cleared().stream()
                        .map(
                                key ->
                                        Row.of(
                                                changes.keySchema(),
                                                key.values().toArray(String[]::new)))
                        .toList();
        try {
            for (List<Row> rows : List.of(cleared, changes.complete(), changes.partial())) {
                Optional<String> column =
                        rows.isEmpty()
                                ? Optional.empty()
                                : writer(rows.getFirst().schema()).refusedColumn(rows, failure);
                if (column.isPresent()) {
                    return column;
                }
            }
            return Optional.empty();
        } catch (SQLException e) {
            if (FailureAction.of(e) == FailureAction.STOP_TABLE) {
                return Optional.empty();
            }
            throw e;
        }
    }

    /// Empties the table: TRUNCATE where the role may and no foreign key refers to it, otherwise
    /// DELETE.
    void empty(TableId table) throws TableStop, SQLException {
        String name = Identifier.quote(table);
        try (var statement = connection.createStatement()) {
            var savepoint = connection.setSavepoint();
            try {
                statement.execute("TRUNCATE TABLE " + name);
            } catch (SQLException e) {
                if (FailureAction.of(e) != FailureAction.STOP_TABLE) {
                    throw e;
                }
                connection.rollback(savepoint);
                statement.execute("DELETE FROM " + name);
                requireEmpty(table, statement);
            }
        } catch (SQLException e) {
            throw stopOr(table, e);
        }
    }

    private static void requireEmpty(TableId table, Statement statement)
            throws SQLException, TableStop {
        try (var row =
                statement.executeQuery(
                        "SELECT EXISTS (SELECT FROM " + Identifier.quote(table) + ")")) {
            row.next();
            if (row.getBoolean(1)) {
                throw new TableStop(table, StopReason.swallowed(table, "DELETE"));
            }
        }
    }

    void ended(boolean committed) {
        writers.values().forEach(writer -> writer.ended(committed));
    }

    /// The catalog is read anew: what a table's writers knew of it may be the reason of a failure.
    void forget(TableId table) {
        writers.keySet().removeIf(schema -> schema.table().equals(table));
    }

    private TableWriter writer(RowSchema schema) throws SQLException, TableStop {
        TableWriter writer = writers.get(schema);
        if (writer == null) {
            writer = TableWriter.open(connection, schema, ++schemas);
            writers.put(schema, writer);
        }
        return writer;
    }

    private static SQLException stopOr(TableId table, SQLException failure) throws TableStop {
        if (FailureAction.of(failure) == FailureAction.STOP_TABLE) {
            throw new TableStop(table, failure);
        }
        return failure;
    }
}
