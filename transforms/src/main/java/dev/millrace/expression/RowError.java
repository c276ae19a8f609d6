package dev.millrace.expression;

/// An error that PostgreSQL raises for a row, in PostgreSQL's words and without any value of the
/// row. The mapper turns it into a rejected row; callers of the mapper never see it.
public sealed class RowError extends RuntimeException {

    private static final long serialVersionUID = 1L;

    RowError(String reason) {
        super(reason, null, false, false);
    }

    /// An expression needs a cell that the row does not contain, because it is unchanged.
    public static final class UnchangedCell extends RowError {

        private static final long serialVersionUID = 1L;

        UnchangedCell(String reason) {
            super(reason);
        }
    }

    public String reason() {
        return String.valueOf(getMessage());
    }
}
