package dev.millrace.source;

/// The rows of a snapshot can't be completed: a new generation has to begin.
final class SnapshotInterruptedException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    SnapshotInterruptedException(String reason) {
        super(reason);
    }
}
