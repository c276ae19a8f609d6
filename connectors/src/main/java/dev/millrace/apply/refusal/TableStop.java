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

    /// @param cause without what follows from it
    public TableStop(TableId table, String cause) {
        super(StopReason.stopping(cause));
        this.table = table.whole();
        this.cause = cause;
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

    public String reason() {
        return String.valueOf(getMessage());
    }
}
