package dev.millrace.expression;

/// A row for which PostgreSQL raises an error, in PostgreSQL's words and without any value of the
/// row. Travels from the depth of an expression to the mapper, which makes a rejection of it; never
/// leaves this room.
public final class RowError extends RuntimeException {

    private static final long serialVersionUID = 1L;

    RowError(String reason) {
        super(reason, null, false, false);
    }

    public String reason() {
        return String.valueOf(getMessage());
    }
}
