package dev.millrace.apply;

import dev.millrace.change.TableId;
import java.sql.SQLException;
import java.util.Optional;

/// A table can't take the changes of a batch. The transaction is given up; the batch is written
/// again without the table. Its message holds no value of a row.
final class TableStop extends Exception {

    private static final long serialVersionUID = 1;

    private final transient TableId table;

    TableStop(TableId table, String reason) {
        super(reason);
        this.table = table;
    }

    TableStop(TableId table, SQLException failure) {
        this(table, failure, Optional.empty());
    }

    /// @param column whose type did not take its text, where the server didn't name it
    TableStop(TableId table, SQLException failure, Optional<String> column) {
        this(table, StopReason.of(table, failure, column));
    }

    TableId table() {
        return table;
    }

    String reason() {
        return String.valueOf(getMessage());
    }
}
