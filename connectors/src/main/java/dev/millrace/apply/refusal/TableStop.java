package dev.millrace.apply.refusal;

import dev.millrace.change.TableId;
import java.sql.SQLException;
import java.util.Optional;

/// Thrown when a table cannot take the changes of a batch. The transaction is rolled back, and the
/// batch is written again without the table. The message contains no value of a row.
public final class TableStop extends Exception {

    private static final long serialVersionUID = 1;

    private final transient TableId table;
    private final transient String cause;
    private final boolean ofShape;

    /// @param cause without what follows from it
    public TableStop(TableId table, String cause) {
        super(StopReason.stopping(table, cause));
        this.table = table.whole();
        this.cause = cause;
        this.ofShape = true;
    }

    private TableStop(TableId table, String cause, String reason) {
        super(reason);
        this.table = table.whole();
        this.cause = cause;
        this.ofShape = false;
    }

    /// A change of the table could not be mapped. It remains in the log, so the table meets it
    /// again when it continues.
    public static TableStop unmapped(TableId table, String cause) {
        return new TableStop(table, cause, StopReason.unmapped(cause));
    }

    public TableStop(TableId table, SQLException failure) {
        this(table, failure, Optional.empty());
    }

    /// @param column the column that refused a value, if the server's error does not name it
    public TableStop(TableId table, SQLException failure, Optional<String> column) {
        this(table, StopReason.cause(table, failure, column));
    }

    /// The table, if a part of it cannot take the changes.
    public TableId table() {
        return table;
    }

    /// Why no row of a statement was accepted, for a key that is tried by itself.
    String cause() {
        return cause;
    }

    /// Whether another definition of the table may remove the cause.
    public boolean isOfShape() {
        return ofShape;
    }

    public String reason() {
        return String.valueOf(getMessage());
    }
}
