package dev.millrace.apply;

import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/// What the applier does about a failure of the target, decided by the SQLSTATE alone.
enum FailureAction {
    /// It may pass by itself: the same transaction is run again.
    RETRY,
    /// A statement on a target table will fail each time: the table is stopped, the others go on.
    STOP_TABLE,
    /// Nothing in the data explains it and trying again would not help.
    STOP;

    static FailureAction of(SQLException failure) {
        return of(failure.getSQLState());
    }

    private static FailureAction of(@Nullable String state) {
        if (state == null || state.length() != 5) {
            return STOP;
        }
        return switch (state.substring(0, 2)) {
            case "08", "40", "53", "57", "58" -> RETRY;
            case "55" -> state.equals("55P03") ? RETRY : STOP_TABLE;
            // A standby, or a server that was made read-only for a while.
            case "25" -> state.equals("25006") ? RETRY : STOP;
            case "0A", "21", "22", "23", "27", "2F", "38", "39", "3F", "42", "44", "54", "P0" ->
                    STOP_TABLE;
            default -> STOP;
        };
    }

    /// The session may go on after a rollback; anything else about the outside needs a new one.
    static boolean leavesSession(SQLException failure) {
        String state = String.valueOf(failure.getSQLState());
        return state.startsWith("40") || state.equals("55P03") || state.equals("57014");
    }
}
