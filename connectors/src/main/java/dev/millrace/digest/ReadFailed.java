package dev.millrace.digest;

import dev.millrace.lifecycle.Reason;
import dev.millrace.postgres.SqlState.ErrorClass;
import java.sql.SQLException;

/// A side that could not be read. The message says which and why and holds no value of a row:
/// PostgreSQL's own words are repeated only for classes of errors that don't quote data.
public final class ReadFailed extends RuntimeException {

    private static final long serialVersionUID = 1L;

    public ReadFailed(String side, SQLException cause) {
        super(
                "the " + side + " could not be read: " + reason(cause),
                Reason.namesOnly(cause.getSQLState()) ? cause : null);
    }

    private static String reason(SQLException failure) {
        String state = String.valueOf(failure.getSQLState());
        return ErrorClass.of(failure).isAboutValues()
                ? "a value doesn't fit the target column's type (SQLSTATE " + state + ")"
                : Reason.of(failure) + " (SQLSTATE " + state + ")";
    }
}
