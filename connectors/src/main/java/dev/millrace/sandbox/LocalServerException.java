package dev.millrace.sandbox;

import org.jspecify.annotations.Nullable;

/// Thrown when a server on this machine cannot be started or stopped. The message says what failed,
/// why, and what to do, and can be shown to a user.
public final class LocalServerException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    public LocalServerException(String message) {
        this(message, null);
    }

    public LocalServerException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
