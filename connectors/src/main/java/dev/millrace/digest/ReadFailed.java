package dev.millrace.digest;

import dev.millrace.lifecycle.FailureClassifier;
import dev.millrace.lifecycle.Reason;
import dev.millrace.postgres.SqlState.ErrorClass;
import java.sql.SQLException;

/// Thrown when a side cannot be read. The message names the side and the reason and contains no
/// value of a row: PostgreSQL's message is repeated only for classes of errors that do not quote
/// data.
public final class ReadFailed extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final boolean permanent;

    public ReadFailed(String side, SQLException cause) {
        super(
                "the " + side + " could not be read: " + reason(cause),
                Reason.namesOnly(cause.getSQLState()) ? cause : null);
        // FEATURE_NOT_SUPPORTED is also the class of a plan that must be made again after DDL.
        permanent =
                FailureClassifier.rejectsStatement(cause)
                        && ErrorClass.of(cause) != ErrorClass.FEATURE_NOT_SUPPORTED;
    }

    /// Whether the same read fails again: because of the statement, the table or a value.
    public boolean isPermanent() {
        return permanent;
    }

    private static String reason(SQLException failure) {
        String state = String.valueOf(failure.getSQLState());
        return ErrorClass.of(failure).isAboutValues()
                ? "a value does not fit the type of the target column (SQLSTATE " + state + ")"
                : Reason.of(failure) + " (SQLSTATE " + state + ")";
    }
}
