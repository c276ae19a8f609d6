package dev.millrace.apply.refusal;

import dev.millrace.change.TableId;
import java.sql.SQLException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Thrown when the target refuses one of the rows of a statement. Nothing of the statement remains
/// after a rollback, to a savepoint or of the transaction. The message contains no value of a row.
public final class RowRefusal extends Exception {

    private static final long serialVersionUID = 1;

    private final transient TableId table;
    private final transient Consequence consequence;
    private final transient @Nullable SQLException failure;

    private RowRefusal(
            TableId table, Consequence consequence, @Nullable SQLException failure, String reason) {
        super(reason, failure);
        this.table = table;
        this.consequence = consequence;
        this.failure = failure;
    }

    /// @param table or the part of it
    /// @param consequence [Consequence#HOLD] or [Consequence#PARK]
    public static RowRefusal of(TableId table, Consequence consequence, SQLException failure) {
        return new RowRefusal(
                table, consequence, failure, StopReason.cause(table, failure, Optional.empty()));
    }

    /// A change that the target's row of the key cannot take.
    public static RowRefusal of(TableId table, String reason) {
        return new RowRefusal(table, Consequence.PARK, null, reason);
    }

    /// A key that was tried by itself met what would stop the table in a batch.
    public static RowRefusal of(TableStop stop) {
        return new RowRefusal(stop.table(), Consequence.PARK, null, stop.cause());
    }

    /// The same refusal, with the column that did not accept the value.
    public RowRefusal at(Optional<String> column) {
        SQLException known = failure;
        return known == null || column.isEmpty()
                ? this
                : new RowRefusal(table, consequence, known, StopReason.cause(table, known, column));
    }

    /// The table, or the part of it, that the statement writes.
    public TableId table() {
        return table;
    }

    /// Whether another row may be the cause, which changes by itself.
    public boolean isOfOrder() {
        return consequence == Consequence.HOLD;
    }

    public String reason() {
        return String.valueOf(getMessage());
    }

    /// Empty if no statement failed.
    public String sqlState() {
        return failure == null ? "" : String.valueOf(failure.getSQLState());
    }

    /// The failure, if the server's error does not name the column that did not accept a value.
    public Optional<SQLException> lacksColumn() {
        return Optional.ofNullable(failure).filter(StopReason::lacksColumn);
    }

    /// For a table of which no single row can be set aside.
    public TableStop stop(Optional<String> column) {
        SQLException known = failure;
        return known == null ? new TableStop(table, reason()) : new TableStop(table, known, column);
    }
}
