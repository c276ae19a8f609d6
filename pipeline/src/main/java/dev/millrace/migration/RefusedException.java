package dev.millrace.migration;

/// The migration may not start, continue or be compared. The message says why and what to do.
/// Nothing was changed.
public final class RefusedException extends RuntimeException {

    public RefusedException(String message) {
        super(message);
    }
}
