package dev.millrace.apply.refusal;

import dev.millrace.lifecycle.FailureClassifier;
import dev.millrace.postgres.SqlState;
import dev.millrace.postgres.SqlState.ErrorClass;
import java.sql.SQLException;
import java.util.Set;

/// What follows from a failed statement on a target table, by its SQLSTATE. Pure.
public enum Consequence {
    /// The transaction is repeated: the failure passes, or is not about the table.
    RETRY,
    /// Another row of the target is in the way of this one, perhaps only until its own change is
    /// applied.
    HOLD,
    /// The target does not accept the row; other rows of the table go on.
    PARK,
    /// The target accepts no row of this statement; the table is stopped.
    STOP;

    /// Errors that one row causes. A trigger of the user raises the classes of routines.
    private static final Set<ErrorClass> OF_A_ROW =
            Set.of(
                    ErrorClass.CARDINALITY_VIOLATION,
                    ErrorClass.DATA_EXCEPTION,
                    ErrorClass.INTEGRITY_CONSTRAINT_VIOLATION,
                    ErrorClass.TRIGGERED_DATA_CHANGE_VIOLATION,
                    ErrorClass.SQL_ROUTINE_EXCEPTION,
                    ErrorClass.EXTERNAL_ROUTINE_EXCEPTION,
                    ErrorClass.EXTERNAL_ROUTINE_INVOCATION_EXCEPTION,
                    ErrorClass.WITH_CHECK_OPTION_VIOLATION,
                    ErrorClass.PROGRAM_LIMIT_EXCEEDED,
                    ErrorClass.PLPGSQL_ERROR);

    public static Consequence of(SQLException failure) {
        if (!FailureClassifier.rejectsStatement(failure)) {
            return RETRY;
        }
        return switch (SqlState.of(failure)) {
            case UNIQUE_VIOLATION, EXCLUSION_VIOLATION, FOREIGN_KEY_VIOLATION -> HOLD;
            default -> OF_A_ROW.contains(ErrorClass.of(failure)) ? PARK : STOP;
        };
    }
}
