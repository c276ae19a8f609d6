package dev.millrace.replication;

/// The migration may not start, continue or be compared. The message says why and what to do.
/// Nothing was changed.
public final class RefusedException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    public RefusedException(String message) {
        super(message);
    }
}
