package dev.millrace.postgres;

import java.sql.SQLException;

/// A statement of this room that failed. The message names what was asked, the server's sentence
/// and its SQLSTATE; sessions are opened so that the server's detail, which may hold a row, is not
/// in it.
public final class DatabaseFailure extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final SqlFailure kind;

    public DatabaseFailure(String what, SQLException cause) {
        super(what + ": " + cause.getMessage() + " (SQLSTATE " + cause.getSQLState() + ")", cause);
        kind = SqlFailure.of(cause);
    }

    public SqlFailure kind() {
        return kind;
    }
}
