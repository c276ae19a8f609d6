package dev.millrace.expression;

/// An error that PostgreSQL raises for a row, in PostgreSQL's words and without any value of the
/// row. The mapper turns it into a rejected row; callers of the mapper never see it.
public final class RowError extends RuntimeException {

    private static final long serialVersionUID = 1L;

    RowError(String reason) {
        super(reason, null, false, false);
    }

    public String reason() {
        return String.valueOf(getMessage());
    }
}
