package dev.millrace.chunk;

import java.sql.SQLException;

/// A side that could not be read. The message says which and why and holds no value of a row:
/// PostgreSQL's own words are repeated only for classes of errors that don't quote data.
public final class ReadFailed extends RuntimeException {

    private static final long serialVersionUID = 1L;

    ReadFailed(String side, SQLException cause) {
        super(
                "the " + side + " could not be read: " + reason(cause),
                quotesData(cause) ? null : cause);
    }

    private static String reason(SQLException failure) {
        String state = "SQLSTATE " + failure.getSQLState();
        return quotesData(failure)
                ? "a value doesn't fit the target column's type (" + state + ")"
                : failure.getMessage() + " (" + state + ")";
    }

    private static boolean quotesData(SQLException failure) {
        String state = failure.getSQLState();
        return state != null && (state.startsWith("22") || state.startsWith("23"));
    }
}
