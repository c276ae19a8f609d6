package dev.millrace.source;

/// The log holds half a snapshot of this generation.
final class SnapshotInterruptedException extends RuntimeException {

    SnapshotInterruptedException() {
        super("the snapshot was interrupted before its end");
    }
}
