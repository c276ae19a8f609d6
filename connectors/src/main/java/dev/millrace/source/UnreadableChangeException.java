package dev.millrace.source;

/// The engine or the log holds what this program doesn't know: trying again would find it again.
/// The message names tables, types and kinds and holds no value of a row.
final class UnreadableChangeException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    UnreadableChangeException(String message) {
        super(message);
    }
}
