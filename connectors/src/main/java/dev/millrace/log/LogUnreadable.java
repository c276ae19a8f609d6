package dev.millrace.log;

/// The log could not be read: Kafka doesn't answer, or the asked offsets are no longer there.
public final class LogUnreadable extends RuntimeException {

    private static final long serialVersionUID = 1L;

    LogUnreadable(String message) {
        super(message);
    }

    LogUnreadable(String message, Throwable cause) {
        super(message, cause);
    }
}
