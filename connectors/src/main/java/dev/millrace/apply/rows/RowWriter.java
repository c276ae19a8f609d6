package dev.millrace.apply.rows;

import dev.millrace.apply.refusal.Consequence;
import dev.millrace.apply.refusal.RowRefusal;
import dev.millrace.apply.refusal.StopReason;
import dev.millrace.apply.refusal.TableStop;
import dev.millrace.apply.sql.PartSql;
import dev.millrace.apply.sql.TableRule;
import dev.millrace.apply.sql.TableRule.PartOfRow;
import dev.millrace.apply.sql.TableRule.Truncation;
import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TableId;
import dev.millrace.lifecycle.FailureClassifier;
import dev.millrace.postgres.Identifier;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Writes the compacted changes of each table in the caller's transaction: first deletes, then
/// upserts, then updates of partial rows. Not thread-safe; confined to the session's thread.
public final class RowWriter {

    private final Connection connection;
    private final Map<TableId, TableRule> rules;
    private final Map<RowSchema, TableWriter> writers = new HashMap<>();
    private final Map<RowSchema, PartWriter> parts = new HashMap<>();
    private int schemas;

    public RowWriter(Connection connection, Map<TableId, TableRule> rules) {
        this.connection = connection;
        this.rules = rules;
    }

    /// Deletes what the batch deletes of a part of rows. Call it for all tables of the batch before
    /// [#write] of any; other tables are left for it.
    public void deleteParts(TableId table, TableChanges changes) throws TableStop, SQLException {
        Optional<PartOfRow> part = rule(table).part();
        if (part.isPresent()) {
            try {
                part(changes.keySchema(), part.get()).delete(changes.deletes());
            } catch (SQLException e) {
                throw stopOr(table, e);
            }
        }
    }

    /// @param isBackfilling whether most rows are expected to be new
    /// @throws RowRefusal when the table refuses one of the rows
    /// @throws TableStop when the table cannot take its changes
    /// @throws SQLException when another attempt may succeed, or the failure is not about the table
    public void write(TableId table, TableChanges changes, boolean isBackfilling)
            throws TableStop, RowRefusal, SQLException {
        Optional<PartOfRow> part = rule(table).part();
        if (part.isPresent()) {
            writePart(table, changes, part.get());
            return;
        }
        try {
            if (!isBackfilling || !insert(changes)) {
                upsert(table, changes);
            }
            writer(changes.keySchema()).checkDeferred();
        } catch (SQLException e) {
            throw refusalOr(table, e);
        }
    }

    /// Lets [#move] be called for the table, in this transaction.
    public void prepareMove(TableId table, List<TableChanges> steps)
            throws TableStop, RowRefusal, SQLException {
        try {
            if (!steps.isEmpty()) {
                new MovedRows(connection, table, rule(table)).prepare(steps.getFirst().keySchema());
            }
        } catch (SQLException e) {
            throw refusalOr(table, e);
        }
    }

    /// Changes the rows of the table that exist so that they can swap unique values. Rows that the
    /// changes insert remain to be written by [#write].
    ///
    /// @param steps changes of the table, in their order
    public void move(TableId table, List<TableChanges> steps)
            throws TableStop, RowRefusal, SQLException {
        try {
            new MovedRows(connection, table, rule(table)).change(steps);
        } catch (SQLException e) {
            throw refusalOr(table, e);
        }
    }

    private boolean insert(TableChanges changes) throws TableStop, SQLException {
        List<Row> rows = changes.wholeRows().orElse(List.of());
        return !rows.isEmpty() && writer(rows.getFirst().schema()).insert(rows);
    }

    /// The parts of a row are written apart, so no row of such a table is set aside alone.
    private void writePart(TableId table, TableChanges changes, PartOfRow part)
            throws TableStop, SQLException {
        try {
            requireCells(table, changes);
            List<Row> upserts = changes.upserts();
            if (!upserts.isEmpty()) {
                part(upserts.getFirst().schema(), part).upsert(upserts);
            }
            List<Row> updates = changes.updates();
            if (!updates.isEmpty()) {
                part(updates.getFirst().schema(), part).update(updates);
            }
            writer(changes.keySchema()).checkDeferred();
        } catch (RowRefusal refusal) {
            throw refusal.stop(Optional.empty());
        } catch (SQLException e) {
            if (StopReason.lacksColumn(e)) {
                connection.rollback();
                ended(false);
                throw new TableStop(table, e, refusedColumn(changes, e));
            }
            throw stopOr(table, e);
        }
    }

    private static void requireCells(TableId table, TableChanges changes) throws RowRefusal {
        if (changes.needsDeletedCells()) {
            throw RowRefusal.of(table, StopReason.missingRow(table));
        }
    }

    private void upsert(TableId table, TableChanges changes)
            throws TableStop, RowRefusal, SQLException {
        requireCells(table, changes);
        writer(changes.keySchema()).delete(changes.deletes());
        var upserts = changes.upserts();
        if (!upserts.isEmpty()) {
            writer(upserts.getFirst().schema()).upsert(upserts);
        }
        var updates = changes.updates();
        if (!updates.isEmpty()) {
            writer(updates.getFirst().schema()).update(updates);
        }
    }

    /// Finds the column that caused the failure. Empty when no single column explains it. Leaves
    /// rows in temporary tables: restore a savepoint after it, or roll back.
    public Optional<String> refusedColumn(TableChanges changes, SQLException failure)
            throws SQLException, TableStop {
        List<Row> deletes =
                changes.deletes().stream()
                        .map(
                                key ->
                                        Row.of(
                                                changes.keySchema(),
                                                key.values().toArray(String[]::new)))
                        .toList();
        try {
            for (List<Row> rows : List.of(deletes, changes.upserts(), changes.updates())) {
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
            if (FailureClassifier.rejectsStatement(e)) {
                return Optional.empty();
            }
            throw e;
        }
    }

    /// Deletes the rows that come from a table that was truncated. Where those are all rows, by
    /// TRUNCATE if the role has the privilege and no foreign key refers to the table, otherwise by
    /// DELETE.
    public void empty(TableId table) throws TableStop, SQLException {
        TableRule rule = rule(table);
        if (rule.truncation() instanceof Truncation.Refused) {
            throw new TableStop(table, StopReason.refusesTruncate(table.whole()));
        }
        if (rule.part().isPresent()) {
            emptyPart(table, rule.part().get());
            return;
        }
        String all = Identifier.quote(table);
        try (var statement = connection.createStatement()) {
            if (rule.truncation() instanceof Truncation.Rows(String condition)) {
                delete(table, statement, all + " WHERE " + condition);
                return;
            }
            var savepoint = connection.setSavepoint();
            try {
                statement.execute("TRUNCATE TABLE " + all);
            } catch (SQLException e) {
                if (!FailureClassifier.rejectsStatement(e)) {
                    throw e;
                }
                connection.rollback(savepoint);
                delete(table, statement, all);
            }
        } catch (SQLException e) {
            throw stopOr(table, e);
        }
    }

    private static void delete(TableId table, Statement statement, String rows)
            throws SQLException, TableStop {
        statement.execute("DELETE FROM " + rows);
        try (var row = statement.executeQuery("SELECT EXISTS (SELECT FROM " + rows + ")")) {
            row.next();
            if (row.getBoolean(1)) {
                throw new TableStop(table, StopReason.notExecuted(table, "DELETE"));
            }
        }
    }

    private void emptyPart(TableId table, PartOfRow part) throws TableStop, SQLException {
        try {
            part(RowSchema.keyed(table, part.key(), part.key()), part).empty();
        } catch (SQLException e) {
            throw stopOr(table, e);
        }
    }

    /// The transaction was rolled back to a savepoint.
    public void rolledBack() {
        writers.values().forEach(TableWriter::rolledBack);
    }

    /// The transaction has ended.
    public void ended(boolean committed) {
        writers.values().forEach(writer -> writer.ended(committed));
    }

    /// Discards what is known about the table, so that the next writer reads the catalog again: a
    /// table that changed may be the cause of a failure.
    public void forget(TableId table) throws SQLException {
        for (Map.Entry<RowSchema, TableWriter> each : writers.entrySet()) {
            if (each.getKey().table().whole().equals(table)) {
                each.getValue().close();
            }
        }
        writers.keySet().removeIf(schema -> schema.table().whole().equals(table));
        parts.keySet().removeIf(schema -> schema.table().whole().equals(table));
    }

    /// Whether a single key of the table can be set aside.
    public boolean parksKeys(TableId table) {
        return rule(table).part().isEmpty();
    }

    private TableRule rule(TableId table) {
        return rules.getOrDefault(table, TableRule.NONE);
    }

    private TableWriter writer(RowSchema schema) throws SQLException, TableStop {
        TableWriter writer = writers.get(schema);
        if (writer == null) {
            writer = TableWriter.open(connection, schema, ++schemas, rule(schema.table()));
            writers.put(schema, writer);
        }
        return writer;
    }

    private PartWriter part(RowSchema schema, PartOfRow part) throws SQLException, TableStop {
        PartWriter writer = parts.get(schema);
        if (writer == null) {
            writer =
                    new PartWriter(
                            connection,
                            schema,
                            new PartSql(
                                    schema,
                                    TargetColumns.read(connection, schema),
                                    rule(schema.table()).kept(),
                                    part));
            parts.put(schema, writer);
        }
        return writer;
    }

    private static SQLException refusalOr(TableId table, SQLException failure)
            throws TableStop, RowRefusal {
        Consequence consequence = Consequence.of(failure);
        return switch (consequence) {
            case RETRY -> failure;
            case HOLD, PARK -> throw RowRefusal.of(table, consequence, failure);
            case STOP -> throw new TableStop(table, failure);
        };
    }

    private static SQLException stopOr(TableId table, SQLException failure) throws TableStop {
        if (FailureClassifier.rejectsStatement(failure)) {
            throw new TableStop(table, failure);
        }
        return failure;
    }
}
